"""Events and pick-up points into the database: whole or not at all, seats that are held kept."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from faults import fault
from gateway.pickups.csv_file import PointRow
from gateway.pickups.store import REVISION, mark_changed
from gateway.places.store import bump
from gateway.tables import Departure, Event, PickupPoint, SeatHold
from orthography import fold
from segments.csv_files import RowProblem

_points, _buses = PickupPoint.__table__, Departure.__table__


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did: points added and changed, and those of the event that the file does not name."""

    added: int
    changed: int
    untouched: tuple[str, ...]


def next_event(connection: Connection, key: str | None, now: datetime) -> Any:
    """Return the row of the event of that key, or the next one; None when there is none."""
    query = select(Event.__table__).order_by(Event.doors_at, Event.id)
    query = query.where(Event.key == key) if key else query.where(Event.ends_at > now)
    return connection.execute(query).first()


@dataclass(frozen=True, slots=True)
class RowPlan:
    """What importing one row would do: `act` is "add", "change" or "same"; `changes` are column, before, after.

    `told` people hold seats at a point whose place or state the row changes: an import tells them nothing.
    """

    line: int
    name: str
    city: str
    act: str
    changes: tuple[tuple[str, str, str], ...] = ()
    holding: int = 0


def plan_import(
    connection: Connection, event_id: int, rows: Sequence[PointRow], zone: ZoneInfo
) -> list[RowPlan] | list[RowProblem]:
    """Say what `import_points` would do with each row, and write nothing.

    :param zone: the clock on which the times of buses are told
    """
    known, buses = _on_file(connection, event_id, lock=False)
    problems: list[RowProblem] = []
    plans = []
    for row in rows:
        old = known.get((fold(row.city), fold(row.name)))
        mine = buses.get(old.id, {}) if old else {}
        problems += _seats_lost(row, mine)
        if old is None:
            plans.append(RowPlan(row.line, row.name, row.city, "add", _bus_changes(row, mine, zone)))
            continue
        changes = (*_changes(old, _changed_columns(row, event_id)), *_bus_changes(row, mine, zone))
        moved = {"lat", "lon", "state"} & {column for column, _, _ in changes}
        holding = sum(bus.held for bus in mine.values()) if moved else 0
        plans.append(RowPlan(row.line, row.name, row.city, "change" if changes else "same", changes, holding))
    return problems or plans


def _changes(old: Any, fresh: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    return [
        (column, _said(getattr(old, column)), _said(value))
        for column, value in fresh.items()
        if column not in ("event_id", "marshal") and getattr(old, column) != value
    ] + ([("marshal", "", "")] if "marshal" in fresh and fresh["marshal"] != old.marshal else [])


def _said(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(str(one) for one in value.values())
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M} UTC"
    return "" if value is None else str(value)


def _bus_changes(row: PointRow, old: Mapping[datetime, Any], zone: ZoneInfo) -> tuple[tuple[str, str, str], ...]:
    wanted = dict(row.buses)
    if not wanted:
        return ()
    changes = []
    for at in sorted(wanted.keys() | {at for at, bus in old.items() if bus.left_at is None}):
        before = f"{at.astimezone(zone):%d.%m. %H:%M} ({_seats(old[at].seats)})" if at in old else ""
        after = f"{at.astimezone(zone):%d.%m. %H:%M} ({_seats(wanted[at])})" if at in wanted else ""
        if before != after:
            changes.append(("departures", before, after))
    return tuple(changes)


def _seats(seats: int | None) -> str:
    return "–" if seats is None else str(seats)


def change_point(connection: Connection, point_id: int, row: PointRow) -> list[RowProblem]:
    """Write a row to one point, its name and city too; its place and state stay, because changing those tells people
    (`desk`). Returns problems, and changes nothing then. Call it in a writing transaction.

    :raises LookupError: there is no such point
    """
    locked = select(_buses).where(_buses.c.pickup_point_id == point_id).order_by(_buses.c.id).with_for_update()
    old = {bus.leaves_at: bus for bus in connection.execute(locked)}
    point = connection.execute(select(_points).where(_points.c.id == point_id).with_for_update()).first()
    if point is None:
        raise LookupError(point_id)
    if problems := _seats_lost(row, old):
        return problems
    kept = {"lat", "lon", "state", "event_id"}
    fresh = {name: value for name, value in _changed_columns(row, point.event_id).items() if name not in kept}
    try:
        with connection.begin_nested():
            connection.execute(update(_points).where(_points.c.id == point_id).values(**fresh))
    except IntegrityError:
        return [
            RowProblem(
                row.line,
                "name",
                fault(
                    "point.known",
                    "There is a point “{name}” in {city} already. Tell them apart.",
                    name=row.name,
                    city=row.city,
                ),
            )
        ]
    changed = _write_buses(connection, point_id, row, old)
    bump(connection, REVISION)
    mark_changed(connection, [point_id], changed)
    return []


def import_points(
    connection: Connection, event_id: int, rows: Sequence[PointRow], progress: Callable[[], None] = lambda: None
) -> Imported | list[RowProblem]:
    """Add or change an event's points by city and name; returns problems, and changes nothing, if seats would vanish.

    Call it in a writing transaction. Departures that the file leaves out go unless somebody holds a seat on them.
    """
    known, buses = _on_file(connection, event_id, lock=True)
    problems: list[RowProblem] = []
    for row in rows:
        old = known.get((fold(row.city), fold(row.name)))
        problems += _seats_lost(row, buses.get(old.id, {}) if old else {})
    if problems:
        return problems
    changed_points, changed_buses, added = [], [], 0
    named = set()
    for row in rows:
        progress()
        key = (fold(row.city), fold(row.name))
        named.add(key)
        old = known.get(key)
        if old:
            connection.execute(update(_points).where(_points.c.id == old.id).values(**_changed_columns(row, event_id)))
            point_id = old.id
        else:
            made = insert(_points).values(**_columns(row, event_id)).returning(_points.c.id)
            point_id = connection.execute(made).scalar_one()
            added += 1
        changed_points.append(point_id)
        changed_buses += _write_buses(connection, point_id, row, buses.get(point_id, {}))
    bump(connection, REVISION)
    mark_changed(connection, changed_points, changed_buses)
    untouched = tuple(row.name for key, row in known.items() if key not in named)
    return Imported(added, len(rows) - added, untouched)


def _on_file(
    connection: Connection, event_id: int, *, lock: bool
) -> tuple[dict[tuple[str, str], Any], dict[int, dict[datetime, Any]]]:
    """Return an event's points by city and name, and the buses of each by their time."""
    known = {
        (fold(row.city), fold(row.name)): row
        for row in connection.execute(select(_points).where(_points.c.event_id == event_id))
    }
    mine = select(_points.c.id).where(_points.c.event_id == event_id)
    query = select(_buses).where(_buses.c.pickup_point_id.in_(mine)).order_by(_buses.c.id)
    buses: dict[int, dict[datetime, Any]] = {}
    for bus in connection.execute(query.with_for_update() if lock else query):
        buses.setdefault(bus.pickup_point_id, {})[bus.leaves_at] = bus
    return known, buses


_COLUMN_OF = {
    "names": "name_", "aliases": "aliases", "landmarks": "landmark", "marshal": "marshal", "state": "state",
    "opens_at": "opens", "closes_at": "closes",
}  # fmt: skip


def _changed_columns(row: PointRow, event_id: int) -> dict[str, Any]:
    """Return what a row says of a point that is on file: what the file has no column for stays."""
    return {
        name: value
        for name, value in _columns(row, event_id).items()
        if name not in _COLUMN_OF or row.tells(_COLUMN_OF[name])
    }


def _columns(row: PointRow, event_id: int) -> dict[str, Any]:
    return {
        "event_id": event_id,
        "name": row.name,
        "names": row.names,
        "aliases": list(row.aliases),
        "city": row.city,
        "lat": row.lat,
        "lon": row.lon,
        "landmarks": row.landmarks,
        "marshal": row.marshal,
        "state": row.state,
        "opens_at": row.opens_at,
        "closes_at": row.closes_at,
    }


def _seats_lost(row: PointRow, old: dict[datetime, Any]) -> list[RowProblem]:
    if not row.buses:
        return []  # the file names no departures: those entered before stay
    wanted = dict(row.buses)
    problems = []
    for leaves_at, bus in old.items():
        said = f"{leaves_at:%Y-%m-%d %H:%M} UTC"
        if leaves_at not in wanted and bus.held:
            problems.append(
                RowProblem(
                    row.line,
                    "departures",
                    fault(
                        "point.bus_left_out",
                        "The bus of {said} is left out, but {held} seats on it are held.",
                        said=said,
                        held=bus.held,
                    ),
                )
            )
        elif (seats := wanted.get(leaves_at)) is not None and seats < bus.held:
            problems.append(
                RowProblem(
                    row.line,
                    "seats",
                    fault(
                        "point.seats_held",
                        "{seats} seats on the bus of {said}, but {held} are held.",
                        seats=seats,
                        said=said,
                        held=bus.held,
                    ),
                )
            )
    return problems


def _write_buses(connection: Connection, point_id: int, row: PointRow, old: dict[datetime, Any]) -> list[int]:
    wanted = dict(row.buses)
    changed: list[int] = []
    if not wanted:
        return changed
    for leaves_at, bus in old.items():
        if leaves_at in wanted:
            connection.execute(update(_buses).where(_buses.c.id == bus.id).values(seats=wanted[leaves_at]))
            changed.append(bus.id)
        elif bus.left_at is None and not _ever_held(connection, bus.id):
            connection.execute(delete(_buses).where(_buses.c.id == bus.id))
    fresh = [(leaves_at, seats) for leaves_at, seats in row.buses if leaves_at not in old]
    if fresh:
        rows = [{"pickup_point_id": point_id, "leaves_at": leaves_at, "seats": seats} for leaves_at, seats in fresh]
        connection.execute(insert(_buses), rows)
    return changed


def _ever_held(connection: Connection, bus_id: int) -> bool:
    return connection.execute(select(SeatHold.id).where(SeatHold.departure_id == bus_id).limit(1)).first() is not None
