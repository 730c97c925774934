"""Several web processes on one machine: each ends with the one that started them, and their figures are added up."""

import ctypes
import fcntl
import multiprocessing
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path

from fastapi import FastAPI
from prometheus_client import CollectorRegistry
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from sqlalchemy.engine import make_url

from gateway.accepting import FILE_SETTING, Counts
from gateway.app import create_app
from gateway.own_worker import worker_kept
from gateway.settings import Settings, load_settings

MOST_BY_ITSELF = 4
MOST_ON_SQLITE = 2
_WORKER = "worker"
_END_WITH_PARENT = 1  # PR_SET_PDEATHSIG of prctl(2)


def default_count(settings: Settings) -> int:
    """Return how many web processes fit: one for simulated phones, which live in one process's memory; otherwise one
    for each core, up to `MOST_BY_ITSELF`, and on SQLite, where one writes at a time, up to `MOST_ON_SQLITE`.
    """
    if settings.simulated:
        return 1
    sqlite = make_url(settings.database_url).get_backend_name() == "sqlite"
    return min(MOST_ON_SQLITE if sqlite else MOST_BY_ITSELF, os.cpu_count() or 1)


@contextmanager
def shared_out() -> Iterator[None]:
    """Let the processes that are started in the block add up what /metrics shows, and share connections evenly.

    What they have in common are files of a folder for temporary ones. Many machines tidy those away that nobody has
    touched for ten days, and leave a folder that is locked (systemd-tmpfiles(8)).
    """
    folder = tempfile.mkdtemp(prefix="jalsa-metrics-")
    lock = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_SH)
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder  # the name is prometheus-client's own
        file = Path(folder, "connections")
        Counts.make_file(file)
        os.environ[FILE_SETTING] = str(file)
        (_folder() / _WORKER).touch()
        yield
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def create_one_of_several() -> FastAPI:
    """Return the application of one of several web processes.

    Whoever kills the first process means the gateway: an orphan would hold the port and go on answering.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_END_WITH_PARENT, signal.SIGKILL)
    first = multiprocessing.parent_process()
    if first is None or not first.is_alive():  # it ended before we could ask to end with it
        sys.exit(1)
    _forget_the_dead()
    settings = load_settings()
    beside = partial(worker_kept, _folder() / _WORKER) if settings.runs_worker else nullcontext
    app = create_app(settings.model_copy(update={"worker_in_serve": False}), beside)
    app.state.figures = CollectorRegistry()
    MultiProcessCollector(app.state.figures)  # type: ignore[no-untyped-call]
    return app


def _folder() -> Path:
    """Return the folder whose files all web processes know."""
    return Path(os.environ["PROMETHEUS_MULTIPROC_DIR"])


def _forget_the_dead() -> None:
    """What a process that crashed had in hand is in nobody's hand."""
    for file in _folder().glob("gauge_live*.db"):
        number = file.stem.rpartition("_")[2]
        if number.isdecimal() and not Path("/proc", number).exists():
            mark_process_dead(int(number))  # type: ignore[no-untyped-call]
