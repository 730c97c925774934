"""The vocabulary and the words of triage: add, take out, and try how a text is read."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request, Response

from faults import fault
from gateway.accounts.viewer import Viewer
from gateway.console.access import NotFound
from gateway.console.forms import Form, form_of
from gateway.console.settings_area.common import (
    CHANGES,
    PATH,
    base_settings,
    changing,
    held_now,
    language_choices,
)
from gateway.console.shell import console_of, leave, page, told
from gateway.overrides import vocabulary
from gateway.overrides.store import OverrideError
from gateway.overrides.vocabulary import COMMANDS, Spelling, Tried
from gateway.reports import triage_words
from gateway.reports.triage import TriageRules, Verdict, load_triage
from gateway.reports.triage_words import LABELS, triage_in_force
from keywords import SAFETY, WordChange

router = APIRouter(prefix=PATH, include_in_schema=False)


@router.get("/vocabulary")
def words(request: Request, viewer: Viewer = Depends(CHANGES)) -> Response:
    return _words(request, _command(request.query_params.get("command", "JOIN")))


def _words(
    request: Request, command: str, problem: Any = "", status: int = 200, tried: Tried | None = None, **typed: Any
) -> Response:
    held = held_now(request)
    spelt = vocabulary.spellings(held.files, held.stored, command)
    by_language: list[tuple[str, str, Sequence[Spelling]]] = [
        (language, name, [one for one in spelt if one.language == language]) for language, name in language_choices()
    ]
    return page(
        request, "settings/vocabulary.html", status,
        command=command, commands=COMMANDS, groups=by_language, safe=command in SAFETY, tried=tried, problem=problem,
        audience=vocabulary.audience_of_command(command), languages=language_choices(),
        typed={"word": "", "language": "en", "weak": False, "text": ""} | typed,
    )  # fmt: skip


@router.post("/vocabulary")
def add_word(request: Request, viewer: Viewer = Depends(CHANGES), form: Form = Depends(form_of)) -> Response:
    change = _change(form)
    back = f"{PATH}/vocabulary?{urlencode({'command': change.command})}"
    directory = console_of(request).service.reference().directory
    try:
        with changing(request, form, back) as (connection, held, now):
            vocabulary.add_word(connection, held.files, held.stored, change, directory, viewer.login, now)
    except OverrideError as error:
        return _words(
            request,
            change.command,
            told(request, error),
            422,
            word=change.written,
            language=change.language,
            weak=change.weak,
        )
    return leave(request, back, "settings.word_added", word=change.written, command=change.command)


@router.post("/vocabulary/remove")
def remove_word(request: Request, viewer: Viewer = Depends(CHANGES), form: Form = Depends(form_of)) -> Response:
    change = _change(form)
    back = f"{PATH}/vocabulary?{urlencode({'command': change.command})}"
    try:
        with changing(request, form, back) as (connection, held, now):
            vocabulary.remove_word(connection, held.files, held.stored, held.catalogue, change, viewer.login, now)
    except OverrideError as error:
        return _words(request, change.command, told(request, error), 422)
    return leave(request, back, "settings.word_removed", word=change.written, command=change.command)


@router.post("/vocabulary/try")
def try_text(request: Request, viewer: Viewer = Depends(CHANGES), form: Form = Depends(form_of)) -> Response:
    """How a text is read now, and why. It is posted, so that no text stands in an address."""
    text = form.text("text", 1_000)
    held = held_now(request)
    tried = vocabulary.try_text(text, held.vocabulary, held.settings.short_code) if text else None
    return _words(request, _command(form.text("command", 20)), tried=tried, text=text)


def _command(given: str) -> str:
    if given not in COMMANDS:
        raise NotFound
    return given


def _change(form: Form) -> WordChange:
    language = form.text("language", 10)
    if language not in dict(language_choices()):
        raise NotFound
    return WordChange(form.text("word", 200), _command(form.text("command", 20)), language, form.ticked("weak"))


# Triage --------------------------------------------------------------------------------------------------------------


@router.get("/triage")
def triage(request: Request, viewer: Viewer = Depends(CHANGES)) -> Response:
    return _triage(request, _label(request.query_params.get("label", LABELS[0])))


def _rules(request: Request) -> tuple[TriageRules, TriageRules]:
    files = load_triage(*base_settings(request).triage_files)
    return files, triage_in_force(files, held_now(request).stored)


def _triage(
    request: Request, label: str, problem: Any = "", status: int = 200, verdict: Verdict | None = None, **typed: Any
) -> Response:
    _, rules = _rules(request)
    changed = held_now(request).values(triage_words.KIND).get(label, {})
    shown = [
        (" ".join(rule.words) + ("*" if rule.stem else ""), rule.weight) for rule in rules.rules if rule.label == label
    ]
    shown.sort(key=lambda one: (-one[1], one[0]))
    return page(
        request, "settings/triage.html", status,
        label=label, labels=LABELS, words=shown, changed=sorted(changed.items()), verdict=verdict, problem=problem,
        typed={"phrase": "", "weight": "3", "text": ""} | typed,
    )  # fmt: skip


@router.post("/triage")
def weigh(request: Request, viewer: Viewer = Depends(CHANGES), form: Form = Depends(form_of)) -> Response:
    label, phrase, weight = _label(form.text("label", 40)), form.text("phrase", 200), form.number("weight")
    back = f"{PATH}/triage?{urlencode({'label': label})}"
    to_files = form.ticked("files")
    try:
        if weight is None and not to_files:
            raise OverrideError(
                fault("triage.weight_whole", "A weight is a whole number from -9 to 9; 0 takes a word out.")
            )
        with changing(request, form, back) as (connection, _, now):
            triage_words.set_word(connection, label, phrase, None if to_files else weight, viewer.login, now)
    except OverrideError as error:
        return _triage(request, label, told(request, error), 422, phrase=phrase, weight=form.text("weight", 5))
    return leave(request, back, "settings.word_weighed", word=phrase)


@router.post("/triage/try")
def try_triage(request: Request, viewer: Viewer = Depends(CHANGES), form: Form = Depends(form_of)) -> Response:
    """What a report of these words would be taken for, and which words decided."""
    text = form.text("text", 1_000)
    _, rules = _rules(request)
    return _triage(request, _label(form.text("label", 40)), verdict=rules.judge(text) if text else None, text=text)


def _label(given: str) -> str:
    if given not in LABELS:
        raise NotFound
    return given
