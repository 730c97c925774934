"""What the API stands on, handed to it once."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, Engine

from gateway.api.paging import Cursors
from gateway.api.rate import RateLimits
from gateway.audience.rules import Audience
from gateway.broadcasts.drafts import audience_of
from gateway.broadcasts.terms import BroadcastTerms, broadcast_terms
from gateway.places.current import current_directory
from gateway.places.directory import Directory
from gateway.reports.notices import Notifier
from gateway.settings import Settings


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class ApiContext:
    """The gateway that the API shows."""

    engine: Engine
    settings_now: Callable[[], Settings]
    notifier_now: Callable[[], Notifier]
    cursors: Cursors
    rates: RateLimits
    directory: Callable[[Connection], Directory] = current_directory
    clock: Callable[[], datetime] = utc_now

    @property
    def settings(self) -> Settings:
        """The settings in force, with what organisers have changed."""
        return self.settings_now()

    @property
    def notifier(self) -> Notifier:
        return self.notifier_now()

    @property
    def terms(self) -> BroadcastTerms:
        return broadcast_terms(self.settings)

    @property
    def address(self) -> str:
        """Where the API is, as others see it."""
        return f"{self.settings.public_base_url}/api/v1"

    def audience(self, connection: Connection, rule: str) -> Audience:
        """Return the audience that a rule means now.

        :raises RuleError: it is none
        """
        return audience_of(rule, self.directory(connection), self.terms, self.clock())


def context_from(
    engine: Engine, settings_now: Callable[[], Settings], notifier_now: Callable[[], Notifier]
) -> ApiContext:
    settings = settings_now()
    return ApiContext(
        engine=engine,
        settings_now=settings_now,
        notifier_now=notifier_now,
        cursors=Cursors(settings.key_for("api cursors")),
        rates=RateLimits(engine, settings.api_requests_per_minute),
    )
