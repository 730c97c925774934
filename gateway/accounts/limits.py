"""How often something may be tried, counted in the database so that all processes share it."""

import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, delete, func, select
from sqlalchemy.dialects import postgresql, sqlite

from gateway.database import is_sqlite
from gateway.tables import RateWindow

_windows = RateWindow.__table__
_LONGEST = timedelta(days=2)


class TooOften(Exception):
    """A limit is reached; `wait` says for how long it holds."""

    def __init__(self, wait: timedelta) -> None:
        super().__init__(f"Too often; try again in {max(1, round(wait.total_seconds() / 60))} minutes.")
        self.wait = wait


def limit_key(secret: bytes, kind: str, who: str) -> str:
    """Return a key that tells nobody whom it counts."""
    return f"{kind}:{hmac.new(secret, f'{kind}:{who}'.encode(), hashlib.sha256).hexdigest()[:40]}"


def try_once(connection: Connection, key: str, now: datetime, *, most: int, per: timedelta) -> None:
    """Count one try in the caller's writing transaction. Any process's tries count; two at once count as two.

    :param now: aware UTC; a window begins at a whole multiple of `per`, and the one before counts for its share
    :raises TooOften: more than `most` in the last `per`; the try is counted all the same when the caller commits
    """
    begins = _begin(now, per)
    dialect: Any = sqlite if is_sqlite(connection) else postgresql
    upsert = dialect.insert(_windows).values(key=key, begins_at=begins, tries=1)
    tries = connection.execute(
        upsert.on_conflict_do_update(
            index_elements=["key", "begins_at"], set_={"tries": _windows.c.tries + 1}
        ).returning(_windows.c.tries)
    ).scalar_one()
    share = 1 - (now - begins) / per
    if tries + share * _tries(connection, key, begins - per) > most:
        raise TooOften(begins + per - now)


def held_back(connection: Connection, key: str, now: datetime, *, most: int, per: timedelta) -> bool:
    """Whether one more try would be too many; counts nothing."""
    begins = _begin(now, per)
    before = (1 - (now - begins) / per) * _tries(connection, key, begins - per)
    return _tries(connection, key, begins) + before >= most


def forget(connection: Connection, *keys: str) -> None:
    """Start again from none, after a success."""
    connection.execute(delete(_windows).where(_windows.c.key.in_(keys)))


def sweep(connection: Connection, now: datetime) -> None:
    """Remove windows that count for nothing any more."""
    connection.execute(delete(_windows).where(_windows.c.begins_at < now - _LONGEST))


def _begin(now: datetime, per: timedelta) -> datetime:
    seconds = int(per.total_seconds())
    return datetime.fromtimestamp(int(now.timestamp()) // seconds * seconds, UTC)


def _tries(connection: Connection, key: str, begins: datetime) -> float:
    found = select(func.coalesce(func.sum(_windows.c.tries), 0)).where(
        _windows.c.key == key, _windows.c.begins_at == begins
    )
    return float(connection.execute(found).scalar_one())
