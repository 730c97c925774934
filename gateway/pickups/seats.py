"""SEAT, YES and CANCEL: seats on one bus, held until a stated time. Pure; counts come from rows that are locked."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from gateway.pickups.answer import answer, clock, link_to, said_name
from gateway.pickups.effects import ChangeHold, Hold, JoinWaiting
from gateway.pickups.pickups import Pickups
from gateway.pickups.points import Bus, Point
from gateway.pickups.where import OFFERED, answer_place, nearest, offer, offered_point, position_of
from gateway.places.directory import Directory
from gateway.rules.conversation import Asked, Decision, Effect, Plain, Reply, Value, ask
from orthography import words
from segments.spelling import word_set

MOST_SEATS = 10
"""In one text; more is a group for the organisers to speak with."""
HELD_UNTIL = timedelta(minutes=10)
"""So long before the bus leaves a promise ends, so that seats of those who do not come are given to others."""

_FILLERS = word_set(
    "for seat seats please pls plz people persons log logon hum of us we are chahiye chahiyen "
    "سیٹ سیٹیں نشست نشستیں چاہیے چاہییں لوگ"
)


@dataclass(frozen=True, slots=True)
class SeatView:
    """What seats look like to one sender, read from locked rows."""

    hold: Hold | None = None
    left: Mapping[int, int | None] = field(default_factory=dict)
    """Seats that are free on each bus of the points in question; None where nobody counts them."""
    told: int | None = None
    """The point of which the sender was told lately that seats are free again."""


def seat(asked: Asked, pickups: Pickups, directory: Directory, view: SeatView) -> Decision:
    """Hold seats at the point that was offered last, on its next bus with room; say so, or give the next nearest."""
    wanted = _seats_in(asked.argument)
    if wanted is None:
        return answer_place(asked.argument, asked, pickups, directory)
    question = asked.answering(OFFERED)
    point = pickups.points.get(offered_point(question) or view.told or 0)
    if view.hold and (point is None or (point.id == view.hold.point_id and wanted == 0)):
        held_at = pickups.points.get(view.hold.point_id)
        if held_at and (wanted == 0 or held_at is point):
            return Decision(_held(view.hold, held_at, asked.now, pickups))
        point = held_at
    if point is None:
        return Decision(Reply("where_ask"), (ask("where", asked.now),))
    wanted = wanted or 1
    if wanted > MOST_SEATS:
        return Decision(Reply("seat_too_many", {"most": str(MOST_SEATS)}))
    if not point.buses and pickups.live.in_use(point, asked.now):
        return Decision(Reply("seat_not_needed", {"point": said_name(point), "link": Plain(link_to(point, pickups))}))
    best = 0
    if pickups.live.in_use(point, asked.now):
        for bus in pickups.live.coming(point, asked.now):
            free = view.left.get(bus.id, 0)
            if free is not None and view.hold and view.hold.bus_id == bus.id:
                free += view.hold.seats
            if free is None or free >= wanted:
                hold = Hold(bus.id, point.id, wanted, held_until(pickups.live.leaves(bus), asked.now))
                return Decision(_held(hold, point, asked.now, pickups), (ChangeHold(view.hold, hold),))
            best = max(best, free)
    if best:
        return Decision(Reply("seat_few", {"point": said_name(point), "left": str(best)}))
    return _full(point, asked, pickups)


def cancel(asked: Asked, pickups: Pickups, view: SeatView) -> Decision:
    """Give the seats back."""
    if view.hold is None:
        return Decision(Reply("seat_none"))
    point = pickups.points.get(view.hold.point_id)
    return Decision(Reply("seat_freed", {"point": said_name(point) if point else ""}), (ChangeHold(view.hold, None),))


def held_until(leaves: datetime, now: datetime) -> datetime:
    """Return when a promise ends: ten minutes before the bus leaves, or with the bus when that is too near."""
    until = leaves - HELD_UNTIL
    return until if until > now else leaves


def _full(point: Point, asked: Asked, pickups: Pickups) -> Decision:
    """The point has no seat: remember who waits for one, and give the next nearest point."""
    question = asked.answering(OFFERED)
    lat, lon = position_of(question) if question else (point.lat, point.lon)
    rally = pickups.rally_of(point)
    found = nearest(lat, lon, rally, pickups, asked.now, 1, frozenset({point.id})) if rally else []
    waiting: tuple[Effect, ...] = (JoinWaiting(point.id),)
    if not found:
        return Decision(Reply("seat_full", {"point": said_name(point)}), waiting)
    near = found[0]
    data = {"lat": lat, "lon": lon}
    options = [point.id, near.point.id]
    said = answer(near, "", asked.now, pickups)
    values = {**said.values, "full": said_name(point), "hint": ""}
    shorter = tuple({**one, "hint": ""} for one in said.shorter)
    return Decision(
        Reply("seat_full_next", values, shorter),
        (*waiting, offer(asked.now, data, point=near.point.id, options=options)),
    )


def _held(hold: Hold, point: Point, now: datetime, pickups: Pickups) -> Reply:
    bus = _bus(point, hold.bus_id)
    leaves = pickups.live.leaves(bus) if bus else hold.until
    values: dict[str, Value] = {
        "seats": str(hold.seats),
        "point": said_name(point),
        "time": clock(leaves, now, pickups, point),
        "until": clock(hold.until, now, pickups, point),
    }
    return Reply("seat_held", values)


def _bus(point: Point, bus_id: int) -> Bus | None:
    return next((bus for bus in point.buses if bus.id == bus_id), None)


def _seats_in(argument: str) -> int | None:
    """Return how many seats a text asks for: 0 when it does not say, None when it says something else."""
    typed = words(argument)
    if not typed:
        return 0
    numbers = [word for word in typed if re.fullmatch(r"[0-9]{1,4}", word)]
    others = [word for word in typed if word not in numbers and word not in _FILLERS]
    if others or len(numbers) > 1:
        return None
    return max(1, int(numbers[0])) if numbers else 0
