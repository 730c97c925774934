"""Making and changing a draft: one form for audience and words, which keeps all that was typed when it is refused."""

from typing import Any

from fastapi import APIRouter, Depends, Request, Response

from gateway.accounts import audit
from gateway.accounts.viewer import Permission, Viewer
from gateway.audience.saved import all_segments, find_segment
from gateway.broadcasts.drafts import BroadcastError, DraftChanged, change_draft, draft_of, find, marks_of, new_draft
from gateway.console.access import allowed
from gateway.console.broadcasts.desk import PATH, at, directory_of, engine_of, row_of, terms_of, utc_now
from gateway.console.broadcasts.lines import TypedLine, TypedRule
from gateway.console.broadcasts.look import fragments
from gateway.console.broadcasts.one import Problems, show_one, work_out
from gateway.console.broadcasts.typed import Typed
from gateway.console.forms import Form, form_of
from gateway.console.shell import leave, page, told
from gateway.database import reading
from gateway.rules.broadcast_life import CHANGEABLE
from segments import RuleError

router = APIRouter(include_in_schema=False)
_WRITES = allowed(Permission.WRITE_BROADCASTS)
NEW = f"{PATH}/new"
_SAVING = ("save", "save_preview")


@router.get(NEW)
def new_page(request: Request, viewer: Viewer = Depends(_WRITES)) -> Response:
    """An empty draft, or one for a saved segment (`?segment=` with its name)."""
    typed = Typed(rule=TypedRule(lines=[TypedLine("city")]))
    with reading(engine_of(request)) as connection:
        saved = find_segment(connection, request.query_params.get("segment", "")[:200])
    if saved:
        typed.rule = TypedRule.of_text(saved.rule)
    return _new(request, viewer, typed)


@router.post(NEW)
def make(request: Request, viewer: Viewer = Depends(_WRITES), form: Form = Depends(form_of)) -> Response:
    """Keep a new draft; or, with another button, only show the form again with what it means and costs."""
    typed = Typed.read(form)
    do = form.text("do", 40)
    _arrange(request, typed, do)
    if do not in _SAVING or not _ready(typed):
        return _new(request, viewer, typed, 422 if do in _SAVING else 200)
    now = utc_now()
    try:
        draft = typed.draft({})
        with form.acting() as connection:
            directory, terms = directory_of(connection), terms_of(request)
            key = new_draft(connection, draft, directory, terms, viewer.login, now, viewer.areas)
            form.leads_to(at(key))
            rule = find(connection, key).rule
            audit.record(connection, viewer.login, "broadcast.draft", f"broadcast:{key}", {"rule": rule}, now)
    except RuleError as error:
        typed.rule.error = error
        return _new(request, viewer, typed, 422)
    except BroadcastError as error:
        return _new(request, viewer, typed, 422, _named(request, error))
    return _saved(request, key, do)


@router.post(f"{PATH}/{{key}}")
def change(key: str, request: Request, viewer: Viewer = Depends(_WRITES), form: Form = Depends(form_of)) -> Response:
    """Change a draft, which takes its approval back; refused if somebody else changed it since the form was opened."""
    typed = Typed.read(form)
    do = form.text("do", 40)
    _arrange(request, typed, do)
    if do not in _SAVING or not _ready(typed):
        return show_one(request, viewer, key, 422 if do in _SAVING else 200, typed=typed)
    now = utc_now()
    try:
        with form.acting() as connection:
            row = row_of(connection, viewer, key)
            draft = typed.draft(draft_of(row).defaults)
            directory, terms = directory_of(connection), terms_of(request)
            change_draft(connection, key, draft, directory, terms, viewer.login, now, viewer.areas, typed.opened_on)
            form.leads_to(at(key))
            rule = find(connection, key).rule
            audit.record(connection, viewer.login, "broadcast.change", f"broadcast:{key}", {"rule": rule}, now)
    except RuleError as error:
        typed.rule.error = error
        return show_one(request, viewer, key, 422, typed=typed)
    except DraftChanged as refused:
        return _conflict(request, viewer, key, typed, refused)
    except BroadcastError as error:
        return show_one(request, viewer, key, 422, typed=typed, problems=_named(request, error))
    return _saved(request, key, do)


def _saved(request: Request, key: str, do: str) -> Response:
    if do == "save_preview":
        return work_out(request, key)
    return leave(request, at(key), "broadcasts.saved")


def _new(
    request: Request, viewer: Viewer, typed: Typed, status: int = 200, problems: dict[str, str] | None = None
) -> Response:
    with reading(engine_of(request)) as connection:
        values = fragments(connection, request, viewer, typed)
        values["saved"] = all_segments(connection)
    return page(
        request, "broadcasts/new.html", status, **values, problems=Problems(problems or {}), action=NEW, conflict=None,
        current=None,
    )  # fmt: skip


def _arrange(request: Request, typed: Typed, do: str) -> None:
    """Do what a button of the form asks for within it: a line more or less, a segment taken, a letter replaced."""
    act, _, what = do.partition(":")
    if act == "add":
        typed.rule.agree()
        typed.rule.add(what or typed.adding)
    elif act == "remove" and what.isdecimal() and int(what) < len(typed.rule.lines):
        del typed.rule.lines[int(what)]
        typed.rule.agree("form")
    elif act == "replace":
        typed.replace_letters(what)
        typed.rule.agree()
    elif act == "segment":
        with reading(engine_of(request)) as connection:
            saved = find_segment(connection, what)
        if saved:
            typed.rule = TypedRule.of_text(saved.rule)
    else:
        typed.rule.agree()


def _ready(typed: Typed) -> bool:
    """Whether form and text of the audience say one rule that can be read."""
    return not typed.rule.error and not any(line.problem for line in typed.rule.lines)


def _named(request: Request, error: BroadcastError) -> dict[str, str]:
    return {error.about: told(request, error)}


def _conflict(request: Request, viewer: Viewer, key: str, typed: Typed, refused: DraftChanged) -> Response:
    """Show what somebody else changed beside what is typed; the form then stands on the draft as it is now."""
    with reading(engine_of(request)) as connection:
        row = row_of(connection, viewer, key)
    draft: Any = draft_of(row)
    typed.opened_on = marks_of(draft)
    if row.state not in CHANGEABLE:
        return show_one(request, viewer, key, 409, typed=typed)
    theirs = {part: getattr(draft, part) for part in refused.parts}
    return show_one(request, viewer, key, 409, typed=typed, conflict=theirs)
