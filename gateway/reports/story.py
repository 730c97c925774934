"""One report as staff look at it: what it is, what happened, what belongs to it, and who should see to it."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, select

from gateway.reports.listing import shown
from gateway.reports.moves import UnknownReport, seen_as, sorting_of
from gateway.reports.staff import read_staff
from gateway.rules.phone_numbers import mask
from gateway.rules.report_life import ALLOWED, STATES
from gateway.rules.report_staff import in_area, propose
from gateway.tables import InboundText, Report, ReportEntry, ReportLink, Sender, Staff

_reports, _entries, _staff, _links = Report.__table__, ReportEntry.__table__, Staff.__table__, ReportLink.__table__


def story(
    connection: Connection,
    ref: str,
    event_key: str | None = None,
    within: Sequence[ColumnElement[bool]] = (),
) -> dict[str, Any]:
    """Return all about one report: its fields, timeline, pictures, duplicates, what may be done and who should do it.

    The reporter's number is masked. Without an event the newest report of that ref is meant.

    :param within: conditions on `reports` for this one and for those that belong to it
    :raises UnknownReport: there is none, or not within these conditions
    """
    wanted = (
        select(_reports, _staff.c.login.label("assignee"), _staff.c.name.label("assignee_name"), Sender.key)
        .select_from(
            _reports.outerjoin(_staff, _staff.c.id == _reports.c.assignee_id).join(
                Sender, Sender.id == _reports.c.sender_id
            )
        )
        .where(_reports.c.ref == ref)
        .order_by(_reports.c.id.desc())
        .limit(1)
    )
    if event_key is not None:
        wanted = wanted.where(_reports.c.event_key == event_key)
    row = connection.execute(wanted).first()
    allowed = row and connection.execute(select(_reports.c.id).where(_reports.c.id == row.id, *within)).first()
    if row is None or not allowed:
        raise UnknownReport(f"There is no report {ref}.")
    parent = connection.execute(select(_reports.c.ref).where(_reports.c.id == row.parent_id, *within)).scalar()
    duplicates = connection.execute(
        select(_reports.c.ref, _reports.c.text).where(_reports.c.parent_id == row.id, *within).order_by(_reports.c.id)
    ).all()
    people = read_staff(connection, loads=True).values()
    return shown(row) | {
        "sender_id": row.sender_id,
        "from": mask(row.key),
        "language": row.language,
        "judged": row.judged,
        "seen": seen_as(row),
        "cycle": row.cycle,
        "parent": parent,
        "duplicates": [one.ref for one in duplicates],
        "merged": [{"ref": one.ref, "text": one.text} for one in duplicates],
        "proposed": _linked(connection, _links.c.parent_id == row.id, _links.c.report_id, within),
        "proposed_into": _linked(connection, _links.c.report_id == row.id, _links.c.parent_id, within),
        "may_become": [state for state in STATES if state in ALLOWED[row.state]],
        "proposals": [
            {
                "login": one.person.login,
                "name": one.person.shown,
                "why": ", ".join(one.why),
                "skilled": row.category in one.person.skills,
                "near": in_area(one.person, row.place),
                "load": one.person.load,
                "stopped": one.person.stopped,
            }
            for one in propose(sorting_of(row), people)[:5]
        ],
        "timeline": timeline(connection, row.id),
    }


def timeline(connection: Connection, report_id: int) -> list[dict[str, Any]]:
    """Return what happened to a report, the oldest first, with the pictures that came with its texts."""
    lines = connection.execute(
        select(_entries, InboundText.media)
        .select_from(_entries.outerjoin(InboundText, InboundText.id == _entries.c.inbound_id))
        .where(_entries.c.report_id == report_id)
        .order_by(_entries.c.at, _entries.c.id)
    )
    return [
        {
            "at": line.at,
            "by": line.by,
            "kind": line.kind,
            "state": line.state,
            "text": line.text,
            "photos": [medium["url"] for medium in line.media or ()],
        }
        for line in lines
    ]


def _linked(
    connection: Connection, mine: Any, other: Any, within: Sequence[ColumnElement[bool]]
) -> list[dict[str, Any]]:
    """Return the reports on the other side of the open proposals, the likeliest first."""
    rows = connection.execute(
        select(_reports.c.ref, _reports.c.text, _reports.c.state, _links.c.why, _links.c.score)
        .select_from(_links.join(_reports, _reports.c.id == other))
        .where(mine, _links.c.state == "proposed", *within)
        .order_by(_links.c.score.desc())
        .limit(40)
    )
    return [{"ref": one.ref, "text": one.text, "state": one.state, "why": one.why} for one in rows]
