"""Members from a file's lines: every bad row is named by line, column and remedy. Pure; no file is opened here.

Columns: phone; may have name, city, constituency (several: `NA-130|PP-145`), affinities (`students|women`), language,
and for the proof of consent: consent_words (what the person signed or wrote), consent_at (the day, or day and hour,
with or without an offset) and consent_source (where the proof is kept: "form 12, Lahore office").
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

from faults import Either, Fault, fault
from gateway.members.commands import language_named
from gateway.members.filing import plain_name
from gateway.places.directory import Directory, seat_key
from gateway.replies.catalogue import LANGUAGES
from gateway.rules.conversation import SeatKey
from gateway.rules.phone_numbers import MemberNumberError, read_member_number
from segments import contradiction, resolve_constituency, resolve_place
from segments.csv_files import RowProblem
from segments.csv_rows import rows, several

COLUMNS = frozenset(
    ["phone", "name", "city", "constituency", "affinities", "language", "consent_words", "consent_at", "consent_source"]
)
MOST_ROWS = 50_000
_MOST_WORDS = 500
_EARLIEST = 2000


@dataclass(frozen=True, slots=True)
class Proof:
    """That a person agreed: in which words, when (aware UTC), and where that is kept."""

    words: str
    source: str
    given_at: datetime


@dataclass(frozen=True, slots=True)
class ImportRow:
    """One good row; what is None was left empty, and changes nothing."""

    line: int
    phone: str
    name: str | None = None
    city: str | None = None
    constituency: SeatKey | None = None
    provincial: SeatKey | None = None
    affinities: int | None = None
    language: str | None = None
    proof: Proof | None = None


def read_rows(
    lines: Iterable[str], directory: Directory, region: str, zone: tzinfo, now: datetime
) -> Iterator[ImportRow | RowProblem]:
    """Yield an ImportRow per good row and a RowProblem per fault, in the file's order.

    :param region: where numbers without a country code belong
    :param zone: of days and hours without an offset
    """
    seen: dict[str, int] = {}
    counted = 0
    for line, row in rows(lines, COLUMNS, ("phone",)):
        if isinstance(row, RowProblem):
            yield row
            continue
        counted += 1
        if counted > MOST_ROWS:
            yield RowProblem(
                line,
                "",
                fault(
                    "file.many_rows",
                    "The file has more than {most:,} rows. Part it into several files.",
                    most=MOST_ROWS,
                ),
            )
            return
        faults: list[RowProblem] = []
        read = _Reader(line, row, directory, faults)
        try:
            phone = read_member_number(row["phone"].lstrip("'’"), region, listed_only=True)
        except MemberNumberError as error:
            yield RowProblem(line, "phone", error.fault)
            continue
        if phone in seen:
            yield RowProblem(
                line,
                "phone",
                fault(
                    "member.number_twice",
                    "The number is on line {line} already. Remove one of the two.",
                    line=seen[phone],
                ),
            )
            continue
        seen[phone] = line
        city = read.city()
        national, provincial = read.seats(city)
        found = ImportRow(
            line, phone, read.name(), city, national, provincial, read.affinities(), read.language(),
            read.proof(zone, now),
        )  # fmt: skip
        if faults:
            yield from faults
        else:
            yield found


@dataclass(frozen=True)
class _Reader:
    """Reads one row's cells; what is wrong is added to `faults`."""

    line: int
    row: dict[str, str]
    directory: Directory
    faults: list[RowProblem]

    def _fault(self, column: str, wrong: Fault) -> None:
        self.faults.append(RowProblem(self.line, column, wrong))

    def name(self) -> str | None:
        written = self.row.get("name", "")
        name = plain_name(written)
        if written and not name:
            self._fault(
                "name",
                fault(
                    "member.name",
                    "“{written}” has no letters. Write the name, or leave it empty.",
                    written=written[:40],
                ),
            )
        return name or None

    def city(self) -> str | None:
        written = self.row.get("city", "")
        if not written:
            return None
        match = resolve_place(written, self.directory.gazetteer)
        if match.place and match.certain:
            return self.directory.city_of(match.place).key
        near = match.alternatives or ((match.place.name,) if match.place else ())
        if near:
            self._fault(
                "city",
                fault(
                    "member.city_near",
                    "“{written}” is not a city that we know. Did you mean {near}?",
                    written=written[:40],
                    near=Either(tuple(near[:3])),
                ),
            )
        else:
            self._fault(
                "city",
                fault(
                    "member.city_unknown",
                    "“{written}” is not a city that we know. Check the spelling, or import the place first.",
                    written=written[:40],
                ),
            )
        return None

    def seats(self, city: str | None) -> tuple[SeatKey | None, SeatKey | None]:
        national: SeatKey | None = None
        provincial: SeatKey | None = None
        for written in several(self.row.get("constituency", "")):
            seat = resolve_constituency(written, self.directory.register).constituency
            if seat is None:
                self._fault(
                    "constituency",
                    fault(
                        "member.seat", "“{written}” is no seat that we know. Write it as NA-130.", written=written[:40]
                    ),
                )
                continue
            place = self.directory.places.get(city or "")
            if place and contradiction(place, seat):
                self._fault(
                    "constituency",
                    fault(
                        "member.seat_elsewhere",
                        "{code} is not in {name}. Correct one of the two.",
                        code=seat.code,
                        name=place.name,
                    ),
                )
            elif self.directory.is_provincial(seat):
                provincial = seat_key(seat)
            else:
                national = seat_key(seat)
        return national, provincial

    def affinities(self) -> int | None:
        written = several(self.row.get("affinities", ""))
        if not written:
            return None
        mask = 0
        for one in written:
            group = self.directory.groups.named(one)
            if group is None:
                known = ", ".join(each.key for each in self.directory.groups.all)
                self._fault(
                    "affinities",
                    fault(
                        "member.no_group", "There is no group “{one}”; there are {known}.", one=one[:40], known=known
                    ),
                )
            else:
                mask |= group.mask
        return mask

    def language(self) -> str | None:
        written = self.row.get("language", "")
        if not written:
            return None
        found = written if written in LANGUAGES else language_named(written)
        if found is None:
            self._fault(
                "language",
                fault(
                    "member.language",
                    "“{written}” is no language of ours; there are {languages}.",
                    written=written[:20],
                    languages=", ".join(LANGUAGES),
                ),
            )
        return found

    def proof(self, zone: tzinfo, now: datetime) -> Proof | None:
        given = {name: self.row.get(f"consent_{name}", "") for name in ("words", "at", "source")}
        if not any(given.values()):
            return None
        for name, value in given.items():
            if not value:
                self._fault(
                    f"consent_{name}",
                    fault("member.proof_whole", "The proof of consent needs all of words, at and source: fill it in."),
                )
                return None
        at = read_moment(given["at"], zone)
        if at is None or at.year < _EARLIEST:
            self._fault(
                "consent_at",
                fault("member.no_day", "“{at}” is no day. Write 2026-03-02, or 2026-03-02 14:30.", at=given["at"][:30]),
            )
            return None
        if at > now:
            self._fault(
                "consent_at",
                fault("member.future", "“{at}” is still to come. Write when the person agreed.", at=given["at"][:30]),
            )
            return None
        return Proof(given["words"][:_MOST_WORDS], given["source"][:120], at)


def read_moment(written: str, zone: tzinfo) -> datetime | None:
    """Return a day or a time as aware UTC; without an offset it is on the clock of `zone`. None when it is none."""
    try:
        at = datetime.fromisoformat(written)
    except ValueError:
        return None
    return (at if at.tzinfo else at.replace(tzinfo=zone)).astimezone(UTC)


Covers = Callable[[str | None, SeatKey | None, SeatKey | None], bool]
"""Whether who is filed under a city and two seats is in the areas of who imports."""
