"""Events and pick-up points between the database and the values in memory, and how a change reaches every process."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, bindparam, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from gateway.database import is_sqlite
from gateway.pickups.live import BusState, Live
from gateway.pickups.pickups import POINT_KIND, Pickups, Rally, point_key
from gateway.pickups.points import Bus, PickupIndex, Point
from gateway.pipeline import Pipeline
from gateway.places.directory import Directory
from gateway.tables import Departure, Event, PickupPoint, Revision
from segments import Gazetteer, Place

REVISION = "pickups"
"""Events, points, positions and times: everything in memory is built anew."""
LIVE_REVISION = "pickups-live"
"""States, delays and full buses: only the rows that changed are read."""

_events, _points, _buses, _revisions = (
    Event.__table__,
    PickupPoint.__table__,
    Departure.__table__,
    Revision.__table__,
)
_LIVE_NUMBER = select(_revisions.c.number).where(_revisions.c.name == LIVE_REVISION)
_bus_columns = (_buses.c.id, _buses.c.seats, _buses.c.held, _buses.c.boarded, _buses.c.late_minutes, _buses.c.left_at)
_NEW_STATES = select(_points.c.id, _points.c.state).where(_points.c.live_rev > bindparam("seen"))
_NEW_BUSES = select(*_bus_columns).where(_buses.c.live_rev > bindparam("seen"))


def read_pickups(connection: Connection, directory: Directory, now: datetime, zone: ZoneInfo) -> Pickups:
    """Return every event that is not over, with its points, and a gazetteer in which their names are places too."""
    pickups = read_points(connection, now, zone)
    spots = [_spot(point) for point in pickups.points.values()]
    gazetteer = Gazetteer([*directory.gazetteer.places, *spots]) if spots else directory.gazetteer
    return replace(pickups, gazetteer=gazetteer, places={**directory.places, **{spot.key: spot for spot in spots}})


def read_points(connection: Connection, now: datetime, zone: ZoneInfo) -> Pickups:
    """Return every event that is not over, with its points, but no gazetteer: much cheaper.

    :param now: aware UTC
    :param zone: for telling hours when there is no event
    """
    number = connection.execute(_LIVE_NUMBER).scalar() or 0
    rows = connection.execute(select(_events).where(_events.c.ends_at > now).order_by(_events.c.doors_at, _events.c.id))
    events = rows.all()
    if not events:
        return Pickups((), Gazetteer(()), zone, Live(rev=number))
    ids = [event.id for event in events]
    mine = select(_points.c.id).where(_points.c.event_id.in_(ids))
    buses: dict[int, list[Bus]] = {}
    for row in connection.execute(
        select(_buses).where(_buses.c.pickup_point_id.in_(mine)).order_by(_buses.c.leaves_at)
    ):
        buses.setdefault(row.pickup_point_id, []).append(Bus(row.id, row.leaves_at, row.seats))
    point_rows = connection.execute(select(_points).where(_points.c.event_id.in_(ids)).order_by(_points.c.id)).all()
    points = {row.id: _point(row, tuple(buses.get(row.id, ()))) for row in point_rows}
    marshals: dict[str, list[int]] = {}
    for row in point_rows:
        if row.marshal:
            marshals.setdefault(row.marshal, []).append(row.id)
    changed = or_(_buses.c.left_at.is_not(None), _buses.c.late_minutes != 0, _buses.c.live_rev > 0)
    full = or_(_buses.c.held >= _buses.c.seats, _buses.c.boarded >= _buses.c.seats)
    bus_rows = connection.execute(select(*_bus_columns).where(_buses.c.pickup_point_id.in_(mine), or_(changed, full)))
    return Pickups(
        rallies=tuple(
            _rally(event, [point for point in points.values() if point.event_id == event.id]) for event in events
        ),
        gazetteer=Gazetteer(()),
        zone=ZoneInfo(events[0].zone),
        live=Live(
            {row.id: row.state for row in point_rows if row.state != "open"},
            {row.id: _bus_state(row) for row in bus_rows},
            number,
        ),
        marshals={phone: tuple(own) for phone, own in marshals.items()},
        points=points,
    )


def freshened(pipeline: Pipeline, pickups: Pickups) -> Callable[[], Pickups]:
    """Ask for the same with every state, delay and full bus as they are now; it comes when it is called for.

    Costs one look-up when nothing changed.
    """
    numbers = pipeline.run(_LIVE_NUMBER, {})
    return lambda: _freshened(pipeline, pickups, next((row.number for row in numbers.all()), 0))


def _freshened(pipeline: Pipeline, pickups: Pickups, number: int) -> Pickups:
    live = pickups.live
    if number == live.rev:
        return pickups
    seen = {"seen": live.rev}
    points, changed = pipeline.run(_NEW_STATES, seen), pipeline.run(_NEW_BUSES, seen)
    states = {row.id: row.state for row in points.all()}
    buses = {row.id: _bus_state(row) for row in changed.all()}
    return replace(pickups, live=Live({**live.states, **states}, {**live.buses, **buses}, number))


def next_live_revision(connection: Connection) -> int:
    """Raise the number of live changes; the row stays locked until the commit, so numbers become visible in order."""
    dialect: Any = sqlite if is_sqlite(connection) else postgresql
    connection.execute(dialect.insert(_revisions).values(name=LIVE_REVISION, number=0).on_conflict_do_nothing())
    raised = update(_revisions).where(_revisions.c.name == LIVE_REVISION).values(number=_revisions.c.number + 1)
    return int(connection.execute(raised.returning(_revisions.c.number)).scalar_one())


def mark_changed(connection: Connection, points: list[int], buses: list[int]) -> None:
    """Say that these points' and buses' live state has changed. Call it last: other processes wait on the number."""
    if not points and not buses:
        return
    number = next_live_revision(connection)
    if points:
        connection.execute(update(_points).where(_points.c.id.in_(points)).values(live_rev=number))
    if buses:
        connection.execute(update(_buses).where(_buses.c.id.in_(buses)).values(live_rev=number))


def seats_left(row: Any) -> int | None:
    """Return how many seats of a bus are free: neither promised nor sat on; None where nobody counts them."""
    return None if row.seats is None else int(max(0, row.seats - max(row.held, row.boarded or 0)))


def _bus_state(row: Any) -> BusState:
    return BusState(row.late_minutes, row.left_at is not None, seats_left(row) == 0)


def _rally(event: Any, points: list[Point]) -> Rally:
    name: Mapping[str, str] = {"": event.name, **event.names}
    return Rally(event.id, event.key, name, ZoneInfo(event.zone), event.ends_at, PickupIndex(points))


def _point(row: Any, buses: tuple[Bus, ...]) -> Point:
    return Point(
        id=row.id,
        event_id=row.event_id,
        name=row.name,
        city=row.city,
        lat=row.lat,
        lon=row.lon,
        names=row.names,
        aliases=tuple(row.aliases),
        landmarks=row.landmarks,
        opens_at=row.opens_at,
        closes_at=row.closes_at,
        buses=buses,
    )


def _spot(point: Point) -> Place:
    return Place(
        key=point_key(point),
        name=point.name,
        kind=POINT_KIND,
        names=point.names,
        aliases=point.aliases,
        city=point.city,
        lat=point.lat,
        lon=point.lon,
    )
