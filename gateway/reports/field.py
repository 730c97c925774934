"""TAKE, DONE, PASS, NOTE, MINE, NEXT, ON and OFF: the commands of field staff, decided from values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from gateway.reports.commands import said
from gateway.rules.conversation import Asked, Decision, Effect, Listed, Reply, Value, Word
from gateway.rules.refs import read_ref
from gateway.rules.report_life import (
    ACKNOWLEDGED,
    ALLOWED,
    ASSIGNED,
    IN_HAND,
    IN_PROGRESS,
    RESOLVED,
    WAITING,
)
from gateway.rules.report_staff import StaffMember, in_area, named
from gateway.rules.report_talk import Sorting

COMMANDS = frozenset({"TAKE", "DONE", "PASS", "NOTE", "MINE", "NEXT", "OFF", "ON"})
_SHOWN = 60
_LISTED = 8


@dataclass(frozen=True, slots=True)
class FieldReport:
    """A report as the field sees it."""

    ref: str
    state: str
    sorting: Sorting
    text: str
    assignee_id: int | None
    opened_at: datetime


@dataclass(frozen=True)
class FieldBoard:
    """What field commands of one group of texts need: the staff, and the reports that are named, in hand or waiting."""

    staff: Mapping[int, StaffMember] = field(default_factory=dict)
    by_ref: Mapping[str, FieldReport] = field(default_factory=dict)
    waiting: Sequence[str] = ()
    """Refs that somebody has to take, the most urgent first."""

    def in_hand(self, staff_id: int) -> list[FieldReport]:
        held = (one for one in self.by_ref.values() if one.assignee_id == staff_id and one.state in IN_HAND)
        return sorted(held, key=lambda one: (-one.sorting.urgency, one.opened_at))

    def evolve(self, effect: Effect) -> "FieldBoard":
        """Return the board once an effect is on record, for the next text of the group."""
        if isinstance(effect, FieldMove) and effect.ref in self.by_ref:
            moved = replace(self.by_ref[effect.ref], state=effect.to, assignee_id=effect.assignee_id)
            waiting = [ref for ref in self.waiting if ref != effect.ref]
            if effect.to in WAITING:
                waiting.append(effect.ref)
            return replace(self, by_ref={**self.by_ref, effect.ref: moved}, waiting=waiting)
        return self


@dataclass(frozen=True, slots=True)
class FieldMove(Effect):
    """One of the staff moves a report. `assignee_id` is whose it is afterwards."""

    ref: str
    to: str
    assignee_id: int | None
    by: StaffMember
    note: str = ""


@dataclass(frozen=True, slots=True)
class FieldNote(Effect):
    ref: str
    by: StaffMember
    note: str


@dataclass(frozen=True, slots=True)
class SetDuty(Effect):
    by: StaffMember
    on_duty: bool


def decide_field(asked: Asked, me: StaffMember, board: FieldBoard, example: str) -> Decision | None:
    """Return what a field command leads to; None for any other command.

    :param example: a valid ref to show how a command is written
    """
    match asked.command.name:
        case "ON":
            return Decision(Reply("field_on"), (SetDuty(me, True),))
        case "OFF":
            mine = board.in_hand(me.id)
            reply = Reply("field_off", {"list": _listed(mine)}) if mine else Reply("field_off_none")
            return Decision(reply, (SetDuty(me, False),))
        case "MINE":
            mine = board.in_hand(me.id)
            return Decision(Reply("field_mine", {"list": _listed(mine)}) if mine else Reply("field_mine_none"))
        case "NEXT":
            return _next(me, board)
        case "TAKE" | "DONE" | "PASS" | "NOTE" as name:
            return _with_report(asked, name, me, board, example)
        case _:
            return None


def _with_report(asked: Asked, name: str, me: StaffMember, board: FieldBoard, example: str) -> Decision:
    ref, rest = split_ref(asked.argument)
    mine = board.in_hand(me.id)
    if ref is None:
        typed = asked.argument.split()
        looks_like_ref = bool(typed) and len(typed[0]) in (4, 5) and any(sign.isdigit() for sign in typed[0])
        if looks_like_ref:
            return Decision(Reply("status_unknown", {"ref": typed[0]}))
        if name == "TAKE" or len(mine) != 1:
            return Decision(Reply("field_which", {"command": name, "ref": mine[0].ref if mine else example}))
        ref, rest = mine[0].ref, asked.argument.strip()
    found = board.by_ref.get(ref)
    if not found:
        return Decision(Reply("status_unknown", {"ref": ref}))
    if name == "NOTE":
        if not rest:
            return Decision(Reply("field_say"))
        return Decision(Reply("field_noted", {"ref": ref}), (FieldNote(ref, me, rest),))
    if name == "TAKE":
        return _take(me, found, board)
    if name == "DONE":
        return _move(found, RESOLVED, found.assignee_id or me.id, me, rest, Reply("field_done", {"ref": ref}))
    return _pass(me, found, rest, board)


def _take(me: StaffMember, found: FieldReport, board: FieldBoard) -> Decision:
    if found.state in IN_HAND and found.assignee_id not in (None, me.id):
        holder = board.staff.get(found.assignee_id or 0)
        name: Value = holder.shown if holder else Word("nobody")
        return Decision(Reply("field_held", {"ref": found.ref, "name": name}))
    if found.state == IN_PROGRESS and found.assignee_id == me.id:
        return Decision(Reply("field_yours", {"ref": found.ref}))
    values = {"ref": found.ref, "what": said(found.sorting), "text": clipped(found.text)}
    return _move(found, IN_PROGRESS, me.id, me, "", Reply("field_taken", values))


def _pass(me: StaffMember, found: FieldReport, rest: str, board: FieldBoard) -> Decision:
    """Hand a report to somebody on duty, or without a name back into the queue."""
    if not rest:
        return _move(found, ACKNOWLEDGED, None, me, "", Reply("field_back", {"ref": found.ref}))
    on_duty = [one for one in board.staff.values() if one.on_duty and one.id != me.id]
    fitting = named(rest, on_duty)
    if len(fitting) != 1:
        shown = fitting or on_duty
        names: Value = Listed(tuple(one.shown for one in shown[:_LISTED])) if shown else Word("nobody")
        return Decision(Reply("field_who", {"name": rest[:24], "list": names}))
    to = fitting[0]
    return _move(found, ASSIGNED, to.id, me, "", Reply("field_passed", {"ref": found.ref, "name": to.shown}))


def _move(found: FieldReport, to: str, assignee_id: int | None, me: StaffMember, note: str, reply: Reply) -> Decision:
    if to not in ALLOWED.get(found.state, frozenset()):
        return Decision(Reply("field_cannot", {"ref": found.ref, "state": Word(found.state)}))
    return Decision(reply, (FieldMove(found.ref, to, assignee_id, me, note),))


def _next(me: StaffMember, board: FieldBoard) -> Decision:
    """Offer the most urgent waiting report, of those the one in my area, then of my skill, then the oldest."""
    waiting = [board.by_ref[ref] for ref in board.waiting if ref in board.by_ref]
    if not waiting:
        return Decision(Reply("field_next_none"))
    best = min(
        waiting,
        key=lambda one: (
            -one.sorting.urgency,
            not in_area(me, one.sorting.place),
            one.sorting.category not in me.skills,
            one.opened_at,
        ),
    )
    return Decision(Reply("field_next", {"what": said(best.sorting), "ref": best.ref, "text": clipped(best.text)}))


def split_ref(argument: str) -> tuple[str | None, str]:
    """Return the ref that an argument begins with, or None, and what stands after it. "4F 2C" is read too."""
    pieces = argument.split(maxsplit=2)
    for count in (1, 2):
        if len(pieces) >= count and (ref := read_ref("".join(pieces[:count]).strip(":,.-"))):
            rest = argument.split(maxsplit=count)[count:]
            return ref, rest[0].lstrip(" :,.-") if rest else ""
    return None, argument.strip()


def clipped(text: str, most: int = _SHOWN) -> str:
    """Return a report's words short enough to stand in a text, and with a mark at the end of a sentence."""
    line = " ".join(text.split())
    if len(line) > most:
        line = line[: most - 3].rsplit(" ", 1)[0] + "..."
    return line if line.endswith((".", "!", "?", "۔", "؟")) else f"{line}." if line else ""


def _listed(reports: Sequence[FieldReport]) -> Value:
    pieces: list[Value] = []
    for one in reports[:_LISTED]:
        place = f" {one.sorting.place[:20]}" if one.sorting.place else ""
        pieces.append(f"{one.ref}{place}")
    if len(reports) > _LISTED:
        pieces.append(f"+{len(reports) - _LISTED}")
    return Listed(tuple(pieces))
