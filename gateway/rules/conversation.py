"""The values that a decision is made of: who texts, what is known, what we answer, what changes.

A command's handler is a function of these values and `now`; it touches no database. `inbound.effects` carries the
effects out. `evolve` says what an effect does to the sender, so that the second text of one person in a group of texts
is decided on what the first one changed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from gateway.rules.report_life import CLOSED, REOPENED
from gateway.rules.report_talk import RecentReport, Sorting
from keywords import Command

QUESTION_LIFETIME = timedelta(hours=12)

SeatKey = tuple[str, int]
"""A constituency's code and the year of its delimitation: ("NA-130", 2024)."""


@dataclass(frozen=True, slots=True)
class Word:
    """A word of the reply catalogue's own, such as a compass direction, said in the reader's language; a phrase has
    placeholders of its own, filled from `values`."""

    key: str
    values: Mapping[str, "Value"] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Plain:
    """Something put in as it stands in every language, such as a link, which marks of direction would break."""

    text: str


@dataclass(frozen=True, slots=True)
class Listed:
    """Several values, said one after the other with the reader's own comma between them."""

    values: tuple["Value", ...]


Value = str | Word | Plain | Listed | Mapping[str, str]
"""What a placeholder is filled with: words as they are, a catalogue word, a list, or a name per language."""


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer: a wording of the catalogue and what fills its placeholders.

    `shorter` are other ways to say it, the best first, for when this one takes more parts than its language allows, or
    than `most_parts` where that is set: each gives the values that are others than in `values`.
    """

    wording: str
    values: Mapping[str, Value] = field(default_factory=dict)
    shorter: tuple[Mapping[str, Value], ...] = ()
    most_parts: int = 0


@dataclass(frozen=True, slots=True)
class Question:
    """The one question that a sender has open; after `expires_at` (aware UTC) their text is no answer to it."""

    kind: str
    data: Mapping[str, object]
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class MemberState:
    """How a member is filed. `city` is a place's key; `affinities` a mask of bits."""

    name: str = ""
    city: str | None = None
    constituency: SeatKey | None = None
    provincial: SeatKey | None = None
    affinities: int = 0
    joined_at: datetime | None = None
    invite_code: str | None = None
    referrer_id: int | None = None


@dataclass(frozen=True, slots=True)
class SenderState:
    """What is on record about one phone number. `consent` is "none", "joined" or "stopped"."""

    key: str
    language: str | None = None
    consent: str = "none"
    question: Question | None = None
    misses: int = 0
    replies_since: datetime | None = None
    replies: int = 0
    last_reply: str | None = None
    member: MemberState | None = None
    id: int = field(default=0, compare=False)
    """The row of the sender in the database; no part of what is known about them."""
    reports: tuple[RecentReport, ...] = ()
    """The sender's own reports of late; read only for a text that may be about one."""
    status_asked: int = 0
    """How many reports of others they asked for in the last hour; read likewise."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One text to decide on, understood as far as its words go. `media` counts pictures and the like, `carrier` and
    `carrier_id` tell it from others."""

    command: Command
    body: str
    sender: SenderState
    language: str
    now: datetime
    media: int = 0
    carrier: str = ""
    carrier_id: str = ""

    @property
    def argument(self) -> str:
        return self.command.argument

    def answering(self, kind: str) -> Question | None:
        """Return the open question if it is of this kind and has not expired."""
        question = self.sender.question
        return question if question and question.kind == kind and question.expires_at > self.now else None


class Effect:
    """Something that a decision changes. Every subclass is a frozen dataclass of plain values."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class EnrolMember(Effect):
    """The sender's own JOIN: makes the member, or files the one there is anew; consent goes with it."""

    member: MemberState


@dataclass(frozen=True, slots=True)
class FileUnder(Effect):
    """A member's new filing after CITY, GROUP or an answer; the old one is kept as history."""

    member: MemberState


@dataclass(frozen=True, slots=True)
class RecordConsent(Effect):
    """A line of the ledger. `action` is join, stop, start, stop-topic or start-topic; `scope` is "all" or a topic."""

    action: str
    scope: str = "all"
    reason: str = ""


@dataclass(frozen=True, slots=True)
class AskQuestion(Effect):
    """Leaves one question open; it takes the place of any other."""

    question: Question


@dataclass(frozen=True, slots=True)
class CloseQuestion(Effect):
    """The open question is answered or no longer stands."""


@dataclass(frozen=True, slots=True)
class SetLanguage(Effect):
    language: str


@dataclass(frozen=True, slots=True)
class GiveInvite(Effect):
    """A member's own code to pass on."""

    code: str


@dataclass(frozen=True, slots=True)
class CreditInvite(Effect):
    """A new member was brought by somebody's code."""

    referrer_id: int


@dataclass(frozen=True, slots=True)
class EraseSender(Effect):
    """Everything about the sender goes, but a keyed hash of the number; `stopped` says whether it holds an opt-out."""

    stopped: bool


@dataclass(frozen=True, slots=True)
class Told:
    """A text by which part of a report was told: its carrier's id, its words, and how many pictures came with it."""

    carrier: str
    carrier_id: str
    words: str
    media: int = 0


@dataclass(frozen=True, slots=True)
class OpenReport(Effect):
    """A new iReport under a ref that was reserved for this text; `media` counts its pictures.

    `told` is given where it was told by texts that were no command; this one is among them if it says more than yes.
    """

    ref: str
    text: str
    sorting: Sorting = field(default_factory=Sorting)
    media: int = 0
    language: str = "en"
    at: datetime | None = None
    told: tuple[Told, ...] = ()


@dataclass(frozen=True, slots=True)
class ContinueReport(Effect):
    """More text for the sender's own report. `sorting` is the new one if the text changes it, `told` as when opened."""

    ref: str
    text: str
    sorting: Sorting | None = None
    media: int = 0
    at: datetime | None = None
    told: tuple[Told, ...] = ()


@dataclass(frozen=True, slots=True)
class AnswerFixed(Effect):
    """The reporter's answer to "fixed?": yes closes the report, no opens it again; `text` is in their own words."""

    ref: str
    fixed: bool
    text: str


@dataclass(frozen=True, slots=True)
class CountStatus(Effect):
    """The sender asked for a report that is not theirs."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What one text leads to: at most one reply, and effects in order."""

    reply: Reply | None
    effects: tuple[Effect, ...] = ()
    miss: bool = False
    """Nothing was understood; counts towards the help that grows and then falls silent."""


def ask(kind: str, now: datetime, **data: object) -> AskQuestion:
    """Return the effect that leaves a question open for `QUESTION_LIFETIME`."""
    return AskQuestion(Question(kind, data, now + QUESTION_LIFETIME))


def evolve(sender: SenderState, effect: Effect) -> SenderState:
    """Return the sender as it is once the effect is on record."""
    match effect:
        case EnrolMember(member):
            return replace(sender, member=member, consent="joined")
        case FileUnder(member):
            return replace(sender, member=member)
        case RecordConsent(action="stop", scope="all"):
            return replace(sender, consent="stopped", question=None)
        case RecordConsent(action="start", scope="all"):
            return replace(sender, consent="joined" if sender.member else "none")
        case AskQuestion(question):
            return replace(sender, question=question)
        case CloseQuestion():
            return replace(sender, question=None)
        case SetLanguage(language):
            return replace(sender, language=language)
        case GiveInvite(code) if sender.member:
            return replace(sender, member=replace(sender.member, invite_code=code))
        case OpenReport(ref, text, sorting, at=at) if at:
            opened = RecentReport(ref, "received", sorting, at, at, at, not text)
            return replace(sender, reports=(opened, *sender.reports))
        case ContinueReport(ref, text, sorting, at=at) if at:
            return _with_report(sender, ref, sorting=sorting, last_text_at=at, empty=False)
        case AnswerFixed(ref, fixed):
            return _with_report(sender, ref, state=CLOSED if fixed else REOPENED)
        case CountStatus():
            return replace(sender, status_asked=sender.status_asked + 1)
        case EraseSender(stopped):
            return SenderState(sender.key, consent="stopped" if stopped else "none", id=sender.id)
        case _:
            return sender


def _with_report(sender: SenderState, ref: str, **changed: Any) -> SenderState:
    changed = {name: value for name, value in changed.items() if value is not None}
    return replace(sender, reports=tuple(replace(one, **changed) if one.ref == ref else one for one in sender.reports))
