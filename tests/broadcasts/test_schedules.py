"""A schedule strikes once, however many processes watch it; what was missed follows the rule and is on record."""

import multiprocessing
import threading
from datetime import UTC, datetime, timedelta

import pytest

from gateway.broadcasts.drafts import BroadcastError, Draft, change_draft
from gateway.broadcasts.schedules import When, next_by, schedule, strike, unschedule
from gateway.database import make_engine, writing
from gateway.tables import BroadcastSchedule, ScheduleFire
from tests.broadcasts.conftest import TERMS, Desk

SIX = datetime(2026, 3, 2, 13, 0, tzinfo=UTC)  # 18:00 in Karachi, six hours after the test's noon
KARACHI = "Asia/Karachi"


def scheduled(desk: Desk, when: When) -> str:
    desk.members(3)
    key = desk.draft()
    desk.approve(key)
    schedule(desk.engine, key, when, "sana", desk.now)
    return key


def fires(desk: Desk) -> list[tuple[datetime, str]]:
    return [(row.fire_time, row.outcome) for row in desk.outbox.rows(ScheduleFire)]


def test_once_at_its_time_and_not_before(desk: Desk) -> None:
    key = scheduled(desk, When(KARACHI, at=SIX))
    assert desk.row(key).state == "scheduled"
    assert strike(desk.engine, desk.terms, SIX - timedelta(seconds=1)) == 0
    desk.outbox.clock.now = SIX
    assert strike(desk.engine, desk.terms, SIX) == 1
    assert strike(desk.engine, desk.terms, SIX + timedelta(seconds=1)) == 0
    assert desk.outbox.states() == {"queued": 3}
    assert fires(desk) == [(SIX, "started")]


@pytest.mark.parametrize("many", [2, 3, 5])
def test_any_number_of_watchers_start_it_once(desk: Desk, database_url: str, many: int) -> None:
    key = scheduled(desk, When(KARACHI, cron="0 18 * * *"))
    barrier, started = threading.Barrier(many), []

    def watch() -> None:
        engine = make_engine(database_url)
        barrier.wait()
        for _ in range(3):
            started.append(strike(engine, TERMS, SIX))
        engine.dispose()

    threads = [threading.Thread(target=watch) for _ in range(many)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(started) == 1
    assert len(started) == 3 * many
    assert fires(desk) == [(SIX, "started")]
    assert desk.account(f"{key}-20260302-1300").recipients == 3


def _strike_in_a_process(url: str, barrier: object, results: object) -> None:
    engine = make_engine(url)
    barrier.wait()  # type: ignore[attr-defined]
    results.put(strike(engine, TERMS, SIX))  # type: ignore[attr-defined]
    engine.dispose()


def test_three_processes_start_it_once(desk: Desk, database_url: str) -> None:
    scheduled(desk, When(KARACHI, at=SIX))
    context = multiprocessing.get_context("spawn")
    barrier, results = context.Barrier(3), context.Queue()
    processes = [context.Process(target=_strike_in_a_process, args=(database_url, barrier, results)) for _ in range(3)]
    for process in processes:
        process.start()
    assert sorted(results.get(timeout=120) for _ in processes) == [0, 0, 1]
    for process in processes:
        process.join()
    assert fires(desk) == [(SIX, "started")]
    assert desk.outbox.states() == {"queued": 3}


def test_again_and_again_each_time_a_broadcast_of_its_own(desk: Desk) -> None:
    key = scheduled(desk, When(KARACHI, cron="0 18 * * *"))
    for day in range(3):
        desk.outbox.clock.now = SIX + timedelta(days=day, seconds=2)
        assert strike(desk.engine, desk.terms, desk.now) == 1
        desk.plan()
        desk.outbox.steps()
        desk.close()
    assert len(desk.outbox.carrier.taken) == 9
    assert desk.row(key).state == "scheduled"
    assert [desk.row(f"{key}-2026030{day}-1300").state for day in (2, 3, 4)] == ["done"] * 3


def test_a_little_late_it_still_starts(desk: Desk) -> None:
    scheduled(desk, When(KARACHI, at=SIX))
    assert strike(desk.engine, desk.terms, SIX + timedelta(minutes=29)) == 1


def test_too_late_it_is_skipped_and_says_so(desk: Desk) -> None:
    key = scheduled(desk, When(KARACHI, at=SIX))
    assert strike(desk.engine, desk.terms, SIX + timedelta(minutes=31)) == 0
    [row] = desk.outbox.rows(ScheduleFire)
    assert (row.outcome, row.note) == ("skipped", "31 minutes late; the limit is 30")
    assert desk.row(key).state == "approved"
    assert desk.outbox.texts() == []


def test_after_days_without_us_each_missed_time_has_a_row_and_the_last_may_start(desk: Desk) -> None:
    scheduled(desk, When(KARACHI, cron="0 18 * * *"))
    back = SIX + timedelta(days=3, minutes=10)
    assert strike(desk.engine, desk.terms, back) == 1
    assert [outcome for _, outcome in fires(desk)] == ["skipped", "skipped", "skipped", "started"]
    [row] = desk.outbox.rows(BroadcastSchedule)
    assert row.next_at == SIX + timedelta(days=4)


def test_a_changed_draft_loses_its_schedule(desk: Desk) -> None:
    key = scheduled(desk, When(KARACHI, at=SIX))
    with writing(desk.engine) as connection:
        changed = Draft("Rally", "city:lahore", {"en": "Other words"})
        change_draft(connection, key, changed, desk.directory, desk.terms, "sana", desk.now)
    assert strike(desk.engine, desk.terms, SIX) == 0
    assert desk.outbox.texts() == []


def test_what_cannot_start_is_refused_on_record(desk: Desk) -> None:
    key = scheduled(desk, When(KARACHI, at=SIX))
    desk.outbox.set_state(desk.row(key).id, "cancelled")
    assert strike(desk.engine, desk.terms, SIX) == 0
    [row] = desk.outbox.rows(ScheduleFire)
    assert row.outcome == "refused"
    assert "cancelled and cannot become planning" in row.note


def test_taken_away_it_stays_approved(desk: Desk) -> None:
    key = scheduled(desk, When(KARACHI, at=SIX))
    unschedule(desk.engine, key, "sana", desk.now)
    assert desk.row(key).state == "approved"
    assert strike(desk.engine, desk.terms, SIX) == 0


def test_only_what_is_approved_is_scheduled_and_only_ahead(desk: Desk) -> None:
    desk.members(3)
    key = desk.draft()
    with pytest.raises(BroadcastError, match="draft and cannot be scheduled"):
        schedule(desk.engine, key, When(KARACHI, at=SIX), "sana", desk.now)
    desk.approve(key)
    with pytest.raises(BroadcastError, match="past"):
        schedule(desk.engine, key, When(KARACHI, at=desk.now), "sana", desk.now)
    with pytest.raises(BroadcastError, match="as in crontab"):
        schedule(desk.engine, key, When(KARACHI, cron="every friday"), "sana", desk.now)


def test_the_wall_clock_of_the_place_holds_when_its_clocks_change() -> None:
    before = datetime(2026, 3, 28, 12, tzinfo=UTC)  # Berlin goes to summer time on the 29th at 2:00
    first = next_by("0 18 * * *", "Europe/Berlin", before)
    assert first == datetime(2026, 3, 28, 17, tzinfo=UTC)
    assert next_by("0 18 * * *", "Europe/Berlin", first) == datetime(2026, 3, 29, 16, tzinfo=UTC)
