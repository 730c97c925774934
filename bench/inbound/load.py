"""The load generator: a process of its own that sends prebuilt requests over many kept-alive connections.

As fast as they are answered (`rate` 0), or paced: each request is then due at its time whether or not earlier ones
were answered, and its latency counts from that time, so that a stall is not hidden.

    python -m bench.inbound.load REQUESTS.pickle ANSWERS.pickle HOST PORT CONNECTIONS SECONDS RATE
"""

import asyncio
import contextlib
import pickle
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


@dataclass(slots=True)
class Load:
    """What came back. `answers` holds (index of the request, HTTP status, body) in the order they came."""

    answers: list[tuple[int, int, bytes]]
    latencies: list[float]
    seconds: float

    @property
    def per_second(self) -> float:
        """How many were answered with 2xx in a second."""
        return sum(200 <= status < 300 for _, status, _ in self.answers) / self.seconds

    def percentile_ms(self, share: float) -> float:
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000 if ordered else float("nan")


def send(
    requests: Sequence[bytes], host: str, port: int, *, connections: int, seconds: float, rate: float = 0.0
) -> Load:
    """Send the requests from another process for at most `seconds`; a `rate` above 0 is per second."""
    with tempfile.TemporaryDirectory(prefix="jalsa-load-") as folder:
        given, taken = Path(folder, "requests"), Path(folder, "answers")
        given.write_bytes(pickle.dumps(list(requests)))
        command = [sys.executable, "-m", "bench.inbound.load", str(given), str(taken), host, str(port)]
        subprocess.run([*command, str(connections), str(seconds), str(rate)], check=True, cwd=ROOT)
        load: Load = Load(*pickle.loads(taken.read_bytes()))
        return load


class _Run:
    def __init__(self, requests: list[bytes], seconds: float, rate: float) -> None:
        self.requests, self.rate = requests, rate
        self.next = self.open = 0
        self.answers: list[tuple[int, int, bytes]] = []
        self.latencies: list[float] = []
        self.idle: deque[_Connection] = deque()
        self.due: deque[tuple[int, float]] = deque()
        self.seconds = seconds
        self.began = self.ends = self.last = 0.0
        self.done = asyncio.Event()

    def take(self, now: float) -> tuple[int, float] | None:
        """Return the next request and the time that its latency counts from."""
        if self.rate:
            return self.due.popleft() if self.due else None
        if self.next >= len(self.requests) or now >= self.ends:
            return None
        self.next += 1
        return self.next - 1, now

    def finished(self) -> bool:
        over = self.next >= len(self.requests) or time.perf_counter() >= self.ends
        return over and not self.open and not self.due


class _Connection(asyncio.Protocol):
    def __init__(self, run: _Run) -> None:
        self.run = run
        self.buffer = b""
        self.index, self.since, self.busy = -1, 0.0, False

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def send(self, index: int, since: float) -> None:
        self.index, self.since, self.busy = index, since, True
        self.run.open += 1
        self.transport.write(self.run.requests[index])

    def data_received(self, data: bytes) -> None:
        data = self.buffer + data if self.buffer else data
        head = data.find(b"\r\n\r\n")
        at = data.find(b"content-length: ", 0, head) if head >= 0 else -1
        length = int(data[at + 16 : data.index(b"\r\n", at)]) if at >= 0 else 0
        if head < 0 or len(data) < head + 4 + length:
            self.buffer = data
            return
        self.buffer = b""
        run, now = self.run, time.perf_counter()
        run.answers.append((self.index, int(data[9:12]), data[head + 4 :]))
        run.latencies.append(now - self.since)
        run.last = now
        run.open -= 1
        self.busy = False
        if following := run.take(now):
            self.send(*following)
        elif run.finished():
            run.done.set()
        else:
            run.idle.append(self)

    def connection_lost(self, _error: Exception | None) -> None:
        if self.busy:  # unanswered; counted by its absence
            self.busy = False
            self.run.open -= 1
        if self in self.run.idle:
            self.run.idle.remove(self)
        if self.run.finished():
            self.run.done.set()


async def _pace(run: _Run) -> None:
    while run.next < len(run.requests) and (now := time.perf_counter()) < run.ends:
        ready = min(len(run.requests), int((now - run.began) * run.rate) + 1)
        while run.next < ready:
            run.due.append((run.next, run.began + run.next / run.rate))
            run.next += 1
        while run.due and run.idle:
            run.idle.popleft().send(*run.due.popleft())
        await asyncio.sleep(0.001)
    while run.due and run.idle:
        run.idle.popleft().send(*run.due.popleft())
    if run.finished():
        run.done.set()


async def _drive(run: _Run, host: str, port: int, connections: int) -> None:
    loop = asyncio.get_running_loop()
    made = [(await loop.create_connection(lambda: _Connection(run), host, port))[1] for _ in range(connections)]
    run.began = run.last = time.perf_counter()
    run.ends = run.began + run.seconds
    pacing = None
    if run.rate:
        run.idle.extend(made)
        pacing = asyncio.create_task(_pace(run))
    else:
        for connection in made:
            if following := run.take(time.perf_counter()):
                connection.send(*following)
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(run.done.wait(), run.seconds + 30)
    if pacing:
        pacing.cancel()
    for connection in made:
        connection.transport.close()


def main() -> None:
    import uvloop

    given, taken, host, port, connections, seconds, rate = sys.argv[1:]
    run = _Run(pickle.loads(Path(given).read_bytes()), float(seconds), float(rate))
    uvloop.run(_drive(run, host, int(port), int(connections)))
    Path(taken).write_bytes(pickle.dumps((run.answers, run.latencies, run.last - run.began)))


if __name__ == "__main__":
    main()
