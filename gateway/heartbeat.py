"""Who of ours is alive: workers and clocks leave a mark every few seconds, and pages read how old it is."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Engine, delete
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection
from sqlalchemy.sql import func, select

from gateway.database import is_sqlite, writing
from gateway.tables import Heartbeat

BEAT_EVERY_S = 10.0
SILENT_AFTER = timedelta(seconds=45)
"""So long without a mark means that it is not at work; a few beats may be late on a busy machine."""
_FORGOTTEN_AFTER = timedelta(days=1)

_beats = Heartbeat.__table__


def beat(engine: Engine, kind: str, name: str, now: datetime) -> None:
    """Leave the mark of one process; marks a day old are of processes that ended and go.

    :param kind: "worker" or "clock"
    :param now: aware UTC
    """
    with writing(engine) as connection:
        dialect: Any = sqlite if is_sqlite(connection) else postgresql
        made = dialect.insert(_beats).values(name=f"{kind} {name}"[:60], kind=kind, at=now)
        connection.execute(made.on_conflict_do_update(index_elements=["name"], set_={"at": now}))
        connection.execute(delete(_beats).where(_beats.c.at < now - _FORGOTTEN_AFTER))


def last_beats(connection: Connection) -> dict[str, datetime]:
    """Return when a worker and a clock were last at work, by kind; a kind that never was is not in it."""
    newest = select(_beats.c.kind, func.max(_beats.c.at).label("at")).group_by(_beats.c.kind)
    return {row.kind: row.at for row in connection.execute(newest)}
