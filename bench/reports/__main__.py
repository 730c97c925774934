"""An hour of reports, 200 a minute, in compressed time: acknowledgements, queue, clock; and how right triage is.

    python -m bench.reports [--seconds 300] [--databases sqlite postgresql] [--crisis FILE]

The gateway runs as a user starts it; 12,000 signed REPORT texts of 6,000 phones come to its webhook at an even pace. At
the same time the queue is asked for five times a second and the clock works as in any gateway. Nobody of staff
has a phone here, so nothing leaves. The last line is one JSON.
"""

import argparse
import contextlib
import json
import random
import sys
import threading
import time
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError

from bench.inbound import databases
from bench.inbound.load import Load, send
from bench.inbound.servers import HOST, free_port, gateway_command, running
from bench.inbound.texts import Sent, make_requests, numbers
from bench.reports.measure_clusters import measure
from bench.reports.measure_triage import crisis, rally, read_rows, speed
from gateway.database import make_engine, reading
from gateway.reports import queue
from gateway.reports.setup import notifier_from
from gateway.reports.ticks import run_all
from gateway.settings import load_settings
from gateway.tables import Report, ReportEntry

REPORTS = 12_000
PHONES = 6_000


def make_reports(seed: int = 1) -> list[Sent]:
    """Return REPORT texts made from the labelled ones and gates."""
    pick = random.Random(seed)
    bodies = [row.text for name in ("tune", "held_out") for row in read_rows(name)]
    phones = numbers(PHONES)
    return [
        Sent(
            f"SM{uuid.UUID(int=pick.getrandbits(128)).hex}",
            pick.choice(phones),
            "REPORT",
            f"REPORT {pick.choice(bodies)} gate {pick.randint(1, 40)}",
        )
        for _ in range(REPORTS)
    ]


class _Beside:
    """What goes on beside the webhook: somebody looks at the queue, and the clock ticks."""

    def __init__(self, url: str) -> None:
        self._engine = make_engine(url)
        self._notifier = notifier_from(load_settings(database_url=url, _env_file=None))
        self._stop = threading.Event()
        self.queue_seconds: list[float] = []
        self.tick_seconds: list[float] = []
        self._threads = [threading.Thread(target=self._look), threading.Thread(target=self._tick)]

    def __enter__(self) -> "_Beside":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()
        self._engine.dispose()

    def _look(self) -> None:
        while not self._stop.wait(0.2):
            began = time.perf_counter()
            with reading(self._engine) as connection:
                queue.queue(connection)
                queue.counts(connection)
            self.queue_seconds.append(time.perf_counter() - began)

    def _tick(self) -> None:
        while not self._stop.wait(2):
            began = time.perf_counter()
            with contextlib.suppress(OperationalError):  # as the clock itself does: it comes again
                run_all(self._engine, self._notifier, datetime.now(UTC))
            self.tick_seconds.append(time.perf_counter() - began)

    def kept(self) -> tuple[int, int]:
        """Return how many reports there are, and how many of the reporters' texts they hold."""
        with reading(self._engine) as connection:
            reports = connection.execute(select(func.count()).select_from(Report)).scalar_one()
            texts = connection.execute(
                select(func.count()).select_from(ReportEntry).where(ReportEntry.by == "reporter")
            ).scalar_one()
        return reports, texts


def percentile_ms(seconds: Sequence[float], share: float) -> float:
    ordered = sorted(seconds)
    return round(ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000, 1) if ordered else float("nan")


def one_hour(kind: str | None, seconds: float) -> dict[str, Any]:
    """Send the hour's reports in `seconds` and return what was seen."""
    port = free_port()
    texts = make_reports()
    with databases.database(kind, 0) as url, running(gateway_command(port), port, url) as server:
        beside = _Beside(url)
        with beside:
            requests = make_requests(texts, server.base_url)
            load: Load = send(requests, HOST, port, connections=100, seconds=seconds + 60, rate=REPORTS / seconds)
        reports, kept = beside.kept()
    good = sum(status == 200 for _, status, _ in load.answers)
    return {
        "reports_a_second": round(REPORTS / seconds, 1),
        "times_the_real_pace": round(3600 / seconds, 1),
        "answered_200": good,
        "texts_kept": kept,
        "reports": reports,
        "every_200_kept": kept == good,
        "acknowledgement_ms": {"p50": round(load.percentile_ms(0.5), 1), "p99": round(load.percentile_ms(0.99), 1)},
        "queue_ms": {"p50": percentile_ms(beside.queue_seconds, 0.5), "p99": percentile_ms(beside.queue_seconds, 0.99)},
        "tick_ms": {"p50": percentile_ms(beside.tick_seconds, 0.5), "p99": percentile_ms(beside.tick_seconds, 0.99)},
    }


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.reports", description=__doc__)
    parser.add_argument("--seconds", type=float, default=300, help="in how many seconds the hour passes")
    parser.add_argument("--databases", nargs="+", choices=("sqlite", "postgresql"), default=["sqlite", "postgresql"])
    parser.add_argument("--crisis", type=Path, help="a CSV of real crisis texts with the columns message and labels")
    given = parser.parse_args()
    result: dict[str, Any] = {}
    with databases.servers() as kinds:
        for name in given.databases:
            result[name] = one_hour(kinds[name], given.seconds)
            print(f"{name}: {json.dumps(result[name])}")
    result["triage"] = {"rally": rally(wrong=False), "microseconds_per_text": speed()}
    result["clusters"] = measure()
    if given.crisis:
        result["triage"]["crisis"] = crisis(given.crisis, wrong=False)
    print(json.dumps(result))
    fine = all(
        result[name]["every_200_kept"] and result[name]["acknowledgement_ms"]["p99"] < 1000 for name in given.databases
    )
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
