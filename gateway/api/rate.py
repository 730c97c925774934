"""How many requests a key may make: a bucket that fills evenly. In this process; n processes give n times as many."""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(slots=True)
class _Bucket:
    left: float
    at: float


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


class RateLimits:
    """Buckets by key. Called from the event loop alone, so it needs no lock."""

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit, self._clock = per_minute, clock
        self._buckets: dict[int, _Bucket] = {}

    def take(self, key_id: int) -> Allowance:
        """Take one request of a key's, if there is one."""
        now, limit = self._clock(), self._limit
        bucket = self._buckets.setdefault(key_id, _Bucket(limit, now))
        pace = limit / 60
        bucket.left = min(limit, bucket.left + (now - bucket.at) * pace)
        bucket.at = now
        refused = bucket.left < 1
        wait = math.ceil((1 - bucket.left) / pace) if refused else 0
        bucket.left -= 0 if refused else 1
        return Allowance(limit, int(bucket.left), math.ceil((limit - bucket.left) / pace), wait)
