"""What console logins stand on: areas, sessions, recovery codes, forms that came, limits, and the audit log."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Integer, SmallInteger, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from gateway.tables.base import Base, BigId, UtcDateTime


class StaffArea(Base):
    """A city (a place's key) or seat (`NA-130@2024`) that one of the staff is bound to. No row: everywhere."""

    __tablename__ = "staff_areas"
    __table_args__ = (CheckConstraint("kind IN ('city', 'seat')", "kind"),)

    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"), primary_key=True, autoincrement=False)
    kind: Mapped[str] = mapped_column(String(8), primary_key=True)
    key: Mapped[str] = mapped_column(String(120), primary_key=True)


class StaffSession(Base):
    """One browser that is signed in, or on the way to it. Only a hash of its cookie is kept.

    `second_at`: when the second factor was shown. `fresh_at`: when password or code was last given. `pending_secret` is
    a sealed second factor that is being set up. `ended_at` set: over for good.
    """

    __tablename__ = "staff_sessions"
    __table_args__ = (Index("ix_staff_sessions_staff_id", "staff_id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    second_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    fresh_at: Mapped[datetime] = mapped_column(UtcDateTime)
    pending_secret: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    seen_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class RecoveryCode(Base):
    """A code that stands in for a lost second factor, once. Kept as a keyed hash."""

    __tablename__ = "recovery_codes"
    __table_args__ = (Index("ix_recovery_codes_staff_id", "staff_id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    code_hash: Mapped[str] = mapped_column(String(64))
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class FormToken(Base):
    """A form that has been acted on: a second copy of it, from a double click or a reload, finds its row here.

    `leads_to` is the page that the first one led to.
    """

    __tablename__ = "form_tokens"

    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    leads_to: Mapped[str] = mapped_column(String(400), default="", server_default="")
    spent_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


class RateWindow(Base):
    """How often something was tried in one stretch of time. `key` is a keyed hash: no login or address is kept."""

    __tablename__ = "rate_windows"

    key: Mapped[str] = mapped_column(String(80), primary_key=True)
    begins_at: Mapped[datetime] = mapped_column(UtcDateTime, primary_key=True, index=True)
    tries: Mapped[int] = mapped_column(Integer, default=0)


class AuditEntry(Base):
    """One line of the audit log. Append-only: triggers of both databases refuse to change or delete a row.

    `hash` covers the line and the hash of the line before (`accounts.audit`): without a key in lines of version 1, with
    one in those of version 2. `detail` is canonical JSON.
    """

    __tablename__ = "audit_entries"
    __table_args__ = (Index("ix_audit_entries_by", "by", "seq"), Index("ix_audit_entries_action", "action", "seq"))

    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    by: Mapped[str] = mapped_column(String(60))
    action: Mapped[str] = mapped_column(String(60))
    subject: Mapped[str] = mapped_column(String(120))
    detail: Mapped[str] = mapped_column(Text)
    previous: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))
    version: Mapped[int] = mapped_column(SmallInteger, server_default="1")


class AuditHead(Base):
    """The last line of the audit log: locked to append one, and how lines cut off at the end are noticed.

    `seal` proves with a key that the log had come this far; None until the first line after lines got a key.
    """

    __tablename__ = "audit_heads"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    seq: Mapped[int] = mapped_column(BigInteger)
    hash: Mapped[str] = mapped_column(String(64))
    seal: Mapped[str | None] = mapped_column(String(64))
