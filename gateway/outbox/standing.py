"""How the outbox and its carriers stand: what waits and since when, what failed lately, which carrier is in trouble."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, case, func, select

from gateway.outbox.lanes_waiting import QUEUED
from gateway.rules.carrier_routes import Health
from gateway.rules.lanes import Lane
from gateway.tables import Alert, CarrierState, OutboundText

_texts, _states, _alerts = OutboundText.__table__, CarrierState.__table__, Alert.__table__
_FAILED = ("failed", "undelivered")


@dataclass(frozen=True, slots=True)
class Waiting:
    """The texts of one lane; the oldest of them could have left at `due_since` (aware UTC)."""

    lane: Lane
    texts: int
    due_since: datetime


@dataclass(frozen=True, slots=True)
class CarrierStanding:
    """One carrier and what became of the texts handed to it lately. `state` is well, held, unreached or halted."""

    name: str
    state: str
    reason: str = ""
    halted_at: datetime | None = None
    failures_in_a_row: int = 0
    attempted: int = 0
    failed: int = 0
    uncertain: int = 0


def waiting_by_lane(connection: Connection) -> list[Waiting]:
    """Return every lane with texts that wait, the most urgent first; reads the queue's index and nothing else."""
    by_lane = select(
        _texts.c.lane, func.count().label("texts"), func.min(_texts.c.not_before).label("due_since")
    ).where(QUEUED)
    rows = connection.execute(by_lane.group_by(_texts.c.lane).order_by(_texts.c.lane))
    return [Waiting(Lane.read(row.lane), row.texts, row.due_since) for row in rows]


def carrier_standing(
    connection: Connection, names: Sequence[str], since: datetime, now: datetime
) -> list[CarrierStanding]:
    """Return how each carrier does, and the outcome of what it was handed from `since` on (aware UTC)."""
    rows = {row.name: row for row in connection.execute(select(_states))}
    lately: dict[str | None, Any] = {
        row.carrier: row
        for row in connection.execute(
            select(
                _texts.c.carrier,
                func.count().label("attempted"),
                func.sum(case((_texts.c.state.in_(_FAILED), 1), else_=0)).label("failed"),
                func.sum(case((_texts.c.state == "uncertain", 1), else_=0)).label("uncertain"),
            )
            .where(_texts.c.attempted_at >= since)
            .group_by(_texts.c.carrier)
        )
    }
    return [_standing(name, rows.get(name), lately.get(name), now) for name in names]


def _standing(name: str, row: Any, lately: Any, now: datetime) -> CarrierStanding:
    state = "well"
    if row is not None and row.halted_at is not None:
        state = "halted"
    elif row is not None and Health(row.failures).tripped:
        state = "unreached"
    elif row is not None and row.held_until is not None and row.held_until > now:
        state = "held"
    return CarrierStanding(
        name,
        state,
        row.halt_reason if state == "halted" else "",
        row.halted_at if row is not None else None,
        row.failures if row is not None else 0,
        int(lately.attempted) if lately else 0,
        int(lately.failed) if lately else 0,
        int(lately.uncertain) if lately else 0,
    )


def open_alerts(connection: Connection, shown: int = 10) -> list[dict[str, Any]]:
    """Return what a person must look at, the newest first: kind, carrier, broadcast_id, reason, raised_at."""
    rows = connection.execute(select(_alerts).where(_alerts.c.cleared_at.is_(None)).order_by(_alerts.c.id.desc()))
    return [dict(row._mapping) for row in rows.fetchmany(shown)]
