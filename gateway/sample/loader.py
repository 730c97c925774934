"""Load the sample rally into a database: safe to run again, and never on top of what organisers have changed."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from importlib import resources
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Engine, func, insert, select

from gateway.database import writing
from gateway.places.store import bump, place_row
from gateway.tables import Departure, Event, PickupPoint, Place
from segments.csv_files import read_places, sorted_out

_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(frozen=True, slots=True)
class Loaded:
    """What the database holds of the sample after loading, and how much of it is new. `doors_at` is aware UTC."""

    event_key: str
    event_name: str
    doors_at: datetime
    zone: str
    points: int
    places_added: int
    event_added: bool


def load_sample(engine: Engine, now: datetime) -> Loaded:
    """Add the sample's places, and its rally on the coming Sunday with its points, where they are not there yet.

    Each week's rally is an event of its own; one that is there already stays as it is, edits included.

    :param now: aware UTC; every bus of the rally leaves after it
    :raises sqlalchemy.exc.SQLAlchemyError: the database is not migrated, or cannot be written
    """
    plan = tomllib.loads(_read("rally.toml"))
    with writing(engine) as connection:
        added = _add_places(connection)
        if added:
            bump(connection, "places")
        event_id, fresh = _add_event(connection, plan, now)
        if fresh:
            bump(connection, "pickups")
        points = select(func.count()).select_from(PickupPoint).where(PickupPoint.event_id == event_id)
        event = connection.execute(select(Event.__table__).where(Event.id == event_id)).one()
        return Loaded(
            event_key=event.key,
            event_name=event.name,
            doors_at=event.doors_at,
            zone=event.zone,
            points=connection.execute(points).scalar_one(),
            places_added=added,
            event_added=fresh,
        )


def rally_day(now: datetime, zone: ZoneInfo, weekday: str) -> date:
    """Return the first day of that name after tomorrow, in the rally's own zone.

    Not tomorrow, because the buses of the evening before are to leave in the future too.
    """
    today = now.astimezone(zone).date()
    ahead = (_WEEKDAYS.index(weekday) - today.weekday()) % 7
    return today + timedelta(days=ahead if ahead > 1 else ahead + 7)


def _read(name: str) -> str:
    return (resources.files("gateway.sample") / name).read_text(encoding="utf-8")


def _add_places(connection: Connection) -> int:
    places, problems = sorted_out(read_places(_read("places.csv").splitlines()))
    if problems:
        raise ValueError(f"gateway/sample/places.csv: {problems[0]}")
    known = set(connection.execute(select(Place.key)).scalars())
    fresh = [place_row(place, "sample") for place in places if place.key not in known]
    if fresh:
        connection.execute(insert(Place.__table__), fresh)
    return len(fresh)


def _add_event(connection: Connection, plan: Mapping[str, Any], now: datetime) -> tuple[int, bool]:
    """Return the id of the coming rally, and whether it was added just now."""
    rally = plan["rally"]
    zone = ZoneInfo(rally["zone"])
    day = rally_day(now, zone, rally["weekday"])
    key = f"{rally['key']}-{day:%Y-%m-%d}"
    known = connection.execute(select(Event.id).where(Event.key == key)).scalar()
    if known is not None:
        return known, False
    event = {name: rally[name] for name in ("name", "names", "venue", "lat", "lon", "zone")}
    event |= {"key": key, "doors_at": _at(day, rally["doors"], zone), "ends_at": _at(day, rally["ends"], zone)}
    events = Event.__table__
    event_id = int(connection.execute(insert(events).returning(events.c.id), event).scalar_one())
    for point in plan["point"]:
        _add_point(connection, event_id, point, day, zone)
    return event_id, True


def _add_point(connection: Connection, event_id: int, point: Mapping[str, Any], day: date, zone: ZoneInfo) -> None:
    row = {name: point[name] for name in ("name", "names", "city", "lat", "lon", "landmarks")}
    points = PickupPoint.__table__
    statement = insert(points).returning(points.c.id)
    point_id = connection.execute(statement, {**row, "event_id": event_id, "state": "open"}).scalar_one()
    day -= timedelta(days=point.get("days_before", 0))
    departures = [
        {"pickup_point_id": point_id, "leaves_at": _at(day, hour, zone), "seats": point["seats"]}
        for hour in point["leaves"]
    ]
    connection.execute(insert(Departure.__table__), departures)


def _at(day: date, hour: str, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time.fromisoformat(hour), zone).astimezone(UTC)
