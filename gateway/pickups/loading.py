"""Events and pick-up points into the database: whole or not at all, seats that are held kept."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

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


def import_points(
    connection: Connection, event_id: int, rows: Sequence[PointRow], progress: Callable[[], None] = lambda: None
) -> Imported | list[RowProblem]:
    """Add or change an event's points by city and name; returns problems, and changes nothing, if seats would vanish.

    Call it in a writing transaction. Departures that the file leaves out go unless somebody holds a seat on them.
    """
    known = {
        (fold(row.city), fold(row.name)): row
        for row in connection.execute(select(_points).where(_points.c.event_id == event_id))
    }
    mine = select(_points.c.id).where(_points.c.event_id == event_id)
    buses: dict[int, dict[datetime, Any]] = {}
    locked = select(_buses).where(_buses.c.pickup_point_id.in_(mine)).order_by(_buses.c.id).with_for_update()
    for bus in connection.execute(locked):
        buses.setdefault(bus.pickup_point_id, {})[bus.leaves_at] = bus
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
            connection.execute(update(_points).where(_points.c.id == old.id).values(**_columns(row, event_id)))
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
                    row.line, "departures", f"The bus of {said} is left out, but {bus.held} seats on it are held."
                )
            )
        elif (seats := wanted.get(leaves_at)) is not None and seats < bus.held:
            problems.append(
                RowProblem(row.line, "seats", f"{seats} seats on the bus of {said}, but {bus.held} are held.")
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
