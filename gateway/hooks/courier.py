"""The courier: spreads new events and delivers what is due, each endpoint by itself, so that none waits for another.

Any number of couriers share one database; leases keep two from sending the same delivery at a time.
"""

import asyncio
import os
import secrets
import socket
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from threading import Lock

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from gateway.database import reading
from gateway.hooks import deliveries
from gateway.hooks.deliveries import Claimed, Tell
from gateway.hooks.endpoints import Seals, secrets_of
from gateway.hooks.payload import payloads
from gateway.hooks.post import Answer, post, session
from gateway.rules.hook_address import Network
from gateway.rules.hook_events import headers, write_payload

log = structlog.get_logger()

BATCH = 32
AT_ONCE = 8
"""Requests at a time to one endpoint; with the timeout of a request, a batch ends well within its lease."""
ENDPOINTS_AT_ONCE = 4
_MOST_BATCHES = 50


class Courier:
    """One process's courier. `tick` is called every second; `round` does all that is due, for a test's clock."""

    def __init__(
        self,
        engine: Engine,
        seals: Seals,
        allowed: Sequence[Network],
        tell: Tell,
        *,
        clock: Callable[[], datetime],
        boundary: Callable[[str], None] = lambda _name: None,
    ) -> None:
        """
        :param allowed: networks that may be called though they are not public
        :param clock: returns now as aware UTC
        :param boundary: called with the name of every point at which a crash must be harmless
        """
        self._engine, self._seals, self._allowed, self._tell = engine, seals, tuple(allowed), tell
        self._clock, self._boundary = clock, boundary
        self._pool = ThreadPoolExecutor(ENDPOINTS_AT_ONCE, thread_name_prefix="hooks")
        self._busy: set[int] = set()
        self._lock = Lock()
        self._closed = False

    def tick(self) -> None:
        """Spread what is new and start to deliver what is due; returns at once.

        :raises sqlalchemy.exc.SQLAlchemyError: the database does not answer; what is due stays due
        """
        while deliveries.spread(self._engine, self._clock()):
            pass
        for endpoint_id in deliveries.endpoints_due(self._engine, self._clock()):
            with self._lock:
                if self._closed or endpoint_id in self._busy:
                    continue
                self._busy.add(endpoint_id)
            self._pool.submit(self._work, endpoint_id)

    def round(self) -> int:
        """Spread, and deliver all that is due now; returns how many attempts were made."""
        while deliveries.spread(self._engine, self._clock()):
            pass
        due = deliveries.endpoints_due(self._engine, self._clock())
        return sum(self.deliver(endpoint_id) for endpoint_id in due)

    def close(self) -> None:
        """Start nothing more and wait for what is on its way."""
        with self._lock:
            self._closed = True
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _work(self, endpoint_id: int) -> None:
        try:
            self.deliver(endpoint_id)
        except SQLAlchemyError as error:
            log.warning("hooks_not_delivered", endpoint=endpoint_id, error=type(error).__name__)
        except Exception as error:
            log.exception("hooks_failed", endpoint=endpoint_id, error=type(error).__name__)
        finally:
            with self._lock:
                self._busy.discard(endpoint_id)

    def deliver(self, endpoint_id: int) -> int:
        """Deliver what is due for one endpoint, batch by batch; returns how many attempts were made."""
        made = 0
        for _ in range(_MOST_BATCHES):
            if self._closed:
                break
            claimed = deliveries.claim(self._engine, endpoint_id, _claim_name(), self._clock(), BATCH)
            if claimed is None:
                break
            self._boundary("after claim")
            made += len(self.send(claimed))
        return made

    def test(self, endpoint_id: int) -> Answer:
        """Send a `hook.test` to one endpoint and return what came back.

        :raises HookError: there is no such endpoint
        """
        claimed = deliveries.claimed_test(self._engine, endpoint_id, _claim_name(), self._clock())
        return self.send(claimed)[0]

    def send(self, claimed: Claimed) -> list[Answer]:
        """Send what was claimed and put on record what came of it."""
        try:
            answers = asyncio.run(self._post_all(claimed))
        except ValueError as error:  # a secret that cannot be opened: nothing was sent
            answers = [Answer(None, str(error))] * len(claimed.rows)
        self._boundary("after answer")
        by_id = {row.delivery_id: answer for row, answer in zip(claimed.rows, answers, strict=True)}
        deliveries.record(self._engine, claimed, by_id, self._clock(), self._tell)
        return answers

    async def _post_all(self, claimed: Claimed) -> list[Answer]:
        endpoint = claimed.endpoint
        signing = secrets_of(endpoint, self._seals, self._clock())
        with reading(self._engine) as connection:
            told = payloads(connection, claimed.rows, with_phones=endpoint.with_phones, with_texts=endpoint.with_texts)
        free = asyncio.Semaphore(AT_ONCE)
        async with session(endpoint.url, self._allowed, AT_ONCE) as made:

            async def one(row: object) -> Answer:
                async with free:
                    now = self._clock()
                    body = write_payload(row.kind, row.at, told[row.id])  # type: ignore[attr-defined]
                    signed = headers(row.uid, now, body, signing)  # type: ignore[attr-defined]
                    return await post(made, endpoint.url, signed, body, self._allowed, now)

            return list(await asyncio.gather(*(one(row) for row in claimed.rows)))


def _claim_name() -> str:
    return f"{socket.gethostname()[:14]}:{os.getpid()}:{secrets.token_hex(6)}"[:40]
