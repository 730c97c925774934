"""A point never sells more seats than it has, whoever texts at the same time."""

import asyncio
import multiprocessing
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Engine, func, select

from gateway.carriers.received import Answer
from gateway.inbound import collector as collecting
from gateway.service import Service
from gateway.tables import SeatHold, SeatWait
from tests.gateway.conftest import a_text, settings_for
from tests.gateway.pickups.conftest import add_point, column

PHONES = [f"+92300555{number:04d}" for number in range(200)]


def _bodies(answers: list[Answer | None]) -> list[str]:
    return [answer.body or "" if answer else "" for answer in answers]


@pytest.mark.parametrize("group", [1, 7, 256])
def test_two_hundred_phones_race_for_fifty_seats_through_the_collector(
    engine: Engine,
    rally: int,
    service: Service,
    held: Callable[[], list[int]],
    group: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(collecting, "GROUP_SIZE", group)
    add_point(engine, rally, "Clock Tower", 31.50, 74.33, seats=50)

    async def race() -> list[str]:
        service.collector.start()
        await asyncio.gather(*(service.collector.submit(a_text("WHERE clock tower", phone)) for phone in PHONES))
        answers = await asyncio.gather(*(service.collector.submit(a_text("SEAT", phone)) for phone in PHONES))
        await service.collector.stop()
        return _bodies(list(answers))

    answers = asyncio.run(race())
    assert sum("seat(s) yours" in answer for answer in answers) == 50
    assert sum("is full" in answer for answer in answers) == 150
    assert held() == [50]
    assert column(engine, select(func.sum(SeatHold.seats)).where(SeatHold.state == "held")) == [50]
    assert column(engine, select(func.count()).select_from(SeatWait)) == [150]


def test_four_writers_race_with_several_seats_each_and_cancels(
    engine: Engine, rally: int, database_url: str, held: Callable[[], list[int]]
) -> None:
    """Several services on one database, each with its own writer, as several web processes are."""
    add_point(engine, rally, "Clock Tower", 31.50, 74.33, seats=50)
    add_point(engine, rally, "Bird Market", 31.51, 74.33, seats=31)
    services = [Service(settings_for(database_url)) for _ in range(4)]
    start = threading.Barrier(4)

    def texts(number: int) -> None:
        mine = PHONES[number::4]
        service = services[number]
        start.wait()
        for round_ in range(0, len(mine), 10):
            phones = mine[round_ : round_ + 10]
            bodies = ["WHERE clock tower", "SEAT 3", "CANCEL SEAT", "SEAT 2", "YES", "SEAT"]
            for body in bodies:
                for answer in service.record([a_text(body, phone) for phone in phones]):
                    assert answer is not None

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(texts, range(4)))
    for service in services:
        service.close()
    by_bus = dict(
        _pairs(
            engine,
            select(SeatHold.departure_id, func.sum(SeatHold.seats))
            .where(SeatHold.state == "held")
            .group_by(SeatHold.departure_id),
        )
    )
    clock_tower, bird_market = held()
    assert by_bus == {1: clock_tower, 2: bird_market}
    assert 49 <= clock_tower <= 50 and 30 <= bird_market <= 31  # all who came last asked for one seat or two


def _pairs(engine: Engine, query: object) -> list[tuple[int, int]]:
    with engine.connect() as connection:
        return [(row[0], int(row[1])) for row in connection.execute(query)]  # type: ignore[call-overload]


def _one_process(url: str, phones: list[str], ready: object, go: object, results: object) -> None:
    service = Service(settings_for(url))
    service.record([a_text("WHERE clock tower", phone) for phone in phones])
    ready.release()  # type: ignore[attr-defined]
    go.wait(60)  # type: ignore[attr-defined]
    said = []
    for at in range(0, len(phones), 5):
        said += _bodies(service.record([a_text("SEAT", phone) for phone in phones[at : at + 5]]))
    service.close()
    results.put(sum("seat(s) yours" in one for one in said))  # type: ignore[attr-defined]


def test_two_processes_race_for_fifty_seats(
    engine: Engine, rally: int, database_url: str, held: Callable[[], list[int]]
) -> None:
    add_point(engine, rally, "Clock Tower", 31.50, 74.33, seats=50)
    context = multiprocessing.get_context("spawn")
    ready, go, results = context.Semaphore(0), context.Event(), context.Queue()
    processes = [
        context.Process(target=_one_process, args=(database_url, PHONES[half::2], ready, go, results))
        for half in (0, 1)
    ]
    for process in processes:
        process.start()
    for _ in processes:
        assert ready.acquire(timeout=60)
    go.set()
    won = [results.get(timeout=60) for _ in processes]
    for process in processes:
        process.join(30)
    assert sum(won) == 50
    assert held() == [50]
