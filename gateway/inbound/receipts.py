"""Delivery receipts: keep each once, and move the text that it speaks of forward, never back."""

from datetime import datetime
from typing import Any

from prometheus_client import Counter
from sqlalchemy import Connection, Engine, select, update
from sqlalchemy.dialects import postgresql, sqlite

from gateway.carriers.http.answers import own_id
from gateway.carriers.received import ReceivedReceipt
from gateway.database import is_sqlite, reading, writing
from gateway.outbox.consequences import Ended, carry_out
from gateway.rules.carrier_codes import CodeRule, Effect, Outcome, twilio_rule
from gateway.rules.delivery_status import TextState, forward, from_twilio
from gateway.rules.retry import Requeue, next_attempt
from gateway.tables import DeliveryReceipt, OutboundText, Sender

_texts, _senders, _kept = OutboundText.__table__, Sender.__table__, DeliveryReceipt.__table__
_receipts = Counter("jalsa_receipts_total", "Delivery receipts", ["known"])


def twilio_receipt(
    carrier_id: str, outbound_id: int | None, status: str, error_code: str, received_at: datetime
) -> ReceivedReceipt:
    """Return a receipt in Twilio's words with what they mean."""
    rule = twilio_rule(error_code) if error_code else None
    return ReceivedReceipt(
        "twilio", carrier_id, outbound_id, status, error_code, received_at, from_twilio(status), rule
    )


def record_receipt(engine: Engine, receipt: ReceivedReceipt) -> bool:
    """Keep a receipt, move its text forward and do what its code asks for; returns whether we know the text.

    Repeats change nothing.

    :raises sqlalchemy.exc.OperationalError: the database is locked or gone; the carrier must send it again
    """
    reported, rule = receipt.reported, receipt.rule
    with writing(engine) as connection:
        outbound = _outbound_of(connection, receipt, reported, rule)
        old = outbound and _of_an_earlier_attempt(connection, receipt, outbound, reported)
        new = _keep(connection, receipt, outbound.id if outbound else None)
        if outbound and new and not old:
            _move(connection, receipt, outbound, reported, rule)
    _receipts.labels("yes" if outbound else "no").inc()
    return outbound is not None


def knows_text(engine: Engine, carrier: str, carrier_id: str) -> bool:
    """Whether a text of ours is on record with this id of the carrier's."""
    mine = select(_texts.c.id).where(_texts.c.carrier_id == carrier_id, _texts.c.carrier == carrier)
    with reading(engine) as connection:
        return connection.execute(mine.limit(1)).first() is not None


def _keep(connection: Connection, receipt: ReceivedReceipt, outbound_id: int | None) -> bool:
    dialect: Any = sqlite if is_sqlite(connection) else postgresql
    row = {
        "carrier": receipt.carrier,
        "carrier_id": receipt.carrier_id,
        "outbound_id": outbound_id,
        "status": receipt.status,
        "error_code": receipt.error_code,
        "received_at": receipt.received_at,
    }
    insert = dialect.insert(_kept).values(row).on_conflict_do_nothing().returning(_kept.c.id)
    return connection.execute(insert).first() is not None


def _of_an_earlier_attempt(
    connection: Connection, receipt: ReceivedReceipt, outbound: Any, reported: TextState | None
) -> bool:
    """Whether this speaks of an attempt that failed before the one under way; that the phone has it counts always."""
    if not outbound.retried or reported is TextState.DELIVERED:
        return False
    failed = select(_kept.c.id).where(
        _kept.c.carrier_id == receipt.carrier_id,
        _kept.c.carrier == receipt.carrier,
        _kept.c.outbound_id == outbound.id,
        _kept.c.status.in_(("undelivered", "failed")),
    )
    return connection.execute(failed).first() is not None


def _move(
    connection: Connection, receipt: ReceivedReceipt, outbound: Any, reported: TextState | None, rule: CodeRule | None
) -> None:
    now = receipt.received_at
    state = forward(TextState(outbound.state), reported) if reported else None
    values: dict[str, Any] = {"carrier_id": outbound.carrier_id or receipt.carrier_id}
    if state:
        values |= {"state": state, "state_at": now, "error_code": receipt.error_code or None}
        values |= {"reason": rule.reason if rule else None, "lease_until": None}
        values |= _later_retry(outbound, state, rule, now)
    connection.execute(update(_texts).where(_texts.c.id == outbound.id).values(values))
    if state == TextState.DELIVERED:
        seen = {"delivered_at": now, "number_state": "alive"}
        connection.execute(update(_senders).where(_senders.c.id == outbound.sender_id).values(seen))
    if state and rule:
        ended = Ended(outbound.sender_id, outbound.broadcast_id, outbound.attempted_at or outbound.created_at, rule)
        carry_out(connection, receipt.carrier, [ended], now)


def _later_retry(outbound: Any, state: TextState, rule: CodeRule | None, now: datetime) -> dict[str, Any]:
    """Return what puts a text of the outbox back for its one later retry, where its code allows one."""
    failed = state in (TextState.FAILED, TextState.UNDELIVERED)
    if not failed or rule is None or rule.outcome is not Outcome.RETRY_ONCE or outbound.lane is None:
        return {}
    following = next_attempt(
        rule.outcome, max(1, outbound.attempts), now,
        text_id=outbound.id, retried=outbound.retried, expires_at=outbound.expires_at,
    )  # fmt: skip
    if not isinstance(following, Requeue):
        return {}
    return {"state": TextState.QUEUED, "retried": True, "not_before": following.at, "claimed_by": None}


def _outbound_of(
    connection: Connection, receipt: ReceivedReceipt, reported: TextState | None, rule: CodeRule | None
) -> Any:
    """Return the text of a receipt, held until the commit: by our id, else by the carrier's.

    Where the sender's row will change too it is held first: inbound texts hold the sender before the sender's texts.
    """
    by_id = receipt.outbound_id is not None
    mine = (
        _texts.c.id == receipt.outbound_id
        if by_id
        else (_texts.c.carrier_id == receipt.carrier_id) & (_texts.c.carrier == receipt.carrier)
    )
    changes_sender = reported is TextState.DELIVERED or (rule and rule.effect in (Effect.OPT_OUT, Effect.FLAG_NUMBER))
    if changes_sender:
        of_text = select(_texts.c.sender_id).where(mine).scalar_subquery()
        connection.execute(select(_senders.c.id).where(_senders.c.id == of_text).with_for_update())
    row = connection.execute(select(_texts).where(mine).with_for_update(key_share=True)).first()
    # An id of ours with another message's SID is a mix-up, not a receipt of this text; one without any is its own.
    if row is None or not by_id or row.carrier_id is None:
        return row
    return row if receipt.carrier_id in (row.carrier_id, own_id(row.id)) else None
