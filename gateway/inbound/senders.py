"""Read what is on record about the senders of a group of texts, and hold their rows until the commit."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import select

from gateway.bulk import among, values
from gateway.members.erased import erased_and_stopped
from gateway.members.rows import filing_columns, member_state
from gateway.pipeline import Found, Pipeline
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


class Held:
    """The senders of a group: asked for, known, and at last met, where they text for the first time.

    On PostgreSQL their rows are locked, in the order of their keys by every process, so that two groups with senders in
    common wait instead of deadlocking. SQLite has one writer at a time.
    """

    def __init__(
        self, pipeline: Pipeline, keys: Iterable[str], directory: Directory, secret: bytes, *, only_look: bool = False
    ) -> None:
        """Ask for them.

        :param secret: the key of `members.erased`; a number that was erased while stopped starts out stopped
        :param only_look: hold nothing and make no rows; who has no row yet then has the id 0
        """
        self._pipeline, self._directory, self._secret = pipeline, directory, secret
        self._only_look = only_look
        self._keys = sorted(set(keys))
        self._found = self._ask(self._keys)
        self._stopped: Callable[[], frozenset[str]] = frozenset
        self._missing: list[str] = []
        self.late: Mapping[str, KnownSender] = {}
        """Those whom another process has met in the same moment: more may be known of them. Told by `met`."""

    def known(self) -> dict[str, KnownSender]:
        """Return those who have a row, by key, and ask what is to be known of the others."""
        known = self._read(self._found)
        self._missing = [key for key in self._keys if key not in known]
        if self._missing:
            self._stopped = erased_and_stopped(self._pipeline, self._missing, self._secret)
        return known

    def met(self, now: datetime) -> dict[str, KnownSender]:
        """Return the others, by key; their rows are made."""
        if not self._missing:
            return {}
        stopped = self._stopped()
        states = {key: SenderState(key, consent="stopped" if key in stopped else "none") for key in self._missing}
        if self._only_look:
            return {key: KnownSender(0, state, state) for key, state in states.items()}
        rows = [{"key": key, "consent": state.consent} for key, state in states.items()]
        shared = {"misses": 0, "replies": 0, "number_state": "unknown", "first_seen_at": now, "last_seen_at": now}
        made = self._pipeline.insert(_senders, rows, or_ignore=True, returning=("id", "key"), shared=shared)
        fresh = [(row.id, replace(states[row.key], id=row.id)) for row in made.all()]
        met = {state.key: KnownSender(number, state, state) for number, state in fresh}
        if others := [key for key in self._missing if key not in met]:
            self.late = self._read(self._ask(others))
        return {**met, **self.late}

    def _ask(self, keys: list[str]) -> Found:
        return self._pipeline.run(_LOOK if self._only_look else _HOLD, {"keys": values(keys)})

    def _read(self, found: Found) -> dict[str, KnownSender]:
        return {row.key: known_sender(row, self._directory) for row in found.all()}


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
