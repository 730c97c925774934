"""Every pair of states: the arrows below are allowed, all others refused."""

import pytest

from gateway.outbox.lanes_waiting import CANCELLED, SENDING
from gateway.rules.broadcast_life import LEAVING, BroadcastState, MoveRefused, move, sources

ARROWS = """
draft approved
draft cancelled
approved draft
approved scheduled
approved planning
approved cancelled
scheduled draft
scheduled approved
scheduled planning
scheduled cancelled
planning sending
planning paused
planning cancelled
sending paused
sending done
sending cancelled
paused planning
paused sending
paused cancelled
done sending
"""
ALLOWED = {tuple(line.split()) for line in ARROWS.strip().splitlines()}


@pytest.mark.parametrize("to", BroadcastState)
@pytest.mark.parametrize("current", BroadcastState)
def test_every_move(current: BroadcastState, to: BroadcastState) -> None:
    if (str(current), str(to)) in ALLOWED:
        assert move(current, to) is to
        assert current in sources(to)
    else:
        assert current not in sources(to)
        with pytest.raises(MoveRefused, match=f"that is {current} cannot become {to}"):
            move(current, to)


def test_the_outbox_sends_in_the_states_that_say_so() -> None:
    assert set(SENDING) == set(LEAVING)
    assert CANCELLED == BroadcastState.CANCELLED
