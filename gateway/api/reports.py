"""`/reports`: iReports, what happened to each, and every change that staff can make to them.

None is opened here: a report is somebody's text, and its sender has the ref of it.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Annotated, Any

from fastapi import Depends, Path, Query, Response
from pydantic import BaseModel, Field
from sqlalchemy import ColumnElement, Connection, select

from gateway.api.access import Call, allowed
from gateway.api.areas import reports_of
from gateway.api.idempotency import Posted, posting
from gateway.api.paging import Page, Paged, page_of, question_of
from gateway.api.problems import Problem, invalid, not_found
from gateway.api.report_shapes import (
    AssignGiven,
    Categories,
    CorrectionGiven,
    Kinds,
    MergeGiven,
    MoveGiven,
    NoteGiven,
    ReplyGiven,
    ReportAnswered,
    ReportChanged,
    ReportShown,
    ReportStory,
    States,
    Urgencies,
)
from gateway.api.routes import resource
from gateway.api.scopes import Scope
from gateway.api.shapes import Flag, Moment, Nothing
from gateway.database import reading
from gateway.reports import queue as desk
from gateway.reports.listing import After
from gateway.reports.moves import UnknownReport
from gateway.rules.refs import read_ref
from gateway.rules.report_life import MoveRefused
from gateway.tables import Staff

router = resource("reports")
Reader = Annotated[Call, Depends(allowed(Scope.REPORTS_READ))]
Writer = Annotated[Posted, Depends(posting(Scope.REPORTS_WRITE))]
Ref = Annotated[str, Path(min_length=1, max_length=60, examples=["4F2C"])]


class ReportFilters(Paged):
    state: States = Field(default_factory=list, description="Only these states; every state when left out.")
    category: Categories = Field(default_factory=list)
    kind: Kinds = Field(default_factory=list)
    urgency: Urgencies = Field(default_factory=list, description="0 low to 3 emergency.")
    place: str = Field(default="", max_length=120, description="Only places with these letters.")
    assignee: str = Field(default="", max_length=60, description="Only those of this login.")
    unassigned: Flag = False
    event: str | None = Field(default=None, max_length=60, description="Only of the event of this key.")
    since: Moment | None = Field(default=None, description="Opened after this time, with its zone.")


class OfEvent(BaseModel):
    model_config = {"extra": "forbid"}

    event: str | None = Field(
        default=None, max_length=60, description="The event of the ref; the newest report of that ref when left out."
    )


Event = Annotated[OfEvent, Query()]


@router.get("", response_model=Page[ReportShown], summary="List iReports")
def list_them(call: Reader, filters: Annotated[ReportFilters, Query()], response: Response) -> Any:
    """The newest first."""
    question = question_of("reports", call.caller.login, filters)
    before = call.context.cursors.read(question, filters.cursor) if filters.cursor else None
    wanted = desk.Filters(
        states=filters.state, categories=filters.category, kinds=filters.kind, urgencies=filters.urgency,
        place=filters.place, assignee=filters.assignee, unassigned=filters.unassigned, event_key=filters.event,
        since=filters.since, within=_within(call), newest_first=True,
        after=After(0, call.context.clock(), before) if before is not None else None, limit=filters.limit + 1,
    )  # fmt: skip
    with reading(call.engine) as connection:
        rows = desk.queue(connection, wanted)
    return page_of(
        rows,
        filters,
        lambda row: _shown(call, row),
        lambda row: call.context.cursors.write(question, row["id"]),
        f"{call.context.address}/reports",
        response,
    )


@router.get("/{ref}", response_model=ReportStory, summary="Show an iReport")
def show(call: Reader, ref: Ref, of: Event) -> Any:
    """Its fields, timeline, duplicates, what it may become and who should see to it."""
    with reading(call.engine) as connection, refusals():
        told = desk.story(connection, _ref(ref), of.event, _within(call))
    kept = ("judged", "parent", "duplicates", "proposed", "may_become", "proposals")
    return _shown(call, told) | {name: told[name] for name in kept} | {
        "phone": told["from"],
        "timeline": [
            {name: line[name] for name in ("at", "by", "kind", "state")} | {"text": call.words(line["text"])}
            for line in told["timeline"]
        ],
        "proposed": [{"ref": one["ref"], "why": one["why"]} for one in told["proposed"]],
    }  # fmt: skip


@router.post("/{ref}/move", response_model=ReportChanged, summary="Move an iReport")
def move(call: Writer, ref: Ref, of: Event, given: MoveGiven) -> Response:
    """To another state, if the table of moves has it. Solved: everyone who reported it is asked whether it is."""
    notifier = call.context.notifier
    return _changed(
        call, ref, of,
        lambda connection, own, event, now: desk.move(
            connection, own, given.to, call.caller.login, given.note, now, notifier, event
        ),
    )  # fmt: skip


@router.post("/{ref}/assign", response_model=ReportChanged, summary="Assign an iReport")
def assign(call: Writer, ref: Ref, of: Event, given: AssignGiven) -> Response:
    """Give it to one of the staff; they and the reporter are told."""
    notifier = call.context.notifier
    return _changed(
        call, ref, of,
        lambda connection, own, event, now: desk.assign(
            connection, own, given.login, call.caller.login, now, notifier, event
        ),
    )  # fmt: skip


@router.post("/{ref}/note", response_model=ReportChanged, summary="Note something on an iReport")
def note(call: Writer, ref: Ref, of: Event, given: NoteGiven) -> Response:
    """Only staff see it."""
    return _changed(
        call, ref, of,
        lambda connection, own, event, now: desk.note(connection, own, given.text, call.caller.login, now, event),
    )  # fmt: skip


@router.post("/{ref}/correct", response_model=ReportChanged, summary="Correct an iReport")
def correct(call: Writer, ref: Ref, of: Event, given: CorrectionGiven) -> Response:
    """Put category, kind, urgency or place right; the timeline keeps what it was."""
    values = given.model_dump(exclude_unset=True)
    return _changed(
        call, ref, of,
        lambda connection, own, event, now: desk.correct(connection, own, call.caller.login, now, event, **values),
    )  # fmt: skip


@router.post("/{ref}/reply", response_model=ReportAnswered, summary="Answer an iReport")
def reply(call: Writer, ref: Ref, of: Event, given: ReplyGiven) -> Response:
    """Text the reporter, and those of its duplicates, in your own words; nobody who texted STOP."""
    own = _ref(ref)

    def act(connection: Connection) -> ReportAnswered:
        with refusals():
            desk.hold_seen(connection, own, of.event, _within(call))
            now = call.context.clock()
            told = desk.reply(connection, own, given.text, call.caller.login, now, call.context.notifier, of.event)
        return ReportAnswered(ref=own, told=told)

    return call.once(act)


@router.post("/{ref}/merge", response_model=ReportChanged, summary="Merge an iReport into another")
def merge(call: Writer, ref: Ref, of: Event, given: MergeGiven) -> Response:
    """It becomes the duplicate of `into`, and its reporter is told what is told of that one."""
    notifier = call.context.notifier
    into = read_ref(given.into)
    if into is None:
        raise invalid("It is no ref: a sign is wrong or missing.", "/into")

    def act(connection: Connection, own: str, event: str | None, now: datetime) -> None:
        desk.hold_seen(connection, into, event, _within(call))
        desk.merge(connection, own, into, call.caller.login, now, notifier, event)

    return _changed(call, ref, of, act)


@router.post("/{ref}/split", response_model=ReportChanged, summary="Split an iReport off")
def split(call: Writer, ref: Ref, of: Event, given: Nothing | None = None) -> Response:
    """Take a duplicate out again, or refuse the proposal that it is one."""
    notifier = call.context.notifier
    return _changed(
        call, ref, of,
        lambda connection, own, event, now: desk.split(connection, own, call.caller.login, now, notifier, event),
    )  # fmt: skip


def _changed(
    call: Posted, ref: str, of: OfEvent, act: Callable[[Connection, str, str | None, datetime], Any]
) -> Response:
    """Change a report once, held from the first look on, and say how it then stands."""
    own = _ref(ref)

    def made(connection: Connection) -> ReportChanged:
        with refusals():
            row = desk.hold_seen(connection, own, of.event, _within(call))
            act(connection, own, row.event_key, call.context.clock())
            row = desk.hold_seen(connection, own, row.event_key)
        assignee = connection.execute(select(Staff.login).where(Staff.id == row.assignee_id)).scalar()
        return ReportChanged(ref=own, event=row.event_key, state=row.state, assignee=assignee)

    return call.once(made)


@contextmanager
def refusals() -> Iterator[None]:
    try:
        yield
    except UnknownReport as error:
        raise not_found(str(error.args[0])) from None
    except MoveRefused as error:
        raise Problem(409, str(error)) from None


def _ref(written: str) -> str:
    ref = read_ref(written)
    if ref is None:
        raise not_found("That is no ref: a sign is wrong or missing.")
    return ref


def _within(call: Call) -> list[ColumnElement[bool]]:
    return [reports_of(call.caller)] if call.caller.bound else []


def _shown(call: Call, row: Any) -> dict[str, Any]:
    kept = ("ref", "state", "category", "kind", "urgency", "place", "because", "witnesses", "photos", "assignee",
            "event", "lat", "lon")  # fmt: skip
    return {name: row[name] for name in kept} | {
        "text": call.words(row["text"]),
        "opened_at": row["opened"],
        "updated_at": row["updated"],
    }
