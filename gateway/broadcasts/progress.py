"""How far the broadcasts that run have come."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, select

from gateway.rules.broadcast_life import BroadcastState
from gateway.tables import Broadcast, BroadcastPlan

RUNNING = (BroadcastState.PLANNING, BroadcastState.SENDING, BroadcastState.PAUSED)
_broadcasts, _plans = Broadcast.__table__, BroadcastPlan.__table__


@dataclass(frozen=True, slots=True)
class Progress:
    """A broadcast that has begun and is not over. `left` of `recipients` are out of the outbox, sent or kept back.

    `recipients` are those that the approver saw until all are planned, then those that were.
    """

    key: str
    name: str
    state: str
    reason: str
    begun_at: datetime | None
    recipients: int
    left: int


def running_broadcasts(
    connection: Connection, waiting: Mapping[int, int], which: ColumnElement[bool] | None = None
) -> list[Progress]:
    """Return the broadcasts that plan, send or are paused, the urgent and the latest first.

    :param waiting: how many texts of each broadcast (by id) wait in the outbox, as `outbox.standing` counts them
    :param which: a condition on `broadcasts`
    """
    query = (
        select(_broadcasts, _plans.c.planned, _plans.c.planned_at)
        .select_from(_broadcasts.outerjoin(_plans, _plans.c.broadcast_id == _broadcasts.c.id))
        .where(_broadcasts.c.state.in_([str(state) for state in RUNNING]))
        .order_by(_broadcasts.c.urgent.desc(), _broadcasts.c.begun_at.desc())
    )
    if which is not None:
        query = query.where(which)
    found = []
    for row in connection.execute(query):
        planned = int(row.planned or 0)
        approved = int(((row.preview or {}).get("numbers") or {}).get("recipients", 0))
        whole = planned if row.planned_at else max(planned, approved)
        left = max(0, planned - waiting.get(row.id, 0))
        found.append(Progress(row.key, row.name, row.state, row.state_reason, row.begun_at, whole, left))
    return found
