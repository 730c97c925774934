"""Several web processes on one machine: each ends with the one that started them, and their figures are added up."""

import ctypes
import multiprocessing
import os
import signal
import sys
import tempfile
from pathlib import Path

from fastapi import FastAPI
from prometheus_client import CollectorRegistry
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from sqlalchemy.engine import make_url

from gateway.app import create_app
from gateway.settings import Settings

MOST_BY_ITSELF = 4
_END_WITH_PARENT = 1  # PR_SET_PDEATHSIG of prctl(2)


def default_count(settings: Settings) -> int:
    """Return how many web processes fit: one for SQLite, which has one writer, and for simulated phones, which live in
    one process's memory; otherwise one for each core, up to `MOST_BY_ITSELF`.
    """
    one = settings.simulated or make_url(settings.database_url).get_backend_name() == "sqlite"
    return 1 if one else min(MOST_BY_ITSELF, os.cpu_count() or 1)


def share_figures() -> None:
    """Let the processes that are started from here add up what /metrics shows."""
    folder = tempfile.mkdtemp(prefix="jalsa-metrics-")
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder  # the name is prometheus-client's own


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
    app = create_app()
    app.state.figures = CollectorRegistry()
    MultiProcessCollector(app.state.figures)  # type: ignore[no-untyped-call]
    return app


def _forget_the_dead() -> None:
    """What a process that crashed had in hand is in nobody's hand."""
    for file in Path(os.environ["PROMETHEUS_MULTIPROC_DIR"]).glob("gauge_live*.db"):
        number = file.stem.rpartition("_")[2]
        if number.isdecimal() and not Path("/proc", number).exists():
            mark_process_dead(int(number))  # type: ignore[no-untyped-call]
