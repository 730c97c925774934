"""Replies per language: the list, one reply with its parts, its history."""

from typing import Any

from fastapi import APIRouter, Depends, Request, Response

from gateway.accounts.viewer import Viewer
from gateway.console.access import NotFound
from gateway.console.forms import Form, form_of
from gateway.console.settings_area.common import (
    CHANGES,
    LANGUAGE_NAMES,
    PATH,
    changing,
    held_now,
    language_choices,
)
from gateway.console.shell import console_of, data_json, leave, page, told
from gateway.database import reading
from gateway.overrides import wordings
from gateway.overrides.store import OverrideError, history
from gateway.replies.catalogue import load_catalogue
from gateway.replies.checks import MOST_PARTS, USUAL, Judged

router = APIRouter(prefix=PATH, include_in_schema=False)


@router.get("/replies")
def replies(request: Request, viewer: Viewer = Depends(CHANGES)) -> Response:
    """Every reply of one language, with its parts; the filter is in the address."""
    asked = request.query_params
    language = asked.get("language", "en")
    if language not in LANGUAGE_NAMES:
        raise NotFound
    words, changed = asked.get("q", "").strip()[:60], bool(asked.get("changed"))
    held = held_now(request)
    rows = [
        one
        for one in wordings.list_wordings(held.catalogue, held.stored, language)
        if (one.changed or not changed) and words.casefold() in f"{one.key} {one.text}".casefold()
    ]
    return page(
        request, "settings/replies.html",
        rows=rows, language_of=language, languages=language_choices(), words=words, changed=changed,
    )  # fmt: skip


@router.get("/replies/{language}/{key}")
def reply(language: str, key: str, request: Request, viewer: Viewer = Depends(CHANGES)) -> Response:
    return _reply(request, language, key)


def _reply(
    request: Request, language: str, key: str, problem: Any = "", status: int = 200,
    judged: Judged | None = None, typed: str | None = None,
) -> Response:  # fmt: skip
    held = held_now(request)
    try:
        one = wordings.wording_of(held.catalogue, held.stored, language, key)
    except OverrideError:
        raise NotFound from None
    with reading(console_of(request).engine) as connection:
        versions = history(connection, wordings.KIND, wordings.store_key(language, "replies", key), 1)
    catalogue = load_catalogue()
    usual = {name: catalogue.say(USUAL.get(name, "words"), language) for name in one.placeholders}
    others = [
        (other, name, wordings.wording_of(held.catalogue, held.stored, other, key))
        for other, name in LANGUAGE_NAMES.items()
        if other != language
    ]
    return page(
        request, "settings/reply.html", status,
        one=one, language_name=LANGUAGE_NAMES[language], text=one.text if typed is None else typed, judged=judged,
        problem=problem, usual=data_json(usual), most=MOST_PARTS[language], others=others,
        version=versions[0].version if versions else 0,
    )  # fmt: skip


@router.post("/replies/{language}/{key}")
def change_reply(
    language: str, key: str, request: Request, viewer: Viewer = Depends(CHANGES), form: Form = Depends(form_of)
) -> Response:
    """Save, look at, or go back to the built-in words."""
    act, typed = form.text("act", 10), form.text("text", 1_000)
    back = f"{PATH}/replies/{language}/{key}"
    try:
        if act == "look":
            judged = wordings.judge(language, key, typed, held_now(request).vocabulary)
            return _reply(request, language, key, judged=judged, typed=typed)
        text = None if act == "reset" else typed
        with changing(request, form, back) as (connection, held, now):
            _, judged_or_none = wordings.set_wording(
                connection, language, key, text, held.vocabulary, viewer.login, now, form.number("version")
            )
    except OverrideError as error:
        return _reply(request, language, key, told(request, error), 422, typed=typed)
    if judged_or_none is None:
        return leave(request, back, "settings.reply_reset")
    return leave(request, back, "settings.reply_saved", n=judged_or_none.parts)
