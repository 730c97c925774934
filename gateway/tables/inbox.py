"""The inbox: threads of people whose texts no command took, what staff did with them, and answers kept ready."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Integer, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from gateway.tables.base import Base, BigId, Json, UtcDateTime


class InboxThread(Base):
    """One person's thread: one row for each sender who ever sent a text that no command took.

    `state` is unread, open, answered or closed; a new such text makes it unread again, whatever it was. `assignee_id`
    is the colleague it was handed over to. `last_at` is when the newest of those texts came.
    """

    __tablename__ = "inbox_threads"
    __table_args__ = (
        Index("ix_inbox_threads_last_at", "last_at", "sender_id"),
        Index(
            "ix_inbox_threads_waiting",
            "last_at",
            "sender_id",
            postgresql_where=text("state IN ('unread', 'open')"),
            sqlite_where=text("state IN ('unread', 'open')"),
        ),
        CheckConstraint("state IN ('unread', 'open', 'answered', 'closed')", "state"),
    )

    sender_id: Mapped[int] = mapped_column(ForeignKey("senders.id"), primary_key=True, autoincrement=False)
    state: Mapped[str] = mapped_column(String(8), default="unread", server_default="unread")
    assignee_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    last_inbound_id: Mapped[int] = mapped_column(BigInteger)
    last_at: Mapped[datetime] = mapped_column(UtcDateTime)


class InboxEntry(Base):
    """What one of the staff did in a thread: `kind` is reply, note, handover, report, close or open. Append-only.

    `by` is a login; "reporter" where the person's own YES made an iReport of what they had told.
    `once` is the form's token: the same form sent twice is one entry. A reply's words are in its outbound text.
    """

    __tablename__ = "inbox_entries"
    __table_args__ = (
        UniqueConstraint("sender_id", "once"),
        CheckConstraint("kind IN ('reply', 'note', 'handover', 'report', 'close', 'open')", "kind"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    sender_id: Mapped[int] = mapped_column(ForeignKey("senders.id"))
    kind: Mapped[str] = mapped_column(String(8))
    by: Mapped[str] = mapped_column(String(60))
    text: Mapped[str] = mapped_column(Text, default="", server_default="")
    outbound_id: Mapped[int | None] = mapped_column(ForeignKey("outbound_texts.id"), index=True)
    once: Mapped[str | None] = mapped_column(String(60))
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class CannedAnswer(Base):
    """Words kept ready for a question that comes often. `texts` maps a language to its words, which may have {name}
    and {city}; `version` counts the changes, so that two people who edit at once do not undo each other."""

    __tablename__ = "canned_answers"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    title: Mapped[str] = mapped_column(String(80), unique=True)
    texts: Mapped[dict[str, str]] = mapped_column(Json, default=dict)
    version: Mapped[int] = mapped_column(Integer, default=1, server_default="1")
    changed_by: Mapped[str] = mapped_column(String(60))
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime)
