"""Delivery receipts: keep each once, and move the text that it speaks of forward, never back."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from prometheus_client import Counter
from sqlalchemy import Connection, Engine, select, update
from sqlalchemy.dialects import postgresql, sqlite

from gateway.database import is_sqlite, writing
from gateway.rules.delivery_status import TextState, forward, from_twilio
from gateway.tables import DeliveryReceipt, OutboundText, Sender

_receipts = Counter("jalsa_receipts_total", "Delivery receipts", ["known"])


@dataclass(frozen=True, slots=True)
class ReceivedReceipt:
    """One report of a carrier about one of our texts. `outbound_id` is the id that we gave, where it came back."""

    carrier: str
    carrier_id: str
    outbound_id: int | None
    status: str
    error_code: str
    received_at: datetime


def record_receipt(engine: Engine, receipt: ReceivedReceipt) -> bool:
    """Keep a receipt and move its text forward; returns whether we know the text. Repeats change nothing.

    :raises sqlalchemy.exc.OperationalError: the database is locked or gone; the carrier must send it again
    """
    with writing(engine) as connection:
        texts = OutboundText.__table__
        outbound = _outbound_of(connection, receipt)
        dialect: Any = sqlite if is_sqlite(connection) else postgresql
        row = {
            "carrier": receipt.carrier,
            "carrier_id": receipt.carrier_id,
            "outbound_id": outbound.id if outbound else None,
            "status": receipt.status,
            "error_code": receipt.error_code,
            "received_at": receipt.received_at,
        }
        connection.execute(dialect.insert(DeliveryReceipt.__table__).values(row).on_conflict_do_nothing())
        if outbound:
            reported = from_twilio(receipt.status)
            state = forward(TextState(outbound.state), reported) if reported else None
            values: dict[str, Any] = {"carrier_id": receipt.carrier_id}
            if state:
                values |= {"state": state, "state_at": receipt.received_at, "error_code": receipt.error_code or None}
            connection.execute(update(texts).where(texts.c.id == outbound.id).values(values))
            if state == "delivered":
                mine = Sender.__table__.c.id == outbound.sender_id
                seen = {"delivered_at": receipt.received_at, "number_state": "alive"}
                connection.execute(update(Sender.__table__).where(mine).values(seen))
    _receipts.labels("yes" if outbound else "no").inc()
    return outbound is not None


def _outbound_of(connection: Connection, receipt: ReceivedReceipt) -> Any:
    """Return the text of a receipt, held until the commit: by our id, else by the carrier's."""
    texts = OutboundText.__table__
    wanted = select(texts.c.id, texts.c.state, texts.c.sender_id, texts.c.carrier_id).with_for_update()
    if receipt.outbound_id is not None:
        row = connection.execute(wanted.where(texts.c.id == receipt.outbound_id)).first()
        # An id of ours with another message's SID is a mix-up, not a receipt of this text.
        return row if row is None or row.carrier_id in (None, receipt.carrier_id) else None
    return connection.execute(wanted.where(texts.c.carrier_id == receipt.carrier_id)).first()
