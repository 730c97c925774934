"""Which streams of events are open, in every process: rows that say so again and again while they are.

A process that dies leaves its rows; they count for nothing once they are `STALE`.
"""

import secrets
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, delete, func, insert, select, text, update

from gateway.database import is_sqlite, writing
from gateway.tables import ApiStream

OF_ONE_KEY = 10
SAID_EVERY = timedelta(seconds=15)
STALE = timedelta(seconds=60)
_streams = ApiStream.__table__


def enter(engine: Engine, key_id: int, now: datetime, most: int) -> int | None:
    """Count one more stream of a key and return its id; None where `OF_ONE_KEY` or `most` of all are open already."""
    with writing(engine) as connection:
        _alone(connection)
        connection.execute(delete(_streams).where(_streams.c.seen_at < now - STALE))
        mine = func.count().filter(_streams.c.key_id == key_id)
        of_key, of_all = connection.execute(select(mine, func.count()).select_from(_streams)).one()
        if of_key >= OF_ONE_KEY or of_all >= most:
            return None
        # By chance, not by count: SQLite gives the number of a row that is gone to the next one, which is another's.
        row: dict[str, Any] = {"id": secrets.randbits(62), "key_id": key_id, "seen_at": now}
        connection.execute(insert(_streams).values(row))
        return int(row["id"])


def still_open(engine: Engine, stream_id: int, now: datetime) -> bool:
    """Say that a stream is open; False where it was silent for so long that others count without it."""
    with writing(engine) as connection:
        mine = _streams.c.id == stream_id
        return bool(connection.execute(update(_streams).where(mine).values(seen_at=now)).rowcount)


def leave(engine: Engine, stream_id: int) -> None:
    with writing(engine) as connection:
        connection.execute(delete(_streams).where(_streams.c.id == stream_id))


def _alone(connection: Connection) -> None:
    """Let nobody else count until this transaction ends; on SQLite whoever writes is alone."""
    if not is_sqlite(connection):
        connection.execute(text("LOCK TABLE api_streams IN SHARE ROW EXCLUSIVE MODE"))
