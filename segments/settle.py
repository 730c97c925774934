"""Find the names of a rule on file, so that it says exactly which city, seat or group is meant.

A name that may be two is asked back, an old seat's number is never taken for today's seat of that number, and a
spelling that is only near is taken with a remark.
"""

from dataclasses import dataclass, replace

from faults import Either, Fault, fault
from faults import Term as FaultTerm
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
    remarks: tuple[Fault, ...] = ()


def settle_names(rule: Rule, atlas: Atlas, text: str = "") -> Settled:
    """Return the rule with every name as it is on file; settling a settled rule changes nothing.

    :param text: what the rule was parsed from, for errors that point into it
    :raises RuleError: a name is not on file, or may be two things
    """
    remarks: dict[str, Fault] = {}

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
            remarks[str(remark)] = remark
        return settled

    try:
        return Settled(change_terms(rule, settle), tuple(remarks.values()))
    except RuleError as error:
        raise error.located(text) from None


def _settle_name(term: Named, atlas: Atlas) -> tuple[Named, Fault | None]:
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
                if not atlas.affinities:
                    raise RuleError(
                        fault("rule.no_group", "There is no group “{name}”.", name=name),
                        fault("rule.no_groups_yet", "Groups are: none yet."),
                        column=term.at,
                    )
                known = ", ".join(sorted(atlas.affinities))
                raise RuleError(
                    fault("rule.no_group", "There is no group “{name}”.", name=name),
                    fault("rule.groups_are", "Groups are: {known}.", known=known),
                    column=term.at,
                )
            return replace(term, name=key), None
        case "language":
            for code, names in LANGUAGES.items():
                if words(name) in [words(code), *map(words, names)]:
                    return replace(term, name=code), None
            raise RuleError(
                fault("rule.no_language", "“{name}” is not a language that we write.", name=name),
                fault("rule.languages_are", "Languages are: {languages}.", languages=", ".join(LANGUAGES)),
                column=term.at,
            )
        case "pickup":
            kind = fold(name)
            if kind not in atlas.pickups:
                raise RuleError(
                    fault("rule.no_pickup", "“{name}” is no pick-up history.", name=name),
                    fault("rule.pickups_are", "Known are: {pickups}.", pickups=", ".join(sorted(atlas.pickups))),
                    column=term.at,
                )
            return replace(term, name=kind), None
        case "referrer":
            return replace(term, name="".join(words(name)).upper()), None


def _settle_city(term: Named, name: str, atlas: Atlas) -> tuple[Named, Fault | None]:
    if name in atlas.places:
        return term, None
    match = resolve_place(name, atlas.gazetteer)
    place = _place_or_error(term, name, match)
    if place.city and place.city != place.name and (city := resolve_place(place.city, atlas.gazetteer).place):
        raise RuleError(
            fault(
                "rule.part_of_city",
                "{name} is part of {city_name}, and members are filed by city.",
                name=place.name,
                city_name=city.name,
            ),
            fault("rule.write_city", "Write {key}, or a constituency.", key=to_text(Named("city", city.key))),
            column=term.at,
        )
    remark = (
        None
        if match.certain
        else fault("rule.taken_for", "“{name}” was taken for {place}.", name=name, place=place.name)
    )
    return replace(term, name=place.key), remark


def _place_or_error(term: Named, name: str, match: PlaceMatch) -> Place:
    if match.place:
        return match.place
    ways = [
        f"{to_text(Named(term.field, place.key))} ({label})"
        for place, label in zip(match.choices[:_SHOWN], match.alternatives[:_SHOWN], strict=True)
    ]
    if match.is_tie:
        raise RuleError(
            fault("rule.several_places", "“{name}” may be several places.", name=name),
            fault("rule.write_one_of", "Write one of {ways}.", ways=", ".join(ways)),
            column=term.at,
        )
    remedy = fault("rule.check_place", "Check the spelling, or load the place.")
    if ways:
        remedy = fault("rule.did_you_mean", "Did you mean {near}?", near=Either(tuple(ways)))
    raise RuleError(
        fault(
            "rule.not_on_file",
            "There is no {field} “{name}” on file.",
            field=FaultTerm("rule_field", term.field),
            name=name,
        ),
        remedy,
        column=term.at,
    )


def _settle_area(term: Named, name: str, names: Gazetteer, atlas: Atlas) -> tuple[Named, Fault | None]:
    known = atlas.districts if term.field == "district" else atlas.provinces
    if name in known:
        return term, None
    match = resolve_place(name, names)
    area = match.place.name if match.place else None
    if area is None and not match.is_tie:  # a city's name stands for its district
        place = resolve_place(name, atlas.gazetteer).place
        area = (place.district if term.field == "district" else None) if place else None
    if area is None:
        area = _place_or_error(term, name, match).name
    near = match.place and not match.certain
    remark = fault("rule.taken_for", "“{name}” was taken for {place}.", name=name, place=area) if near else None
    return replace(term, name=area), remark


def _settle_seat(term: InSeat, atlas: Atlas) -> tuple[InSeat, Fault | None]:
    code = term.code or ""
    register = atlas.register
    year = term.delimitation
    if year is not None and (code, year) in atlas.seats:
        return term, _about_old(term, atlas)
    years = sorted({found for _, found in atlas.seats})
    if year is not None and year not in years:
        raise RuleError(
            fault("rule.no_delimitation", "No delimitation of {year} is on file.", year=year),
            fault("rule.years_are", "On file are: {years}.", years=", ".join(map(str, years))),
            column=term.at,
        )
    if year is not None and year != register.current:
        read = register.read_codes(fold(code))
        for one in read:
            seat = register.seat(one.house or register.main_house or "", one.number, year)
            if seat:
                settled = replace(term, code=seat.code)
                return settled, _about_old(settled, atlas)
        raise RuleError(
            fault("rule.no_old_seat", "There was no seat “{code}” in {year}.", code=code, year=year),
            fault("rule.write_seat", "Write its code, such as NA-119."),
            column=term.at,
        )
    match = resolve_constituency(code, register)
    if match.status is SeatStatus.FOUND and match.constituency and not (match.choices and match.asked is None):
        seat = match.constituency
        return replace(term, code=seat.code, delimitation=seat.delimitation or 0), None
    raise _seat_error(term, code, match)


def _about_old(term: InSeat, atlas: Atlas) -> Fault | None:
    """Say, of a seat that is no more, where its people are filed now."""
    current = atlas.register.current
    seat = atlas.seats.get((term.code or "", term.delimitation or 0))
    if seat is None or current is None or term.delimitation == current:
        return None
    today = ", ".join(one.code for one in atlas.register.successors(seat)[:_SHOWN])
    said: dict[str, str | int] = {"code": seat.code, "year": term.delimitation or 0}
    if not today:
        return fault(
            "rule.old_seat_alone",
            "{code} is a seat of {year}: it holds only members who are still filed under it.",
            **said,
        )
    return fault(
        "rule.old_seat",
        "{code} is a seat of {year}: it holds only members who are still filed under it. Seats of {current} in its "
        "districts: {today}.",
        current=current,
        today=today,
        **said,
    )


def _seat_error(term: InSeat, code: str, match: ConstituencyMatch) -> RuleError:
    seats = [match.constituency] if match.constituency else list(match.choices)
    ways = ", ".join(f"constituency:{seat.code} ({seat.name})" for seat in seats[:_SHOWN])
    ways += ", ..." if len(seats) > _SHOWN else ""
    remedy = fault("rule.write_seat", "Write its code, such as NA-119.")
    if ways:
        remedy = fault("rule.write_one_of_seats", "Write one of: {ways}.", ways=ways)
    if match.old is not None:
        old = match.old
        wrong = fault(
            "rule.old_number",
            "{code} is a number of {year}, when it was {name}.",
            code=old.code,
            year=old.delimitation or 0,
            name=old.name,
        )
        kept = f"constituency:{old.code}@{old.delimitation}"
        remedy = fault(
            "rule.write_today",
            "Write a seat of today; or {kept} for members still filed under the old seat.",
            kept=kept,
        )
        if ways:
            remedy = fault(
                "rule.write_ways",
                "Write {ways}; or {kept} for members still filed under the old seat.",
                ways=ways,
                kept=kept,
            )
        return RuleError(wrong, remedy, column=term.at)
    match match.status:
        case SeatStatus.OUT_OF_RANGE if match.valid_range and match.asked and match.asked[-1:].isdigit():
            low, high = match.valid_range
            house = match.asked.rstrip("0123456789")
            return RuleError(
                fault("rule.no_seat_number", "There is no {asked}.", asked=match.asked),
                fault(
                    "rule.numbers_go",
                    "Numbers go from {first} to {last}.",
                    first=f"{house}{low}",
                    last=f"{house}{high}",
                ),
                column=term.at,
            )
        case SeatStatus.AMBIGUOUS:
            return RuleError(
                fault("rule.several_seats", "“{code}” may be several seats.", code=code), remedy, column=term.at
            )
        case SeatStatus.CONTRADICTION:
            return RuleError(
                fault("rule.contradiction", "The number and the name in “{code}” do not go together.", code=code),
                remedy,
                column=term.at,
            )
    return RuleError(fault("rule.no_seat", "There is no seat “{code}” on file.", code=code), remedy, column=term.at)
