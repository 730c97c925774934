"""Call somebody at once for medical and crush. Every such report is paged; a flood of them comes as one list."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, bindparam, func, select, text
from sqlalchemy.dialects import postgresql, sqlite

from gateway.database import is_sqlite, reading, writing
from gateway.pipeline import Pipeline
from gateway.reports.commands import said
from gateway.reports.field import clipped
from gateway.reports.moves import add_entries, add_entry, sorting_of
from gateway.reports.notices import Notifier
from gateway.reports.staff import read_staff
from gateway.rules.conversation import Listed, Reply
from gateway.rules.report_life import OPEN, WAITING, MoveRefused
from gateway.rules.report_staff import StaffMember, propose
from gateway.rules.report_talk import Sorting
from gateway.tables import Report, ReportStep
from gateway.tables.reports import OPEN_REPORTS

PAGES_A_MINUTE = 6
"""More than this nobody reads one by one: the rest comes as one list within a tick of the clock."""
HELP_EVERY_S = 300
LISTS = ("field_page_many", "field_late_many")
"""Wordings that name several reports and quote none."""
CALLED = 4
"""Field staff that one report calls."""

_reports, _steps = Report.__table__, ReportStep.__table__
_PAGED = select(func.count().label("count")).where(_steps.c.step == "page", _steps.c.at > bindparam("since"))


def take_steps(connection: Connection, steps: Sequence[tuple[Any, str]], now: datetime) -> set[tuple[int, str]]:
    """Put steps on record, each of a report (with `id` and `cycle`); returns (report id, step) of those that nobody, in
    whichever process, had taken before."""
    if not steps:
        return set()
    dialect: Any = sqlite if is_sqlite(connection) else postgresql
    rows = [{"report_id": row.id, "cycle": row.cycle, "step": step, "at": now} for row, step in steps]
    insert = dialect.insert(_steps).values(rows).on_conflict_do_nothing().returning(_steps.c.report_id, _steps.c.step)
    return {(row.report_id, row.step) for row in connection.execute(insert)}


def called_for(sorting: Sorting, staff: Iterable[StaffMember]) -> Sequence[StaffMember]:
    """Return whom a report calls: the best field staff on duty and every organiser; the admins if that is
    nobody. Who has no phone or has texted STOP is not called: somebody else is."""
    staff = [one for one in staff if one.reached]
    field = [one.person for one in propose(sorting, staff)][:CALLED]
    found = field + [one for one in staff if one.role == "organiser"]
    return found or [one for one in staff if one.role == "admin"]


def room_to_page(pipeline: Pipeline, now: datetime) -> Callable[[], int]:
    """Ask how many more reports may be texted one by one in this minute; it comes when it is called for."""
    found = pipeline.run(_PAGED, {"since": now - timedelta(minutes=1)})
    return lambda: PAGES_A_MINUTE - int(found.all()[0].count)


def page(connection: Connection, rows: Sequence[Any], now: datetime, notifier: Notifier) -> int:
    """Call staff for reports that nobody was called for; returns how many reports were paged.

    The first few of a minute are texted one by one, in the transaction that opened them; what comes beyond waits for
    `page_rest`.
    """
    rows = rows[: max(0, room_to_page(Pipeline(connection), now)())]
    if not rows:
        return 0
    staff = list(read_staff(connection, loads=True).values())
    done = 0
    for row in rows:
        if not take_steps(connection, [(row, "page")], now):
            continue
        sorting = sorting_of(row)
        values = {"what": said(sorting), "ref": row.ref, "text": clipped(row.text)}
        called = called_for(sorting, staff)
        notifier.tell_staff(connection, called, Reply("field_page", values), now, urgent=True)
        add_entry(connection, row.id, "page", "clock", now, text=", ".join(one.login for one in called) or "nobody")
        done += 1
    return done


def call_help(connection: Connection, row: Any, by: str, now: datetime, notifier: Notifier) -> int:
    """Call for help with a held report: the field staff on duty who fit it best and the organisers are texted, but
    whoever calls. Once in five minutes for a report; returns how many phones were texted.

    :raises MoveRefused: help was called within these minutes, or the report is no longer open
    """
    if row.state not in OPEN:
        raise MoveRefused(f"{row.ref} is {row.state}: nobody is called for it.", "not_open", ref=row.ref)
    if not take_steps(connection, [(row, f"help {int(now.timestamp()) // HELP_EVERY_S}")], now):
        raise MoveRefused(f"Help was called for {row.ref} a moment ago.", "called_already", ref=row.ref)
    sorting = sorting_of(row)
    called = [one for one in called_for(sorting, read_staff(connection, loads=True).values()) if one.login != by]
    values = {"what": said(sorting), "ref": row.ref, "text": clipped(row.text)}
    told = notifier.tell_staff(connection, called, Reply("field_page", values), now, urgent=True)
    add_entry(connection, row.id, "page", by, now, text=", ".join(one.login for one in called) or "nobody")
    return told


def page_rest(engine: Engine, now: datetime, notifier: Notifier) -> int:
    """Call staff for what `page` left over, all in one text; returns how many reports it covers."""
    paged = select(_steps.c.report_id).where(
        _steps.c.report_id == _reports.c.id, _steps.c.cycle == _reports.c.cycle, _steps.c.step == "page"
    )
    left = (
        select(_reports)
        .where(
            text(OPEN_REPORTS),
            _reports.c.state.in_(WAITING),
            _reports.c.urgency >= 2,
            _reports.c.category.in_(("medical", "crush")),
            _reports.c.kind != "praise",
            ~paged.exists(),
        )
        .order_by(_reports.c.urgency.desc(), _reports.c.opened_at)
        .limit(100)
    )
    with reading(engine) as connection:
        found = connection.execute(left).all()
    if not found:
        return 0
    with writing(engine) as connection:
        return _page_as_list(connection, found, now, notifier)


def _page_as_list(connection: Connection, found: Sequence[Any], now: datetime, notifier: Notifier) -> int:
    taken = take_steps(connection, [(row, "page") for row in found], now)
    rows = [row for row in found if (row.id, "page") in taken]
    if not rows:
        return 0
    staff = list(read_staff(connection, loads=True).values())
    called = called_for(sorting_of(rows[0]), staff)
    reply = Reply("field_page_many", {"count": str(len(rows)), "refs": some_refs(rows)})
    notifier.tell_staff(connection, called, reply, now, urgent=True)
    names = ", ".join(one.login for one in called) or "nobody"
    add_entries(connection, [(row.id, names) for row in rows], "page", "clock", now)
    return len(rows)


def some_refs(rows: Sequence[Any]) -> Listed:
    """Return the first refs of many reports, each with its place, as one text holds them."""
    return Listed(tuple(f"{row.ref} {row.place[:14]}".strip() for row in rows[:5]))
