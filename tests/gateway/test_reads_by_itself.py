"""What the clock and the worker do by themselves, every second or every few, reads no large table whole.

SQLite takes a partial index only where a query says its condition in the same words, and it holds up every text that
comes in while such a query runs inside a transaction that writes.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event, func, insert, select, update

from gateway.clock import TICKS
from gateway.database import reading, writing
from gateway.settings import Settings
from gateway.tables import InboundText, OutboundText, Report, ReportStep, Staff
from gateway.tables.base import Base
from tests.gateway.conftest import Texting
from tests.outbox.conftest import Outbox, outbox

__all__ = ["outbox"]

_SMALL = {
    "affinities", "broadcast_schedules", "broadcasts", "carrier_states", "constituencies", "heartbeats",
    "hook_endpoints", "member_bits_state", "overrides", "places", "revisions", "staff",
}  # fmt: skip
_QUEUES = {"hook_events", "member_changes"}
"""Read from one end, a few rows at a time."""
_LARGE = sorted(set(Base.metadata.tables) - _SMALL - _QUEUES)
_SCAN = re.compile(rf"SCAN ({'|'.join(_LARGE)})\b(?: USING (?:COVERING )?INDEX (\w+))?")

Statement = tuple[str, Any]


@contextmanager
def statements(engine: Engine) -> Iterator[list[Statement]]:
    seen: list[Statement] = []

    def note(_connection: Any, _cursor: Any, sql: str, given: Any, _context: Any, many: bool) -> None:
        seen.append((sql, given[0] if many else given))

    event.listen(engine, "before_cursor_execute", note)
    yield seen
    event.remove(engine, "before_cursor_execute", note)


def read_whole(connection: Connection, seen: list[Statement]) -> set[str]:
    """Return the statements that read a large table from end to end, and not by an index of a few of its rows."""
    partial = {
        row.name
        for table in _LARGE
        for row in connection.exec_driver_sql(f"SELECT name FROM pragma_index_list('{table}') WHERE partial")
    }
    found = set()
    for sql, given in seen:
        if not sql.startswith(("SELECT", "UPDATE", "DELETE", "WITH", "INSERT")):
            continue
        for step in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", given):
            scan = _SCAN.match(step.detail)
            if scan and scan[2] not in partial:
                found.add(f"{step.detail}: {sql}")
    return found


def test_the_clock_and_the_worker_read_no_large_table_whole(
    settings: Settings, engine: Engine, text: Texting, outbox: Outbox
) -> None:
    if engine.dialect.name != "sqlite":
        pytest.skip("PostgreSQL plans by its own statistics")
    now = datetime.now(UTC)
    text("JOIN Sana Lahore")
    for number in range(9):  # more than are paged one by one
        text("REPORT somebody fainted, he does not breathe", f"+92300123460{number}")
        text("REPORT no water at gate 3", f"+92300123470{number}")
    outbox.clock.now = now
    outbox.put(outbox.people(2))
    ago = now - timedelta(minutes=30)
    with writing(engine) as connection:
        organiser = {"login": "bilal", "role": "organiser", "phone": "+923001234599", "password_hash": "-"}
        connection.execute(insert(Staff), {**organiser, "active": True, "created_at": now})
        connection.execute(update(Report).values(opened_at=ago, updated_at=ago))
        sent = {"carrier": "simulated", "attempted_at": ago, "lease_until": ago, "claimed_by": "worker-0"}
        first = select(func.min(OutboundText.id)).where(OutboundText.state == "queued").scalar_subquery()
        connection.execute(update(OutboundText).where(OutboundText.id == first).values(state="attempted", **sent))

    with statements(engine) as seen:
        for tick, _seconds in TICKS:
            tick(engine, settings)
        for _ in range(3):
            outbox.step()
            outbox.clock.forward(minutes=5)
    with reading(engine) as connection:
        assert read_whole(connection, seen) == set()
        paged, escalated, looked = (
            connection.execute(select(func.count()).select_from(ReportStep).where(ReportStep.step == "page")).scalar(),
            connection.execute(select(func.count()).select_from(ReportStep).where(ReportStep.step != "page")).scalar(),
            connection.execute(select(func.max(OutboundText.looks))).scalar(),
        )
        assert (paged, bool(escalated), bool(looked)) == (9, True, True)  # they had work
        assert read_whole(connection, [(f"SELECT * FROM {InboundText.__tablename__}", ())])  # and it would be seen
