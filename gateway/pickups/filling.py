"""How the points of the next event fill, on the buses that have still to leave."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Connection, select

from gateway.tables import Departure, Event, PickupPoint

_events, _points, _buses = Event.__table__, PickupPoint.__table__, Departure.__table__


@dataclass(frozen=True, slots=True)
class Filling:
    """One point: `taken` of `seats` on the buses to come (`seats` None: nobody counts them), and the next of them."""

    id: int
    name: str
    names: Mapping[str, str]
    city: str
    state: str
    taken: int
    seats: int | None
    next_at: datetime | None

    @property
    def share(self) -> float:
        return self.taken / self.seats if self.seats else 0.0


@dataclass(frozen=True, slots=True)
class EventFilling:
    """The next event and its points, the fullest first."""

    key: str
    name: str
    names: Mapping[str, str]
    zone: ZoneInfo
    doors_at: datetime
    points: tuple[Filling, ...]

    @property
    def taken(self) -> int:
        return sum(point.taken for point in self.points)

    @property
    def seats(self) -> int:
        return sum(point.seats or 0 for point in self.points)


def next_filling(
    connection: Connection, now: datetime, which: ColumnElement[bool] | None = None
) -> EventFilling | None:
    """Return the next event that has a wanted point; without a condition, the next event even if it has none.

    :param which: a condition on `pickup_points`
    """
    coming = select(_events).where(_events.c.ends_at > now)
    if which is not None:
        coming = coming.where(select(_points.c.id).where(_points.c.event_id == _events.c.id, which).exists())
    event = connection.execute(coming.order_by(_events.c.doors_at, _events.c.id).limit(1)).first()
    if event is None:
        return None
    mine = _points.c.event_id == event.id
    if which is not None:
        mine = mine & which
    ids = select(_points.c.id).where(mine)
    buses: dict[int, list[Any]] = {}
    still = select(_buses).where(_buses.c.pickup_point_id.in_(ids), _buses.c.left_at.is_(None))
    for bus in connection.execute(still):
        if bus.leaves_at + timedelta(minutes=bus.late_minutes) >= now:
            buses.setdefault(bus.pickup_point_id, []).append(bus)
    points = [_filling(row, buses.get(row.id, [])) for row in connection.execute(select(_points).where(mine))]
    points.sort(key=lambda point: (-point.share, -point.taken, point.id))
    return EventFilling(event.key, event.name, event.names, ZoneInfo(event.zone), event.doors_at, tuple(points))


def _filling(row: Any, buses: list[Any]) -> Filling:
    counted = [bus.seats for bus in buses if bus.seats is not None]
    return Filling(
        row.id,
        row.name,
        row.names,
        row.city,
        row.state,
        sum(max(bus.held, bus.boarded or 0) for bus in buses),
        sum(counted) if counted else None,
        min((bus.leaves_at + timedelta(minutes=bus.late_minutes) for bus in buses), default=None),
    )
