"""What became of each text of a group, and writing it: texts, replies, effects, in the group's one transaction."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gateway.carriers.received import Answer, ReceivedText
from gateway.inbound.conclusion import Conclusion
from gateway.inbound.effects import Done, Surroundings, carry_out
from gateway.inbound.reference import Reference
from gateway.inbound.senders import KnownSender
from gateway.inbox.threads import Unheard, note_reported, note_unheard
from gateway.outbox.enqueue import NewText, enqueue
from gateway.pipeline import Pipeline
from gateway.rules.conversation import ContinueReport, OpenReport, RecordConsent
from gateway.rules.message_parts import count_parts
from gateway.tables import InboundText, OutboundText
from keywords import Command

_inbound, _outbound = InboundText.__table__, OutboundText.__table__

_NOT_READ = frozenset({"ask_city_again"})
"""Wordings that ask once more because an answer in free words was not understood."""


@dataclass(slots=True)
class Outcome:
    """One new text, decided."""

    text: ReceivedText
    sender: KnownSender
    command: Command
    made: Conclusion


@dataclass(frozen=True, slots=True)
class Written:
    """The answer to each text, by carrier and the carrier's id, and the report refs that were used."""

    answers: Mapping[tuple[str, str], Answer]
    used_refs: frozenset[str]


def write_outcomes(
    pipeline: Pipeline,
    outcomes: Mapping[tuple[str, str], Outcome],
    reference: Reference,
    erasing_key: bytes,
    now: datetime,
) -> Written:
    """Write texts, replies and effects of a group.

    :param now: aware UTC
    """
    if not outcomes:
        return Written({}, frozenset())
    texts = [_inbound_row(one) for one in outcomes.values()]
    rows = pipeline.insert(_inbound, texts, returning=("id", "carrier", "carrier_id"))
    ids = {(row.carrier, row.carrier_id): row.id for row in rows.all()}
    answered = [
        (one, ids[identity]) for identity, one in outcomes.items() if one.made.body and not one.text.queue_reply
    ]
    queued = [(one, ids[identity]) for identity, one in outcomes.items() if one.made.body and one.text.queue_reply]
    replies = [_outbound_row(one, inbound_id) for one, inbound_id in answered]
    bodies = {row["inbound_id"]: row["body"] for row in replies}
    shared = {"kind": "reply", "state": "answered", "created_at": now, "state_at": now}
    kept = pipeline.insert(_outbound, replies, returning=("id", "inbound_id"), shared=shared)
    if queued:
        enqueue(pipeline.connection, [_queued_reply(one, inbound_id) for one, inbound_id in queued], (), now)
    done = [
        Done(effect, one.sender, before, one.text, ids[identity], _wording_shown(one, reference))
        for identity, one in outcomes.items()
        for effect, before in zip(one.made.decision.effects, one.made.before, strict=True)
    ]
    around = Surroundings(
        reference.directory,
        now,
        erasing_key,
        reference.pickups,
        reference.notifier,
        reference.zone,
        reference.default_language,
        reference.hooks,
    )
    touched = {id(one.sender): one.sender for one in outcomes.values()}
    note_unheard(
        pipeline,
        [
            Unheard(one.sender.id, ids[identity], one.text.received_at)
            for identity, one in outcomes.items()
            if _is_unheard(one)
        ],
    )
    note_reported(
        pipeline,
        [
            (one.sender.id, one.effect.ref)
            for one in done
            if isinstance(one.effect, OpenReport | ContinueReport) and one.effect.told
        ],
        now,
    )
    carry_out(pipeline, done, touched.values(), around)
    used = frozenset(ref for one in done if (ref := getattr(one.effect, "ref", None)))
    sent = {row.inbound_id: Answer(row.id, bodies[row.inbound_id]) for row in kept.all()}
    return Written({identity: sent.get(number) or Answer() for identity, number in ids.items()}, used)


def _wording_shown(one: Outcome, reference: Reference) -> str:
    """Return what the ledger says of our answer: wording, language and the version, where organisers changed it."""
    version = reference.catalogue.version(one.made.wording, one.made.language) if one.made.wording else 0
    return f"{one.made.wording}/{one.made.language}#{version}" if version else f"{one.made.wording}/{one.made.language}"


def _inbound_row(one: Outcome) -> dict[str, Any]:
    text = one.text
    return {
        "carrier": text.carrier,
        "carrier_id": text.carrier_id,
        "sender_id": one.sender.id,
        "to_number": text.to_number[:40],
        "body": text.body,
        "media": [dict(medium) for medium in text.media] or None,
        "command": one.command.name,
        "reason": one.command.reason[:160],
        "opt_out_type": text.opt_out_type,
        "flagged": one.made.flagged,
        "received_at": text.received_at,
    }


def _outbound_row(one: Outcome, inbound_id: int) -> dict[str, Any]:
    assert one.made.body is not None
    parts = count_parts(one.made.body)
    return {
        "sender_id": one.sender.id,
        "inbound_id": inbound_id,
        "wording": one.made.wording,
        "language": one.made.language,
        "body": one.made.body,
        "encoding": parts.encoding,
        "parts": max(1, parts.parts),
        "carrier": one.text.carrier,
    }


def _queued_reply(one: Outcome, inbound_id: int) -> NewText:
    """A reply for a carrier that takes no answer in its own request. The confirmation of STOP leaves after STOP."""
    assert one.made.body is not None
    stops = any(isinstance(effect, RecordConsent) and effect.action == "stop" for effect in one.made.decision.effects)
    return NewText(
        "confirmation" if stops else "reply",
        one.sender.id,
        one.sender.now.key,
        one.made.body,
        language=one.made.language,
        wording=one.made.wording,
        inbound_id=inbound_id,
        carrier=one.text.carrier,
    )


def _is_unheard(one: Outcome) -> bool:
    """Whether a person has to read the text: no command took it, or it answers our question in words unknown to us."""
    unclear = one.command.name is None and one.made.wording in _NOT_READ
    return one.made.decision.miss or one.made.flagged or unclear
