"""What holds now: the files and the environment, with what organisers have changed over them.

A stored change that does not fit any more (a file was edited, a new version of Jalsa words a reply anew) is left out,
logged and shown, and never stops the gateway.
"""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from weakref import WeakKeyDictionary

import structlog
from sqlalchemy import Connection, Engine, select
from sqlalchemy.exc import SQLAlchemyError

from faults import Fault
from gateway.database import reading
from gateway.outbox.exchange import Accounts
from gateway.overrides.carrier_account import KIND as ACCOUNT
from gateway.overrides.carrier_account import accounts_in_force, accounts_since
from gateway.overrides.limits import limits_in_force
from gateway.overrides.store import REVISION, Override, current, values_of
from gateway.overrides.vocabulary import vocabulary_in_force
from gateway.overrides.wordings import catalogue_in_force
from gateway.replies.catalogue import Catalogue, load_catalogue
from gateway.settings import Settings
from gateway.tables import Revision
from keywords import Vocabulary, load_vocabulary

log = structlog.get_logger()

LOOK_EVERY_S = 1.0
_Stored = Mapping[tuple[str, str], Override]
_catalogues: "WeakKeyDictionary[Engine, tuple[int, Catalogue]]" = WeakKeyDictionary()
_lock = threading.Lock()


@dataclass(frozen=True)
class InForce:
    """One moment's words, replies and limits; replaced whole when somebody changes one."""

    settings: Settings
    catalogue: Catalogue
    vocabulary: Vocabulary
    files: Vocabulary
    """The vocabulary as the files have it."""
    stored: _Stored = field(default_factory=dict)
    problems: Mapping[tuple[str, str], Fault] = field(default_factory=dict)
    """Why a stored change is not in force, by kind and key."""
    number: int = -1
    """Of the revision that it was read at."""

    @cached_property
    def accounts(self) -> Accounts:
        """What the carriers are made of, for a worker."""
        faults = {key: str(why) for (kind, key), why in self.problems.items() if kind == ACCOUNT}
        return Accounts(self.settings, faults, accounts_since(self.stored))

    def values(self, kind: str) -> dict[str, Any]:
        """Return what is stored of one kind, by key."""
        return {key: one.value for key, one in values_of(self.stored, kind).items()}


def built_in(settings: Settings) -> InForce:
    """Return what holds where nobody has changed anything.

    :raises VocabularyError, CatalogueError: a file cannot be used
    """
    files = load_vocabulary(*settings.vocabulary_files)
    return InForce(settings, load_catalogue(), files, files)


def read_in_force(connection: Connection, settings: Settings) -> InForce:
    """Return what holds now, read from the database whole.

    :param settings: as the environment has them
    """
    number = revision(connection)
    stored = current(connection)
    files = load_vocabulary(*settings.vocabulary_files)
    vocabulary, words = vocabulary_in_force(files, stored)
    catalogue, replies = catalogue_in_force(stored, vocabulary)
    accounts, unusable = accounts_in_force(settings, stored)
    limits, settled = limits_in_force(accounts, stored)
    problems = {**words, **replies, **unusable, **settled}
    for (kind, key), why in problems.items():
        log.error("override_left_out", kind=kind, key=key, reason=str(why))
    return InForce(limits, catalogue, vocabulary, files, stored, problems, number)


def revision(connection: Connection) -> int:
    """Return how often anything was changed."""
    found = connection.execute(select(Revision.number).where(Revision.name == REVISION)).scalar()
    return int(found or 0)


def catalogue_of(connection: Connection) -> Catalogue:
    """Return the replies in force, for whoever words a text in a transaction; costs one look at a row.

    The check against the vocabulary was made when the reply was written; here the packaged words are enough.
    """
    number = revision(connection)
    engine = connection.engine
    with _lock:
        kept = _catalogues.get(engine)
    if kept is None or kept[0] != number:
        catalogue, _ = catalogue_in_force(current(connection, "reply"), load_vocabulary())
        kept = (number, catalogue)
        with _lock:
            _catalogues[engine] = kept
    return kept[1]


class Watch:
    """One process's view of what holds, no older than a second or so. Safe to ask from any thread."""

    def __init__(self, engine: Engine, settings: Settings) -> None:
        """Nothing is read from the database yet.

        :raises VocabularyError, CatalogueError: a file cannot be used
        """
        self._engine, self.settings = engine, settings
        self._latest = built_in(settings)
        self._looked = -float("inf")
        self._holding = threading.Lock()
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def latest(self) -> InForce:
        """What was read last, without looking: for the event loop, which must not wait."""
        return self._latest

    def __call__(self) -> InForce:
        """Return what holds, looked at once a second at most. While the database cannot be read, what was read last."""
        if time.monotonic() - self._looked >= LOOK_EVERY_S:
            try:
                with reading(self._engine) as connection:
                    return self.look(connection)
            except SQLAlchemyError as error:
                log.warning("overrides_not_read", error=type(error).__name__)
        return self._latest

    def settings_now(self) -> Settings:
        """Return the settings that hold, as `__call__` has them."""
        return self().settings

    def accounts_now(self) -> Accounts:
        """Return what a worker's carriers are made of now."""
        return self().accounts

    def look(self, connection: Connection, number: int | None = None) -> InForce:
        """Look now, on this connection.

        :param number: the revision, where the caller has just read it
        :raises sqlalchemy.exc.SQLAlchemyError: the database cannot be read
        """
        with self._holding:
            if (revision(connection) if number is None else number) != self._latest.number:
                self._latest = read_in_force(connection, self.settings)
            self._looked = time.monotonic()
            return self._latest

    def start(self) -> None:
        """Look once a second from now on, in a thread, so that `latest` is fresh in a process that nobody asks."""
        self._ended.clear()
        self._thread = threading.Thread(target=self._keep_looking, name="overrides", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._ended.set()
        if self._thread:
            self._thread.join(5)
            self._thread = None

    def _keep_looking(self) -> None:
        while True:
            try:
                self()
            except Exception as error:  # whatever is stored, the thread goes on
                log.error("overrides_not_read", error=type(error).__name__)  # noqa: TRY400
            if self._ended.wait(LOOK_EVERY_S / 2):
                return
