"""How the effects of texts about pick-up points are written: from what was done to the rows of gateway.pickups."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from gateway.pickups import applied as pickups
from gateway.pickups import effects as seats
from gateway.pickups.seat_rows import change_holds
from gateway.pipeline import Pipeline
from gateway.rules.conversation import Effect

if TYPE_CHECKING:
    from gateway.inbound.effects import Done, Surroundings


def _change_seats(pipeline: Pipeline, done: "list[Done]", around: "Surroundings") -> None:
    changes = [(one.sender.id, one.effect) for one in done if isinstance(one.effect, seats.ChangeHold)]
    change_holds(pipeline.connection, changes, around.now)
    if seated := [sender for sender, change in changes if change.after]:
        pickups.stop_waiting(pipeline.connection, seated)


def _join_waiting(pipeline: Pipeline, done: "list[Done]", around: "Surroundings") -> None:
    waits = [(one.sender.id, one.effect) for one in done if isinstance(one.effect, seats.JoinWaiting)]
    pickups.join_waiting(pipeline.connection, waits, around.now)


def _ask_walks(pipeline: Pipeline, done: "list[Done]", around: "Surroundings") -> None:
    asked = [(one.sender.id, one.effect) for one in done if isinstance(one.effect, seats.AskWalk)]
    pickups.ask_walks(pipeline.connection, asked, around.now)


def _note_asks(pipeline: Pipeline, done: "list[Done]", around: "Surroundings") -> None:
    asks = [one.effect for one in done if isinstance(one.effect, seats.NoteAsk)]
    pickups.note_asks(pipeline, asks, around.now)


def _note_unmatched(pipeline: Pipeline, done: "list[Done]", around: "Surroundings") -> None:
    unmatched = [one.effect for one in done if isinstance(one.effect, seats.NoteUnmatched)]
    pickups.note_unmatched(pipeline.connection, unmatched, around.now)


def _set_states(pipeline: Pipeline, done: "list[Done]", around: "Surroundings") -> None:
    pickups.set_states(pipeline.connection, [one.effect for one in done if isinstance(one.effect, seats.SetPointState)])


def _set_late(pipeline: Pipeline, done: "list[Done]", around: "Surroundings") -> None:
    changes = [one.effect for one in done if isinstance(one.effect, seats.SetLate)]
    pickups.set_late(pipeline.connection, changes, around.pickups, around.now, around.default_language)


def _set_left(pipeline: Pipeline, done: "list[Done]", around: "Surroundings") -> None:
    changes = [one.effect for one in done if isinstance(one.effect, seats.SetLeft)]
    pickups.set_left(pipeline.connection, changes, around.now)


def _count_boarded(pipeline: Pipeline, done: "list[Done]", around: "Surroundings") -> None:
    pickups.count_boarded(
        pipeline.connection, [one.effect for one in done if isinstance(one.effect, seats.CountBoarded)]
    )


PICKUP_APPLIERS: "dict[type[Effect], Callable[[Pipeline, list[Done], Surroundings], None]]" = {
    seats.NoteAsk: _note_asks,
    seats.NoteUnmatched: _note_unmatched,
    seats.AskWalk: _ask_walks,
    seats.JoinWaiting: _join_waiting,
    # Buses are locked first, then the number of live changes; every group and worker keeps to that order.
    seats.ChangeHold: _change_seats,
    seats.SetLate: _set_late,
    seats.SetLeft: _set_left,
    seats.CountBoarded: _count_boarded,
    seats.SetPointState: _set_states,
}
"""Merged into `effects.APPLIERS`, in this order."""
