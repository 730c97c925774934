"""Saved segments: listed, saved, replaced, and taken into a new broadcast."""

from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy import Connection

from faults import fault
from gateway.accounts import audit
from gateway.accounts.viewer import Permission, Viewer
from gateway.audience.bounds import lies_within
from gateway.audience.saved import MAX_NAME_LENGTH, SegmentNameError, all_segments, find_segment, save_segment
from gateway.console.access import allowed
from gateway.console.broadcasts.desk import PATH, audience_for, engine_of, sentence_of, utc_now
from gateway.console.broadcasts.lines import TypedRule
from gateway.console.broadcasts.look import count
from gateway.console.forms import Form, form_of
from gateway.console.shell import leave, page, told
from gateway.database import reading
from segments import RuleError, parse

router = APIRouter(include_in_schema=False)
SEGMENTS = f"{PATH}/segments"


@dataclass(frozen=True)
class Shown:
    """A saved segment, what it says, and whether the viewer may change it."""

    saved: Any
    sentence: str
    mine: bool


@router.get(SEGMENTS)
def list_them(request: Request, viewer: Viewer = Depends(allowed(Permission.SEE_BROADCASTS))) -> Response:
    return _page(request, viewer)


@router.post(SEGMENTS)
def save(
    request: Request, viewer: Viewer = Depends(allowed(Permission.WRITE_BROADCASTS)), form: Form = Depends(form_of)
) -> Response:
    """Keep a rule under a name, or put another rule under it; or only count it."""
    name, replace = form.text("name", 200), form.ticked("replace")
    rule = TypedRule(text=form.raw("rule").strip())
    if form.raw("do") == "count":
        return _page(request, viewer, 200, name=name, rule=rule, replace=replace)
    now = utc_now()
    try:
        with form.acting() as connection:
            form.leads_to(SEGMENTS)
            audience = audience_for(connection, request, viewer, rule.text)
            known = find_segment(connection, name)
            if known and replace and not _within(known.rule, viewer):
                raise SegmentNameError(
                    fault(
                        "segment.outside",
                        "“{name}” is of people outside your areas; take another name.",
                        name=known.name,
                    )
                )
            save_segment(connection, name, audience, viewer.login, now, replace=replace)
            audit.record(
                connection, viewer.login, "segment.saved", f"segment:{name[:80]}", {"rule": audience.text}, now
            )
    except SegmentNameError as error:
        return _page(request, viewer, 422, name=name, rule=rule, replace=replace, problem=told(request, error))
    except RuleError as error:
        rule.error = error
        return _page(request, viewer, 422, name=name, rule=rule, replace=replace)
    return leave(request, SEGMENTS, "broadcasts.segment_saved", name=" ".join(name.split()))


def _page(
    request: Request, viewer: Viewer, status: int = 200, *, name: str = "", rule: TypedRule | None = None,
    replace: bool = False, problem: str = "",
) -> Response:  # fmt: skip
    rule = rule or TypedRule()
    with reading(engine_of(request)) as connection:
        counted = count(connection, request, viewer, rule)
        shown = _shown(connection, request, viewer)
    return page(
        request, "broadcasts/segments.html", status, shown=shown, name=name, rule=rule, replace=replace,
        problem=problem, counted=counted, most=MAX_NAME_LENGTH,
    )  # fmt: skip


def _shown(connection: Connection, request: Request, viewer: Viewer) -> list[Shown]:
    found = all_segments(connection)
    if not found:
        return []
    return [Shown(one, sentence_of(connection, request, one.rule), _within(one.rule, viewer)) for one in found]


def _within(rule: str, viewer: Viewer) -> bool:
    try:
        return lies_within(parse(rule), viewer.areas)
    except RuleError:
        return viewer.areas.everywhere
