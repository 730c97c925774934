"""Propose which reports are one problem, and carry out what staff decide: merge, refuse, split.

The clock goes over new reports once, in the order they came; a counter says how far it has come. A proposal joins
nothing: it is shown, and its phones count as witnesses, which raises the urgency of the first report.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, bindparam, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from gateway.database import is_sqlite, reading, writing
from gateway.reports.moves import add_entry, hold, move_row
from gateway.reports.notices import Notifier
from gateway.reports.similar import WINDOW, Compared, best_head, content_words
from gateway.rules.report_life import CLOSED, DUPLICATE, OPEN, REOPENED, RESOLVED, MoveRefused
from gateway.tables import Counter as Counters
from gateway.tables import Report, ReportLink

_reports, _links, _counters = Report.__table__, ReportLink.__table__, Counters.__table__
_WHAT = [_reports.c[name] for name in ("sender_id", "id", "category", "place_key", "lat", "lon", "text", "opened_at")]
"""What reports are compared by, and whose they are."""
_AT_ONCE = 300
_COUNTER = "reports-clustered"
_HEADS = 150
MANY, CROWD = 3, 10
"""Witnesses from which a report is one and two steps more urgent."""


def propose_clusters(engine: Engine, now: datetime) -> int:
    """Compare the reports that came since the last tick with open ones of the last hour; returns how many proposals.

    :param now: aware UTC
    """
    counter = select(_counters.c.next).where(_counters.c.name == _COUNTER)
    with reading(engine) as connection:
        seen_until = connection.execute(counter).scalar() or 0
        new = connection.execute(
            select(*_WHAT).where(_reports.c.id > seen_until).order_by(_reports.c.id).limit(_AT_ONCE)
        ).all()
        if not new:
            return 0
        recent = connection.execute(
            select(*_WHAT)
            .where(_reports.c.opened_at > now - WINDOW, _reports.c.state.in_((*OPEN, RESOLVED, CLOSED)))
            .where(_reports.c.id <= seen_until, ~_is_member())
            .order_by(_reports.c.id.desc())
            .limit(_AT_ONCE * 4)
        ).all()
    proposals = _proposals(new, recent)  # comparing takes time, and nothing may wait for it
    with writing(engine) as connection:
        dialect: Any = sqlite if is_sqlite(connection) else postgresql
        connection.execute(dialect.insert(_counters).values(name=_COUNTER, next=0).on_conflict_do_nothing())
        if connection.execute(counter.with_for_update()).scalar_one() != seen_until:
            return 0  # another process was first
        if proposals:
            rows = [{"state": "proposed", "by": "clock", "at": now} | one for one in proposals]
            connection.execute(dialect.insert(_links).on_conflict_do_nothing(), rows)
            count_witnesses(connection, sorted({one["parent_id"] for one in proposals}))
        counted = update(_counters).where(_counters.c.name == _COUNTER).values(next=new[-1].id)
        connection.execute(counted)
    return len(proposals)


def _is_member() -> Any:
    linked = select(_links.c.report_id).where(_links.c.report_id == _reports.c.id, _links.c.state != "refused")
    return linked.exists()


def _proposals(new: Sequence[Any], recent: Sequence[Any]) -> list[dict[str, Any]]:
    """Return a link for every new report that fits an earlier one of its category; a report that fits none may be the
    first of its own."""
    seen = Counter(word for row in (*recent, *new) for word in content_words(row.text))
    texts = len(recent) + len(new)
    heads: dict[str, list[tuple[int, Compared]]] = {}
    for row in reversed(recent):
        heads.setdefault(row.category, []).append((row.sender_id, compared(row)))
    found = []
    for row in new:
        mine, one = heads.setdefault(row.category, []), compared(row)
        best = best_head(one, [head for sender, head in mine[-_HEADS:] if sender != row.sender_id], seen, texts)
        if best:
            head, score, why = best
            found.append({"report_id": row.id, "parent_id": head.id, "score": score, "why": why[:160]})
        else:
            mine.append((row.sender_id, one))
    return found


def compared(row: Any) -> Compared:
    return Compared(row.id, row.category, row.place_key, row.lat, row.lon, row.text, row.opened_at)


def count_witnesses(connection: Connection, parent_ids: Sequence[int]) -> None:
    """Count the phones behind reports, proposed and merged, and raise the urgency where they are many; never lower."""
    held = select(_reports.c.id, _reports.c.witnesses, _reports.c.urgency).where(_reports.c.id.in_(parent_ids))
    # Held before counting, and always in this order: two who count must not wait in a ring.
    rows = connection.execute(held.order_by(_reports.c.id).with_for_update()).all()
    parents = _reports.alias("parents")
    linked = _links.join(_reports, _reports.c.id == _links.c.report_id)
    count = (
        select(_links.c.parent_id, func.count(_reports.c.sender_id.distinct()))
        .select_from(linked.join(parents, parents.c.id == _links.c.parent_id))
        .where(_links.c.parent_id.in_(parent_ids), _links.c.state != "refused")
        .where(_reports.c.sender_id != parents.c.sender_id)
        .group_by(_links.c.parent_id)
    )
    phones: dict[int, int] = {row[0]: row[1] for row in connection.execute(count)}
    changed = []
    for row in rows:
        witnesses = 1 + phones.get(row.id, 0)
        more = (witnesses >= MANY) - (row.witnesses >= MANY) + (witnesses >= CROWD) - (row.witnesses >= CROWD)
        urgency = min(3, row.urgency + more) if more > 0 else row.urgency
        if (witnesses, urgency) != (row.witnesses, row.urgency):
            changed.append({"of": row.id, "counted": witnesses, "raised": urgency})
    if changed:
        counted = update(_reports).where(_reports.c.id == bindparam("of"))
        connection.execute(counted.values(witnesses=bindparam("counted"), urgency=bindparam("raised")), changed)


def proposed(connection: Connection, *, limit: int = 100) -> list[dict[str, Any]]:
    """Return the open proposals, grouped by first report: its ref and words, the witnesses, and the others with why."""
    parents = _reports.alias("parents")
    rows = connection.execute(
        select(
            parents.c.ref.label("parent"), parents.c.text.label("parent_text"), parents.c.category, parents.c.place,
            parents.c.witnesses, parents.c.urgency, _reports.c.ref, _reports.c.text, _links.c.score, _links.c.why,
        )
        .select_from(
            _links.join(_reports, _reports.c.id == _links.c.report_id).join(parents, parents.c.id == _links.c.parent_id)
        )
        .where(_links.c.state == "proposed", _reports.c.state.in_(OPEN))
        .order_by(parents.c.urgency.desc(), parents.c.witnesses.desc(), parents.c.id, _links.c.report_id)
        .limit(limit * 20)
    ).all()  # fmt: skip
    groups: dict[str, dict[str, Any]] = {}
    for row in rows:
        group = groups.setdefault(
            row.parent,
            {
                "ref": row.parent,
                "text": row.parent_text,
                "category": row.category,
                "place": row.place,
                "urgency": row.urgency,
                "witnesses": row.witnesses,
                "others": [],
            },
        )
        group["others"].append({"ref": row.ref, "text": row.text, "score": row.score, "why": row.why})
    return list(groups.values())[:limit]


def merge(
    connection: Connection,
    ref: str,
    into: str,
    by: str,
    now: datetime,
    notifier: Notifier,
    event_key: str | None = None,
) -> None:
    """Make one report the duplicate of another. A new witness of a solved problem opens it again.

    :raises MoveRefused: other categories, places that differ, a duplicate as parent, or a move that is not allowed
    :raises UnknownReport: there is no such report
    """
    row, parent = hold(connection, ref, event_key), hold(connection, into, event_key)
    if row.id == parent.id:
        raise MoveRefused("A report cannot be merged into itself.", "itself")
    if parent.state == DUPLICATE:
        raise MoveRefused(f"{into} is itself a duplicate; merge into its parent.", "into_duplicate", ref=into)
    if row.category != parent.category:
        raise MoveRefused(
            f"{ref} is {row.category} and {into} is {parent.category}: correct one of them first.",
            "other_category", ref=ref, into=into, category=row.category, other=parent.category,
        )  # fmt: skip
    if row.place_key and parent.place_key and row.place_key != parent.place_key:
        one, other = compared(row), compared(parent)
        if not best_head(one, [other]):
            raise MoveRefused(
                f"{ref} is at {row.place} and {into} at {parent.place}: they are not one problem.",
                "apart", ref=ref, into=into, place=row.place, other=parent.place,
            )  # fmt: skip
    children = connection.execute(select(_reports.c.id).where(_reports.c.parent_id == row.id)).all()
    if children:
        raise MoveRefused(f"{ref} has duplicates of its own; merge the other way round.", "has_duplicates", ref=ref)
    move_row(connection, row, DUPLICATE, by, f"same as {into}", now, notifier)
    connection.execute(update(_reports).where(_reports.c.id == row.id).values(parent_id=parent.id))
    dialect: Any = sqlite if is_sqlite(connection) else postgresql
    link = {"report_id": row.id, "parent_id": parent.id, "state": "accepted", "score": 1.0, "by": by, "at": now}
    upsert = dialect.insert(_links).values(link | {"why": "merged by staff"})
    connection.execute(
        upsert.on_conflict_do_update(
            index_elements=["report_id", "parent_id"], set_={"state": "accepted", "by": by, "at": now}
        )
    )
    add_entry(connection, parent.id, "note", by, now, text=f"{ref} is about the same")
    count_witnesses(connection, [parent.id])
    if parent.state in (RESOLVED, CLOSED) and row.opened_at > parent.updated_at:
        move_row(connection, parent, REOPENED, by, f"new witness {ref}", now, notifier)


def refuse(connection: Connection, ref: str, into: str, by: str, now: datetime, event_key: str | None = None) -> None:
    """Refuse the proposal that `ref` is about the same as `into`; one that is decided already stays as it is."""
    row, parent = hold(connection, ref, event_key), hold(connection, into, event_key)
    one = (_links.c.report_id == row.id) & (_links.c.parent_id == parent.id) & (_links.c.state == "proposed")
    connection.execute(update(_links).where(one).values(state="refused", by=by, at=now))
    count_witnesses(connection, [parent.id])


def split(
    connection: Connection, ref: str, by: str, now: datetime, notifier: Notifier, event_key: str | None = None
) -> None:
    """Take a duplicate out again, or refuse the proposal that it is one.

    :raises MoveRefused: it is no duplicate and none was proposed
    :raises UnknownReport: there is no such report
    """
    row = hold(connection, ref, event_key)
    mine = _links.c.report_id == row.id
    links = connection.execute(
        select(_links.c.parent_id).where(mine, or_(_links.c.state == "proposed", _links.c.state == "accepted"))
    ).all()
    if row.state != DUPLICATE and not links:
        raise MoveRefused(f"{ref} is no duplicate, and none was proposed.", "no_duplicate", ref=ref)
    connection.execute(update(_links).where(mine).values(state="refused", by=by, at=now))
    if row.state == DUPLICATE:
        move_row(connection, row, REOPENED, by, "not the same", now, notifier)
    count_witnesses(connection, [link.parent_id for link in links])
