"""What happens to reports by itself. Each is one short transaction, safe to run in any number of processes at once:
a step that has been taken stands in `report_steps`, whose key lets nobody take it again."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, case, select

from gateway.database import reading, writing
from gateway.reports.clusters import propose_clusters
from gateway.reports.commands import said
from gateway.reports.field import clipped
from gateway.reports.moves import add_entry, move_row, sorting_of
from gateway.reports.notices import Notifier
from gateway.reports.paging import page_rest, take_step
from gateway.reports.staff import read_staff
from gateway.rules.conversation import Reply
from gateway.rules.report_escalation import CLOSE_AFTER, IN_HAND_STEPS, WAITING_STEPS, Step
from gateway.rules.report_life import CLOSED, IN_HAND, RESOLVED, WAITING
from gateway.rules.report_staff import StaffMember, propose
from gateway.tables import Report, ReportStep

_reports, _steps = Report.__table__, ReportStep.__table__
_STEPS = ((WAITING_STEPS, WAITING), (IN_HAND_STEPS, IN_HAND))
_AT_ONCE = 200
_IN_ONE = 25
"""Steps in one transaction: the texts that arrive meanwhile wait no longer than these take."""


def run_all(engine: Engine, notifier: Notifier, now: datetime) -> None:
    """Everything that the clock does to reports every few seconds, `now` being aware UTC."""
    page_rest(engine, now, notifier)
    propose_clusters(engine, now)
    escalate(engine, notifier, now)
    close_silent(engine, notifier, now)


def escalate(engine: Engine, notifier: Notifier, now: datetime) -> int:
    """Tell the next higher of our people about reports that wait too long; returns how many steps were taken.

    What is due is looked for without holding anything up; only the steps themselves are written.
    """
    with reading(engine) as connection:
        due = [found for table, states in _STEPS for found in _due(connection, table, states, now)]
    taken = 0
    for start in range(0, len(due), _IN_ONE):
        with writing(engine) as connection:
            staff = list(read_staff(connection, loads=True).values())
            taken += sum(
                _take(connection, row, step, staff, now, notifier) for row, step in due[start : start + _IN_ONE]
            )
    return taken


def _due(
    connection: Connection, table: Mapping[int, Sequence[Step]], states: frozenset[str], now: datetime
) -> list[tuple[Any, Step]]:
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
            wanted = select(_reports, since.label("since")).where(
                _reports.c.state.in_(states), _reports.c.urgency == urgency, since <= now - step.after, ~taken.exists()
            )
            found += [(row, step) for row in connection.execute(wanted.order_by(_reports.c.opened_at).limit(_AT_ONCE))]
    return found


def _take(
    connection: Connection, row: Any, step: Step, staff: Sequence[StaffMember], now: datetime, notifier: Notifier
) -> bool:
    """Take one step, unless somebody else has, or the report has moved since we looked."""
    held = select(_reports.c.id).where(
        _reports.c.id == row.id, _reports.c.state == row.state, _reports.c.cycle == row.cycle
    )
    if connection.execute(held.with_for_update()).first() is None:
        return False
    if not take_step(connection, row.id, row.cycle, step.name, now):
        return False
    sorting = sorting_of(row)
    people = [one for one in staff if one.role == step.role]
    if step.role == "field":
        people = [one.person for one in propose(sorting, staff)][:3]
    minutes = str(int((now - row.since).total_seconds() // 60))
    values = {"what": said(sorting), "ref": row.ref, "text": clipped(row.text), "minutes": minutes}
    notifier.tell_staff(connection, people, Reply("field_late", values), now, urgent=sorting.pages)
    names = ", ".join(one.login for one in people) or "nobody"
    add_entry(connection, row.id, "page", "clock", now, text=f"{step.name}: {names}")
    return True


def close_silent(engine: Engine, notifier: Notifier, now: datetime) -> int:
    """Close what is solved and was not answered in time; returns how many."""
    old = select(_reports).where(_reports.c.state == RESOLVED, _reports.c.updated_at <= now - CLOSE_AFTER)
    old = old.order_by(_reports.c.updated_at).limit(_AT_ONCE)
    with reading(engine) as connection:
        if connection.execute(old.limit(1)).first() is None:
            return 0
    with writing(engine) as connection:
        rows = connection.execute(old.with_for_update(skip_locked=True)).all()
        for row in rows:
            move_row(connection, row, CLOSED, "clock", "no answer", now, notifier)
    return len(rows)
