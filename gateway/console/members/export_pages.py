"""Export members as a file: whose rule and areas, for a reason, and on record before the first byte leaves."""

from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, Depends, Request, Response
from starlette.responses import StreamingResponse

from gateway.accounts import audit
from gateway.accounts.viewer import Permission, Viewer, may
from gateway.audience.rules import Audience, read_audience
from gateway.console.access import FRESH_FOR, GoTo, allowed
from gateway.console.forms import Form, form_of
from gateway.console.members.shared import PATH, directory_of, sealed, unsealed
from gateway.console.shell import console_of, page, told, visit_of
from gateway.database import reading, writing
from gateway.members.exporting import as_csv, as_xlsx, count_export, export_rows
from segments import RuleError, describe

router = APIRouter(prefix=PATH, include_in_schema=False)
_EXPORTS = allowed(Permission.EXPORT_MEMBERS)
_KINDS: dict[str, tuple[Any, str]] = {
    "csv": (as_csv, "text/csv; charset=utf-8"),
    "xlsx": (as_xlsx, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
}


@router.get("/export")
def ask_export(request: Request, viewer: Viewer = Depends(_EXPORTS)) -> Response:
    """The form; what was typed before the person had to prove who they are is still there."""
    kept = unsealed(request, request.query_params.get("with", "")[:2_000])
    typed = {name: str(kept.get(name, "")) for name in ("rule", "reason", "kind")}
    return _form(request, viewer, typed | {"rule": typed["rule"] or "all"})


def _form(
    request: Request, viewer: Viewer, typed: dict[str, str], problem: str = "", words: str = "", status: int = 200,
    counted: int | None = None, sentence: str = "",
) -> Response:  # fmt: skip
    return page(
        request, "members/export.html", status, typed=typed, problem=problem, words=words, counted=counted,
        sentence=sentence, whole=may(viewer, Permission.REVEAL_PHONES),
        step_up=console_of(request).settings.export_step_up_above,
    )  # fmt: skip


@router.post("/export")
def export(request: Request, viewer: Viewer = Depends(_EXPORTS), form: Form = Depends(form_of)) -> Response:
    """Count what a rule means, or send the file. Downloading twice is twice on record."""
    console, now = console_of(request), datetime.now(UTC)
    typed = {
        "rule": form.text("rule", 2_000) or "all",
        "reason": form.text("reason", 160),
        "kind": form.text("kind", 5),
    }
    try:
        audience = _audience(request, typed["rule"], now)
    except RuleError as error:
        return _form(request, viewer, typed, "rule", told(request, error), 422)
    condition = audience.condition(heed_stops=False) & viewer.areas.members()
    with reading(console.engine) as connection:
        counted = count_export(connection, condition, now)
    if form.text("act", 10) == "count":
        sentence = describe(audience.rule, audience.atlas, "ur" if visit_of(request).language == "ur" else "en")
        return _form(request, viewer, typed, counted=counted, sentence=sentence)
    if len(typed["reason"]) < 3:
        return _form(request, viewer, typed, "reason", status=422, counted=counted)
    if typed["kind"] not in _KINDS:
        return _form(request, viewer, typed, "kind", status=422, counted=counted)
    fresh = viewer.fresh_at is not None and now - viewer.fresh_at <= FRESH_FOR
    if counted > console.settings.export_step_up_above and not fresh:
        raise GoTo(f"/console/again?next={PATH}/export%3Fwith%3D{sealed(request, typed)}")
    reveal = may(viewer, Permission.REVEAL_PHONES)
    detail = {"rule": audience.text, "members": counted, "kind": typed["kind"], "reason": typed["reason"]}
    detail |= {"areas": sorted(viewer.areas.cities | viewer.areas.seats), "numbers": "whole" if reveal else "masked"}
    with writing(console.engine) as connection:
        audit.record(connection, viewer.login, "members.exported", "members", detail, now)
    write, kind = _KINDS[typed["kind"]]
    rows = export_rows(console.engine, condition, directory_of(request), now, console.settings.zone, reveal=reveal)
    name = f"members-{now.astimezone(console.settings.zone):%Y-%m-%d}.{typed['kind']}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(write(rows), media_type=kind, headers=headers)


def _audience(request: Request, rule: str, now: datetime) -> Audience:
    settings = console_of(request).settings
    return read_audience(
        rule, directory_of(request), now, zone=settings.zone, default_language=settings.default_language
    )
