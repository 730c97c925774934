"""Which constituency does a text name? By its code, else by its area and ordinal; an old number is never misfiled."""

import re

from orthography import fold
from segments.constituencies import Constituency, ConstituencyMatch, SeatStatus
from segments.own_data import default_register
from segments.place_names import resolve_tokens
from segments.places import Place
from segments.register import CodeRead, ConstituencyRegister
from segments.spelling import tokens_of, word_set

_YEAR = re.compile(r"(?<![\w-])(?:in |of |election )?((?:19|20)\d\d)(?!\w)")
_OLD_WORDS = re.compile(r"(?<!\w)(?:old|purana|purani|pehle|former|previous|پرانا|پرانی|سابقہ)(?!\w)")
_SEAT_WORDS = word_set(
    "halqa halka hulqa halqah constituency seat my mera meri hamara the is hai in of from se ka ki "
    "حلقہ سیٹ میرا ہے کا سے assembly national provincial number no"
)
_LOOKS_LIKE_SEATS_SHOWN = 5


def resolve_constituency(
    text: str, register: ConstituencyRegister | None = None, *, delimitation: int | None = None
) -> ConstituencyMatch:
    """Say which constituency `text` names.

    `register`: the project's own seats of Pakistan when left out. `delimitation`: the year that a number belongs to,
    unless the text says one; the one in force when left out. Never raises.
    """
    known = default_register() if register is None else register
    folded = fold(text)
    year, folded = _year_in(folded, known, delimitation)
    codes = known.read_codes(folded)
    if codes:
        return _by_codes(codes, folded, known, year)
    tokens = tokens_of(folded)
    if len(tokens) == 1 and tokens[0].isdigit():
        number = int(tokens[0])
        seats = tuple(seat for house in known.houses() if (seat := known.seat(house, number)))
        if len(seats) == 1:
            return ConstituencyMatch(SeatStatus.FOUND, seats[0])
        return ConstituencyMatch(SeatStatus.AMBIGUOUS if seats else SeatStatus.UNKNOWN, choices=seats)
    return by_name(tokens, known)


def _year_in(folded: str, register: ConstituencyRegister, given: int | None) -> tuple[int | None, str]:
    """Return the delimitation that a text speaks of, and the text without it."""
    for match in _YEAR.finditer(folded):
        year = int(match[1])
        if year in register.delimitations:
            return year, folded[: match.start()] + " " + folded[match.end() :]
    old = _OLD_WORDS.search(folded)
    earlier = [year for year in register.delimitations if register.current is not None and year < register.current]
    if old and earlier:
        return earlier[-1], folded[: old.start()] + " " + folded[old.end() :]
    return given, folded


def by_code(code: CodeRead, register: ConstituencyRegister, year: int | None = None) -> ConstituencyMatch:
    """Say which seat a code is in the delimitation in force, coming from `year` when that is an earlier one."""
    house = code.house or register.main_house
    if house is None:
        return ConstituencyMatch()
    asked = f"{house}-{code.number}"
    valid = register.valid_range(house)
    if year is not None and year != register.current:
        old = register.seat(house, code.number, year)
        if old is None and register.valid_range(house, year) is None:  # that assembly's old seats are not known
            return ConstituencyMatch(SeatStatus.OLD_NUMBER, asked=asked, valid_range=valid)
        if old is None:
            return ConstituencyMatch(
                SeatStatus.OUT_OF_RANGE, asked=asked, valid_range=register.valid_range(house, year)
            )
        return _from_old(old, asked, valid, register)
    seat = register.seat(house, code.number)
    if seat:
        others: tuple[Constituency, ...] = ()
        if code.house is None:
            others = tuple(
                other for name in register.houses() if name != house and (other := register.seat(name, code.number))
            )
        return ConstituencyMatch(SeatStatus.FOUND, seat, choices=others, asked=asked, valid_range=valid)
    for earlier in reversed(register.delimitations):
        if earlier != register.current and (old := register.seat(house, code.number, earlier)):
            return _from_old(old, asked, valid, register)
    return ConstituencyMatch(SeatStatus.OUT_OF_RANGE, asked=asked, valid_range=valid)


def _from_old(
    old: Constituency, asked: str, valid: tuple[int, int] | None, register: ConstituencyRegister
) -> ConstituencyMatch:
    today = register.successors(old)
    if len(today) == 1:
        return ConstituencyMatch(SeatStatus.MAPPED, today[0], asked=asked, valid_range=valid, old=old)
    return ConstituencyMatch(SeatStatus.OLD_NUMBER, choices=today, asked=asked, valid_range=valid, old=old)


def _by_codes(
    codes: list[CodeRead], folded: str, register: ConstituencyRegister, year: int | None
) -> ConstituencyMatch:
    matches = [by_code(code, register, year) for code in codes]
    sure = dict.fromkeys(match.constituency for match in matches if match.constituency)
    if len(sure) > 1:
        return ConstituencyMatch(SeatStatus.AMBIGUOUS, choices=tuple(seat for seat in sure if seat))
    match = next((match for match in matches if match.constituency), matches[0])
    seat = match.constituency
    if seat is None:
        return match
    rest = folded
    for code in reversed(codes):
        rest = rest[: code.start] + " " + rest[code.end :]
    around = [token for token in tokens_of(rest) if token not in _SEAT_WORDS]
    named = by_name(around, register, exact=True) if around else ConstituencyMatch()
    told = (named.constituency, *named.choices) if named.status is not SeatStatus.UNKNOWN else ()
    if told and not any(_go_together(seat, other) for other in told if other):
        return ConstituencyMatch(
            SeatStatus.CONTRADICTION, choices=(seat,), asked=match.asked, valid_range=match.valid_range, old=match.old
        )
    return match


def _go_together(one: Constituency, other: Constituency) -> bool:
    if one.house == other.house and one.ordinal and other.ordinal and one.area == other.area:
        return one.code == other.code or one.delimitation != other.delimitation
    return bool(set(one.districts or (one.area,)) & set(other.districts or (other.area,)))


def by_name(tokens: list[str], register: ConstituencyRegister, *, exact: bool = False) -> ConstituencyMatch:
    """Say which seat an area with or without an ordinal names (`lahore 14`, `tt singh 2`, `chitral`).

    An assembly may be named beside it (`pp lahore 14`). `exact`: take no near spellings.
    """
    tokens = [token for token in tokens if token not in _SEAT_WORDS]
    house = None
    for at in (0, -1):
        if len(tokens) > 1 and tokens[at].upper() in register.houses():
            house = tokens.pop(at).upper()
    if not tokens:
        return ConstituencyMatch()
    named = [seat for seat in register.named(tokens) if seat.house in (house or register.main_house, "")]
    if len(named) == 1:
        return ConstituencyMatch(SeatStatus.FOUND, named[0], asked=named[0].name)
    for area, ordinal in _area_readings(tokens):
        match = _in_area(area, ordinal, house, register, exact)
        if match.status is not SeatStatus.UNKNOWN:
            return match
    if exact:
        return ConstituencyMatch()
    near = resolve_tokens(tokens, register.areas)
    choices = [seat for place in near.choices for seat in register.in_area(place.key, house or register.main_house)]
    return ConstituencyMatch(SeatStatus.UNKNOWN, choices=tuple(choices[:_LOOKS_LIKE_SEATS_SHOWN]))


def _area_readings(tokens: list[str]) -> list[tuple[list[str], int | None]]:
    readings: list[tuple[list[str], int | None]] = []
    if len(tokens) > 1 and tokens[-1].isdigit():
        readings.append((tokens[:-1], int(tokens[-1])))
    if len(tokens) > 1 and tokens[0].isdigit():
        readings.append((tokens[1:], int(tokens[0])))
    return [*readings, (tokens, None)]


def _in_area(
    tokens: list[str], ordinal: int | None, house: str | None, register: ConstituencyRegister, exact: bool
) -> ConstituencyMatch:
    if exact:
        places: tuple[Place, ...] = register.areas.exact(tokens)
    else:
        found = resolve_tokens(tokens, register.areas)
        places = (found.place,) if found.place else (found.choices if found.is_tie else ())
    houses = (house,) if house else register.houses()
    for one_house in houses:
        seats = tuple(dict.fromkeys(seat for place in places for seat in register.in_area(place.key, one_house)))
        if not seats:
            continue
        if ordinal is not None:
            numbered = [seat for seat in seats if seat.ordinal == ordinal]
            if len(numbered) == 1:
                return ConstituencyMatch(SeatStatus.FOUND, numbered[0], asked=numbered[0].name)
            if len(seats) == 1 and ordinal == 1 and seats[0].ordinal is None:
                return ConstituencyMatch(SeatStatus.FOUND, seats[0], asked=seats[0].name)
            if numbered:
                return ConstituencyMatch(SeatStatus.AMBIGUOUS, choices=tuple(numbered))
            continue
        if len(seats) == 1:
            return ConstituencyMatch(SeatStatus.FOUND, seats[0], asked=seats[0].name)
        return ConstituencyMatch(SeatStatus.AMBIGUOUS, choices=seats)
    if ordinal is not None and places:
        near = tuple(seat for place in places for seat in register.in_area(place.key, house or register.main_house))
        ordinals = [seat.ordinal for seat in near if seat.ordinal]
        span = (min(ordinals), max(ordinals)) if ordinals else None
        return ConstituencyMatch(
            SeatStatus.OUT_OF_RANGE, choices=near, asked=f"{places[0].name} {ordinal}", valid_range=span
        )
    return ConstituencyMatch()
