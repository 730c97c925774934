"""Read what texts about reports need: the senders' own reports of late, and the board of field staff."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, case, func, select

from gateway.bulk import among, values
from gateway.pipeline import Pipeline
from gateway.reports.commands import ReportState
from gateway.reports.field import FieldBoard, FieldReport
from gateway.reports.moves import sorting_of
from gateway.reports.staff import read_staff
from gateway.rules.report_life import IN_HAND, WAITING
from gateway.rules.report_talk import ANSWER_WITHIN, RecentReport
from gateway.tables import InboundText, Report

ABOUT_REPORTS = frozenset({None, "REPORT", "STATUS", "YES", "NO"})
"""Commands for which the sender's own reports are read; None is a text that is no command."""
_LOOKS_BACK = timedelta(days=3)
_WAITING_READ = 200

_reports, _inbound = Report.__table__, InboundText.__table__
_parents = _reports.alias("parents")
_state = case((_reports.c.state == "duplicate", func.coalesce(_parents.c.state, "duplicate")), else_=_reports.c.state)
_updated = case((_reports.c.state == "duplicate", func.coalesce(_parents.c.updated_at, _reports.c.updated_at)),
                else_=_reports.c.updated_at)  # fmt: skip
_joined = _reports.outerjoin(_parents, _parents.c.id == _reports.c.parent_id)
# Without the event: a planner that knows no figures yet would read all reports of the event for a few people's own.
_OWN = (
    select(_reports, _state.label("shown_state"), _updated.label("shown_updated_at"))
    .select_from(_joined)
    .where(among(_reports.c.sender_id, "senders"), _reports.c.opened_at > bindparam("since"))
    .order_by(_reports.c.id.desc())
)
_STATES = (
    select(_reports.c.ref, _state.label("state"), _updated.label("updated_at"))
    .select_from(_joined)
    .where(_reports.c.event_key == bindparam("event"), among(_reports.c.ref, "refs"))
)
_ASKED = (
    select(_inbound.c.sender_id, func.count())
    .where(
        among(_inbound.c.sender_id, "senders"),
        _inbound.c.received_at > bindparam("since"),
        _inbound.c.command == "STATUS",
    )
    .group_by(_inbound.c.sender_id)
)


def own_reports(
    pipeline: Pipeline, sender_ids: Iterable[int], event_key: str, now: datetime
) -> Callable[[], Mapping[int, tuple[RecentReport, ...]]]:
    """Ask for each sender's own reports of the last days, newest first; they come when they are called for."""
    asked = {"senders": values(sorted(set(sender_ids))), "since": now - max(_LOOKS_BACK, ANSWER_WITHIN)}
    found = pipeline.run(_OWN, asked)
    return lambda: _by_sender(found.all(), event_key)


def _by_sender(rows: Iterable[Any], event_key: str) -> Mapping[int, tuple[RecentReport, ...]]:
    found: dict[int, list[RecentReport]] = defaultdict(list)
    for row in rows:
        if row.event_key != event_key:
            continue
        found[row.sender_id].append(
            RecentReport(
                ref=row.ref,
                state=row.shown_state,
                sorting=sorting_of(row),
                opened_at=row.opened_at,
                last_text_at=row.last_text_at or row.opened_at,
                updated_at=row.shown_updated_at,
                empty=not row.text and not row.media,
            )
        )
    return {sender: tuple(mine) for sender, mine in found.items()}


def states_of(pipeline: Pipeline, refs: Iterable[str], event_key: str) -> Callable[[], Mapping[str, ReportState]]:
    """Ask for the public states of refs; they come when they are called for."""
    found = pipeline.run(_STATES, {"event": event_key, "refs": values(refs)})
    return lambda: {row.ref: ReportState(row.ref, row.state, row.updated_at) for row in found.all()}


def status_asked(pipeline: Pipeline, sender_ids: Iterable[int], now: datetime) -> Callable[[], Mapping[int, int]]:
    """Ask how many texts that asked for a report each sender sent in the last hour; it comes when it is called for."""
    found = pipeline.run(_ASKED, {"senders": values(sorted(set(sender_ids))), "since": now - timedelta(hours=1)})
    return lambda: {row[0]: row[1] for row in found.all()}


def read_board(connection: Connection, refs: Iterable[str], staff_ids: Iterable[int], event_key: str) -> FieldBoard:
    """Return what field commands need; the reports that are named are held until the commit."""
    named: Sequence[Any] = ()
    if refs := sorted(set(refs)):
        held = select(_reports).where(_reports.c.event_key == event_key, _reports.c.ref.in_(refs))
        named = connection.execute(held.order_by(_reports.c.id).with_for_update()).all()
    here = _reports.c.event_key == event_key
    mine = select(_reports).where(
        here, _reports.c.state.in_(IN_HAND), _reports.c.assignee_id.in_(sorted(set(staff_ids)))
    )
    waiting = (
        select(_reports)
        .where(here, _reports.c.state.in_(WAITING), _reports.c.kind.in_(("help", "complaint")))
        .order_by(_reports.c.urgency.desc(), _reports.c.opened_at)
        .limit(_WAITING_READ)
    )
    queue = connection.execute(waiting).all()
    rows = [*queue, *connection.execute(mine), *named]
    return FieldBoard(
        staff=read_staff(connection),
        by_ref={row.ref: _field_report(row) for row in rows},
        waiting=[row.ref for row in queue],
    )


def _field_report(row: Any) -> FieldReport:
    return FieldReport(row.ref, row.state, sorting_of(row), row.text, row.assignee_id, row.opened_at)
