"""The queue as staff look at it: what is shown by which filters, page by page, and how much of it there is.

Twelve thousand reports in an hour must not make it slow: what is open is read through its partial index, one urgency
after the other, and no further than the page goes.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, func, literal_column, or_, select

from gateway.reports.triage import CATEGORIES, KINDS
from gateway.rules.geography import distance
from gateway.rules.report_life import OPEN, STATES
from gateway.tables import Report, Staff
from gateway.tables.reports import OPEN_REPORTS

URGENCIES = (3, 2, 1, 0)
_reports, _staff = Report.__table__, Staff.__table__
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NEAR_M = 2_000


@dataclass(frozen=True, slots=True)
class After:
    """Where a page of the queue ended: the last row's urgency, time and id."""

    urgency: int
    opened_at: datetime
    id: int

    def __str__(self) -> str:
        return f"{self.urgency}.{(self.opened_at - _EPOCH) // timedelta(microseconds=1)}.{self.id}"

    @classmethod
    def read(cls, written: str) -> "After | None":
        """Return what `str` wrote, or None for anything else."""
        parts = written.split(".")
        if len(parts) != 3 or not all(one.isascii() and one.isdecimal() and len(one) <= 18 for one in parts):
            return None
        urgency, micro, number = map(int, parts)
        try:
            return cls(urgency, _EPOCH + timedelta(microseconds=micro), number)
        except OverflowError:
            return None


@dataclass(frozen=True, slots=True)
class Filters:
    """What of the queue to show; empty shows all that is open, the most urgent first, then the oldest.

    `within` are conditions on `reports` that always hold, such as the areas of who is looking. `since` (aware UTC)
    leaves out what was opened before. `after` continues where a page ended.
    """

    states: Sequence[str] = tuple(sorted(OPEN))
    categories: Sequence[str] = ()
    kinds: Sequence[str] = ()
    urgencies: Sequence[int] = ()
    place: str = ""
    assignee: str = ""
    unassigned: bool = False
    event_key: str | None = None
    since: datetime | None = None
    within: Sequence[ColumnElement[bool]] = ()
    newest_first: bool = False
    after: After | None = None
    limit: int = 100


def queue(connection: Connection, filters: Filters | None = None) -> list[dict[str, Any]]:
    """Return the reports that fit, without phone numbers.

    :raises ValueError: a state, category, kind or urgency that is none
    """
    filters = filters or Filters()
    _check(filters)
    query = _shown_rows().where(*_conditions(filters), *filters.within)
    if filters.newest_first:
        if filters.after:
            query = query.where(_reports.c.id < filters.after.id)
        return [shown(row) for row in connection.execute(query.order_by(_reports.c.id.desc()).limit(filters.limit))]
    found: list[dict[str, Any]] = []
    after = filters.after
    for urgency in URGENCIES:
        if (filters.urgencies and urgency not in filters.urgencies) or (after and urgency > after.urgency):
            continue
        one = query.where(_reports.c.urgency == urgency)
        if after and urgency == after.urgency:
            later = and_(_reports.c.opened_at == after.opened_at, _reports.c.id > after.id)
            one = one.where(_reports.c.opened_at >= after.opened_at, or_(_reports.c.opened_at > after.opened_at, later))
        rows = connection.execute(one.order_by(_reports.c.opened_at, _reports.c.id).limit(filters.limit - len(found)))
        found += [shown(row) for row in rows]
        if len(found) >= filters.limit:
            break
    return found


def page(connection: Connection, filters: Filters) -> tuple[list[dict[str, Any]], After | None]:
    """Return one page, and where the next one begins, None where this is the last.

    :raises ValueError: as `queue`
    """
    rows = queue(connection, replace(filters, limit=filters.limit + 1))
    more, rows = len(rows) > filters.limit, rows[: filters.limit]
    last = rows[-1] if more else None
    return rows, After(last["urgency"], last["opened"], last["id"]) if last else None


@dataclass(frozen=True, slots=True)
class Standing:
    """How much is open for one viewer: what the filters show by urgency, and how much they leave out."""

    shown: dict[int, int]
    hidden: int

    @property
    def whole(self) -> int:
        return sum(self.shown.values())


def standing(connection: Connection, filters: Filters) -> Standing:
    """Count what is open and fits, by urgency, and what is open and does not. The urgency filter counts as hiding too.

    :raises ValueError: as `queue`
    """
    _check(filters)
    everything = _counted(connection, (_open(), *filters.within))
    whole = sum(everything.values())
    if not _narrowed(filters):
        return Standing(everything, 0)
    fitting = _counted(connection, (_open(), *_conditions(filters, urgency=True), *filters.within))
    return Standing(fitting, whole - sum(fitting.values()))


def _counted(connection: Connection, conditions: Sequence[ColumnElement[bool]]) -> dict[int, int]:
    rows = connection.execute(select(_reports.c.urgency, func.count()).where(*conditions).group_by(_reports.c.urgency))
    found = {row[0]: row[1] for row in rows}
    return {urgency: found.get(urgency, 0) for urgency in URGENCIES}


def _narrowed(filters: Filters) -> bool:
    plain = Filters(within=filters.within)
    ignored = {"within": (), "limit": 0, "after": None, "newest_first": False}
    return replace(filters, **ignored) != replace(plain, **ignored)  # type: ignore[arg-type]


def counts(connection: Connection, within: Sequence[ColumnElement[bool]] = ()) -> dict[str, int]:
    """Return how many reports are in each state."""
    counted = connection.execute(select(_reports.c.state, func.count()).where(*within).group_by(_reports.c.state))
    found = {row[0]: row[1] for row in counted}
    return {state: found.get(state, 0) for state in STATES}


def near(
    connection: Connection,
    report_id: int,
    lat: float,
    lon: float,
    within: Sequence[ColumnElement[bool]] = (),
    *,
    limit: int = 20,
) -> list[dict[str, Any]]:
    """Return the open reports within 2 km of a position, the nearest first, each with `metres`; not the report itself.

    :param lat, lon: WGS 84 degrees
    """
    lats, lons = 0.02, 0.04  # degrees that hold 2 km as far as 60 degrees north or south
    rows = connection.execute(
        _shown_rows()
        .where(_open(), *within, _reports.c.id != report_id)
        .where(_reports.c.lat.between(lat - lats, lat + lats), _reports.c.lon.between(lon - lons, lon + lons))
        .order_by(_reports.c.id.desc())
        .limit(500)
    )
    found = [shown(row) | {"metres": round(distance(lat, lon, row.lat, row.lon))} for row in rows]
    return sorted((one for one in found if one["metres"] <= _NEAR_M), key=lambda one: one["metres"])[:limit]


def _shown_rows() -> Any:
    return select(_reports, _staff.c.login.label("assignee"), _staff.c.name.label("assignee_name")).select_from(
        _reports.outerjoin(_staff, _staff.c.id == _reports.c.assignee_id)
    )


def shown(row: Any) -> dict[str, Any]:
    """Return a row as screens, the command line and the API show it."""
    return {
        "id": row.id,
        "ref": row.ref,
        "state": row.state,
        "category": row.category,
        "kind": row.kind,
        "urgency": row.urgency,
        "place": row.place,
        "text": row.text,
        "because": list(row.because or ()),
        "witnesses": row.witnesses,
        "photos": row.media,
        "assignee": row.assignee,
        "assignee_name": row.assignee_name or row.assignee,
        "event": row.event_key,
        "lat": row.lat,
        "lon": row.lon,
        "opened": row.opened_at,
        "updated": row.updated_at,
    }


def _open() -> ColumnElement[bool]:
    """What is open, in the very words of the partial index: SQLite uses it for no others."""
    return literal_column(f"reports.{OPEN_REPORTS}")


def _check(filters: Filters) -> None:
    known: tuple[tuple[Sequence[Any], Sequence[Any]], ...] = (
        (filters.states, STATES),
        (filters.categories, CATEGORIES),
        (filters.kinds, KINDS),
        (filters.urgencies, URGENCIES),
    )
    for given, there in known:
        if odd := set(given) - set(there):
            raise ValueError(f"There is no {min(odd)!r}; there are {', '.join(map(str, there))}.")


def _conditions(filters: Filters, *, urgency: bool = False) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if filters.states:
        if set(filters.states) <= OPEN:
            found.append(_open())
        if set(filters.states) != OPEN:
            found.append(_reports.c.state.in_(sorted(filters.states)))
    if filters.urgencies and (urgency or filters.newest_first):
        found.append(_reports.c.urgency.in_(filters.urgencies))
    if filters.categories:
        found.append(_reports.c.category.in_(filters.categories))
    if filters.kinds:
        found.append(_reports.c.kind.in_(filters.kinds))
    if filters.place:
        found.append(func.lower(_reports.c.place).contains(filters.place.lower(), autoescape=True))
    if filters.assignee:
        found.append(_reports.c.assignee_id.in_(select(_staff.c.id).where(_staff.c.login == filters.assignee)))
    if filters.unassigned:
        found.append(_reports.c.assignee_id.is_(None))
    if filters.event_key is not None:
        found.append(_reports.c.event_key == filters.event_key)
    if filters.since is not None:
        found.append(_reports.c.opened_at > filters.since)
    return found
