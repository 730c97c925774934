"""Texts keep coming while the database or a process fails under them; the carrier sends again what got no 200.

Every text is answered in the end, is on record once, and every 200 for it said the same.
"""

import asyncio
import os
import random
import resource
import signal
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import aiohttp
import pytest
from sqlalchemy import Engine, text

from tests.gateway.test_crash import Form, a_gateway, assert_on_record, counts, forms, post
from tests.gateway.test_processes import children

CONNECTIONS = 24
PATIENCE_S = 300.0


class Storm:
    """A carrier that sends each text, one in five twice at once, and again until it is answered."""

    def __init__(self, urls: Sequence[str], texts: Sequence[Form], pick: random.Random) -> None:
        self.urls, self.texts, self.pick = list(urls), texts, pick
        self.answers: dict[str, set[str]] = defaultdict(set)
        self.refused = 0

    def run(self, disturb: Callable[[float], None]) -> None:
        """Send everything; `disturb` is called in another thread, again and again, with the share that is answered."""
        asyncio.run(self._run(disturb))

    async def _run(self, disturb: Callable[[float], None]) -> None:
        left = iter(self.texts)
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(30)) as client,
            asyncio.timeout(PATIENCE_S),
            asyncio.TaskGroup() as group,
        ):
            sending = [group.create_task(self._connection(client, left)) for _ in range(CONNECTIONS)]
            while not all(task.done() for task in sending):
                await asyncio.to_thread(disturb, len(self.answers) / len(self.texts))
                await asyncio.wait(sending, timeout=0.05)

    async def _connection(self, client: aiohttp.ClientSession, left: Iterator[Form]) -> None:
        for form in left:
            while form["MessageSid"] not in self.answers:
                copies = 2 if self.pick.random() < 0.2 else 1
                urls = [self.pick.choice(self.urls) for _ in range(copies)]
                bodies = await asyncio.gather(*(post(client, url, form) for url in urls))
                self.answers[form["MessageSid"]] |= {body for body in bodies if body is not None}
                if not self.answers[form["MessageSid"]]:
                    del self.answers[form["MessageSid"]]
                    self.refused += 1
                    await asyncio.sleep(0.05)  # a carrier waits before it tries again

    def check(self, engine: Engine) -> None:
        assert self.answers.keys() == {form["MessageSid"] for form in self.texts}
        assert [bodies for bodies in self.answers.values() if len(bodies) != 1] == []
        assert_on_record(engine, {sid: next(iter(bodies)) for sid, bodies in self.answers.items()}, list(self.texts))
        assert counts(engine)["inbound_texts"] == len(self.texts)


def a_random() -> random.Random:
    seed = random.randrange(10**6)
    print(f"seed {seed}")  # shown when the test fails
    return random.Random(seed)


def test_connections_cut_in_the_middle_of_groups_lose_and_double_nothing(database_url: str, engine: Engine) -> None:
    if not database_url.startswith("postgresql"):
        return
    pick, cut = a_random(), 0

    def disturb(share: float) -> None:
        nonlocal cut
        if share < 0.1 * cut:  # something must get through in between
            return
        with engine.connect() as connection:
            cut += connection.execute(
                text(
                    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() "
                    "AND pid <> pg_backend_pid() AND state <> 'idle'"
                )
            ).scalar_one()

    with a_gateway(database_url) as gateway:
        storm = Storm([gateway.url], forms(300, pick), pick)
        storm.run(disturb)
    assert cut >= 5
    storm.check(engine)


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="needs prlimit")
def test_a_full_disk_answers_503_and_afterwards_everything_is_kept(database_url: str, engine: Engine) -> None:
    if not database_url.startswith("sqlite"):
        return
    pick = a_random()
    file = Path(engine.url.database or "")
    unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    with a_gateway(database_url, processes=1) as gateway:  # the limit is one process's
        pid, full, began = gateway.process.pid, 0, 0.0
        storm = Storm([gateway.url], forms(300, pick), pick)

        def disturb(share: float) -> None:
            nonlocal full, began
            if began and time.monotonic() - began > 0.5:
                resource.prlimit(pid, resource.RLIMIT_FSIZE, unlimited)
                began = 0.0
            elif not began and share > 0.2 * (full + 1) and full < 3:
                # No file may grow from here on; the database's own may not be written at all.
                size = 0 if full == 2 else file.with_name(file.name + "-wal").stat().st_size // 2
                resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
                full, began = full + 1, time.monotonic()

        storm.run(disturb)
        assert full == 3
        assert storm.refused
    storm.check(engine)


def test_one_of_two_gateways_is_killed_and_the_other_has_it_all(database_url: str, engine: Engine) -> None:
    pick = a_random()
    with ExitStack() as running:
        first, other = (running.enter_context(a_gateway(database_url)) for _ in range(2))
        storm = Storm([first.url, other.url], forms(240, pick), pick)

        def disturb(share: float) -> None:
            if share > 0.3 and first.process.returncode is None:
                first.kill()
                storm.urls.remove(first.url)

        storm.run(disturb)
        assert first.process.returncode == -signal.SIGKILL
    storm.check(engine)


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="reads /proc")
def test_a_web_process_that_dies_is_replaced_and_loses_nothing(database_url: str, engine: Engine) -> None:
    if not database_url.startswith("postgresql"):
        return
    pick, killed = a_random(), 0
    with a_gateway(database_url, processes=2) as gateway:
        storm = Storm([gateway.url], forms(240, pick), pick)

        def disturb(share: float) -> None:
            nonlocal killed
            webs = [pid for pid in children(gateway.process.pid) if _serves(pid)]
            if share > 0.25 * (killed + 1) and killed < 2 and len(webs) == 2:
                os.kill(pick.choice(webs), signal.SIGKILL)
                killed += 1

        storm.run(disturb)
        assert killed
    storm.check(engine)


def _serves(pid: int) -> bool:
    try:
        return b"resource_tracker" not in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
