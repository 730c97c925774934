"""What staff see and do on screen and by command line: the queue, one report's story, and every change to it.

Each change takes the caller's writing transaction, who did it (a login) and `now` (aware UTC), and raises MoveRefused
with a sentence, or UnknownReport.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, select, update

from gateway.reports.clusters import merge, refuse, split
from gateway.reports.listing import Filters, counts, queue
from gateway.reports.moves import UnknownReport, add_entry, assign_row, hold, move_row, seen_as, tell_all
from gateway.reports.notices import Notifier
from gateway.reports.staff import read_staff
from gateway.reports.story import story
from gateway.reports.triage import CATEGORIES, KINDS
from gateway.rules.conversation import Reply
from gateway.rules.report_life import ASSIGNED, IN_HAND, IN_PROGRESS, MoveRefused
from gateway.tables import Report, ReportEntry, Sender, Staff

__all__ = [
    "Filters", "UnknownReport", "assign", "confusion", "correct", "counts", "hold_seen", "merge", "move", "note",
    "queue", "refuse", "reply", "split", "story", "take", "worded_reply",
]  # fmt: skip

_reports, _entries = Report.__table__, ReportEntry.__table__
MOST_REPLY = 300


def hold_seen(
    connection: Connection,
    ref: str,
    event_key: str | None = None,
    within: Sequence[ColumnElement[bool]] = (),
    seen: str = "",
) -> Row[Any]:
    """Hold a report for what somebody does who has looked at it: nobody changes it before the caller commits.

    :param within: conditions on `reports`, such as the areas of who asks
    :param seen: `seen_as` of what they looked at; empty if that does not matter
    :raises UnknownReport: there is none, or not within these conditions
    :raises MoveRefused: it has moved since they looked; says who has it
    """
    row = hold(connection, ref, event_key)
    if within and connection.execute(select(_reports.c.id).where(_reports.c.id == row.id, *within)).first() is None:
        raise UnknownReport(f"There is no report {ref}.")
    if seen and seen != seen_as(row):
        _refuse_as_moved(connection, row)
    return row


def _refuse_as_moved(connection: Connection, row: Row[Any]) -> None:
    person = connection.execute(select(Staff.name, Staff.login).where(Staff.id == row.assignee_id)).first()
    if person and row.state in IN_HAND:
        name = person.name or person.login
        raise MoveRefused(f"{name} has {row.ref} in hand by now.", "held", name=name, ref=row.ref)
    raise MoveRefused(f"{row.ref} has become {row.state} meanwhile.", "meanwhile", ref=row.ref, state=row.state)


def take(
    connection: Connection, ref: str, login: str, now: datetime, notifier: Notifier, event_key: str | None = None
) -> None:
    """Take a report into one's own hands. Of two who take it at once one has it, the other is told who.

    :raises MoveRefused: somebody else has it, or it is no longer to be done
    """
    row = hold(connection, ref, event_key)
    me = next((one for one in read_staff(connection).values() if one.login == login), None)
    if me is None:
        raise MoveRefused(f"There is no staff login {login!r}.", "no_staff", name=login)
    if row.state in IN_HAND and row.assignee_id != me.id:
        _refuse_as_moved(connection, row)
    if row.state == IN_PROGRESS:
        return
    assign_row(connection, row, me.id, login, IN_PROGRESS, now, notifier)


def move(
    connection: Connection,
    ref: str,
    to: str,
    by: str,
    note: str,
    now: datetime,
    notifier: Notifier,
    event_key: str | None = None,
) -> None:
    """Move a report; one that is in hand stays with whose it is. To give it to somebody, `assign`."""
    row = hold(connection, ref, event_key)
    if to == "duplicate":
        raise MoveRefused("Say of which report it is the duplicate: merge it.", "merge_it")
    move_row(connection, row, to, by, note, now, notifier, assignee_id=row.assignee_id if to in IN_HAND else None)


def assign(
    connection: Connection,
    ref: str,
    login: str,
    by: str,
    now: datetime,
    notifier: Notifier,
    event_key: str | None = None,
) -> None:
    """Give a report to one of the staff, who is texted; the reporter is told."""
    found = [one for one in read_staff(connection).values() if one.login == login]
    if not found:
        raise MoveRefused(f"There is no staff login {login!r}.", "no_staff", name=login)
    assign_row(connection, hold(connection, ref, event_key), found[0].id, by, ASSIGNED, now, notifier)


def reply(
    connection: Connection,
    ref: str,
    text: str,
    by: str,
    now: datetime,
    notifier: Notifier,
    event_key: str | None = None,
) -> int:
    """Text the reporter, and those of its duplicates, in the staff's own words; returns how many phones.

    :raises MoveRefused: an empty or too long text
    """
    text = " ".join(text.split())
    if not text or len(text) > MOST_REPLY:
        raise MoveRefused(f"A reply has 1 to {MOST_REPLY} letters.", "reply_length", most=MOST_REPLY)
    row = hold(connection, ref, event_key)
    add_entry(connection, row.id, "reply", by, now, text=text)
    return tell_all(connection, row, Reply("report_answer", {"ref": row.ref, "note": text}), now, notifier)


def worded_reply(connection: Connection, report_id: int, text: str, notifier: Notifier) -> str:
    """Return what a reply would look like on the reporter's phone, to count its parts by."""
    row = connection.execute(
        select(_reports.c.ref, _reports.c.language, Sender.language.label("theirs"))
        .join_from(_reports, Sender.__table__, Sender.id == _reports.c.sender_id)
        .where(_reports.c.id == report_id)
    ).one()
    worded = Reply("report_answer", {"ref": row.ref, "note": " ".join(text.split())})
    return notifier.catalogue.render(worded, row.theirs or row.language or notifier.default_language)


def note(connection: Connection, ref: str, text: str, by: str, now: datetime, event_key: str | None = None) -> None:
    """Append a note that only staff see."""
    add_entry(connection, hold(connection, ref, event_key).id, "note", by, now, text=text)


def correct(
    connection: Connection, ref: str, by: str, now: datetime, event_key: str | None = None, **changed: Any
) -> None:
    """Put `category`, `kind`, `urgency` or `place` right; the timeline keeps what it was.

    :raises MoveRefused: a value that is none
    """
    known: dict[str, Sequence[Any]] = {"category": CATEGORIES, "kind": KINDS, "urgency": (0, 1, 2, 3)}
    row = hold(connection, ref, event_key)
    changed = {name: value for name, value in changed.items() if value is not None and value != getattr(row, name)}
    for name, value in changed.items():
        if name in known and value not in known[name]:
            there = ", ".join(map(str, known[name]))
            raise MoveRefused(f"There is no {name} {value!r}; there are {there}.", "no_such", what=str(value)[:40])
        add_entry(connection, row.id, "correction", by, now, text=f"{name}: {getattr(row, name)} -> {value}")
    if "place" in changed:
        changed["place_key"] = f"spot:{changed['place'].lower()}"[:140] if changed["place"] else ""
    if changed:
        connection.execute(update(_reports).where(_reports.c.id == row.id).values(changed))


def confusion(connection: Connection, field: str = "category") -> dict[str, Any]:
    """Return the table of what triage said against what staff left it at, over reports that staff have dealt with.

    `table[judged][staff]` counts reports; `right` is the share on the diagonal, None if there are none yet.

    :raises ValueError: a field that is not judged
    """
    labels: dict[str, Sequence[str]] = {"category": CATEGORIES, "kind": KINDS, "urgency": ("0", "1", "2", "3")}
    if field not in labels:
        raise ValueError(f"There is no field {field!r}; there are {', '.join(labels)}.")
    touched = (
        select(_entries.c.id)
        .where(_entries.c.report_id == _reports.c.id, _entries.c.by.not_in(("reporter", "clock", "")))
        .exists()
    )
    table = {one: dict.fromkeys(labels[field], 0) for one in labels[field]}
    rows = connection.execute(select(_reports.c.judged, _reports.c[field]).where(touched, _reports.c.text != ""))
    for judged, staff in rows:
        if judged and str(judged.get(field)) in table:
            table[str(judged[field])][str(staff)] += 1
    whole = sum(sum(row.values()) for row in table.values())
    right = sum(table[one][one] for one in table)
    return {"field": field, "reports": whole, "right": round(right / whole, 3) if whole else None, "table": table}
