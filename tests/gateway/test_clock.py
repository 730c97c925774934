"""When the clock ticks: never everything at once."""

from itertools import pairwise

from gateway.clock import TICKS, first_ticks

_MOMENT_S = 0.3


def test_ticks_of_some_seconds_do_not_meet() -> None:
    """Those of a second or less are nearly nothing, and those of minutes rare."""
    seldom = [(seconds, first) for _, seconds, first in first_ticks() if 1 < seconds <= 60]
    times = sorted(first + seconds * round_ for seconds, first in seldom for round_ in range(int(300 / seconds)))
    assert len(times) > 100  # the second and later minutes are looked at too
    assert min(later - earlier for earlier, later in pairwise(times)) > _MOMENT_S


def test_every_tick_comes_within_its_own_time() -> None:
    assert [tick for tick, _, _ in first_ticks()] == [tick for tick, _ in TICKS]
    assert all(0 < first <= seconds for _, seconds, first in first_ticks())
