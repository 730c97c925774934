"""Measure the outbox: claim, Twilio's SDK, record; in one run beside the bare SDK and a naive loop, as ratios.

Every process talks to the same loopback server. Durability is on: SQLite synchronous=FULL, PostgreSQL fsync.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import insert, select

from bench.inbound import databases
from bench.outbound.work import BODY
from gateway.database import make_engine, reading, writing
from gateway.outbox.enqueue import NewText, enqueue
from gateway.rules.carrier_routes import Route
from gateway.tables import Broadcast, Member, OutboundText, Sender


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.outbound", description=__doc__)
    parser.add_argument("--texts", type=int, default=20_000, help="texts per run")
    parser.add_argument("--naive", type=int, default=600, help="texts of the naive loop, which is slow")
    parser.add_argument("--databases", nargs="+", choices=("sqlite", "postgresql"), default=["sqlite", "postgresql"])
    given = parser.parse_args()
    print(f"Python {platform.python_version()}, {len(os.sched_getaffinity(0))} cores; texts per second")
    result: dict[str, Any] = {}
    good = True
    with databases.servers() as kinds, _loopback() as url:
        for kind in given.databases:
            bare = [_bare(url, given.texts)]
            naive, _ = _run(kinds[kind], url, "naive", 1, given.naive, given.naive)
            one, exact = _run(kinds[kind], url, "worker", 1, given.texts, given.texts)
            bare.append(_bare(url, given.texts))
            told: dict[str, Any] = {
                "bare_sdk": round(sum(bare) / 2),
                "naive": round(naive),
                "one_worker": round(one),
                "of_bare_sdk": round(one / (sum(bare) / 2), 2),
                "times_naive": round(one / naive, 1),
            }
            if kind == "postgresql":
                two, exact_too = _run(kinds[kind], url, "worker", 2, given.texts, 2 * given.texts)
                told |= {"two_workers": round(two), "two_to_one": round(two / one, 2)}
                exact = exact and exact_too
            told["every_text_once"] = exact
            good = good and exact and told["of_bare_sdk"] >= 0.5 and told["times_naive"] >= 5
            good = good and told.get("two_to_one", 2) > 1
            result[kind] = told
            for name, value in told.items():
                print(f"{kind:>10}  {name:<16} {value}")
    print(json.dumps(result | {"met": good}))
    return 0 if good else 1


@contextmanager
def _loopback() -> Iterator[str]:
    server = subprocess.Popen([sys.executable, "-m", "bench.outbound.loopback"], stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout
        yield f"http://127.0.0.1:{int(server.stdout.readline())}"
    finally:
        server.terminate()
        server.wait()


def _bare(url: str, texts: int) -> float:
    return _processes(["bare", url, "-", str(texts)], 1)


def _processes(arguments: list[str], count: int) -> float:
    """Run processes of the bench side by side; returns texts per second of all together."""
    command = [sys.executable, "-m", "bench.outbound.work", *arguments]
    started = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(count)
    ]
    for one in started:
        assert one.stdout and one.stdout.readline() == "ready\n", "a process of the bench did not start"
    for one in started:
        assert one.stdin
        one.stdin.write("go\n")
        one.stdin.flush()
    told = [json.loads(one.communicate(timeout=600)[0]) for one in started]
    span = max(one["ended"] for one in told) - min(one["began"] for one in told)
    return float(sum(one["texts"] for one in told) / span)


def _run(server: str | None, url: str, mode: str, count: int, texts: int, recipients: int) -> tuple[float, bool]:
    """Return texts per second, and whether every text was sent, each under an id of its own."""
    with databases.database(server, 0) as database:
        _fill(database, recipients)
        rate = _processes([mode, url, database, str(texts)], count)
        engine = make_engine(database)
        with reading(engine) as connection:
            rows = connection.execute(select(OutboundText.state, OutboundText.carrier_id)).all()
        engine.dispose()
        states = Counter(row.state for row in rows)
        exact = states == {"sent": recipients} and len({row.carrier_id for row in rows}) == recipients
        if not exact:
            print(f"NOT EVERY TEXT ONCE: {dict(states)}", file=sys.stderr)
        return rate, exact


def _fill(database: str, recipients: int) -> None:
    engine = make_engine(database)
    now = datetime.now(UTC)
    early = now - timedelta(days=1)
    with writing(engine) as connection:
        connection.execute(insert(Broadcast), {"key": "bench", "state": "sending"})
        broadcast = connection.execute(select(Broadcast.id)).scalar_one()
        seen = {"consent": "joined", "number_state": "alive", "first_seen_at": early, "last_seen_at": early}
        filed = {"affinities": 0, "joined_at": early, "updated_at": early}
        for start in range(0, recipients, 1_000):
            numbers = [f"+92300{at:07d}" for at in range(start, min(recipients, start + 1_000))]
            connection.execute(insert(Sender), [{"key": number, **seen} for number in numbers])
            found = connection.execute(select(Sender.id, Sender.key).where(Sender.key.in_(numbers))).all()
            connection.execute(insert(Member.__table__), [{"sender_id": one.id, **filed} for one in found])
            new = [NewText("broadcast", one.id, one.key, BODY, broadcast_id=broadcast) for one in found]
            enqueue(connection, new, (Route("*", ("twilio",)),), now)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("ANALYZE")
    engine.dispose()


if __name__ == "__main__":
    sys.exit(main())
