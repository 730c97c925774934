"""Gather texts that arrive at the same time, so that many share one commit.

Nobody waits on purpose: an idle collector takes a text at once; while a group is being committed the next one gathers.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from prometheus_client import Histogram

from gateway.carriers.received import Answer, ReceivedText

GROUP_SIZE = 256
MAX_WAITING = 8_192  # some seconds of work; beyond it the carrier's own retry is the better queue

_group_size = Histogram(
    "jalsa_inbound_group_texts", "Texts committed together", buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256)
)

Record = Callable[[Sequence[ReceivedText]], list[Answer | None]]


class Overloaded(Exception):
    """More texts wait than can be answered in time; the carrier must send this one again."""


class Collector:
    """Hands what has arrived to one writer thread, group by group."""

    def __init__(self, record: Record) -> None:
        """`record` commits a group and returns its answers; it runs in the writer thread and may raise."""
        self._record = record
        self._waiting: deque[tuple[ReceivedText, asyncio.Future[Answer | None]]] = deque()
        self._arrived = asyncio.Event()
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="inbound-writer")
        self._task: asyncio.Task[None] | None = None
        self._closing = False

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="inbound-collector")

    async def prepare(self, act: Callable[[], None]) -> None:
        """Do something in the writer thread, before the texts that come later."""
        await asyncio.get_running_loop().run_in_executor(self._writer, act)

    async def stop(self) -> None:
        """Commit what has arrived, then end."""
        self._closing = True
        self._arrived.set()
        if self._task:
            await self._task
        self._writer.shutdown()

    async def submit(self, text: ReceivedText) -> Answer | None:
        """Return the answer once the text is committed; None if it could not be kept.

        :raises Overloaded: too many wait, or the gateway is stopping
        :raises Exception: whatever the record function raised for the group
        """
        if self._closing or len(self._waiting) >= MAX_WAITING:
            raise Overloaded
        future: asyncio.Future[Answer | None] = asyncio.get_running_loop().create_future()
        self._waiting.append((text, future))
        self._arrived.set()
        return await future

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            while self._waiting:
                group = [self._waiting.popleft() for _ in range(min(GROUP_SIZE, len(self._waiting)))]
                _group_size.observe(len(group))
                try:
                    answers = await loop.run_in_executor(self._writer, self._record, [text for text, _ in group])
                except Exception as error:  # each waiting request answers it with 503
                    for _, future in group:
                        if not future.done():
                            future.set_exception(error)
                else:
                    for (_, future), answer in zip(group, answers, strict=True):
                        if not future.done():  # a request whose client went away was cancelled
                            future.set_result(answer)
            if self._closing:
                return
