"""How the web processes of one machine share out connections: whoever has fewest takes the next one.

Several processes that wait on one socket race for each connection, and who is a little quicker wins for long: of 200
kept-alive connections of one carrier, 72 % were seen with one of two processes, whose texts then waited twice as long
while the other had time. Here each writes how many it has open where all can read it, and leaves a new one for a moment
to whoever has fewer.
"""

import asyncio
import errno
import fcntl
import os
import socket
import struct
from collections.abc import Callable
from mmap import mmap
from pathlib import Path
from typing import Any

import structlog
import uvloop
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

log = structlog.get_logger()

FILE_SETTING = "JALSA_CONNECTIONS_FILE"
"""Set by whoever starts the processes: the file in which they count."""
MOST_PROCESSES = 128
_SLOT = struct.Struct("=qq")  # process id, open connections
_LEAVE_S = 0.002
_AFTER_LEAVING = 4
"""Connections that one takes who has left them to another in vain: that one has no time now, and they must not wait."""
_REST_S = 1.0
_OUT_OF_THEM = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}


class Counts:
    """How many connections each process has open; read by all, each written by its own process alone."""

    def __init__(self, path: Path) -> None:
        """Take a slot of the file: one that nobody has, or of a process that is dead."""
        with path.open("r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            try:
                self._shared = mmap(file.fileno(), MOST_PROCESSES * _SLOT.size)
                self._at = next(at for at in range(MOST_PROCESSES) if not _is_alive(self._slot(at)[0])) * _SLOT.size
                self._open = 0
                self._write()
            finally:
                fcntl.flock(file, fcntl.LOCK_UN)  # the mapping keeps the file open, and with it the lock

    @staticmethod
    def make_file(path: Path) -> None:
        path.write_bytes(bytes(MOST_PROCESSES * _SLOT.size))

    def opened(self) -> None:
        self._open += 1
        self._write()

    def closed(self) -> None:
        self._open -= 1
        self._write()

    def somebody_has_fewer(self) -> bool:
        """Return whether another process has fewer connections. It may have died: wait for it a moment at most."""
        own = self._at // _SLOT.size
        slots = (self._slot(at) for at in range(MOST_PROCESSES) if at != own)
        return any(pid and count < self._open for pid, count in slots)

    def _slot(self, at: int) -> tuple[int, int]:
        pid, count = _SLOT.unpack_from(self._shared, at * _SLOT.size)
        return pid, count

    def _write(self) -> None:
        _SLOT.pack_into(self._shared, self._at, os.getpid(), self._open)


def _is_alive(pid: int) -> bool:
    if not pid:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


class FairServer:
    """Accepts connections of a socket that other processes accept from too; what uvicorn asks of a server."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, make_protocol: Callable[[], Any], sock: socket.socket, counts: Counts
    ) -> None:
        self._loop, self._make_protocol, self._socket, self._counts = loop, make_protocol, sock, counts
        self._pause: asyncio.TimerHandle | None = None
        self._taking: set[asyncio.Task[None]] = set()
        self._listen()

    def close(self) -> None:
        if self._pause:
            self._pause.cancel()
        self._loop.remove_reader(self._socket)

    async def wait_closed(self) -> None:
        """Nothing is waited for: uvicorn ends the connections itself."""

    def _listen(self) -> None:
        self._pause = None
        self._loop.add_reader(self._socket, self._ready)

    def _ready(self) -> None:
        if self._counts.somebody_has_fewer():
            self._rest(_LEAVE_S, self._take_left)
        else:
            self._take()

    def _take_left(self) -> None:
        self._listen()
        for _ in range(_AFTER_LEAVING):
            if not self._take():
                break

    def _rest(self, seconds: float, then: Callable[[], None]) -> None:
        self._loop.remove_reader(self._socket)
        self._pause = self._loop.call_later(seconds, then)

    def _take(self) -> bool:
        """Accept one connection; returns whether there was one."""
        try:
            connection, _ = self._socket.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return False  # another process was quicker, or the client has gone
        except OSError as error:
            if error.errno not in _OUT_OF_THEM:
                raise
            log.warning("connection_not_accepted", error=errno.errorcode[error.errno])
            self._rest(_REST_S, self._listen)
            return False
        connection.setblocking(False)
        task = self._loop.create_task(self._serve(connection))
        self._taking.add(task)
        task.add_done_callback(self._taking.discard)
        return True

    async def _serve(self, connection: socket.socket) -> None:
        try:
            await self._loop.connect_accepted_socket(self._make_protocol, connection)
        except OSError:  # the client has gone already
            connection.close()


_counts: Counts | None = None


def counts() -> Counts:
    """Return this process's own way to the counts; `FILE_SETTING` names the file."""
    global _counts  # noqa: PLW0603 - one per process: it owns a slot of the file
    if _counts is None:
        _counts = Counts(Path(os.environ[FILE_SETTING]))
    return _counts


class FairLoop(uvloop.Loop):
    """An event loop whose servers on a socket that was given to them are fair."""

    async def create_server(self, protocol_factory: Any, *where: Any, **options: Any) -> Any:
        sock = options.get("sock")
        if sock is None or options.get("ssl"):
            return await super().create_server(protocol_factory, *where, **options)
        sock.setblocking(False)
        sock.listen(options.get("backlog", 100))
        return FairServer(self, protocol_factory, sock, counts())


class FairProtocol(HttpToolsProtocol):
    """uvicorn's own protocol; counts its connection for as long as it is open."""

    def connection_made(self, transport: Any) -> None:
        counts().opened()
        super().connection_made(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        counts().closed()
        super().connection_lost(exc)
