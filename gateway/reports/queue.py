"""What staff see and do on screen and by command line: the queue, one report's story, and every change to it.

Each change takes the caller's writing transaction, who did it (a login) and `now` (aware UTC), and raises MoveRefused
with a sentence, or UnknownReport.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select, update

from gateway.reports.clusters import merge, split
from gateway.reports.moves import UnknownReport, add_entry, assign_row, hold, move_row, sorting_of, tell_all
from gateway.reports.notices import Notifier
from gateway.reports.staff import read_staff
from gateway.reports.triage import CATEGORIES, KINDS
from gateway.rules.conversation import Reply
from gateway.rules.phone_numbers import mask
from gateway.rules.report_life import ALLOWED, ASSIGNED, IN_HAND, OPEN, STATES, MoveRefused
from gateway.rules.report_staff import propose
from gateway.tables import InboundText, Report, ReportEntry, ReportLink, Sender, Staff

__all__ = [
    "Filters", "UnknownReport", "assign", "confusion", "correct", "merge", "move", "note", "queue", "reply", "split",
    "story",
]  # fmt: skip

_reports, _entries, _staff = Report.__table__, ReportEntry.__table__, Staff.__table__
_MOST_REPLY = 300


@dataclass(frozen=True, slots=True)
class Filters:
    """What of the queue to show; empty shows all that is open, the most urgent first, then the oldest."""

    states: Sequence[str] = tuple(sorted(OPEN))
    categories: Sequence[str] = ()
    kinds: Sequence[str] = ()
    place: str = ""
    assignee: str = ""
    event_key: str | None = None
    newest_first: bool = False
    limit: int = 100


def queue(connection: Connection, filters: Filters | None = None) -> list[dict[str, Any]]:
    """Return the reports that fit, without phone numbers.

    :raises ValueError: a state, category or kind that is none
    """
    filters = filters or Filters()
    for given, known in ((filters.states, STATES), (filters.categories, CATEGORIES), (filters.kinds, KINDS)):
        if odd := set(given) - set(known):
            raise ValueError(f"There is no {min(odd)!r}; there are {', '.join(known)}.")
    query = select(_reports, _staff.c.login.label("assignee")).select_from(
        _reports.outerjoin(_staff, _staff.c.id == _reports.c.assignee_id)
    )
    if filters.states:
        # Written out, so that the partial index of open reports is used.
        query = query.where(_reports.c.state.in_(sorted(filters.states)))
    if filters.categories:
        query = query.where(_reports.c.category.in_(filters.categories))
    if filters.kinds:
        query = query.where(_reports.c.kind.in_(filters.kinds))
    if filters.place:
        query = query.where(func.lower(_reports.c.place).contains(filters.place.lower(), autoescape=True))
    if filters.assignee:
        query = query.where(_staff.c.login == filters.assignee)
    if filters.event_key is not None:
        query = query.where(_reports.c.event_key == filters.event_key)
    order = (_reports.c.id.desc(),) if filters.newest_first else (_reports.c.urgency.desc(), _reports.c.opened_at)
    rows = connection.execute(query.order_by(*order).limit(filters.limit))
    return [_shown(row) for row in rows]


def _shown(row: Any) -> dict[str, Any]:
    return {
        "ref": row.ref,
        "state": row.state,
        "category": row.category,
        "kind": row.kind,
        "urgency": row.urgency,
        "place": row.place,
        "text": row.text,
        "because": list(row.because or ()),
        "witnesses": row.witnesses,
        "photos": row.media,
        "assignee": row.assignee,
        "event": row.event_key,
        "opened": row.opened_at,
        "updated": row.updated_at,
    }


def counts(connection: Connection) -> dict[str, int]:
    """Return how many reports are in each state."""
    counted = connection.execute(select(_reports.c.state, func.count()).group_by(_reports.c.state))
    found = {row[0]: row[1] for row in counted}
    return {state: found.get(state, 0) for state in STATES}


def story(connection: Connection, ref: str) -> dict[str, Any]:
    """Return all about one report: its fields, timeline, pictures, duplicates, what may be done and who should do it.

    The reporter's number is masked.

    :raises UnknownReport: there is none
    """
    row = connection.execute(
        select(_reports, _staff.c.login.label("assignee"), Sender.key)
        .select_from(
            _reports.outerjoin(_staff, _staff.c.id == _reports.c.assignee_id).join(
                Sender, Sender.id == _reports.c.sender_id
            )
        )
        .where(_reports.c.ref == ref)
        .order_by(_reports.c.id.desc())
        .limit(1)
    ).first()
    if row is None:
        raise UnknownReport(f"There is no report {ref}.")
    lines = connection.execute(
        select(_entries, InboundText.media)
        .select_from(_entries.outerjoin(InboundText, InboundText.id == _entries.c.inbound_id))
        .where(_entries.c.report_id == row.id)
        .order_by(_entries.c.at, _entries.c.id)
    ).all()
    parent = connection.execute(select(_reports.c.ref).where(_reports.c.id == row.parent_id)).scalar()
    duplicates = connection.execute(
        select(_reports.c.ref).where(_reports.c.parent_id == row.id).order_by(_reports.c.id)
    )
    linked = ReportLink.__table__
    maybe = connection.execute(
        select(_reports.c.ref, linked.c.why)
        .select_from(linked.join(_reports, _reports.c.id == linked.c.report_id))
        .where(linked.c.parent_id == row.id, linked.c.state == "proposed")
        .order_by(linked.c.score.desc())
    )
    people = read_staff(connection, loads=True).values()
    return _shown(row) | {
        "from": mask(row.key),
        "lat": row.lat,
        "lon": row.lon,
        "judged": row.judged,
        "parent": parent,
        "duplicates": [one.ref for one in duplicates],
        "proposed": [{"ref": one.ref, "why": one.why} for one in maybe],
        "may_become": [state for state in STATES if state in ALLOWED[row.state]],
        "proposals": [
            {"login": one.person.login, "name": one.person.shown, "why": ", ".join(one.why)}
            for one in propose(sorting_of(row), people)[:5]
        ],
        "timeline": [
            {
                "at": line.at,
                "by": line.by,
                "kind": line.kind,
                "state": line.state,
                "text": line.text,
                "photos": [medium["url"] for medium in line.media or ()],
            }
            for line in lines
        ],
    }


def move(connection: Connection, ref: str, to: str, by: str, note: str, now: datetime, notifier: Notifier) -> None:
    """Move a report; one that is in hand stays with whose it is. To give it to somebody, `assign`."""
    row = hold(connection, ref)
    if to == "duplicate":
        raise MoveRefused("Say of which report it is the duplicate: merge it.")
    move_row(connection, row, to, by, note, now, notifier, assignee_id=row.assignee_id if to in IN_HAND else None)


def assign(connection: Connection, ref: str, login: str, by: str, now: datetime, notifier: Notifier) -> None:
    """Give a report to one of the staff, who is texted; the reporter is told."""
    found = [one for one in read_staff(connection).values() if one.login == login]
    if not found:
        raise MoveRefused(f"There is no staff login {login!r}.")
    assign_row(connection, hold(connection, ref), found[0].id, by, ASSIGNED, now, notifier)


def reply(connection: Connection, ref: str, text: str, by: str, now: datetime, notifier: Notifier) -> int:
    """Text the reporter, and those of its duplicates, in the staff's own words; returns how many phones.

    :raises MoveRefused: an empty or too long text
    """
    text = " ".join(text.split())
    if not text or len(text) > _MOST_REPLY:
        raise MoveRefused(f"A reply has 1 to {_MOST_REPLY} letters.")
    row = hold(connection, ref)
    add_entry(connection, row.id, "reply", by, now, text=text)
    return tell_all(connection, row, Reply("report_answer", {"ref": row.ref, "note": text}), now, notifier)


def note(connection: Connection, ref: str, text: str, by: str, now: datetime) -> None:
    """Append a note that only staff see."""
    add_entry(connection, hold(connection, ref).id, "note", by, now, text=text)


def correct(connection: Connection, ref: str, by: str, now: datetime, **changed: Any) -> None:
    """Put `category`, `kind`, `urgency` or `place` right; the timeline keeps what it was.

    :raises MoveRefused: a value that is none
    """
    known: dict[str, Sequence[Any]] = {"category": CATEGORIES, "kind": KINDS, "urgency": (0, 1, 2, 3)}
    row = hold(connection, ref)
    changed = {name: value for name, value in changed.items() if value is not None and value != getattr(row, name)}
    for name, value in changed.items():
        if name in known and value not in known[name]:
            raise MoveRefused(f"There is no {name} {value!r}; there are {', '.join(map(str, known[name]))}.")
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
