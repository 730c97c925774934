"""The threads of the inbox: made by texts that no command took, listed newest first."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, func, select, tuple_, update

from gateway.pipeline import Pipeline
from gateway.rules.phone_numbers import mask
from gateway.tables import InboundText, InboxEntry, InboxThread, Member, Sender, Staff

UNREAD, OPEN, ANSWERED, CLOSED = "unread", "open", "answered", "closed"
VIEWS = ("waiting", "unread", "open", "answered", "handed", "mine", "closed", "all")
PAGE = 30

_threads, _members, _senders, _staff = InboxThread.__table__, Member.__table__, Sender.__table__, Staff.__table__
_texts, _entries = InboundText.__table__, InboxEntry.__table__
_handed = and_(_threads.c.assignee_id.is_not(None), _threads.c.state != CLOSED)
# Written out, so that the partial index of what waits is used.
_STATES: Mapping[str, ColumnElement[bool]] = {
    "waiting": _threads.c.state.in_((UNREAD, OPEN)),
    "unread": _threads.c.state == UNREAD,
    "open": _threads.c.state == OPEN,
    "answered": _threads.c.state == ANSWERED,
    "handed": _handed,
    "closed": _threads.c.state == CLOSED,
}


@dataclass(frozen=True, slots=True)
class Unheard:
    """A text that no command took."""

    sender_id: int
    inbound_id: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Thread:
    """One thread as lists show it. `phone` is masked; `words` are those of the newest text that no command took.

    `assignee` and `assignee_id` are whose it is, "" and None if nobody's.
    """

    sender_id: int
    name: str
    phone: str
    state: str
    assignee: str
    assignee_id: int | None
    words: str
    last_at: datetime
    last_inbound_id: int
    language: str
    consent: str


@dataclass(frozen=True, slots=True)
class ThreadPage:
    threads: Sequence[Thread]
    after: tuple[datetime, int] | None


@dataclass(frozen=True, slots=True)
class Entry:
    """What one of the staff did in a thread; see `tables.InboxEntry`."""

    id: int
    kind: str
    by: str
    text: str
    at: datetime


def note_unheard(pipeline: Pipeline, texts: Iterable[Unheard]) -> None:
    """Make the threads of these texts unread, in the transaction that records them. Whose a thread is stays."""
    newest = {one.sender_id: one for one in sorted(texts, key=lambda one: one.inbound_id)}
    pipeline.insert(
        _threads,
        [
            {"sender_id": one.sender_id, "state": UNREAD, "last_inbound_id": one.inbound_id, "last_at": one.at}
            for one in newest.values()
        ],
        or_update={"sender_id": ("state", "last_inbound_id", "last_at")},
    )


def note_reported(pipeline: Pipeline, reported: Iterable[tuple[int, str]], now: datetime) -> None:
    """Say in threads, given by sender, that what they told is an iReport by now, under this ref. None becomes read: a
    person may have asked for more in the same thread.
    """
    pipeline.insert(
        _entries,
        [{"sender_id": sender, "kind": "report", "by": "reporter", "text": ref, "at": now} for sender, ref in reported],
    )


def visible_threads(visible: ColumnElement[bool], *, everyone: bool) -> ColumnElement[bool] | None:
    """Return the condition on threads for a reader who sees the members that fit `visible`; None: no bounds.

    Who has no city or seat on file, or never joined, is seen by readers without bounds alone (`everyone`).
    """
    if everyone:
        return None
    return _threads.c.sender_id.in_(select(_members.c.sender_id).where(visible))


def list_threads(
    connection: Connection,
    view: str,
    bounds: ColumnElement[bool] | None,
    mine: int,
    after: tuple[datetime, int] | None = None,
    limit: int = PAGE,
) -> ThreadPage:
    """Return a page of threads, newest first.

    :param view: one of `VIEWS`
    :param mine: the reader's own staff id, for the view "mine"
    :raises ValueError: a view that is none
    """
    query = _query().where(*_in_view(view, bounds, mine))
    if after:
        query = query.where(tuple_(_threads.c.last_at, _threads.c.sender_id) < tuple_(*after))
    query = query.order_by(_threads.c.last_at.desc(), _threads.c.sender_id.desc()).limit(limit + 1)
    rows = connection.execute(query).all()
    shown = [_thread(row) for row in rows[:limit]]
    return ThreadPage(shown, (shown[-1].last_at, shown[-1].sender_id) if len(rows) > limit else None)


def count_threads(connection: Connection, bounds: ColumnElement[bool] | None, mine: int) -> Mapping[str, int]:
    """Return how many threads each view has."""
    counted = [
        func.count().filter(and_(*_in_view(view, None, mine))).label(view)
        if view != "all"
        else func.count().label(view)
        for view in VIEWS
    ]
    query = select(*counted).select_from(_threads)
    row = connection.execute(query if bounds is None else query.where(bounds)).one()
    return dict(row._mapping)


def find_thread(connection: Connection, sender_id: int, bounds: ColumnElement[bool] | None) -> Thread | None:
    """Return one thread; None if there is none or the reader may not see it."""
    query = _query().where(_threads.c.sender_id == sender_id)
    row = connection.execute(query if bounds is None else query.where(bounds)).first()
    return _thread(row) if row else None


def read_entries(connection: Connection, sender_id: int) -> Sequence[Entry]:
    """Return what staff did in a thread, in order."""
    rows = connection.execute(
        select(_entries.c.id, _entries.c.kind, _entries.c.by, _entries.c.text, _entries.c.at)
        .where(_entries.c.sender_id == sender_id)
        .order_by(_entries.c.id)
    )
    return [Entry(row.id, row.kind, row.by, row.text, row.at) for row in rows]


def mark_read(connection: Connection, sender_id: int, last_inbound_id: int) -> bool:
    """Say that somebody has read a thread up to a text; a newer text leaves it unread. Returns whether it changed."""
    read = (
        update(_threads)
        .where(
            _threads.c.sender_id == sender_id,
            _threads.c.state == UNREAD,
            _threads.c.last_inbound_id == last_inbound_id,
        )
        .values(state=OPEN)
    )
    return bool(connection.execute(read).rowcount)


def latest_change(connection: Connection) -> tuple[Any, ...]:
    """Return a value that differs once a thread has changed, for pages that follow along."""
    newest = connection.execute(select(func.max(_threads.c.last_at), func.count()).select_from(_threads)).one()
    states = connection.execute(select(_threads.c.state, func.count()).group_by(_threads.c.state)).all()
    entry = connection.execute(select(func.max(_entries.c.id))).scalar()
    return (*newest, entry, *sorted(tuple(row) for row in states))


def _in_view(view: str, bounds: ColumnElement[bool] | None, mine: int) -> list[ColumnElement[bool]]:
    if view not in VIEWS:
        raise ValueError(f"There is no view {view!r}; there are {', '.join(VIEWS)}.")
    tests = [] if bounds is None else [bounds]
    if view == "mine":
        return [*tests, _threads.c.assignee_id == mine, _threads.c.state != CLOSED]
    return tests if view == "all" else [*tests, _STATES[view]]


def _query() -> Any:
    return select(
        _threads, _members.c.name, _senders.c.key, _senders.c.language, _senders.c.consent, _texts.c.body,
        _staff.c.name.label("staff_name"), _staff.c.login,
    ).select_from(
        _threads.join(_senders, _senders.c.id == _threads.c.sender_id)
        .outerjoin(_members, _members.c.sender_id == _threads.c.sender_id)
        .outerjoin(_texts, _texts.c.id == _threads.c.last_inbound_id)
        .outerjoin(_staff, _staff.c.id == _threads.c.assignee_id)
    )  # fmt: skip


def _thread(row: Row[Any]) -> Thread:
    return Thread(
        sender_id=row.sender_id,
        name=row.name or "",
        phone=mask(row.key),
        state=row.state,
        assignee=row.staff_name or row.login or "",
        assignee_id=row.assignee_id,
        words=row.body or "",
        last_at=row.last_at,
        last_inbound_id=row.last_inbound_id,
        language=row.language or "",
        consent=row.consent,
    )
