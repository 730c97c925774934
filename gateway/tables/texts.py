"""Texts in and out, and what the carrier says became of them."""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from gateway.tables.base import Base, BigId, Json, UtcDateTime


def _partial(name: str, *columns: str, where: str, unique: bool = False) -> Index:
    return Index(name, *columns, unique=unique, postgresql_where=text(where), sqlite_where=text(where))


OPEN_TEXTS = "state IN ('attempted', 'uncertain')"
"""The condition of an index, for queries to say it in the same words: SQLite knows no other way to it."""


class InboundText(Base):
    """A text that reached us, with the command that it was taken for. One row for each of the carrier's ids."""

    __tablename__ = "inbound_texts"
    __table_args__ = (
        UniqueConstraint("carrier_id", "carrier"),
        Index("ix_inbound_texts_sender", "sender_id", "received_at"),
        Index("ix_inbound_texts_received_at", "received_at"),
        Index(
            "ix_inbound_texts_asked",
            "received_at",
            "sender_id",
            postgresql_where=text("command = 'WHERE'"),
            sqlite_where=text("command = 'WHERE'"),
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    carrier: Mapped[str] = mapped_column(String(20))
    carrier_id: Mapped[str] = mapped_column(String(64))
    sender_id: Mapped[int] = mapped_column(ForeignKey("senders.id"))
    to_number: Mapped[str] = mapped_column(String(40))
    body: Mapped[str] = mapped_column(Text)
    media: Mapped[list[dict[str, Any]] | None] = mapped_column(Json)
    command: Mapped[str | None] = mapped_column(String(12))
    reason: Mapped[str] = mapped_column(String(160), default="")
    opt_out_type: Mapped[str | None] = mapped_column(String(8))
    flagged: Mapped[bool] = mapped_column(Boolean, default=False)
    received_at: Mapped[datetime] = mapped_column(UtcDateTime)


class InboundPart(Base):
    """A part of a long text that we join ourselves, kept before the carrier is told that we have it.

    Once the text is on record its parts stay for an hour without their words (`handed_on_at`), so that a part that the
    carrier sends again is known by its `digest`.
    """

    __tablename__ = "inbound_parts"
    __table_args__ = (
        UniqueConstraint("from_number", "to_number", "carrier", "ref", "total", "number", name="uq_inbound_parts_part"),
        Index("ix_inbound_parts_received_at", "received_at"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    carrier: Mapped[str] = mapped_column(String(20))
    from_number: Mapped[str] = mapped_column(String(40))
    to_number: Mapped[str] = mapped_column(String(40))
    ref: Mapped[int] = mapped_column(Integer)
    total: Mapped[int] = mapped_column(Integer)
    number: Mapped[int] = mapped_column(Integer)
    charset: Mapped[str] = mapped_column(String(40))
    data: Mapped[bytes] = mapped_column(LargeBinary)
    digest: Mapped[str] = mapped_column(String(32))
    queue_reply: Mapped[bool] = mapped_column(Boolean)
    received_at: Mapped[datetime] = mapped_column(UtcDateTime)
    handed_on_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class OutboundText(Base):
    """A text to one phone: a reply given in the webhook's own answer, or one that we start, taken from the outbox.

    `state` moves as `rules.delivery_status` allows. `inbound_id` is set for a reply, and unique: one text, one reply.
    A text of the outbox waits in a `lane` (`rules.lanes`) and may leave from `not_before` on. `lease_until` is how long
    it is one worker's: an attempt without a result by then is uncertain; of an uncertain text it is the next look.
    The indexes of the outbox are partial, so that a reply given in the webhook's answer pays for none of them.
    """

    __tablename__ = "outbound_texts"
    __table_args__ = (
        UniqueConstraint("inbound_id"),
        Index("ix_outbound_texts_sender", "sender_id", "created_at"),
        _partial("ix_outbound_texts_carrier_id", "carrier_id", where="carrier_id IS NOT NULL"),
        _partial("ix_outbound_texts_queue", "lane", "not_before", "id", where="state = 'queued'"),
        _partial("ix_outbound_texts_open", "state", "lease_until", where=OPEN_TEXTS),
        _partial("ix_outbound_texts_attempted", "attempted_at", where="attempted_at IS NOT NULL"),
        _partial(
            "uq_outbound_texts_broadcast", "broadcast_id", "sender_id", where="broadcast_id IS NOT NULL", unique=True
        ),
        CheckConstraint("parts >= 1", "parts"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    kind: Mapped[str] = mapped_column(String(12))
    sender_id: Mapped[int] = mapped_column(ForeignKey("senders.id"))
    inbound_id: Mapped[int | None] = mapped_column(ForeignKey("inbound_texts.id"))
    wording: Mapped[str] = mapped_column(String(40), default="")
    language: Mapped[str] = mapped_column(String(8), default="en")
    body: Mapped[str] = mapped_column(Text)
    encoding: Mapped[str] = mapped_column(String(8))
    parts: Mapped[int] = mapped_column(Integer)
    state: Mapped[str] = mapped_column(String(12))
    carrier: Mapped[str | None] = mapped_column(String(20))
    carrier_id: Mapped[str | None] = mapped_column(String(64))
    error_code: Mapped[str | None] = mapped_column(String(20))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    state_at: Mapped[datetime] = mapped_column(UtcDateTime)
    broadcast_id: Mapped[int | None] = mapped_column(ForeignKey("broadcasts.id"))
    lane: Mapped[str | None] = mapped_column(String(80))
    not_before: Mapped[datetime | None] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    attempts: Mapped[int] = mapped_column(Integer, server_default="0")
    retried: Mapped[bool] = mapped_column(Boolean, server_default=text("false"))
    looks: Mapped[int] = mapped_column(Integer, server_default="0")
    attempted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    claimed_by: Mapped[str | None] = mapped_column(String(40))
    lease_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    reason: Mapped[str | None] = mapped_column(String(160))


class DeliveryReceipt(Base):
    """What a carrier reported of one of our texts; kept also when we do not know the text, and once when repeated."""

    __tablename__ = "delivery_receipts"
    __table_args__ = (UniqueConstraint("carrier_id", "carrier", "status", "error_code"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    carrier: Mapped[str] = mapped_column(String(20))
    carrier_id: Mapped[str] = mapped_column(String(64))
    outbound_id: Mapped[int | None] = mapped_column(ForeignKey("outbound_texts.id"), index=True)
    status: Mapped[str] = mapped_column(String(20))
    error_code: Mapped[str] = mapped_column(String(20), default="")
    received_at: Mapped[datetime] = mapped_column(UtcDateTime)
