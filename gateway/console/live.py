"""Pages that stay up to date: server-sent events that carry rendered fragments, swapped in by static/live.js.

A page says `data-live="/console/reports/live"` on an element; that address answers `stream(...)`. The database is asked
once per process for each topic, however many look on: what a topic's `version` returns is compared, and only when it
has changed does each stream render its own fragments, in its viewer's language and areas.

A stream is no use of a session: it ends with it, and does not prolong it. With JavaScript off the page is a page.
"""

import asyncio
import contextlib
import json
import signal
import threading
from collections import Counter
from collections.abc import AsyncIterator, Callable, Hashable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import FrameType
from typing import Any

import structlog
from fastapi import Request, Response
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse

from gateway.accounts.sessions import running
from gateway.accounts.viewer import Viewer
from gateway.console.shell import console_of
from gateway.database import reading

log = structlog.get_logger()

MOST_PER_SESSION = 4
MOST_STREAMS = 300
HEARTBEAT_S = 15.0
_LOOK_AT_SESSIONS_S = 2.0


@dataclass(frozen=True)
class Topic:
    """Something that pages watch. `version` is a quick query whose answer changes when the pages should."""

    name: str
    version: Callable[[Connection], Hashable]
    every_s: float = 2.0


@dataclass
class _Watched:
    """One topic while somebody looks on: how often it has changed, and the task that asks."""

    topic: Topic
    task: asyncio.Task[None] | None = None
    viewers: int = 0
    changes: int = 0
    changed: asyncio.Event = field(default_factory=asyncio.Event)


class Live:
    """The streams of one process."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._topics: dict[str, _Watched] = {}
        self._sessions: Counter[int] = Counter()
        self._ended: set[int] = set()
        self._closing = False
        self._wake: set[asyncio.Event] = set()
        self._looking: asyncio.Task[None] | None = None

    def room_for(self, session_id: int) -> bool:
        return self._sessions[session_id] < MOST_PER_SESSION and self._sessions.total() < MOST_STREAMS

    def end_session(self, session_id: int) -> None:
        """End the streams of a session at once; other processes see it within two seconds."""
        self._ended.add(session_id)
        self._wake_all()

    def close(self) -> None:
        """End every stream, so that the process can stop."""
        self._closing = True
        self._wake_all()

    @contextlib.contextmanager
    def closing_on_signals(self) -> Any:
        """Streams end when the process is told to stop: the web server waits for open answers before it does."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        loop = asyncio.get_running_loop()
        kept: dict[signal.Signals, Any] = {}

        def told(number: int, frame: FrameType | None) -> None:
            loop.call_soon_threadsafe(self.close)
            before = kept.get(signal.Signals(number))
            if callable(before):
                before(number, frame)

        for number in (signal.SIGINT, signal.SIGTERM):
            kept[number] = signal.getsignal(number)
            if callable(kept[number]):
                signal.signal(number, told)
        try:
            yield
        finally:
            for one, before in kept.items():
                if signal.getsignal(one) is told:
                    signal.signal(one, before)

    async def events(
        self, session_id: int, topic: Topic, render: Callable[[], Mapping[str, str]]
    ) -> AsyncIterator[str]:
        """Yield events until the session or the process ends."""
        watched = self._join(topic, session_id)
        wake = asyncio.Event()
        self._wake.add(wake)
        sent: dict[str, str] = {}
        seen = -1
        try:
            yield "retry: 3000\n\n"
            while not self._over(session_id):
                if watched.changes != seen:
                    seen = watched.changes
                    fresh = await self._rendered(render)
                    news = {key: html for key, html in fresh.items() if sent.get(key) != html}
                    sent |= news
                    if news and not self._over(session_id):
                        yield f"event: fragments\ndata: {json.dumps(news, ensure_ascii=False)}\n\n"
                wake.clear()
                if watched.changes == seen and not self._over(session_id):
                    try:
                        await asyncio.wait_for(wake.wait(), HEARTBEAT_S)
                    except TimeoutError:
                        yield ": still here\n\n"
            yield f"event: {'later' if self._closing else 'end'}\ndata: {{}}\n\n"
        finally:
            self._wake.discard(wake)
            self._part(watched, session_id)

    async def _rendered(self, render: Callable[[], Mapping[str, str]]) -> Mapping[str, str]:
        try:
            return await run_in_threadpool(render)
        except SQLAlchemyError as error:
            log.warning("live_not_rendered", error=type(error).__name__)
            return {}

    def _over(self, session_id: int) -> bool:
        return self._closing or session_id in self._ended

    def _join(self, topic: Topic, session_id: int) -> _Watched:
        watched = self._topics.setdefault(topic.name, _Watched(topic))
        watched.viewers += 1
        self._sessions[session_id] += 1
        if watched.task is None:
            watched.task = asyncio.create_task(self._ask(watched))
        if self._looking is None:
            self._looking = asyncio.create_task(self._look_at_sessions())
        return watched

    def _part(self, watched: _Watched, session_id: int) -> None:
        watched.viewers -= 1
        self._sessions[session_id] -= 1
        if self._sessions[session_id] <= 0:
            del self._sessions[session_id]
            self._ended.discard(session_id)
        if watched.viewers == 0:
            if watched.task:
                watched.task.cancel()
            self._topics.pop(watched.topic.name, None)
        if not self._sessions and self._looking:
            self._looking.cancel()
            self._looking = None

    async def _ask(self, watched: _Watched) -> None:
        """Ask for a topic's version again and again, while somebody looks on."""
        last: Hashable = object()
        while True:
            try:
                version = await run_in_threadpool(self._version, watched.topic)
            except SQLAlchemyError as error:
                log.warning("live_not_asked", topic=watched.topic.name, error=type(error).__name__)
            else:
                if version != last:
                    last = version
                    watched.changes += 1
                    self._wake_all()
            await asyncio.sleep(watched.topic.every_s)

    def _version(self, topic: Topic) -> Hashable:
        with reading(self._engine) as connection:
            return topic.version(connection)

    async def _look_at_sessions(self) -> None:
        """Notice sessions that ended elsewhere: another process, a role change, the command line."""
        while True:
            await asyncio.sleep(_LOOK_AT_SESSIONS_S)
            looked_at = set(self._sessions)
            with contextlib.suppress(SQLAlchemyError):
                still = await run_in_threadpool(self._running, looked_at)
                if gone := looked_at - still:
                    self._ended |= gone & set(self._sessions)
                    self._wake_all()

    def _running(self, session_ids: set[int]) -> frozenset[int]:
        with reading(self._engine) as connection:
            return running(connection, session_ids, datetime.now(UTC))

    def _wake_all(self) -> None:
        for wake in self._wake:
            wake.set()


def stream(request: Request, viewer: Viewer, topic: Topic, render: Callable[[], Mapping[str, str]]) -> Response:
    """Answer a live address: the fragments by the id of their element, now and whenever the topic changes.

    :param render: makes the fragments (`shell.render`), in a thread; it opens its own reading transaction
    """
    live: Live = console_of(request).live
    if not live.room_for(viewer.session_id):
        return Response("Too many open pages.\n", 429, {"Retry-After": "30"}, media_type="text/plain")
    return StreamingResponse(
        live.events(viewer.session_id, topic, render),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )
