"""One group of received texts, in one transaction: read what is on record, decide each in order, write it all."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection, select

from gateway.bulk import among, values
from gateway.carriers.received import Answer, ReceivedText
from gateway.inbound.conclusion import Conclusion, conclude, log_failure, words_of
from gateway.inbound.decide import SEAT_COMMANDS, Snapshot, audience_of, understand
from gateway.inbound.outcomes import Outcome, write_outcomes
from gateway.inbound.reference import Reference
from gateway.inbound.senders import KnownSender, expect_senders, hold_senders
from gateway.members.invites import Inviter, read_invite
from gateway.pickups.effects import ChangeHold
from gateway.pickups.seat_rows import SeatBook
from gateway.pickups.store import freshened
from gateway.pickups.where import OFFERED, offered_point
from gateway.reports.commands import ReportState
from gateway.reports.field import COMMANDS as FIELD_COMMANDS
from gateway.reports.field import FieldBoard, split_ref
from gateway.reports.talks import ABOUT_REPORTS, own_reports, read_board, states_of, status_asked
from gateway.rules.conversation import Decision
from gateway.rules.phone_numbers import read_sender
from gateway.rules.refs import read_ref
from gateway.tables import InboundText, Member, OutboundText, Sender
from keywords import Command

_inbound, _outbound = InboundText.__table__, OutboundText.__table__
_SEEN = select(_inbound.c.id, _inbound.c.carrier, _inbound.c.carrier_id).where(among(_inbound.c.carrier_id, "ids"))
_REPLIES = select(_outbound.c.id, _outbound.c.inbound_id, _outbound.c.body).where(among(_outbound.c.inbound_id, "ids"))
_INVITERS = (
    select(Member.invite_code, Member.sender_id, Sender.key)
    .join(Sender, Sender.id == Member.sender_id)
    .where(among(Member.__table__.c.invite_code, "codes"))
)
_SEAT_HOLDER = frozenset({"seat-holder"})
_WITHOUT_PICKUPS = frozenset({"JOIN", "STOP", "START", "REPORT", "STATUS", "HELP", "ME", "LANG", "CITY", "GROUP"})
"""Commands whose answers need no pick-up point, so that states need not be read anew for them."""
_NOT_FORESEEN = SEAT_COMMANDS | {"INVITE"}
"""Commands whose answers hang on rows that are locked or made in the transaction itself: seats, and the id of a sender
who was never seen before.
"""


@dataclass(frozen=True, slots=True)
class _Foreseen:
    """A conclusion that was drawn ahead of the transaction, and all that it was drawn from."""

    command: Command
    snapshot: Snapshot
    conclusion: Conclusion


class Group:
    """One run of one group; thrown away when the transaction has ended."""

    def __init__(
        self,
        texts: Sequence[ReceivedText],
        refs: Sequence[str],
        reference: Reference,
        erasing_key: bytes,
        region: str,
        now: datetime,
        broken: bool = False,
    ) -> None:
        self.texts, self.refs, self.reference, self.now, self.broken = texts, refs, reference, now, broken
        self.erasing_key = erasing_key
        self.used_refs: frozenset[str] = frozenset()
        self.board: FieldBoard | None = None
        self.foreseen: dict[tuple[str, str], _Foreseen] = {}
        self.keys = [read_sender(text.from_number, region).key for text in texts]
        # Words are read before the transaction begins: others wait for it, and it stands on nothing that they write.
        self.understood = self._understand()

    def foresee(self, connection: Connection) -> None:
        """Decide on what is on record now, ahead of the transaction, in which others cannot write on SQLite.

        `run` takes a conclusion over only where it finds the same values that it was drawn from.
        """
        if self.broken or any(command.name in FIELD_COMMANDS for command in self.understood.values()):
            return
        senders = expect_senders(connection, self.keys, self.reference.directory, self.erasing_key)
        self._freshen(connection, self.understood)
        reports = self._reports(connection, self.understood)
        inviters = self._inviters(connection, self.understood)
        self._recall_reports(connection, self.understood, senders)
        for number, text in enumerate(self.texts):
            identity = (text.carrier, text.carrier_id)
            command = self.understood[identity]
            if identity in self.foreseen or command.name in _NOT_FORESEEN:
                continue
            sender = senders[self.keys[number]]
            snapshot = Snapshot(sender.now, self.reference, self.refs[number], reports, inviters)
            made = conclude(text, command, snapshot, self.now)
            sender.now = made.sender
            self.foreseen[identity] = _Foreseen(command, snapshot, made)

    def run(self, connection: Connection) -> list[Answer]:
        directory = self.reference.directory
        senders = hold_senders(connection, self.keys, directory, self.now, self.erasing_key)
        answered = self._answered(connection)
        commands = {identity: one for identity, one in self.understood.items() if identity not in answered}
        self._open_seats(connection, senders, commands)
        self._freshen(connection, commands)
        reports = self._reports(connection, commands)
        inviters = self._inviters(connection, commands)
        self._recall_reports(connection, commands, senders)
        self.board = self._read_board(connection, commands)
        outcomes: dict[tuple[str, str], Outcome] = {}
        for number, text in enumerate(self.texts):
            identity = (text.carrier, text.carrier_id)
            if identity not in answered and identity not in outcomes:
                sender = senders[self.keys[number]]
                outcomes[identity] = self._decide(
                    text, sender, commands[identity], reports, inviters, self.refs[number]
                )
        written = write_outcomes(connection, outcomes, self.reference, self.erasing_key, self.now)
        self.used_refs = written.used_refs
        identities = ((text.carrier, text.carrier_id) for text in self.texts)
        return [written.answers.get(one) or replace(answered[one], duplicate=True) for one in identities]

    def _answered(self, connection: Connection) -> dict[tuple[str, str], Answer]:
        seen = connection.execute(_SEEN, {"ids": values(text.carrier_id for text in self.texts)}).all()
        if not seen:
            return {}
        replies = {
            row.inbound_id: Answer(row.id, row.body or None)
            for row in connection.execute(_REPLIES, {"ids": values(row.id for row in seen)})
        }
        return {(row.carrier, row.carrier_id): replies.get(row.id) or Answer() for row in seen}

    def _understand(self) -> dict[tuple[str, str], Command]:
        commands: dict[tuple[str, str], Command] = {}
        for number, text in enumerate(self.texts):
            identity = (text.carrier, text.carrier_id)
            if identity in commands:
                continue
            audience = audience_of(self.keys[number], self.reference)
            commands[identity] = Command(None) if self.broken else self._understand_one(text, audience)
        return commands

    def _understand_one(self, text: ReceivedText, audience: frozenset[str]) -> Command:
        try:
            return understand(words_of(text), self.reference, audience)
        except Exception as error:
            log_failure("text_not_understood", text, error)
            return Command(None)

    def _open_seats(
        self,
        connection: Connection,
        senders: Mapping[str, KnownSender],
        commands: Mapping[tuple[str, str], Command],
    ) -> None:
        """Lock the buses that texts of this group turn on."""
        self.seats = SeatBook(connection, self.now)
        if not self.reference.pickups.rallies:
            return
        asking: dict[int, KnownSender] = {}
        for number, text in enumerate(self.texts):
            command = commands.get((text.carrier, text.carrier_id))
            if command and (command.name in SEAT_COMMANDS or (command.name == "STOP" and not command.argument)):
                sender = senders[self.keys[number]]
                asking[sender.id] = sender
        if asking:
            questions = (sender.now.question for sender in asking.values())
            points = [point for one in questions if one and one.kind == OFFERED and (point := offered_point(one))]
            self.seats.open(list(asking), points)

    def _freshen(self, connection: Connection, commands: Mapping[tuple[str, str], Command]) -> None:
        """Read the newest states of points and buses if any answer needs them."""
        pickups = self.reference.pickups
        if pickups.rallies and any(command.name not in _WITHOUT_PICKUPS for command in commands.values()):
            fresh = freshened(connection, pickups)
            if fresh is not pickups:
                self.reference = replace(self.reference, pickups=fresh)

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
        ids = {number: senders[key] for key in about if (number := senders[key].id)}
        for number, mine in own_reports(connection, ids, self.reference.pickups.event_key, self.now).items():
            ids[number].now = replace(ids[number].now, reports=mine)
        if asking:
            asked = [number for key in asking if (number := senders[key].id)]
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
    ) -> Outcome:
        if command.name == "STOP" and not command.argument and self.seats.holds_seat(sender.id):
            command = self._understand_one(text, _SEAT_HOLDER)  # their "cancel" means the seat
        snapshot = Snapshot(sender.now, self.reference, ref, reports, inviters, board=self.board)
        if command.name in SEAT_COMMANDS:
            question = sender.now.question
            point = offered_point(question) if question and question.kind == OFFERED else None
            snapshot = replace(snapshot, seats=self.seats.view(sender.id, point))
        made = self._foreseen(text, command, snapshot)
        if made is None:
            made = conclude(text, command, snapshot, self.now, broken=self.broken)
        self._seat_effects(sender, made.decision)
        if self.board:
            for effect in made.decision.effects:
                self.board = self.board.evolve(effect)
        # A sender who was met in this transaction had no row yet when it was foreseen.
        sender.now = made.sender if made.sender.id == sender.id else replace(made.sender, id=sender.id)
        return Outcome(text, sender, command, made)

    def _foreseen(self, text: ReceivedText, command: Command, snapshot: Snapshot) -> Conclusion | None:
        """Return what was foreseen of a text if it was drawn from these very values."""
        found = self.foreseen.get((text.carrier, text.carrier_id))
        return found.conclusion if found and found.command == command and found.snapshot == snapshot else None
