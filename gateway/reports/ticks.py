"""What happens to reports by itself. Each is made of short transactions, safe to run in any number of processes at
once: what one has done, the next one finds done."""

from datetime import datetime

from sqlalchemy import Engine, select

from gateway.database import reading, writing
from gateway.reports.clusters import propose_clusters
from gateway.reports.escalation import escalate
from gateway.reports.moves import move_row
from gateway.reports.notices import Notifier
from gateway.reports.paging import page_rest
from gateway.rules.report_escalation import CLOSE_AFTER
from gateway.rules.report_life import CLOSED, RESOLVED
from gateway.tables import Report

_reports = Report.__table__
_AT_ONCE = 100


def run_all(engine: Engine, notifier: Notifier, now: datetime) -> None:
    """Everything that the clock does to reports every few seconds, `now` being aware UTC."""
    page_rest(engine, now, notifier)
    propose_clusters(engine, now)
    escalate(engine, notifier, now)
    close_silent(engine, notifier, now)


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
