"""One bound connection to an SMSC: requests and their answers by sequence number, a window, a pulse.

Written on asyncio's streams; smpplib's own client blocks a thread for each read and cannot hold a window.
"""

import asyncio
import contextlib
import secrets
import ssl
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import structlog

from gateway.carriers.smpp import pdus
from gateway.carriers.smpp.binds import Bind

log = structlog.get_logger()

CONNECT_TIMEOUT_S = 5.0
MOST_DELIVERIES = 256
_LAST_SEQUENCE = 0x7FFFFFFF


class BindRefused(Exception):
    """The SMSC answered the bind with a status other than 0."""

    def __init__(self, status: int) -> None:
        self.status = status


class ConnectionLost(Exception):
    """The connection ended before the answer; `written` says whether the request may have arrived."""

    def __init__(self, *, written: bool) -> None:
        self.written = written


class NoAnswer(Exception):
    """The SMSC did not answer in time."""


Handler = Callable[["Session", pdus.Header, bytes], Awaitable[int]]


class Session:
    """From `connect` to the end of `run`. `deliver` returns the status of each deliver_sm_resp, once it is durable."""

    def __init__(self, bind: Bind, deliver: Handler) -> None:
        self.bind, self._deliver = bind, deliver
        self.id = secrets.token_hex(6)
        self.began = datetime.now(UTC)
        self.window = asyncio.Semaphore(bind.window)
        self.in_flight = 0
        self.closed = False
        self._sequence = 0
        self._waiting: dict[int, asyncio.Future[tuple[int, bytes]]] = {}
        self._deliveries: set[asyncio.Task[None]] = set()
        self._reader: asyncio.StreamReader
        self._writer: asyncio.StreamWriter
        self._reading: asyncio.Task[None] | None = None
        self._heard = 0.0

    async def connect(self) -> None:
        """:raises OSError, TimeoutError: nobody answers; :raises BindRefused: somebody does, but not to us"""
        tls = ssl.create_default_context() if self.bind.tls else None
        opening = asyncio.open_connection(self.bind.host, self.bind.port, ssl=tls)
        self._reader, self._writer = await asyncio.wait_for(opening, CONNECT_TIMEOUT_S)
        self._reading = asyncio.create_task(self._read(), name=f"smpp-{self.bind.name}")
        bind = self.bind
        try:
            status, _ = await self.request(
                lambda sequence: pdus.bind_transceiver(
                    sequence, bind.system_id, bind.password.get_secret_value(), bind.system_type
                )
            )
        except (ConnectionLost, NoAnswer) as error:
            await self.close()
            raise ConnectionResetError("no answer to the bind") from error
        if status != pdus.STATUS_OK:
            await self.close()
            raise BindRefused(status)
        self.began = datetime.now(UTC)

    async def run(self) -> None:
        """Stay until the connection ends, asking now and then whether the SMSC is still there."""
        assert self._reading is not None
        loop = asyncio.get_running_loop()
        while not self._reading.done():
            await asyncio.wait({self._reading}, timeout=self.bind.enquire_link_s)
            if self._reading.done() or loop.time() - self._heard < self.bind.enquire_link_s:
                continue
            try:
                await self.request(lambda sequence: pdus.bare(pdus.ENQUIRE_LINK, sequence))
            except (ConnectionLost, NoAnswer):
                break
        await self.close()

    async def unbind(self) -> None:
        """Take leave of the SMSC, then close."""
        for task in set(self._deliveries):
            with contextlib.suppress(Exception):
                await asyncio.wait_for(asyncio.shield(task), 5)
        if not self.closed:
            with contextlib.suppress(ConnectionLost, NoAnswer, TimeoutError):
                await asyncio.wait_for(self.request(lambda sequence: pdus.bare(pdus.UNBIND, sequence)), 2)
        await self.close()

    async def request(self, make: Callable[[int], bytes]) -> tuple[int, bytes]:
        """Send a request and return (status, body) of its answer.

        :raises ConnectionLost: with `written` False only where not an octet of it has left
        :raises NoAnswer: the connection is closed then, because nothing more can be believed of it
        """
        if self.closed:
            raise ConnectionLost(written=False)
        self._sequence = self._sequence % _LAST_SEQUENCE + 1
        sequence = self._sequence
        future: asyncio.Future[tuple[int, bytes]] = asyncio.get_running_loop().create_future()
        self._waiting[sequence] = future
        data = make(sequence)
        try:
            self._writer.write(data)
            return await asyncio.wait_for(asyncio.shield(future), self.bind.response_timeout_s)
        except TimeoutError:
            log.warning("smsc_silent", bind=self.bind.name)
            await self.close()
            raise NoAnswer from None
        finally:
            self._waiting.pop(sequence, None)
            if not future.done():
                future.cancel()
            elif not future.cancelled():
                future.exception()

    async def close(self) -> None:
        """End the connection; whoever waits for an answer learns that none will come."""
        if self.closed:
            return
        self.closed = True
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(ConnectionLost(written=True))
        self._writer.close()
        if self._reading is not None and self._reading is not asyncio.current_task():
            self._reading.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._reading

    async def _read(self) -> None:
        try:
            while True:
                start = await self._reader.readexactly(pdus.HEADER)
                header = pdus.read_header(start)
                body = await self._reader.readexactly(header.length - pdus.HEADER)
                self._heard = asyncio.get_running_loop().time()
                await self._take(header, start, body)
        except (OSError, asyncio.IncompleteReadError):
            pass
        except pdus.BadPdu as error:
            log.warning("smsc_not_understood", bind=self.bind.name, error=str(error))
        finally:
            await self.close()

    async def _take(self, header: pdus.Header, start: bytes, body: bytes) -> None:
        if header.command_id & pdus.RESPONSE:
            future = self._waiting.get(header.sequence)
            if future is not None and not future.done():
                future.set_result((header.status, body))
            return
        match header.command_id:
            case pdus.DELIVER_SM:
                if len(self._deliveries) >= MOST_DELIVERIES:  # the SMSC's queue is the better one
                    self._writer.write(pdus.deliver_sm_resp(header.sequence, pdus.STATUS_TRY_AGAIN))
                    return
                task = asyncio.create_task(self._answer(header, start + body))
                self._deliveries.add(task)
                task.add_done_callback(self._deliveries.discard)
            case pdus.ENQUIRE_LINK:
                self._writer.write(pdus.bare(pdus.ENQUIRE_LINK_RESP, header.sequence))
            case pdus.UNBIND:
                self._writer.write(pdus.bare(pdus.UNBIND_RESP, header.sequence))
                raise ConnectionResetError("the SMSC took leave")
            case _:
                self._writer.write(pdus.bare(pdus.GENERIC_NACK, header.sequence, pdus.STATUS_INVALID_COMMAND))

    async def _answer(self, header: pdus.Header, data: bytes) -> None:
        try:
            status = await self._deliver(self, header, data)
        except Exception as error:  # it stays the SMSC's, which sends it again
            log.error("delivery_failed", bind=self.bind.name, error=type(error).__name__)  # noqa: TRY400 - may quote
            status = pdus.STATUS_TRY_AGAIN
        if not self.closed:
            self._writer.write(pdus.deliver_sm_resp(header.sequence, status))
