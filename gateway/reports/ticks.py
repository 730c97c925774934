"""What happens to reports by itself. Each is one short transaction, safe to run in any number of processes at once:
a step that has been taken stands in `report_steps`, whose key lets nobody take it again."""

from datetime import datetime

from sqlalchemy import Engine, select
from sqlalchemy.sql import func

from gateway.database import writing
from gateway.reports.clusters import propose_clusters
from gateway.reports.commands import said
from gateway.reports.field import clipped
from gateway.reports.moves import add_entry, move_row, sorting_of
from gateway.reports.notices import Notifier
from gateway.reports.paging import page_rest, take_step
from gateway.reports.staff import read_staff
from gateway.reports.trends import find_trends
from gateway.rules.conversation import Reply
from gateway.rules.report_escalation import CLOSE_AFTER, SOONEST, due_steps
from gateway.rules.report_life import CLOSED, OPEN, RESOLVED
from gateway.rules.report_staff import propose
from gateway.tables import Report, ReportEntry

_reports, _entries = Report.__table__, ReportEntry.__table__
_AT_ONCE = 500


def run_all(engine: Engine, notifier: Notifier, now: datetime) -> None:
    """Everything that the clock does to reports, `now` being aware UTC."""
    with writing(engine) as connection:
        page_rest(connection, now, notifier)
    propose_clusters(engine, now)
    escalate(engine, notifier, now)
    close_silent(engine, notifier, now)
    find_trends(engine, now)


def escalate(engine: Engine, notifier: Notifier, now: datetime) -> int:
    """Tell the next higher of our people about reports that wait too long; returns how many steps were taken."""
    last_reopened = (
        select(func.max(_entries.c.at))
        .where(_entries.c.report_id == _reports.c.id, _entries.c.state == "reopened")
        .scalar_subquery()
    )
    late = (
        select(_reports, last_reopened.label("reopened_at"))
        .where(_reports.c.state.in_(OPEN), _reports.c.urgency >= 1, _reports.c.opened_at <= now - SOONEST)
        .order_by(_reports.c.urgency.desc(), _reports.c.opened_at)
        .limit(_AT_ONCE)
    )
    taken = 0
    with writing(engine) as connection:
        staff = list(read_staff(connection, loads=True).values())
        for row in connection.execute(late).all():
            since = row.reopened_at or row.opened_at
            due = due_steps(row.state, row.urgency, since, row.updated_at, now)
            fresh = [step for step in due if take_step(connection, row.id, row.cycle, step.name, now)]
            if not fresh:
                continue
            sorting = sorting_of(row)
            minutes = str(int((now - since).total_seconds() // 60))
            values = {"what": said(sorting), "ref": row.ref, "text": clipped(row.text), "minutes": minutes}
            for step in fresh:
                people = [one for one in staff if one.role == step.role]
                if step.role == "field":
                    people = [one.person for one in propose(sorting, staff)][:3]
                notifier.tell_staff(connection, people, Reply("field_late", values), now, urgent=sorting.pages)
                names = ", ".join(one.login for one in people) or "nobody"
                add_entry(connection, row.id, "page", "clock", now, text=f"{step.name}: {names}")
                taken += 1
    return taken


def close_silent(engine: Engine, notifier: Notifier, now: datetime) -> int:
    """Close what is solved and was not answered in time; returns how many."""
    old = (
        select(_reports)
        .where(_reports.c.state == RESOLVED, _reports.c.updated_at <= now - CLOSE_AFTER)
        .order_by(_reports.c.updated_at)
        .limit(_AT_ONCE)
        .with_for_update(skip_locked=True)
    )
    with writing(engine) as connection:
        rows = connection.execute(old).all()
        for row in rows:
            move_row(connection, row, CLOSED, "clock", "no answer", now, notifier)
    return len(rows)
