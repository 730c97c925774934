"""Keep one process's reference data as fresh as the database's: looked at once a second, loaded when it has moved."""

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime

import structlog
from sqlalchemy import Connection, Engine

from gateway.database import reading
from gateway.hooks.events import wanted_kinds
from gateway.inbound.reference import Reference
from gateway.overrides.in_force import InForce, Watch
from gateway.overrides.store import REVISION as OVERRIDES
from gateway.pickups.desk import with_settings
from gateway.pickups.pickups import Walks, no_walks
from gateway.pickups.store import LIVE_REVISION, read_pickups
from gateway.places.current import current_directory
from gateway.places.store import revisions
from gateway.reports.setup import notifier_from
from gateway.reports.sorting import Sorter
from gateway.reports.staff import read_staff
from gateway.reports.triage import TriageError, TriageRules, load_triage
from gateway.reports.triage_words import triage_in_force
from gateway.settings import Settings

log = structlog.get_logger()

LOOK_EVERY_S = 1.0


class ReferenceLoader:
    """Holds the newest `Reference`. Called by the writer thread alone."""

    def __init__(self, engine: Engine, watch: Watch, now: Callable[[], datetime], walks: Walks = no_walks) -> None:
        """:raises TriageError: if the triage files cannot be used"""
        self._engine, self._watch, self._now, self._walks = engine, watch, now, walks
        self._settings: Settings = watch.settings
        self._in_force: InForce | None = None
        self._triage: TriageRules = load_triage(*self._settings.triage_files)
        self._files_of_triage = self._triage
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
                in_force = self._watch.look(connection, seen.get(OVERRIDES, 0))
                rules = self._rules()
                moved = seen != self._seen or rules is not self._files_of_triage or in_force is not self._in_force
                if self._reference is None or moved:
                    self._reference = self._load(connection, seen, rules, in_force)
                    self._seen, self._files_of_triage, self._in_force = seen, rules, in_force
            self._looked = clock
        pickups = self._reference.pickups.at(self._now())  # an event that has ended makes room for the next
        if pickups is not self._reference.pickups:
            self._reference = replace(self._reference, pickups=pickups)
        return self._reference

    @property
    def latest(self) -> Reference | None:
        """What was loaded last, for other threads than the writer's; None before the first text."""
        return self._reference

    def _load(
        self, connection: Connection, seen: Mapping[str, int], rules: TriageRules, in_force: InForce
    ) -> Reference:
        directory = current_directory(connection)
        zone = self._settings.zone
        pickups = read_pickups(connection, directory, self._now(), zone)
        words = triage_in_force(rules, in_force.stored)
        return Reference(
            directory=directory,
            pickups=replace(with_settings(pickups, in_force.settings), walks=self._walks),
            sorter=Sorter(words, pickups.gazetteer, directory.register),
            staff={one.phone: one for one in read_staff(connection).values() if one.phone},
            vocabulary=in_force.vocabulary,
            catalogue=in_force.catalogue,
            notifier=notifier_from(in_force.settings, in_force.catalogue),
            short_code=self._settings.short_code,
            zone=zone,
            default_language=self._settings.default_language,
            invite_key=self._settings.key_for("invite codes"),
            hooks=wanted_kinds(connection),
        )

    def look_again(self) -> None:
        """Look for changes at the next text, also if a second has not passed."""
        self._looked = -float("inf")

    def _rules(self) -> TriageRules:
        """Return the triage rules as the files now are; after a file is spoilt, the last good ones."""
        try:
            self._triage = load_triage(*self._settings.triage_files)
        except TriageError as error:
            log.error("triage_rules_kept", reason=str(error))  # noqa: TRY400
        return self._triage
