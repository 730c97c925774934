"""Seats in the database: the rows that decide are locked first, in the order of their ids, and written once."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select, text, update

from gateway.bulk import among, values
from gateway.pickups.effects import ChangeHold, Hold
from gateway.pickups.seats import SeatView
from gateway.pickups.store import mark_changed, seats_left
from gateway.pipeline import PLANNED_EACH_TIME, Found, Pipeline
from gateway.tables import Departure, SeatHold, SeatWait

_buses, _holds, _waits = Departure.__table__, SeatHold.__table__, SeatWait.__table__
_HOLDS = (
    select(_holds.c.sender_id, _holds.c.departure_id, _holds.c.seats, _holds.c.until, _buses.c.pickup_point_id)
    .select_from(_holds.join(_buses, _buses.c.id == _holds.c.departure_id))
    .where(text("seat_holds.state = 'held'"), among(_holds.c.sender_id, "senders"))
    .execution_options(**{PLANNED_EACH_TIME: True})
)
_LOCK = (
    select(_buses.c.id, _buses.c.pickup_point_id, _buses.c.seats, _buses.c.held, _buses.c.boarded)
    .where(_buses.c.left_at.is_(None), among(_buses.c.pickup_point_id, "points"))
    .order_by(_buses.c.id)
    .with_for_update()
)
_LAPSE = (
    update(_holds)
    .where(
        _holds.c.state == "held",
        _holds.c.until <= bindparam("now"),
        among(_holds.c.departure_id, "buses"),
    )
    .values(state="lapsed", ended_at=bindparam("ended"))
    .returning(_holds.c.departure_id, _holds.c.seats)
)
_TOLD = (
    select(_waits.c.sender_id, _waits.c.pickup_point_id)
    .where(_waits.c.told_at.is_not(None), among(_waits.c.sender_id, "senders"))
    .order_by(_waits.c.told_at)
)
_GIVE_BACK = update(_buses).where(_buses.c.id == bindparam("bus")).values(held=_buses.c.held + bindparam("change"))


class SeatBook:
    """The seats that the texts of one group turn on, as they change while the texts are decided one by one."""

    def __init__(self, pipeline: Pipeline, now: datetime) -> None:
        self._pipeline, self._now = pipeline, now
        self._asked: list[tuple[Mapping[str, str], Found, Found]] = []
        self._holds: dict[int, Hold] = {}
        self._told: dict[int, int] = {}
        self._left: dict[int, int | None] = {}
        self._buses_of: dict[int, list[int]] = {}

    def ask(self, senders: Sequence[int]) -> None:
        """Ask which buses these senders hold seats on; to be followed by `open`.

        Their rows are locked already: nobody else gives them a seat, and it can only be ended by who locks the bus.
        """
        given = {"senders": values(senders)}
        self._asked.append((given, self._pipeline.run(_HOLDS, given), self._pipeline.run(_TOLD, given)))

    def open(self, points: Iterable[int]) -> bool:
        """Lock every bus of these points and of the seats that were asked for; promises whose time is over are ended.
        Returns whether there is any such bus.
        """
        wanted = set(points)
        for _, holds, told in self._asked:
            self._told.update((row.sender_id, row.pickup_point_id) for row in told.all())
            wanted |= {row.pickup_point_id for row in holds.all()}
        wanted |= set(self._told.values())
        if not wanted:
            return False
        self._lock(wanted)
        for given, _, _ in self._asked:  # as they stand now that the buses are locked
            for row in self._pipeline.run(_HOLDS, given).all():
                self._holds[row.sender_id] = Hold(row.departure_id, row.pickup_point_id, row.seats, row.until)
        return True

    def _lock(self, points: set[int]) -> None:
        fresh = sorted(points - self._buses_of.keys())
        if not fresh:
            return
        rows = self._pipeline.run(_LOCK, {"points": values(fresh)}).all()
        given_back = lapse(self._pipeline.connection, [row.id for row in rows], self._now)
        for point in fresh:
            self._buses_of[point] = []
        for row in rows:
            self._buses_of[row.pickup_point_id].append(row.id)
            left = seats_left(row)
            # What has just lapsed is free unless somebody sits on it.
            if left is not None and given_back.get(row.id):
                left = max(0, row.seats - max(row.held - given_back[row.id], row.boarded or 0))
            self._left[row.id] = left

    def holds_seat(self, sender_id: int) -> bool:
        return sender_id in self._holds

    def view(self, sender_id: int, point_id: int | None) -> SeatView:
        """Return what seats look like to a sender who may want one at a point, as of the texts before."""
        told = self._told.get(sender_id)
        points = {one for one in (point_id, told) if one is not None}
        self._lock(points)  # a text before this one in the same group may have been offered another point
        hold = self._holds.get(sender_id)
        if hold:
            points.add(hold.point_id)
        left = {bus: self._left[bus] for point in points for bus in self._buses_of.get(point, ())}
        return SeatView(hold, left, told)

    def apply(self, sender_id: int, change: ChangeHold) -> list[tuple[int, bool]]:
        """Count a change in; returns the buses that it filled (True) or freed (False)."""
        turned = []
        for hold, sign in ((change.before, 1), (change.after, -1)):
            left = self._left.get(hold.bus_id) if hold else None
            if hold and left is not None:
                self._left[hold.bus_id] = left + sign * hold.seats
        for hold in (change.before, change.after):
            if hold and (left := self._left.get(hold.bus_id)) is not None:
                turned.append((hold.bus_id, left <= 0))
        if change.after:
            self._holds[sender_id] = change.after
        else:
            self._holds.pop(sender_id, None)
        return turned


def lapse(connection: Connection, buses: Sequence[int], now: datetime) -> Mapping[int, int]:
    """End the promises whose stated time is over, on buses that are locked; returns the seats given back per bus."""
    if not buses:
        return {}
    given_back: dict[int, int] = {}
    for row in connection.execute(_LAPSE, {"buses": values(buses), "now": now, "ended": now}):
        given_back[row.departure_id] = given_back.get(row.departure_id, 0) + row.seats
    if given_back:
        _change_counts(connection, {bus: -seats for bus, seats in given_back.items()})
    return given_back


def change_holds(connection: Connection, changes: Sequence[tuple[int, ChangeHold]], now: datetime) -> None:
    """Write what a group of texts did to seats: a sender's first `before` and last `after` count.

    The buses are locked by `SeatBook.open`; the table's own check refuses a seat too many whatever happens here.

    :param changes: (sender id, change) in the order of the texts
    """
    first: dict[int, Hold | None] = {}
    last: dict[int, Hold | None] = {}
    for sender, change in changes:
        first.setdefault(sender, change.before)
        last[sender] = change.after
    counts: dict[int, int] = {}
    ended, begun = [], []
    for sender, before in first.items():
        after = last[sender]
        if before == after:
            continue
        if before:
            counts[before.bus_id] = counts.get(before.bus_id, 0) - before.seats
            ended.append(sender)
        if after:
            counts[after.bus_id] = counts.get(after.bus_id, 0) + after.seats
            begun.append(
                {
                    "departure_id": after.bus_id,
                    "sender_id": sender,
                    "seats": after.seats,
                    "state": "held",
                    "held_at": now,
                    "until": after.until,
                }
            )
    if ended:
        mine = _holds.c.sender_id.in_(ended) & (_holds.c.state == "held")
        connection.execute(update(_holds).where(mine).values(state="freed", ended_at=now))
    if begun:
        connection.execute(insert(_holds), begun)
    _change_counts(connection, {bus: change for bus, change in counts.items() if change})


def free_everything(connection: Connection, sender_ids: Sequence[int], now: datetime) -> None:
    """Give back the seats of people whose data is removed."""
    rows = connection.execute(_HOLDS, {"senders": values(sender_ids)}).all()
    buses = sorted({row.departure_id for row in rows})
    if buses:
        connection.execute(select(_buses.c.id).where(_buses.c.id.in_(buses)).order_by(_buses.c.id).with_for_update())
        counts: dict[int, int] = {}
        for row in connection.execute(_HOLDS, {"senders": values(sender_ids)}):
            counts[row.departure_id] = counts.get(row.departure_id, 0) - row.seats
        _change_counts(connection, counts)


def _change_counts(connection: Connection, counts: Mapping[int, int]) -> None:
    """Change how many seats are promised; buses that thereby filled or freed up are made known to every process."""
    if not counts:
        return
    rows: list[Any] = [{"bus": bus, "change": counts[bus]} for bus in sorted(counts)]
    connection.execute(_GIVE_BACK, rows)
    columns = (_buses.c.id, _buses.c.seats, _buses.c.held, _buses.c.boarded)
    turned = []
    for row in connection.execute(select(*columns).where(_buses.c.id.in_(list(counts)))):
        if row.seats is None:
            continue
        taken_before = max(row.held - counts[row.id], row.boarded or 0)
        if (taken_before >= row.seats) != (max(row.held, row.boarded or 0) >= row.seats):
            turned.append(row.id)
    mark_changed(connection, [], turned)
