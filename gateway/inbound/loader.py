"""Keep one process's reference data as fresh as the database's: looked at once a second, loaded when it has moved."""

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection, Engine

from gateway.database import reading
from gateway.inbound.reference import Reference
from gateway.pickups.desk import with_settings
from gateway.pickups.store import LIVE_REVISION, read_pickups
from gateway.places.store import read_directory, revisions
from gateway.settings import Settings
from keywords import Vocabulary, load_vocabulary

LOOK_EVERY_S = 1.0


class ReferenceLoader:
    """Holds the newest `Reference`. Called by the writer thread alone."""

    def __init__(self, engine: Engine, settings: Settings, now: Callable[[], datetime]) -> None:
        """:raises VocabularyError: if the vocabulary files contradict each other"""
        self._engine, self._settings, self._now = engine, settings, now
        self._vocabulary: Vocabulary = load_vocabulary(*settings.vocabulary_files)
        self._reference: Reference | None = None
        self._seen: Mapping[str, int] = {}
        self._looked = -float("inf")

    def __call__(self) -> Reference:
        """Return reference data no older than a second or two.

        :raises sqlalchemy.exc.SQLAlchemyError: if the database cannot be read and nothing was loaded before
        """
        clock = time.monotonic()
        if self._reference is None or clock - self._looked >= LOOK_EVERY_S:
            with reading(self._engine) as connection:
                seen = {name: number for name, number in revisions(connection).items() if name != LIVE_REVISION}
                if self._reference is None or seen != self._seen:
                    self._reference = self._load(connection, seen)
                    self._seen = seen
            self._looked = clock
        pickups = self._reference.pickups.at(self._now())  # an event that has ended makes room for the next
        if pickups is not self._reference.pickups:
            self._reference = replace(self._reference, pickups=pickups)
        return self._reference

    def _load(self, connection: Connection, seen: Mapping[str, int]) -> Reference:
        same_places = self._reference and seen.get("places") == self._seen.get("places")
        directory = self._reference.directory if self._reference and same_places else read_directory(connection)
        zone = self._settings.zone
        pickups = read_pickups(connection, directory, self._now(), zone)
        return Reference(
            directory=directory,
            pickups=with_settings(pickups, self._settings),
            vocabulary=self._vocabulary,
            short_code=self._settings.short_code,
            zone=zone,
            default_language=self._settings.default_language,
            invite_key=self._settings.key_for("invite codes"),
        )
