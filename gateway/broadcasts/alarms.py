"""Pause a broadcast that is unlike this account's past, so that a person looks at it."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, func, select, update

from gateway.broadcasts.drafts import note
from gateway.outbox.consequences import raise_alert
from gateway.rules.broadcast_alarm import Alarm
from gateway.rules.broadcast_life import LEAVING, BroadcastState
from gateway.tables import Broadcast, BroadcastPlan

_broadcasts, _plans = Broadcast.__table__, BroadcastPlan.__table__


def hold_for_alarm(connection: Connection, broadcast_id: int, alarm: Alarm, now: datetime) -> None:
    """Pause a broadcast that is on its way, with an alert."""
    on_its_way = (_broadcasts.c.id == broadcast_id) & _broadcasts.c.state.in_(LEAVING)
    values = {"state": BroadcastState.PAUSED, "state_reason": str(alarm.reason)[:160], "alarm": alarm.name}
    if connection.execute(update(_broadcasts).where(on_its_way).values(values)).rowcount:
        raise_alert(connection, "paused", str(alarm.reason), now, broadcast_id=broadcast_id)
        note(connection, broadcast_id, "paused", "alarm", now, str(alarm.reason))


def planned_today(connection: Connection, zone: ZoneInfo, now: datetime) -> int:
    """Return how many texts all broadcasts put in the outbox that began today, on the clock of `zone`."""
    midnight = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    joined = _plans.join(_broadcasts, _plans.c.broadcast_id == _broadcasts.c.id)
    today = (_broadcasts.c.begun_at >= midnight) & (_broadcasts.c.begun_at < midnight + timedelta(days=1))
    return int(
        connection.execute(
            select(func.coalesce(func.sum(_plans.c.planned), 0)).select_from(joined).where(today)
        ).scalar_one()
    )
