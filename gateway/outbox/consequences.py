"""What a carrier's code means for others than the text: an opt-out, a dead number, a broadcast or a carrier that stops.

Callers lock the senders first (`hold_numbers`), before any text of theirs, because inbound texts lock in that order.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

import structlog
from prometheus_client import Counter, Gauge
from sqlalchemy import Connection, Engine, insert, select, update

from gateway.database import writing
from gateway.hooks.events import NewEvent, emit
from gateway.outbox.carrier_states import hold_state
from gateway.outbox.lanes_waiting import SENDING
from gateway.rules.carrier_codes import CodeRule, Effect
from gateway.rules.spike import Spike, counted, pauses
from gateway.tables import Alert, Broadcast, CarrierState, ConsentEntry, Member, Sender

log = structlog.get_logger()

_senders, _members = Sender.__table__, Member.__table__
_broadcasts, _states, _alerts = Broadcast.__table__, CarrierState.__table__, Alert.__table__

_raised = Counter("jalsa_alerts_total", "Alerts raised", ["kind"])
_halted = Gauge("jalsa_carrier_halted", "1 while a carrier is halted", ["carrier"], multiprocess_mode="livemax")


Counts = dict[int, Spike]
COUNT_EVERY = 2_000


@dataclass(frozen=True, slots=True)
class Ended:
    """One attempt that ended, as far as others depend on it."""

    sender_id: int
    broadcast_id: int | None
    attempted_at: datetime | None
    rule: CodeRule


def hold_numbers(connection: Connection, ended: Iterable[Ended]) -> None:
    """Lock the senders that `carry_out` will change, in the one order that everybody keeps."""
    ids = {one.sender_id for one in ended if one.rule.effect in (Effect.OPT_OUT, Effect.FLAG_NUMBER)}
    if ids:
        connection.execute(
            select(_senders.c.id).where(_senders.c.id.in_(ids)).order_by(_senders.c.key).with_for_update()
        )


def carry_out(
    connection: Connection, carrier: str, ended: Iterable[Ended], now: datetime, uncounted: Counts | None = None
) -> None:
    """Do what the codes ask for. `now` is aware UTC.

    `uncounted` holds, per broadcast, texts that ended well and were not yet written to its spike count: most results
    are such, and a write for each group would make all workers wait for each other on the broadcast's one row.
    """
    per_broadcast: dict[int, list[Ended]] = {}
    for one in ended:
        if one.broadcast_id is not None:
            per_broadcast.setdefault(one.broadcast_id, []).append(one)
        match one.rule.effect:
            case Effect.OPT_OUT:
                _opt_out(connection, carrier, one, now)
            case Effect.FLAG_NUMBER:
                _flag(connection, one)
            case Effect.HALT:
                halt(connection, carrier, f"{one.rule.reason} ({one.rule.code})", now)
    for broadcast_id, of_it in sorted(per_broadcast.items()):
        # Counted in the same window as the row's: good texts of long ago must not hide a spike of now.
        well = counted((uncounted or {}).get(broadcast_id, Spike()), 0, 0, now)
        harmless = all(one.rule.effect not in (Effect.PAUSE, Effect.SPIKE_PAUSES) for one in of_it)
        if uncounted is not None and harmless and well.ended + len(of_it) < COUNT_EVERY:
            uncounted[broadcast_id] = counted(well, len(of_it), 0, now)
            continue
        _judge(connection, broadcast_id, of_it, well.ended, now)
        if uncounted is not None:
            uncounted[broadcast_id] = Spike()


def _opt_out(connection: Connection, carrier: str, one: Ended, now: datetime) -> None:
    stopped = (
        update(_senders)
        .where(_senders.c.id == one.sender_id, _senders.c.consent != "stopped", ~_senders.c.key.startswith("erased:"))
        .values(consent="stopped", question=None)
        .returning(_senders.c.id)
    )
    if connection.execute(stopped).first() is None:
        return
    connection.execute(update(_members).where(_members.c.sender_id == one.sender_id).values(reachable=False))
    connection.execute(
        insert(ConsentEntry),
        {
            "sender_id": one.sender_id,
            "action": "stop",
            "scope": "all",
            "words": "",
            "reason": f"{one.rule.reason} ({one.rule.code})",
            "carrier": carrier,
            "carrier_id": "",
            "wording": "",
            "given_at": now,
        },
    )
    emit(connection, [NewEvent("member.stopped", one.sender_id, {"by": "carrier"})], now)


def _flag(connection: Connection, one: Ended) -> None:
    """Mark a number dead, unless it has texted us since: a number that texts is in somebody's hands."""
    dead = update(_senders).where(_senders.c.id == one.sender_id).values(number_state="dead").returning(_senders.c.id)
    if one.attempted_at is not None:
        dead = dead.where(_senders.c.last_seen_at < one.attempted_at)
    if connection.execute(dead).first() is not None:
        # Without `seen_on`, the next text from this number writes the member's row anew: reachable again.
        gone = {"reachable": False, "seen_on": None}
        connection.execute(update(_members).where(_members.c.sender_id == one.sender_id).values(gone))


def _judge(connection: Connection, broadcast_id: int, ended: list[Ended], before: int, now: datetime) -> None:
    blocked = sum(one.rule.effect is Effect.SPIKE_PAUSES for one in ended)
    told_to = next((one.rule for one in ended if one.rule.effect is Effect.PAUSE), None)
    mine = _broadcasts.c.id == broadcast_id
    row = connection.execute(select(_broadcasts).where(mine).with_for_update()).first()
    if row is None:
        return
    spike = counted(Spike(row.spike_since, row.spike_ended, row.spike_blocked), before + len(ended), blocked, now)
    connection.execute(
        update(_broadcasts)
        .where(mine)
        .values(spike_since=spike.since, spike_ended=spike.ended, spike_blocked=spike.blocked)
    )
    if told_to is not None:
        pause(connection, broadcast_id, f"{told_to.reason} ({told_to.code})", now)
    elif blocked and pauses(spike):
        pause(connection, broadcast_id, f"networks blocked {spike.blocked} of {spike.ended} texts in minutes", now)


def pause(connection: Connection, broadcast_id: int, reason: str, now: datetime) -> bool:
    """Pause a broadcast that is sending, with an alert; False where it was not sending."""
    paused = (
        update(_broadcasts)
        .where(_broadcasts.c.id == broadcast_id, _broadcasts.c.state.in_(SENDING))
        .values(state="paused", state_reason=reason[:160])
        .returning(_broadcasts.c.id)
    )
    if connection.execute(paused).first() is None:
        return False
    raise_alert(connection, "paused", reason, now, broadcast_id=broadcast_id)
    return True


def halt(connection: Connection, carrier: str, reason: str, now: datetime) -> bool:
    """Stop everything through a carrier until a person lifts it, with an alert; False where it is halted already."""
    hold_state(connection, carrier)
    halted = (
        update(_states)
        .where(_states.c.name == carrier, _states.c.halted_at.is_(None))
        .values(halted_at=now, halt_reason=reason[:160])
        .returning(_states.c.name)
    )
    if connection.execute(halted).first() is None:
        return False
    _halted.labels(carrier).set(1)
    raise_alert(connection, "halted", reason, now, carrier=carrier)
    return True


def lift_halt(engine: Engine, carrier: str, now: datetime) -> bool:
    """Let a halted carrier send again, and clear its alerts; False where it was not halted."""
    with writing(engine) as connection:
        return lift_halt_in(connection, carrier, now)


def lift_halt_in(connection: Connection, carrier: str, now: datetime) -> bool:
    """As `lift_halt`, in the caller's writing transaction."""
    lifted = (
        update(_states)
        .where(_states.c.name == carrier, _states.c.halted_at.is_not(None))
        .values(halted_at=None, halt_reason="", failures=0, probe_at=None, held_until=None)
        .returning(_states.c.name)
    )
    found = connection.execute(lifted).first() is not None
    mine = (_alerts.c.carrier == carrier) & _alerts.c.kind.in_(("halted", "account")) & _alerts.c.cleared_at.is_(None)
    connection.execute(update(_alerts).where(mine).values(cleared_at=now))
    _halted.labels(carrier).set(0)
    return found


def raise_alert(
    connection: Connection,
    kind: str,
    reason: str,
    now: datetime,
    *,
    carrier: str | None = None,
    broadcast_id: int | None = None,
) -> None:
    """Put an alert on record, in the log and in the metrics."""
    row: Mapping[str, object] = {"kind": kind, "reason": reason[:160], "raised_at": now}
    connection.execute(insert(Alert), {**row, "carrier": carrier, "broadcast_id": broadcast_id})
    _raised.labels(kind).inc()
    log.error("alert", kind=kind, reason=reason, carrier=carrier, broadcast=broadcast_id)
