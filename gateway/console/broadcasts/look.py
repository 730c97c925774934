"""What a draft means and costs while it is typed: the audience counted, each text's parts and price, dear letters."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse
from sqlalchemy import Connection

from faults import Fault
from gateway.accounts.viewer import Permission, Viewer
from gateway.audience.counting import count_by_reason
from gateway.broadcasts.drafts import LANGUAGES
from gateway.broadcasts.preview import price_of
from gateway.broadcasts.terms import BroadcastTerms
from gateway.broadcasts.words import written_plainly
from gateway.console.access import allowed
from gateway.console.broadcasts.desk import PATH, audience_for, directory_of, engine_of, terms_of
from gateway.console.broadcasts.lines import CHOICES, FIELDS, TypedRule
from gateway.console.broadcasts.typed import Typed
from gateway.console.forms import Form, form_of
from gateway.console.names import PlaceNames
from gateway.console.shell import console_of, render, visit_of
from gateway.database import reading
from gateway.places.directory import Directory
from gateway.rules.dear_letters import dear_letters
from gateway.rules.templates import TemplateError, check
from segments import RuleError, describe
from segments.atlas import LANGUAGES as LANGUAGE_NAMES

router = APIRouter(include_in_schema=False)
_CITIES = 8
PICKUPS = ("asked", "held", "travelled")


@dataclass
class Counted:
    """What the panel beside a rule shows. `bound` is the rule that counts where the viewer's areas narrow it."""

    sentence: str = ""
    remarks: tuple[Fault, ...] = ()
    bound: str = ""
    matched: int = 0
    recipients: int | None = None
    left_out: Mapping[str, int] = field(default_factory=dict)
    abroad: Mapping[str, int] = field(default_factory=dict)
    by_language: Mapping[str, int] = field(default_factory=dict)
    by_city: Mapping[str, int] = field(default_factory=dict)
    other_cities: int = 0
    no_city: int = 0


@dataclass
class Piece:
    """A piece of a text as it is shown: plain, a place to be filled in, or a letter that costs a part."""

    text: str
    kind: str = ""
    position: int = 0
    replacement: str | None = None
    name: str = ""


@dataclass
class WordsCost:
    """What the text of one language takes. `price` is of one text, `together` of all readers, as far as known."""

    problem: Fault | None = None
    parts: int = 0
    encoding: str = ""
    units_left: int = 0
    price: Decimal | None = None
    together: Decimal | None = None
    readers: int = 0
    currency: str = ""
    pieces: list[Piece] = field(default_factory=list)
    dear: Any = None


def count(connection: Connection, request: Request, viewer: Viewer, rule: TypedRule) -> Counted:
    """Return what a rule counts; its fault goes to `rule.error`."""
    counted = Counted()
    if not rule.text or rule.error:
        return counted
    try:
        audience = audience_for(connection, request, viewer, rule.text)
    except RuleError as error:
        rule.error = error
        return counted
    directory = directory_of(connection)
    found = count_by_reason(connection, audience, directory.place_keys)
    language, names = visit_of(request).language, console_of(request).places
    counted.sentence = describe(audience.rule, audience.atlas, "ur" if language == "ur" else "en")
    counted.remarks = audience.remarks
    counted.bound = audience.text if not viewer.areas.everywhere else ""
    counted.matched, counted.recipients = found.matched, found.recipients
    counted.left_out, counted.abroad, counted.by_language = found.left_out, found.abroad, found.by_language
    cities = {key: number for key, number in found.by_city.items() if key is not None}
    counted.by_city = {_city(key, names, language): cities[key] for key in list(cities)[:_CITIES]}
    counted.no_city = found.by_city.get(None, 0)
    counted.other_cities = sum(list(cities.values())[_CITIES:])
    return counted


def words_cost(language: str, text: str, readers: int, terms: BroadcastTerms) -> WordsCost:
    """Return what a template takes for who has no name and no city on file."""
    if not text.strip():
        return WordsCost()
    problem: Fault | None = None
    try:
        check(text)
    except TemplateError as error:
        problem = error.fault
        if "{" in text or "}" in text:
            return WordsCost(problem=problem)
    counted = written_plainly(text, language).counted
    dear = dear_letters(text, lambda words: written_plainly(words, language).body)
    made = WordsCost(problem, counted.parts, counted.encoding, counted.units_left, readers=readers, dear=dear)
    made.pieces = _pieces(text, {one.position: one for one in dear.letters} if dear else {})
    per_part = price_of(terms.prefixes[0] if terms.prefixes else "+", terms)[2]
    if per_part is not None:
        made.price, made.currency = per_part * counted.parts, terms.prices.currency
        made.together = made.price * readers if readers else None
    return made


def choices(directory: Directory, language: str) -> Mapping[str, Any]:
    """Return what the form's lines offer: fields, groups, languages, pick-up histories and delimitations."""
    groups = [(one.key, one.names.get(language) or one.names.get("en") or one.key) for one in directory.groups.all]
    native = {code: next((name for name in names if not name.isascii()), names[0])
              for code, names in LANGUAGE_NAMES.items()}  # fmt: skip
    languages = [(code, native[code] if language == "ur" else names[0]) for code, names in LANGUAGE_NAMES.items()]
    years = sorted({str(year) for _, year in directory.seats if year}, reverse=True)
    return {
        "affinity": groups, "language": languages, "pickup": [(kind, None) for kind in PICKUPS], "years": years,
        "fields": FIELDS, "ticked": CHOICES,
    }  # fmt: skip


def fragments(connection: Connection, request: Request, viewer: Viewer, typed: Typed) -> dict[str, Any]:
    """Return everything that the page of a draft shows beside what is typed."""
    terms = terms_of(request)
    counted = count(connection, request, viewer, typed.rule)
    if counted.recipients is not None:
        typed.readers = counted.by_language
    return {
        "typed": typed,
        "counted": counted,
        "costs": {code: words_cost(code, text, _readers(typed, code, terms), terms) for code, text in _all(typed)},
        "choices": choices(directory_of(connection), visit_of(request).language),
        "languages": LANGUAGES,
        "terms": terms,
    }


@router.post(f"{PATH}/look")
def look(
    request: Request, viewer: Viewer = Depends(allowed(Permission.WRITE_BROADCASTS)), form: Form = Depends(form_of)
) -> Response:
    """For the page's script: what has to change on the page after what was just typed. Nothing is kept."""
    typed, changed = Typed.read(form), form.text("changed", 8)
    shown: dict[str, str] = {}
    answer: dict[str, Any] = {"fragments": shown}
    with reading(engine_of(request)) as connection:
        if changed == "words":
            terms = terms_of(request)
            for code, text in _all(typed):
                cost = words_cost(code, text, _readers(typed, code, terms), terms)
                shown[f"cost-{code}"] = render(request, "broadcasts/_cost.html", code=code, cost=cost, live=True)
            return JSONResponse(answer)
        if added := form.text("add_now", 20):
            typed.rule.add(added)
        removed = form.number("remove_now")
        if removed is not None and 0 <= removed < len(typed.rule.lines):
            del typed.rule.lines[removed]
        typed.rule.agree(changed if changed in ("rule", "form") else "")
        values = fragments(connection, request, viewer, typed)
    shown["count"] = render(request, "broadcasts/_count.html", **values)
    shown["lines"] = render(request, "broadcasts/_lines.html", **values)
    shown["rule-error"] = render(request, "broadcasts/_rule_error.html", **values)
    for code, cost in values["costs"].items():
        shown[f"cost-{code}"] = render(request, "broadcasts/_cost.html", code=code, cost=cost, live=True)
    return JSONResponse(answer | {"rule": typed.rule.text, "lines": typed.rule.mark})


def _all(typed: Typed) -> list[tuple[str, str]]:
    return [(code, typed.texts.get(code, "")) for code in LANGUAGES]


def _readers(typed: Typed, code: str, terms: BroadcastTerms) -> int:
    """Return how many get the text of a language: its readers, and those without a text in theirs."""
    written = [one for one in LANGUAGES if one in typed.texts]
    if code not in written:
        return 0
    fallback = terms.default_language if terms.default_language in written else written[0]
    others = sum(number for one, number in typed.readers.items() if one not in written) if code == fallback else 0
    return typed.readers.get(code, 0) + others


def _pieces(text: str, dear: Mapping[int, Any]) -> list[Piece]:
    pieces: list[Piece] = []
    at, plain = 0, ""
    while at < len(text):
        letter = dear.get(at)
        place = next((name for name in ("{name}", "{city}") if text.startswith(name, at)), "")
        if not letter and not place:
            plain, at = plain + text[at], at + 1
            continue
        if plain:
            pieces.append(Piece(plain))
            plain = ""
        if letter:
            pieces.append(Piece(letter.letter, "dear", letter.position, letter.replacement, letter.name.lower()))
        else:
            pieces.append(Piece(place, "place"))
        at += len(letter.letter if letter else place)
    return [*pieces, Piece(plain)] if plain else pieces


def _city(key: str, names: PlaceNames, language: str) -> str:
    place = names.directory.places.get(key)
    if place is None:
        return key
    said = names.of_key(key, language)
    apart = place.context if key != place.name.casefold() else ""
    return f"{said} ({names.of_name(apart, language)})" if apart else said
