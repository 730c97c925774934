"""Events: made and changed, checked field by field."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, insert, select, update
from sqlalchemy.exc import IntegrityError

from faults import Fault, FaultError, fault
from gateway.pickups.position import read_position
from gateway.pickups.store import REVISION
from gateway.places.store import bump
from gateway.tables import Event

_USUAL_LENGTH = timedelta(hours=6)
_LONGEST = timedelta(days=14)
_KEY = re.compile(r"[a-z0-9][a-z0-9-]{0,59}")
_events = Event.__table__


class EventRefused(FaultError):
    """An event that cannot be so; `field` names the field, and the fault is one sentence with the remedy."""

    def __init__(self, field: str, reason: Fault) -> None:
        super().__init__(reason)
        self.field = field


@dataclass(frozen=True, slots=True)
class EventDetails:
    """An event as it is filed. Times are aware; `names` maps a language to its name there."""

    key: str
    name: str
    names: Mapping[str, str]
    venue: str
    lat: float
    lon: float
    zone: str
    doors_at: datetime
    ends_at: datetime


def read_event(written: Mapping[str, str], time_zone: str) -> EventDetails:
    """Return the event that these fields describe: key, name, name_ur, name_ur_latn, venue, at, doors, ends, zone.

    :param written: `at` is lat,lon or a map link; `doors` and `ends` are 2026-12-06 14:00 in the event's own zone; six
        hours after it begins where `ends` is empty
    :param time_zone: where `zone` is empty
    :raises EventRefused: a field cannot be read
    """
    key = written.get("key", "").strip()
    if not _KEY.fullmatch(key):
        raise EventRefused("key", fault("event.key", "Write it in small letters, digits and dashes, at most 60."))
    name = " ".join(written.get("name", "").split())
    if not name:
        raise EventRefused("name", fault("event.name", "Write what people call it."))
    place = written.get("at", "").strip()
    position = read_position(place) or read_position(f"geo:{place}")
    if position is None:
        raise EventRefused("at", fault("event.at", "Write the position as 31.5497,74.3436 or paste a map link."))
    given = written.get("zone", "").strip() or time_zone
    try:
        zone = ZoneInfo(given)
    except (KeyError, ValueError, OSError):
        raise EventRefused(
            "zone", fault("event.zone", "There is no time zone {given!r}; write it as Asia/Karachi.", given=given)
        ) from None
    doors = _time("doors", written.get("doors", ""), zone)
    ends = _time("ends", written["ends"], zone) if written.get("ends", "").strip() else doors + _USUAL_LENGTH
    if not doors < ends <= doors + _LONGEST:
        raise EventRefused(
            "ends", fault("event.ends", "It must end after it begins, within {days} days.", days=_LONGEST.days)
        )
    names = {
        language: said[:120]
        for language, field in (("ur", "name_ur"), ("ur-Latn", "name_ur_latn"))
        if (said := " ".join(written.get(field, "").split()))
    }
    venue = " ".join(written.get("venue", "").split())[:160]
    return EventDetails(key, name[:120], names, venue, position[0], position[1], zone.key, doors, ends)


def add_event(connection: Connection, event: EventDetails) -> None:
    """File a new event, in a writing transaction.

    :raises EventRefused: there is one of that key
    """
    if connection.execute(select(_events.c.id).where(_events.c.key == event.key)).first():
        raise EventRefused("key", fault("event.known", "There is an event {key!r} already.", key=event.key))
    try:
        connection.execute(insert(_events).values(**_columns(event)))
    except IntegrityError:
        raise EventRefused("key", fault("event.known", "There is an event {key!r} already.", key=event.key)) from None
    bump(connection, REVISION)


def change_event(connection: Connection, event: EventDetails) -> EventDetails | None:
    """Change an event of that key, in a writing transaction; returns what it was, None if nothing is different.

    :raises LookupError: there is none
    """
    row = connection.execute(select(_events).where(_events.c.key == event.key).with_for_update()).first()
    if row is None:
        raise LookupError(event.key)
    before = details_of(row)
    if before == event:
        return None
    connection.execute(update(_events).where(_events.c.id == row.id).values(**_columns(event)))
    bump(connection, REVISION)
    return before


def details_of(row: Any) -> EventDetails:
    """Return an event's row as a value."""
    return EventDetails(
        row.key, row.name, dict(row.names), row.venue, row.lat, row.lon, row.zone, row.doors_at, row.ends_at
    )


def all_events(connection: Connection) -> list[EventDetails]:
    """Return every event, the last one first."""
    return [details_of(row) for row in connection.execute(select(_events).order_by(_events.c.doors_at.desc()))]


def _columns(event: EventDetails) -> dict[str, Any]:
    return {
        "key": event.key, "name": event.name, "names": dict(event.names), "venue": event.venue, "lat": event.lat,
        "lon": event.lon, "zone": event.zone, "doors_at": event.doors_at, "ends_at": event.ends_at,
    }  # fmt: skip


def _time(field: str, written: str, zone: ZoneInfo) -> datetime:
    try:
        if ":" not in written:
            raise ValueError
        local = datetime.fromisoformat(written.strip())
    except ValueError:
        raise EventRefused(field, fault("event.time", "Write the time as 2026-12-06 14:00.")) from None
    return (local if local.tzinfo else local.replace(tzinfo=zone)).astimezone(UTC)
