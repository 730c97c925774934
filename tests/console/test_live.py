"""Streams of server-sent events: one question per process, however many look on; over with the session."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from fastapi import FastAPI
from sqlalchemy import Connection, Engine, func, select

from gateway.accounts.sessions import end_sessions
from gateway.console.live import MOST_PER_SESSION, Live, Topic
from gateway.database import writing
from gateway.tables import Alert, Staff, StaffSession
from tests.console.client import Browser, a_session


class Counted:
    """A topic that says how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.value = 0
        self.topic = Topic("test", self._version, every_s=0.02)

    def _version(self, connection: Connection) -> int:
        self.asked += 1
        connection.execute(select(func.count()).select_from(Alert)).scalar_one()
        return self.value


@pytest.fixture
def counted() -> Counted:
    return Counted()


async def _fragments(events: AsyncIterator[str]) -> dict[str, str]:
    async with asyncio.timeout(10):
        async for event in events:
            if event.startswith("event: fragments"):
                return dict(json.loads(event.split("data: ")[1]))
    raise AssertionError("the stream ended")


async def _last(events: AsyncIterator[str]) -> str:
    said = ""
    async with asyncio.timeout(10):
        async for event in events:
            said = event
    return said


def test_a_change_is_sent_and_sameness_is_not(engine: Engine, console: FastAPI, counted: Counted) -> None:
    a_session(engine, "farah")

    async def run() -> None:
        live = Live(engine)
        events = live.events(1, counted.topic, lambda: {"queue": f"<b>{counted.value}</b>", "rest": "same"})
        assert await _fragments(events) == {"queue": "<b>0</b>", "rest": "same"}
        counted.value = 1
        assert await _fragments(events) == {"queue": "<b>1</b>"}
        live.close()
        assert "later" in await _last(events)

    asyncio.run(run())


def test_many_viewers_ask_the_database_no_oftener_than_one(engine: Engine, console: FastAPI, counted: Counted) -> None:
    a_session(engine, "farah")

    async def run() -> int:
        live = Live(engine)
        streams = [live.events(1, counted.topic, lambda: {"x": str(counted.value)}) for _ in range(50)]
        await asyncio.gather(*(_fragments(one) for one in streams))
        asked = counted.asked
        counted.value = 1
        await asyncio.gather(*(_fragments(one) for one in streams))
        live.close()
        await asyncio.gather(*(_last(one) for one in streams))
        return counted.asked - asked

    assert asyncio.run(run()) < 40  # one task's, whatever the number of viewers; each asking would be 50 at least


@pytest.mark.parametrize("how", ["here", "elsewhere"])
def test_a_stream_ends_with_its_session(engine: Engine, console: FastAPI, counted: Counted, how: str) -> None:
    a_session(engine, "farah")
    with engine.connect() as connection:
        [(session_id, staff_id)] = connection.execute(
            select(StaffSession.id, Staff.id).join_from(StaffSession, Staff).order_by(StaffSession.id)
        ).all()

    async def run() -> str:
        live = Live(engine)
        events = live.events(session_id, counted.topic, lambda: {"x": "y"})
        await _fragments(events)
        if how == "here":
            live.end_session(session_id)
        else:
            with writing(engine) as connection:
                end_sessions(connection, staff_id, datetime.now(UTC))
        return await _last(events)

    assert "event: end" in asyncio.run(run())


def test_a_session_holds_a_few_streams_only(engine: Engine, counted: Counted) -> None:
    async def run() -> None:
        live = Live(engine)
        streams = [live.events(7, counted.topic, lambda: {"x": "y"}) for _ in range(MOST_PER_SESSION)]
        for one in streams:
            assert live.room_for(7)
            await anext(one)
        assert not live.room_for(7) and live.room_for(8)
        for one in streams:
            await one.aclose()
        assert live.room_for(7)

    asyncio.run(run())


def test_signing_out_tells_the_streams(as_field: Browser, console: FastAPI) -> None:
    live: Live = console.state.console.live
    told: list[int] = []
    live.end_session = told.append  # type: ignore[method-assign]
    as_field.get("/console/account")
    as_field.submit("/console/sign-out")
    assert len(told) == 1
