"""Broadcasts: one send to a segment each. The outbox reads `state` in every claim, so a pause holds at once."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Boolean, CheckConstraint, ForeignKey, Index, Integer, String, Text, UniqueConstraint
from sqlalchemy import text as sql_text
from sqlalchemy.orm import Mapped, mapped_column

from gateway.tables.base import Base, BigId, Json, UtcDateTime


class Broadcast(Base):
    """One broadcast: its draft, who let it go and on which numbers, and where it stands (`rules.broadcast_life`).

    Its texts leave while `state` is `planning` or `sending`; they are cancelled once it is `cancelled`; in any other
    state they wait. The spike columns count what networks blocked of the texts of the last minutes (`rules.spike`).
    `texts` maps a language to its template; `preview` is what was shown before approval, and `digest` binds it to the
    draft. `asked_by` asked others to approve the numbers of `asked_digest`. `alarm` names the alarm that paused it
    (`rules.broadcast_alarm`); a person let `alarms_waived` pass.
    """

    __tablename__ = "broadcasts"
    __table_args__ = (
        Index(
            "ix_broadcasts_open",
            "state",
            postgresql_where=sql_text("state NOT IN ('done', 'cancelled')"),
            sqlite_where=sql_text("state NOT IN ('done', 'cancelled')"),
        ),
        Index("ix_broadcasts_begun_at", "begun_at"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    key: Mapped[str] = mapped_column(String(60), unique=True)
    state: Mapped[str] = mapped_column(String(12), default="draft", server_default="draft")
    state_reason: Mapped[str] = mapped_column(String(160), default="", server_default="")
    spike_since: Mapped[datetime | None] = mapped_column(UtcDateTime)
    spike_ended: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    spike_blocked: Mapped[int] = mapped_column(Integer, default=0, server_default="0")

    name: Mapped[str] = mapped_column(String(120), default="", server_default="")
    rule: Mapped[str] = mapped_column(Text, default="", server_default="")
    rule_json: Mapped[dict[str, Any] | None] = mapped_column(Json)
    texts: Mapped[dict[str, str] | None] = mapped_column(Json)
    defaults: Mapped[dict[str, dict[str, str]] | None] = mapped_column(Json)
    urgent: Mapped[bool] = mapped_column(Boolean, default=False, server_default=sql_text("false"))
    hours: Mapped[str] = mapped_column(String(20), default="", server_default="")
    quiet_days: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    validity_minutes: Mapped[int | None] = mapped_column(Integer)

    created_by: Mapped[str] = mapped_column(String(60), default="", server_default="")
    created_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    preview: Mapped[dict[str, Any] | None] = mapped_column(Json)
    previewed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    digest: Mapped[str] = mapped_column(String(64), default="", server_default="")
    asked_by: Mapped[str] = mapped_column(String(60), default="", server_default="")
    asked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    asked_digest: Mapped[str] = mapped_column(String(64), default="", server_default="")
    approved_by: Mapped[str] = mapped_column(String(60), default="", server_default="")
    approved_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    approved_digest: Mapped[str] = mapped_column(String(64), default="", server_default="")
    alarm: Mapped[str] = mapped_column(String(12), default="", server_default="")
    alarms_waived: Mapped[list[str] | None] = mapped_column(Json)
    begun_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    schedule_id: Mapped[int | None] = mapped_column(BigInteger)


class BroadcastPlan(Base):
    """How far the planning of a broadcast has come. Its row is what two planners lock, one chunk at a time.

    The audience is that of `as_of`: who joins later is not in it. `after_id` is the last sender id looked at; `planned`
    counts the texts put in the outbox, those kept back with a reason among them.
    """

    __tablename__ = "broadcast_plans"

    broadcast_id: Mapped[int] = mapped_column(ForeignKey("broadcasts.id"), primary_key=True, autoincrement=False)
    as_of: Mapped[datetime] = mapped_column(UtcDateTime)
    after_id: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    planned: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    planned_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class BroadcastTopic(Base):
    """A topic that a broadcast is about (`city:lahore`): who left it by STOP with a topic gets none of its texts."""

    __tablename__ = "broadcast_topics"

    broadcast_id: Mapped[int] = mapped_column(ForeignKey("broadcasts.id"), primary_key=True, autoincrement=False)
    topic: Mapped[str] = mapped_column(String(80), primary_key=True)


class BroadcastEvent(Base):
    """One line of a broadcast's history: who did what and when, with the words for it. Append-only."""

    __tablename__ = "broadcast_events"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    broadcast_id: Mapped[int] = mapped_column(ForeignKey("broadcasts.id"), index=True)
    what: Mapped[str] = mapped_column(String(20))
    by: Mapped[str] = mapped_column(String(60))
    note: Mapped[str] = mapped_column(String(160), default="", server_default="")
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class BroadcastSchedule(Base):
    """When a broadcast starts by itself: once at `next_at`, or again and again by `cron` on the clock of `zone`.

    `next_at` is the next time that no process has struck yet; None once there is none any more.
    """

    __tablename__ = "broadcast_schedules"
    __table_args__ = (Index("ix_broadcast_schedules_next_at", "next_at"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    broadcast_id: Mapped[int] = mapped_column(ForeignKey("broadcasts.id"), index=True)
    cron: Mapped[str] = mapped_column(String(80), default="", server_default="")
    zone: Mapped[str] = mapped_column(String(40))
    next_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    set_by: Mapped[str] = mapped_column(String(60))


class ScheduleFire(Base):
    """A time at which a schedule struck: the unique row is the truth, whoever's clock comes first.

    `outcome` is `started`, `skipped` (too late) or `refused` (the broadcast could not start); `note` says why.
    """

    __tablename__ = "schedule_fires"
    __table_args__ = (
        UniqueConstraint("schedule_id", "fire_time"),
        CheckConstraint("outcome IN ('started', 'skipped', 'refused')", "outcome"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    schedule_id: Mapped[int] = mapped_column(ForeignKey("broadcast_schedules.id"))
    fire_time: Mapped[datetime] = mapped_column(UtcDateTime)
    struck_at: Mapped[datetime] = mapped_column(UtcDateTime)
    outcome: Mapped[str] = mapped_column(String(10))
    note: Mapped[str] = mapped_column(String(160), default="", server_default="")
    broadcast_id: Mapped[int | None] = mapped_column(ForeignKey("broadcasts.id"))
