"""The one way a report changes: the row is held, the move is checked, the timeline gets a line, people are told."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from gateway.hooks.events import NewEvent, emit
from gateway.reports.commands import said
from gateway.reports.field import clipped
from gateway.reports.notices import Notifier
from gateway.reports.staff import read_staff
from gateway.rules.conversation import Reply, Value, Word
from gateway.rules.report_life import (
    ACKNOWLEDGED,
    CLOSED,
    DUPLICATE,
    IN_HAND,
    REOPENED,
    RESOLVED,
    WAITING,
    MoveRefused,
    check_move,
)
from gateway.rules.report_talk import Sorting
from gateway.tables import Report, ReportEntry, Staff

_reports, _entries = Report.__table__, ReportEntry.__table__
_TOLD = {RESOLVED: "report.resolved", REOPENED: "report.reopened"}
"""Moves that others are told of by webhook."""


class UnknownReport(LookupError):
    """No report has this ref."""


def hold(connection: Connection, ref: str, event_key: str | None = None) -> Row[Any]:
    """Return a report's row, held until the commit; without an event the newest of that ref.

    :raises UnknownReport: there is none
    """
    wanted = select(_reports).where(_reports.c.ref == ref).order_by(_reports.c.id.desc()).limit(1).with_for_update()
    if event_key is not None:
        wanted = wanted.where(_reports.c.event_key == event_key)
    row = connection.execute(wanted).first()
    if row is None:
        raise UnknownReport(f"There is no report {ref}.")
    return row


def seen_as(row: Any) -> str:
    """Return how a report stands, for a form that was filled in while somebody else may have moved it."""
    return f"{row.state}.{row.assignee_id or 0}.{row.cycle}"


def sorting_of(row: Any) -> Sorting:
    """Return what a row says the report is about."""
    pages = row.category in ("medical", "crush") and row.kind != "praise"
    return Sorting(
        row.category, row.kind, row.urgency, tuple(row.because or ()), row.place, row.place_key, row.lat, row.lon, pages
    )


def add_entry(
    connection: Connection,
    report_id: int,
    kind: str,
    by: str,
    now: datetime,
    *,
    text: str = "",
    state: str | None = None,
    inbound_id: int | None = None,
) -> None:
    """Append a line to a timeline."""
    row = {"report_id": report_id, "kind": kind, "by": by[:60], "text": text, "state": state, "at": now}
    connection.execute(insert(_entries), row | {"inbound_id": inbound_id})


def add_entries(connection: Connection, lines: Sequence[tuple[int, str]], kind: str, by: str, now: datetime) -> None:
    """Append a line to each of several timelines, given as (report id, text)."""
    row = {"kind": kind, "by": by[:60], "state": None, "at": now, "inbound_id": None}
    connection.execute(insert(_entries), [row | {"report_id": report, "text": text} for report, text in lines])


def move_row(
    connection: Connection,
    row: Row[Any],
    to: str,
    by: str,
    note: str,
    now: datetime,
    notifier: Notifier,
    *,
    assignee_id: int | None = None,
    inbound_id: int | None = None,
) -> None:
    """Move a held report. `by` is "reporter", "clock" or a login; `assignee_id` is whose it is afterwards.

    The reporter is told once when somebody takes it on, and asked once when it is solved; so are the reporters of its
    duplicates.

    :raises MoveRefused: the table of moves does not have it
    """
    check_move(row.state, to)
    if to in IN_HAND and assignee_id is None:
        raise MoveRefused(f"A report that is {to} needs somebody who sees to it.", "needs_somebody")
    values: dict[str, Any] = {"state": to, "updated_at": now}
    if to in IN_HAND:
        values["assignee_id"] = assignee_id
    elif to in (ACKNOWLEDGED, REOPENED):
        values["assignee_id"] = None
    if to == REOPENED:
        values |= {"cycle": row.cycle + 1, "parent_id": None}
    connection.execute(update(_reports).where(_reports.c.id == row.id).values(values))
    add_entry(connection, row.id, "move", by, now, text=note, state=to, inbound_id=inbound_id)
    if to in _TOLD:
        emit(connection, [NewEvent(_TOLD[to], row.id)], now)
    if to in IN_HAND and row.state in WAITING:
        _tell_assigned(connection, row, assignee_id, now, notifier)
    elif to == RESOLVED:
        _ask_whether_fixed(connection, row, note, now, notifier)


def _tell_assigned(
    connection: Connection, row: Row[Any], assignee_id: int | None, now: datetime, notifier: Notifier
) -> None:
    person = connection.execute(select(Staff.name).where(Staff.id == assignee_id)).scalar() or ""
    # A first name is enough to look out for somebody, and says no more than that.
    name: Value = person.split()[0] if person.split() else Word("somebody")
    tell_all(connection, row, Reply("report_assigned", {"ref": row.ref, "name": name}), now, notifier)


def _ask_whether_fixed(connection: Connection, row: Row[Any], note: str, now: datetime, notifier: Notifier) -> None:
    values = {"ref": row.ref, "note": clipped(note, 60).rstrip(".")}
    wording = "report_resolved_note" if note else "report_resolved"
    tell_all(connection, row, Reply(wording, values if note else {"ref": row.ref}), now, notifier)


def tell_all(connection: Connection, row: Row[Any], reply: Reply, now: datetime, notifier: Notifier) -> int:
    """Tell the reporter and those of the duplicates, each phone once and by its own ref; returns how many phones."""
    duplicates = select(_reports.c.sender_id, _reports.c.ref, _reports.c.language).where(
        _reports.c.parent_id == row.id, _reports.c.state == DUPLICATE
    )
    told = {row.sender_id: (row.ref, row.language)}
    for other in connection.execute(duplicates.order_by(_reports.c.id)):
        told.setdefault(other.sender_id, (other.ref, other.language))
    urgent = sorting_of(row).pages
    return sum(
        notifier.tell_reporter(
            connection, sender_id, Reply(reply.wording, {**reply.values, "ref": ref}), now, urgent=urgent, language=lang
        )
        for sender_id, (ref, lang) in told.items()
    )


def answer_fixed(
    connection: Connection,
    row: Row[Any],
    fixed: bool,
    text: str,
    now: datetime,
    notifier: Notifier,
    inbound_id: int | None = None,
) -> None:
    """Carry out the reporter's YES or NO. A duplicate's NO opens its parent; its YES is only noted."""
    if row.state == DUPLICATE and row.parent_id:
        add_entry(connection, row.id, "more", "reporter", now, text=text, inbound_id=inbound_id)
        parent = connection.execute(select(_reports).where(_reports.c.id == row.parent_id).with_for_update()).one()
        if not fixed and parent.state in (RESOLVED, CLOSED):
            move_row(connection, parent, REOPENED, "reporter", f"{row.ref}: {text}", now, notifier)
        return
    if row.state == RESOLVED or (row.state == CLOSED and not fixed):
        to = CLOSED if fixed else REOPENED
        move_row(connection, row, to, "reporter", text, now, notifier, inbound_id=inbound_id)
    else:
        add_entry(connection, row.id, "more", "reporter", now, text=text, inbound_id=inbound_id)


def assign_row(
    connection: Connection,
    row: Row[Any],
    staff_id: int,
    by: str,
    to: str,
    now: datetime,
    notifier: Notifier,
    note: str = "",
) -> None:
    """Give a held report to one of the staff (`to` is assigned or in_progress) and text them unless they took it.

    :raises MoveRefused: the move is not allowed, or there is no such person
    """
    person = read_staff(connection).get(staff_id)
    if person is None:
        raise MoveRefused("There is no such person on the staff.", "no_staff", name="")
    move_row(connection, row, to, by, note, now, notifier, assignee_id=staff_id)
    if person.login != by:
        sorting = sorting_of(row)
        values = {"what": said(sorting), "ref": row.ref, "text": clipped(row.text)}
        notifier.tell_staff(connection, [person], Reply("field_given", values), now, urgent=sorting.pages)
