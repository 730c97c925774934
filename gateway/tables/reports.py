"""Trouble reported by text, shown as "iReport"."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from gateway.tables.base import Base, BigId, UtcDateTime


class Report(Base):
    """One iReport. `ref` is what the reporter is given, such as 4F2K: unique within its event."""

    __tablename__ = "reports"
    __table_args__ = (UniqueConstraint("event_key", "ref"), Index("ix_reports_sender", "sender_id", "opened_at"))

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    event_key: Mapped[str] = mapped_column(String(60), default="")
    ref: Mapped[str] = mapped_column(String(8))
    sender_id: Mapped[int] = mapped_column(ForeignKey("senders.id"))
    state: Mapped[str] = mapped_column(String(16), default="received")
    text: Mapped[str] = mapped_column(Text)
    opened_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)


class ReportEntry(Base):
    """One line of a report's timeline: what was said or moved, by whom, when. Never changed afterwards."""

    __tablename__ = "report_entries"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    report_id: Mapped[int] = mapped_column(ForeignKey("reports.id"), index=True)
    kind: Mapped[str] = mapped_column(String(16))
    by: Mapped[str] = mapped_column(String(60), default="")
    text: Mapped[str] = mapped_column(Text, default="")
    inbound_id: Mapped[int | None] = mapped_column(ForeignKey("inbound_texts.id"))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
