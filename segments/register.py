"""The index of constituencies: by code, by area and ordinal, and from an old delimitation to today's."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from orthography import fold
from segments.constituencies import Constituency
from segments.gazetteer import Gazetteer
from segments.places import Place
from segments.spelling import key_of, tokens_of

_PARTS = re.compile(r"\s*/\s*|\s+cum\s+|-cum-", re.IGNORECASE)
_GAP = r"[\W_]{0,3}"
_NUMBER_SIGN = r"(?:no|number|num|نمبر)?"
_SEAT_WORD = r"(?:halqa|halka|hulqa|halqah|constituency|seat|حلقہ|سیٹ)"


class CodeRead(NamedTuple):
    """A code found in a folded text: its assembly (None: only a word for seat), its number, and where it stood."""

    house: str | None
    number: int
    start: int
    end: int


class ConstituencyRegister:
    """An immutable index over the seats of one country, of one or several delimitations."""

    __slots__ = (
        "_area_seats", "_areas", "_by_area", "_by_code", "_by_district", "_by_name", "_houses", "_ranges", "_reader",
        "constituencies", "current", "delimitations", "main_house",
    )  # fmt: skip

    def __init__(
        self,
        constituencies: Iterable[Constituency],
        *,
        houses: Mapping[str, Sequence[str]] | None = None,
        spellings: Mapping[str, Sequence[str]] | None = None,
        main_house: str | None = None,
        current: int | None = None,
    ) -> None:
        """`houses`: other ways to write the letters of a code ({"NA": ["این اے"]}). `spellings`: other names of an
        area. `main_house`: the assembly meant when none is named; the first one listed when left out. `current`:
        the delimitation in force; the newest when left out.
        """
        self.constituencies: tuple[Constituency, ...] = tuple(constituencies)
        years = sorted({seat.delimitation for seat in self.constituencies if seat.delimitation is not None})
        self.delimitations: tuple[int, ...] = tuple(years)
        self.current: int | None = current if current is not None else (years[-1] if years else None)
        known_houses = dict.fromkeys(seat.house for seat in self.constituencies if seat.house)
        self.main_house: str | None = main_house or next(iter(known_houses), None)
        self._by_code: dict[tuple[int | None, str, int], Constituency] = {}
        self._by_name: dict[str, list[Constituency]] = defaultdict(list)
        self._by_area: dict[str, list[Constituency]] = defaultdict(list)
        self._by_district: dict[tuple[int | None, str, str], list[Constituency]] = defaultdict(list)
        self._ranges: dict[tuple[int | None, str], tuple[int, int]] = {}
        areas: dict[str, str] = {}
        for seat in self.constituencies:
            self._add(seat, areas)
        self._area_seats: dict[tuple[str, str | None], tuple[Constituency, ...]] = {}
        for key, seats in self._by_area.items():
            seats.sort(key=lambda seat: key_of(tokens_of(seat.area) or [""]) != key)
            for house in (None, *known_houses):
                self._area_seats[key, house] = tuple(seat for seat in seats if house in (None, seat.house))
        extra = {
            key_of(tokens_of(name)): tuple(others) for name, others in (spellings or {}).items() if tokens_of(name)
        }
        self._areas = Gazetteer(
            Place(key=key, name=name, kind="area", aliases=extra.get(key, ())) for key, name in areas.items()
        )
        self._houses: dict[str, str] = {}
        for house in known_houses:
            for writing in (house, *(houses or {}).get(house, ())):
                self._houses["".join(tokens_of(writing))] = house
        self._reader = _reader_of(
            [writing for house in known_houses for writing in (house, *(houses or {}).get(house, ()))]
        )

    def _add(self, seat: Constituency, areas: dict[str, str]) -> None:
        number = seat.number
        if number is not None:
            self._by_code[seat.delimitation, seat.house, number] = seat
            low, high = self._ranges.get((seat.delimitation, seat.house), (number, number))
            self._ranges[seat.delimitation, seat.house] = (min(low, number), max(high, number))
        for district in dict.fromkeys((*seat.districts, *(part for part in _PARTS.split(seat.area) if part))):
            self._by_district[seat.delimitation, seat.house, key_of(tokens_of(district))].append(seat)
        if seat.delimitation not in (None, self.current):
            return
        names = (tokens_of(name) for name in (seat.name, seat.code, *seat.names.values(), *seat.aliases))
        for key in dict.fromkeys(key_of(tokens) for tokens in names if tokens):
            self._by_name[key].append(seat)
        for area in dict.fromkeys((seat.area, *_PARTS.split(seat.area), *seat.districts)):
            if tokens := tokens_of(area):
                areas.setdefault(key_of(tokens), area)
                self._by_area[key_of(tokens)].append(seat)

    def __len__(self) -> int:
        return len(self.constituencies)

    @property
    def areas(self) -> Gazetteer:
        """The names of areas and districts that seats of today are named after."""
        return self._areas

    def seat(self, house: str, number: int, delimitation: int | None = None) -> Constituency | None:
        """Return the seat of that code in a delimitation (today's when left out)."""
        year = self.current if delimitation is None else delimitation
        return self._by_code.get((year, house, number))

    def valid_range(self, house: str, delimitation: int | None = None) -> tuple[int, int] | None:
        """Return the lowest and highest number of an assembly."""
        return self._ranges.get((self.current if delimitation is None else delimitation, house))

    def houses(self) -> tuple[str, ...]:
        """Return the assemblies of the delimitation in force, the main one first."""
        found = dict.fromkeys(house for year, house in self._ranges if year == self.current)
        return tuple(sorted(found, key=lambda house: house != self.main_house))

    def named(self, tokens: Sequence[str]) -> tuple[Constituency, ...]:
        """Return today's seats of exactly that name."""
        return tuple(self._by_name.get(key_of(list(tokens)), ())) if tokens else ()

    def in_area(self, key: str, house: str | None = None) -> tuple[Constituency, ...]:
        """Return today's seats of an area (by its key in `areas`), those named after it first."""
        return self._area_seats.get((key, house), ())

    def successors(self, old: Constituency) -> tuple[Constituency, ...]:
        """Return today's seats that share a district with an old one; one of the same name and ordinal first."""
        found: dict[str, Constituency] = {}
        for district in dict.fromkeys((*old.districts, *(part for part in _PARTS.split(old.area) if part))):
            for seat in self._by_district.get((self.current, old.house, key_of(tokens_of(district))), ()):
                found[seat.code] = seat
        return tuple(
            sorted(
                found.values(),
                key=lambda seat: (seat.ordinal != old.ordinal or seat.area != old.area, seat.number or 0),
            )
        )

    def read_codes(self, folded: str) -> list[CodeRead]:
        """Return the codes in a folded text, in order: `na130`, `n.a. 130`, `این اے 130`, `halqa 130`."""
        found = []
        for match in self._reader.finditer(folded):
            digits = match["spaced"] or match["digits"]
            house = self._houses.get("".join(tokens_of(match["house"]))) if match["house"] else None
            if match["spaced"]:
                if match["house"] and len(match["house"].split()) < 2:
                    digits = digits.split()[0]
                    found.append(CodeRead(house, int(digits), match.start(), match.start("spaced") + len(digits)))
                    continue
                digits = "".join(digits.split())
            number = digits.translate(_LETTERS_FOR_DIGITS)
            found.append(CodeRead(house, int(number), match.start(), match.end()))
        return found


_LETTERS_FOR_DIGITS = str.maketrans("oil", "011")


def _reader_of(writings: list[str]) -> re.Pattern[str]:
    """Make the pattern of a code: letters however parted, a number sign or not, then digits (o for 0, l for 1)."""
    longest_first = sorted({fold(writing) for writing in writings}, key=len, reverse=True)
    letters = "|".join(
        _GAP.join(re.escape(letter) for letter in writing if letter.isalnum())
        if writing.isascii()
        else _GAP.join(re.escape(part) for part in writing.split())
        for writing in longest_first
    )
    house = f"(?P<house>{letters})" if letters else "(?P<house>(?!))"
    digits = r"(?:(?P<spaced>\d(?: \d){1,3})(?![\w])|(?P<digits>[oil]{0,3}\d[\doil]{0,5}(?![^\W_])|\d{1,6}(?!\d)))"
    return re.compile(
        rf"(?<![^\W_])(?:{_SEAT_WORD}[\W_]{{0,4}})?(?:{house}|(?<!\w){_SEAT_WORD})"
        rf"[\W_]{{0,4}}{_NUMBER_SIGN}[\W_]{{0,4}}{digits}"
    )
