"""The table of a report's moves: every arrow is there on purpose, and nothing else is."""

import pytest

from gateway.rules.report_life import ALLOWED, OPEN, STATES, MoveRefused, check_move

ARROWS = """
received acknowledged
received assigned
received in_progress
received resolved
received duplicate
received not_actionable
acknowledged assigned
acknowledged in_progress
acknowledged resolved
acknowledged duplicate
acknowledged not_actionable
assigned acknowledged
assigned assigned
assigned in_progress
assigned resolved
assigned duplicate
assigned not_actionable
in_progress acknowledged
in_progress assigned
in_progress resolved
in_progress duplicate
in_progress not_actionable
resolved closed
resolved reopened
closed reopened
reopened acknowledged
reopened assigned
reopened in_progress
reopened resolved
reopened duplicate
reopened not_actionable
duplicate reopened
not_actionable reopened
"""
_ARROWS = {tuple(line.split()) for line in ARROWS.split("\n") if line}


@pytest.mark.parametrize("arrow", sorted(_ARROWS), ids=" to ".join)
def test_an_arrow_is_allowed(arrow: tuple[str, str]) -> None:
    check_move(*arrow)


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("to", STATES)
def test_everything_else_is_refused_and_says_what_is_allowed(state: str, to: str) -> None:
    if (state, to) in _ARROWS:
        return
    with pytest.raises(MoveRefused, match=f"{state} cannot become {to}"):
        check_move(state, to)


def test_a_state_that_is_none_is_refused() -> None:
    with pytest.raises(MoveRefused, match="no state"):
        check_move("received", "gone")


def test_every_state_can_be_left_and_reached() -> None:
    assert set(ALLOWED) == set(STATES)
    assert all(ALLOWED.values())
    assert {to for allowed in ALLOWED.values() for to in allowed} == set(STATES) - {"received"}
    assert {"resolved", "closed", "duplicate", "not_actionable"}.isdisjoint(OPEN)
