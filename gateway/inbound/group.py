"""One group of received texts, in one transaction: read what is on record, decide each in order, write it all."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection, select

from gateway.bulk import among, values
from gateway.carriers.received import Answer, ReceivedText
from gateway.inbound.conclusion import Conclusion, conclude, log_failure, words_of
from gateway.inbound.decide import SEAT_COMMANDS, Snapshot, audience_of, understand
from gateway.inbound.outcomes import Outcome, write_outcomes
from gateway.inbound.reference import Reference
from gateway.inbound.senders import Held, KnownSender
from gateway.members.invites import Inviter, read_invite
from gateway.pickups.effects import ChangeHold
from gateway.pickups.pickups import Pickups
from gateway.pickups.seat_rows import SeatBook
from gateway.pickups.store import freshened
from gateway.pickups.where import OFFERED, offered_point
from gateway.pipeline import Found, Pipeline
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
        pipeline = Pipeline(connection)
        held = Held(pipeline, self.keys, self.reference.directory, self.erasing_key, only_look=True)
        states, codes, live = self._ask_states(pipeline), self._ask_inviters(pipeline), self._ask_live(pipeline)
        senders = held.known()
        recall = self._ask_own_reports(pipeline, senders)
        senders.update(held.met(self.now))
        recall()
        self._freshen(live)
        reports, inviters = states(), codes()
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
        """Read, decide and write; nothing of it stands before the caller commits.

        What is read is asked for in few flights (`Pipeline`): what needs nobody's id, then what needs the ids of
        senders whom we know, at last the rows of those whom we meet.
        """
        with Pipeline(connection) as pipeline:
            held = Held(pipeline, self.keys, self.reference.directory, self.erasing_key)
            seen = self._ask_seen(pipeline)
            states, codes, live = self._ask_states(pipeline), self._ask_inviters(pipeline), self._ask_live(pipeline)
            senders = held.known()
            self.seats = SeatBook(pipeline, self.now)
            self._ask_seats(senders)
            recall = self._ask_own_reports(pipeline, senders)
            senders.update(held.met(self.now))
            recall()
            if held.late:  # the other process may have recorded the same text, which we have asked for too early
                seen = self._ask_seen(pipeline)
                self._ask_seats(held.late)
                self._ask_own_reports(pipeline, held.late)()
            answered = self._answered(pipeline, seen)
            commands = {identity: one for identity, one in self.understood.items() if identity not in answered}
            if self._open_seats(senders):
                live = self._ask_live(pipeline)  # as it stands now that the buses are locked
            self._freshen(live)
            reports, inviters = states(), codes()
            self.board = self._read_board(pipeline, commands)
            outcomes: dict[tuple[str, str], Outcome] = {}
            for number, text in enumerate(self.texts):
                identity = (text.carrier, text.carrier_id)
                if identity not in answered and identity not in outcomes:
                    sender = senders[self.keys[number]]
                    outcomes[identity] = self._decide(
                        text, sender, commands[identity], reports, inviters, self.refs[number]
                    )
            written = write_outcomes(pipeline, outcomes, self.reference, self.erasing_key, self.now)
        self.used_refs = written.used_refs
        identities = ((text.carrier, text.carrier_id) for text in self.texts)
        return [written.answers.get(one) or replace(answered[one], duplicate=True) for one in identities]

    def _ask_seen(self, pipeline: Pipeline) -> Found:
        """Ask for texts that are on record already; true of senders who are held, and of others once they are met."""
        return pipeline.run(_SEEN, {"ids": values(text.carrier_id for text in self.texts)})

    def _answered(self, pipeline: Pipeline, found: Found) -> dict[tuple[str, str], Answer]:
        seen = found.all()
        if not seen:
            return {}
        replies = {
            row.inbound_id: Answer(row.id, row.body or None)
            for row in pipeline.run(_REPLIES, {"ids": values(row.id for row in seen)}).all()
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

    def _seat_askers(self, senders: Mapping[str, KnownSender]) -> Sequence[KnownSender]:
        """Return those of these senders whose texts may turn on a seat."""
        if not self.reference.pickups.rallies:
            return ()
        asking: dict[int, KnownSender] = {}
        for key, command in self._commands():
            if key in senders and (command.name in SEAT_COMMANDS or (command.name == "STOP" and not command.argument)):
                asking[senders[key].id] = senders[key]
        return list(asking.values())

    def _ask_seats(self, senders: Mapping[str, KnownSender]) -> None:
        if asking := self._seat_askers(senders):
            self.seats.ask([sender.id for sender in asking])

    def _open_seats(self, senders: Mapping[str, KnownSender]) -> bool:
        """Lock the buses that texts of this group turn on; returns whether there are any."""
        questions = [sender.now.question for sender in self._seat_askers(senders)]
        return self.seats.open(
            [point for one in questions if one and one.kind == OFFERED and (point := offered_point(one))]
        )

    def _ask_live(self, pipeline: Pipeline) -> Callable[[], Pickups] | None:
        """Ask for the newest states of points and buses if any answer needs them."""
        pickups = self.reference.pickups
        if pickups.rallies and any(command.name not in _WITHOUT_PICKUPS for command in self.understood.values()):
            return freshened(pipeline, pickups)
        return None

    def _freshen(self, live: Callable[[], Pickups] | None) -> None:
        if live and (fresh := live()) is not self.reference.pickups:
            self.reference = replace(self.reference, pickups=fresh)

    def _seat_effects(self, sender: KnownSender, decision: Decision) -> None:
        """Let the next text of this group see what this one did to seats."""
        for effect in decision.effects:
            if isinstance(effect, ChangeHold):
                pickups = self.reference.pickups
                for bus, full in self.seats.apply(sender.id, effect):
                    pickups = replace(pickups, live=pickups.live.with_full(bus, full))
                self.reference = replace(self.reference, pickups=pickups)

    def _commands(self) -> Iterable[tuple[str, Command]]:
        """Return each text's sender's key and what it was understood as."""
        commands = (self.understood[text.carrier, text.carrier_id] for text in self.texts)
        return zip(self.keys, commands, strict=True)

    def _ask_states(self, pipeline: Pipeline) -> Callable[[], Mapping[str, ReportState]]:
        named = (read_ref(one.argument) for one in self.understood.values() if one.name == "STATUS")
        refs = {ref for ref in named if ref}
        return states_of(pipeline, refs, self.reference.pickups.event_key) if refs else dict

    def _ask_own_reports(self, pipeline: Pipeline, senders: Mapping[str, KnownSender]) -> Callable[[], None]:
        """Ask for the reports of senders whose texts may be about one of theirs; called, it gives them to these."""
        about = [(key, command.name) for key, command in self._commands() if command.name in ABOUT_REPORTS]
        ids = {senders[key].id: senders[key] for key, _ in about if key in senders}
        if not ids:
            return lambda: None
        own = own_reports(pipeline, ids, self.reference.pickups.event_key, self.now)
        asked = [senders[key].id for key, name in about if name == "STATUS" and key in senders]
        counts = status_asked(pipeline, asked, self.now) if asked else dict

        def recall() -> None:
            for number, mine in own().items():
                ids[number].now = replace(ids[number].now, reports=mine)
            for number, count in counts().items():
                ids[number].now = replace(ids[number].now, status_asked=count)

        return recall

    def _read_board(self, pipeline: Pipeline, commands: Mapping[tuple[str, str], Command]) -> FieldBoard | None:
        asked = [
            (key, command)
            for key, text in zip(self.keys, self.texts, strict=True)
            if (command := commands.get((text.carrier, text.carrier_id))) and command.name in FIELD_COMMANDS
        ]
        if not asked:
            return None
        refs = [ref for _, command in asked if (ref := split_ref(command.argument)[0])]
        people = [one.id for key, _ in asked if (one := self.reference.staff.get(key))]
        return read_board(pipeline.connection, refs, people, self.reference.pickups.event_key)

    def _ask_inviters(self, pipeline: Pipeline) -> Callable[[], Mapping[str, Inviter]]:
        joining = (read_invite(one.argument)[1] for one in self.understood.values() if one.name == "JOIN")
        codes = {code for code in joining if code}
        if not codes:
            return dict
        found = pipeline.run(_INVITERS, {"codes": values(codes)})
        return lambda: {row.invite_code: Inviter(row.sender_id, row.key) for row in found.all()}

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
