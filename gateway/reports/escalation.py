"""Tell the next higher of our people about reports that wait too long.

A step that has been taken stands in `report_steps`, whose key lets nobody take it again. Who would get many texts at
once gets one with a list: nobody reads forty one by one, and the worst of them would be lost among the rest.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, case, select, text

from gateway.database import reading, stand_back, writing
from gateway.reports.commands import said
from gateway.reports.field import clipped
from gateway.reports.moves import add_entries, sorting_of
from gateway.reports.notices import Notifier
from gateway.reports.paging import some_refs, take_steps
from gateway.reports.staff import read_staff
from gateway.rules.conversation import Reply
from gateway.rules.report_escalation import IN_HAND_STEPS, WAITING_STEPS, Step
from gateway.rules.report_life import IN_HAND, WAITING
from gateway.rules.report_staff import StaffMember, propose
from gateway.tables import Report, ReportStep
from gateway.tables.reports import OPEN_REPORTS

_reports, _steps = Report.__table__, ReportStep.__table__
_STEPS = ((WAITING_STEPS, WAITING), (IN_HAND_STEPS, IN_HAND))
_AT_ONCE = 200
_IN_ONE = 50
"""Steps in one transaction: the texts that arrive meanwhile wait no longer than these take."""
ONE_BY_ONE = 3
"""More late reports than this in one transaction are told to a person as one list."""
_FIELD_STAFF = 3

Due = Sequence[tuple[Any, Step]]
"""Rows of `reports`, with `since` when each waits, and the step that is due for it."""


def escalate(engine: Engine, notifier: Notifier, now: datetime) -> int:
    """Take every step that is due by `now` (aware UTC) and return how many were taken.

    What is due is looked for without holding anything up; only the steps themselves are written.
    """
    with reading(engine) as connection:
        due = [found for table, states in _STEPS for found in find_due(connection, table, states, now)]
    taken = 0
    for start in range(0, len(due), _IN_ONE):
        with writing(engine) as connection:
            taken += len(take_due(connection, due[start : start + _IN_ONE], notifier, now))
        stand_back(engine)
    return taken


def find_due(connection: Connection, table: Mapping[int, Sequence[Step]], states: frozenset[str], now: datetime) -> Due:
    """Return what is due of a table of steps, the most urgent and oldest first."""
    in_hand = states is IN_HAND
    since = (
        _reports.c.updated_at
        if in_hand
        else case((_reports.c.cycle > 0, _reports.c.updated_at), else_=_reports.c.opened_at)
    )
    found: list[tuple[Any, Step]] = []
    for urgency, steps in sorted(table.items(), reverse=True):
        for step in steps:
            taken = select(_steps.c.report_id).where(
                _steps.c.report_id == _reports.c.id, _steps.c.cycle == _reports.c.cycle, _steps.c.step == step.name
            )
            late = now - step.after
            wanted = select(_reports, since.label("since")).where(
                text(OPEN_REPORTS),
                _reports.c.urgency == urgency,
                _reports.c.opened_at <= late,  # says less than the next, and an index holds it
                since <= late,
                _reports.c.state.in_(states),
                ~taken.exists(),
            )
            found += [(row, step) for row in connection.execute(wanted.order_by(_reports.c.opened_at).limit(_AT_ONCE))]
    return found


def take_due(connection: Connection, due: Due, notifier: Notifier, now: datetime) -> Due:
    """Take the steps that nobody has taken, of reports that have not moved since we looked; returns these."""
    held = select(_reports.c.id, _reports.c.state, _reports.c.cycle).where(
        _reports.c.id.in_({row.id for row, _ in due})
    )
    standing = {tuple(row) for row in connection.execute(held.order_by(_reports.c.id).with_for_update())}
    due = [(row, step) for row, step in due if (row.id, row.state, row.cycle) in standing]
    fresh = take_steps(connection, [(row, step.name) for row, step in due], now)
    due = [(row, step) for row, step in due if (row.id, step.name) in fresh]
    if not due:
        return []
    staff = list(read_staff(connection, loads=True).values())
    called = [_called(row, step, staff) for row, step in due]
    _tell(connection, due, called, notifier, now)
    lines = [
        (row.id, f"{step.name}: {', '.join(one.login for one in people) or 'nobody'}")
        for (row, step), people in zip(due, called, strict=True)
    ]
    add_entries(connection, lines, "page", "clock", now)
    return due


def _called(row: Any, step: Step, staff: Sequence[StaffMember]) -> Sequence[StaffMember]:
    """Return whom a step tells: who has no phone or has texted STOP takes nobody else's place."""
    staff = [one for one in staff if one.reached]
    if step.role == "field":
        return [one.person for one in propose(sorting_of(row), staff)][:_FIELD_STAFF]
    return [one for one in staff if one.role == step.role]


def _tell(
    connection: Connection, due: Due, called: Sequence[Sequence[StaffMember]], notifier: Notifier, now: datetime
) -> None:
    often = Counter(person for people in called for person in people)
    for (row, _step), people in zip(due, called, strict=True):
        sorting = sorting_of(row)
        minutes = str(int((now - row.since).total_seconds() // 60))
        values = {"what": said(sorting), "ref": row.ref, "text": clipped(row.text), "minutes": minutes}
        few = [person for person in people if often[person] <= ONE_BY_ONE]
        notifier.tell_staff(connection, few, Reply("field_late", values), now, urgent=sorting.pages)
    for person, number in often.items():
        if number > ONE_BY_ONE:
            late = [row for (row, _), people in zip(due, called, strict=True) if person in people]
            reply = Reply("field_late_many", {"count": str(number), "refs": some_refs(late)})
            notifier.tell_staff(connection, [person], reply, now, urgent=any(sorting_of(row).pages for row in late))
