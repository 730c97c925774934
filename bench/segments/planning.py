"""A process of its own that begins a broadcast to about a million, sends its first text and plans it to the end.

Prints one JSON line: when the first text left, how long planning took, and the most memory the process held.
"""

import asyncio
import json
import logging
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy import Engine, func, insert, select, update

from gateway.broadcasts import drafts
from gateway.broadcasts.drafts import Draft
from gateway.broadcasts.plan import plan_all, plan_chunk
from gateway.broadcasts.terms import BroadcastTerms
from gateway.carriers.simulated.sender import SimulatedCarrier
from gateway.database import make_engine, reading, writing
from gateway.outbox.claim import Terms
from gateway.outbox.lanes_waiting import ZoneOf
from gateway.outbox.worker import Worker, worker_name
from gateway.places.current import current_directory
from gateway.rules.carrier_routes import Route
from gateway.rules.pace import Pace
from gateway.rules.sending_hours import SendingHours
from gateway.tables import Broadcast, BroadcastPlan, OutboundText

RECIPIENTS = 1_000_000
FIRST_S, PLANNED_S, MOST_MB = 1.0, 30.0, 200
ROUTES, ALL_DAY, ZONE = (Route("*", ("simulated",)),), SendingHours.read("00:00-24:00"), ZoneInfo("Asia/Karachi")
TEXTS = {"en": "Dear {name}, buses to Minar leave at 2 pm", "ur": "{name}، بسیں دو بجے چلیں گی"}


def measure(url: str, members: int, joined_before: datetime, days: int) -> dict[str, Any]:
    """Plan in another process and return what it measured.

    :param joined_before, days: members joined evenly over so many days before that moment
    """
    since = joined_before - timedelta(days=days * 1.1 * RECIPIENTS / members)
    rule = "all" if members < RECIPIENTS * 1.1 else f"joined>={since:%Y-%m-%d}"
    done = subprocess.run(
        [sys.executable, "-m", "bench.segments.planning", url, rule], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def _begin(engine: Engine, rule: str, terms: BroadcastTerms) -> int:
    now = datetime.now(UTC)
    with writing(engine) as connection:
        key = drafts.new_draft(
            connection, Draft("Bench", rule, TEXTS), current_directory(connection), terms, "bench", now
        )
        # As `moves.begin` leaves it, without the preview, which writes every text once more.
        begun = {"state": "planning", "begun_at": now, "preview": {"numbers": {"recipients": RECIPIENTS}}}
        number = connection.execute(
            update(Broadcast).where(Broadcast.key == key).values(begun).returning(Broadcast.id)
        ).scalar_one()
        connection.execute(insert(BroadcastPlan), {"broadcast_id": number, "as_of": now})
    return number


async def _first_text(engine: Engine) -> float:
    """Let a worker send until a text is with the carrier, and return when that was."""
    stop, taken = asyncio.Event(), list[float]()

    async def deliver(_text: object) -> None:
        taken.append(time.perf_counter())
        stop.set()

    carrier = SimulatedCarrier(deliver=deliver)
    terms = Terms(worker_name(), ROUTES, {"simulated": Pace(1_000, 1_000)}, ALL_DAY, ZoneOf(ZONE))
    await Worker(engine, {"simulated": carrier}, terms).run(stop)
    return taken[0]


def _most_mb() -> float:
    """Return the most memory that this process held; `ru_maxrss` would tell its parent's, which is larger."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def main() -> None:
    logging.disable(logging.WARNING)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    url, rule = sys.argv[1:]
    engine = make_engine(url)
    terms = BroadcastTerms(ZONE, "en", ROUTES, 100, ALL_DAY, prefixes=("+92",))
    with reading(engine) as connection:
        current_directory(connection)  # as in any process that has run for a moment
    began = time.perf_counter()
    number = _begin(engine, rule, terms)
    plan_chunk(engine, number, terms, datetime.now(UTC), first=True)
    first = asyncio.run(_first_text(engine)) - began
    began = time.perf_counter()
    plan_all(engine, number, terms, lambda: datetime.now(UTC))
    took = time.perf_counter() - began
    with reading(engine) as connection:
        mine = OutboundText.broadcast_id == number
        planned = connection.execute(select(func.count()).select_from(OutboundText).where(mine)).scalar_one()
    engine.dispose()
    held = _most_mb()
    print(
        json.dumps(
            {
                "rule": rule,
                "recipients": planned,
                "first_text_s": round(first, 2),
                "planned_s": round(took, 1),
                "a_million_s": round(took * RECIPIENTS / planned, 1),
                "most_mb": round(held),
            }
        )
    )


if __name__ == "__main__":
    main()
