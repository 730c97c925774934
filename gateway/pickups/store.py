"""Events and pick-up points between the database and the index in memory."""

from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, select

from gateway.pickups.points import PickupIndex, Point
from gateway.pickups.where import Pickups
from gateway.places.directory import Directory
from gateway.tables import Departure, Event, PickupPoint
from segments import Gazetteer, Place

POINT_KIND = "pick-up point"


def read_pickups(connection: Connection, directory: Directory, now: datetime, zone: ZoneInfo) -> Pickups:
    """Return the points of the next event (the one that ends soonest after `now`), and a gazetteer with their names.

    :param now: aware UTC
    :param zone: for telling hours when there is no event
    """
    events = select(Event.__table__).where(Event.ends_at > now).order_by(Event.doors_at, Event.id)
    event = connection.execute(events).first()
    if event is None:
        return Pickups(PickupIndex(()), directory.gazetteer, zone)
    points = _points(connection, event.id)
    spots = [
        Place(
            key=f"pickup:{point.id}",
            name=point.name,
            kind=POINT_KIND,
            names=point.names,
            city=point.city,
            lat=point.lat,
            lon=point.lon,
        )
        for point in points
    ]
    return Pickups(
        index=PickupIndex(points),
        gazetteer=Gazetteer([*directory.gazetteer.places, *spots]),
        zone=ZoneInfo(event.zone),
        event_key=event.key,
        event_name={"": event.name, **event.names},
    )


def _points(connection: Connection, event_id: int) -> list[Point]:
    departures: dict[int, list[datetime]] = {}
    for row in connection.execute(select(Departure.__table__).order_by(Departure.leaves_at)):
        departures.setdefault(row.pickup_point_id, []).append(row.leaves_at)
    return [
        Point(
            id=row.id,
            event_id=row.event_id,
            name=row.name,
            city=row.city,
            lat=row.lat,
            lon=row.lon,
            state=row.state,
            names=row.names,
            landmarks=row.landmarks,
            opens_at=row.opens_at,
            closes_at=row.closes_at,
            departures=tuple(departures.get(row.id, ())),
        )
        for row in connection.execute(select(PickupPoint.__table__).where(PickupPoint.event_id == event_id))
    ]
