"""Record, decide, commit: a group of received texts in one transaction, each with its effects and its one reply.

Nothing is answered before the commit. A text that was handled before gets its stored reply and has no second effect.
"""

import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import Connection, Engine, bindparam, select
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from gateway.bulk import among, insert_rows, values
from gateway.carriers.received import Answer, ReceivedText
from gateway.database import writing
from gateway.inbound.decide import SEAT_COMMANDS, InboundWords, Snapshot, audience_of, decide, language_of, understand
from gateway.inbound.effects import Done, Surroundings, carry_out
from gateway.inbound.reference import Reference
from gateway.inbound.senders import KnownSender, hold_senders
from gateway.inbox.threads import Unheard, note_unheard
from gateway.members.invites import Inviter, read_invite
from gateway.outbox.enqueue import NewText, enqueue
from gateway.pickups.effects import ChangeHold
from gateway.pickups.seat_rows import SeatBook
from gateway.pickups.store import freshened
from gateway.pickups.where import OFFERED, offered_point
from gateway.reports.commands import ReportState
from gateway.reports.field import COMMANDS as FIELD_COMMANDS
from gateway.reports.field import FieldBoard, split_ref
from gateway.reports.talks import ABOUT_REPORTS, own_reports, read_board, states_of, status_asked
from gateway.rules.conversation import Decision, RecordConsent, SetLanguage, evolve
from gateway.rules.manners import with_manners
from gateway.rules.message_parts import cheapest, count_parts
from gateway.rules.phone_numbers import read_sender
from gateway.rules.refs import read_ref
from gateway.tables import InboundText, Member, OutboundText, Sender
from keywords import Command

log = structlog.get_logger()

_inbound = InboundText.__table__
_outbound = OutboundText.__table__

_SEEN = select(_inbound.c.id, _inbound.c.carrier, _inbound.c.carrier_id).where(among(_inbound.c.carrier_id, "ids"))
_REPLIES = select(_outbound.c.id, _outbound.c.inbound_id, _outbound.c.body).where(
    _outbound.c.inbound_id.in_(bindparam("ids", expanding=True))
)
_INVITERS = (
    select(Member.invite_code, Member.sender_id, Sender.key)
    .join(Sender, Sender.id == Member.sender_id)
    .where(among(Member.__table__.c.invite_code, "codes"))
)
_NOT_READ = frozenset({"ask_city_again"})
"""Wordings that ask once more because an answer in free words was not understood."""
_SEAT_HOLDER = frozenset({"seat-holder"})
_WITHOUT_PICKUPS = frozenset({"JOIN", "STOP", "START", "REPORT", "STATUS", "HELP", "ME", "LANG", "CITY", "GROUP"})
"""Commands whose answers need no pick-up point, so that states need not be read anew for them."""
_TWICE_AT_ONCE = {"40001", "40P01"}  # PostgreSQL: serialization failure, deadlock; the group is run again


class DatabaseUnavailable(Exception):
    """The database could not commit: nothing is on record, and the carrier must send the texts again."""


@dataclass(frozen=True)
class Recorder:
    """All that recording a group needs. One per process; used by one thread at a time."""

    engine: Engine
    reference: Callable[[], Reference]
    refs: Callable[[int], Sequence[str]]
    """Reserves report refs; those not used are given back by `return_refs`."""
    return_refs: Callable[[Iterable[str]], None]
    erasing_key: bytes
    default_region: str

    def record(self, texts: Sequence[ReceivedText], now: datetime) -> list[Answer | None]:
        """Return the answer to each text, in order; None for one that could not be kept.

        A text that breaks the group is found by trying one by one; it is kept, flagged and answered with help.

        :param now: aware UTC
        :raises DatabaseUnavailable: the database is locked, full or gone; nothing was recorded
        """
        try:
            return list(self._record_group(texts, now))
        except DatabaseUnavailable:
            raise
        except Exception as error:
            log.warning("group_failed", texts=len(texts), error=type(error).__name__)
        return [self._record_alone(text, now) for text in texts]

    def _record_alone(self, text: ReceivedText, now: datetime) -> Answer | None:
        try:
            return self._record_group([text], now)[0]
        except DatabaseUnavailable:
            return None
        except Exception as error:
            _log_failure("text_flagged", text, error)
        try:
            return self._record_group([text], now, broken=True)[0]
        except Exception as error:
            _log_failure("text_not_kept", text, error)
            return None

    def _record_group(self, texts: Sequence[ReceivedText], now: datetime, *, broken: bool = False) -> list[Answer]:
        reference = self.reference()
        refs = list(self.refs(len(texts)))
        for attempt in range(3):
            group = _Group(self, reference, texts, refs, now, broken)
            try:
                with writing(self.engine) as connection:
                    answers = group.run(connection)
            except (OperationalError, InterfaceError) as error:
                if getattr(error.orig, "sqlstate", None) in _TWICE_AT_ONCE and attempt < 2:
                    continue
                log.warning("database_unavailable", error=type(error.orig).__name__)
                raise DatabaseUnavailable from error
            except DBAPIError as error:
                if error.connection_invalidated:
                    raise DatabaseUnavailable from error
                raise
            self.return_refs(ref for ref in refs if ref not in group.used_refs)
            return answers
        raise DatabaseUnavailable


@dataclass(slots=True)
class _Outcome:
    """One new text, decided."""

    text: ReceivedText
    sender: KnownSender
    command: Command
    decision: Decision
    body: str | None
    wording: str
    language: str
    flagged: bool
    before: list[Any]


class _Group:
    """One run of one group; thrown away when the transaction has ended."""

    def __init__(
        self,
        recorder: Recorder,
        reference: Reference,
        texts: Sequence[ReceivedText],
        refs: Sequence[str],
        now: datetime,
        broken: bool,
    ) -> None:
        self.recorder, self.reference, self.texts, self.refs, self.now = recorder, reference, texts, refs, now
        self.broken = broken
        self.used_refs: set[str] = set()
        self.board: FieldBoard | None = None
        region = recorder.default_region
        self.keys = [read_sender(text.from_number, region).key for text in texts]

    def run(self, connection: Connection) -> list[Answer]:
        directory = self.reference.directory
        senders = hold_senders(connection, self.keys, directory, self.now, self.recorder.erasing_key)
        answered = self._answered(connection)
        commands = self._understand(answered)
        self._open_seats(connection, senders, commands)
        reports = self._reports(connection, commands)
        inviters = self._inviters(connection, commands)
        self._recall_reports(connection, commands, senders)
        self.board = self._read_board(connection, commands)
        outcomes: dict[tuple[str, str], _Outcome] = {}
        for number, text in enumerate(self.texts):
            identity = (text.carrier, text.carrier_id)
            if identity not in answered and identity not in outcomes:
                sender = senders[self.keys[number]]
                outcomes[identity] = self._decide(
                    text, sender, commands[identity], reports, inviters, self.refs[number]
                )
        answered.update(self._write(connection, outcomes, senders))
        return [
            replace(
                answered[(text.carrier, text.carrier_id)], duplicate=(text.carrier, text.carrier_id) not in outcomes
            )
            for text in self.texts
        ]

    def _answered(self, connection: Connection) -> dict[tuple[str, str], Answer]:
        seen = connection.execute(_SEEN, {"ids": values(text.carrier_id for text in self.texts)}).all()
        if not seen:
            return {}
        replies = {
            row.inbound_id: Answer(row.id, row.body or None)
            for row in connection.execute(_REPLIES, {"ids": [row.id for row in seen]})
        }
        return {(row.carrier, row.carrier_id): replies.get(row.id) or Answer() for row in seen}

    def _understand(self, answered: Mapping[tuple[str, str], Answer]) -> dict[tuple[str, str], Command]:
        commands: dict[tuple[str, str], Command] = {}
        for number, text in enumerate(self.texts):
            identity = (text.carrier, text.carrier_id)
            if identity in answered or identity in commands:
                continue
            audience = audience_of(self.keys[number], self.reference)
            commands[identity] = Command(None) if self.broken else self._understand_one(text, audience)
        return commands

    def _understand_one(self, text: ReceivedText, audience: frozenset[str]) -> Command:
        try:
            return understand(_words(text), self.reference, audience)
        except Exception as error:
            _log_failure("text_not_understood", text, error)
            return Command(None)

    def _open_seats(
        self,
        connection: Connection,
        senders: Mapping[str, KnownSender],
        commands: Mapping[tuple[str, str], Command],
    ) -> None:
        """Lock the buses that texts of this group turn on, and read the newest states if any answer needs them."""
        self.seats = SeatBook(connection, self.now)
        pickups = self.reference.pickups
        if not pickups.rallies:
            return
        asking: dict[int, KnownSender] = {}
        fresh = False
        for number, text in enumerate(self.texts):
            identity = (text.carrier, text.carrier_id)
            if (command := commands.get(identity)) is None:
                continue
            sender = senders[self.keys[number]]
            if command.name in SEAT_COMMANDS or (command.name == "STOP" and not command.argument):
                asking[sender.id] = sender
            fresh = fresh or command.name not in _WITHOUT_PICKUPS
        if asking:
            questions = (sender.now.question for sender in asking.values())
            points = [point for one in questions if one and one.kind == OFFERED and (point := offered_point(one))]
            self.seats.open(list(asking), points)
        if fresh:
            self.reference = replace(self.reference, pickups=freshened(connection, pickups))

    def _seat_effects(self, sender: KnownSender, decision: Decision) -> None:
        """Let the next text of this group see what this one did to seats."""
        for effect in decision.effects:
            if isinstance(effect, ChangeHold):
                pickups = self.reference.pickups
                for bus, full in self.seats.apply(sender.id, effect):
                    pickups = replace(pickups, live=pickups.live.with_full(bus, full))
                self.reference = replace(self.reference, pickups=pickups)

    def _reports(
        self, connection: Connection, commands: Mapping[tuple[str, str], Command]
    ) -> Mapping[str, ReportState]:
        refs = {ref for one in commands.values() if one.name == "STATUS" and (ref := read_ref(one.argument))}
        return states_of(connection, refs, self.reference.pickups.event_key) if refs else {}

    def _recall_reports(
        self,
        connection: Connection,
        commands: Mapping[tuple[str, str], Command],
        senders: Mapping[str, KnownSender],
    ) -> None:
        """Give the senders whose texts may be about a report of theirs what we know of it."""
        asking, about = set(), set()
        for key, text in zip(self.keys, self.texts, strict=True):
            command = commands.get((text.carrier, text.carrier_id))
            if command and command.name in ABOUT_REPORTS:
                about.add(key)
                if command.name == "STATUS":
                    asking.add(key)
        if not about:
            return
        ids = {senders[key].id: senders[key] for key in about}
        for number, mine in own_reports(connection, ids, self.reference.pickups.event_key, self.now).items():
            ids[number].now = replace(ids[number].now, reports=mine)
        if asking:
            asked = [senders[key].id for key in asking]
            for number, count in status_asked(connection, asked, self.now).items():
                ids[number].now = replace(ids[number].now, status_asked=count)

    def _read_board(self, connection: Connection, commands: Mapping[tuple[str, str], Command]) -> FieldBoard | None:
        asked = [
            (key, command)
            for key, text in zip(self.keys, self.texts, strict=True)
            if (command := commands.get((text.carrier, text.carrier_id))) and command.name in FIELD_COMMANDS
        ]
        if not asked:
            return None
        refs = [ref for _, command in asked if (ref := split_ref(command.argument)[0])]
        people = [one.id for key, _ in asked if (one := self.reference.staff.get(key))]
        return read_board(connection, refs, people, self.reference.pickups.event_key)

    def _inviters(self, connection: Connection, commands: Mapping[tuple[str, str], Command]) -> Mapping[str, Inviter]:
        codes = {code for one in commands.values() if one.name == "JOIN" and (code := read_invite(one.argument)[1])}
        if not codes:
            return {}
        rows = connection.execute(_INVITERS, {"codes": values(codes)})
        return {row.invite_code: Inviter(row.sender_id, row.key) for row in rows}

    def _decide(
        self,
        text: ReceivedText,
        sender: KnownSender,
        command: Command,
        reports: Mapping[str, ReportState],
        inviters: Mapping[str, Inviter],
        ref: str,
    ) -> _Outcome:
        if command.name == "STOP" and not command.argument and self.seats.holds_seat(sender.id):
            command = self._understand_one(text, _SEAT_HOLDER)  # their "cancel" means the seat
        snapshot = Snapshot(sender.now, self.reference, ref, reports, inviters, board=self.board)
        if command.name in SEAT_COMMANDS:
            question = sender.now.question
            point = offered_point(question) if question and question.kind == OFFERED else None
            snapshot = replace(snapshot, seats=self.seats.view(sender.id, point))
        flagged = self.broken
        try:
            decision = Decision(None, miss=True) if flagged else decide(_words(text), command, snapshot, self.now)
        except Exception as error:
            _log_failure("decision_failed", text, error)
            decision, flagged = Decision(None, miss=True), True
        self._seat_effects(sender, decision)
        language = language_of(text.body, command, snapshot)
        if sender.now.language is None and not decision.miss:
            sender.now = evolve(sender.now, SetLanguage(language))
        before: list[Any] = []
        for effect in decision.effects:
            before.append(sender.now.member)
            sender.now = evolve(sender.now, effect)
            self.board = self.board.evolve(effect) if self.board else None
        sender.now, reply = with_manners(sender.now, decision, self.now)
        if sender.now.language and sender.now.language != snapshot.sender.language:
            language = sender.now.language  # "LANG UR" is answered in Urdu
        body = cheapest(self.reference.catalogue.render(reply, language)) if reply else None
        wording = reply.wording if reply else ""
        return _Outcome(text, sender, command, decision, body, wording, language, flagged, before)

    def _write(
        self,
        connection: Connection,
        outcomes: Mapping[tuple[str, str], _Outcome],
        senders: Mapping[str, KnownSender],
    ) -> dict[tuple[str, str], Answer]:
        if not outcomes:
            return {}
        texts = [self._inbound_row(one) for one in outcomes.values()]
        rows = insert_rows(connection, _inbound, texts, returning=("id", "carrier", "carrier_id"))
        ids = {(row.carrier, row.carrier_id): row.id for row in rows}
        answered = [(one, ids[identity]) for identity, one in outcomes.items() if one.body and not one.text.queue_reply]
        queued = [(one, ids[identity]) for identity, one in outcomes.items() if one.body and one.text.queue_reply]
        replies = [self._outbound_row(one, inbound_id) for one, inbound_id in answered]
        bodies = {row["inbound_id"]: row["body"] for row in replies}
        kept = insert_rows(connection, _outbound, replies, returning=("id", "inbound_id"))
        sent = {row.inbound_id: Answer(row.id, bodies[row.inbound_id]) for row in kept}
        enqueue(connection, [_queued_reply(one, inbound_id) for one, inbound_id in queued], (), self.now)
        done = [
            Done(effect, one.sender, before, one.text, ids[identity], self._wording_shown(one))
            for identity, one in outcomes.items()
            for effect, before in zip(one.decision.effects, one.before, strict=True)
        ]
        self.used_refs = {ref for one in done if (ref := getattr(one.effect, "ref", None))}
        around = Surroundings(
            self.reference.directory,
            self.now,
            self.recorder.erasing_key,
            self.reference.pickups,
            self.reference.notifier,
            self.reference.zone,
            self.reference.default_language,
            self.reference.hooks,
        )
        touched = {id(one.sender): one.sender for one in outcomes.values()}
        note_unheard(
            connection,
            [
                Unheard(one.sender.id, ids[identity], one.text.received_at)
                for identity, one in outcomes.items()
                if _is_unheard(one)
            ],
        )
        carry_out(connection, done, touched.values(), around)
        return {identity: sent.get(number) or Answer() for identity, number in ids.items()}

    def _wording_shown(self, one: _Outcome) -> str:
        """Return what the ledger says of our answer: wording, language and the version, where organisers changed it."""
        version = self.reference.catalogue.version(one.wording, one.language) if one.wording else 0
        return f"{one.wording}/{one.language}#{version}" if version else f"{one.wording}/{one.language}"

    def _inbound_row(self, one: _Outcome) -> dict[str, Any]:
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
            "flagged": one.flagged,
            "received_at": text.received_at,
        }

    def _outbound_row(self, one: _Outcome, inbound_id: int) -> dict[str, Any]:
        assert one.body is not None
        parts = count_parts(one.body)
        return {
            "kind": "reply",
            "sender_id": one.sender.id,
            "inbound_id": inbound_id,
            "wording": one.wording,
            "language": one.language,
            "body": one.body,
            "encoding": parts.encoding,
            "parts": max(1, parts.parts),
            "state": "answered",
            "carrier": one.text.carrier,
            "created_at": self.now,
            "state_at": self.now,
        }


def _queued_reply(one: _Outcome, inbound_id: int) -> NewText:
    """A reply for a carrier that takes no answer in its own request. The confirmation of STOP leaves after STOP."""
    assert one.body is not None
    stops = any(isinstance(effect, RecordConsent) and effect.action == "stop" for effect in one.decision.effects)
    return NewText(
        "confirmation" if stops else "reply",
        one.sender.id,
        one.sender.now.key,
        one.body,
        language=one.language,
        wording=one.wording,
        inbound_id=inbound_id,
        carrier=one.text.carrier,
    )


def _is_unheard(one: _Outcome) -> bool:
    """Whether a person has to read the text: no command took it, or it answers our question in words unknown to us."""
    unclear = one.command.name is None and one.wording in _NOT_READ
    return one.decision.miss or one.flagged or unclear


def _words(text: ReceivedText) -> InboundWords:
    return InboundWords(text.body, len(text.media), text.opt_out_type)


def _log_failure(event: str, text: ReceivedText, error: Exception) -> None:
    """Log where in the code it failed, but not the error's words: they may quote the text."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    log.error(event, carrier_id=text.carrier_id, error=type(error).__name__, at=f"{last.filename}:{last.lineno}")
