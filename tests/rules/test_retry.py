"""A text is tried again when that is safe and of use, and never before the carrier's own word."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.rules.carrier_codes import Outcome
from gateway.rules.retry import (
    LATER,
    LONGEST_RETRY_AFTER,
    LONGEST_WAIT,
    MOST_ATTEMPTS,
    GiveUp,
    Requeue,
    Uncertain,
    next_attempt,
    read_retry_after,
)

NOW = datetime(2026, 10, 5, 12, 0, tzinfo=UTC)


def wait(outcome: Outcome, attempts: int, retry_after: timedelta | None = None, text_id: int = 7) -> timedelta:
    step = next_attempt(outcome, attempts, NOW, retry_after, text_id=text_id)
    assert isinstance(step, Requeue)
    return step.at - NOW


def test_waits_grow_and_stay_bounded() -> None:
    assert timedelta(seconds=0.5) <= wait(Outcome.REQUEUE, 1) < timedelta(seconds=1)
    assert timedelta(seconds=8) <= wait(Outcome.REQUEUE, 5) < timedelta(seconds=16)
    assert LONGEST_WAIT / 2 <= wait(Outcome.REQUEUE, 100) < LONGEST_WAIT


def test_the_spread_is_the_same_on_every_machine_and_unlike_for_each_text() -> None:
    waits = [wait(Outcome.REQUEUE, 6, text_id=text_id) for text_id in range(1000)]
    assert waits == [wait(Outcome.REQUEUE, 6, text_id=text_id) for text_id in range(1000)]
    assert len(set(waits)) > 990
    early = sum(one < timedelta(seconds=24) for one in waits)  # of 16 to 32 seconds
    assert 400 < early < 600


@given(
    st.integers(1, MOST_ATTEMPTS - 1),
    st.timedeltas(timedelta(0), timedelta(hours=5)),
    st.one_of(st.integers(), st.text(max_size=40)),
)
def test_never_before_the_carriers_own_word_nor_long_after(
    attempts: int, retry_after: timedelta, text_id: int | str
) -> None:
    step = next_attempt(Outcome.REQUEUE, attempts, NOW, retry_after, text_id=text_id)
    assert isinstance(step, Requeue)
    asked = min(retry_after, LONGEST_RETRY_AFTER)
    assert NOW + asked <= step.at <= NOW + asked + max(LONGEST_WAIT, asked / 10) / 2


def test_one_later_retry_and_no_more() -> None:
    first = next_attempt(Outcome.RETRY_ONCE, 3, NOW, text_id=7)
    assert isinstance(first, Requeue)
    assert NOW + LATER <= first.at <= NOW + 2 * LATER
    assert isinstance(next_attempt(Outcome.RETRY_ONCE, 4, NOW, text_id=7, retried=True), GiveUp)


@pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.SUPPRESSED, Outcome.EXPIRED])
def test_what_is_final_is_final(outcome: Outcome) -> None:
    step = next_attempt(outcome, 1, NOW, timedelta(seconds=1), text_id=7)
    assert isinstance(step, GiveUp)
    assert step.reason


def test_what_may_have_been_sent_is_looked_for_twice_and_not_sent() -> None:
    step = next_attempt(Outcome.UNCERTAIN, 1, NOW, timedelta(seconds=1), text_id=7)
    assert isinstance(step, Uncertain)
    assert NOW < step.looks[0] < step.looks[1] - timedelta(minutes=5)


def test_no_attempt_after_the_text_is_of_no_use() -> None:
    soon = NOW + timedelta(minutes=5)
    for outcome in (Outcome.RETRY_ONCE, Outcome.REQUEUE):
        step = next_attempt(outcome, 1, NOW, timedelta(minutes=6), text_id=7, expires_at=soon)
        assert isinstance(step, GiveUp)
    assert isinstance(next_attempt(Outcome.REQUEUE, 1, NOW, text_id=7, expires_at=soon), Requeue)


def test_a_long_outage_loses_no_text_that_is_still_of_use() -> None:
    tomorrow = NOW + timedelta(days=1)
    assert isinstance(next_attempt(Outcome.REQUEUE, 1000, NOW, text_id=7, expires_at=tomorrow), Requeue)
    assert isinstance(next_attempt(Outcome.REQUEUE, MOST_ATTEMPTS, NOW, text_id=7), GiveUp)


def test_misuse_is_refused() -> None:
    with pytest.raises(ValueError, match="accepted"):
        next_attempt(Outcome.ACCEPTED, 1, NOW, text_id=7)
    with pytest.raises(ValueError, match="At least one"):
        next_attempt(Outcome.REQUEUE, 0, NOW, text_id=7)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("0", 0),
        ("120", 120),
        (" 7 ", 7),
        ("1.5", 1.5),
        ("3600", 3600),
        ("86400", 3600),
        ("99999999999999999", 3600),
        ("Mon, 05 Oct 2026 12:02:00 GMT", 120),
        ("Monday, 05-Oct-26 12:02:00 GMT", 120),  # the form of RFC 850
        ("Mon Oct  5 12:02:00 2026", 120),  # the form of asctime()
        ("Mon, 05 Oct 2026 17:02:00 +0500", 120),
        ("Mon, 05 Oct 2026 11:00:00 GMT", 0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 3600),
        (None, None),
        ("", None),
        ("-5", None),
        ("soon", None),
        ("inf", None),
        ("nan", None),
        ("1e3", None),
        ("٣", None),
        ("Mon, 99 Oct 2026 12:02:00 GMT", None),
        ("9" * 5000, None),
        ("Mon, 05 Oct 2026 12:02:00 +9999999999", None),
    ],
)
def test_retry_after(header: str | None, seconds: float | None) -> None:
    expected = None if seconds is None else timedelta(seconds=seconds)
    assert read_retry_after(header, NOW) == expected


@given(st.one_of(st.text(max_size=60), st.from_regex(r"[A-Z][a-z]{2}, [0-9]{1,6} [A-Z][a-z]{2} [0-9:. +\-]{1,30}")))
def test_any_header_is_read_within_bounds(header: str) -> None:
    asked = read_retry_after(header, NOW)
    assert asked is None or timedelta(0) <= asked <= LONGEST_RETRY_AFTER
