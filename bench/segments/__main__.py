"""How long an audience takes to count, and its recipients to read, on SQLite and PostgreSQL, beside the usual ways.

Every rule is counted by the gateway's own code, five times after one count to warm up; the middle one is told. The
rules that organisers count all day (a city, a seat, groups) must stay under 30 ms, any other under 1.5 s. Times are of
this machine as busy as it is: read the ratios.
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Engine

from bench.inbound.databases import database, servers
from bench.segments.fill import fill
from bench.segments.naive import add_naive_tables, array_sql, drop_naive_indexes, join_table_sql
from gateway.audience.counting import count, count_by_reason, recipients
from gateway.audience.rules import Audience, read_audience
from gateway.database import is_sqlite, make_engine, reading
from gateway.places.directory import Directory
from gateway.places.store import read_directory

QUICK_MS, ANY_MS = 30, 1_500
CITY, SEAT, GROUP = "lahore", "NA-119", "students"
QUICK = (
    f"city:{CITY} & constituency:{SEAT} & affinity:{GROUP}",
    f"constituency:{SEAT} & (affinity:{GROUP} | affinity:women) & !affinity:youth",
    f"city:{CITY} & affinity:{GROUP}",
)
OTHERS = (
    f"city:{CITY}",
    f"city:{CITY} & language:ur",
    "affinity:students & !affinity:women",
    "language:ur-Latn",
    "all",
    "district:faisalabad & !affinity:youth",
    "province:punjab | province:kpk",
    "joined>=2026-06-01",
    "seen<30d & affinity:farmers",
    f"city:{CITY} & seen<90d",
    "!referrer:none",
    "asked<30d",
    "!pickup:asked & affinity:women",
    "reports>0 | asked<7d",
    "!(city:karachi | city:lahore) & reports:0 & seen>60d",
)
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def main() -> int:
    options = _options()
    result: dict[str, Any] = {"members": options.members}
    good = True
    with servers() as kinds:
        for kind in options.databases:
            with database(kinds[kind], 0) as url:
                engine = make_engine(url)
                result[kind], kept = _measure(engine, kind, options)
                good = good and kept
                engine.dispose()
    print(json.dumps(result))
    return 0 if good or options.members > 10_000_000 else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.segments", description=__doc__)
    parser.add_argument("--members", type=int, default=1_000_000, help="such as 10000000, which takes ten minutes")
    parser.add_argument("--databases", nargs="+", choices=("sqlite", "postgresql"), default=["sqlite", "postgresql"])
    parser.add_argument("--no-naive", action="store_true", help="leave the usual ways out")
    return parser.parse_args()


def _measure(engine: Engine, kind: str, options: argparse.Namespace) -> tuple[dict[str, Any], bool]:
    seconds = fill(engine, options.members, NOW)
    print(f"\n{kind}, {options.members:,} members (filled in {sum(seconds.values()):.0f} s, then analyzed once)")
    with reading(engine) as connection:
        directory = read_directory(connection)
    found: dict[str, Any] = {"quick_ms": {}, "any_ms": {}}
    for title, rules in (("quick_ms", QUICK), ("any_ms", OTHERS)):
        for rule in rules:
            audience = _audience(rule, directory)
            number, took = _timed(engine, lambda connection, audience=audience: count(connection, audience))
            found[title][rule] = round(took, 2)
            print(f"  {took:9.1f} ms {number:>11,}  {rule}", flush=True)
    found["by_reason_ms"] = _explained(engine, directory)
    found["recipients"] = _read_all(engine, directory)
    if not options.no_naive:
        found["usual_ways_ms"] = _usual(engine, directory, found["quick_ms"])
    kept = max(found["quick_ms"].values()) < QUICK_MS and max(found["any_ms"].values()) < ANY_MS
    print(f"  under {QUICK_MS} ms and {ANY_MS} ms: {'yes' if kept else 'NO'}")
    return found | {"kept": kept}, kept


def _audience(rule: str, directory: Directory) -> Audience:
    return read_audience(rule, directory, NOW, zone=ZoneInfo("Asia/Karachi"), default_language="en", prefixes=("+92",))


def _timed(engine: Engine, ask: Callable[..., int]) -> tuple[int, float]:
    """Return the answer and the middle of five times in milliseconds, the connection open already."""
    took = []
    with reading(engine) as connection:
        number = ask(connection)
        for _ in range(5):
            started = time.perf_counter()
            again = ask(connection)
            took.append((time.perf_counter() - started) * 1000)
            assert again == number
    return number, statistics.median(took)


def _explained(engine: Engine, directory: Directory) -> dict[str, float]:
    """Time the count with its split and its reasons, which `jalsa segments count` shows."""
    told = {}
    for rule in (f"constituency:{SEAT}", f"city:{CITY} & affinity:{GROUP}", "all"):
        audience = _audience(rule, directory)
        with reading(engine) as connection:
            started = time.perf_counter()
            found = count_by_reason(connection, audience, directory.place_keys)
            told[rule] = round((time.perf_counter() - started) * 1000, 1)
        assert found.matched == found.recipients + sum(found.left_out.values())
        print(f"  {told[rule]:9.1f} ms {found.recipients:>11,}  {rule}, by language and city, and who is left out")
    return told


def _read_all(engine: Engine, directory: Directory) -> dict[str, float]:
    """Read an audience's recipients in chunks, as planning does: the first chunk, and all of up to a million."""
    audience, after, number = _audience("language:ur", directory), 0, 0
    started, first = time.perf_counter(), 0.0
    while number < 1_000_000:
        with reading(engine) as connection:
            chunk = recipients(connection, audience, after, 5_000, joined_by=NOW)
        if not chunk:
            break
        first = first or time.perf_counter() - started
        number, after = number + len(chunk), chunk[-1].sender_id
    whole = time.perf_counter() - started
    print(f"  {first * 1000:9.1f} ms the first 5,000 recipients of language:ur; {number:,} of them in {whole:.1f} s")
    return {"first_chunk_ms": round(first * 1000, 1), "recipients": number, "seconds": round(whole, 2)}


def _usual(engine: Engine, directory: Directory, quick: dict[str, float]) -> dict[str, Any]:
    add_naive_tables(engine)
    city = directory.place_ids[CITY]
    seat = directory.seat_ids[SEAT, directory.register.current or 0]
    bit = next(group.bit for group in directory.groups.all if group.key == GROUP)
    told: dict[str, Any] = {}
    for rule, its_seat in ((QUICK[0], seat), (QUICK[2], None)):
        with reading(engine) as connection:
            sqlite = is_sqlite(connection)
        for name, sql in (
            ("join table", join_table_sql(city, its_seat, bit)),
            ("json list" if sqlite else "array with GIN", array_sql(city, its_seat, bit, sqlite)),
        ):
            _, took = _timed(engine, lambda connection, sql=sql: connection.exec_driver_sql(sql).scalar_one())
            times = took / quick[rule]
            told[f"{name}: {rule}"] = {"ms": round(took, 1), "times": round(times, 1)}
            print(f"  {took:9.1f} ms, {times:5.1f} times as long, by {name}: {rule}", flush=True)
    drop_naive_indexes(engine)
    return told


if __name__ == "__main__":
    sys.exit(main())
