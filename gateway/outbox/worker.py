"""The worker: claim, send, record, and look after what is open. Any number of them share one database.

Sending, claiming and recording run side by side: a text that is claimed starts at once, and results are recorded as
they come. What is claimed never waits in the worker, so a pause or a STOP holds from the next claim on.
"""

import asyncio
import contextlib
import os
import secrets
import signal
import socket
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeVar

import structlog
from prometheus_client import Gauge
from sqlalchemy import Connection, Engine, func, select
from sqlalchemy.exc import SQLAlchemyError

from gateway.carriers.base import Carrier, TextToSend
from gateway.database import is_sqlite, make_engine
from gateway.heartbeat import BEAT_EVERY_S, beat
from gateway.outbox import uncertain
from gateway.outbox.claim import Boundary, Claimed, ClaimedText, Clock, Terms, claim
from gateway.outbox.consequences import Counts, lift_halt
from gateway.outbox.exchange import Accounts, Exchange, Make, say_paused
from gateway.outbox.record import Result, record
from gateway.outbox.setup import carriers_from, terms_from, utc_now
from gateway.rules.carrier_routes import Health
from gateway.settings import Settings, SettingsError

log = structlog.get_logger()
_in_flight = Gauge(
    "jalsa_outbox_in_flight", "Texts handed to a carrier whose answer is awaited", multiprocess_mode="livesum"
)

IN_FLIGHT = 256
LOOK_EVERY_S = 0.25
"""How long an idle worker waits before it looks for work again."""
TIDY_EVERY_S = 5.0
_T = TypeVar("_T")
Arrived = Callable[[Carrier], Awaitable[None]]


def database_clock(connection: Connection) -> datetime:
    """Return now as the database has it, the same for all machines; SQLite's is this machine's own."""
    if is_sqlite(connection):
        return utc_now()
    moment: datetime = connection.execute(select(func.clock_timestamp())).scalar_one()
    return moment


def _nothing(_boundary: str) -> None:
    pass


class Worker:
    """One worker. `run` works until it is told to stop; `step` does one round, for a clock that a test moves."""

    def __init__(
        self,
        engine: Engine,
        carriers: Mapping[str, Carrier],
        terms: Terms,
        *,
        clock: Clock = database_clock,
        boundary: Boundary = _nothing,
        in_flight: int = IN_FLIGHT,
        exchange: Exchange | None = None,
    ) -> None:
        """`boundary` is called with the name of every point at which a crash must be harmless. `exchange` is asked
        before each claim, so that hours, pace, routes and accounts change while the worker works.
        """
        self.engine, self.carriers, self.terms, self.clock, self.boundary = engine, carriers, terms, clock, boundary
        self._exchange = exchange
        self._exchanging = asyncio.Lock()
        self.arrived: Arrived | None = None
        """Called with each carrier that is put in place while the worker runs, before it is opened."""
        self._most = in_flight
        self._flying = 0
        self._turn = 0
        self._beaten = -BEAT_EVERY_S
        self.claimed_last = -1
        """How many texts the last claim brought; -1 before the first."""
        self.recorded = 0
        """How many results are on record."""
        self._results: list[tuple[str, Result]] = []
        self._health: dict[str, Health] = {}
        self._uncounted: Counts = {}
        self._senders: set[asyncio.Task[None]] = set()
        self._stir: asyncio.Event | None = None
        with engine.connect() as connection:
            single = is_sqlite(connection)
        self._claimer = ThreadPoolExecutor(1, thread_name_prefix="outbox-claim")
        self._recorder = self._claimer if single else ThreadPoolExecutor(1, thread_name_prefix="outbox-record")

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set; then claim no more, wait for the answers on the way and record them."""
        self._stir = asyncio.Event()
        await self._open()
        log.info("worker_started", worker=self.terms.worker, carriers=sorted(self.carriers))
        recording = asyncio.create_task(self._keep_recording(), name="outbox-recording")
        tidying = asyncio.create_task(self._keep_tidying(), name="outbox-tidying")
        try:
            await self._keep_claiming(stop)
        finally:
            tidying.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await tidying
            while self._senders:
                await asyncio.wait(set(self._senders))
            recording.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await recording
            await self._record_all()
            await self._close()
            log.info("worker_stopped", worker=self.terms.worker)

    async def step(self) -> int:
        """Do one round to its end: claim once, send, record, tidy up. Returns how many texts moved."""
        claimed = await self._claim(self._most)
        self._start(claimed)
        while self._senders:
            await asyncio.wait(set(self._senders))
        await self._record_all()
        return len(claimed.texts) + claimed.moved + await self.tidy()

    async def tidy(self) -> int:
        """Expire leases and look for uncertain texts; returns how many moved."""
        expired = await self._in_thread(self._recorder, uncertain.expire_leases, self.engine, self.clock)
        since = self._exchange.since if self._exchange else {}
        async with self._exchanging:  # whoever is asked is not put out of place meanwhile
            lookers = [name for name, carrier in self.carriers.items() if carrier.capabilities.looks]
            texts = await self._in_thread(
                self._recorder, uncertain.doubtful_texts, self.engine, lookers, self.clock, since
            )
            if not texts:
                return expired
            looked = await uncertain.look_for(self.carriers, texts)
        return expired + await self._in_thread(
            self._recorder, uncertain.record_looks, self.engine, texts, looked, self.clock
        )

    async def _open(self) -> None:
        for carrier in self.carriers.values():
            await carrier.open()

    async def _close(self) -> None:
        for carrier in self.carriers.values():
            await carrier.close()
        self._claimer.shutdown(wait=False)
        self._recorder.shutdown(wait=False)

    async def _in_thread(self, pool: ThreadPoolExecutor, call: Callable[..., _T], *arguments: Any) -> _T:
        return await asyncio.get_running_loop().run_in_executor(pool, partial(call, *arguments))

    # Claiming and sending ------------------------------------------------------------------------------------------

    async def _keep_claiming(self, stop: asyncio.Event) -> None:
        stopping = asyncio.create_task(stop.wait())
        try:
            while not stop.is_set():
                await self._beat()
                free = self._most - self._flying
                wait: float | None = None
                if free >= max(1, self._most // 2):
                    try:
                        claimed = await self._claim(free)
                    except SQLAlchemyError as error:
                        log.warning("claim_failed", error=type(error).__name__)
                        claimed, wait = Claimed(), 1.0
                    self._start(claimed)
                    if not claimed.texts and not claimed.moved and wait is None:
                        asked = claimed.wait.total_seconds() if claimed.wait else LOOK_EVERY_S
                        wait = max(0.001, min(asked, LOOK_EVERY_S))
                if wait is not None:
                    await asyncio.wait({stopping}, timeout=wait)
                elif self._most - self._flying < max(1, self._most // 2):
                    await self._stirred(stopping)
        finally:
            stopping.cancel()

    async def _beat(self) -> None:
        """Leave a mark every few seconds that this loop goes round; a failure to do so is no reason to stop."""
        if time.monotonic() - self._beaten < BEAT_EVERY_S:
            return
        self._beaten = time.monotonic()
        with contextlib.suppress(SQLAlchemyError):
            await self._in_thread(self._recorder, beat, self.engine, "worker", self.terms.worker, utc_now())

    async def _stirred(self, stopping: asyncio.Task[Any]) -> None:
        """Wait until a result has come in, or the worker is to stop."""
        assert self._stir is not None
        self._stir.clear()
        came = asyncio.create_task(self._stir.wait())
        await asyncio.wait({came, stopping}, return_when=asyncio.FIRST_COMPLETED)
        came.cancel()

    async def _claim(self, most: int) -> Claimed:
        self._turn += 1
        if self._exchange:
            self.terms = await self._in_thread(self._claimer, self._exchange.terms)
            if due := self._exchange.due():
                await self._put_in_place(due)
        claimed = await self._in_thread(
            self._claimer, claim, self.engine, self._able(), self.clock, most, self.boundary, self._turn
        )
        self.claimed_last = len(claimed.texts)
        return claimed

    def _able(self) -> Terms:
        """Return the terms for the carriers that can send: what would go through another one waits in the outbox."""
        paces = self.terms.paces
        if self._exchange is None or self.carriers.keys() >= paces.keys():
            return self.terms
        return replace(self.terms, paces={name: pace for name, pace in paces.items() if name in self.carriers})

    async def _put_in_place(self, due: Mapping[str, Make | None]) -> None:
        """Exchange carriers once what is on the way has its answer; one that cannot be made leaves its place empty."""
        async with self._exchanging:
            while self._senders:
                await asyncio.wait(set(self._senders))
            for name, make in due.items():
                carriers = dict(self.carriers)
                old = carriers.pop(name, None)
                self.carriers = carriers
                if old is not None:
                    with contextlib.suppress(Exception):
                        await old.close()
                if make is None:
                    continue
                try:
                    made = make()
                    if self.arrived:
                        await self.arrived(made)
                    await made.open()
                    # Again, though whoever changed the account did it: meanwhile the old one may have been refused.
                    await self._in_thread(self._recorder, lift_halt, self.engine, name, utc_now())
                except Exception as error:  # whatever it is, the other carriers go on
                    said = str(error) if isinstance(error, SettingsError) else type(error).__name__
                    with contextlib.suppress(SQLAlchemyError):
                        await self._in_thread(self._recorder, say_paused, self.engine, name, said)
                    continue
                self.carriers = {**carriers, name: made}
                log.info("carrier_put_in_place", carrier=name)

    def _start(self, claimed: Claimed) -> None:
        if not claimed.texts:
            return
        self._health[claimed.carrier] = claimed.health
        self._flying += len(claimed.texts)
        _in_flight.set(self._flying)
        task = asyncio.create_task(self._send(claimed))
        self._senders.add(task)
        task.add_done_callback(self._senders.discard)

    async def _send(self, claimed: Claimed) -> None:
        texts = {text.id: text for text in claimed.texts}
        waiting = set(texts)
        try:
            self.boundary("before POST")
            async for sent in self.carriers[claimed.carrier].send([_to_send(text) for text in claimed.texts]):
                self.boundary("after answer")
                waiting.discard(sent.text_id)
                self._flying -= 1
                self._results.append((claimed.carrier, Result(texts[sent.text_id], sent)))
                if self._stir:
                    self._stir.set()
        except Exception as error:  # the texts without a result become uncertain when their lease ends
            log.exception("carrier_raised", carrier=claimed.carrier, error=type(error).__name__)
        finally:
            self._flying -= len(waiting)
            _in_flight.set(self._flying)
            if self._stir:
                self._stir.set()

    # Recording and looking after what is open -----------------------------------------------------------------------

    async def _keep_recording(self) -> None:
        while True:
            if not self._results:
                await asyncio.sleep(0.005)
                continue
            try:
                await asyncio.shield(self._record_all())
            except SQLAlchemyError as error:
                log.warning("record_failed", error=type(error).__name__, results=len(self._results))
                await asyncio.sleep(1.0)

    async def _record_all(self) -> None:
        """Record what has come in; on an error it is kept for the next try."""
        while self._results:
            taken, self._results = self._results, []
            by_carrier: dict[str, list[Result]] = {}
            for carrier, result in taken:
                by_carrier.setdefault(carrier, []).append(result)
            while by_carrier:
                carrier, results = next(iter(by_carrier.items()))
                health = self._health.get(carrier, Health())
                try:
                    await self._in_thread(
                        self._recorder, record, self.engine, self.terms.worker, carrier, results, self.clock,
                        self.boundary, health, self._uncounted,
                    )  # fmt: skip
                except BaseException:
                    self._results = [(name, one) for name, ones in by_carrier.items() for one in ones] + self._results
                    raise
                del by_carrier[carrier]
                self.recorded += len(results)

    async def _keep_tidying(self) -> None:
        while True:
            try:
                await self.tidy()
            except SQLAlchemyError as error:
                log.warning("tidy_failed", error=type(error).__name__)
            await asyncio.sleep(TIDY_EVERY_S)


def _to_send(text: ClaimedText) -> TextToSend:
    validity: timedelta | None = text.expires_at - text.claimed_at if text.expires_at else None
    return TextToSend(text.id, text.number, text.body, text.parts, validity)


def worker_name() -> str:
    """Return a name that no other worker has, also not an earlier one of this machine."""
    return f"{socket.gethostname()[:20]}:{os.getpid()}:{secrets.token_hex(4)}"[:40]


def worker_from(
    settings: Settings,
    engine: Engine,
    carriers: Mapping[str, Carrier] | None = None,
    accounts_now: Callable[[], Accounts] | None = None,
) -> Worker:
    """Return the worker that these settings describe; `carriers` in place of those that the settings set up.

    :param accounts_now: says the settings and accounts anew while the worker works
    """
    name = worker_name()
    exchange = Exchange(Accounts(settings), accounts_now, name) if accounts_now else None
    return Worker(engine, carriers or carriers_from(settings), terms_from(settings, name), exchange=exchange)


def _run(work: Coroutine[Any, Any, None]) -> None:
    """Run on uvloop where it can be had (it sends a fifth faster), else on the standard loop."""
    try:
        import uvloop
    except ImportError:
        asyncio.run(work)
    else:
        uvloop.run(work)


Around = Callable[[Settings, Worker], contextlib.AbstractAsyncContextManager[None]]


def run(settings: Settings, around: Around | None = None, accounts_now: Callable[[], Accounts] | None = None) -> None:
    """Work until SIGTERM or SIGINT; what is on the way to a carrier is still answered and recorded.

    `around` makes a context that the worker runs in, such as one that receives what its carriers bring; `accounts_now`
    says the settings and accounts anew while it works.
    """

    async def main() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        worker = worker_from(settings, engine, accounts_now=accounts_now)
        async with around(settings, worker) if around else contextlib.nullcontext():
            await worker.run(stop)

    engine = make_engine(settings.database_url)
    began = time.monotonic()
    try:
        _run(main())
    finally:
        engine.dispose()
        log.info("worker_ended", seconds=round(time.monotonic() - began, 1))
