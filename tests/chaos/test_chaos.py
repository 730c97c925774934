"""Kills at every boundary, on both databases; and the same proof must turn red for workers that are broken on purpose.

KILLS says how many kills each database gets (`make chaos N=…`); two databases with the default are 200 together.
"""

import os
import re

import pytest

from tests.chaos.kills import ACCEPTED, BOUNDARIES, Run

KILLS = int(os.environ.get("KILLS", "100"))


def test_nothing_is_lost_sent_twice_stuck_or_started_after_stop(database_url: str) -> None:
    outcome = Run(database_url, KILLS, seed=2011).go()
    assert outcome.broken == []
    assert outcome.kills >= KILLS
    if KILLS >= 60:
        assert set(outcome.by_boundary) == set(BOUNDARIES)
        assert outcome.doubted > 0
    assert outcome.accepted == sum(outcome.states.get(state, 0) for state in ("sent", "delivered"))


@pytest.mark.parametrize(
    ("variant", "boundaries", "sentence"),
    [
        ("resends", (ACCEPTED, "after answer"), r"was sent \d+ times"),
        ("sends first", ("before attempt commit",), r"was sent \d+ times"),
        ("skips consent", ("after result commit",), "was started after the STOP"),
    ],
)
def test_a_broken_worker_turns_the_proof_red(
    variant: str, boundaries: tuple[str, ...], sentence: str, sqlite_copy: str
) -> None:
    outcome = Run(sqlite_copy, 4, seed=7, variant=variant, boundaries=boundaries).go()
    assert any(re.search(sentence, one) for one in outcome.broken), outcome.broken
