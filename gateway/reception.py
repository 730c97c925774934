"""Where texts, parts and receipts of carriers other than Twilio arrive, whether by HTTP or by a connection of our own.

Whoever calls may tell the carrier "we have it" exactly when a call here has returned.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import structlog
from prometheus_client import Counter
from sqlalchemy.exc import InterfaceError, OperationalError, SQLAlchemyError

from gateway.carriers.base import Carrier
from gateway.carriers.received import Answer, ReceivedPart, ReceivedReceipt, ReceivedText
from gateway.carriers.smpp.sender import SmppCarrier
from gateway.inbound import parts
from gateway.inbound.again import SentAgain
from gateway.inbound.collector import Overloaded
from gateway.inbound.receipts import knows_text, record_receipt
from gateway.inbound.record import DatabaseUnavailable
from gateway.outbox.worker import Worker
from gateway.service import Service
from gateway.settings import Settings

log = structlog.get_logger()
_incomplete = Counter("jalsa_inbound_incomplete_total", "Long texts handed on without all their parts")

SWEEP_EVERY_S = 30.0


class NotRecorded(Exception):
    """It could not be recorded now; the carrier must send it again."""


class Reception:
    """One per process; used in its event loop, between the start and the stop of the service's collector."""

    def __init__(self, service: Service, *, incomplete_after: timedelta = parts.INCOMPLETE_AFTER) -> None:
        self._service, self._after = service, incomplete_after
        self._again = SentAgain(service.engine, service.settings.default_region)

    async def text(self, text: ReceivedText, session_began: datetime | None = None) -> Answer:
        """Record a text and return its answer.

        `session_began` is given for a carrier whose texts have no ids: what it may be sending again after a lost
        connection is then known from `inbound.again`.

        :raises NotRecorded: nothing is on record
        """
        try:
            if session_began is not None:
                text = await asyncio.to_thread(self._again.known_as, text, session_began)
            answer = await self._service.collector.submit(text)
        except (DatabaseUnavailable, Overloaded, OperationalError, InterfaceError) as error:
            raise NotRecorded from error
        if answer is None:
            raise NotRecorded
        return answer

    async def part(self, part: ReceivedPart) -> Answer:
        """Keep a part; the answer is that of the whole text where this part completes it.

        :raises NotRecorded: the part, or the text that it completes, is not on record
        """
        try:
            for _ in range(3):
                joined = await asyncio.to_thread(parts.keep_part, self._service.engine, part)
                if joined is None:
                    return Answer()
                answer = await self._hand_on(joined)
                if joined.complete:
                    return answer
        except (OperationalError, InterfaceError) as error:
            raise NotRecorded from error
        raise NotRecorded

    async def receipt(self, receipt: ReceivedReceipt) -> bool:
        """Record a receipt; returns whether it is of a text that we know.

        :raises NotRecorded: it is not on record
        """
        try:
            return await asyncio.to_thread(record_receipt, self._service.engine, receipt)
        except (OperationalError, InterfaceError) as error:
            raise NotRecorded from error

    async def knows(self, carrier: str, carrier_id: str) -> bool:
        """Whether a text of ours has this id of the carrier's.

        :raises NotRecorded: the database cannot say now
        """
        try:
            return await asyncio.to_thread(knows_text, self._service.engine, carrier, carrier_id)
        except (OperationalError, InterfaceError) as error:
            raise NotRecorded from error

    async def sweep(self) -> int:
        """Hand on long texts whose missing parts no longer come; returns how many."""
        found = await asyncio.to_thread(parts.incomplete, self._service.engine, datetime.now(UTC), self._after)
        for joined in found:
            await self._hand_on(joined)
        return len(found)

    async def _hand_on(self, joined: parts.Joined) -> Answer:
        answer = await self.text(joined.text)
        if not joined.complete:
            _incomplete.inc()
            log.warning("text_incomplete", carrier=joined.text.carrier, carrier_id=joined.text.carrier_id)
        await asyncio.to_thread(parts.forget, self._service.engine, [joined], datetime.now(UTC))
        return answer

    async def keep_sweeping(self) -> None:
        """Sweep now and then, until it is cancelled."""
        while True:
            try:
                await self.sweep()
            except (SQLAlchemyError, NotRecorded) as error:
                log.warning("sweep_failed", error=type(error).__name__)
            await asyncio.sleep(SWEEP_EVERY_S)


@contextlib.asynccontextmanager
async def receiving(settings: Settings, worker: Worker) -> AsyncIterator[None]:
    """Receive for as long as the block runs, where a carrier of this worker brings texts over its own connection."""
    async with contextlib.AsyncExitStack() as stack:
        reception: Reception | None = None

        async def arrived(carrier: Carrier) -> None:
            nonlocal reception
            if isinstance(carrier, SmppCarrier):
                reception = reception or await stack.enter_async_context(_own_reception(settings))
                carrier.receiver = reception

        for carrier in worker.carriers.values():
            await arrived(carrier)
        worker.arrived = arrived
        yield


@contextlib.asynccontextmanager
async def _own_reception(settings: Settings) -> AsyncIterator[Reception]:
    service = Service(settings)
    reception = Reception(service)
    await service.start()
    sweeping = asyncio.create_task(reception.keep_sweeping())
    try:
        yield reception
    finally:
        sweeping.cancel()
        await service.collector.stop()
        service.close()


def attach(worker: Worker, reception: Reception) -> None:
    """Let the carriers of a worker that bring texts hand them to `reception`, also those that come while it runs."""

    async def arrived(carrier: Carrier) -> None:
        if isinstance(carrier, SmppCarrier):
            carrier.receiver = reception

    for carrier in worker.carriers.values():
        if isinstance(carrier, SmppCarrier):
            carrier.receiver = reception
    worker.arrived = arrived
