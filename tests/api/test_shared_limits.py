"""The limits of a key hold over all processes: each `RateLimits` here is one process on the same database."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, func, select, update
from sqlalchemy.exc import OperationalError

from gateway.api import rate, streams
from gateway.api.rate import RateLimits
from gateway.database import reading, writing
from gateway.tables import ApiBudget, ApiStream
from tests.api.conftest import Program, Programs

NOON = datetime(2026, 3, 6, 12, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now

    def later(self, **span: float) -> None:
        self.now += timedelta(**span)


@pytest.fixture(autouse=True)
def one_loop() -> Iterator[None]:
    """One event loop for the whole test, as a process has."""
    global _runner
    with asyncio.Runner() as _runner:
        yield


_runner: asyncio.Runner


def taken(limits: RateLimits, key_id: int, tries: int) -> int:
    """Return how many of so many tries pass."""

    async def all_at_once() -> int:
        return sum(not one.refused for one in await asyncio.gather(*(limits.take(key_id) for _ in range(tries))))

    return _runner.run(all_at_once())


def test_the_bucket_fills_evenly(app: Program, program: Programs, engine: Engine) -> None:
    program("other")
    clock = Clock()
    limits = RateLimits(engine, 60, clock)
    assert taken(limits, 1, 61) == 60 and taken(limits, 1, 5) == 0
    assert taken(limits, 2, 1) == 1
    clock.later(seconds=1)
    assert taken(limits, 1, 3) == 1
    clock.later(seconds=10_000)
    assert _runner.run(limits.take(1)).remaining == 59


def test_processes_together_let_through_no_more_than_one_would(app: Program, engine: Engine) -> None:
    clock = Clock()
    processes = [RateLimits(engine, 600, clock) for _ in range(4)]
    passed = 0
    for _ in range(60):  # one after the other, ten requests each: 2,400 tries
        passed += sum(taken(one, 1, 10) for one in processes)
    assert passed == 600, "the last one is found by whichever process asks"
    clock.later(seconds=2)
    assert sum(taken(one, 1, 100) for one in processes) == 20


def test_what_a_process_holds_is_little_and_goes_back(app: Program, engine: Engine) -> None:
    clock = Clock()
    idle, busy = RateLimits(engine, 600, clock), RateLimits(engine, 600, clock)
    assert taken(idle, 1, 1) == 1
    with reading(engine) as connection:
        assert connection.execute(select(ApiBudget.left)).scalar_one() == 590
    assert taken(busy, 1, 700) == 590
    assert taken(idle, 1, 700) == 9, "what it holds it may still let through"
    clock.later(minutes=2)
    assert taken(idle, 1, 1) == 1
    clock.later(minutes=2)
    assert taken(idle, 1, 601) == 600, "what was held for long is none beyond the limit"


def test_a_busy_key_costs_a_write_for_many_requests(
    app: Program, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    writes = []
    real = RateLimits._fetch
    monkeypatch.setattr(RateLimits, "_fetch", lambda self, *given: writes.append(given) or real(self, *given))
    limits = RateLimits(engine, 600, Clock())
    assert taken(limits, 1, 300) == 300
    assert len(writes) == 30
    assert taken(limits, 1, 5_000) == 300
    spent = len(writes)
    assert taken(limits, 1, 1_000) == 0 and len(writes) == spent, "a refusal is known without asking again"


def test_a_clock_behind_takes_nothing_back_and_gives_nothing(app: Program, engine: Engine) -> None:
    ahead, behind = Clock(), Clock()
    behind.later(minutes=-5)
    assert taken(RateLimits(engine, 60, ahead), 1, 100) == 60
    assert taken(RateLimits(engine, 60, behind), 1, 100) == 0
    ahead.later(seconds=3)
    assert taken(RateLimits(engine, 60, ahead), 1, 100) == 3


def test_a_busy_database_turns_no_reader_away(app: Program, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(_: Engine) -> None:
        raise OperationalError("UPDATE", {}, Exception("database is locked"))

    clock = Clock()
    limits = RateLimits(engine, 60, clock)
    with monkeypatch.context() as patched:
        patched.setattr(rate, "writing", busy)
        assert taken(limits, 1, 3) == 3
    clock.later(seconds=1)
    assert taken(limits, 1, 100) == 60


def test_streams_are_counted_over_all_processes_and_those_of_the_dead_are_not(
    program: Programs, engine: Engine
) -> None:
    program("one"), program("two")
    open_ones = [streams.enter(engine, 1, NOON, most=12) for _ in range(11)]
    assert None not in open_ones[:10] and open_ones[10] is None
    assert streams.enter(engine, 2, NOON, most=12) and streams.enter(engine, 2, NOON, most=12)
    assert streams.enter(engine, 2, NOON, most=12) is None, "twelve of all"
    assert open_ones[0] is not None
    streams.leave(engine, open_ones[0])
    assert streams.enter(engine, 1, NOON, most=12)
    # One process goes on saying that its stream is open; the others died.
    alive = open_ones[1]
    assert alive is not None
    later = NOON + streams.STALE - timedelta(seconds=1)
    assert streams.still_open(engine, alive, later)
    assert streams.enter(engine, 1, NOON + streams.STALE + timedelta(seconds=1), most=12)
    with reading(engine) as connection:
        assert connection.execute(select(func.count()).select_from(ApiStream)).scalar_one() == 2
    dead = open_ones[2]
    assert dead is not None and not streams.still_open(engine, dead, later)


def test_streams_that_are_opened_at_once_are_all_counted(program: Programs, engine: Engine) -> None:
    program("one")

    async def many() -> list[int | None]:
        return await asyncio.gather(*(asyncio.to_thread(streams.enter, engine, 1, NOON, 50) for _ in range(14)))

    found = asyncio.run(many())
    assert sum(one is not None for one in found) == streams.OF_ONE_KEY


def test_a_stream_that_others_count_as_dead_ends(app: Program, engine: Engine) -> None:
    opened = streams.enter(engine, 1, NOON, most=12)
    assert opened is not None
    with writing(engine) as connection:
        connection.execute(update(ApiStream).values(seen_at=NOON - timedelta(minutes=2)))
    assert streams.enter(engine, 1, NOON, most=12)
    assert not streams.still_open(engine, opened, NOON)
