"""The list of broadcasts."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy import Connection, select

from gateway.accounts.viewer import Permission, Viewer
from gateway.broadcasts.drafts import list_broadcasts
from gateway.broadcasts.history import next_start
from gateway.console.access import allowed
from gateway.console.broadcasts.desk import PATH, engine_of
from gateway.console.shell import page
from gateway.database import reading
from gateway.outbox.standing import waiting_by_lane
from gateway.rules.broadcast_life import BroadcastState
from gateway.tables import BroadcastPlan

router = APIRouter(include_in_schema=False)
_PAGE = 30
_SEES = allowed(Permission.SEE_BROADCASTS)
_plans = BroadcastPlan.__table__
RUNNING = (BroadcastState.PLANNING, BroadcastState.SENDING, BroadcastState.PAUSED)


@dataclass(frozen=True)
class Listed:
    """One line. `whole` recipients were approved, or planned once all are; `left` of them are out of the outbox."""

    row: Any
    asked: bool
    whole: int
    left: int
    next_at: datetime | None


@router.get(PATH)
def list_them(request: Request, viewer: Viewer = Depends(_SEES)) -> Response:
    """Every broadcast within the viewer's areas, the newest first."""
    before = request.query_params.get("before", "")
    older_than = int(before) if before.isascii() and before.isdecimal() and len(before) < 18 else None
    with reading(engine_of(request)) as connection:
        rows = list_broadcasts(connection, _PAGE + 1, viewer.areas, older_than)
        waiting: Counter[int | None] = Counter()
        if any(row.state in RUNNING for row in rows):
            for lane in waiting_by_lane(connection):
                waiting[lane.lane.broadcast_id] += lane.texts
        listed = [_listed(connection, row, waiting[row.id]) for row in rows[:_PAGE]]
    older = f"{PATH}?before={rows[_PAGE - 1].id}" if len(rows) > _PAGE else ""
    return page(request, "broadcasts/list.html", listed=listed, older=older, newer=PATH if older_than else "")


def _listed(connection: Connection, row: Any, waiting: int) -> Listed:
    approved = int(((row.preview or {}).get("numbers") or {}).get("recipients", 0))
    plan = connection.execute(select(_plans).where(_plans.c.broadcast_id == row.id)).first()
    planned = int(plan.planned) if plan else 0
    asked = row.state == BroadcastState.DRAFT and bool(row.asked_digest) and row.asked_digest == row.digest
    next_at = None
    if row.state == BroadcastState.SCHEDULED and (planned_start := next_start(connection, row.id)):
        next_at = planned_start.next_at
    whole = planned if plan and plan.planned_at else max(planned, approved)
    return Listed(row, asked, whole, max(0, planned - waiting), next_at)
