"""People: everyone who ever texted us is a sender; a sender who texted JOIN is a member."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    ColumnElement,
    Date,
    ForeignKey,
    Index,
    Integer,
    String,
    Text,
    literal_column,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from gateway.tables.base import Base, BigId, Json, UtcDateTime

EVERY_MEMBER: ColumnElement[bool] = literal_column("members.sender_id > 0")
"""True of every member: a query that says so is served by the indexes made for lists and charts."""


class Sender(Base):
    """One phone number: its consent, its language, the one question that is open, and its share of our replies.

    `key` is the E.164 number, or what `rules.phone_numbers` makes of a sender that is none. Consent is the number's and
    not the member's, so that STOP holds for someone who never joined. After ERASE the row is all that stays, and its
    key is `erased:` and a keyed hash of the number, so that an opt-out outlives the person's data.
    """

    __tablename__ = "senders"
    __table_args__ = (CheckConstraint("consent IN ('none', 'joined', 'stopped')", "consent"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    key: Mapped[str] = mapped_column(String(80), unique=True)
    language: Mapped[str | None] = mapped_column(String(8))
    consent: Mapped[str] = mapped_column(String(8), default="none", server_default="none")
    question: Mapped[str | None] = mapped_column(String(20))
    question_data: Mapped[dict[str, Any] | None] = mapped_column(Json)
    question_expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    misses: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    replies_since: Mapped[datetime | None] = mapped_column(UtcDateTime)
    replies: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    last_reply: Mapped[str | None] = mapped_column(String(40))
    number_state: Mapped[str] = mapped_column(String(12), default="unknown", server_default="unknown")
    delivered_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    first_seen_at: Mapped[datetime] = mapped_column(UtcDateTime)
    last_seen_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Member(Base):
    """A person who texted JOIN, filed by city, constituency and affinities (a mask of `Affinity.bit`).

    `reachable` and `language` repeat what the sender's row says (consent given and number alive), and `seen_on` is the
    day of their last text in the movement's time zone: so counting a segment reads one table, or an index or
    `MemberBits` alone. They are written in the transaction that changes the sender, and only there; `seen_on` is in no
    index, because it changes with a member's first text of every day.
    """

    __tablename__ = "members"
    __table_args__ = (
        Index(
            "ix_members_filed",
            "city_id",
            "constituency_id",
            "affinities",
            "language",
            "sender_id",
            postgresql_where=text("reachable"),
            sqlite_where=text("reachable"),
        ),
        Index(
            "ix_members_seat",
            "constituency_id",
            "affinities",
            "language",
            "sender_id",
            postgresql_where=text("reachable"),
            sqlite_where=text("reachable"),
        ),
        Index(
            "ix_members_provincial",
            "provincial_id",
            "affinities",
            "language",
            "sender_id",
            postgresql_where=text("reachable AND provincial_id IS NOT NULL"),
            sqlite_where=text("reachable AND provincial_id IS NOT NULL"),
        ),
        Index(
            "ix_members_unreachable",
            "city_id",
            "constituency_id",
            "affinities",
            "language",
            "sender_id",
            postgresql_where=text("NOT reachable"),
            sqlite_where=text("NOT reachable"),
        ),
        # Every id is above 0; only a query that says so uses these two, so that SQLite does not take them for the
        # covering indexes that segments are counted from.
        Index(
            "ix_members_city",
            "city_id",
            "sender_id",
            postgresql_where=text("sender_id > 0"),
            sqlite_where=text("sender_id > 0"),
        ),
        Index(
            "ix_members_joined_at",
            "joined_at",
            postgresql_where=text("sender_id > 0"),
            sqlite_where=text("sender_id > 0"),
        ),
        Index(
            "ix_members_referrer",
            "referrer_id",
            postgresql_where=text("referrer_id IS NOT NULL"),
            sqlite_where=text("referrer_id IS NOT NULL"),
        ),
        CheckConstraint("affinities >= 0", "affinities"),
    )

    sender_id: Mapped[int] = mapped_column(ForeignKey("senders.id"), primary_key=True, autoincrement=False)
    name: Mapped[str] = mapped_column(String(80), default="", server_default="")
    city_id: Mapped[int | None] = mapped_column(ForeignKey("places.id"))
    constituency_id: Mapped[int | None] = mapped_column(ForeignKey("constituencies.id"))
    provincial_id: Mapped[int | None] = mapped_column(ForeignKey("constituencies.id"))
    affinities: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    language: Mapped[str | None] = mapped_column(String(8))
    reachable: Mapped[bool] = mapped_column(Boolean, default=True, server_default=text("true"))
    invite_code: Mapped[str | None] = mapped_column(String(12), unique=True)
    referrer_id: Mapped[int | None] = mapped_column(ForeignKey("senders.id"))
    joined_at: Mapped[datetime] = mapped_column(UtcDateTime)
    seen_on: Mapped[date | None] = mapped_column(Date)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Referral(Base):
    """Who brought a new member. `flagged` says that the referrer brought implausibly many in an hour."""

    __tablename__ = "referrals"
    __table_args__ = (Index("ix_referrals_referrer", "referrer_id", "joined_at"),)

    sender_id: Mapped[int] = mapped_column(ForeignKey("senders.id"), primary_key=True, autoincrement=False)
    referrer_id: Mapped[int] = mapped_column(ForeignKey("senders.id"))
    flagged: Mapped[bool] = mapped_column(Boolean, default=False)
    joined_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Filing(Base):
    """What a member's city, seat or groups were before they changed; the history stays when the member moves."""

    __tablename__ = "filings"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    sender_id: Mapped[int] = mapped_column(ForeignKey("senders.id"), index=True)
    field: Mapped[str] = mapped_column(String(20))
    old: Mapped[str] = mapped_column(String(160))
    new: Mapped[str] = mapped_column(String(160))
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime)


class ConsentEntry(Base):
    """One line of the consent ledger: who, when, the exact words, the carrier's id, the wording we answered with.

    Append-only: nothing in the code updates a row; only ERASE removes a person's rows.
    """

    __tablename__ = "consent_entries"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    sender_id: Mapped[int] = mapped_column(ForeignKey("senders.id"), index=True)
    action: Mapped[str] = mapped_column(String(12))
    scope: Mapped[str] = mapped_column(String(80), default="all")
    words: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(String(160), default="")
    carrier: Mapped[str] = mapped_column(String(20))
    carrier_id: Mapped[str] = mapped_column(String(64))
    wording: Mapped[str] = mapped_column(String(40), default="")
    given_at: Mapped[datetime] = mapped_column(UtcDateTime)


class TopicStop(Base):
    """A group that someone left by STOP with a topic; they stay on file, and get nothing sent to that group."""

    __tablename__ = "topic_stops"

    sender_id: Mapped[int] = mapped_column(ForeignKey("senders.id"), primary_key=True, autoincrement=False)
    topic: Mapped[str] = mapped_column(String(80), primary_key=True)
    stopped_at: Mapped[datetime] = mapped_column(UtcDateTime)


class MemberTerm(Base):
    """What a member is found by: each word of the name, folded, and "#" with the number's last four digits.

    Written in the transaction that writes the member's name, and only there.
    """

    __tablename__ = "member_terms"
    __table_args__ = (Index("ix_member_terms_sender_id", "sender_id"), {"sqlite_with_rowid": False})

    # Compared sign by sign, so that an index serves the beginning of a word.
    term: Mapped[str] = mapped_column(
        String(40).with_variant(String(40, collation="C"), "postgresql"), primary_key=True
    )
    sender_id: Mapped[int] = mapped_column(ForeignKey("senders.id"), primary_key=True, autoincrement=False)


class MemberImport(Base):
    """A file of members that waits for a person's yes. `content` is its rows as CSV, sealed; gone once it is over.

    `state` is waiting, running, done or dropped; rows up to line `applied_to` are on record, and `counts` says what
    became of them.
    """

    __tablename__ = "member_imports"
    __table_args__ = (
        Index("ix_member_imports_created_at", "created_at"),
        CheckConstraint("state IN ('waiting', 'running', 'done', 'dropped')", "state"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    key: Mapped[str] = mapped_column(String(40), unique=True)
    file_name: Mapped[str] = mapped_column(String(120), default="")
    content: Mapped[str | None] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(8), default="waiting", server_default="waiting")
    applied_to: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    counts: Mapped[dict[str, int]] = mapped_column(Json, default=dict, server_default="{}")
    created_by: Mapped[str] = mapped_column(String(60))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
