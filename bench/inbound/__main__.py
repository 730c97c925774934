"""Measure the gateway against the usual way and against a server with no work; check that every 200 is on record."""

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Sequence
from typing import Any

from bench.inbound import check, databases
from bench.inbound.load import Load, send
from bench.inbound.servers import HOST, Server, free_port, gateway_command, other_command, running
from bench.inbound.texts import Sent, make_requests, make_texts, numbers

_MOST_PER_SECOND = 9_000  # requests are made before the run; no one process is faster


def main() -> int:
    options = _options()
    print(f"Python {platform.python_version()}, {_cores()} cores, {options.connections} connections, one mix of texts:")
    print("JOIN 35 %, WHERE 20 %, REPORT 15 %, HELP, ME and STOP 10 %, no command 20 %; English, Roman Urdu, Urdu.")
    result: dict[str, Any] = {}
    with databases.servers() as kinds:
        noop = _noop(options)
        print(f"\nThe same server with no work: {noop.per_second:,.0f}/s, p99 {noop.percentile_ms(0.99):.0f} ms")
        for kind in options.databases:
            result[kind] = _measure(kind, kinds[kind], options, noop)
    print(json.dumps(result))
    return 0 if all(one["every_200_on_record"] for one in result.values()) else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.inbound", description=__doc__)
    parser.add_argument("--databases", nargs="+", choices=("sqlite", "postgresql"), default=["sqlite", "postgresql"])
    parser.add_argument("--members", type=int, default=0, help="members on file before the run, such as 1000000")
    parser.add_argument("--seconds", type=float, default=10, help="length of each load on the gateway")
    parser.add_argument("--connections", type=int, default=200, help="kept-alive connections")
    parser.add_argument(
        "--processes",
        type=int,
        default=0,
        help="web processes of the gateway; 0: as many as `jalsa serve` starts by itself",
    )
    return parser.parse_args()


def _cores() -> int:
    return len(os.sched_getaffinity(0))


def _noop(options: argparse.Namespace) -> Load:
    port = free_port()
    requests = make_requests(make_texts(4 * 12_000, numbers(1_000), 1), f"http://{HOST}:{port}")
    with running(other_command("bench.inbound.noop", port), port, "sqlite://") as server:
        _send(server, requests[:2_000], options, 1)
        return _send(server, requests, options, 4)


def _send(
    server: Server, requests: Sequence[bytes], options: argparse.Namespace, seconds: float, rate: float = 0
) -> Load:
    return send(requests, HOST, server.port, connections=options.connections, seconds=seconds, rate=rate)


class _Book:
    """Every text that was sent to one database, and what was answered."""

    def __init__(self) -> None:
        self.answered: list[check.Answered] = []
        self.unanswered: list[Sent] = []
        self.statuses: dict[int, int] = {}

    def keep(self, texts: Sequence[Sent], load: Load) -> None:
        missing = set(range(len(texts)))
        for index, status, body in load.answers:
            self.statuses[status] = self.statuses.get(status, 0) + 1
            if status == 200:
                missing.discard(index)
                self.answered.append((texts[index], body.decode()))
        self.unanswered.extend(texts[index] for index in missing)


def _measure(kind: str, server_url: str | None, options: argparse.Namespace, noop: Load) -> dict[str, Any]:
    print(f"\n{kind}" + (f" with {options.members:,} members on file" if options.members else ""))
    began = time.monotonic()
    with databases.database(server_url, options.members) as url:
        print(f"  durability: {databases.durability(url)} (filled in {time.monotonic() - began:.0f} s)")
        figures = _gateway(url, options)
        figures["vs_noop"] = round(figures["texts_per_s"] / noop.per_second, 2)
    with databases.database(server_url, options.members) as url:
        baseline = _baseline(url, options)
    figures["baseline_texts_per_s"] = round(baseline.per_second)
    figures["vs_baseline"] = round(figures["texts_per_s"] / baseline.per_second, 1)
    print(
        f"  the usual way: {baseline.per_second:,.0f} texts/s, p99 {baseline.percentile_ms(0.99):.0f} ms; "
        f"the gateway is {figures['vs_baseline']} times as fast, at {figures['vs_noop']:.0%} of a server with no work"
    )
    return figures


def _gateway(url: str, options: argparse.Namespace) -> dict[str, Any]:
    port, book = free_port(), _Book()
    count = int(options.seconds * _MOST_PER_SECOND)
    pool = numbers(max(options.members, 1)) if options.members else []
    # With members on file half of the texts are theirs; the rest come from numbers that were never seen.
    pool = pool[:: max(1, len(pool) // count)] + numbers(max(count // 2, len(pool[:count])), first=5_000_000)
    texts = make_texts(2 * count + 10_000, pool, 2)
    base_url = f"http://{HOST}:{port}"
    requests = make_requests(texts[: count + 10_000], base_url)
    with running(gateway_command(port, options.processes), port, url) as server:
        warm = _send(server, requests[:10_000], options, 3)
        _keep(book, texts[:10_000], warm)
        memory_before, cpu_before = server.memory_mb(), server.cpu_seconds()
        full = _send(server, requests[10_000:], options, options.seconds)
        cpu = server.cpu_seconds() - cpu_before
        _keep(book, texts[10_000 : 10_000 + count], full)
        memory_middle = server.memory_mb()
        rate = 0.8 * full.per_second
        later = texts[10_000 + count :][: int(rate * options.seconds)]
        paced = _send(server, make_requests(later, base_url), options, options.seconds + 5, rate)
        book.keep(later, paced)
        memory_after = server.memory_mb()
    wrong = check.problems(url, book.answered, book.unanswered, options.members)
    figures = {
        "texts_per_s": round(full.per_second),
        "p50_ms": round(full.percentile_ms(0.5), 1),
        "p99_at_full_load_ms": round(full.percentile_ms(0.99), 1),
        "paced_texts_per_s": round(paced.per_second),
        "p50_paced_ms": round(paced.percentile_ms(0.5), 1),
        "p99_ms": round(paced.percentile_ms(0.99), 1),
        "cpu_us_per_text": round(cpu / max(1, len(full.answers)) * 1e6),
        "memory_mb": [round(memory_before), round(memory_middle), round(memory_after)],
        "answers": {str(status): number for status, number in sorted(book.statuses.items())},
        "every_200_on_record": not wrong,
        "members": options.members,
    }
    print(
        f"  the gateway: {figures['texts_per_s']:,} texts/s (p50 {figures['p50_ms']} ms, p99 "
        f"{figures['p99_at_full_load_ms']} ms), {figures['cpu_us_per_text']} us of its processor time per text\n"
        f"  at 80 % of that: {figures['paced_texts_per_s']:,} texts/s, p50 {figures['p50_paced_ms']} ms, "
        f"p99 {figures['p99_ms']} ms\n"
        f"  memory {memory_before:.0f} MB, after full load {memory_middle:.0f} MB, at the end {memory_after:.0f} MB"
    )
    for sentence in wrong:
        print(f"  WRONG: {sentence}", file=sys.stderr)
    if not wrong:
        print(
            f"  checked: each of {len(book.answered):,} texts answered with 200 is on record with its reply and effects"
        )
    return figures


def _keep(book: _Book, texts: Sequence[Sent], load: Load) -> None:
    """Keep what was sent: requests that the time did not suffice for are no part of it."""
    last = max((index for index, _, _ in load.answers), default=-1)
    book.keep(texts[: min(len(texts), last + 1 + 1_000)], load)


def _baseline(url: str, options: argparse.Namespace) -> Load:
    port = free_port()
    texts = make_texts(1_500 * 6, numbers(20_000, first=5_000_000), 3)
    requests = make_requests(texts, f"http://{HOST}:{port}")
    with running(other_command("bench.inbound.baseline", port), port, url) as server:
        _send(server, requests[:500], options, 2)
        load = _send(server, requests[500:], options, 5)
    if odd := {status for _, status, _ in load.answers} - {200}:
        raise RuntimeError(f"The usual way answered with {odd}: it no longer does the same work.")
    return load


if __name__ == "__main__":
    sys.exit(main())
