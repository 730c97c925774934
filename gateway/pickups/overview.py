"""Points as staff see them: each with its buses, seats, who waits, and the marshal's masked number."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, select

from gateway.rules.phone_numbers import mask
from gateway.tables import Departure, Event, PickupPoint, SeatWait, Sender

_events, _points, _buses = Event.__table__, PickupPoint.__table__, Departure.__table__
_waits, _senders = SeatWait.__table__, Sender.__table__


@dataclass(frozen=True, slots=True)
class BusSeen:
    """One departure. `leaves_at` counts lateness in, `planned_at` does not; both aware UTC."""

    id: int
    planned_at: datetime
    leaves_at: datetime
    late_minutes: int
    left_at: datetime | None
    seats: int | None
    held: int
    boarded: int | None

    @property
    def taken(self) -> int:
        """Seats that nobody else can have: promised or sat on."""
        return max(self.held, self.boarded or 0)


@dataclass(frozen=True, slots=True)
class PointSeen:
    """One point. `marshal` is masked; `waiting` people are to be told when a seat is free."""

    id: int
    event_id: int
    name: str
    names: Mapping[str, str]
    city: str
    lat: float
    lon: float
    landmarks: Mapping[str, str]
    aliases: tuple[str, ...]
    state: str
    opens_at: datetime | None
    closes_at: datetime | None
    marshal: str
    buses: tuple[BusSeen, ...]
    waiting: int

    def coming(self, now: datetime) -> tuple[BusSeen, ...]:
        """The buses that have still to leave, the next one first."""
        return tuple(bus for bus in self.buses if bus.left_at is None and bus.leaves_at >= now)

    def taken(self, now: datetime) -> int:
        """Seats taken on the buses to come."""
        return sum(bus.taken for bus in self.coming(now))

    def seats(self, now: datetime) -> int | None:
        """Seats on the buses to come; None where nobody counts them."""
        counted = [bus.seats for bus in self.coming(now) if bus.seats is not None]
        return sum(counted) if counted else None


def events_to_come(connection: Connection, now: datetime, which: ColumnElement[bool] | None = None) -> Sequence[Any]:
    """Return the rows of events that are not over, the next one first.

    :param which: a condition on `events`
    """
    query = select(_events).where(_events.c.ends_at > now)
    if which is not None:
        query = query.where(which)
    return connection.execute(query.order_by(_events.c.doors_at, _events.c.id)).all()


def points_seen(connection: Connection, event_id: int, which: ColumnElement[bool] | None = None) -> list[PointSeen]:
    """Return an event's points by city and name.

    :param which: a condition on `pickup_points`
    """
    wanted = _points.c.event_id == event_id
    return _seen(connection, wanted if which is None else wanted & which)


def point_seen(connection: Connection, point_id: int, which: ColumnElement[bool] | None = None) -> PointSeen:
    """Return one point.

    :raises LookupError: there is none, or the condition on `pickup_points` does not hold
    """
    wanted = _points.c.id == point_id
    found = _seen(connection, wanted if which is None else wanted & which)
    if not found:
        raise LookupError(point_id)
    return found[0]


def who_waits(connection: Connection, point_id: int, limit: int = 100) -> list[dict[str, Any]]:
    """Return who wants a seat at a point, first come first: masked number, when they asked, when they were told."""
    rows = connection.execute(
        select(_senders.c.key, _waits.c.asked_at, _waits.c.told_at)
        .select_from(_waits.join(_senders, _senders.c.id == _waits.c.sender_id))
        .where(_waits.c.pickup_point_id == point_id)
        .order_by(_waits.c.told_at.is_not(None), _waits.c.asked_at, _waits.c.sender_id)
        .limit(limit)
    )
    return [{"number": mask(row.key), "asked_at": row.asked_at, "told_at": row.told_at} for row in rows]


def live_mark(connection: Connection) -> tuple[Any, ...]:
    """Return what differs once any seat, wait, state or bus has changed; cheap, for pages that are kept up to date."""
    buses = select(func.sum(_buses.c.held), func.sum(_buses.c.boarded), func.max(_buses.c.live_rev), func.count())
    points = select(func.max(_points.c.live_rev), func.count())
    waits = select(func.count()).where(_waits.c.told_at.is_(None))
    return (
        *connection.execute(buses).one(),
        *connection.execute(points).one(),
        connection.execute(waits).scalar(),
    )


def _seen(connection: Connection, wanted: ColumnElement[bool]) -> list[PointSeen]:
    rows = connection.execute(
        select(_points).where(wanted).order_by(_points.c.city, _points.c.name, _points.c.id)
    ).all()
    mine = select(_points.c.id).where(wanted)
    buses: dict[int, list[BusSeen]] = {}
    for row in connection.execute(
        select(_buses).where(_buses.c.pickup_point_id.in_(mine)).order_by(_buses.c.leaves_at)
    ):
        leaves = row.leaves_at + timedelta(minutes=row.late_minutes)
        seen = BusSeen(row.id, row.leaves_at, leaves, row.late_minutes, row.left_at, row.seats, row.held, row.boarded)
        buses.setdefault(row.pickup_point_id, []).append(seen)
    counted = (
        select(_waits.c.pickup_point_id, func.count())
        .where(_waits.c.told_at.is_(None), _waits.c.pickup_point_id.in_(mine))
        .group_by(_waits.c.pickup_point_id)
    )
    waiting = {row[0]: row[1] for row in connection.execute(counted)}
    return [
        PointSeen(
            id=row.id,
            event_id=row.event_id,
            name=row.name,
            names=row.names,
            city=row.city,
            lat=row.lat,
            lon=row.lon,
            landmarks=row.landmarks,
            aliases=tuple(row.aliases),
            state=row.state,
            opens_at=row.opens_at,
            closes_at=row.closes_at,
            marshal=mask(row.marshal) if row.marshal else "",
            buses=tuple(buses.get(row.id, ())),
            waiting=waiting.get(row.id, 0),
        )
        for row in rows
    ]
