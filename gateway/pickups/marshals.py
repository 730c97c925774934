"""FULL, OPEN, LATE 20, LEFT, COUNT 45: what a marshal texts from their own phone about their own point. Pure."""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta

from gateway.pickups.answer import clock, said_name
from gateway.pickups.effects import CountBoarded, SetLate, SetLeft, SetPointState
from gateway.pickups.pickups import Pickups
from gateway.pickups.points import Bus, Point
from gateway.rules.conversation import Asked, CloseQuestion, Decision, Listed, Question, Reply, Value, ask
from orthography import words

QUESTION = "marshal"
LONGEST_DELAY = 600  # minutes
MOST_PEOPLE = 2_000
_COUNTED_AFTER = timedelta(minutes=45)  # a COUNT so soon after LEFT is for the bus that left


def marshal(asked: Asked, pickups: Pickups) -> Decision | None:
    """Carry out a marshal's word; None when the sender is nobody's marshal. A marshal of several points names one."""
    mine = [pickups.points[one] for one in pickups.marshals.get(asked.sender.key, ()) if one in pickups.points]
    if not mine:
        return None
    command = asked.command.name or ""
    numbers, rest = _split(asked.argument)
    point = mine[0] if len(mine) == 1 else _named(rest, mine)
    if point is None:
        said = Listed(tuple(f"{number} {one.name}" for number, one in enumerate(mine, 1)))
        data = {"command": command, "argument": asked.argument, "keys": [one.id for one in mine]}
        return Decision(Reply("ask_which", {"choices": said}), (ask(QUESTION, asked.now, **data),))
    return _carry_out(command, numbers[0] if numbers else None, point, asked.now, pickups)


def answer_marshal(asked: Asked, question: Question, pickups: Pickups) -> Decision | None:
    """Take a number as the choice among a marshal's points."""
    keys = question.data.get("keys")
    typed = "".join(words(asked.body))
    mine = pickups.marshals.get(asked.sender.key, ())
    if not isinstance(keys, list) or not re.fullmatch(r"[0-9]{1,2}", typed) or not 1 <= int(typed) <= len(keys):
        return None
    chosen = int(keys[int(typed) - 1])
    point = pickups.points.get(chosen)
    if point is None or chosen not in mine:
        return None
    numbers, _ = _split(str(question.data.get("argument", "")))
    done = _carry_out(str(question.data.get("command", "")), numbers[0] if numbers else None, point, asked.now, pickups)
    return Decision(done.reply, (*done.effects, CloseQuestion()))


def _carry_out(command: str, number: int | None, point: Point, now: datetime, pickups: Pickups) -> Decision:
    live, name = pickups.live, said_name(point)
    if command in ("FULL", "OPEN"):
        wording = "marshal_full" if command == "FULL" else "marshal_open"
        return Decision(Reply(wording, {"point": name}), (SetPointState(point.id, command.lower()),))
    if command == "COUNT":
        if number is None or number > MOST_PEOPLE:
            return Decision(Reply("marshal_count_ask"))
        bus = _just_left(point, now, pickups) or _current(point, now, pickups)
        if bus is None:
            return Decision(Reply("marshal_no_bus", {"point": name}))
        values: dict[str, Value] = {"point": name, "time": _time(bus, now, pickups, point), "people": str(number)}
        return Decision(Reply("marshal_count", values), (CountBoarded(bus.id, number),))
    bus = _current(point, now, pickups)
    if bus is None:
        return Decision(Reply("marshal_no_bus", {"point": name}))
    if command == "LEFT":
        reply = Reply("marshal_left", {"point": name, "time": _time(bus, now, pickups, point)})
        return Decision(reply, (SetLeft(bus.id),))
    if number is None or number > LONGEST_DELAY:
        return Decision(Reply("marshal_late_ask"))
    leaves = bus.leaves_at + timedelta(minutes=number)
    if number == live.bus(bus).late_minutes:
        return Decision(Reply("marshal_late_known", {"point": name, "time": clock(leaves, now, pickups, point)}))
    reply = Reply("marshal_late", {"point": name, "time": clock(leaves, now, pickups, point)})
    return Decision(reply, (SetLate(bus.id, number),))


def _current(point: Point, now: datetime, pickups: Pickups) -> Bus | None:
    """Return the bus that a marshal speaks of: the first that has not left, however late it is."""
    waiting = [bus for bus in point.buses if not pickups.live.bus(bus).left]
    if not waiting:
        return None
    # A bus whose LEFT was never texted does not stand in the way of the next one for ever.
    recent = [bus for bus in waiting if pickups.live.leaves(bus) > now - timedelta(hours=2)]
    return min(recent or waiting[-1:], key=pickups.live.leaves)


def _just_left(point: Point, now: datetime, pickups: Pickups) -> Bus | None:
    gone = [bus for bus in point.buses if pickups.live.bus(bus).left]
    last = max(gone, key=pickups.live.leaves, default=None)
    return last if last and now - pickups.live.leaves(last) < _COUNTED_AFTER else None


def _time(bus: Bus, now: datetime, pickups: Pickups, point: Point) -> str:
    return clock(pickups.live.leaves(bus), now, pickups, point)


def _named(rest: str, mine: Sequence[Point]) -> Point | None:
    typed = "".join(words(rest))
    if not typed:
        return None
    found = [one for one in mine if any(typed in "".join(words(name)) for name in (one.name, *one.names.values()))]
    return found[0] if len(found) == 1 else None


def _split(argument: str) -> tuple[list[int], str]:
    """Return the numbers of an argument and what else it says: `20 min Liberty` is 20 and Liberty."""
    numbers: list[int] = []
    rest: list[str] = []
    for word in words(argument):
        lead = re.fullmatch(r"([0-9]{1,4})(?:m|min|mins|minutes)?", word)
        if lead:
            numbers.append(int(lead[1]))
        elif word not in ("min", "mins", "minute", "minutes", "people", "log", "منٹ", "لوگ"):
            rest.append(word)
    return numbers, " ".join(rest)
