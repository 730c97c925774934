"""Read what is on record about the senders of a group of texts, and hold their rows until the commit."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, select

from gateway.bulk import among, insert_rows, values
from gateway.members.erased import erased_and_stopped
from gateway.members.rows import filing_columns, member_state
from gateway.places.directory import Directory
from gateway.rules.conversation import Question, SenderState
from gateway.tables import Member, Sender

_senders = Sender.__table__
_members = Member.__table__

_READ = (
    select(
        _senders.c.id,
        _senders.c.key,
        _senders.c.language,
        _senders.c.consent,
        _senders.c.question,
        _senders.c.question_data,
        _senders.c.question_expires_at,
        _senders.c.misses,
        _senders.c.replies_since,
        _senders.c.replies,
        _senders.c.last_reply,
        _members.c.joined_at,
        _members.c.name,
        _members.c.city_id,
        _members.c.constituency_id,
        _members.c.provincial_id,
        _members.c.affinities,
        _members.c.invite_code,
        _members.c.referrer_id,
        _members.c.seen_on,
    )
    .select_from(_senders.outerjoin(_members, _members.c.sender_id == _senders.c.id))
    .where(among(_senders.c.key, "keys"))
    .order_by(_senders.c.key)
    .with_for_update(of=_senders)
)


@dataclass(slots=True)
class KnownSender:
    """A sender's row: its id, what it said when we read it, and what it is to say at the commit.

    `seen_on`: the day of the member's last text, as their row said when we read it.
    """

    id: int
    was: SenderState
    now: SenderState
    seen_on: date | None = None


def hold_senders(
    connection: Connection, keys: Iterable[str], directory: Directory, now: datetime, secret: bytes
) -> dict[str, KnownSender]:
    """Return every sender by key, making rows for new ones; on PostgreSQL the rows are locked in the keys' order.

    Rows are locked in one order by every process, so two groups with senders in common wait instead of deadlocking.
    SQLite has one writer at a time.

    :param secret: the key of `members.erased`; a number that was erased while stopped starts out stopped
    """
    wanted = sorted(set(keys))
    known = {row.key: known_sender(row, directory) for row in connection.execute(_READ, {"keys": values(wanted)})}
    missing = [key for key in wanted if key not in known]
    if missing:
        stopped = erased_and_stopped(connection, missing, secret)
        fresh = [
            {
                "key": key,
                "consent": "stopped" if key in stopped else "none",
                "misses": 0,
                "replies": 0,
                "number_state": "unknown",
                "first_seen_at": now,
                "last_seen_at": now,
            }
            for key in missing
        ]
        insert_rows(connection, _senders, fresh, or_ignore=True)
        known.update(
            (row.key, known_sender(row, directory)) for row in connection.execute(_READ, {"keys": values(missing)})
        )
    return known


def known_sender(row: Any, directory: Directory) -> KnownSender:
    """Return what a joined row of sender and member says; the member's columns are None where there is none."""
    question = None
    if row.question is not None:
        question = Question(row.question, row.question_data or {}, row.question_expires_at)
    state = SenderState(
        key=row.key,
        language=row.language,
        consent=row.consent,
        question=question,
        misses=row.misses,
        replies_since=row.replies_since,
        replies=row.replies,
        last_reply=row.last_reply,
        member=member_state(row, directory),
        id=row.id,
    )
    return KnownSender(row.id, state, state, row.seen_on)


def sender_row(known: KnownSender, now: datetime) -> Mapping[str, Any]:
    """Return the columns of a sender's row as they stand at the commit."""
    state = known.now
    question = state.question
    return {
        "id": known.id,
        "language": state.language,
        "consent": state.consent,
        "question": question.kind if question else None,
        "question_data": dict(question.data) if question else None,
        "question_expires_at": question.expires_at if question else None,
        "misses": state.misses,
        "replies_since": state.replies_since,
        "replies": state.replies,
        "last_reply": state.last_reply,
        "number_state": "alive",  # a number that texts us is in somebody's hands
        "last_seen_at": now,
    }


def member_row(known: KnownSender, directory: Directory, now: datetime, today: date) -> Mapping[str, Any]:
    """Return the columns of a member's row as they stand at the commit; `today` in the movement's time zone."""
    member = known.now.member
    assert member is not None
    return {
        "sender_id": known.id,
        **filing_columns(member, directory),
        "language": known.now.language,
        "reachable": known.now.consent == "joined",
        "invite_code": member.invite_code,
        "referrer_id": member.referrer_id,
        "joined_at": member.joined_at or now,
        "seen_on": today,
        "updated_at": now,
    }
