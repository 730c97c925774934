"""Outgoing webhooks: who is told, what happened, and how far each telling has come."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Boolean, CheckConstraint, ForeignKey, Index, Integer, String, Text, UniqueConstraint
from sqlalchemy import text as sql_text
from sqlalchemy.orm import Mapped, mapped_column

from gateway.tables.base import Base, BigId, Json, UtcDateTime


class HookEndpoint(Base):
    """An address that others gave us, and what it wants to hear.

    `secret` is sealed; `old_secret` signs too until `old_secret_until`. `failures` counts the attempts that failed
    since the last good one, the first of them at `failing_since`; before `held_until` nothing is sent.
    """

    __tablename__ = "hook_endpoints"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    url: Mapped[str] = mapped_column(String(500))
    kinds: Mapped[list[str]] = mapped_column(Json)
    with_phones: Mapped[bool] = mapped_column(Boolean, default=False, server_default=sql_text("false"))
    with_texts: Mapped[bool] = mapped_column(Boolean, default=False, server_default=sql_text("false"))
    secret: Mapped[str] = mapped_column(Text)
    old_secret: Mapped[str | None] = mapped_column(Text)
    old_secret_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    created_by: Mapped[str] = mapped_column(String(60), default="", server_default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    failures: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    failing_since: Mapped[datetime | None] = mapped_column(UtcDateTime)
    held_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    disabled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    disabled_reason: Mapped[str] = mapped_column(String(160), default="", server_default="")


class HookEvent(Base):
    """Something that happened, written in the transaction in which it did. `uid` is the `webhook-id` of every attempt.

    It names its subject (a sender, a report, a broadcast) and holds no word of a person: what is told of them is read
    when it is sent, so that ERASE leaves nothing here. `spread_at` is when it was given to the endpoints.
    """

    __tablename__ = "hook_events"
    __table_args__ = (
        Index(
            "ix_hook_events_new",
            "id",
            postgresql_where=sql_text("spread_at IS NULL"),
            sqlite_where=sql_text("spread_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    uid: Mapped[str] = mapped_column(String(40), unique=True)
    kind: Mapped[str] = mapped_column(String(24))
    subject_id: Mapped[int] = mapped_column(BigInteger)
    facts: Mapped[dict[str, Any]] = mapped_column(Json)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    spread_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class HookDelivery(Base):
    """One event on its way to one endpoint. While `lease_until` is to come, only `claimed_by` sends it."""

    __tablename__ = "hook_deliveries"
    __table_args__ = (
        UniqueConstraint("endpoint_id", "event_id"),
        CheckConstraint("state IN ('waiting', 'delivered', 'given_up')", "state"),
        Index("ix_hook_deliveries_event_id", "event_id"),
        Index(
            "ix_hook_deliveries_waiting",
            "endpoint_id",
            "due_at",
            postgresql_where=sql_text("state = 'waiting'"),
            sqlite_where=sql_text("state = 'waiting'"),
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    event_id: Mapped[int] = mapped_column(ForeignKey("hook_events.id"))
    endpoint_id: Mapped[int] = mapped_column(ForeignKey("hook_endpoints.id"))
    state: Mapped[str] = mapped_column(String(12), default="waiting", server_default="waiting")
    attempts: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    since: Mapped[datetime] = mapped_column(UtcDateTime)
    due_at: Mapped[datetime] = mapped_column(UtcDateTime)
    claimed_by: Mapped[str | None] = mapped_column(String(40))
    lease_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    status: Mapped[int | None] = mapped_column(Integer)
    error: Mapped[str] = mapped_column(String(120), default="", server_default="")
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
