"""No text leaves at night by the clock on the recipient's wall, also on the two odd nights of the year."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.rules.sending_hours import (
    SendingHours,
    finish_time,
    next_allowed,
    quiet_from,
)

KARACHI = ZoneInfo("Asia/Karachi")
LONDON = ZoneInfo("Europe/London")
NEW_YORK = ZoneInfo("America/New_York")
DAY = SendingHours(time(9), time(21))

# A moment just before each kind of clock change: an hour, half an hour, at midnight, a whole day.
CHANGES = [
    ("Europe/London", datetime(2026, 3, 29, 1, tzinfo=UTC)),
    ("Europe/London", datetime(2026, 10, 25, 1, tzinfo=UTC)),
    ("America/New_York", datetime(2026, 3, 8, 7, tzinfo=UTC)),
    ("America/New_York", datetime(2026, 11, 1, 6, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2026, 4, 4, 15, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2026, 10, 3, 15, 30, tzinfo=UTC)),
    ("America/Havana", datetime(2026, 3, 8, 5, tzinfo=UTC)),
    ("America/Havana", datetime(2026, 11, 1, 5, tzinfo=UTC)),
    ("Pacific/Apia", datetime(2011, 12, 30, 10, tzinfo=UTC)),
    ("Asia/Kathmandu", datetime(2026, 3, 29, 1, tzinfo=UTC)),
]


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc,arg-type]


def test_an_ordinary_day_in_karachi() -> None:
    assert next_allowed(utc(2026, 10, 5, 7), DAY, KARACHI) == utc(2026, 10, 5, 7)
    assert next_allowed(utc(2026, 10, 5, 3, 59), DAY, KARACHI) == utc(2026, 10, 5, 4)
    assert next_allowed(utc(2026, 10, 5, 15, 59), DAY, KARACHI) == utc(2026, 10, 5, 15, 59)
    assert next_allowed(utc(2026, 10, 5, 16), DAY, KARACHI) == utc(2026, 10, 6, 4)  # closing time is closed
    assert next_allowed(datetime(2026, 10, 5, 23, tzinfo=KARACHI), DAY, KARACHI).tzinfo is UTC


def test_the_recipients_clock_decides_not_the_senders() -> None:
    now = utc(2026, 10, 5, 6)  # 11:00 in Karachi, 02:00 in New York
    assert next_allowed(now, DAY, KARACHI) == now
    assert next_allowed(now, DAY, NEW_YORK) == utc(2026, 10, 5, 13)


def test_hours_past_midnight() -> None:
    ramadan = SendingHours(time(20), time(3))
    assert next_allowed(utc(2026, 2, 20, 21, 30), ramadan, KARACHI) == utc(2026, 2, 20, 21, 30)  # 02:30
    assert next_allowed(utc(2026, 2, 20, 22), ramadan, KARACHI) == utc(2026, 2, 21, 15)


def test_urgent_texts_and_all_day_hours_never_wait() -> None:
    night = utc(2026, 10, 5, 22)
    assert next_allowed(night, DAY, KARACHI, urgent=True) == night
    all_day = SendingHours.read("00:00-24:00")
    assert next_allowed(night, all_day, KARACHI) == night
    assert quiet_from(night, all_day, KARACHI) is None


def test_an_opening_in_the_hour_that_is_skipped_is_the_moment_of_the_jump() -> None:
    hours = SendingHours(time(1, 30), time(21))  # London's clocks go from 01:00 to 02:00
    assert next_allowed(utc(2026, 3, 29, 0, 30), hours, LONDON) == utc(2026, 3, 29, 1)


def test_an_hour_that_comes_twice_is_judged_twice() -> None:
    hours = SendingHours(time(1, 30), time(21))  # London's clocks go back from 02:00 to 01:00 at 01:00 UTC
    assert next_allowed(utc(2026, 10, 25, 0), hours, LONDON) == utc(2026, 10, 25, 0, 30)
    assert next_allowed(utc(2026, 10, 25, 1), hours, LONDON) == utc(2026, 10, 25, 1, 30)


def test_the_clock_going_back_can_open_the_window_again() -> None:
    hours = SendingHours(time(20), time(1, 30))
    assert next_allowed(utc(2026, 10, 25, 0, 40), hours, LONDON) == utc(2026, 10, 25, 1)  # 01:40, then 01:00 again


@settings(max_examples=150)
@given(
    st.sampled_from(CHANGES),
    st.integers(-40 * 60, 40 * 60),
    st.times().map(lambda wall: wall.replace(minute=wall.minute // 5 * 5, second=0, microsecond=0)),
    st.times().map(lambda wall: wall.replace(minute=wall.minute // 5 * 5, second=0, microsecond=0)),
)
def test_it_is_the_first_allowed_minute_found_by_walking(
    change: tuple[str, datetime], minutes: int, opens: time, closes: time
) -> None:
    zone, hours = ZoneInfo(change[0]), SendingHours(opens, closes)
    now = change[1] + timedelta(minutes=minutes)
    walked = now
    while not hours.hold(walked.astimezone(zone).time()):
        walked += timedelta(minutes=1)
    assert next_allowed(now, hours, zone) == walked
    if not hours.all_day:
        while hours.hold(walked.astimezone(zone).time()):
            walked += timedelta(minutes=1)
        assert quiet_from(next_allowed(now, hours, zone), hours, zone) == walked


FIVES = st.times().map(lambda wall: wall.replace(minute=wall.minute // 5 * 5, second=0, microsecond=0))


@settings(max_examples=150)
@given(st.sampled_from(CHANGES), st.integers(-40 * 60, 40 * 60), FIVES, FIVES, FIVES, FIVES)
def test_hours_within_hours_hold_where_both_do(
    change: tuple[str, datetime], minutes: int, opens: time, closes: time, house_opens: time, house_closes: time
) -> None:
    zone, house = ZoneInfo(change[0]), SendingHours(house_opens, house_closes)
    own = SendingHours(opens, closes)
    both = replace(own, within=house)
    day = [time(*divmod(minute, 60)) for minute in range(0, 24 * 60, 5)]
    assert both.never == (not any(own.hold(wall) and house.hold(wall) for wall in day))
    assert both.all_day == all(own.hold(wall) and house.hold(wall) for wall in day)
    if both.never:
        return
    now = walked = change[1] + timedelta(minutes=minutes)
    while not (own.hold(wall := walked.astimezone(zone).time()) and house.hold(wall)):
        walked += timedelta(minutes=1)
    assert next_allowed(now, both, zone) == walked
    if not both.all_day:
        while own.hold(wall := walked.astimezone(zone).time()) and house.hold(wall):
            walked += timedelta(minutes=1)
        assert quiet_from(next_allowed(now, both, zone), both, zone) == walked


def test_the_finish_counts_the_nights_between() -> None:
    evening = datetime(2026, 10, 5, 20, 0, tzinfo=KARACHI)
    assert finish_time(evening, {KARACHI: 36_000}, 10, DAY) == datetime(2026, 10, 5, 21, tzinfo=KARACHI)
    assert finish_time(evening, {KARACHI: 72_000}, 10, DAY) == datetime(2026, 10, 6, 10, tzinfo=KARACHI)
    assert finish_time(evening, {KARACHI: 36_000 * 15}, 10, DAY) == datetime(2026, 10, 7, 11, tzinfo=KARACHI)
    assert finish_time(evening, {KARACHI: 0}, 10, DAY) == evening
    with pytest.raises(ValueError, match="more than 0"):
        finish_time(evening, {KARACHI: 1}, 0, DAY)


def test_people_abroad_wait_for_their_own_morning() -> None:
    noon = datetime(2026, 10, 5, 12, 0, tzinfo=KARACHI)  # eight in London
    assert finish_time(noon, {KARACHI: 600, LONDON: 600}, 10, DAY) == datetime(2026, 10, 5, 9, 1, tzinfo=LONDON)
    # Both open: they share the pace, so together they take as long as one of the same size.
    later = noon + timedelta(hours=2)
    assert finish_time(later, {KARACHI: 600, LONDON: 600}, 10, DAY) == later + timedelta(minutes=2)
    # Karachi closes first and goes on in the morning, when London sleeps.
    evening = datetime(2026, 10, 5, 20, 59, tzinfo=KARACHI)
    both = finish_time(evening, {KARACHI: 1_200, LONDON: 1_200}, 10, DAY)
    assert both == datetime(2026, 10, 6, 9, 1, 30, tzinfo=KARACHI)


@pytest.mark.parametrize(("zone", "change"), CHANGES)
@given(data=st.data())
@settings(max_examples=15, deadline=None)
def test_the_finish_is_what_counting_minutes_gives(zone: str, change: datetime, data: st.DataObject) -> None:
    """Two zones, hours across midnight too, near a clock change: each minute's parts go to whoever is awake."""
    zones = (ZoneInfo(zone), KARACHI)
    minutes = st.integers(0, 24 * 60 - 1)
    opens, closes = data.draw(minutes), data.draw(minutes)
    hours = SendingHours(time(*divmod(opens, 60)), time(*divmod(closes, 60)))
    start = change + timedelta(minutes=data.draw(st.integers(-1_500, 300)))
    left = {one: data.draw(st.integers(1, 600)) for one in zones}
    found = finish_time(start, left, 1 / 60, hours)
    # Shares of a minute do not matter for the end: whoever is awake is served before the clock moves on.
    moment, waiting = start, dict(left)
    while any(waiting.values()):
        awake = [one for one in zones if waiting[one] > 0 and hours.hold(moment.astimezone(one).time())]
        work = sum(waiting[one] for one in awake)
        for one in awake:
            waiting[one] = max(0, waiting[one] - waiting[one] / work) if work > 1 else 0
        moment += timedelta(minutes=1)
    assert abs(found - moment) <= timedelta(minutes=1)


@pytest.mark.parametrize(
    ("written", "opens", "closes"),
    [
        ("09:00-21:00", time(9), time(21)),
        ("9:30 – 20:15", time(9, 30), time(20, 15)),
        ("20:00 to 03:00", time(20), time(3)),
        ("08:00-24:00", time(8), time(0)),
    ],
)
def test_hours_as_written(written: str, opens: time, closes: time) -> None:
    assert SendingHours.read(written) == SendingHours(opens, closes)


@pytest.mark.parametrize("written", ["", "9-21", "25:00-26:00", "09:60-10:00", "09:00", "24:00-09:00", "nine to five"])
def test_what_are_no_hours(written: str) -> None:
    with pytest.raises(ValueError, match=r"Sending hours|no such hour"):
        SendingHours.read(written)
