"""Connections are shared out evenly among web processes, also when one of them has died or stands still."""

import multiprocessing
import os
import signal
import socket
import struct
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from gateway.accepting import FILE_SETTING, MOST_PROCESSES, Counts
from tests.gateway.test_crash import Gateway, a_gateway
from tests.gateway.test_processes import children

pytestmark = pytest.mark.skipif(not Path("/proc").is_dir(), reason="reads /proc")


def shown(path: Path) -> dict[int, int]:
    """Return what the file says: open connections by process."""
    raw = path.read_bytes()
    slots = (struct.unpack_from("=qq", raw, at * 16) for at in range(MOST_PROCESSES))
    return {pid: count for pid, count in slots if pid}


def counts_file(gateway: Gateway) -> Path:
    for child in children(gateway.process.pid):
        for one in Path(f"/proc/{child}/environ").read_bytes().split(b"\0"):
            name, _, value = one.partition(b"=")
            if name.decode() == FILE_SETTING:
                return Path(value.decode())
    raise AssertionError("no web process was told of the file")


def until(condition: Callable[[], bool], what: str) -> None:
    ends = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < ends, what
        time.sleep(0.02)  # other processes tell nobody


def connected(gateway: Gateway, stack: ExitStack) -> socket.socket:
    """Return a connection on which one request was answered."""
    host, _, port = gateway.url.removeprefix("http://").partition("/")[0].partition(":")
    made = stack.enter_context(socket.create_connection((host, int(port)), timeout=10))
    made.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
    assert made.recv(65_536).startswith(b"HTTP/1.1 200")
    return made


def _open(path: Path, count: int, ready: object, done: object) -> None:
    mine = Counts(path)
    for _ in range(count):
        mine.opened()
    ready.set()  # type: ignore[attr-defined]
    done.wait(30)  # type: ignore[attr-defined]


def test_each_process_has_a_slot_and_sees_who_has_fewer(tmp_path: Path) -> None:
    path = tmp_path / "connections"
    Counts.make_file(path)
    mine = Counts(path)
    assert not mine.somebody_has_fewer()
    spawn = multiprocessing.get_context("spawn")
    ready, done = spawn.Event(), spawn.Event()
    other = spawn.Process(target=_open, args=(path, 2, ready, done))
    other.start()
    assert ready.wait(60)
    assert shown(path) == {os.getpid(): 0, other.pid: 2}
    mine.opened()
    mine.opened()
    assert not mine.somebody_has_fewer()  # as many
    mine.opened()
    assert mine.somebody_has_fewer()
    mine.closed()
    assert not mine.somebody_has_fewer()
    done.set()
    other.join(30)
    again, end = spawn.Event(), spawn.Event()
    follower = spawn.Process(target=_open, args=(path, 5, again, end))
    follower.start()
    assert again.wait(60)
    assert shown(path) == {os.getpid(): 2, follower.pid: 5}  # the slot of the dead one
    end.set()
    follower.join(30)


def apart(path: Path) -> int:
    counts = shown(path).values()
    return max(counts) - min(counts)


def test_two_processes_have_about_as_many_connections_each(database_url: str) -> None:
    """Exactly as many on a machine with time; on a busy one, a process may not wake up for its turn."""
    with a_gateway(database_url, processes=2) as gateway, ExitStack() as stack:
        path = counts_file(gateway)
        until(lambda: len(shown(path)) == 2, "the second process did not begin")
        opened = [connected(gateway, stack) for _ in range(60)]
        assert sum(shown(path).values()) == 60
        assert apart(path) <= 10
        for one in opened[:40]:
            one.close()
        until(lambda: sum(shown(path).values()) == 20, "what was closed is still counted")
        for _ in range(40):
            connected(gateway, stack)
        assert apart(path) <= 10


def test_a_process_that_stands_still_keeps_nobody_waiting(database_url: str) -> None:
    with a_gateway(database_url, processes=2) as gateway, ExitStack() as stack:
        path = counts_file(gateway)
        until(lambda: len(shown(path)) == 2, "the second process did not begin")
        still, lively = shown(path)
        before = shown(path)[lively]
        os.kill(still, signal.SIGSTOP)
        try:
            for _ in range(20):
                began = time.monotonic()
                connected(gateway, stack)
                assert time.monotonic() - began < 5
            assert shown(path)[lively] == before + 20
        finally:
            os.kill(still, signal.SIGCONT)


def test_who_takes_the_place_of_a_dead_process_takes_its_slot(database_url: str) -> None:
    with a_gateway(database_url, processes=2) as gateway, ExitStack() as stack:
        path = counts_file(gateway)
        until(lambda: len(shown(path)) == 2, "the second process did not begin")
        for _ in range(10):
            connected(gateway, stack)
        dead, _ = shown(path)
        os.kill(dead, signal.SIGKILL)
        until(lambda: dead not in shown(path) and len(shown(path)) == 2, "nobody took the place of the dead one")
        for _ in range(40):
            connected(gateway, stack)
        assert apart(path) <= 10
