"""A worker's carriers kept in step with the settings: who has another account is made anew, between two batches.

An account that cannot be used pauses its carrier, with an alert, until the next change; the worker goes on.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

import structlog
from sqlalchemy import Engine, select

from gateway.carriers.base import Carrier
from gateway.database import writing
from gateway.outbox.claim import Terms
from gateway.outbox.consequences import raise_alert
from gateway.outbox.setup import account_of, carrier_names, make_carrier, terms_from, utc_now
from gateway.settings import Settings, SettingsError
from gateway.tables import Alert

log = structlog.get_logger()
_alerts = Alert.__table__
ALERT = "account"


@dataclass(frozen=True)
class Accounts:
    """What holds now. `faults` says, by carrier, why its stored account cannot be used; `since` (aware UTC) from when
    on the account is the one that it is: what was sent before cannot be looked for with it."""

    settings: Settings
    faults: Mapping[str, str] = field(default_factory=dict)
    since: Mapping[str, datetime] = field(default_factory=dict)


Make = Callable[[], Carrier]


class Exchange:
    """Asked by one worker: `terms` in the thread that claims, `due` in its event loop after that."""

    def __init__(self, accounts: Accounts, ask: Callable[[], Accounts], worker: str) -> None:
        """:param accounts: those that the worker's carriers were made of"""
        self._ask, self._worker = ask, worker
        self._known = accounts
        self._terms = terms_from(accounts.settings, worker)
        self._held = self._marks(accounts)

    @property
    def since(self) -> Mapping[str, datetime]:
        return self._known.since

    def terms(self) -> Terms:
        """Return what to claim by now; settings that cannot be used leave it as it was."""
        now = self._ask()
        if now is not self._known:
            try:
                self._terms = terms_from(now.settings, self._worker)
            except ValueError as error:
                log.error("settings_left_out", reason=str(error))  # noqa: TRY400
                now = Accounts(self._known.settings, now.faults, now.since)
            self._known = now
        return self._terms

    def due(self) -> dict[str, Make | None]:
        """Return the carriers that have to be made anew, and how; None for one that is no longer set up. Once each."""
        now = self._marks(self._known)
        changed = [name for name in {**self._held, **now} if self._held.get(name) != now.get(name)]
        self._held = now
        return {name: self._maker(name) if name in now else None for name in changed}

    def _marks(self, accounts: Accounts) -> dict[str, tuple[object, ...]]:
        settings = accounts.settings
        return {name: (*account_of(settings, name), accounts.faults.get(name)) for name in carrier_names(settings)}

    def _maker(self, name: str) -> Make:
        settings, fault = self._known.settings, self._known.faults.get(name)

        def make() -> Carrier:
            if fault:
                raise SettingsError(fault)
            return make_carrier(settings, name)

        return make


def say_paused(engine: Engine, carrier: str, reason: str) -> None:
    """Raise an alert that a carrier's account cannot be used; once while it is open, however many workers see it."""
    said = f"the account of {carrier} cannot be used, so nothing leaves through it: {reason}"[:160]
    same = (_alerts.c.kind == ALERT) & (_alerts.c.carrier == carrier) & _alerts.c.cleared_at.is_(None)
    with writing(engine) as connection:
        if connection.execute(select(_alerts.c.id).where(same, _alerts.c.reason == said)).first() is None:
            raise_alert(connection, ALERT, said, utc_now(), carrier=carrier)
