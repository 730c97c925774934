"""An audience rule as a sentence, in English and in Urdu, so that who approves a broadcast reads who gets it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from segments.atlas import LANGUAGES, Atlas
from segments.own_data import PROVINCE_NAMES
from segments.rule import (
    Age,
    And,
    Days,
    Everyone,
    InSeat,
    Named,
    Not,
    Or,
    Reachable,
    RecentDay,
    ReportCount,
    Rule,
    Term,
    When,
)
from segments.rule_text import time_text

Language = Literal["en", "ur"]


@dataclass(frozen=True, slots=True)
class _Words:
    """How one language says the terms. `{}` is the value; each term has a way to say that it does not hold."""

    start: str
    stop: str
    both: str
    either: str
    neither: str
    everyone: tuple[str, str]
    reachable: tuple[str, str]
    named: Mapping[str, tuple[str, str]]
    nothing: Mapping[str, tuple[str, str]]
    seat: tuple[str, str]
    seat_of: str
    no_seat: tuple[str, str]
    at: Mapping[str, str]
    verbs: Mapping[str, tuple[str, str]]
    pickups: Mapping[str, tuple[str, str]]
    reports: tuple[str, str]
    counts: Mapping[str, str]
    today: tuple[str, str]
    hours: str
    days: str
    span: str


_ENGLISH = _Words(
    start="Members who ",
    stop=".",
    both=" and ",
    either=" or ",
    neither="do not fit this: ",
    everyone=("are on file", "are not on file"),
    reachable=("can be reached", "cannot be reached"),
    named={
        "city": ("are filed in {}", "are not filed in {}"),
        "district": ("are in the district of {}", "are not in the district of {}"),
        "province": ("are in the province of {}", "are not in the province of {}"),
        "affinity": ("belong to {}", "do not belong to {}"),
        "language": ("are answered in {}", "are not answered in {}"),
        "referrer": ("were brought by the invite {}", "were not brought by the invite {}"),
    },
    nothing={
        "city": ("have no city on file", "have a city on file"),
        "affinity": ("belong to no group", "belong to some group"),
        "language": ("have not chosen a language", "have chosen a language"),
        "referrer": ("were not invited by a member", "were invited by a member"),
    },
    seat=("are filed in {}", "are not filed in {}"),
    seat_of="{} of the {} delimitation",
    no_seat=("have no national seat on file", "have a national seat on file"),
    at={"<": "before {}", "<=": "on or before {}", ">": "after {}", ">=": "on or after {}", "=": "on {}",
        "in": "in {}",
        "age<": "less than {} ago", "age<=": "at most {} ago", "age>": "more than {} ago", "age>=": "at least {} ago"},
    verbs={
        "joined": ("joined {}", "did not join {}"),
        "seen": ("last texted us {}", "did not last text us {}"),
        "reported": ("sent an iReport {}", "sent no iReport {}"),
        "asked": ("asked for a pick-up point {}", "did not ask for a pick-up point {}"),
    },
    pickups={
        "asked": ("have asked for a pick-up point", "have never asked for a pick-up point"),
        "held": ("hold a seat on a bus", "hold no seat on a bus"),
        "travelled": ("travelled on one of our buses", "never travelled on one of our buses"),
    },
    reports=("have sent {} iReports", "have not sent {} iReports"),
    counts={"<": "fewer than {}", "<=": "at most {}", ">": "more than {}", ">=": "at least {}", "=": "exactly {}"},
    today=("today", "yesterday"),
    hours="{} hours",
    days="{} days",
    span="between {} and {}",
)  # fmt: skip

_URDU = _Words(
    start="وہ ارکان ",
    stop="۔",
    both=" اور ",
    either=" یا ",
    neither="جو اس شرط پر پورے نہیں اترتے: ",
    everyone=("جو فہرست میں ہیں", "جو فہرست میں نہیں ہیں"),
    reachable=("جو رابطے میں ہیں", "جو رابطے میں نہیں ہیں"),
    named={
        "city": ("جو شہر {} میں درج ہیں", "جو شہر {} میں درج نہیں ہیں"),
        "district": ("جو ضلع {} میں ہیں", "جو ضلع {} میں نہیں ہیں"),
        "province": ("جو صوبہ {} میں ہیں", "جو صوبہ {} میں نہیں ہیں"),
        "affinity": ("جو گروپ {} میں ہیں", "جو گروپ {} میں نہیں ہیں"),
        "language": ("جو {} میں جواب پاتے ہیں", "جو {} میں جواب نہیں پاتے"),
        "referrer": ("جو دعوت {} سے آئے", "جو دعوت {} سے نہیں آئے"),
    },
    nothing={
        "city": ("جو کسی شہر میں درج نہیں", "جو کسی شہر میں درج ہیں"),
        "affinity": ("جو کسی گروپ میں نہیں", "جو کسی گروپ میں ہیں"),
        "language": ("جو زبان منتخب نہیں کر چکے", "جو زبان منتخب کر چکے ہیں"),
        "referrer": ("جو کسی رکن کی دعوت سے نہیں آئے", "جو کسی رکن کی دعوت سے آئے"),
    },
    seat=("جو حلقہ {} میں درج ہیں", "جو حلقہ {} میں درج نہیں ہیں"),
    seat_of="{} (حلقہ بندی {})",
    no_seat=("جو قومی اسمبلی کے کسی حلقے میں درج نہیں", "جو قومی اسمبلی کے کسی حلقے میں درج ہیں"),
    at={"<": "{} سے پہلے", "<=": "{} کو یا اس سے پہلے", ">": "{} کے بعد", ">=": "{} کو یا اس کے بعد", "=": "{} کو",
        "in": "{} میں",
        "age<": "{} سے کم عرصہ پہلے", "age<=": "زیادہ سے زیادہ {} پہلے", "age>": "{} سے زیادہ عرصہ پہلے",
        "age>=": "کم از کم {} پہلے"},
    verbs={
        "joined": ("جو {} شامل ہوئے", "جو {} شامل نہیں ہوئے"),
        "seen": ("جنہوں نے آخری بار {} پیغام بھیجا", "جنہوں نے آخری بار {} پیغام نہیں بھیجا"),
        "reported": ("جنہوں نے {} رپورٹ بھیجی", "جنہوں نے {} کوئی رپورٹ نہیں بھیجی"),
        "asked": ("جنہوں نے {} بس کی جگہ پوچھی", "جنہوں نے {} بس کی جگہ نہیں پوچھی"),
    },
    pickups={
        "asked": ("جنہوں نے بس کی جگہ پوچھی ہے", "جنہوں نے بس کی جگہ کبھی نہیں پوچھی"),
        "held": ("جن کی بس میں نشست ہے", "جن کی بس میں نشست نہیں ہے"),
        "travelled": ("جو ہماری بس میں گئے", "جو ہماری بس میں کبھی نہیں گئے"),
    },
    reports=("جنہوں نے {} رپورٹیں بھیجیں", "جنہوں نے {} رپورٹیں نہیں بھیجیں"),
    counts={"<": "{} سے کم", "<=": "زیادہ سے زیادہ {}", ">": "{} سے زیادہ", ">=": "کم از کم {}", "=": "ٹھیک {}"},
    today=("آج", "گزشتہ روز"),
    hours="{} گھنٹے",
    days="{} دن",
    span="{} اور {} کے درمیان",
)  # fmt: skip

_WORDS: Mapping[Language, _Words] = {"en": _ENGLISH, "ur": _URDU}


def describe(rule: Rule, atlas: Atlas, language: Language = "en") -> str:
    """Return one sentence that says whom a rule means; names in that language where they are on file so."""
    words = _WORDS[language]
    said = _Speaker(words, atlas, language).say(rule)
    return f"{words.start}{said}{words.stop}"


class _Speaker:
    def __init__(self, words: _Words, atlas: Atlas, language: Language) -> None:
        self.words, self.atlas, self.language = words, atlas, language

    def say(self, rule: Rule) -> str:
        match rule:
            case And(rules):
                return self.words.both.join(self._inside(part) for part in rules)
            case Or(rules):
                return self.words.either.join(self._inside(part) for part in rules)
            case Not(Not(inner)):
                return self.say(inner)
            case Not(And() | Or() as inner):
                return f"{self.words.neither}({self.say(inner)})"
            case Not(inner):
                return self._term(inner, True)  # type: ignore[arg-type]
        return self._term(rule, False)

    def _inside(self, rule: Rule) -> str:
        """Bracket what another joining word would tear apart."""
        while isinstance(rule, Not) and isinstance(rule.rule, Not):
            rule = rule.rule.rule
        return f"({self.say(rule)})" if isinstance(rule, And | Or) else self.say(rule)

    def _term(self, term: Term, negated: bool) -> str:
        words = self.words
        pick: Callable[[tuple[str, str]], str] = lambda ways: ways[negated]  # noqa: E731
        match term:
            case Everyone():
                return pick(words.everyone)
            case Reachable():
                return pick(words.reachable)
            case Named(field, None):
                return pick(words.nothing[field])
            case Named("pickup", str(kind)):
                return pick(words.pickups[kind])
            case Named():
                return pick(words.named[term.field]).format(self._name(term))
            case InSeat(None):
                return pick(words.no_seat)
            case InSeat():
                return pick(words.seat).format(self._seat(term))
            case When():
                return pick(words.verbs[term.field]).format(self._time(term))
            case ReportCount(comparison, count):
                return pick(words.reports).format(words.counts[comparison].format(count))

    def _name(self, term: Named) -> str:
        name = term.name or ""
        match term.field:
            case "city" if place := self.atlas.places.get(name):
                alike = [one for one in self.atlas.places.values() if one.name == place.name]
                said = place.names.get(self.language, place.name)
                return f"{said} ({place.district or place.context})" if len(alike) > 1 else said
            case "district" | "province":
                return self._area(name)
            case "affinity":
                return self.atlas.affinities.get(name, {}).get(self.language, name)
            case "language":
                names = LANGUAGES.get(name, (name,))
                return (
                    names[0] if self.language == "en" else next((one for one in names if not one.isascii()), names[0])
                )
        return name

    def _area(self, name: str) -> str:
        """Return a district's or province's name in the reader's language, where a place or we have one."""
        if self.language == "en":
            return name
        told = (place.names[self.language] for place in self.atlas.places.values()
                if place.name == name and self.language in place.names)  # fmt: skip
        ours = (other for other in PROVINCE_NAMES.get(name, ()) if not other.isascii())
        return next(told, next(ours, name))

    def _seat(self, term: InSeat) -> str:
        seat = self.atlas.seats.get((term.code or "", term.delimitation or 0))
        said = f"{term.code} {seat.names.get(self.language, seat.name)}" if seat else term.code or ""
        current = self.atlas.register.current
        if term.delimitation and current and term.delimitation != current:
            return self.words.seat_of.format(said, term.delimitation)
        return said

    def _time(self, term: When) -> str:
        words = self.words
        match term.time:
            case Age(hours):
                length = words.hours.format(hours) if hours % 24 else words.days.format(hours // 24)
                return words.at[f"age{term.comparison}"].format(length)
            case RecentDay(back) if term.comparison == "=":
                return words.today[back]
            case RecentDay(back):
                return words.at[term.comparison].format(words.today[back])
            case Days(first, last) if term.comparison == "=" and first != last and ".." in time_text(term.time):
                return words.span.format(first.isoformat(), last.isoformat())
            case Days(first, last) if term.comparison == "=" and first != last:
                return words.at["in"].format(time_text(term.time))
        return words.at[term.comparison].format(time_text(term.time))
