"""One running gateway: its settings, database, collector and the rest, made in one place and closed in one place."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from sqlalchemy import Engine

from gateway.carriers.received import Answer, ReceivedText
from gateway.carriers.twilio.signature import Signatures
from gateway.database import make_engine
from gateway.inbound.collector import Collector
from gateway.inbound.loader import ReferenceLoader
from gateway.inbound.record import Recorder
from gateway.replies.catalogue import load_catalogue
from gateway.reports.refs_supply import RefSupply
from gateway.reports.setup import notifier_from
from gateway.settings import Settings


def utc_now() -> datetime:
    return datetime.now(UTC)


class Service:
    """What the web pages and the command line stand on."""

    def __init__(self, settings: Settings) -> None:
        """Nothing is read from the database yet.

        :raises VocabularyError, CatalogueError: words or replies contradict each other
        """
        self.settings = settings
        self.engine: Engine = make_engine(settings.database_url)
        self.catalogue = load_catalogue()
        self.signatures = Signatures(
            settings.public_base_url,
            settings.auth_token,
            {key: secret.get_secret_value() for key, secret in settings.twilio_shared_keys.items()},
        )
        self.reference = ReferenceLoader(self.engine, settings, utc_now)
        self._refs = RefSupply(self.engine, settings.key_for("report refs"))
        self.notifier = notifier_from(settings)
        self.recorder = Recorder(
            engine=self.engine,
            reference=self.reference,
            catalogue=self.catalogue,
            refs=self._take_refs,
            return_refs=self._return_refs,
            erasing_key=settings.key_for("erased numbers"),
            default_region=settings.default_region,
            notifier=self.notifier,
        )
        self.collector = Collector(self.record)

    def record(self, texts: Sequence[ReceivedText]) -> list[Answer | None]:
        """Record a group of texts now; see `Recorder.record`."""
        return self.recorder.record(texts, utc_now())

    def close(self) -> None:
        self.engine.dispose()

    def _take_refs(self, count: int) -> Sequence[str]:
        return self._refs.for_event(self.reference().pickups.event_key).take(count)

    def _return_refs(self, refs: Iterable[str]) -> None:
        self._refs.give_back(refs)
