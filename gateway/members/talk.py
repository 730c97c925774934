"""What was said between one person and the number: their texts and ours, with the delivery, newest last."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, or_, select

from gateway.tables import InboundText, InboxEntry, OutboundText, Report, ReportEntry

PAGE = 40
IN, OUT = 0, 1

_in, _out = InboundText.__table__, OutboundText.__table__
_entries = InboxEntry.__table__

Cursor = tuple[datetime, int, int]
"""Where a page begins: the time, the side and the id of its first line."""


@dataclass(frozen=True, slots=True)
class TalkLine:
    """One text. `side` is IN (theirs) or OUT (ours); `id` is its row.

    Of theirs: `command` is what took it ("" if none did), `report` the ref of the iReport that it is part of. Of ours:
    `kind`, `state`, `error` and `parts`, and `by`, the login of who wrote it where a person did. `photos` counts media.
    """

    side: int
    id: int
    at: datetime
    body: str
    command: str = ""
    report: str = ""
    photos: int = 0
    kind: str = ""
    state: str = ""
    error: str = ""
    parts: int = 0
    by: str = ""

    @property
    def cursor(self) -> Cursor:
        return self.at, self.side, self.id


@dataclass(frozen=True, slots=True)
class Talk:
    """A page of a talk, oldest first; `before` leads to what was said earlier, None if that is all."""

    lines: Sequence[TalkLine]
    before: Cursor | None


def read_talk(connection: Connection, sender_id: int, before: Cursor | None = None, limit: int = PAGE) -> Talk:
    """Return the last lines of a talk, or the last ones before a cursor."""
    lines = [*_theirs(connection, sender_id, before, limit + 1), *_ours(connection, sender_id, before, limit + 1)]
    lines.sort(key=lambda line: line.cursor)
    shown = lines[-limit:]
    return Talk(shown, shown[0].cursor if len(lines) > limit else None)


def _earlier(
    at: ColumnElement[datetime], number: ColumnElement[int], side: int, before: Cursor | None
) -> ColumnElement[bool] | None:
    if before is None:
        return None
    moment, other_side, other_id = before
    if side == other_side:
        return or_(at < moment, and_(at == moment, number < other_id))
    return at <= moment if side < other_side else at < moment


def _theirs(connection: Connection, sender_id: int, before: Cursor | None, limit: int) -> list[TalkLine]:
    ref = (
        select(Report.ref)
        .join(ReportEntry, ReportEntry.report_id == Report.id)
        .where(ReportEntry.inbound_id == _in.c.id)
        .order_by(Report.id)
        .limit(1)
        .scalar_subquery()
    )
    query = select(_in.c.id, _in.c.received_at, _in.c.body, _in.c.command, _in.c.media, ref.label("ref")).where(
        _in.c.sender_id == sender_id
    )
    if (earlier := _earlier(_in.c.received_at, _in.c.id, IN, before)) is not None:
        query = query.where(earlier)
    rows = connection.execute(query.order_by(_in.c.received_at.desc(), _in.c.id.desc()).limit(limit))
    return [
        TalkLine(IN, row.id, row.received_at, row.body, row.command or "", row.ref or "", len(row.media or ()))
        for row in rows
    ]


def _ours(connection: Connection, sender_id: int, before: Cursor | None, limit: int) -> list[TalkLine]:
    wrote = select(_entries.c.by).where(_entries.c.outbound_id == _out.c.id).limit(1).scalar_subquery()
    query = select(
        _out.c.id, _out.c.created_at, _out.c.body, _out.c.kind, _out.c.state, _out.c.error_code, _out.c.reason,
        _out.c.parts, wrote.label("by"),
    ).where(_out.c.sender_id == sender_id)  # fmt: skip
    if (earlier := _earlier(_out.c.created_at, _out.c.id, OUT, before)) is not None:
        query = query.where(earlier)
    rows = connection.execute(query.order_by(_out.c.created_at.desc(), _out.c.id.desc()).limit(limit))
    return [
        TalkLine(OUT, row.id, row.created_at, row.body, kind=row.kind, state=row.state,
                 error=row.reason or row.error_code or "", parts=row.parts, by=row.by or "")
        for row in rows
    ]  # fmt: skip
