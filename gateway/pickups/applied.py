"""Write what texts about pick-up points changed, a group at a time, in the group's own transaction."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from gateway.database import is_sqlite
from gateway.pickups.effects import (
    AskWalk,
    CountBoarded,
    JoinWaiting,
    NoteAsk,
    NoteUnmatched,
    SetLate,
    SetLeft,
    SetPointState,
)
from gateway.pickups.notices import tell_late
from gateway.pickups.pickups import Pickups
from gateway.pickups.seats import held_until
from gateway.pickups.store import mark_changed
from gateway.pipeline import Pipeline
from gateway.tables import Departure, PickupAsk, PickupPoint, SeatHold, SeatWait, UnmatchedPlace, WalkRequest
from orthography import words

_buses, _points, _holds, _waits = Departure.__table__, PickupPoint.__table__, SeatHold.__table__, SeatWait.__table__
_unmatched, _walks = UnmatchedPlace.__table__, WalkRequest.__table__


def note_asks(pipeline: Pipeline, asks: Sequence[NoteAsk], now: datetime) -> None:
    """Put each WHERE on record for the load; the position is rounded to some 100 metres."""
    rows = [
        {
            "event_id": ask.event_id,
            "place": ask.place[:120],
            "lat": round(ask.lat, 3),
            "lon": round(ask.lon, 3),
            "nearest_id": ask.nearest_id,
            "offered_id": ask.offered_id,
            "metres": round(ask.metres) if ask.metres is not None else None,
            "asked_at": now,
        }
        for ask in asks
    ]
    pipeline.insert(PickupAsk.__table__, rows)


def note_unmatched(connection: Connection, unmatched: Sequence[NoteUnmatched], now: datetime) -> None:
    """Count places that nobody knew, one row for each spelling whatever its capitals and marks."""
    counted: dict[str, tuple[NoteUnmatched, int]] = {}
    for one in unmatched:
        key = unmatched_key(one.words)
        if key:
            counted[key] = (counted[key][0] if key in counted else one, counted.get(key, (one, 0))[1] + 1)
    dialect: Any = sqlite if is_sqlite(connection) else postgresql
    for key in sorted(counted):
        one, times = counted[key]
        row = {"key": key, "words": one.words[:80], "near": one.near[:120], "times": times}
        upsert = dialect.insert(_unmatched).values(**row, first_asked_at=now, last_asked_at=now)
        connection.execute(
            upsert.on_conflict_do_update(
                index_elements=["key"], set_={"times": _unmatched.c.times + times, "last_asked_at": now}
            )
        )


def unmatched_key(text: str) -> str:
    """Return what is the same in two spellings of one unknown place."""
    return " ".join(words(text))[:80]


def join_waiting(connection: Connection, waits: Sequence[tuple[int, JoinWaiting]], now: datetime) -> None:
    """Remember who waits for a seat at a point; someone who was told once and asks again waits again."""
    rows = {(sender, one.point_id): None for sender, one in waits}
    dialect: Any = sqlite if is_sqlite(connection) else postgresql
    upsert = dialect.insert(_waits).on_conflict_do_update(
        index_elements=["sender_id", "pickup_point_id"], set_={"asked_at": now, "told_at": None}
    )
    connection.execute(
        upsert, [{"sender_id": sender, "pickup_point_id": point, "asked_at": now} for sender, point in sorted(rows)]
    )


def stop_waiting(connection: Connection, sender_ids: Sequence[int]) -> None:
    """Whoever has a seat now waits for none."""
    connection.execute(delete(_waits).where(_waits.c.sender_id.in_(sender_ids)))


def ask_walks(connection: Connection, asked: Sequence[tuple[int, AskWalk]], now: datetime) -> None:
    """Leave requests for walking directions to the worker; the router is never asked while a text is recorded."""
    rows = [
        {
            "sender_id": sender,
            "pickup_point_id": one.point_id,
            "language": one.language,
            "lat": one.lat,
            "lon": one.lon,
            "due_at": now,
        }
        for sender, one in asked
    ]
    connection.execute(insert(_walks), rows)


def set_states(connection: Connection, changes: Sequence[SetPointState]) -> None:
    """FULL and OPEN; the last word of a group counts."""
    states = {change.point_id: change.state for change in changes}
    for point in sorted(states):
        connection.execute(update(_points).where(_points.c.id == point).values(state=states[point]))
    mark_changed(connection, sorted(states), [])


def set_late(
    connection: Connection, changes: Sequence[SetLate], pickups: Pickups, now: datetime, language: str
) -> None:
    """LATE: move the time, move the promises with it, and tell everyone with a seat, once for each new time."""
    minutes = {change.bus_id: change.minutes for change in changes}
    changed = []
    for row in _locked(connection, list(minutes)):
        if row.late_minutes == minutes[row.id]:
            continue  # said before: they have been told
        late = minutes[row.id]
        leaves = row.leaves_at + timedelta(minutes=late)
        connection.execute(update(_buses).where(_buses.c.id == row.id).values(late_minutes=late))
        running = (_holds.c.departure_id == row.id) & (_holds.c.state == "held")
        connection.execute(update(_holds).where(running).values(until=held_until(leaves, now)))
        tell_late(connection, row.id, row.pickup_point_id, leaves, pickups, now, language)
        changed.append(row.id)
    mark_changed(connection, [], changed)


def set_left(connection: Connection, changes: Sequence[SetLeft], now: datetime) -> None:
    """LEFT: the bus is gone, and those with seats on it travel."""
    buses = sorted({change.bus_id for change in changes})
    _locked(connection, buses)
    connection.execute(update(_buses).where(_buses.c.id.in_(buses), _buses.c.left_at.is_(None)).values(left_at=now))
    running = _holds.c.departure_id.in_(buses) & (_holds.c.state == "held")
    connection.execute(update(_holds).where(running).values(state="travelled", ended_at=now))
    mark_changed(connection, [], buses)


def count_boarded(connection: Connection, changes: Sequence[CountBoarded]) -> None:
    """COUNT: seats that people sit on cannot be promised any more."""
    people = {change.bus_id: change.people for change in changes}
    for row in _locked(connection, list(people)):
        connection.execute(update(_buses).where(_buses.c.id == row.id).values(boarded=people[row.id]))
    mark_changed(connection, [], sorted(people))


def _locked(connection: Connection, buses: Sequence[int]) -> Sequence[Any]:
    columns = (_buses.c.id, _buses.c.pickup_point_id, _buses.c.leaves_at, _buses.c.late_minutes)
    rows = select(*columns).where(_buses.c.id.in_(buses)).order_by(_buses.c.id).with_for_update()
    return connection.execute(rows).all()
