"""Record what came of attempts: many in one transaction. A result is believed only from the worker that made it.

A receipt may have come first, and then the text stands higher already; it is never moved back. A result that comes
after its lease has expired still counts: the text is uncertain then, and this is the answer.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from prometheus_client import Counter
from sqlalchemy import Connection, Engine, and_, bindparam, case, func, or_, update
from sqlalchemy.exc import OperationalError

from gateway.bulk import given_columns, parameters
from gateway.carriers.base import SendResult
from gateway.database import writing
from gateway.outbox.carrier_states import hold_state, write_health
from gateway.outbox.claim import Boundary, ClaimedText, Clock
from gateway.outbox.consequences import Counts, Ended, carry_out, hold_numbers
from gateway.rules.carrier_codes import CodeRule, Effect, Outcome
from gateway.rules.carrier_routes import PROBE_EVERY, Health, after
from gateway.rules.retry import GiveUp, Requeue, next_attempt
from gateway.tables import OutboundText

_texts = OutboundText.__table__
_ended = Counter("jalsa_outbox_attempts_total", "Attempts by carrier and outcome", ["carrier", "outcome"])
_RUN_AGAIN = {"40001", "40P01"}  # PostgreSQL: serialization failure, deadlock

_is_open = or_(_texts.c.state.in_(("attempted", "uncertain")), and_(_texts.c.state == "queued", ~_texts.c.retried))


@cache
def _accept_all(kind: str) -> Any:
    """Return the statement for all accepted texts at once."""
    one = given_columns(_texts, kind, ("id", "carrier_id"))
    return (
        update(_texts)
        .where(
            _texts.c.id == one["id"],
            (_texts.c.claimed_by == bindparam("worker"))
            | (_texts.c.state == "uncertain")
            | _texts.c.carrier_id.is_(None),
        )
        .values(
            carrier_id=one["carrier_id"],
            claimed_by=None,
            lease_until=None,
            state=case((_is_open, "sent"), else_=_texts.c.state),
            state_at=case((_is_open, bindparam("now", type_=_texts.c.state_at.type)), else_=_texts.c.state_at),
        )
    )


_MOVE = (
    update(_texts)
    .where(
        _texts.c.id == bindparam("b_id"),
        ((_texts.c.state == "attempted") & (_texts.c.claimed_by == bindparam("b_worker")))
        | ((_texts.c.state == "uncertain") & (bindparam("b_final", type_=_texts.c.retried.type))),
    )
    .values(
        state=bindparam("b_state"),
        reason=bindparam("b_reason"),
        error_code=bindparam("b_code"),
        not_before=func.coalesce(bindparam("b_not_before", type_=_texts.c.not_before.type), _texts.c.not_before),
        lease_until=bindparam("b_lease_until", type_=_texts.c.lease_until.type),
        attempts=_texts.c.attempts - bindparam("b_uncounted", type_=_texts.c.attempts.type),
        retried=_texts.c.retried | bindparam("b_retried", type_=_texts.c.retried.type),
        state_at=bindparam("b_now", type_=_texts.c.state_at.type),
        claimed_by=None,
    )
)


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one claimed text, and when (aware UTC)."""

    text: ClaimedText
    sent: SendResult


def shown_code(rule: CodeRule) -> str:
    """Return a code as accounts show it: Twilio's bare number, others with whose they are."""
    return rule.code.removeprefix("Twilio").strip()[:20]


def record(
    engine: Engine,
    worker: str,
    carrier: str,
    results: Sequence[Result],
    clock: Clock,
    boundary: Boundary,
    health_was: Health,
    uncounted: Counts | None = None,
) -> None:
    """Record the results of one carrier.

    `health_was` is what the claim saw; a carrier that was well and still is needs no write. `uncounted` is the
    worker's own, see `consequences.carry_out`.

    :raises sqlalchemy.exc.OperationalError: the database is locked, full or gone; try again with the same results
    """
    for attempt in range(3):
        try:
            with writing(engine) as connection:
                counts = dict(uncounted) if uncounted is not None else None
                _record(connection, worker, carrier, results, clock(connection), health_was, counts)
                boundary("before result commit")
            break
        except OperationalError as error:
            if getattr(error.orig, "sqlstate", None) not in _RUN_AGAIN or attempt == 2:
                raise
    if uncounted is not None and counts is not None:
        uncounted.update(counts)
    boundary("after result commit")
    for one in results:
        _ended.labels(carrier, one.sent.rule.outcome).inc()


def _record(
    connection: Connection,
    worker: str,
    carrier: str,
    results: Sequence[Result],
    now: datetime,
    health_was: Health,
    uncounted: Counts | None,
) -> None:
    ended = [
        Ended(one.text.sender_id, one.text.broadcast_id, one.text.claimed_at, one.sent.rule)
        for one in results
    ]  # fmt: skip
    hold_numbers(connection, ended)
    accepted = [one for one in results if one.sent.rule.outcome is Outcome.ACCEPTED]
    _accept(connection, worker, accepted, now)
    moves = [_move(one, worker, now) for one in results if one.sent.rule.outcome is not Outcome.ACCEPTED]
    if moves:
        connection.execute(_MOVE, moves)
    carry_out(connection, carrier, ended, now, uncounted)
    _keep_health(connection, carrier, results, now, health_was)


def _accept(connection: Connection, worker: str, accepted: Sequence[Result], now: datetime) -> None:
    if not accepted:
        return
    kind = connection.dialect.name
    rows = [{"id": one.text.id, "carrier_id": one.sent.carrier_id} for one in accepted]
    connection.execute(_accept_all(kind), {**parameters(_texts, kind, rows), "worker": worker, "now": now})


def _move(one: Result, worker: str, now: datetime) -> dict[str, Any]:
    rule, mine = one.sent.rule, one.text
    row: dict[str, Any] = {
        "b_id": mine.id,
        "b_worker": worker,
        "b_now": now,
        "b_reason": rule.reason[:160],
        "b_code": shown_code(rule),
        "b_not_before": None,
        "b_lease_until": None,
        "b_uncounted": 0,
        "b_retried": rule.outcome is Outcome.RETRY_ONCE,
        "b_final": True,
    }
    following = next_attempt(
        rule.outcome,
        mine.attempts,
        now,
        one.sent.retry_after,
        text_id=mine.id,
        retried=mine.retried,
        expires_at=mine.expires_at,
    )
    match following:
        case Requeue(at):
            never_left = not one.sent.reached
            if never_left:  # the carrier's health sets the pace of trying, and the text has lost nothing
                at = min(at, now + PROBE_EVERY)
            row |= {"b_state": "queued", "b_not_before": at, "b_uncounted": int(never_left), "b_final": False}
        case GiveUp(reason):
            state = {Outcome.SUPPRESSED: "suppressed", Outcome.EXPIRED: "expired"}.get(rule.outcome, "failed")
            said = rule.reason if rule.outcome in _SAYS_ALL else f"{rule.reason}; {reason}"
            row |= {"b_state": state, "b_reason": said[:160]}
        case _:
            row |= {"b_state": "uncertain", "b_lease_until": following.looks[0], "b_final": False}
    return row


_SAYS_ALL = (Outcome.FAILED, Outcome.SUPPRESSED, Outcome.EXPIRED)


def _keep_health(
    connection: Connection, carrier: str, results: Iterable[Result], now: datetime, health_was: Health
) -> None:
    sent = [one.sent for one in results]
    unreached = sum(not one.reached for one in sent)
    holds = [one.retry_after or _HOLD for one in sent if _asks_to_wait(one)]
    if not unreached and not holds and health_was == Health():
        return
    health, _ = hold_state(connection, carrier)
    hold = max(holds) if holds else None
    write_health(connection, carrier, after(health, len(sent) - unreached, unreached, now, hold))


_HOLD = timedelta(seconds=1)


def _asks_to_wait(sent: SendResult) -> bool:
    """Whether the carrier itself, and not the text's own network, asked us to slow down."""
    rule = sent.rule
    return sent.reached and rule.outcome is Outcome.REQUEUE and rule.effect in (Effect.NONE, Effect.PAUSE)
