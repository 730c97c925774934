"""The worker of several web processes: a process of its own, which one of them keeps alive.

In a web process the worker and the clock share one interpreter with the texts that come in: whenever the ticks of some
seconds met, texts of a quarter of a second's length waited. On its own and with a lower priority it takes what they
leave (docs/decisions/0014).
"""

import asyncio
import contextlib
import fcntl
import os
import signal
import sys
import threading
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from pathlib import Path

import structlog
from prometheus_client.multiprocess import mark_process_dead

from gateway.database import make_engine
from gateway.logs import set_up_logs
from gateway.overrides.carrier_account import settings_at_start
from gateway.settings import load_settings
from gateway.working import work

log = structlog.get_logger()

LOOK_EVERY_S = 1.0
"""How long it takes at most until somebody starts a worker in the place of one that ended."""
_NICE = 10
"""On two busy cores it still gets a tenth of one; who waits for a lock that it holds leaves it more."""


@contextlib.asynccontextmanager
async def worker_kept(place: Path) -> AsyncIterator[None]:
    """While the block runs, see to it that a worker runs, as others may at the same time: there is one in all.

    :param place: a file, made before, that stands for the one worker. Whoever runs has it locked, until their very end:
        carriers may allow one connection only.
    """
    keeping = asyncio.create_task(_keep(place), name="worker-keeping")
    try:
        yield
    finally:
        keeping.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await keeping


async def _keep(place: Path) -> None:
    while True:
        try:
            worker = await _started(place)
        except OSError as error:  # no memory, no more processes: perhaps in a second
            log.error("worker_not_started", error=str(error))  # noqa: TRY400
            worker = None
        if worker:
            try:
                await worker.wait()
            finally:
                await _ended(worker)
        await asyncio.sleep(LOOK_EVERY_S)


async def _started(place: Path) -> Process | None:
    """Start a worker if there is none; the lock is its own then."""
    with place.open("rb") as lock:  # not made anew where somebody has tidied it away: that would be another lock
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return None
        # Ctrl-C reaches all processes of a terminal's session at once; this one ends when its keeper says so.
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", __name__, stdin=PIPE, pass_fds=(lock.fileno(),), start_new_session=True
        )


async def _ended(worker: Process) -> None:
    """Let it end if it runs, and wait for that."""
    stopped = worker.returncode is None
    assert worker.stdin is not None
    worker.stdin.close()
    code = await worker.wait()
    mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]
    if not stopped:
        log.warning("worker_ended_early", code=code)


def main() -> None:
    """Be that process, until whoever has started it says so or is gone: then the pipe from it closes."""
    threading.Thread(target=_end_with_the_keeper, daemon=True).start()
    os.nice(_NICE)
    settings = settings_at_start(load_settings())
    set_up_logs(settings)
    engine = make_engine(settings.database_url, audit_key=settings.audit_key)
    try:
        work(settings, engine)
    finally:
        engine.dispose()


def _end_with_the_keeper() -> None:
    os.read(sys.stdin.fileno(), 1)
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main()
