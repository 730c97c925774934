"""Several web processes: as many as fit, one figure for all, and none outlives the one that started it."""

import asyncio
import fcntl
import os
import re
import signal
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import aiohttp
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, select

from gateway.app import create_app
from gateway.database import make_engine
from gateway.inbound.loader import ReferenceLoader
from gateway.migrate import migrate
from gateway.own_worker import LOOK_EVERY_S
from gateway.processes import default_count
from gateway.service import Service
from gateway.tables import Heartbeat
from tests.gateway.conftest import settings_for
from tests.gateway.test_crash import a_gateway, post
from tests.gateway.twilio_client import inbound


def test_a_process_for_each_core_two_on_sqlite_and_one_for_simulated_phones() -> None:
    cores = os.cpu_count() or 1
    assert default_count(settings_for("sqlite:///x.db")) == min(2, cores)
    assert default_count(settings_for("postgresql://localhost/x")) == min(4, cores)
    phones = {"carrier": "simulated", "public_base_url": "http://127.0.0.1:8000"}
    assert default_count(settings_for("postgresql://localhost/x", **phones)) == 1


def children(pid: int) -> set[int]:
    found = Path(f"/proc/{pid}/task").glob("*/children")
    return {int(child) for task in found for child in task.read_text().split()}


def answered(url: str) -> float:
    said = urllib.request.urlopen(url.replace("/webhooks/twilio/sms", "/metrics"), timeout=5).read().decode()
    [value] = re.findall(r'^jalsa_webhook_answers_total\{outcome="answered",webhook="sms"\} (\S+)', said, re.MULTILINE)
    return float(value)


def workers(engine: Engine) -> list[int]:
    """Return the numbers of all processes that have left a worker's mark, the newest last."""
    with engine.connect() as connection:
        marks = connection.scalars(select(Heartbeat.name).where(Heartbeat.kind == "worker").order_by(Heartbeat.at))
        return [int(name.split(":")[1]) for name in marks]


def alive(pid: int) -> bool:
    """Whether a process runs: one that has ended and waits for its parent to look does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def grandchildren(pid: int) -> set[int]:
    return {grandchild for child in children(pid) for grandchild in children(child)}


@pytest.fixture
def on_sqlite(tmp_path: Path) -> Iterator[Engine]:
    engine = make_engine(f"sqlite:///{tmp_path / 'jalsa.db'}")
    migrate(engine, "PK")
    yield engine
    engine.dispose()


def wait_for(condition: Callable[[], bool], what: str) -> None:
    ends = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < ends, what
        time.sleep(0.05)  # other processes tell nobody


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="reads /proc")
def test_several_web_processes_have_one_worker_whoever_dies(on_sqlite: Engine) -> None:
    with a_gateway(str(on_sqlite.url), processes=3) as gateway:
        wait_for(lambda: len(workers(on_sqlite)) == 1, "no worker began")
        [first] = workers(on_sqlite)
        assert grandchildren(gateway.process.pid) == {first}
        os.kill(first, signal.SIGKILL)
        wait_for(lambda: len(workers(on_sqlite)) == 2, "nobody started another worker")
        second = workers(on_sqlite)[-1]
        [keeper] = [child for child in children(gateway.process.pid) if second in children(child)]
        os.kill(keeper, signal.SIGKILL)
        wait_for(lambda: len(workers(on_sqlite)) == 3, "the worker of a web process that died has no heir")
        assert not alive(second)
        assert grandchildren(gateway.process.pid) == {workers(on_sqlite)[-1]}


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="reads /proc")
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_the_worker_ends_with_the_gateway(on_sqlite: Engine, how: signal.Signals) -> None:
    with a_gateway(str(on_sqlite.url), processes=2) as gateway:
        wait_for(lambda: bool(workers(on_sqlite)), "no worker began")
        os.kill(gateway.process.pid, how)
        gateway.process.wait(30)
        wait_for(lambda: not alive(workers(on_sqlite)[0]), "the worker outlived its gateway")
    assert len(workers(on_sqlite)) == 1


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="reads /proc")
def test_a_worker_that_stands_still_is_not_joined_by_a_second(on_sqlite: Engine) -> None:
    """A carrier may allow one connection only: the next begins when the last has ended, also if that takes long."""
    with a_gateway(str(on_sqlite.url), processes=2) as gateway:
        wait_for(lambda: len(workers(on_sqlite)) == 1, "no worker began")
        [first] = workers(on_sqlite)
        os.kill(first, signal.SIGSTOP)
        [keeper] = [child for child in children(gateway.process.pid) if first in children(child)]
        os.kill(keeper, signal.SIGKILL)
        try:
            time.sleep(3 * LOOK_EVERY_S)  # nothing tells that nobody began
            assert grandchildren(gateway.process.pid) == set()
        finally:
            os.kill(first, signal.SIGCONT)
        wait_for(lambda: len(workers(on_sqlite)) == 2, "the worker of a web process that died has no heir")
        assert not alive(first)


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="reads /proc")
def test_what_web_processes_share_is_not_tidied_away_and_goes_with_them(on_sqlite: Engine) -> None:
    with a_gateway(str(on_sqlite.url), processes=2) as gateway:
        environments = [Path(f"/proc/{child}/environ").read_bytes() for child in children(gateway.process.pid)]
        folders = {found[1].decode() for one in environments for found in re.finditer(rb"MULTIPROC_DIR=([^\0]+)", one)}
        [folder] = map(Path, folders)
        opened = os.open(folder, os.O_RDONLY)
        try:
            with pytest.raises(BlockingIOError):  # as systemd-tmpfiles asks before it looks into a folder
                fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        finally:
            os.close(opened)
        gateway.process.terminate()
        gateway.process.wait(30)
        assert not folder.exists()


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="reads /proc")
def test_figures_are_added_up_and_killing_the_first_process_ends_them_all(database_url: str) -> None:
    async def twelve(url: str) -> None:
        for number in range(12):  # a connection each, so that both processes get some
            async with aiohttp.ClientSession() as client:
                assert await post(client, url, inbound("HELP", f"+9230012345{number:02d}")) is not None

    with a_gateway(database_url, processes=2) as gateway:
        family = children(gateway.process.pid)
        assert len(family) >= 2
        asyncio.run(twelve(gateway.url))
        assert {answered(gateway.url) for _ in range(8)} == {12}
        gateway.kill()
        ends = time.monotonic() + 10
        while any(Path(f"/proc/{child}").exists() for child in family):
            assert time.monotonic() < ends, "a web process outlived the one that started it"
            time.sleep(0.01)  # a process that is not our child tells nobody when it ends


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="reads /proc")
def test_a_web_process_that_is_kept_waiting_by_the_machine_is_not_killed(database_url: str) -> None:
    if not database_url.startswith("postgresql"):
        return
    with a_gateway(database_url, processes=2) as gateway:
        family = children(gateway.process.pid)
        held = [pid for pid in family if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()]
        for pid in held:
            os.kill(pid, signal.SIGSTOP)
        time.sleep(8)  # longer than uvicorn waits by itself; nothing tells that it did not act
        for pid in held:
            os.kill(pid, signal.SIGCONT)
        assert len(held) == 2
        assert children(gateway.process.pid) == family


def test_a_started_gateway_has_loaded_what_the_first_text_needs(database_url: str) -> None:
    with TestClient(create_app(settings_for(database_url))) as client:
        service: Service = client.app.state.service  # type: ignore[attr-defined]
        assert service.reference.latest


def test_a_gateway_starts_though_its_places_cannot_be_read(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever can mend them needs the pages."""

    def cannot(_loader: ReferenceLoader) -> None:
        raise ValueError("a place without a name")

    monkeypatch.setattr(ReferenceLoader, "__call__", cannot)
    with TestClient(create_app(settings_for(database_url))) as client:
        assert client.get("/healthz").status_code == 200
