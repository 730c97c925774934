"""What a constituency is, and what an answer about one says. Plain values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Constituency:
    """A seat of one delimitation. `code` is its official code ("NA-130"), unique within its delimitation.

    `area` is what its name is made of ("Lahore" of "Lahore-XIV"), `ordinal` the number in its name; `districts` are
    the districts (and the city over them) in which it lies.
    """

    code: str
    name: str
    delimitation: int | None = None
    area: str = ""
    ordinal: int | None = None
    districts: tuple[str, ...] = ()
    province: str | None = None
    names: Mapping[str, str] = field(default_factory=dict, hash=False)
    aliases: tuple[str, ...] = ()

    @property
    def house(self) -> str:
        """The letters of the code: the assembly that the seat belongs to. Empty when the code has no number."""
        letters = self.code.rstrip("0123456789")
        return letters.rstrip("-. ") if len(letters) < len(self.code) else ""

    @property
    def number(self) -> int | None:
        digits = self.code[len(self.code.rstrip("0123456789")) :]
        return int(digits) if digits else None


class SeatStatus(StrEnum):
    """Why a text did or did not lead to one seat."""

    FOUND = "found"
    MAPPED = "mapped"  # an old number all of whose districts lie in one seat of today
    OLD_NUMBER = "old number"  # an old number that became several seats: ask
    OUT_OF_RANGE = "out of range"  # no such number or no such ordinal
    AMBIGUOUS = "ambiguous"  # a name with several seats, or a number without its assembly
    CONTRADICTION = "contradiction"  # the code and the area named with it do not go together
    UNKNOWN = "unknown"  # names no seat


@dataclass(frozen=True, slots=True)
class ConstituencyMatch:
    """What we make of a text that should name a constituency.

    Sure (`FOUND`, `MAPPED`): `constituency`, `code` and `name` are set. Otherwise they are None and `choices` holds
    the seats it may be, likeliest first; `alternatives` are their codes. `asked` is the code as it was read
    ("NA-272"), `valid_range` the numbers of that assembly, `old` the seat that the number was before.
    """

    status: SeatStatus = SeatStatus.UNKNOWN
    constituency: Constituency | None = None
    choices: tuple[Constituency, ...] = ()
    asked: str | None = None
    valid_range: tuple[int, int] | None = None
    old: Constituency | None = None

    @property
    def code(self) -> str | None:
        return self.constituency.code if self.constituency else None

    @property
    def name(self) -> str | None:
        return self.constituency.name if self.constituency else None

    @property
    def certain(self) -> bool:
        return self.status is SeatStatus.FOUND

    @property
    def alternatives(self) -> tuple[str, ...]:
        return tuple(seat.code for seat in self.choices)
