"""What staff do to a report by a form. Each is one transaction that acts once, on the report as the person saw it."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy import Connection, Row

from gateway.accounts.phones import RevealRefused, reveal_phone
from gateway.accounts.viewer import Permission, Viewer, may
from gateway.console.access import NotAllowed, NotFound, allowed
from gateway.console.forms import Form, form_of
from gateway.console.reports.one import BY_ORGANISERS, known_ref, show
from gateway.console.reports.view import address, refused_words, within
from gateway.console.shell import console_of, leave, render
from gateway.database import reading
from gateway.reports import queue as desk
from gateway.reports.moves import UnknownReport
from gateway.reports.notices import Notifier
from gateway.reports.paging import call_help
from gateway.rules.message_parts import cheapest, count_parts
from gateway.rules.refs import read_ref
from gateway.rules.report_life import MoveRefused

router = APIRouter(prefix="/console/reports/{ref}")
_WORKS = allowed(Permission.WORK_REPORTS)
_SORTS = allowed(Permission.SORT_REPORTS)
_MOST_NOTE = 1_000
Do = Callable[[Connection, Row[Any], datetime, Notifier], Any]


def _act(
    request: Request, viewer: Viewer, form: Form, ref: str, do: Do, key: str, *, as_seen: bool = True, **said: Any
) -> Response:
    """Do something to a report that its form was made for, and go back to it; a refusal shows the page again, with
    what was typed. `as_seen`: only if it has not moved since the person looked."""
    ref, event = known_ref(ref), form.text("event", 60) or None
    notifier = console_of(request).service.notifier
    result: Any = None
    try:
        with form.acting() as connection:
            form.leads_to(address(ref, event))
            seen = form.text("seen", 60) if as_seen else ""
            row = desk.hold_seen(connection, ref, event, within(viewer), seen)
            result = do(connection, row, datetime.now(UTC), notifier)
    except UnknownReport:
        raise NotFound from None
    except MoveRefused as refused:
        typed = {name: form.text(name, _MOST_NOTE) for name in ("text", "note", "into", "place") if form.raw(name)}
        return show(request, viewer, ref, event, 409, problem=refused_words(request, refused), typed=typed)
    if isinstance(result, int):
        said["n"] = result
    return leave(request, address(ref, event), f"reports.did.{key}", ref=ref, **said)


@router.post("/take")
def take(ref: str, request: Request, viewer: Viewer = Depends(_WORKS), form: Form = Depends(form_of)) -> Response:
    def do(connection: Connection, row: Row[Any], now: datetime, notifier: Notifier) -> None:
        desk.take(connection, row.ref, viewer.login, now, notifier, row.event_key)

    return _act(request, viewer, form, ref, do, "taken", as_seen=False)


@router.post("/done")
def done(ref: str, request: Request, viewer: Viewer = Depends(_WORKS), form: Form = Depends(form_of)) -> Response:
    """Solved; the note goes to the reporter."""

    def do(connection: Connection, row: Row[Any], now: datetime, notifier: Notifier) -> None:
        note = form.text("note", _MOST_NOTE)
        desk.move(connection, row.ref, "resolved", viewer.login, note, now, notifier, row.event_key)

    return _act(request, viewer, form, ref, do, "done")


@router.post("/help")
def call(ref: str, request: Request, viewer: Viewer = Depends(_WORKS), form: Form = Depends(form_of)) -> Response:
    def do(connection: Connection, row: Row[Any], now: datetime, notifier: Notifier) -> int:
        return call_help(connection, row, viewer.login, now, notifier)

    return _act(request, viewer, form, ref, do, "called", as_seen=False)


@router.post("/note")
def note(ref: str, request: Request, viewer: Viewer = Depends(_WORKS), form: Form = Depends(form_of)) -> Response:
    def do(connection: Connection, row: Row[Any], now: datetime, notifier: Notifier) -> None:
        if not (words := form.text("note", _MOST_NOTE)):
            raise MoveRefused("A note needs words.", "empty_note")
        desk.note(connection, row.ref, words, viewer.login, now, row.event_key)

    return _act(request, viewer, form, ref, do, "noted", as_seen=False)


@router.post("/reply")
def reply(ref: str, request: Request, viewer: Viewer = Depends(_WORKS), form: Form = Depends(form_of)) -> Response:
    """Text the reporter, and those of the duplicates."""

    def do(connection: Connection, row: Row[Any], now: datetime, notifier: Notifier) -> int:
        return desk.reply(connection, row.ref, form.text("text"), viewer.login, now, notifier, row.event_key)

    return _act(request, viewer, form, ref, do, "replied", as_seen=False)


@router.post("/parts")
def parts(ref: str, request: Request, viewer: Viewer = Depends(_WORKS), form: Form = Depends(form_of)) -> Response:
    """Say how many parts the reply that is being written takes: as a fragment to the script, else on the page."""
    found, event, words = known_ref(ref), form.text("event", 60) or None, form.text("text")
    with reading(console_of(request).engine) as connection:
        try:
            told = desk.story(connection, found, event, within(viewer))
        except UnknownReport:
            raise NotFound from None
        body = desk.worded_reply(connection, told["id"], words, console_of(request).service.notifier)
    counted = {"parts": count_parts(cheapest(body)).parts, "letters": len(words), "body": body, "empty": not words}
    if form.ticked("fragment"):
        return Response(render(request, "reports/parts.html", counted=counted), media_type="text/html")
    return show(request, viewer, found, event, typed={"text": words}, counted=counted)


@router.post("/assign")
def assign(ref: str, request: Request, viewer: Viewer = Depends(_WORKS), form: Form = Depends(form_of)) -> Response:
    login = form.text("login", 60)

    def do(connection: Connection, row: Row[Any], now: datetime, notifier: Notifier) -> None:
        if login == viewer.login:
            desk.take(connection, row.ref, login, now, notifier, row.event_key)
        else:
            desk.assign(connection, row.ref, login, viewer.login, now, notifier, row.event_key)

    return _act(request, viewer, form, ref, do, "assigned", name=login)


@router.post("/correct")
def correct(ref: str, request: Request, viewer: Viewer = Depends(_WORKS), form: Form = Depends(form_of)) -> Response:
    def do(connection: Connection, row: Row[Any], now: datetime, notifier: Notifier) -> None:
        changed: dict[str, Any] = {name: form.text(name, 20) or None for name in ("category", "kind")}
        if form.raw("urgency"):
            urgency = form.number("urgency")
            changed["urgency"] = urgency if urgency is not None else form.text("urgency", 20)
        changed["place"] = " ".join(form.text("place", 120).split())
        desk.correct(connection, row.ref, viewer.login, now, row.event_key, **changed)

    return _act(request, viewer, form, ref, do, "corrected", as_seen=False)


@router.post("/move")
def move(ref: str, request: Request, viewer: Viewer = Depends(_WORKS), form: Form = Depends(form_of)) -> Response:
    """Move along the table of moves; closing it or giving it up is for those who sort reports."""
    to = form.text("to", 20)
    if to in BY_ORGANISERS and not may(viewer, Permission.SORT_REPORTS):
        raise NotAllowed(Permission.SORT_REPORTS)

    def do(connection: Connection, row: Row[Any], now: datetime, notifier: Notifier) -> None:
        words = form.text("note", _MOST_NOTE)
        desk.move(connection, row.ref, to, viewer.login, words, now, notifier, row.event_key)

    return _act(request, viewer, form, ref, do, "moved")


@router.post("/merge")
def merge(ref: str, request: Request, viewer: Viewer = Depends(_SORTS), form: Form = Depends(form_of)) -> Response:
    """Make this one a duplicate of `into`, or with `from` that one a duplicate of this."""

    def do(connection: Connection, row: Row[Any], now: datetime, notifier: Notifier) -> None:
        typed = form.text("into", 20) or form.text("from", 20)
        other = read_ref(typed)
        if other is None:
            raise MoveRefused(f"{typed!r} is no ref: a sign is wrong or missing.", "no_ref", ref=typed)
        try:
            desk.hold_seen(connection, other, row.event_key, within(viewer))
        except UnknownReport:
            raise MoveRefused(f"There is no report {other}.", "no_report", ref=other) from None
        ref, into = (other, row.ref) if form.raw("from") else (row.ref, other)
        desk.merge(connection, ref, into, viewer.login, now, notifier, row.event_key)

    return _act(request, viewer, form, ref, do, "merged", as_seen=False)


@router.post("/refuse")
def refuse(ref: str, request: Request, viewer: Viewer = Depends(_SORTS), form: Form = Depends(form_of)) -> Response:
    """Refuse the proposal that this one and another are about the same, whichever came first."""

    def do(connection: Connection, row: Row[Any], now: datetime, notifier: Notifier) -> None:
        other = read_ref(form.text("other", 20)) or ""
        desk.hold_seen(connection, other, row.event_key, within(viewer))
        desk.refuse(connection, row.ref, other, viewer.login, now, row.event_key)
        desk.refuse(connection, other, row.ref, viewer.login, now, row.event_key)

    return _act(request, viewer, form, ref, do, "refused", as_seen=False)


@router.post("/split")
def split(ref: str, request: Request, viewer: Viewer = Depends(_SORTS), form: Form = Depends(form_of)) -> Response:
    def do(connection: Connection, row: Row[Any], now: datetime, notifier: Notifier) -> None:
        desk.split(connection, row.ref, viewer.login, now, notifier, row.event_key)

    return _act(request, viewer, form, ref, do, "split")


@router.post("/reveal")
def reveal(
    ref: str,
    request: Request,
    viewer: Viewer = Depends(allowed(Permission.REVEAL_PHONES)),
    form: Form = Depends(form_of),
) -> Response:
    """Show the reporter's number, this once, with a reason that stands in the audit log."""
    found, event = known_ref(ref), form.text("event", 60) or None
    try:
        with form.acting() as connection:
            form.leads_to(address(found, event))
            row = desk.hold_seen(connection, found, event, within(viewer))
            number = reveal_phone(connection, viewer, row.sender_id, form.text("reason", 160), datetime.now(UTC))
    except UnknownReport:
        raise NotFound from None
    except RevealRefused as refused:
        words = MoveRefused("The number is not shown.", f"reveal_{refused.reason}")
        return show(request, viewer, found, event, 422, problem=refused_words(request, words))
    return show(request, viewer, found, event, phone=number)
