"""The first page of the settings, the latest changes, and the history of one thing with a way back."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy import Connection

from gateway.accounts.viewer import Viewer
from gateway.console.access import NotFound
from gateway.console.forms import Form, form_of
from gateway.console.settings_area.common import CHANGES, PATH, changing, held_now
from gateway.console.shell import console_of, leave, page, told
from gateway.database import reading
from gateway.overrides import limits, vocabulary, wordings
from gateway.overrides.carrier_account import KIND as ACCOUNT
from gateway.overrides.carrier_account import SECRET
from gateway.overrides.in_force import InForce
from gateway.overrides.store import Override, OverrideError, history, lately, version_of
from gateway.reports import triage_words

router = APIRouter(prefix=PATH, include_in_schema=False)
PAGES = ("replies", "vocabulary", "triage", "groups", "events", "sending", "carriers", "keys")
_LATELY = 30


@router.get("")
def overview(request: Request, viewer: Viewer = Depends(CHANGES)) -> Response:
    """Every kind of setting, what is stored but cannot be used, and the latest changes."""
    held = held_now(request)
    before = request.query_params.get("before", "")
    older_than = int(before) if before.isascii() and before.isdecimal() and len(before) < 18 else None
    with reading(console_of(request).engine) as connection:
        rows = lately(connection, _LATELY + 1, older_than)
    older = rows[_LATELY - 1][0] if len(rows) > _LATELY else None
    changes = [(one, place_of(one.kind, one.key), shown(one)) for _, one in rows[:_LATELY]]
    problems = [(kind, key, told(request, why)) for (kind, key), why in held.problems.items()]
    return page(
        request,
        "settings/overview.html",
        pages=PAGES,
        changes=changes,
        problems=problems,
        older=older,
        paged=older_than,
    )


@router.get("/history")
def one_history(request: Request, viewer: Viewer = Depends(CHANGES)) -> Response:
    return _history(request, request.query_params.get("kind", "")[:20], request.query_params.get("key", "")[:120])


def _history(request: Request, kind: str, key: str, problem: Any = "", status: int = 200) -> Response:
    with reading(console_of(request).engine) as connection:
        versions = history(connection, kind, key)
    if not versions:
        raise NotFound
    return page(
        request, "settings/history.html", status,
        kind=kind, key=key, versions=[(one, shown(one)) for one in versions], place=place_of(kind, key),
        can_revert=kind in _REVERTS, problem=problem,
    )  # fmt: skip


@router.post("/history")
def revert(request: Request, viewer: Viewer = Depends(CHANGES), form: Form = Depends(form_of)) -> Response:
    """Go back to an earlier version, or to the built-in (version 0); it becomes the newest version."""
    kind, key, version = form.text("kind", 20), form.text("key", 120), form.number("version")
    if kind not in _REVERTS or version is None:
        raise NotFound
    back = f"{PATH}/history?{urlencode({'kind': kind, 'key': key})}"
    try:
        with changing(request, form, back) as (connection, held, now):
            value = version_of(connection, kind, key, version).value if version else None
            _REVERTS[kind](connection, held, key, value, viewer.login, now)
    except OverrideError as error:
        return _history(request, kind, key, told(request, error), 422)
    return leave(request, back, "settings.reverted")


def _revert_reply(connection: Connection, held: InForce, key: str, value: Any, by: str, now: datetime) -> None:
    language, _, wording = key.split("/", 2)
    wordings.set_wording(connection, language, wording, value, held.vocabulary, by, now)


def _revert_words(connection: Connection, held: InForce, key: str, value: Any, by: str, now: datetime) -> None:
    language, _, command = key.partition("/")
    vocabulary.restore(connection, held.files, held.stored, language, command, value, by, now)


def _revert_setting(connection: Connection, held: InForce, key: str, value: Any, by: str, now: datetime) -> None:
    limits.set_limit(connection, held.settings, key, None if value is None else str(value), by, now)


def _revert_triage(connection: Connection, held: InForce, key: str, value: Any, by: str, now: datetime) -> None:
    triage_words.restore(connection, key, value, by, now)


_REVERTS: dict[str, Callable[[Connection, InForce, str, Any, str, datetime], None]] = {
    wordings.KIND: _revert_reply,
    vocabulary.KIND: _revert_words,
    limits.KIND: _revert_setting,
    triage_words.KIND: _revert_triage,
}


def place_of(kind: str, key: str) -> str:
    """Return the address of the page where a thing is changed."""
    language, _, rest = key.partition("/")
    if kind == wordings.KIND:
        return f"{PATH}/replies/{language}/{rest.partition('/')[2]}"
    if kind == vocabulary.KIND:
        return f"{PATH}/vocabulary?{urlencode({'command': rest})}"
    if kind == triage_words.KIND:
        return f"{PATH}/triage?{urlencode({'label': key})}"
    return f"{PATH}/carriers" if kind in (ACCOUNT, SECRET) else f"{PATH}/sending"


def shown(one: Override) -> str:
    """Return what a version says, in a line; nothing of a secret."""
    if one.value is None or one.kind == SECRET:
        return ""
    if isinstance(one.value, dict) and one.kind == vocabulary.KIND:
        signs = {"words": "+", "weak": "+ ", "removed": "−"}
        return " ".join(f"{signs.get(name, '')}{word}" for name, some in one.value.items() for word in some)
    if isinstance(one.value, dict):
        return ", ".join(f"{word} {weight:+d}" for word, weight in one.value.items())
    return str(one.value)
