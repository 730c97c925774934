"""REPORT, STATUS and the reporter's side of the conversation, decided from values."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from gateway.reports.sorting import Sorter
from gateway.reports.triage import PAGED
from gateway.rules.conversation import (
    AnswerFixed,
    Asked,
    CloseQuestion,
    ContinueReport,
    CountStatus,
    Decision,
    Listed,
    OpenReport,
    Reply,
    Told,
    Value,
    Word,
    ask,
)
from gateway.rules.manners import hears_of_misses, replies_lately
from gateway.rules.refs import read_ref
from gateway.rules.report_talk import (
    MOST_AN_HOUR,
    MOST_STATUS_AN_HOUR,
    RecentReport,
    Sorting,
    newest,
    opened_of_late,
    raised,
    same_matter,
)
from orthography import words

MAX_REPORT_LENGTH = 1_600
ADDED_REPLIES = 6
"""Answers in five minutes after which a further addition is kept without one."""
_PLACE_SHOWN = 24
TROUBLE = "trouble"
"""The question whether a text that was no command tells of a danger."""
_MOST_TOLD = 5
"""Texts that one question remembers."""
_DANGERS = PAGED | {"lost"}
_SPEAKS, _SPEAKS_BESIDE_A_QUESTION = 4, 5
"""What triage's words must weigh: more than "hospital" (3), which is part of many a place's name."""
_ASSENT = frozenset(words("yes yeah yep haan han ji jee ہاں جی"))
_FIRST_WORDS = 3
_NO_WORDS = frozenset(words("no not nope nahi nahin nhi nai still abhi نہیں نہ ابھی"))
_YES_WORDS = frozenset(words("yes haan han ji fixed done thanks thank shukriya ہاں جی شکریہ"))


@dataclass(frozen=True, slots=True)
class ReportState:
    """What anyone who has the ref may know of a report: its state, which is its parent's while it is a duplicate."""

    ref: str
    state: str
    updated_at: datetime


@dataclass(frozen=True)
class ReportDesk:
    """What the decisions here need beside the sender."""

    sorter: Sorter
    fresh_ref: str
    """A ref that is reserved for this text."""
    someone_to_call: bool
    """Whether any of the staff can be texted."""


def report(asked: Asked, desk: ReportDesk) -> Decision:
    """Open an iReport under the reserved ref, or continue the one that this is about.

    A report without words asks what is wrong and keeps the ref; a phone that has opened `MOST_AN_HOUR` within the hour
    adds to the newest one that fits.
    """
    text = asked.argument.strip()[:MAX_REPORT_LENGTH]
    mine = asked.sender.reports
    if not text and (told := trouble_told(asked, desk)):
        return told
    if not text and not asked.media:
        waiting = next((one for one in mine if one.empty and one.is_open), None)
        ref = waiting.ref if waiting else desk.fresh_ref
        opened = () if waiting else (_opening(asked, ref, "", Sorting(urgency=0)),)
        return Decision(Reply("report_ask", {"ref": ref}), (*opened, ask("report", asked.now, ref=ref)))
    return _taken(asked, desk, text)


def _taken(asked: Asked, desk: ReportDesk, text: str) -> Decision:
    mine = asked.sender.reports
    sorting = desk.sorter.sort(text)
    same = newest(one for one in mine if one.continues(asked.now) and (one.empty or same_matter(one.sorting, sorting)))
    if same:
        return _added(asked, desk, same, text, sorting)
    if opened_of_late(mine, asked.now) >= MOST_AN_HOUR:
        fitting = [one for one in mine if one.sorting.category == sorting.category] or mine
        kept = newest(one for one in fitting if one.is_open) or newest(fitting)
        assert kept is not None
        return _added(asked, desk, kept, text, sorting, wording="report_grouped")
    return _opened(asked, desk, text, sorting)


def offer(asked: Asked, desk: ReportDesk, *, answers: bool = False) -> Decision | None:
    """Ask back whether a text that is no command is to be a report, where it may tell of a danger; else None.

    :param answers: the text may as well be an answer to what we have asked: more has to speak for a danger then

    Who sees somebody fall does not look for the keyword first. Nothing is opened before they have said so: of a
    hundred ordinary texts triage takes four for a danger. What they have said before, while the question is open, is
    kept with it.
    """
    if not hears_of_misses(asked.sender, asked.now):
        return None  # an answer that is not said leaves no question open either
    verdict = desk.sorter.rules.judge(asked.body)
    if verdict.kind != "help" or verdict.category not in _DANGERS:
        return None
    speaks = sum(verdict.scores.get(label, 0) for label in (f"category.{verdict.category}", "kind.help", "urgency.up"))
    if speaks + bool(verdict.spot) < (_SPEAKS_BESIDE_A_QUESTION if answers else _SPEAKS):
        return None
    texts = [asdict(one) for one in (*_asked_about(asked), _this(asked, asked.body))][-_MOST_TOLD:]
    return Decision(Reply("miss_trouble"), (ask(TROUBLE, asked.now, texts=texts, language=asked.language),), miss=True)


def trouble_told(asked: Asked, desk: ReportDesk) -> Decision | None:
    """YES, or REPORT alone, after `offer`: what was asked about becomes a report. None if nothing was asked."""
    told = _asked_about(asked)
    pictures = [_this(asked, "")] if asked.media else []
    return _taken_as_told(asked, desk, [*told, *pictures]) if told else None


def answer_trouble(asked: Asked, desk: ReportDesk) -> Decision | None:
    """Take "yes she is near the stage" as YES and more of the report; else None, and for a question back."""
    first = words(asked.body)[:_FIRST_WORDS]
    asks = asked.body.rstrip().endswith(("?", "؟"))
    if asks or not first or first[0] not in _ASSENT or not _NO_WORDS.isdisjoint(first):
        return None
    return _taken_as_told(asked, desk, [*_asked_about(asked), _this(asked, asked.body)])


def _taken_as_told(asked: Asked, desk: ReportDesk, texts: Sequence[Told]) -> Decision:
    """Take what these texts say as a report, with the pictures that came with them."""
    decision = _taken(asked, desk, "\n".join(one.words for one in texts if one.words)[:MAX_REPORT_LENGTH])
    media = sum(one.media for one in texts)
    effects = tuple(
        replace(effect, told=tuple(texts), media=media) if isinstance(effect, OpenReport | ContinueReport) else effect
        for effect in decision.effects
    )
    return replace(decision, effects=effects)


def _this(asked: Asked, words: str) -> Told:
    return Told(asked.carrier, asked.carrier_id, words.strip()[:MAX_REPORT_LENGTH], asked.media)


def _asked_about(asked: Asked) -> list[Told]:
    """Return the texts that `offer` has asked about, if it has and it still stands."""
    question = asked.answering(TROUBLE)
    texts: Any = question.data.get("texts", ()) if question else ()
    return [Told(**one) for one in texts]


def no_trouble(asked: Asked) -> Decision | None:
    """NO after `offer`. None if nothing was asked."""
    return Decision(Reply("help"), (CloseQuestion(),)) if asked.answering(TROUBLE) else None


def answer_report(asked: Asked, desk: ReportDesk) -> Decision | None:
    """Take a whole text as what is wrong, for the ref that was given when we asked."""
    text = asked.body.strip()[:MAX_REPORT_LENGTH]
    if not text and not asked.media:
        return None
    question = asked.answering("report")
    ref = str(question.data.get("ref", "")) if question else ""
    kept = next((one for one in asked.sender.reports if one.ref == ref), None)
    sorting = desk.sorter.sort(text)
    return _added(asked, desk, kept, text, sorting) if kept else _opened(asked, desk, text, sorting)


def more(asked: Asked, desk: ReportDesk, *, may_be_stop: bool) -> Decision | None:
    """Take a text that is no command as more of the sender's report, or as the answer to "fixed?"; else None.

    A text that is near an opt-out (`may_be_stop`) belongs to a report only if it tells of trouble: "stop them, they are
    beating people".
    """
    text = asked.body.strip()[:MAX_REPORT_LENGTH]
    if not text and not asked.media:
        return None
    current = newest(one for one in asked.sender.reports if one.continues(asked.now))
    waiting = newest(one for one in asked.sender.reports if one.awaits_answer(asked.now))
    if not current and not waiting:
        return None
    sorting = desk.sorter.sort(text)
    if may_be_stop and not sorting.pages:
        return None
    if current and (not waiting or current.last_text_at >= waiting.updated_at):
        return _added(asked, desk, current, text, sorting)
    assert waiting is not None
    first = words(text)[:1]
    if sorting.kind == "praise" or (first and first[0] in _YES_WORDS and sorting.category == "other"):
        return _answered(waiting, True, text)
    if (first and first[0] in _NO_WORDS) or sorting.category not in ("other", "praise", "information"):
        return _answered(waiting, False, text)
    return None


def fixed(asked: Asked) -> Decision | None:
    """YES to "fixed?": the report is closed. None if nothing was asked."""
    return _to_waiting(asked, True)


def not_fixed(asked: Asked) -> Decision | None:
    """NO to "fixed?": the report is opened again. None if nothing was asked."""
    return _to_waiting(asked, False)


def _to_waiting(asked: Asked, yes: bool) -> Decision | None:
    waiting = newest(one for one in asked.sender.reports if one.awaits_answer(asked.now))
    return _answered(waiting, yes, asked.body.strip()) if waiting else None


def _answered(waiting: RecentReport, yes: bool, text: str) -> Decision:
    wording = "report_closed" if yes else "report_reopened"
    effect = AnswerFixed(waiting.ref, yes, text[:MAX_REPORT_LENGTH])
    return Decision(Reply(wording, {"ref": waiting.ref}), (effect,))


def _opening(asked: Asked, ref: str, text: str, sorting: Sorting) -> OpenReport:
    return OpenReport(ref, text, sorting, asked.media, asked.language, asked.now)


def _opened(asked: Asked, desk: ReportDesk, text: str, sorting: Sorting) -> Decision:
    reply = Reply("report_opened", {"ref": desk.fresh_ref, "what": said(sorting), "next": _next(asked, desk, sorting)})
    return Decision(reply, (_opening(asked, desk.fresh_ref, text, sorting), CloseQuestion()))


def _added(
    asked: Asked, desk: ReportDesk, kept: RecentReport, text: str, sorting: Sorting, wording: str = "report_more"
) -> Decision:
    """Add to a report, and say so while few answers have left: an answering machine is not to be kept talking."""
    changed = sorting if kept.empty else raised(kept.sorting, sorting)
    effects = (ContinueReport(kept.ref, text, changed, asked.media, asked.now), CloseQuestion())
    if kept.empty:
        values = {"ref": kept.ref, "what": said(sorting), "next": _next(asked, desk, sorting)}
        return Decision(Reply("report_opened", values), effects)
    if changed and changed.pages and not kept.sorting.pages:
        values = {"ref": kept.ref, "what": said(changed), "next": _next(asked, desk, changed)}
        return Decision(Reply("report_raised", values), effects)
    told_already = asked.sender.last_reply == wording and not changed
    if told_already and (wording == "report_grouped" or replies_lately(asked.sender, asked.now) >= ADDED_REPLIES):
        return Decision(None, effects)
    return Decision(Reply(wording, {"ref": kept.ref}), effects)


def said(sorting: Sorting) -> Value:
    """Say category and place as the reporter reads them."""
    category: Value = Word(f"category_{sorting.category}")
    return Listed((category, sorting.place[:_PLACE_SHOWN])) if sorting.place else category


def _next(asked: Asked, desk: ReportDesk, sorting: Sorting) -> Value:
    if sorting.kind in ("praise", "noise"):
        return Word("next_noted")
    if sorting.pages and desk.someone_to_call:
        return Word("next_called")
    return Word("next_kept" if asked.sender.consent == "stopped" else "next_told")


def status(asked: Asked, reports: Mapping[str, ReportState], example: str, zone: ZoneInfo) -> Decision | None:
    """Say how a report stands; a mistyped ref is refused, not misread.

    The reporter sees what it was taken for too; anyone else with the ref sees its state only, and only so many refs in
    an hour.
    """
    typed = asked.argument.strip()
    own = newest(asked.sender.reports)
    if not typed:
        if own is None:
            return Decision(Reply("status_ask", {"ref": example}))
        return _own_status(own, zone)
    ref = read_ref(typed)
    mine = next((one for one in asked.sender.reports if one.ref == ref), None)
    if mine:
        return _own_status(mine, zone)
    if asked.sender.status_asked >= MOST_STATUS_AN_HOUR:
        again = asked.sender.last_reply == "status_too_often"
        return Decision(None if again else Reply("status_too_often"), (CountStatus(),))
    found = reports.get(ref) if ref else None
    if not found:
        return Decision(Reply("status_unknown", {"ref": typed[:12]}), (CountStatus(),))
    values: dict[str, Value] = {"ref": found.ref, "state": Word(found.state), "time": _time(found.updated_at, zone)}
    return Decision(Reply("status_answer", values), (CountStatus(),))


def _own_status(mine: RecentReport, zone: ZoneInfo) -> Decision:
    values: dict[str, Value] = {
        "ref": mine.ref,
        "what": said(mine.sorting),
        "state": Word(mine.state),
        "time": _time(mine.updated_at, zone),
    }
    return Decision(Reply("status_own", values))


def _time(moment: datetime, zone: ZoneInfo) -> str:
    return f"{moment.astimezone(zone):%d/%m %H:%M}"
