"""Carry out what a group of texts decided: one bulk statement for each table, in the group's one transaction.

A sender's and a member's row are written once, as they stand at the end of the group; everything else is appended.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, tzinfo
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.dialects import postgresql, sqlite

from gateway.carriers.received import ReceivedText
from gateway.database import is_sqlite
from gateway.hooks.events import NewEvent, emit
from gateway.inbound.erase import erase_sender
from gateway.inbound.pickup_effects import PICKUP_APPLIERS
from gateway.inbound.senders import KnownSender, member_row, sender_row
from gateway.inbound.told import consent_events
from gateway.members.invites import BURST, BURST_WITHIN, MOST_CREDITED
from gateway.members.rows import filing_changes
from gateway.members.terms import Findable, write_terms
from gateway.pickups.pickups import Pickups
from gateway.pipeline import Pipeline
from gateway.places.directory import Directory
from gateway.reports import effects as report_effects
from gateway.reports.notices import Notifier
from gateway.rules.conversation import (
    CreditInvite,
    Effect,
    EnrolMember,
    EraseSender,
    FileUnder,
    MemberState,
    RecordConsent,
)
from gateway.tables import (
    ConsentEntry,
    Filing,
    Member,
    Referral,
    Sender,
    TopicStop,
)

_member_columns = (
    "name", "city_id", "constituency_id", "provincial_id", "affinities", "language", "reachable", "invite_code",
    "referrer_id", "seen_on", "updated_at",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Done:
    """One effect of one text, with the ids that its rows point to."""

    effect: Effect
    sender: KnownSender
    before: MemberState | None
    """How the member was filed before this effect; None if there was no member."""
    text: ReceivedText
    inbound_id: int
    wording: str
    """The wording and language that we answered with."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What carrying out needs beside the effects themselves."""

    directory: Directory
    now: datetime
    erasing_key: bytes
    pickups: Pickups
    notifier: Notifier
    zone: tzinfo = UTC
    """The movement's, whose days are counted."""
    default_language: str = "en"
    hooks: frozenset[str] = frozenset()
    """The kinds of events that somebody wants to be told of by webhook."""
    events: list[NewEvent] = field(default_factory=list)
    """What rooms have to tell of this group; written at its end, in one statement."""

    @property
    def event_key(self) -> str:
        return self.pickups.event_key


def carry_out(pipeline: Pipeline, done: Sequence[Done], senders: Iterable[KnownSender], around: Surroundings) -> None:
    """Write the senders of a group as they now stand, then each kind of effect in bulk."""
    held = list(senders)
    _write_senders(pipeline, held, around)
    by_kind: dict[type[Effect], list[Done]] = defaultdict(list)
    for one in done:
        by_kind[type(one.effect)].append(one)
    for kind, apply in APPLIERS.items():
        if by_kind[kind]:
            apply(pipeline, by_kind[kind], around)
    if around.hooks:
        emit(pipeline.connection, [*consent_events(done), *around.events], around.now, around.hooks)


def _write_senders(pipeline: Pipeline, held: list[KnownSender], around: Surroundings) -> None:
    pipeline.update(Sender.__table__, [sender_row(known, around.now) for known in held])
    today = around.now.astimezone(around.zone).date()
    changed = [known for known in held if member_changed(known, today)]
    rows = [member_row(known, around.directory, around.now, today) for known in changed]
    pipeline.insert(Member.__table__, rows, or_update={"sender_id": _member_columns})
    write_terms(pipeline, (found for known in changed if (found := _findable(known))))


def _findable(known: KnownSender) -> Findable | None:
    """Return what a member is to be found by, where that is new."""
    was, now = known.was.member, known.now.member
    if now is None or (was is not None and was.name == now.name):
        return None
    return Findable(known.id, known.now.key, now.name, renamed=was is not None)


def member_changed(known: KnownSender, today: date) -> bool:
    """Return whether the member's row is to be written: their filing, what it repeats of the sender, or their day."""
    if known.now.member is None:
        return False
    was, now = known.was, known.now
    return (now.member, now.consent, now.language, today) != (was.member, was.consent, was.language, known.seen_on)


def _record_consent(pipeline: Pipeline, done: list[Done], around: Surroundings) -> None:
    pipeline.insert(
        ConsentEntry.__table__,
        [
            {
                "sender_id": one.sender.id,
                "action": one.effect.action,
                "scope": one.effect.scope,
                "words": one.text.body,
                "reason": one.effect.reason[:160],
                "carrier": one.text.carrier,
                "carrier_id": one.text.carrier_id,
                "wording": one.wording,
                "given_at": around.now,
            }
            for one in done
            if isinstance(one.effect, RecordConsent)
        ],
    )
    _keep_topics(pipeline, done, around)


def _keep_topics(pipeline: Pipeline, done: list[Done], around: Surroundings) -> None:
    for one in done:
        if not isinstance(one.effect, RecordConsent):
            continue
        match one.effect.action:
            case "stop-topic":
                dialect: Any = sqlite if pipeline.kind == "sqlite" else postgresql
                left = {"sender_id": one.sender.id, "topic": one.effect.scope, "stopped_at": around.now}
                pipeline.connection.execute(dialect.insert(TopicStop.__table__).values(left).on_conflict_do_nothing())
            case "start-topic":
                mine = TopicStop.sender_id == one.sender.id
                pipeline.connection.execute(delete(TopicStop).where(mine, TopicStop.topic == one.effect.scope))
            case "start":
                pipeline.connection.execute(delete(TopicStop).where(TopicStop.sender_id == one.sender.id))


def _keep_history(pipeline: Pipeline, done: list[Done], around: Surroundings) -> None:
    rows = [row for one in done for row in _changes(one, around)]
    pipeline.insert(Filing.__table__, rows)


def _changes(one: Done, around: Surroundings) -> list[Mapping[str, Any]]:
    after = one.effect.member if isinstance(one.effect, EnrolMember | FileUnder) else None
    if one.before is None or after is None:
        return []
    kept = {"sender_id": one.sender.id, "changed_at": around.now}
    return [{**change, **kept} for change in filing_changes(one.before, after, around.directory)]


def _credit(pipeline: Pipeline, done: list[Done], around: Surroundings) -> None:
    """Credit who brought new members: none above the cap, and flagged in a burst."""
    connection = pipeline.connection
    brought: dict[int, list[Done]] = defaultdict(list)
    for one in done:
        if isinstance(one.effect, CreditInvite):
            brought[one.effect.referrer_id].append(one)
    recent = func.count().filter(Referral.joined_at > around.now - BURST_WITHIN)
    counts = {
        row.referrer_id: (row.all, row.recent)
        for row in connection.execute(
            select(Referral.referrer_id, func.count().label("all"), recent.label("recent"))
            .where(Referral.referrer_id.in_(brought))
            .group_by(Referral.referrer_id)
        )
    }
    rows = []
    for referrer, ones in brought.items():
        credited, lately = counts.get(referrer, (0, 0))
        for number, one in enumerate(ones[: max(0, MOST_CREDITED - credited)], 1):
            flagged = lately + number > BURST
            rows.append(
                {"sender_id": one.sender.id, "referrer_id": referrer, "flagged": flagged, "joined_at": around.now}
            )
    if rows:
        dialect: Any = sqlite if is_sqlite(connection) else postgresql
        connection.execute(dialect.insert(Referral.__table__).on_conflict_do_nothing(), rows)


def _erase(pipeline: Pipeline, done: list[Done], around: Surroundings) -> None:
    for one in done:
        assert isinstance(one.effect, EraseSender)
        erase_sender(
            pipeline.connection,
            one.sender.id,
            one.sender.was.key,
            around.erasing_key,
            around.now,
            stopped=one.effect.stopped,
        )


APPLIERS: dict[type[Effect], Callable[[Pipeline, list[Done], Surroundings], None]] = {
    EnrolMember: _keep_history,
    FileUnder: _keep_history,
    RecordConsent: _record_consent,
    **report_effects.APPLIERS,
    CreditInvite: _credit,
    **PICKUP_APPLIERS,
    EraseSender: _erase,
}
"""How each kind of effect is written, in this order; erasing comes last. Kinds that only change the sender's own row
(AskQuestion, SetLanguage, ...) need no entry."""
