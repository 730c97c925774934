"""The moves of a broadcast as forms: each once, by the viewer's login, within their areas, and in the audit log."""

import contextlib
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from faults import fault
from gateway.accounts import audit
from gateway.accounts.viewer import Permission, Viewer
from gateway.broadcasts import moves
from gateway.broadcasts.drafts import BroadcastError
from gateway.broadcasts.plan import plan_chunk
from gateway.broadcasts.schedules import When, moment_in, schedule, unschedule
from gateway.broadcasts.trial import send_test
from gateway.console.access import allowed
from gateway.console.broadcasts.desk import PATH, at, engine_of, row_of, terms_of, utc_now
from gateway.console.broadcasts.one import WEEKDAYS, show_one, work_out
from gateway.console.forms import Form, form_of
from gateway.console.shell import leave, told, visit_of
from gateway.console.told import recalled, told_plain
from gateway.database import reading
from segments import RuleError

router = APIRouter(prefix=f"{PATH}/{{key}}", include_in_schema=False)
_WRITES, _APPROVES = allowed(Permission.WRITE_BROADCASTS), allowed(Permission.APPROVE_BROADCASTS)
Act = Callable[[Connection, datetime], Mapping[str, Any]]


def _act(request: Request, viewer: Viewer, form: Form, key: str, what: str, act: Act) -> Response:
    """Do one move in one transaction with its line of the audit log; a refusal is told on the broadcast's page."""
    now = utc_now()
    try:
        with form.acting() as connection:
            row = row_of(connection, viewer, key)
            detail = act(connection, now)
            form.leads_to(at(key))
            audit.record(connection, viewer.login, f"broadcast.{what}", f"broadcast:{key}", detail, now)
    except (BroadcastError, RuleError) as error:
        return leave(request, at(key), "broadcasts.refused", "bad", why=told_plain(visit_of(request).language, error))
    return leave(request, at(key), f"broadcasts.did_{what}", name=row.name)


@router.post("/preview")
def preview(key: str, request: Request, viewer: Viewer = Depends(_WRITES), form: Form = Depends(form_of)) -> Response:
    """Work out who would get it and what it costs, from the database as it is now."""
    with reading(engine_of(request)) as connection:
        row_of(connection, viewer, key)
    return work_out(request, key)


@router.post("/test")
def test(key: str, request: Request, viewer: Viewer = Depends(_WRITES), form: Form = Depends(form_of)) -> Response:
    """Send every language's text to the viewer's own phone."""

    def act(connection: Connection, now: datetime) -> Mapping[str, Any]:
        sent = send_test(connection, key, viewer.login, terms_of(request), now, form.text("city", 60))
        return {"texts": sent}

    return _act(request, viewer, form, key, "test", act)


@router.post("/ask")
def ask(key: str, request: Request, viewer: Viewer = Depends(_WRITES), form: Form = Depends(form_of)) -> Response:
    def act(connection: Connection, now: datetime) -> Mapping[str, Any]:
        moves.ask_approval(connection, key, form.text("digest", 64), viewer.login, now)
        return {"digest": form.text("digest", 64)}

    return _act(request, viewer, form, key, "ask", act)


@router.post("/approve")
def approve(key: str, request: Request, viewer: Viewer = Depends(_APPROVES), form: Form = Depends(form_of)) -> Response:
    """Approve the numbers that the form was shown with, and no others."""

    def act(connection: Connection, now: datetime) -> Mapping[str, Any]:
        moves.approve(connection, key, form.text("digest", 64), viewer.login, terms_of(request), now)
        return {"digest": form.text("digest", 64)}

    return _act(request, viewer, form, key, "approve", act)


@router.post("/start")
def start(key: str, request: Request, viewer: Viewer = Depends(_APPROVES), form: Form = Depends(form_of)) -> Response:
    begun: list[int] = []

    def act(connection: Connection, now: datetime) -> Mapping[str, Any]:
        moves.may_decide(connection, viewer.login)
        broadcast_id = moves.begin(connection, key, viewer.login, terms_of(request), now)
        begun.extend([] if broadcast_id is None else [broadcast_id])
        return {"held_by_alarm": broadcast_id is None}

    answer = _act(request, viewer, form, key, "start", act)
    for broadcast_id in begun:
        # It has started, whatever comes now: what this cannot plan, the clock does.
        with contextlib.suppress(RuleError, SQLAlchemyError):
            plan_chunk(engine_of(request), broadcast_id, terms_of(request), utc_now(), first=True)
    return answer


@router.post("/pause")
def pause(key: str, request: Request, viewer: Viewer = Depends(_WRITES), form: Form = Depends(form_of)) -> Response:
    def act(connection: Connection, now: datetime) -> Mapping[str, Any]:
        moves.pause(connection, key, viewer.login, now, form.text("reason", 160))
        return {"reason": form.text("reason", 160)}

    return _act(request, viewer, form, key, "pause", act)


@router.post("/resume")
def resume(key: str, request: Request, viewer: Viewer = Depends(_APPROVES), form: Form = Depends(form_of)) -> Response:
    """Go on where it stopped; of one that an alarm holds, only by who has seen that very alarm."""

    def act(connection: Connection, now: datetime) -> Mapping[str, Any]:
        row = row_of(connection, viewer, key)
        if row.alarm and form.text("alarm", 12) != row.alarm:
            raise BroadcastError(
                fault(
                    "broadcast.other_alarm",
                    "Another alarm holds it now: {reason}",
                    reason=recalled(row.state_reason) or row.state_reason,
                )
            )
        moves.resume(connection, key, viewer.login, terms_of(request), now)
        return {"let_pass": row.alarm}

    return _act(request, viewer, form, key, "resume", act)


@router.post("/cancel")
def cancel(key: str, request: Request, viewer: Viewer = Depends(_WRITES), form: Form = Depends(form_of)) -> Response:
    def act(connection: Connection, now: datetime) -> Mapping[str, Any]:
        moves.cancel(connection, key, viewer.login, now, form.text("reason", 160))
        return {"reason": form.text("reason", 160)}

    return _act(request, viewer, form, key, "cancel", act)


@router.post("/unschedule")
def take_schedule(
    key: str, request: Request, viewer: Viewer = Depends(_WRITES), form: Form = Depends(form_of)
) -> Response:
    def act(connection: Connection, now: datetime) -> Mapping[str, Any]:
        unschedule(connection, key, viewer.login, now)
        return {}

    return _act(request, viewer, form, key, "unschedule", act)


@router.post("/schedule")
def set_schedule(
    key: str, request: Request, viewer: Viewer = Depends(_APPROVES), form: Form = Depends(form_of)
) -> Response:
    """Let it start by itself: once at a day and time, or every day or week at a time, on the clock of an event."""
    now = utc_now()
    given = {name: form.text(name, 60) for name in ("repeat", "day", "time", "weekday", "zone")}
    try:
        when = _when(given)
        with form.acting() as connection:
            row = row_of(connection, viewer, key)
            first = schedule(connection, key, when, viewer.login, now)
            form.leads_to(at(key))
            detail = {"cron": when.cron, "zone": when.zone, "first": first.isoformat()}
            audit.record(connection, viewer.login, "broadcast.schedule", f"broadcast:{key}", detail, now)
    except BroadcastError as error:
        return show_one(request, viewer, key, 422, problems={"schedule": told(request, error)}, given=given)
    return leave(request, at(key), "broadcasts.did_schedule", name=row.name)


def _when(given: Mapping[str, str]) -> When:
    """:raises BroadcastError: a time that is none"""
    try:
        zone = ZoneInfo(given["zone"])
    except (KeyError, ValueError, OSError):
        raise BroadcastError(fault("broadcast.zone", "There is no time zone “{zone}”.", zone=given["zone"])) from None
    if given["repeat"] in ("daily", "weekly"):
        at_time = moment_in(f"2000-01-01 {given['time']}", zone)
        weekday = given["weekday"] if given["repeat"] == "weekly" else "*"
        if weekday != "*" and weekday not in WEEKDAYS:
            raise BroadcastError(fault("broadcast.choose_day", "Choose a day of the week."))
        return When(zone.key, cron=f"{at_time.minute} {at_time.hour} * * {weekday}")
    if not given["day"] or not given["time"]:
        raise BroadcastError(fault("broadcast.day_and_time", "Give the day and the time."))
    return When(zone.key, at=moment_in(f"{given['day']} {given['time']}", zone))
