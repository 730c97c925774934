"""The history of a broadcast: who did what and when, and when its schedules struck."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from gateway.tables import BroadcastEvent, BroadcastSchedule, ScheduleFire


@dataclass(frozen=True, slots=True)
class HistoryLine:
    """`what` happened `at` (aware UTC); `by` is a login, `clock`, `alarm` or `schedule`; `note` the words for it."""

    at: datetime
    what: str
    by: str
    note: str


def history_of(connection: Connection, broadcast_id: int) -> Sequence[HistoryLine]:
    """Return the lines of a broadcast, the oldest first."""
    lines = connection.execute(
        select(BroadcastEvent.at, BroadcastEvent.what, BroadcastEvent.by, BroadcastEvent.note)
        .where(BroadcastEvent.broadcast_id == broadcast_id)
        .order_by(BroadcastEvent.id)
    )
    struck = connection.execute(
        select(ScheduleFire.struck_at, ScheduleFire.outcome, ScheduleFire.fire_time, ScheduleFire.note)
        .join(BroadcastSchedule, BroadcastSchedule.id == ScheduleFire.schedule_id)
        .where(BroadcastSchedule.broadcast_id == broadcast_id)
        .order_by(ScheduleFire.id)
    )
    found = [HistoryLine(*line) for line in lines]
    found += [
        HistoryLine(one.struck_at, one.outcome, "schedule", f"due {one.fire_time:%F %H:%M} UTC {one.note}".strip())
        for one in struck
    ]
    return sorted(found, key=lambda one: one.at)


def next_start(connection: Connection, broadcast_id: int) -> BroadcastSchedule | None:
    """Return the row of the schedule that is set (`cron`, `zone`, `next_at`, `set_by`); None without one."""
    return connection.execute(
        select(BroadcastSchedule.__table__)
        .where(BroadcastSchedule.broadcast_id == broadcast_id, BroadcastSchedule.next_at.is_not(None))
        .order_by(BroadcastSchedule.id.desc())
        .limit(1)
    ).first()  # type: ignore[return-value]
