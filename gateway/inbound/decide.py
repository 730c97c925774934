"""From a text and what is known to one decision: which command it is, and which handler answers it. Pure.

A command wins over an open question; a text that is no command is taken as the answer to the question, unless it looks
like STOP. STOP itself comes before everything.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

import keywords
from gateway.inbound.reference import Reference
from gateway.members import commands as members
from gateway.members import consent
from gateway.members.filing import answer_filing
from gateway.members.invites import Inviter, credit, invite, read_invite
from gateway.pickups import marshals
from gateway.pickups import seats as seating
from gateway.pickups import where as pickups
from gateway.pickups.seats import SeatView
from gateway.reports import commands as reports
from gateway.reports.commands import ReportDesk, ReportState
from gateway.reports.field import FieldBoard, decide_field
from gateway.rules.conversation import Asked, CloseQuestion, Decision, Reply, SenderState
from keywords import Command

_ARABIC_SCRIPT = re.compile(r"[\u0600-\u06ff\u0750-\u077f\ufb50-\ufdff\ufe70-\ufeff]")


@dataclass(frozen=True, slots=True)
class InboundWords:
    """The words of one received text, as far as a decision depends on them."""

    body: str
    media: int = 0
    opt_out_type: str | None = None
    carrier: str = ""
    carrier_id: str = ""


@dataclass(frozen=True)
class Snapshot:
    """What is known when a text is decided."""

    sender: SenderState
    reference: Reference
    fresh_ref: str
    """A report ref that is reserved for this text."""
    reports: Mapping[str, ReportState] = field(default_factory=dict)
    """The reports whose refs the group's texts ask for."""
    inviters: Mapping[str, Inviter] = field(default_factory=dict)
    """The members whose invite codes the group's texts name."""
    seats: SeatView = field(default_factory=SeatView)
    """Filled for the commands of `SEAT_COMMANDS` only."""
    board: FieldBoard | None = None
    """What field staff's commands need; None if the group has none."""

    @property
    def desk(self) -> ReportDesk:
        return ReportDesk(self.reference.sorter, self.fresh_ref, bool(self.reference.staff))


SEAT_COMMANDS = frozenset({"SEAT", "YES", "CANCEL", "STEPS"})
"""Commands that turn on who holds a seat; STOP belongs to them as long as it may be a seat holder's "cancel"."""

_UNCLEAR = frozenset({"ask_city_again", "where_unknown", "where_unknown_plain", "erase_kept"})
"""What we say where a text is no answer that we know of to our question."""
_NOBODY_OF_OURS: frozenset[str] = frozenset()
_FIELD_STAFF = frozenset({"field"})
_MARSHAL = frozenset({"marshal"})


def audience_of(key: str, reference: Reference) -> frozenset[str]:
    """Return whose words count from this sender: those of field staff only from a registered staff phone."""
    audience = _FIELD_STAFF if key in reference.staff else _NOBODY_OF_OURS
    return audience | _MARSHAL if key in reference.pickups.marshals else audience


def understand(words: InboundWords, reference: Reference, audience: frozenset[str] = frozenset()) -> Command:
    """Return the command of a text; what the carrier has already understood counts before our own reading.

    :param audience: what the sender is beside a person who texts: "marshal", "seat-holder"
    """
    command = keywords.parse(
        words.body, short_code=reference.short_code, audience=audience, vocabulary=reference.vocabulary
    )
    if words.opt_out_type and command.name != words.opt_out_type:
        return Command(words.opt_out_type, reason="OptOutType of the carrier", scope="all", language=command.language)
    return command


def decide(words: InboundWords, command: Command, snapshot: Snapshot, language: str, now: datetime) -> Decision:
    """Return what one text leads to.

    :param command: what `understand` made of the words
    :param language: what `language_of` made of them
    :param now: aware UTC
    """
    asked = Asked(
        command=command,
        body=words.body,
        sender=snapshot.sender,
        language=language,
        now=now,
        media=words.media,
        carrier=words.carrier,
        carrier_id=words.carrier_id,
    )
    decision = _decide(asked, snapshot)
    if words.opt_out_type:
        # The carrier has answered already; a second confirmation would be one too many.
        return Decision(None, decision.effects)
    return decision


def language_of(body: str, command: Command, snapshot: Snapshot, now: datetime) -> str:
    """Return the language to answer in: Urdu script in Urdu, else the sender's own, else that of the sentence, of the
    keyword if it is not the default's (everybody writes "yes"), or of our open question."""
    if snapshot.sender.language in (None, "ur") and _ARABIC_SCRIPT.search(body):
        return "ur"
    if snapshot.sender.language:
        return snapshot.sender.language
    written = keywords.language_of(body, snapshot.reference.vocabulary)
    question, default = snapshot.sender.question, snapshot.reference.default_language
    asked_in = str(question.data.get("language", "")) if question and question.expires_at > now else ""
    return written or (command.language if command.language != default else None) or asked_in or default


def _decide(asked: Asked, snapshot: Snapshot) -> Decision:
    handler = _HANDLERS.get(asked.command.name or "")
    if handler:
        decision = handler(asked, snapshot)
        if decision is not None:
            return decision
    if snapshot.board and (me := snapshot.reference.staff.get(asked.sender.key)):
        decision = decide_field(asked, snapshot.board.staff.get(me.id, me), snapshot.board, snapshot.fresh_ref)
        if decision is not None:
            return decision
    vocabulary = snapshot.reference.vocabulary
    near_stop = keywords.looks_like_stop(asked.body, vocabulary=vocabulary, command=asked.command)
    if not near_stop:
        decision = _answer(asked, snapshot)
    elif asked.command.name is None:
        decision = consent.stop_for_known_topic(asked, snapshot.reference.directory)
    else:
        decision = None
    if decision is not None:
        unclear = decision.reply and decision.reply.wording in _UNCLEAR and asked.command.name is None
        return (reports.offer(asked, snapshot.desk, answers=True) if unclear else None) or decision
    may_be_stop = keywords.may_wish_to_stop(asked.body, vocabulary=vocabulary, near=near_stop)
    if asked.sender.reports and (found := reports.more(asked, snapshot.desk, may_be_stop=may_be_stop)):
        return found
    if asked.command.name is None and (found := _whereabouts(asked, snapshot.reference, may_be_stop=may_be_stop)):
        return found
    if asked.command.name is None and not may_be_stop and (found := reports.offer(asked, snapshot.desk)):
        return found
    return Decision(Reply("miss_stop") if may_be_stop else None, miss=True)


def _whereabouts(asked: Asked, reference: Reference, *, may_be_stop: bool) -> Decision | None:
    """Answer a position, a question after something that only the gazetteer knows to be a place, or one about the ride
    that names none; not where it may be a wish to stop, which is told how first."""
    found = pickups.answer_position(asked, reference.pickups)
    if found or may_be_stop:
        return found
    named = keywords.place_asked(asked.body, short_code=reference.short_code, vocabulary=reference.vocabulary)
    if named == "":
        return pickups.answer_home(asked, reference.pickups, reference.directory)
    return pickups.answer_named(named, asked, reference.pickups, reference.directory) if named else None


def _answer(asked: Asked, snapshot: Snapshot) -> Decision | None:
    """Take a text that is no command, nor like STOP, as the answer to the open question, if there is one and it can
    be one."""
    question = asked.sender.question
    if question is None or question.expires_at <= asked.now:
        return None
    directory = snapshot.reference.directory
    match question.kind:
        case "filing":
            member = asked.sender.member
            return answer_filing(asked.body, question, member, directory, asked.now) if member else None
        case "where":
            return pickups.answer_where(asked, snapshot.reference.pickups, directory)
        case pickups.OFFERED:
            return pickups.answer_offer(asked, snapshot.reference.pickups, directory)
        case marshals.QUESTION:
            return marshals.answer_marshal(asked, question, snapshot.reference.pickups)
        case "report":
            return reports.answer_report(asked, snapshot.desk)
        case "trouble":
            return reports.answer_trouble(asked, snapshot.desk)
        case "language":
            language = members.language_named(asked.body)
            return members.lang_saved(language) if language else None
        case "erase":
            return Decision(Reply("erase_kept"), (CloseQuestion(),))
        case _:
            return None


def _help(asked: Asked, snapshot: Snapshot) -> Decision:
    return Decision(Reply("help"))


def _join(asked: Asked, snapshot: Snapshot) -> Decision:
    argument, code = read_invite(asked.argument)
    if code:
        asked = replace(asked, command=replace(asked.command, argument=argument))
    return credit(asked, code, snapshot.inviters, members.join(asked, snapshot.reference.directory))


def _start(asked: Asked, snapshot: Snapshot) -> Decision:
    return consent.start(asked)


def _status(asked: Asked, snapshot: Snapshot) -> Decision | None:
    return reports.status(asked, snapshot.reports, snapshot.fresh_ref, snapshot.reference.zone)


def _yes(asked: Asked, snapshot: Snapshot) -> Decision | None:
    if asked.answering(pickups.OFFERED):
        return _seat(asked, snapshot)
    return consent.yes(asked) or reports.trouble_told(asked, snapshot.desk) or reports.fixed(asked)


def _seat(asked: Asked, snapshot: Snapshot) -> Decision:
    return seating.seat(asked, snapshot.reference.pickups, snapshot.reference.directory, snapshot.seats)


def _steps(asked: Asked, snapshot: Snapshot) -> Decision:
    hold = snapshot.seats.hold
    return pickups.steps(asked, snapshot.reference.pickups, hold.point_id if hold else None)


def _marshal(asked: Asked, snapshot: Snapshot) -> Decision | None:
    return marshals.marshal(asked, snapshot.reference.pickups)


_HANDLERS: Mapping[str, Callable[[Asked, Snapshot], Decision | None]] = {
    "STOP": lambda asked, known: consent.stop(asked, known.reference.directory),
    "START": _start,
    "YES": _yes,
    "NO": lambda asked, known: reports.no_trouble(asked) or reports.not_fixed(asked),
    "HELP": _help,
    "JOIN": _join,
    "WHERE": lambda asked, known: pickups.where(asked, known.reference.pickups, known.reference.directory),
    "MORE": lambda asked, known: pickups.more(asked, known.reference.pickups),
    "STEPS": _steps,
    "SEAT": _seat,
    "CANCEL": lambda asked, known: seating.cancel(asked, known.reference.pickups, known.seats),
    **dict.fromkeys(("FULL", "OPEN", "LATE", "LEFT", "COUNT"), _marshal),
    "REPORT": lambda asked, known: reports.report(asked, known.desk),
    "STATUS": _status,
    "ME": lambda asked, known: members.me(asked, known.reference.directory),
    "LANG": lambda asked, known: members.lang(asked),
    "CITY": lambda asked, known: members.city(asked, known.reference.directory),
    "GROUP": lambda asked, known: members.group(asked, known.reference.directory),
    "INVITE": lambda asked, known: invite(asked, known.reference.invite_key, known.reference.short_code),
    "ERASE": lambda asked, known: members.erase(asked),
}
"""Every command that we know, and the room that answers it."""
