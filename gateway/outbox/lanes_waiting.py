"""Which lanes have texts that could leave now: one look at the queue's index for each lane, however long the queue."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, literal_column, select

from gateway.rules.carrier_routes import Health, Route, carriers_of, choose
from gateway.rules.lanes import Lane
from gateway.rules.sending_hours import SendingHours
from gateway.tables import Broadcast, OutboundText

_texts = OutboundText.__table__
_broadcasts = Broadcast.__table__

SENDING = ("planning", "sending")
CANCELLED = "cancelled"

QUEUED = _texts.c.state == literal_column("'queued'")
"""Spelled out and not bound, so that PostgreSQL knows that the partial index serves."""

_first = select(_texts.c.lane).where(QUEUED).order_by(_texts.c.lane).limit(1).scalar_subquery()
_walk = select(_first.label("lane")).cte("lanes", recursive=True)
_next = select(_texts.c.lane).where(QUEUED, _texts.c.lane > _walk.c.lane).order_by(_texts.c.lane).limit(1)
_walk = _walk.union_all(select(_next.scalar_subquery()).where(_walk.c.lane.is_not(None)))
_due = (
    select(_texts.c.not_before)
    .where(QUEUED, _texts.c.lane == _walk.c.lane)
    .order_by(_texts.c.not_before)
    .limit(1)
    .scalar_subquery()
)
_LANES = select(_walk.c.lane, _due.label("due")).where(_walk.c.lane.is_not(None))


@dataclass(frozen=True, slots=True)
class WaitingLane:
    """A lane with a text that is due; `carrier` is where it goes now, None where it is to be cancelled."""

    name: str
    lane: Lane
    carrier: str | None
    urgent: bool = False

    @property
    def rank(self) -> tuple[int, bool]:
        """Lanes of one rank share the pace; a lower rank goes first."""
        return self.lane.priority, not self.urgent


class ZoneOf:
    """Finds a time zone by name; the house's own for a name that is none, because a row must never block its lane."""

    def __init__(self, default: ZoneInfo) -> None:
        self._default = default

    def __call__(self, name: str) -> ZoneInfo:
        try:
            return ZoneInfo(name)
        except (KeyError, ValueError, OSError):
            return self._default


def lanes_with_texts(connection: Connection) -> list[Lane]:
    """Return every lane in which a text waits, due or not."""
    return [Lane.read(row.lane) for row in connection.execute(_LANES)]


def waiting_lanes(
    connection: Connection,
    routes: Sequence[Route],
    health: dict[str, Health],
    hours: SendingHours,
    zone_of: ZoneOf,
    now: datetime,
) -> list[WaitingLane]:
    """Return the lanes that may be claimed from at `now` (aware UTC), most urgent first."""
    due = [(row.lane, Lane.read(row.lane)) for row in connection.execute(_LANES) if row.due <= now]
    ids = {lane.broadcast_id for _, lane in due if lane.broadcast_id}
    rows: dict[int, Any] = {}
    if ids:
        wanted = select(_broadcasts.c.id, _broadcasts.c.state, _broadcasts.c.urgent, _broadcasts.c.hours)
        rows = {row.id: row for row in connection.execute(wanted.where(_broadcasts.c.id.in_(ids)))}
    found = []
    for name, lane in due:
        row = rows.get(lane.broadcast_id) if lane.broadcast_id else None
        state = row.state if row else None if lane.broadcast_id else SENDING[0]
        if state == CANCELLED:
            found.append(WaitingLane(name, lane, None))
            continue
        if state not in SENDING or (lane.zone and not _open(now, hours, row.hours if row else "", zone_of(lane.zone))):
            continue
        if carrier := choose(carriers_of(lane.route, routes), health, now):
            found.append(WaitingLane(name, lane, carrier, bool(row and row.urgent)))
    return sorted(found, key=lambda one: (*one.rank, one.lane.broadcast_id or 0, one.name))


def _open(now: datetime, hours: SendingHours, own: str, zone: ZoneInfo) -> bool:
    """Whether a text may leave now: in the house's hours, and in the broadcast's own where it has some."""
    both = replace(SendingHours.read(own), within=hours) if own else hours
    return both.hold(now.astimezone(zone).time())
