"""How many reports are open, by urgency, and how long the oldest of each waits."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, case, func, literal_column, select

from gateway.rules.report_life import OPEN, WAITING
from gateway.tables import Report

_reports = Report.__table__
# Spelled out and not bound, in the order of the index, so that PostgreSQL knows that the partial index serves.
_ORDER = ("received", "acknowledged", "assigned", "in_progress", "reopened")
assert set(_ORDER) == OPEN
_IS_OPEN = _reports.c.state.in_([literal_column(f"'{state}'") for state in _ORDER])


@dataclass(frozen=True, slots=True)
class OpenReports:
    """Open reports of one urgency (3 emergency to 0 low); `waiting` of them are nobody's yet."""

    urgency: int
    reports: int
    waiting: int
    oldest_at: datetime | None


def open_by_urgency(connection: Connection, which: ColumnElement[bool] | None = None) -> list[OpenReports]:
    """Return the four urgencies, emergencies first, also those without a report.

    :param which: a condition on `reports`
    """
    nobodys = func.sum(case((_reports.c.state.in_(sorted(WAITING)), 1), else_=0)).label("waiting")
    counted = select(
        _reports.c.urgency, func.count().label("reports"), nobodys, func.min(_reports.c.opened_at).label("oldest_at")
    ).where(_IS_OPEN)
    if which is not None:
        counted = counted.where(which)
    rows = {row.urgency: row for row in connection.execute(counted.group_by(_reports.c.urgency))}
    return [
        OpenReports(urgency, row.reports, int(row.waiting), row.oldest_at)
        if (row := rows.get(urgency))
        else OpenReports(urgency, 0, 0, None)
        for urgency in (3, 2, 1, 0)
    ]
