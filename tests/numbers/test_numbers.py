"""Counts that pages show, on both databases."""

import threading
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Engine, func, insert, select

from gateway.database import reading, writing
from gateway.heartbeat import beat, last_beats
from gateway.numbers.hours import count_hours, when_people_text
from gateway.numbers.joins import joins_by_city
from gateway.numbers.kept import Kept
from gateway.numbers.minutes import RecentMinutes
from gateway.tables import Heartbeat, Member, TextHour
from tests.numbers.rows import add_members, add_senders, place_id, reply_to_all, text_out, texts_in, texts_out

NOW = datetime(2026, 11, 22, 10, 30, 30, tzinfo=UTC)
KARACHI = ZoneInfo("Asia/Karachi")
MINUTE = timedelta(minutes=1)


def test_texts_by_the_minute_count_replies_and_what_was_handed_over(engine: Engine) -> None:
    [one, two] = add_senders(engine, 2, NOW)
    texts_in(engine, [(one, NOW - MINUTE), (two, NOW - MINUTE), (one, NOW), (one, NOW - 90 * MINUTE)])
    reply_to_all(engine, NOW)
    texts_out(
        engine,
        [
            text_out(one, attempted_at=NOW - 3 * MINUTE),
            text_out(two, state="queued", attempts=0),
            text_out(two, attempted_at=NOW - 3 * MINUTE, state="failed"),
        ],
        NOW,
    )
    with reading(engine) as connection:
        minutes = RecentMinutes().read(connection, NOW)
    assert len(minutes) == 60
    assert [(one.texts_in, one.texts_out) for one in minutes[-4:]] == [(0, 2), (0, 0), (2, 2), (1, 1)]
    assert minutes[-1].begins == NOW.replace(second=0)
    assert sum(one.texts_in for one in minutes) == 3


def test_minutes_of_one_city_are_its_members_own(engine: Engine) -> None:
    [one, two] = add_senders(engine, 2, NOW)
    lahore = place_id(engine, "lahore")
    add_members(engine, [one], lahore, NOW)
    texts_in(engine, [(one, NOW), (two, NOW)])
    reply_to_all(engine, NOW)
    with reading(engine) as connection:
        minutes = RecentMinutes().read(connection, NOW, "lahore", Member.__table__.c.city_id == lahore)
    assert (minutes[-1].texts_in, minutes[-1].texts_out) == (1, 1)


def test_a_minute_that_is_over_is_read_once(engine: Engine) -> None:
    [one] = add_senders(engine, 1, NOW)
    texts_in(engine, [(one, NOW - 30 * MINUTE), (one, NOW - MINUTE)])
    recent = RecentMinutes()
    with reading(engine) as connection:
        recent.read(connection, NOW)
    texts_in(engine, [(one, NOW - 30 * MINUTE), (one, NOW - MINUTE)])
    with reading(engine) as connection:
        minutes = recent.read(connection, NOW)
    assert minutes[29].texts_in == 1, "it was over and is not read again"
    assert minutes[-2].texts_in == 2, "a text may still come for it"


def test_joins_by_city(engine: Engine) -> None:
    senders = add_senders(engine, 6, NOW)
    lahore, multan = place_id(engine, "lahore"), place_id(engine, "multan")
    add_members(engine, senders[:3], lahore, NOW)
    add_members(engine, senders[3:4], multan, NOW)
    add_members(engine, senders[4:5], None, NOW)
    add_members(engine, senders[5:], lahore, NOW - timedelta(days=2))
    with reading(engine) as connection:
        cities, total = joins_by_city(connection, NOW - timedelta(hours=1))
        top, same = joins_by_city(connection, NOW - timedelta(hours=1), shown=1)
        only, mine = joins_by_city(connection, NOW - timedelta(hours=1), Member.__table__.c.city_id == multan)
    assert {one.city: one.joins for one in cities} == {"lahore": 3, "multan": 1, None: 1}
    assert total == same == 5
    assert [one.names["ur"] for one in top] == ["لاہور"]
    assert ([one.city for one in only], mine) == (["multan"], 1)


def test_hours_are_counted_once_and_told_on_the_zones_clock(engine: Engine) -> None:
    [one, two] = add_senders(engine, 2, NOW)
    lahore = place_id(engine, "lahore")
    add_members(engine, [one], lahore, NOW)
    friday = datetime(2026, 11, 20, 13, 10, tzinfo=UTC)  # 18:10 in Karachi
    texts_in(engine, [(one, friday), (two, friday), (two, friday + timedelta(minutes=40)), (one, NOW)])
    assert count_hours(engine, NOW) == 1, "the hour that runs is not over"
    assert count_hours(engine, NOW) == 0
    with reading(engine) as connection:
        week = when_people_text(connection, KARACHI, NOW)
        mine = when_people_text(connection, KARACHI, NOW, TextHour.__table__.c.city_id == lahore)
    assert week.texts[4][18] == week.most == week.total == 3
    assert week.peak == (4, 18)
    assert mine.total == 1
    assert count_hours(engine, NOW + timedelta(hours=1)) == 1


def test_two_clocks_count_an_hour_once(engine: Engine) -> None:
    [one] = add_senders(engine, 1, NOW)
    texts_in(engine, [(one, NOW - timedelta(hours=back)) for back in range(2, 30)])
    threads = [threading.Thread(target=count_hours, args=(engine, NOW)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    count_hours(engine, NOW)
    with reading(engine) as connection:
        assert connection.execute(select(func.sum(TextHour.texts))).scalar() == 28


def test_a_week_without_texts_has_no_peak(engine: Engine) -> None:
    with reading(engine) as connection:
        assert when_people_text(connection, KARACHI, NOW).peak is None


def test_marks_of_a_process_are_one_row_and_go_after_a_day(engine: Engine) -> None:
    with writing(engine) as connection:
        connection.execute(insert(Heartbeat).values(name="worker old", kind="worker", at=NOW - timedelta(days=2)))
    beat(engine, "worker", "a", NOW - MINUTE)
    beat(engine, "worker", "a", NOW)
    beat(engine, "clock", "a", NOW - MINUTE)
    with reading(engine) as connection:
        assert last_beats(connection) == {"worker": NOW, "clock": NOW - MINUTE}
        assert connection.execute(select(func.count()).select_from(Heartbeat)).scalar() == 2


def test_an_answer_is_kept_and_a_slow_one_longer() -> None:
    now, asked = [0.0], []

    def answer() -> int:
        asked.append(now[0])
        now[0] += 1.0  # it takes a second
        return len(asked)

    kept = Kept(lambda: now[0])
    assert kept.get("a", 5, answer) == 1
    now[0] += 19
    assert kept.get("a", 5, answer) == 1, "a twentieth of the time at most goes into it"
    now[0] += 2
    assert kept.get("a", 5, answer) == 2
    assert kept.get("b", 5, answer) == 3, "another question"


def test_a_hundred_who_ask_at_once_cost_one_answer() -> None:
    kept, asked, go = Kept(), [], threading.Event()

    def answer() -> int:
        go.wait(5)
        asked.append(1)
        return 7

    found: list[int] = []
    threads = [threading.Thread(target=lambda: found.append(kept.get("q", 5, answer))) for _ in range(100)]
    for thread in threads:
        thread.start()
    go.set()
    for thread in threads:
        thread.join()
    assert (len(asked), found) == (1, [7] * 100)


def test_an_answer_that_fails_is_not_kept() -> None:
    kept = Kept()
    with pytest.raises(ValueError, match="no"):
        kept.get("q", 5, lambda: (_ for _ in ()).throw(ValueError("no")))
    assert kept.get("q", 5, lambda: 1) == 1
