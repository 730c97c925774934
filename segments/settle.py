"""Find the names of a rule on file, so that it says exactly which city, seat or group is meant.

A name that may be two is asked back, an old seat's number is never taken for today's seat of that number, and a
spelling that is only near is taken with a remark.
"""

from dataclasses import dataclass, replace

from orthography import fold, words
from segments.atlas import LANGUAGES, Atlas
from segments.constituencies import ConstituencyMatch, SeatStatus
from segments.gazetteer import Gazetteer
from segments.place_names import resolve_place
from segments.places import Place, PlaceMatch
from segments.rule import InSeat, Named, Rule, RuleError, Term, change_terms
from segments.rule_text import to_text
from segments.seat_names import resolve_constituency

_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Settled:
    """A rule whose names are keys on file, and what the reader should know of how they were found."""

    rule: Rule
    remarks: tuple[str, ...] = ()


def settle_names(rule: Rule, atlas: Atlas, text: str = "") -> Settled:
    """Return the rule with every name as it is on file; settling a settled rule changes nothing.

    :param text: what the rule was parsed from, for errors that point into it
    :raises RuleError: a name is not on file, or may be two things
    """
    remarks: dict[str, None] = {}

    def settle(term: Term) -> Rule:
        settled: Rule
        match term:
            case Named(_, None) | InSeat(None):
                return term
            case Named():
                settled, remark = _settle_name(term, atlas)
            case InSeat():
                settled, remark = _settle_seat(term, atlas)
            case _:
                return term
        if remark:
            remarks[remark] = None
        return settled

    try:
        return Settled(change_terms(rule, settle), tuple(remarks))
    except RuleError as error:
        raise error.located(text) from None


def _settle_name(term: Named, atlas: Atlas) -> tuple[Named, str]:
    name = term.name or ""
    match term.field:
        case "city":
            return _settle_city(term, name, atlas)
        case "district":
            return _settle_area(term, name, atlas.district_names, atlas)
        case "province":
            return _settle_area(term, name, atlas.province_names, atlas)
        case "affinity":
            key = name if name in atlas.affinities else atlas.find_affinity(name)
            if key is None:
                known = ", ".join(sorted(atlas.affinities)) or "none yet"
                raise RuleError(f"There is no group “{name}”.", f"Groups are: {known}.", column=term.at)
            return replace(term, name=key), ""
        case "language":
            for code, names in LANGUAGES.items():
                if words(name) in [words(code), *map(words, names)]:
                    return replace(term, name=code), ""
            raise RuleError(f"“{name}” is not a language that we write.", f"Languages are: {', '.join(LANGUAGES)}.",
                            column=term.at)  # fmt: skip
        case "pickup":
            kind = fold(name)
            if kind not in atlas.pickups:
                raise RuleError(
                    f"“{name}” is no pick-up history.", f"Known are: {', '.join(sorted(atlas.pickups))}.",
                    column=term.at,
                )  # fmt: skip
            return replace(term, name=kind), ""
        case "referrer":
            return replace(term, name="".join(words(name)).upper()), ""


def _settle_city(term: Named, name: str, atlas: Atlas) -> tuple[Named, str]:
    if name in atlas.places:
        return term, ""
    match = resolve_place(name, atlas.gazetteer)
    place = _place_or_error(term, name, match)
    if place.city and place.city != place.name and (city := resolve_place(place.city, atlas.gazetteer).place):
        raise RuleError(
            f"{place.name} is part of {city.name}, and members are filed by city.",
            f"Write {to_text(Named('city', city.key))}, or a constituency.", column=term.at,
        )  # fmt: skip
    remark = "" if match.certain else f"“{name}” was taken for {place.name}."
    return replace(term, name=place.key), remark


def _place_or_error(term: Named, name: str, match: PlaceMatch) -> Place:
    if match.place:
        return match.place
    ways = [
        f"{to_text(Named(term.field, place.key))} ({label})"
        for place, label in zip(match.choices[:_SHOWN], match.alternatives[:_SHOWN], strict=True)
    ]
    if match.is_tie:
        raise RuleError(f"“{name}” may be several places.", f"Write one of {', '.join(ways)}.", column=term.at)
    remedy = f"Did you mean {' or '.join(ways)}?" if ways else "Check the spelling, or load the place."
    raise RuleError(f"There is no {term.field} “{name}” on file.", remedy, column=term.at)


def _settle_area(term: Named, name: str, names: Gazetteer, atlas: Atlas) -> tuple[Named, str]:
    known = atlas.districts if term.field == "district" else atlas.provinces
    if name in known:
        return term, ""
    match = resolve_place(name, names)
    area = match.place.name if match.place else None
    if area is None and not match.is_tie:  # a city's name stands for its district
        place = resolve_place(name, atlas.gazetteer).place
        area = (place.district if term.field == "district" else None) if place else None
    if area is None:
        area = _place_or_error(term, name, match).name
    remark = f"“{name}” was taken for {area}." if match.place and not match.certain else ""
    return replace(term, name=area), remark


def _settle_seat(term: InSeat, atlas: Atlas) -> tuple[InSeat, str]:
    code = term.code or ""
    register = atlas.register
    year = term.delimitation
    if year is not None and (code, year) in atlas.seats:
        return term, _about_old(term, atlas)
    years = sorted({found for _, found in atlas.seats})
    if year is not None and year not in years:
        raise RuleError(
            f"No delimitation of {year} is on file.", f"On file are: {', '.join(map(str, years))}.", column=term.at
        )
    if year is not None and year != register.current:
        read = register.read_codes(fold(code))
        for one in read:
            seat = register.seat(one.house or register.main_house or "", one.number, year)
            if seat:
                settled = replace(term, code=seat.code)
                return settled, _about_old(settled, atlas)
        raise RuleError(f"There was no seat “{code}” in {year}.", "Write its code, such as NA-119.", column=term.at)
    match = resolve_constituency(code, register)
    if match.status is SeatStatus.FOUND and match.constituency and not (match.choices and match.asked is None):
        seat = match.constituency
        return replace(term, code=seat.code, delimitation=seat.delimitation or 0), ""
    raise _seat_error(term, code, match)


def _about_old(term: InSeat, atlas: Atlas) -> str:
    """Say, of a seat that is no more, where its people are filed now."""
    current = atlas.register.current
    seat = atlas.seats.get((term.code or "", term.delimitation or 0))
    if seat is None or current is None or term.delimitation == current:
        return ""
    today = ", ".join(one.code for one in atlas.register.successors(seat)[:_SHOWN])
    near = f" Seats of {current} in its districts: {today}." if today else ""
    return f"{seat.code} is a seat of {term.delimitation}: it holds only members who are still filed under it.{near}"


def _seat_error(term: InSeat, code: str, match: ConstituencyMatch) -> RuleError:
    seats = [match.constituency] if match.constituency else list(match.choices)
    ways = ", ".join(f"constituency:{seat.code} ({seat.name})" for seat in seats[:_SHOWN])
    ways += ", ..." if len(seats) > _SHOWN else ""
    remedy = f"Write one of: {ways}." if ways else "Write its code, such as NA-119."
    if match.old is not None:
        old = match.old
        sentence = f"{old.code} is a number of {old.delimitation}, when it was {old.name}."
        kept = f"constituency:{old.code}@{old.delimitation} for members still filed under the old seat"
        return RuleError(sentence, f"Write {ways or 'a seat of today'}; or {kept}.", column=term.at)
    match match.status:
        case SeatStatus.OUT_OF_RANGE if match.valid_range and match.asked and match.asked[-1:].isdigit():
            low, high = match.valid_range
            house = match.asked.rstrip("0123456789")
            return RuleError(
                f"There is no {match.asked}.", f"Numbers go from {house}{low} to {house}{high}.", column=term.at
            )
        case SeatStatus.AMBIGUOUS:
            return RuleError(f"“{code}” may be several seats.", remedy, column=term.at)
        case SeatStatus.CONTRADICTION:
            return RuleError(f"The number and the name in “{code}” do not go together.", remedy, column=term.at)
    return RuleError(f"There is no seat “{code}” on file.", remedy, column=term.at)
