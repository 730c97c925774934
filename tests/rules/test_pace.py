"""However the workers ask, a carrier never gets more parts than its pace and its burst allow."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.rules.pace import Pace, give_back, take

START = datetime(2026, 10, 5, 12, 0, tzinfo=UTC)
paces = st.builds(Pace, st.floats(0.1, 5000), st.integers(1, 500))
asks = st.lists(st.tuples(st.integers(0, 3_000_000), st.integers(0, 700)), min_size=1, max_size=40)


@settings(max_examples=300)
@given(paces, asks)
def test_no_window_holds_more_than_burst_and_pace(pace: Pace, asked: list[tuple[int, int]]) -> None:
    now, state, sent = START, None, []
    for later, parts in asked:
        now += timedelta(microseconds=later)
        taken = take(state, parts, now, pace)
        assert 0 <= taken.granted <= parts
        state = taken.busy_until
        sent.append((now, taken.granted))
    for first, (begin, _) in enumerate(sent):
        total = 0
        for end, granted in sent[first:]:
            total += granted
            allowed = pace.burst + pace.parts_per_second * ((end - begin).total_seconds() + 1e-6)
            assert total <= allowed + 1e-9


@given(paces, st.integers(1, 700))
def test_after_the_wait_the_rest_is_granted_and_a_moment_before_it_is_not(pace: Pace, parts: int) -> None:
    taken = take(None, parts, START, pace)
    assert taken.granted == min(parts, pace.burst)
    rest = parts - taken.granted
    if not rest:
        assert taken.wait == timedelta(0)
        return
    chunk = min(rest, pace.burst)
    assert take(taken.busy_until, chunk, START + taken.wait, pace).granted == chunk
    early = START + taken.wait - timedelta(microseconds=2)
    assert take(taken.busy_until, chunk, early, pace).granted < chunk


@pytest.mark.parametrize(("parts_per_second", "burst"), [(1, 1), (3, 10), (100, 10), (0.5, 3), (2500, 250)])
def test_the_pace_is_reached_under_steady_demand(parts_per_second: float, burst: int) -> None:
    pace, now, state, sent = Pace(parts_per_second, burst), START, None, 0
    while now < START + timedelta(seconds=60):
        taken = take(state, 10**6, now, pace)
        state, sent = taken.busy_until, sent + taken.granted
        assert taken.wait > timedelta(0)
        now += taken.wait
    assert 60 * parts_per_second * 0.99 - burst <= sent <= 60 * parts_per_second + burst


def test_many_workers_on_one_row_share_one_pace() -> None:
    pace, state, sent = Pace(100, 10), None, 0
    for millisecond in range(10_000):
        for _worker in range(5):
            taken = take(state, 3, START + timedelta(milliseconds=millisecond), pace)
            state, sent = taken.busy_until, sent + taken.granted
    assert 990 <= sent <= 1010


def test_an_idle_night_saves_up_one_burst_and_no_more() -> None:
    pace = Pace(10, 20)
    state = take(None, 20, START, pace).busy_until
    assert take(state, 1000, START + timedelta(hours=8), pace).granted == 20


def test_a_clock_behind_or_ahead_never_adds_speed() -> None:
    pace = Pace(10, 10)
    first = take(None, 10, START, pace)
    behind = take(first.busy_until, 10, START - timedelta(seconds=5), pace)
    assert behind.granted == 0
    assert behind.wait == timedelta(seconds=6)


@given(paces, st.integers(1, 500), st.data())
def test_what_is_given_back_can_be_taken_again_but_never_more(pace: Pace, parts: int, data: st.DataObject) -> None:
    taken = take(None, parts, START, pace)
    back = data.draw(st.integers(0, taken.granted))
    state = give_back(taken.busy_until, back, pace)
    again = take(state, 10**6, START, pace).granted
    free = pace.burst - taken.granted
    assert free + back - 1 <= again <= free + back


def test_a_text_is_counted_in_parts() -> None:
    pace = Pace(10, 10)
    taken = take(None, 4, START, pace)
    assert (taken.granted, taken.busy_until - START, taken.wait) == (4, timedelta(seconds=0.4), timedelta(0))
    taken = take(taken.busy_until, 8, START, pace)
    assert (taken.granted, taken.wait) == (6, timedelta(seconds=0.2))


def test_misuse_is_refused() -> None:
    for parts_per_second, burst in ((0, 1), (-1, 1), (float("inf"), 1), (float("nan"), 1), (1, 0)):
        with pytest.raises(ValueError, match=r"at least 1|more than 0"):
            Pace(parts_per_second, burst)
    with pytest.raises(ValueError, match="cannot be sent"):
        take(None, -1, START, Pace(1, 1))
