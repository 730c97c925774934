"""Read what is on record about the senders of a group of texts, and hold their rows until the commit."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
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

_LOOK = (
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
)
_HOLD = _LOOK.with_for_update(of=_senders)


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
    known = {row.key: known_sender(row, directory) for row in connection.execute(_HOLD, {"keys": values(wanted)})}
    if missing := [key for key in wanted if key not in known]:
        known.update(_met(connection, missing, now, secret))
    if others := [key for key in missing if key not in known]:  # met by another process meanwhile
        rows = connection.execute(_HOLD, {"keys": values(others)})
        known.update((row.key, known_sender(row, directory)) for row in rows)
    return known


def expect_senders(
    connection: Connection, keys: Iterable[str], directory: Directory, secret: bytes
) -> dict[str, KnownSender]:
    """Return every sender by key as they are on record now, holding nothing; who has no row yet has the id 0."""
    wanted = sorted(set(keys))
    rows = connection.execute(_LOOK, {"keys": values(wanted)})
    known = {row.key: known_sender(row, directory) for row in rows}
    if missing := [key for key in wanted if key not in known]:
        states = _first_states(connection, missing, secret)
        known.update((key, KnownSender(0, state, state)) for key, state in states.items())
    return known


def _met(connection: Connection, keys: list[str], now: datetime, secret: bytes) -> Mapping[str, KnownSender]:
    """Make rows for senders who text for the first time; returns those that no other process has made."""
    states = _first_states(connection, keys, secret)
    rows = [{"key": key, "consent": state.consent} for key, state in states.items()]
    shared = {"misses": 0, "replies": 0, "number_state": "unknown", "first_seen_at": now, "last_seen_at": now}
    made = insert_rows(connection, _senders, rows, or_ignore=True, returning=("id", "key"), shared=shared)
    fresh = ((row.id, replace(states[row.key], id=row.id)) for row in made)
    return {state.key: KnownSender(number, state, state) for number, state in fresh}


def _first_states(connection: Connection, keys: list[str], secret: bytes) -> Mapping[str, SenderState]:
    """Return how senders start out; whose number was erased while stopped starts out stopped."""
    stopped = erased_and_stopped(connection, keys, secret)
    return {key: SenderState(key, consent="stopped" if key in stopped else "none") for key in keys}


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
