"""From one text and what is known to all that it leads to: the decision, how the sender then stands, and our words.

A function of values, so that it may be called ahead of the transaction, and what it said be taken over there as long as
the values are the same.
"""

import traceback
from dataclasses import dataclass
from datetime import datetime

import structlog

from gateway.carriers.received import ReceivedText
from gateway.inbound.decide import InboundWords, Snapshot, decide, language_of
from gateway.rules.conversation import Decision, MemberState, SenderState, SetLanguage, evolve
from gateway.rules.manners import with_manners
from gateway.rules.message_parts import cheapest
from keywords import Command

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Conclusion:
    """What became of one text. `sender` is as they stand after it; `body` is None where nothing is answered."""

    decision: Decision
    sender: SenderState
    before: tuple[MemberState | None, ...]
    """How the member was filed before each of the decision's effects."""
    body: str | None
    wording: str
    language: str
    flagged: bool
    """It broke something and was answered with help: a person has to look at it."""


def conclude(
    text: ReceivedText, command: Command, snapshot: Snapshot, now: datetime, *, broken: bool = False
) -> Conclusion:
    """Return what a text leads to. A text on which deciding fails is flagged and counts as a miss; whoever calls has to
    bear that wording the answer fails.

    :param broken: the text is known to break its group; it is not decided on
    :param now: aware UTC
    """
    flagged = broken
    language = language_of(text.body, command, snapshot, now)
    try:
        decision = Decision(None, miss=True) if flagged else decide(words_of(text), command, snapshot, language, now)
    except Exception as error:
        log_failure("decision_failed", text, error)
        decision, flagged = Decision(None, miss=True), True
    sender = snapshot.sender
    if sender.language is None and not decision.miss:
        sender = evolve(sender, SetLanguage(language))
    before = []
    for effect in decision.effects:
        before.append(sender.member)
        sender = evolve(sender, effect)
    sender, reply = with_manners(sender, decision, now)
    if sender.language and sender.language != snapshot.sender.language:
        language = sender.language  # "LANG UR" is answered in Urdu
    body = cheapest(snapshot.reference.catalogue.render(reply, language)) if reply else None
    wording = reply.wording if reply else ""
    return Conclusion(decision, sender, tuple(before), body, wording, language, flagged)


def words_of(text: ReceivedText) -> InboundWords:
    return InboundWords(text.body, len(text.media), text.opt_out_type, text.carrier, text.carrier_id)


def log_failure(event: str, text: ReceivedText, error: Exception) -> None:
    """Log where in the code it failed, but not the error's words: they may quote the text."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    log.error(event, carrier_id=text.carrier_id, error=type(error).__name__, at=f"{last.filename}:{last.lineno}")
