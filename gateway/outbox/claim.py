"""Take texts out of the outbox: lock, test consent, take pace, commit the attempt. All in one transaction.

The rows of the texts and of their senders are locked first (PostgreSQL: FOR NO KEY UPDATE SKIP LOCKED; SQLite has one
writer), and the statement that takes a text tests its consent after that. So a STOP either commits before the test and
is seen, or waits for the claim's commit: nothing is started after STOP has committed. A sender whose text is just being
recorded is skipped and taken next time.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, case, exists, literal, null, or_, select, update

from gateway.database import is_sqlite, reading, writing
from gateway.outbox.carrier_states import hold_state, read_health, write_busy, write_health
from gateway.outbox.lanes_waiting import QUEUED, SENDING, WaitingLane, ZoneOf, waiting_lanes
from gateway.rules.carrier_routes import Health, Route, probing, room
from gateway.rules.lanes import KINDS, Needs
from gateway.rules.pace import Pace, take
from gateway.rules.sending_hours import SendingHours
from gateway.tables import Broadcast, BroadcastTopic, ConsentEntry, OutboundText, Sender, TopicStop

LEASE = timedelta(seconds=45)
"""How long an attempt may be without a result; longer than any carrier's time limit."""
CANCEL_CHUNK = 2_000
MOST_PARTS = 10

_texts = OutboundText.__table__
_senders = Sender.__table__
_broadcasts = Broadcast.__table__

_DUE = (
    select(
        _texts.c.id, _texts.c.sender_id, _texts.c.broadcast_id, _texts.c.kind, _texts.c.body, _texts.c.parts,
        _texts.c.attempts, _texts.c.retried, _texts.c.expires_at,
        _senders.c.key.label("number"),
    )
    .select_from(_texts.join(_senders, _senders.c.id == _texts.c.sender_id))
    .where(QUEUED)
    .order_by(_texts.c.not_before, _texts.c.id)
    .with_for_update(of=[_texts, _senders], skip_locked=True, key_share=True)
)  # fmt: skip


def _kinds(needs: Needs) -> list[str]:
    return [name for name, kind in KINDS.items() if kind.needs is needs]


_stops = ConsentEntry.__table__
_STOP_SINCE = (
    select(literal(1))
    .where(
        _stops.c.sender_id == _texts.c.sender_id,
        _stops.c.action == "stop",
        _stops.c.scope == "all",
        _stops.c.given_at >= _texts.c.created_at,
    )
    .correlate(_texts)
    .exists()
)
_left, _topics = TopicStop.__table__, BroadcastTopic.__table__
_LEFT_TOPIC = (
    select(literal(1))
    .where(
        _left.c.sender_id == _texts.c.sender_id,
        _topics.c.broadcast_id == _texts.c.broadcast_id,
        _topics.c.topic == _left.c.topic,
    )
    .correlate(_texts)
    .exists()
)
_stopped = _senders.c.consent == "stopped"
KEPT_BACK: Any = (
    select(
        case(
            (_senders.c.key.startswith("erased:"), literal("erased")),
            (_texts.c.kind.in_(_kinds(Needs.NOTHING)), null()),
            (_stopped & _texts.c.kind.in_(_kinds(Needs.NOT_STOPPED) + _kinds(Needs.JOINED)), literal("stopped")),
            (_stopped & _texts.c.kind.in_(_kinds(Needs.NO_STOP_SINCE)) & _STOP_SINCE, literal("stopped")),
            (_texts.c.kind.in_(_kinds(Needs.JOINED)) & (_senders.c.consent != "joined"), literal("no consent")),
            (_senders.c.number_state == "dead", literal("dead number")),
            (_texts.c.broadcast_id.is_not(None) & _LEFT_TOPIC, literal("left this topic")),
            else_=null(),
        )
    )
    .where(_senders.c.id == _texts.c.sender_id)
    .scalar_subquery()
)
"""Why a text must not leave, as the database sees it; NULL where it may."""

_SENDABLE = or_(
    _texts.c.broadcast_id.is_(None),
    exists().where(_broadcasts.c.id == _texts.c.broadcast_id, _broadcasts.c.state.in_(SENDING)),
)


@dataclass(frozen=True, slots=True)
class ClaimedText:
    """A text whose attempt is committed: it is this worker's until `lease_until`."""

    id: int
    sender_id: int
    broadcast_id: int | None
    number: str
    body: str
    parts: int
    attempts: int
    """With this one."""
    retried: bool
    expires_at: datetime | None
    claimed_at: datetime
    lease_until: datetime


@dataclass(frozen=True, slots=True)
class Claimed:
    """`texts` go to `carrier`, which was in `health` before; without any, ask again after `wait`."""

    carrier: str = ""
    texts: Sequence[ClaimedText] = ()
    health: Health = field(default_factory=Health)
    wait: timedelta | None = None
    moved: int = 0
    """Texts that were suppressed, expired or cancelled on the way."""


@dataclass(frozen=True)
class Terms:
    """What a worker claims by."""

    worker: str
    routes: Sequence[Route]
    paces: Mapping[str, Pace]
    hours: SendingHours
    zone_of: ZoneOf
    lease: timedelta = LEASE


Clock = Callable[[Connection], datetime]
Boundary = Callable[[str], None]


def claim(engine: Engine, terms: Terms, clock: Clock, most: int, boundary: Boundary, start: int = 0) -> Claimed:
    """Claim up to `most` texts of one carrier, the most urgent first. `start` turns over which carrier is tried first.

    :raises sqlalchemy.exc.OperationalError: the database is locked, full or gone; nothing was claimed
    """
    with reading(engine) as connection:
        now = clock(connection)
        health = read_health(connection, terms.paces)
        lanes = waiting_lanes(connection, terms.routes, health, terms.hours, terms.zone_of, now)
    if not lanes:
        return Claimed()
    moved = sum(_cancel(engine, lane.name, clock) for lane in lanes if lane.carrier is None)
    wait: timedelta | None = None
    names = sorted({lane.carrier for lane in lanes if lane.carrier in terms.paces and lane.carrier})
    for turn in range(len(names)):
        carrier = names[(start + turn) % len(names)]
        mine = [lane for lane in lanes if lane.carrier == carrier]
        with writing(engine) as connection:
            claimed = _claim_from(connection, terms, carrier, mine, clock(connection), most)
            boundary("before attempt commit")
        moved += claimed.moved
        if claimed.texts:
            boundary("after attempt commit")
            return replace(claimed, moved=moved)
        if claimed.wait is not None:
            wait = min(claimed.wait, wait or claimed.wait)
    return Claimed(wait=wait, moved=moved)


def _claim_from(
    connection: Connection, terms: Terms, carrier: str, lanes: Sequence[WaitingLane], now: datetime, most: int
) -> Claimed:
    health, busy_until = hold_state(connection, carrier)
    most = room(health, now, most)
    if not most:
        return Claimed()
    pace = terms.paces[carrier]
    parts_left = take(busy_until, pace.burst, now, pace).granted
    claimed: list[ClaimedText] = []
    moved, wait = 0, None
    for number, lane in enumerate(lanes):
        alike = sum(other.rank == lane.rank for other in lanes[number:])
        share = -(-(most - len(claimed)) // alike)  # broadcasts at the same time share the pace
        if share <= 0:
            break
        if parts_left <= 0:
            wait = take(busy_until, 1, now, pace).wait
            break
        due = _DUE.where(_texts.c.lane == lane.name, _texts.c.not_before <= now).limit(min(share, parts_left))
        rows = connection.execute(due).all()
        late = [row.id for row in rows if row.expires_at is not None and row.expires_at <= now]
        fit, parts = [], 0
        for row in (row for row in rows if row.id not in late):
            cost = min(row.parts, pace.burst)
            if parts + cost > parts_left:
                wait = take(busy_until, cost, now, pace).wait
                break
            fit.append(row)
            parts += cost
        moved += _end(connection, late, "expired", "its time had passed", now)
        taken, kept_back = _take(connection, terms, carrier, [row.id for row in fit], now)
        moved += kept_back
        claimed += [_claimed(row, now, terms) for row in fit if row.id in taken]
        parts_left -= sum(min(row.parts, pace.burst) for row in fit if row.id in taken)
    if claimed:
        spent = sum(min(text.parts, pace.burst) for text in claimed)
        write_busy(connection, carrier, take(busy_until, spent, now, pace).busy_until)
        if health.tripped:
            write_health(connection, carrier, probing(health, now))
    return Claimed(carrier, claimed, health, wait, moved)


def _take(
    connection: Connection, terms: Terms, carrier: str, ids: Sequence[int], now: datetime
) -> tuple[set[int], int]:
    """Turn texts to attempted where consent holds, and the others to suppressed with the reason."""
    if not ids:
        return set(), 0
    mine = _texts.c.id.in_(ids) & QUEUED & _SENDABLE
    attempt = (
        update(_texts)
        .where(mine, KEPT_BACK.is_(None))
        .values(
            state="attempted",
            attempts=_texts.c.attempts + 1,
            attempted_at=now,
            state_at=now,
            claimed_by=terms.worker,
            lease_until=now + terms.lease,
            carrier=carrier,
            carrier_id=None,
            looks=0,
            reason=None,
        )
        .returning(_texts.c.id)
    )
    taken = {row.id for row in connection.execute(attempt)}
    if len(taken) == len(ids):
        return taken, 0
    suppress = (
        update(_texts)
        .where(mine, KEPT_BACK.is_not(None))
        .values(state="suppressed", reason=KEPT_BACK, state_at=now)
        .returning(_texts.c.id)
    )
    return taken, len(connection.execute(suppress).all())


def _end(connection: Connection, ids: Sequence[int], state: str, reason: str, now: datetime) -> int:
    if not ids:
        return 0
    ended = update(_texts).where(_texts.c.id.in_(ids), QUEUED).values(state=state, reason=reason, state_at=now)
    return int(connection.execute(ended).rowcount)


def _cancel(engine: Engine, lane: str, clock: Clock) -> int:
    """Cancel one chunk of a cancelled broadcast's lane, so that inbound texts never wait long for the writer."""
    with writing(engine) as connection:
        chunk = select(_texts.c.id).where(QUEUED, _texts.c.lane == lane).limit(CANCEL_CHUNK)
        if not is_sqlite(connection):
            chunk = chunk.with_for_update(skip_locked=True)
        ids = [row.id for row in connection.execute(chunk)]
        return _end(connection, ids, "cancelled", "the broadcast was cancelled", clock(connection))


def _claimed(row: Any, now: datetime, terms: Terms) -> ClaimedText:
    return ClaimedText(
        id=row.id,
        sender_id=row.sender_id,
        broadcast_id=row.broadcast_id,
        number=row.number,
        body=row.body,
        parts=row.parts,
        attempts=row.attempts + 1,
        retried=row.retried,
        expires_at=row.expires_at,
        claimed_at=now,
        lease_until=now + terms.lease,
    )
