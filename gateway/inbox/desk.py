"""What staff do in a thread: reply, note, hand over, close. One transaction each, safe against two people at once.

The sender's row is held first, as a text of theirs holds it, then the thread: a STOP that comes at the same moment is
either seen here or kept back by the outbox's own test.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from gateway.inbox.threads import ANSWERED, CLOSED, OPEN
from gateway.outbox.enqueue import NewText, enqueue_one
from gateway.reports.notices import Notifier
from gateway.rules.inbox_replies import leaves_at, refusal
from gateway.rules.message_parts import cheapest_parts
from gateway.tables import InboxEntry, InboxThread, Sender, Staff

MOST_PARTS = 6
MOST_NOTE = 500
HANDED_TO = ("admin", "organiser")

_threads, _entries, _senders, _staff = InboxThread.__table__, InboxEntry.__table__, Sender.__table__, Staff.__table__


class InboxRefused(Exception):
    """The act was not done; `reason` is a key of the wording, `who` a colleague who was quicker."""

    def __init__(self, reason: str, who: str = "") -> None:
        super().__init__(reason)
        self.reason, self.who = reason, who


def reply(
    connection: Connection,
    sender_id: int,
    words: str,
    by: str,
    now: datetime,
    notifier: Notifier,
    *,
    once: str,
    seen: int,
) -> datetime | None:
    """Put a reply in the outbox and return when it may leave (aware UTC); None if this form was sent before.

    :param once: the form's token: the same form twice is one reply
    :param seen: the newest entry that the writer saw; a colleague's reply after it refuses this one
    :raises InboxRefused: empty, too_long, unknown, stopped, no_number, dead, answered_meanwhile
    """
    words = "\n".join(line.rstrip() for line in words.strip().splitlines())
    if not words:
        raise InboxRefused("empty")
    if cheapest_parts(words).parts > MOST_PARTS:
        raise InboxRefused("too_long")
    sender, thread = hold(connection, sender_id)
    if already_done(connection, sender_id, once):
        return None
    if reason := refusal(sender.key, sender.consent, sender.number_state):
        raise InboxRefused(reason)
    quicker = connection.execute(
        select(_entries.c.by).where(_entries.c.sender_id == sender_id, _entries.c.kind == "reply", _entries.c.id > seen)
    ).scalar()
    if quicker is not None:
        raise InboxRefused("answered_meanwhile", quicker)
    leaves = leaves_at(now, sender.last_seen_at, notifier.hours, notifier.zone)
    text = NewText(
        kind="answer",
        sender_id=sender_id,
        number=sender.key,
        body=words,
        language=sender.language or notifier.default_language,
        wording="inbox",
        not_before=leaves,
    )
    outbound_id = enqueue_one(connection, text, notifier.routes, now)
    enter(connection, sender_id, "reply", by, now, once=once, outbound_id=outbound_id)
    set_state(connection, thread, ANSWERED)
    return leaves


def note(connection: Connection, sender_id: int, words: str, by: str, now: datetime, *, once: str) -> None:
    """Keep a note that only staff see.

    :raises InboxRefused: empty, unknown
    """
    words = " ".join(words.split())[:MOST_NOTE]
    if not words:
        raise InboxRefused("empty")
    hold(connection, sender_id)
    if not already_done(connection, sender_id, once):
        enter(connection, sender_id, "note", by, now, words, once=once)


def hand_over(
    connection: Connection,
    sender_id: int,
    to_id: int | None,
    by: str,
    now: datetime,
    *,
    expected: int | None,
    once: str,
    words: str = "",
) -> None:
    """Give a thread to a colleague, take it oneself, or give it back to all (`to_id` None).

    :param expected: whose it was on the page (a staff id, None: nobody's); somebody quicker refuses this
    :raises InboxRefused: unknown, no_colleague, taken_meanwhile
    """
    _, thread = hold(connection, sender_id)
    if already_done(connection, sender_id, once) or thread.assignee_id == to_id:
        return
    if thread.assignee_id != expected:
        raise InboxRefused("taken_meanwhile", _name(connection, thread.assignee_id))
    person = None
    if to_id is not None:
        person = connection.execute(_colleagues().where(_staff.c.id == to_id)).first()
        if person is None:
            raise InboxRefused("no_colleague")
    state = thread.state if thread.state == ANSWERED else OPEN
    connection.execute(update(_threads).where(_threads.c.sender_id == sender_id).values(assignee_id=to_id, state=state))
    said = f"{person.login if person else ''}: {' '.join(words.split())[:MOST_NOTE]}"
    enter(connection, sender_id, "handover", by, now, said, once=once)


def close(connection: Connection, sender_id: int, by: str, now: datetime, *, once: str, seen_text: int) -> None:
    """Close a thread; their next text that no command takes opens it again.

    :param seen_text: the newest text on the page; a newer one refuses this, so that no text is closed unread
    :raises InboxRefused: unknown, text_meanwhile
    """
    _, thread = hold(connection, sender_id)
    if already_done(connection, sender_id, once) or thread.state == CLOSED:
        return
    if thread.last_inbound_id > seen_text:
        raise InboxRefused("text_meanwhile")
    set_state(connection, thread, CLOSED)
    enter(connection, sender_id, "close", by, now, once=once)


def reopen(connection: Connection, sender_id: int, by: str, now: datetime, *, once: str) -> None:
    """Open a closed thread again.

    :raises InboxRefused: unknown
    """
    _, thread = hold(connection, sender_id)
    if not already_done(connection, sender_id, once) and thread.state in (CLOSED, ANSWERED):
        set_state(connection, thread, OPEN)
        enter(connection, sender_id, "open", by, now, once=once)


def colleagues(connection: Connection) -> Sequence[tuple[int, str]]:
    """Return id and name of everyone whom a thread can be handed to."""
    return [(row.id, row.name or row.login) for row in connection.execute(_colleagues())]


def _colleagues() -> Any:
    return (
        select(_staff.c.id, _staff.c.login, _staff.c.name)
        .where(_staff.c.active, _staff.c.role.in_(HANDED_TO))
        .order_by(func.lower(_staff.c.name), _staff.c.login)
    )


def hold(connection: Connection, sender_id: int) -> tuple[Any, Any]:
    """Return the rows of a sender and their thread, held until the commit.

    :raises InboxRefused: unknown
    """
    sender = connection.execute(
        select(
            _senders.c.key, _senders.c.consent, _senders.c.number_state, _senders.c.language, _senders.c.last_seen_at
        )
        .where(_senders.c.id == sender_id)
        .with_for_update()
    ).first()
    thread = connection.execute(select(_threads).where(_threads.c.sender_id == sender_id).with_for_update()).first()
    if sender is None or thread is None:
        raise InboxRefused("unknown")
    return sender, thread


def already_done(connection: Connection, sender_id: int, once: str) -> bool:
    """Whether this very form was sent before; ask while the thread is held."""
    same = select(_entries.c.id).where(_entries.c.sender_id == sender_id, _entries.c.once == once)
    return connection.execute(same).first() is not None


def enter(
    connection: Connection,
    sender_id: int,
    kind: str,
    by: str,
    now: datetime,
    words: str = "",
    *,
    once: str,
    outbound_id: int | None = None,
) -> None:
    """Append what somebody did to a held thread."""
    row = {"sender_id": sender_id, "kind": kind, "by": by[:60], "text": words, "once": once, "at": now}
    connection.execute(insert(_entries), row | {"outbound_id": outbound_id})


def set_state(connection: Connection, thread: Any, state: str) -> None:
    """Write the state of a held thread."""
    connection.execute(update(_threads).where(_threads.c.sender_id == thread.sender_id).values(state=state))


def _name(connection: Connection, staff_id: int | None) -> str:
    row = connection.execute(select(_staff.c.name, _staff.c.login).where(_staff.c.id == staff_id)).first()
    return (row.name or row.login) if row else ""
