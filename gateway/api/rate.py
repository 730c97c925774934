"""How many requests a key may make: a bucket that fills evenly, one for all processes, kept in the database.

A process takes some requests out of the bucket at a time, a second's worth at most and the fewer the emptier it is, and
lets them through without asking again: so a busy key costs a write a second, and an empty bucket is empty for everyone.
What it has not let through after `HELD` goes back. More than the bucket held can thus only pass where a key made few
requests and then many within seconds: by what its processes held in hand.
"""

import asyncio
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import OperationalError, TimeoutError
from starlette.concurrency import run_in_threadpool

from gateway.database import is_sqlite, writing
from gateway.tables import ApiBudget

HELD = timedelta(seconds=5)
_UNREACHED = timedelta(seconds=1)
_budgets = ApiBudget.__table__


@dataclass(frozen=True, slots=True)
class Allowance:
    """What is left: `remaining` requests now, all of them again in `full_in` seconds, the next one in `wait`."""

    limit: int
    remaining: int
    full_in: int
    wait: int

    @property
    def refused(self) -> bool:
        return self.wait > 0

    @property
    def headers(self) -> Mapping[str, str]:
        """As in the IETF's draft-ietf-httpapi-ratelimit-headers."""
        return {
            "RateLimit-Policy": f'"key";q={self.limit};w=60',
            "RateLimit": f'"key";r={self.remaining};t={self.full_in}',
        }


@dataclass(slots=True)
class _InHand:
    """What this process may still let through of a key until `until`; `left` was in the bucket then, besides. `empty`:
    there was nothing to be had, and nothing will be before `until`."""

    count: int
    left: float
    until: datetime
    empty: bool = False


@dataclass(slots=True)
class _Key:
    asking: asyncio.Lock = field(default_factory=asyncio.Lock)
    hand: _InHand | None = None


def _utc_now() -> datetime:
    return datetime.now(UTC)


class RateLimits:
    """What keys may do, for one process's event loop.

    :param clock: aware UTC. Where clocks of machines differ, the one ahead counts: no more is given for it in all.
    """

    def __init__(self, engine: Engine, per_minute: int, clock: Callable[[], datetime] = _utc_now) -> None:
        self._engine, self._limit, self._clock = engine, per_minute, clock
        self._keys: dict[int, _Key] = {}

    async def take(self, key_id: int) -> Allowance:
        """Take one request of a key's, if there is one.

        While the database cannot be written a known key's request passes: what it wants there fails by itself.
        """
        key = self._keys.setdefault(key_id, _Key())
        async with key.asking:  # those that come at once ask once
            now = self._clock()
            hand = key.hand
            if hand is None or now >= hand.until or not (hand.count or hand.empty):
                hand = key.hand = await run_in_threadpool(self._fetch, key_id, hand.count if hand else 0, now)
            pace = self._limit / 60
            if not hand.count:
                wait = math.ceil(max(0.0, (hand.until - now).total_seconds()))
                return Allowance(self._limit, 0, math.ceil((self._limit - hand.left) / pace), max(1, wait))
            hand.count -= 1
            left = hand.left + hand.count
            return Allowance(self._limit, int(left), math.ceil((self._limit - left) / pace), 0)

    def _fetch(self, key_id: int, unspent: int, now: datetime) -> _InHand:
        pace = self._limit / 60
        try:
            with writing(self._engine) as connection:
                row = _held(connection, key_id, self._limit, now)
                passed = max(0.0, (now - row.at).total_seconds())
                left = min(float(self._limit), row.left + passed * pace + unspent)
                taken = min(int(left), max(1, int(min(pace, left / 8))))
                values = {"left": left - taken, "at": max(now, row.at)}
                connection.execute(update(_budgets).where(_budgets.c.key_id == key_id).values(values))
        except (OperationalError, TimeoutError):
            return _InHand(max(1, int(pace)), 0.0, now + _UNREACHED)
        if taken:
            return _InHand(taken, left - taken, now + HELD)
        return _InHand(0, left, now + timedelta(seconds=(1 - left) / pace), empty=True)


def _held(connection: Connection, key_id: int, limit: int, now: datetime) -> Any:
    """Return the row of a key's bucket, locked; a new one is full."""
    dialect: Any = sqlite if is_sqlite(connection) else postgresql
    fresh = {"key_id": key_id, "left": float(limit), "at": now}
    connection.execute(dialect.insert(_budgets).values(fresh).on_conflict_do_nothing())
    query = select(_budgets).where(_budgets.c.key_id == key_id)
    return connection.execute(query if is_sqlite(connection) else query.with_for_update()).one()
