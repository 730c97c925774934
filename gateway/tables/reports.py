"""Trouble reported by text, shown as "iReport"."""

from datetime import datetime
from typing import Any

from sqlalchemy import Boolean, CheckConstraint, Float, ForeignKey, Index, Integer, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from gateway.tables.base import Base, BigId, Json, UtcDateTime

OPEN_REPORTS = "state IN ('received', 'acknowledged', 'assigned', 'in_progress', 'reopened')"
"""What the partial index holds; a query uses it that says the same."""


class Report(Base):
    """One iReport. `ref` is what the reporter is given, such as 4F2C: unique within its event.

    `category`, `kind` and `urgency` (0 low to 3 emergency) are as staff left them; `judged` keeps what triage had said.
    `place` is what staff read, `place_key` what is compared; both empty where no place was told. `witnesses` counts
    phones, this one too. `parent_id` is set while it is a duplicate. `cycle` counts how often it was reopened.
    """

    __tablename__ = "reports"
    __table_args__ = (
        UniqueConstraint("event_key", "ref"),
        Index("ix_reports_sender", "sender_id", "opened_at"),
        Index("ix_reports_opened_at", "opened_at"),
        Index(
            "ix_reports_open",
            "urgency",
            "opened_at",
            postgresql_where=text(OPEN_REPORTS),
            sqlite_where=text(OPEN_REPORTS),
        ),
        Index("ix_reports_parent", "parent_id"),
        Index(
            "ix_reports_resolved",
            "updated_at",
            postgresql_where=text("state = 'resolved'"),
            sqlite_where=text("state = 'resolved'"),
        ),
        Index(
            "ix_reports_assignee",
            "assignee_id",
            postgresql_where=text("assignee_id IS NOT NULL"),
            sqlite_where=text("assignee_id IS NOT NULL"),
        ),
        CheckConstraint("urgency BETWEEN 0 AND 3", "urgency"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    event_key: Mapped[str] = mapped_column(String(60), default="")
    ref: Mapped[str] = mapped_column(String(10))
    sender_id: Mapped[int] = mapped_column(ForeignKey("senders.id"))
    state: Mapped[str] = mapped_column(String(16), default="received")
    text: Mapped[str] = mapped_column(Text)
    category: Mapped[str] = mapped_column(String(12), default="other", server_default="other")
    kind: Mapped[str] = mapped_column(String(10), default="help", server_default="help")
    urgency: Mapped[int] = mapped_column(Integer, default=1, server_default="1")
    because: Mapped[list[str]] = mapped_column(Json, default=list, server_default="[]")
    judged: Mapped[dict[str, Any] | None] = mapped_column(Json)
    place: Mapped[str] = mapped_column(String(120), default="", server_default="")
    place_key: Mapped[str] = mapped_column(String(140), default="", server_default="")
    lat: Mapped[float | None] = mapped_column(Float)
    lon: Mapped[float | None] = mapped_column(Float)
    language: Mapped[str] = mapped_column(String(8), default="en", server_default="en")
    assignee_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("reports.id"))
    witnesses: Mapped[int] = mapped_column(Integer, default=1, server_default="1")
    cycle: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    media: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    opened_at: Mapped[datetime] = mapped_column(UtcDateTime)
    last_text_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)


class ReportEntry(Base):
    """One line of a report's timeline: what was said or moved, by whom, when. Never changed afterwards.

    `kind` is "received", "more" (the reporter's own texts), "move", "note", "reply", "correction" or "page"; a move
    has `state`, what the report became. `by` is "reporter", "clock" or the login of one of the staff.
    """

    __tablename__ = "report_entries"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    report_id: Mapped[int] = mapped_column(ForeignKey("reports.id"), index=True)
    kind: Mapped[str] = mapped_column(String(16))
    by: Mapped[str] = mapped_column(String(60), default="")
    state: Mapped[str | None] = mapped_column(String(16))
    text: Mapped[str] = mapped_column(Text, default="")
    inbound_id: Mapped[int | None] = mapped_column(ForeignKey("inbound_texts.id"), index=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class ReportStep(Base):
    """A step of escalation that has been taken: the key makes every step happen once, whoever's clock strikes first."""

    __tablename__ = "report_steps"
    __table_args__ = (Index("ix_report_steps_step_at", "step", "at"),)

    report_id: Mapped[int] = mapped_column(ForeignKey("reports.id"), primary_key=True, autoincrement=False)
    cycle: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    step: Mapped[str] = mapped_column(String(20), primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class ReportLink(Base):
    """Two reports that seem to be about one thing: proposed by the clock, accepted or refused by a person."""

    __tablename__ = "report_links"
    __table_args__ = (
        Index("ix_report_links_parent", "parent_id", "state"),
        CheckConstraint("state IN ('proposed', 'accepted', 'refused')", "state"),
    )

    report_id: Mapped[int] = mapped_column(ForeignKey("reports.id"), primary_key=True, autoincrement=False)
    parent_id: Mapped[int] = mapped_column(ForeignKey("reports.id"), primary_key=True, autoincrement=False)
    state: Mapped[str] = mapped_column(String(10), default="proposed", server_default="proposed")
    score: Mapped[float] = mapped_column(Float)
    why: Mapped[str] = mapped_column(String(160), default="")
    by: Mapped[str] = mapped_column(String(60), default="clock")
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class ReportTrend(Base):
    """A word or place that is reported far more often than before; one row for each hour in which it was seen."""

    __tablename__ = "report_trends"
    __table_args__ = (UniqueConstraint("event_key", "hour", "kind", "term"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    event_key: Mapped[str] = mapped_column(String(60), default="")
    hour: Mapped[datetime] = mapped_column(UtcDateTime)
    kind: Mapped[str] = mapped_column(String(10))
    term: Mapped[str] = mapped_column(String(140))
    before: Mapped[int] = mapped_column(Integer)
    now: Mapped[int] = mapped_column(Integer)
    examples: Mapped[list[str]] = mapped_column(Json, default=list)
    seen_at: Mapped[datetime] = mapped_column(UtcDateTime)


class StaffDuty(Base):
    """Whether one of the staff is on duty, where, and for what. `areas` are places as typed, `skills` categories."""

    __tablename__ = "staff_duties"

    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"), primary_key=True, autoincrement=False)
    on_duty: Mapped[bool] = mapped_column(Boolean, default=False, server_default=text("false"))
    areas: Mapped[list[str]] = mapped_column(Json, default=list)
    skills: Mapped[list[str]] = mapped_column(Json, default=list)
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime)
