"""One running gateway: its settings, database, collector and the rest, made in one place and closed in one place."""

import asyncio
import contextlib
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import structlog
from sqlalchemy import Engine

import keywords
from gateway.carriers.received import Answer, ReceivedText
from gateway.carriers.twilio.signature import Signatures
from gateway.database import make_engine
from gateway.inbound.collector import Collector
from gateway.inbound.loader import ReferenceLoader
from gateway.inbound.record import Recorder
from gateway.overrides.in_force import InForce, Watch
from gateway.pickups.pickups import no_walks
from gateway.pickups.walking.router import KnownWalks, RouterDown, router_from
from gateway.pickups.where import where_from
from gateway.replies.catalogue import Catalogue
from gateway.reports.notices import Notifier
from gateway.reports.refs_supply import RefSupply
from gateway.reports.setup import notifier_from
from gateway.settings import Settings

log = structlog.get_logger()
_LONGEST_WALK_WAIT_S = 1.6
_LONGEST_LOAD_S = 10.0


def utc_now() -> datetime:
    return datetime.now(UTC)


class Service:
    """What the web pages and the command line stand on."""

    def __init__(self, settings: Settings) -> None:
        """Nothing is read from the database yet.

        :raises VocabularyError, CatalogueError: words or replies contradict each other
        """
        self.engine: Engine = make_engine(settings.database_url, audit_key=settings.audit_key)
        self.watch = Watch(self.engine, settings)
        self._recording = self.engine
        if self.engine.dialect.name == "postgresql":
            self._recording = make_engine(settings.database_url, by_key=True)
        self._signatures = (settings.auth_token, _signatures(settings))
        router = router_from(settings)
        self._walks = KnownWalks(router) if router else None
        self._walkers = ThreadPoolExecutor(8, thread_name_prefix="walks") if router else None
        self.reference = ReferenceLoader(self.engine, self.watch, utc_now, self._walks or no_walks)
        self._refs = RefSupply(self.engine, settings.key_for("report refs"))
        self._notifier: tuple[InForce, Notifier] = (self.watch.latest, notifier_from(settings))
        self.recorder = Recorder(
            engine=self._recording,
            reference=self.reference,
            refs=self._take_refs,
            return_refs=self._return_refs,
            erasing_key=settings.key_for("erased numbers"),
            default_region=settings.default_region,
        )
        self.collector = Collector(self.record)

    @property
    def settings(self) -> Settings:
        """The settings with what organisers have changed, as last looked at: within two seconds of a change while the
        gateway runs (`watch` looks by itself). Asks no database.
        """
        return self.watch.latest.settings

    @property
    def signatures(self) -> Signatures:
        """What webhooks are checked with: the account's secret as last looked at."""
        token, made = self._signatures
        if (settings := self.settings).auth_token != token:
            made = _signatures(settings)
            self._signatures = (settings.auth_token, made)
        return made

    @property
    def catalogue(self) -> Catalogue:
        """The replies in force, as last looked at."""
        return self.watch.latest.catalogue

    @property
    def notifier(self) -> Notifier:
        """How texts about reports are worded and when they may leave, as last looked at."""
        latest = self.watch.latest
        if self._notifier[0] is not latest:
            self._notifier = (latest, notifier_from(latest.settings, latest.catalogue))
        return self._notifier[1]

    async def start(self) -> None:
        """Take texts, after what the first of them would have to wait for is loaded; a database that does not answer
        is not waited for long.
        """
        self.collector.start()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(self.collector.prepare(self._load)), _LONGEST_LOAD_S)

    def _load(self) -> None:
        try:
            self.reference()
        except Exception as error:  # texts try again, and the pages must open for whoever can mend it
            log.error("reference_not_loaded", error=type(error).__name__)  # noqa: TRY400

    def record(self, texts: Sequence[ReceivedText]) -> list[Answer | None]:
        """Record a group of texts now; see `Recorder.record`."""
        return self.recorder.record(texts, utc_now())

    async def submit(self, text: ReceivedText) -> Answer | None:
        """Hand a text to the collector; see `Collector.submit`.

        Where a router is set, a text that asks for the nearest point waits here, for a moment at most, until the times
        on foot from its place are known; the writer, for which everyone waits, never asks a router.
        """
        if self._walks and self._walkers:
            learned = asyncio.get_running_loop().run_in_executor(self._walkers, self._learn_walks, text)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(learned), _LONGEST_WALK_WAIT_S)
        return await self.collector.submit(text)

    def _learn_walks(self, text: ReceivedText) -> None:
        """Ask the router for the times from the place that a text names, where the words alone tell it."""
        reference, walks = self.reference.latest, self._walks
        if reference is None or walks is None:
            return
        try:
            command = keywords.parse(text.body, short_code=reference.short_code, vocabulary=reference.vocabulary)
            if found := where_from(text.body, command, reference.pickups, utc_now()):
                lat, lon, points = found
                ends = {point.id: (point.lat, point.lon) for point in points}
                walks.learn(lat, lon, ends, reference.pickups)
        except RouterDown:
            return  # the answer is the nearest by distance
        except Exception as error:  # whatever a text holds, it is recorded
            log.warning("walks_not_learned", error=type(error).__name__)

    def close(self) -> None:
        self.watch.stop()
        if self._walkers:
            self._walkers.shutdown(wait=False, cancel_futures=True)
        self._recording.dispose()
        self.engine.dispose()

    def _take_refs(self, count: int) -> Sequence[str]:
        return self._refs.for_event(self.reference().pickups.event_key).take(count)

    def _return_refs(self, refs: Iterable[str]) -> None:
        self._refs.give_back(refs)


def _signatures(settings: Settings) -> Signatures:
    shared = {key: secret.get_secret_value() for key, secret in settings.twilio_shared_keys.items()}
    return Signatures(settings.public_base_url, settings.auth_token, shared)
