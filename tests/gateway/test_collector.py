"""The collector: texts that arrive together share a commit, and nobody is left without an answer."""

import asyncio
import threading
from collections.abc import Sequence

import pytest
from sqlalchemy import Engine, func, select

from gateway.carriers.received import Answer, ReceivedText
from gateway.inbound import collector as module
from gateway.inbound.collector import Collector, Overloaded
from gateway.settings import Settings
from gateway.tables import InboundText
from tests.gateway.conftest import a_text
from tests.gateway.twilio_client import carrier_for, inbound

TEXTS = InboundText.__table__


class Writer:
    """Records by remembering; each group waits until it is let through."""

    def __init__(self) -> None:
        self.groups: list[list[str]] = []
        self.began = threading.Semaphore(0)
        self.let_through = threading.Semaphore(0)

    def record(self, texts: Sequence[ReceivedText]) -> list[Answer | None]:
        self.groups.append([text.body for text in texts])
        self.began.release()
        assert self.let_through.acquire(timeout=10)
        if any(text.body == "broken" for text in texts):
            raise RuntimeError("no commit")
        return [Answer(number, text.body) for number, text in enumerate(texts)]


async def _submitted(collector: Collector, bodies: Sequence[str]) -> list[asyncio.Task[Answer | None]]:
    """Submit texts and return once each of them waits."""
    tasks = [asyncio.create_task(collector.submit(a_text(body))) for body in bodies]
    await asyncio.sleep(0)
    return tasks


async def _busy(collector: Collector, writer: Writer) -> asyncio.Task[Answer | None]:
    """Submit one text and return when the writer has begun with it."""
    [first] = await _submitted(collector, ["first"])
    assert await asyncio.to_thread(writer.began.acquire, timeout=10)
    return first


def test_an_idle_collector_waits_for_nobody_and_a_busy_one_groups() -> None:
    async def run() -> None:
        writer = Writer()
        collector = Collector(writer.record)
        collector.start()
        first = await _busy(collector, writer)
        rest = await _submitted(collector, [str(number) for number in range(9)])
        writer.let_through.release(2)
        answers = await asyncio.gather(first, *rest)
        assert writer.groups == [["first"], [str(number) for number in range(9)]]
        assert [answer.body for answer in answers if answer] == ["first", *(str(number) for number in range(9))]
        await collector.stop()

    asyncio.run(asyncio.wait_for(run(), 20))


def test_a_group_has_a_size_that_it_does_not_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "GROUP_SIZE", 4)

    async def run() -> None:
        writer = Writer()
        collector = Collector(writer.record)
        collector.start()
        first = await _busy(collector, writer)
        rest = await _submitted(collector, [str(number) for number in range(10)])
        writer.let_through.release(4)
        await asyncio.gather(first, *rest)
        assert [len(group) for group in writer.groups] == [1, 4, 4, 2]
        await collector.stop()

    asyncio.run(asyncio.wait_for(run(), 20))


def test_a_request_that_is_cancelled_takes_nobody_with_it() -> None:
    async def run() -> None:
        writer = Writer()
        collector = Collector(writer.record)
        collector.start()
        first = await _busy(collector, writer)
        gone, stays = await _submitted(collector, ["gone", "stays"])
        first.cancel()  # its group is being committed
        gone.cancel()  # it still waits
        writer.let_through.release(2)
        answer = await stays
        assert answer is not None
        assert answer.body == "stays"
        assert first.cancelled()
        assert gone.cancelled()
        [later] = await _submitted(collector, ["later"])
        writer.let_through.release()
        assert await later is not None
        await collector.stop()

    asyncio.run(asyncio.wait_for(run(), 20))


def test_a_group_that_fails_fails_its_own_requests_only() -> None:
    async def run() -> None:
        writer = Writer()
        collector = Collector(writer.record)
        collector.start()
        first = await _busy(collector, writer)
        together = await _submitted(collector, ["broken", "beside it"])
        writer.let_through.release(3)
        assert await first is not None
        for task in together:
            with pytest.raises(RuntimeError):
                await task
        [after] = await _submitted(collector, ["after"])
        assert await after is not None
        await collector.stop()

    asyncio.run(asyncio.wait_for(run(), 20))


def test_stopping_commits_what_has_arrived_and_takes_no_more() -> None:
    async def run() -> None:
        writer = Writer()
        collector = Collector(writer.record)
        collector.start()
        first = await _busy(collector, writer)
        waiting = await _submitted(collector, ["a", "b", "c"])
        stopping = asyncio.create_task(collector.stop())
        await asyncio.sleep(0)
        with pytest.raises(Overloaded):
            await collector.submit(a_text("too late"))
        writer.let_through.release(2)
        await stopping
        assert all(task.done() for task in (first, *waiting))
        assert writer.groups == [["first"], ["a", "b", "c"]]

    asyncio.run(asyncio.wait_for(run(), 20))


def test_too_many_waiting_are_sent_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_WAITING", 3)

    async def run() -> None:
        writer = Writer()
        collector = Collector(writer.record)
        collector.start()
        first = await _busy(collector, writer)
        waiting = await _submitted(collector, ["a", "b", "c"])
        with pytest.raises(Overloaded):
            await collector.submit(a_text("d"))
        writer.let_through.release(2)
        await asyncio.gather(first, *waiting)
        await collector.stop()

    asyncio.run(asyncio.wait_for(run(), 20))


def test_an_overloaded_gateway_answers_503_and_the_retry_succeeds_once(
    settings: Settings, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = inbound("JOIN Ali Lahore")
    with carrier_for(settings) as carrier:
        monkeypatch.setattr(module, "MAX_WAITING", 0)
        refused = carrier.post(text)
        assert refused.status_code == 503
        assert refused.headers["retry-after"] == "1"
        with engine.connect() as connection:
            assert connection.execute(select(func.count()).select_from(TEXTS)).scalar() == 0
        monkeypatch.undo()
        assert carrier.post(text).status_code == 200
        with engine.connect() as connection:
            assert connection.execute(select(func.count()).select_from(TEXTS)).scalar() == 1
