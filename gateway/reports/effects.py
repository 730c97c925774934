"""Carry out what texts decided about reports: new ones in bulk, the rarer moves one by one."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

import structlog
from sqlalchemy import Connection, Row, bindparam, delete, select, update

from gateway.bulk import among, values
from gateway.hooks.events import NewEvent
from gateway.pipeline import Pipeline
from gateway.reports.field import FieldMove, FieldNote, SetDuty
from gateway.reports.moves import UnknownReport, add_entry, answer_fixed, assign_row, hold, move_row
from gateway.reports.notices import Notifier
from gateway.reports.paging import LISTS, page, room_to_page
from gateway.reports.staff import set_duty
from gateway.rules.conversation import AnswerFixed, ContinueReport, Effect, OpenReport
from gateway.rules.report_life import ACKNOWLEDGED, IN_HAND, MoveRefused
from gateway.rules.report_talk import Sorting
from gateway.tables import InboundText, OutboundText, Report, ReportEntry, ReportLink, Sender, Staff

log = structlog.get_logger()
_reports, _entries = Report.__table__, ReportEntry.__table__
_texts = InboundText.__table__
_TOLD = select(_texts.c.id, _texts.c.carrier, _texts.c.carrier_id).where(among(_texts.c.carrier_id, "ids"))
_BY_ID = select(_reports).where(among(_reports.c.id, "ids")).order_by(_reports.c.id)
_HOLD = (
    select(_reports.c.id, _reports.c.ref, _reports.c.text, _reports.c.media)
    .where(among(_reports.c.ref, "refs"), _reports.c.event_key == bindparam("event"))
    .order_by(_reports.c.id)
    .with_for_update()
)


class _Known(Protocol):
    @property
    def id(self) -> int: ...


class DoneEffect(Protocol):
    """One effect of one text, with the ids that its rows point to."""

    @property
    def effect(self) -> Effect: ...
    @property
    def sender(self) -> _Known: ...
    @property
    def inbound_id(self) -> int: ...


class Around(Protocol):
    @property
    def now(self) -> datetime: ...
    @property
    def event_key(self) -> str: ...
    @property
    def notifier(self) -> Notifier: ...
    @property
    def events(self) -> list[NewEvent]: ...


def open_reports(pipeline: Pipeline, done: Sequence[DoneEffect], around: Around) -> None:
    """Write new reports and the first line of their timelines, and call staff for those that need it."""
    opened = {one.effect.ref: one for one in done if isinstance(one.effect, OpenReport)}
    rows = [_report_row(one.effect, one.sender.id, around) for one in opened.values()]  # type: ignore[arg-type]
    written = pipeline.insert(_reports, rows, returning=("id", "ref")).all()
    told = _told_ids(pipeline, opened.values())
    entries = [
        _entry(row.id, text, inbound_id, around.now) | ({} if number else {"kind": "received", "state": "received"})
        for row in written
        for number, (text, inbound_id) in enumerate(_lines(opened[row.ref], told))
    ]
    pipeline.insert(_entries, entries)
    around.events.extend(NewEvent("report.opened", row.id) for row in written)
    urgent = {ref for ref, one in opened.items() if one.effect.sorting.pages}  # type: ignore[attr-defined]
    if urgent:
        ids = values(row.id for row in written if row.ref in urgent)
        room, fresh = room_to_page(pipeline, around.now), pipeline.run(_BY_ID, {"ids": ids})
        if room() > 0:
            page(pipeline.connection, fresh.all(), around.now, around.notifier)


def _told_ids(pipeline: Pipeline, done: Iterable[DoneEffect]) -> Mapping[tuple[str, str], int]:
    """Return the rows of texts in which reports were told before they were known to be reports."""
    asked = {told.carrier_id for one in done for told in one.effect.told}  # type: ignore[attr-defined]
    found = pipeline.run(_TOLD, {"ids": values(asked)}).all() if asked else ()
    return {(row.carrier, row.carrier_id): row.id for row in found}


def _lines(one: DoneEffect, ids: Mapping[tuple[str, str], int]) -> list[tuple[str, int | None]]:
    """Return the lines of a timeline that an effect makes: their words, and the texts that they came with."""
    effect = one.effect
    assert isinstance(effect, OpenReport | ContinueReport)
    if not effect.told:
        return [(effect.text, one.inbound_id)]
    return [(told.words, ids.get((told.carrier, told.carrier_id))) for told in effect.told]


def _entry(report_id: int, text: str, inbound_id: int | None, now: datetime) -> dict[str, Any]:
    about = {"report_id": report_id, "text": text, "inbound_id": inbound_id, "at": now}
    return {"kind": "more", "by": "reporter", "state": None, **about}


def _report_row(effect: OpenReport, sender_id: int, around: Around) -> dict[str, Any]:
    return {
        "event_key": around.event_key,
        "ref": effect.ref,
        "sender_id": sender_id,
        "state": "received",
        "text": effect.text,
        "language": effect.language,
        "media": effect.media,
        "opened_at": around.now,
        "last_text_at": around.now,
        "updated_at": around.now,
        **_sorting_columns(effect.sorting),
        "judged": _judged(effect.sorting),
    }


def _sorting_columns(sorting: Sorting) -> dict[str, Any]:
    return {
        "category": sorting.category,
        "kind": sorting.kind,
        "urgency": sorting.urgency,
        "because": list(sorting.because),
        "place": sorting.place,
        "place_key": sorting.place_key,
        "lat": sorting.lat,
        "lon": sorting.lon,
    }


def _judged(sorting: Sorting) -> Mapping[str, Any]:
    return {"category": sorting.category, "kind": sorting.kind, "urgency": sorting.urgency}


def continue_reports(pipeline: Pipeline, done: Sequence[DoneEffect], around: Around) -> None:
    """Append the reporter's further texts; a text that raises the report changes its sorting and calls staff.

    Most texts only add to what is there: those are written together, the rarer ones one by one.
    """
    by_ref: dict[str, list[DoneEffect]] = {}
    for one in done:
        assert isinstance(one.effect, ContinueReport)
        by_ref.setdefault(one.effect.ref, []).append(one)
    wanted = {"refs": values(by_ref), "event": around.event_key}
    held = {row.ref: row for row in pipeline.run(_HOLD, wanted).all()}
    plain = {
        ref: held[ref]
        for ref, ones in by_ref.items()
        if ref in held and held[ref].text and not any(one.effect.sorting for one in ones)  # type: ignore[attr-defined]
    }
    _append(pipeline, {row.id: (row, by_ref[ref]) for ref, row in plain.items()}, around)
    for ref, ones in by_ref.items():
        for one in ones if ref not in plain else ():
            _continue_one(pipeline, one, around)


def _append(pipeline: Pipeline, more: Mapping[int, tuple[Any, Sequence[DoneEffect]]], around: Around) -> None:
    pipeline.update(
        _reports,
        [
            {
                "id": number,
                "last_text_at": around.now,
                "media": row.media + sum(one.effect.media for one in ones),  # type: ignore[attr-defined]
            }
            for number, (row, ones) in more.items()
        ],
    )
    ids = _told_ids(pipeline, (one for _, ones in more.values() for one in ones))
    pipeline.insert(
        _entries,
        [
            _entry(number, text, inbound_id, around.now)
            for number, (_, ones) in more.items()
            for one in ones
            for text, inbound_id in _lines(one, ids)
        ],
    )


def _continue_one(pipeline: Pipeline, one: DoneEffect, around: Around) -> None:
    effect, connection = one.effect, pipeline.connection
    assert isinstance(effect, ContinueReport)
    row = _held(connection, effect.ref, around)
    if row is None:
        return
    columns: dict[str, Any] = {"last_text_at": around.now, "media": row.media + effect.media}
    if not row.text:
        columns["text"] = effect.text
    if effect.sorting:
        columns |= _sorting_columns(effect.sorting)
        # What staff have put right stays right: only what nobody has touched yet is judged anew.
        if row.judged and row.judged.get("category") == row.category:
            columns["judged"] = _judged(effect.sorting)
    connection.execute(update(_reports).where(_reports.c.id == row.id).values(columns))
    for text, inbound_id in _lines(one, _told_ids(pipeline, [one])):
        add_entry(connection, row.id, "more", "reporter", around.now, text=text, inbound_id=inbound_id)
    if effect.sorting and effect.sorting.pages:
        fresh = connection.execute(select(_reports).where(_reports.c.id == row.id)).one()
        page(connection, [fresh], around.now, around.notifier)


def answer_reports(pipeline: Pipeline, done: Sequence[DoneEffect], around: Around) -> None:
    """Close or reopen what the reporter says is fixed or not."""
    connection = pipeline.connection
    for one in done:
        assert isinstance(one.effect, AnswerFixed)
        if row := _held(connection, one.effect.ref, around):
            answer_fixed(
                connection, row, one.effect.fixed, one.effect.text, around.now, around.notifier, one.inbound_id
            )


def move_reports(pipeline: Pipeline, done: Sequence[DoneEffect], around: Around) -> None:
    """Carry out what field staff texted; their reports were held when it was decided."""
    connection = pipeline.connection
    for one in done:
        effect = one.effect
        assert isinstance(effect, FieldMove)
        row = _held(connection, effect.ref, around)
        if row is None:
            continue
        login, now = effect.by.login, around.now
        try:
            if effect.to in IN_HAND and effect.assignee_id is not None:
                assign_row(connection, row, effect.assignee_id, login, effect.to, now, around.notifier, effect.note)
            else:
                move_row(
                    connection, row, effect.to, login, effect.note, now, around.notifier, inbound_id=one.inbound_id
                )
        except MoveRefused as error:
            log.warning("field_move_refused", ref=effect.ref, reason=str(error))
            continue
        if effect.to == ACKNOWLEDGED:
            add_entry(connection, row.id, "note", login, now, text="given back")


def note_reports(pipeline: Pipeline, done: Sequence[DoneEffect], around: Around) -> None:
    """Append field staff's notes."""
    connection = pipeline.connection
    for one in done:
        assert isinstance(one.effect, FieldNote)
        if row := _held(connection, one.effect.ref, around):
            add_entry(
                connection, row.id, "note", one.effect.by.login, around.now, text=one.effect.note,
                inbound_id=one.inbound_id,
            )  # fmt: skip


def set_duties(pipeline: Pipeline, done: Sequence[DoneEffect], around: Around) -> None:
    """Put staff on or off duty."""
    for one in done:
        assert isinstance(one.effect, SetDuty)
        set_duty(pipeline.connection, one.effect.by.id, around.now, on_duty=one.effect.on_duty)


def _held(connection: Connection, ref: str, around: Around) -> Row[Any] | None:
    try:
        return hold(connection, ref, around.event_key)
    except UnknownReport:
        log.warning("report_gone", ref=ref)
        return None


def erase_reports(connection: Connection, sender_id: int) -> None:
    """Remove a person's words from their reports, also where staff were texted them; the reports stay as numbers."""
    mine = select(_reports.c.id).where(_reports.c.sender_id == sender_id)
    refs = [row.ref for row in connection.execute(select(_reports.c.ref).where(_reports.c.sender_id == sender_id))]
    texts = select(InboundText.id).where(InboundText.sender_id == sender_id)
    connection.execute(update(_entries).where(_entries.c.report_id.in_(mine)).values(text=""))
    connection.execute(update(_entries).where(_entries.c.inbound_id.in_(texts)).values(text=""))
    connection.execute(delete(ReportLink).where(ReportLink.report_id.in_(mine) & (ReportLink.state == "proposed")))
    connection.execute(
        update(_reports)
        .where(_reports.c.sender_id == sender_id)
        .values(text="", because=[], place="", lat=None, lon=None)
    )
    phones = select(Staff.phone).where(Staff.phone.is_not(None))
    staff = select(Sender.id).where(Sender.key.in_(phones), Sender.id != sender_id)
    waits = OutboundText.state == "queued"
    for ref in refs:
        quoting = OutboundText.sender_id.in_(staff) & OutboundText.body.contains(ref)
        connection.execute(update(OutboundText).where(quoting, ~waits).values(body=ref))
        # What has not left goes as the ref alone; a list tells of other reports too, and quotes nobody.
        quoting &= waits & OutboundText.wording.not_in(LISTS)
        connection.execute(update(OutboundText).where(quoting).values(body=ref, encoding="GSM-7", parts=1))


APPLIERS = {
    OpenReport: open_reports,
    ContinueReport: continue_reports,
    AnswerFixed: answer_reports,
    FieldMove: move_reports,
    FieldNote: note_reports,
    SetDuty: set_duties,
}
