"""Pick-up points from CSV lines: every bad row is named by line, column and remedy. Pure; no file is opened here.

Columns: name, city, lat, lon; may have aliases, landmark, departures (08:00|08:30 on the event's day, or with a date:
2026-11-25 08:00), seats (on each bus, or 50|40), marshal (a phone), opens, closes, state, and name_<language>,
landmark_<language>. Columns of other names are left out.
"""

import csv
import re
import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from faults import fault
from gateway.rules.geography import distance
from orthography import fold
from segments.csv_files import RowProblem
from segments.csv_rows import name_problems, position_problems, rows, several
from segments.spelling import key_of, tokens_of

KNOWN = frozenset(
    ["name", "city", "lat", "lon", "aliases", "landmark", "departures", "seats", "marshal", "opens", "closes", "state"]
)
STATES = ("open", "full", "closed", "moved")
FAR_M = 60_000
"""A point farther than this from its city is a mistake."""
_SAME_SPOT_M = 5
_ENOUGH = 5  # rows of one city of which the middle says where the city is
_OTHER_LANGUAGE = re.compile(r"(name|landmark)_([a-z]{2,3}(?:[-_]latn)?)")
_CLOCK = re.compile(r"(?:(\d{4})-(\d{1,2})-(\d{1,2})[ T]+)?(\d{1,2})[:.](\d{2})\s*(am|pm)?", re.IGNORECASE)
_SWAPPED = "lat and lon of “{}” look swapped: exchange them."


@dataclass(frozen=True, slots=True)
class EventDay:
    """What hours without a date mean: the event's own day in its own zone; `ends_at` is aware UTC."""

    doors_at: datetime
    ends_at: datetime
    zone: ZoneInfo


@dataclass(slots=True)
class PointRow:
    """One good row."""

    line: int
    name: str
    city: str
    lat: float
    lon: float
    names: dict[str, str] = field(default_factory=dict)
    aliases: tuple[str, ...] = ()
    landmarks: dict[str, str] = field(default_factory=dict)
    buses: tuple[tuple[datetime, int | None], ...] = ()
    marshal: str | None = None
    opens_at: datetime | None = None
    closes_at: datetime | None = None
    state: str = "open"
    told: frozenset[str] = KNOWN
    """The columns that the file has; what it has no column for stays as it is on file."""

    def tells(self, column: str) -> bool:
        """Whether the file has a column of that name, or that begins so: `landmark` is told by landmark_ur too."""
        return any(name.startswith(column) for name in self.told)


def left_out(lines: Sequence[str]) -> tuple[str, ...]:
    """Return the columns of a file that are not read."""
    return tuple(name for name in _heading(lines) if name not in KNOWN and not _OTHER_LANGUAGE.fullmatch(name))


def read_points(
    lines: Sequence[str],
    day: EventDay,
    city_position: Callable[[str], tuple[float, float] | None],
    read_phone: Callable[[str], str | None],
    progress: Callable[[], None] = lambda: None,
) -> Iterator[PointRow | RowProblem]:
    """Yield a PointRow per good row and a RowProblem per fault; the file is accepted only when no problem came.

    :param city_position: (lat, lon) of a known city, None for an unknown one, which is then taken from the rows
    :param read_phone: a phone's key, None when it is none
    :param progress: called once for each row
    """
    good: list[PointRow] = []
    problems: list[RowProblem] = []
    told = frozenset(_heading(lines))
    for line, cells in rows(lines, told | KNOWN, ("name", "city", "lat", "lon")):
        progress()
        if isinstance(cells, RowProblem):
            problems.append(cells)
            continue
        row = {column: _without_mark(cell) for column, cell in cells.items()}
        faults = [*name_problems(line, row, "name"), *name_problems(line, row, "city"), *position_problems(line, row)]
        point = PointRow(line, row["name"], row["city"], 0.0, 0.0, told=told)
        faults += _fill(point, row, day, read_phone)
        if faults:
            problems += faults
            continue
        point.lat, point.lon = float(row["lat"]), float(row["lon"])
        good.append(point)
    problems += _far_from_city(good, city_position)
    problems += _doubles(good)
    bad = {problem.line for problem in problems}
    yield from sorted(problems, key=lambda problem: problem.line)
    yield from (point for point in good if point.line not in bad)


def _without_mark(cell: str) -> str:
    """Take off the apostrophe that keeps a spreadsheet from taking a cell for a formula (`export`)."""
    return cell[1:] if cell.startswith(("'=", "'+", "'-", "'@")) else cell


def _fill(
    point: PointRow, row: Mapping[str, str], day: EventDay, read_phone: Callable[[str], str | None]
) -> list[RowProblem]:
    line, faults = point.line, []
    for column, value in row.items():
        if value and (found := _OTHER_LANGUAGE.fullmatch(column)):
            language = "ur-Latn" if found[2].endswith("latn") else found[2]
            (point.names if found[1] == "name" else point.landmarks)[language] = value[:120]
    if landmark := row.get("landmark"):
        point.landmarks[""] = landmark[:120]
    point.aliases = several(row.get("aliases", ""))
    if (marshal := row.get("marshal", "")) and (phone := read_phone(marshal)) is None:
        faults.append(
            RowProblem(
                line,
                "marshal",
                fault(
                    "point.marshal", "“{marshal}” is no phone number. Write it as +92 and ten digits.", marshal=marshal
                ),
            )
        )
    elif marshal:
        point.marshal = phone
    point.state = fold(row.get("state", "")) or "open"
    if point.state not in STATES:
        faults.append(
            RowProblem(
                line,
                "state",
                fault(
                    "point.state",
                    "“{state}” is no state. There are {states}.",
                    state=row["state"],
                    states=", ".join(STATES),
                ),
            )
        )
    for column in ("opens", "closes"):
        if written := row.get(column, ""):
            at = read_time(written, day)
            if at is None:
                faults.append(_no_time(line, column, written))
            elif column == "opens":
                point.opens_at = at
            else:
                point.closes_at = at
    if point.opens_at and point.closes_at and point.opens_at >= point.closes_at:
        faults.append(
            RowProblem(
                line, "closes", fault("point.closes_first", "The point closes before it opens. Check the two times.")
            )
        )
    return faults + _fill_buses(point, row, day)


def _fill_buses(point: PointRow, row: Mapping[str, str], day: EventDay) -> list[RowProblem]:
    line = point.line
    written = [one.strip() for one in row.get("departures", "").split("|") if one.strip()]
    times = [read_time(one, day) for one in written]
    faults = [_no_time(line, "departures", one) for one, at in zip(written, times, strict=True) if at is None]
    late = [one for one, at in zip(written, times, strict=True) if at and at >= day.ends_at]
    faults += [
        RowProblem(
            line, "departures", fault("point.after_event", "“{one}” is after the event has ended. Check it.", one=one)
        )
        for one in late
    ]
    known = [at for at in times if at]
    if len(set(known)) < len(known):
        faults.append(
            RowProblem(
                line,
                "departures",
                fault("point.time_twice", "The same time is there twice. Add up the seats of both buses."),
            )
        )
    cells = [cell.strip() for cell in row.get("seats", "").split("|")]
    if any(cell and not re.fullmatch(r"[0-9]{1,5}", cell) for cell in cells):
        faults.append(
            RowProblem(
                line,
                "seats",
                fault("point.seats", "“{seats}” is not a number of seats. Write 50, or 50|40.", seats=row["seats"]),
            )
        )
        return faults
    seats = [int(cell) if cell else None for cell in cells]
    if row.get("seats") and not written:
        faults.append(
            RowProblem(
                line,
                "seats",
                fault("point.no_departures", "There are seats but no departures. Fill in when the buses leave."),
            )
        )
    elif len(seats) > 1 and len(seats) != len(written):
        faults.append(
            RowProblem(
                line,
                "seats",
                fault(
                    "point.counts_differ",
                    "There are {count} numbers for {times} departures.",
                    count=len(seats),
                    times=len(written),
                ),
            )
        )
    if not faults:
        each = seats if len(seats) > 1 else seats * len(known)
        point.buses = tuple(zip(known, each, strict=True))
    return faults


def read_time(written: str, day: EventDay) -> datetime | None:
    """Return a time such as 08:30, 8.30 pm or 2026-11-25 08:30 as aware UTC; None when it is none."""
    found = _CLOCK.fullmatch(written.strip())
    if not found:
        return None
    hour, minute = int(found[4]), int(found[5])
    if half := (found[6] or "").lower():
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half == "pm" else 0)
    try:
        date = (
            datetime(int(found[1]), int(found[2]), int(found[3])).date()  # noqa: DTZ001 - a day, not a moment
            if found[1]
            else day.doors_at.astimezone(day.zone).date()
        )
        return datetime(date.year, date.month, date.day, hour, minute, tzinfo=day.zone).astimezone(UTC)
    except ValueError:
        return None


def _no_time(line: int, column: str, written: str) -> RowProblem:
    return RowProblem(
        line,
        column,
        fault(
            "point.time", "“{written}” is no time. Write 08:30, or 2026-11-25 08:30 for another day.", written=written
        ),
    )


def _far_from_city(
    points: Sequence[PointRow], city_position: Callable[[str], tuple[float, float] | None]
) -> Iterator[RowProblem]:
    """Hold each point against its city, and in a city of many points against the middle of them all."""
    by_city: dict[str, list[PointRow]] = {}
    for point in points:
        by_city.setdefault(fold(point.city), []).append(point)
    for mine in by_city.values():
        home = city_position(mine[0].city)
        middle = None
        if len(mine) >= _ENOUGH:
            middle = statistics.median(one.lat for one in mine), statistics.median(one.lon for one in mine)
        # A city may be known under another place's name; where most rows say otherwise, they are asked.
        if home and middle and distance(*home, *middle) > FAR_M:
            swapped = distance(*home, middle[1], middle[0]) <= FAR_M if abs(middle[1]) <= 90 else False
            home = home if swapped else middle
        centre = home or middle
        if centre is None:
            continue
        for point in mine:
            metres = distance(point.lat, point.lon, *centre)
            if metres <= FAR_M:
                continue
            if abs(point.lon) <= 90 and distance(point.lon, point.lat, *centre) <= FAR_M:
                yield RowProblem(
                    point.line,
                    "lat",
                    fault("row.swapped", "lat and lon of “{name}” look swapped: exchange them.", name=point.name),
                )
                continue
            far = f"{metres / 1000:,.0f} km"
            yield RowProblem(
                point.line,
                "lat",
                fault(
                    "point.far",
                    "“{name}” lies {far} from {city}. Check the position and the city.",
                    name=point.name,
                    far=far,
                    city=point.city,
                ),
            )


def _doubles(points: Sequence[PointRow]) -> Iterator[RowProblem]:
    names: dict[tuple[str, str], PointRow] = {}
    spots: dict[tuple[int, int], list[PointRow]] = {}
    for point in points:
        key = fold(point.city), key_of(tokens_of(point.name))
        if key in names:
            yield RowProblem(
                point.line,
                "name",
                fault(
                    "point.name_twice",
                    "“{name}” of {city} is on line {line} already. Remove one, or tell them apart.",
                    name=point.name,
                    city=point.city,
                    line=names[key].line,
                ),
            )
            continue
        names[key] = point
        row, column = round(point.lat * 1000), round(point.lon * 1000)
        cells = [(row + north, column + east) for north in (-1, 0, 1) for east in (-1, 0, 1)]
        there = (one for cell in cells for one in spots.get(cell, ()))
        same = next((one for one in there if distance(one.lat, one.lon, point.lat, point.lon) < _SAME_SPOT_M), None)
        if same:
            yield RowProblem(
                point.line,
                "lat",
                fault(
                    "point.same_spot",
                    "“{name}” is at the very spot of “{other}” on line {line}. Fill in its own position, or make one "
                    "an alias of the other.",
                    name=point.name,
                    other=same.name,
                    line=same.line,
                ),
            )
        spots.setdefault((row, column), []).append(point)


def _heading(lines: Sequence[str]) -> list[str]:
    first = lines[0].lstrip("\ufeff") if lines else ""
    delimiter = max(",;\t", key=first.count)
    names = next(csv.reader([first], delimiter=delimiter), [])
    return [name.strip().casefold().replace(" ", "_") for name in names]
