"""Deliveries between the tables and those who send: spread, claimed under a lease, recorded, sent again, forgotten."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from prometheus_client import Counter
from sqlalchemy import Connection, Engine, delete, exists, func, insert, select, update

from gateway.bulk import insert_rows
from gateway.database import reading, writing
from gateway.hooks.endpoints import HookError, disable_endpoint, held_endpoint
from gateway.hooks.events import new_uid
from gateway.hooks.post import Answer
from gateway.rules.hook_events import TEST
from gateway.rules.hook_retry import Again, after_failure, disabled_because, hold_until, was_down
from gateway.tables import HookDelivery, HookEndpoint, HookEvent

log = structlog.get_logger()

LEASE = timedelta(seconds=90)
"""Longer than a batch can take; a delivery whose sender died is sent again after it."""
KEEP = timedelta(days=14)
_SPREAD_AT_ONCE = 1_000
_FORGET_AT_ONCE = 5_000

_endpoints, _events, _deliveries = HookEndpoint.__table__, HookEvent.__table__, HookDelivery.__table__
_attempts = Counter("jalsa_hook_attempts_total", "Attempts to deliver a webhook", ["outcome"])

Tell = Callable[[Connection, str, str, datetime], None]
"""Raises an alert: its kind, the reason, and when (`outbox.consequences.raise_alert`)."""


@dataclass(frozen=True)
class Claimed:
    """Deliveries that only the holder of `claim` sends until their lease ends; each row has its event's columns."""

    endpoint: Any
    rows: Sequence[Any]
    claim: str


def spread(engine: Engine, now: datetime) -> int:
    """Make a delivery of every new event for each endpoint that wants it; returns how many events were spread."""
    new = select(_events).where(_events.c.spread_at.is_(None)).order_by(_events.c.id)
    with reading(engine) as connection:
        if connection.execute(new.limit(1)).first() is None:
            return 0
    with writing(engine) as connection:
        events = connection.execute(new.limit(_SPREAD_AT_ONCE).with_for_update(skip_locked=True)).all()
        wanting = connection.execute(select(_endpoints).where(_endpoints.c.disabled_at.is_(None))).all()
        rows = [
            {"event_id": one.id, "endpoint_id": endpoint.id, "since": now, "due_at": now}
            for one in events
            for endpoint in wanting
            if one.kind in endpoint.kinds and endpoint.created_at <= one.at
        ]
        insert_rows(connection, _deliveries, rows, or_ignore=True)
        ids = [one.id for one in events]
        connection.execute(update(_events).where(_events.c.id.in_(ids)).values(spread_at=now))
    return len(events)


def endpoints_due(engine: Engine, now: datetime) -> list[int]:
    """Return the endpoints for which something is to be sent now."""
    due = exists().where(
        _deliveries.c.endpoint_id == _endpoints.c.id, _deliveries.c.state == "waiting", _deliveries.c.due_at <= now
    )
    with reading(engine) as connection:
        return list(connection.execute(select(_endpoints.c.id).where(_may_send(now), due)).scalars())


def _may_send(now: datetime) -> Any:
    held = _endpoints.c.held_until
    return _endpoints.c.disabled_at.is_(None) & (held.is_(None) | (held <= now))


def claim(engine: Engine, endpoint_id: int, name: str, now: datetime, most: int) -> Claimed | None:
    """Take up to `most` deliveries of one endpoint, of one that fails just one; None where there is nothing to take.

    The attempt is counted and committed before anything is sent: at least once, and never by two at a time.
    """
    with writing(engine) as connection:
        endpoint = connection.execute(
            select(_endpoints)
            .where(_endpoints.c.id == endpoint_id, _may_send(now))
            .with_for_update(skip_locked=True, key_share=True)
        ).first()
        if endpoint is None:
            return None
        lease = _deliveries.c.lease_until
        mine = select(_deliveries.c.id).where(
            _deliveries.c.endpoint_id == endpoint_id,
            _deliveries.c.state == "waiting",
            _deliveries.c.due_at <= now,
            lease.is_(None) | (lease <= now),
        )
        mine = mine.order_by(_deliveries.c.due_at, _deliveries.c.id).limit(1 if endpoint.failures else most)
        ids = list(connection.execute(mine.with_for_update(skip_locked=True)).scalars())
        if not ids:
            return None
        _lease(connection, ids, name, now)
        if endpoint.failures:  # nobody else tries it meanwhile
            connection.execute(update(_endpoints).where(_endpoints.c.id == endpoint_id).values(held_until=now + LEASE))
        return Claimed(endpoint, _rows(connection, ids), name)


def _lease(connection: Connection, ids: Sequence[int], name: str, now: datetime) -> None:
    values = {"claimed_by": name, "lease_until": now + LEASE, "attempts": _deliveries.c.attempts + 1}
    connection.execute(update(_deliveries).where(_deliveries.c.id.in_(ids)).values(values))


def _rows(connection: Connection, ids: Sequence[int]) -> Sequence[Any]:
    return connection.execute(
        select(
            _deliveries.c.id.label("delivery_id"), _deliveries.c.attempts, _deliveries.c.since, _events.c.id,
            _events.c.uid, _events.c.kind, _events.c.subject_id, _events.c.facts, _events.c.at,
        )
        .select_from(_deliveries.join(_events, _events.c.id == _deliveries.c.event_id))
        .where(_deliveries.c.id.in_(ids))
        .order_by(_events.c.id)
    ).all()  # fmt: skip


def record(engine: Engine, claimed: Claimed, answers: Mapping[int, Answer], now: datetime, tell: Tell) -> None:
    """Write what came of deliveries, by their ids, and how the endpoint does now. Failures count only while the lease
    is ours; that something arrived counts always."""
    number = claimed.endpoint.id
    with writing(engine) as connection:
        endpoint = connection.execute(
            select(_endpoints).where(_endpoints.c.id == number).with_for_update(key_share=True)
        ).first()
        if endpoint is None:
            return
        failed = {row.delivery_id: row for row in claimed.rows if not answers[row.delivery_id].well}
        for row in claimed.rows:
            answer = answers[row.delivery_id]
            mine = (_deliveries.c.id == row.delivery_id) & (_deliveries.c.state == "waiting")
            if answer.well:
                ended = {"state": "delivered", "ended_at": now}
            else:
                mine &= _deliveries.c.claimed_by == claimed.claim
                next_step = after_failure(row.attempts, now, row.since, answer.retry_after, row.delivery_id)
                gave_up = {"state": "given_up", "ended_at": now}
                ended = {"due_at": next_step.at} if isinstance(next_step, Again) else gave_up
            values = {"status": answer.status, "error": answer.error[:120], "claimed_by": None, "lease_until": None}
            connection.execute(update(_deliveries).where(mine).values(values | ended))
        worst = [answers[one] for one in failed]
        _keep_health(connection, endpoint, worst, len(failed) < len(claimed.rows), now, tell)
    for answer in answers.values():
        _attempts.labels("delivered" if answer.well else "failed").inc()


def _keep_health(
    connection: Connection, endpoint: Any, failed: Sequence[Answer], some_well: bool, now: datetime, tell: Tell
) -> None:
    mine = _endpoints.c.id == endpoint.id
    waits = [one.retry_after for one in failed if one.retry_after]
    if some_well:
        held = now + max(waits) if waits else None
        fresh = {"failures": 0, "failing_since": None, "held_until": held}
        if endpoint.failures or endpoint.held_until or held:
            connection.execute(update(_endpoints).where(mine).values(fresh))
        if was_down(endpoint.failing_since, now):
            waiting = (_deliveries.c.endpoint_id == endpoint.id) & (_deliveries.c.state == "waiting")
            connection.execute(update(_deliveries).where(waiting, _deliveries.c.due_at > now).values(due_at=now))
    else:
        failures, since = endpoint.failures + 1, endpoint.failing_since or now
        held = hold_until(failures, now, max(waits, default=None), endpoint.id)
        values = {"failures": failures, "failing_since": since, "held_until": held}
        connection.execute(update(_endpoints).where(mine).values(values))
    for status in {one.status for one in failed}:
        reason = disabled_because(status, now if some_well else endpoint.failing_since or now, now)
        if reason and disable_endpoint(connection, endpoint.id, reason, now):
            tell(connection, "webhook", f"Endpoint {endpoint.id} of outgoing webhooks is switched off: {reason}.", now)
            break


def claimed_test(engine: Engine, endpoint_id: int, name: str, now: datetime) -> Claimed:
    """Make a `hook.test` for one endpoint, claimed by the caller.

    :raises HookError: there is no such endpoint
    """
    with writing(engine) as connection:
        endpoint = held_endpoint(connection, endpoint_id)
        row = {"uid": new_uid(), "kind": TEST, "subject_id": endpoint_id, "facts": {}, "at": now, "spread_at": now}
        event = connection.execute(insert(_events).values(row).returning(_events.c.id)).scalar_one()
        made = insert(_deliveries).values(event_id=event, endpoint_id=endpoint_id, since=now, due_at=now)
        delivery = connection.execute(made.returning(_deliveries.c.id)).scalar_one()
        _lease(connection, [delivery], name, now)
        return Claimed(endpoint, _rows(connection, [delivery]), name)


def list_deliveries(
    connection: Connection, endpoint_id: int | None = None, state: str = "", most: int = 50
) -> Sequence[Any]:
    """Return deliveries with their event's kind and uid, the newest first."""
    wanted = select(_deliveries, _events.c.kind, _events.c.uid, _events.c.at).select_from(
        _deliveries.join(_events, _events.c.id == _deliveries.c.event_id)
    )
    if endpoint_id is not None:
        wanted = wanted.where(_deliveries.c.endpoint_id == endpoint_id)
    if state:
        wanted = wanted.where(_deliveries.c.state == state)
    return connection.execute(wanted.order_by(_deliveries.c.id.desc()).limit(most)).all()


def send_again(
    connection: Connection, now: datetime, *, delivery_id: int | None = None, given_up_of: int | None = None
) -> int:
    """Make one delivery due again, or all that were given up of one endpoint, with the same `webhook-id`; returns how
    many. One that is on its way already stays as it is.

    :raises HookError: there is no such delivery or endpoint
    """
    if delivery_id is not None:
        known = select(func.count()).select_from(_deliveries).where(_deliveries.c.id == delivery_id)
        if not connection.execute(known).scalar_one():
            raise HookError(f"There is no delivery {delivery_id}; those older than {KEEP.days} days are forgotten.")
        mine = _deliveries.c.id == delivery_id
        mine &= _deliveries.c.lease_until.is_(None) | (_deliveries.c.lease_until <= now)
    else:
        assert given_up_of is not None
        held_endpoint(connection, given_up_of)
        mine = (_deliveries.c.endpoint_id == given_up_of) & (_deliveries.c.state == "given_up")
    fresh = {"state": "waiting", "attempts": 0, "since": now, "due_at": now, "ended_at": None, "error": ""}
    return connection.execute(update(_deliveries).where(mine).values(fresh)).rowcount


def forget_old(engine: Engine, now: datetime) -> int:
    """Delete events that are older than `KEEP`, and their deliveries; returns how many events."""
    oldest = select(_events.c.id, _events.c.at).order_by(_events.c.id)
    with reading(engine) as connection:
        first = connection.execute(oldest.limit(1)).first()
    if first is None or first.at > now - KEEP:
        return 0
    some = oldest.limit(_FORGET_AT_ONCE).subquery()
    with writing(engine) as connection:
        last = connection.execute(select(func.max(some.c.id)).where(some.c.at <= now - KEEP)).scalar()
        if last is None:
            return 0
        connection.execute(delete(_deliveries).where(_deliveries.c.event_id <= last))
        return connection.execute(delete(_events).where(_events.c.id <= last)).rowcount
