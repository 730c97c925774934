"""Endpoints and what was noted for them, beside the gateway, outbox and broadcasts that other rooms' tests use."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, select

from gateway.accounts.seal import Sealer
from gateway.database import reading, writing
from gateway.hooks.courier import Courier
from gateway.hooks.endpoints import add_endpoint
from gateway.hooks.events import NewEvent, emit
from gateway.outbox.consequences import raise_alert
from gateway.rules.hook_address import LOOPBACK
from gateway.tables import HookDelivery, HookEndpoint, HookEvent
from tests.broadcasts.conftest import desk
from tests.gateway.conftest import service, settings, text
from tests.hooks.receiver import Receiver
from tests.outbox.conftest import NOON, outbox

__all__ = ["desk", "outbox", "service", "settings", "text"]

SEALER = Sealer(b"k" * 32)
Adding = Callable[..., tuple[int, str]]


@pytest.fixture
def add(engine: Engine) -> Adding:
    """Add an endpoint and return its id and secret."""

    def made(url: str = "https://example.org/hook", kinds: Any = ("*",), **others: Any) -> tuple[int, str]:
        at = others.pop("at", datetime(2026, 1, 1, tzinfo=UTC))
        with writing(engine) as connection:
            return add_endpoint(connection, url, kinds, SEALER, at, **others)

    return made


def noted(engine: Engine) -> list[tuple[str, dict[str, Any]]]:
    """Return what was noted, in order."""
    with reading(engine) as connection:
        rows = connection.execute(select(HookEvent.kind, HookEvent.facts).order_by(HookEvent.id))
        return [(row.kind, row.facts) for row in rows]


def kinds_noted(engine: Engine) -> list[str]:
    return [kind for kind, _ in noted(engine)]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver().start()
    yield made
    made.stop()


@dataclass
class Post:
    """Couriers on a clock that the test moves."""

    engine: Engine
    now: datetime = NOON
    told: list[str] = field(default_factory=list)

    def courier(self, **others: Any) -> Courier:
        def tell(connection: Connection, kind: str, reason: str, now: datetime) -> None:
            self.told.append(reason)
            raise_alert(connection, kind, reason, now)

        return Courier(self.engine, SEALER, LOOPBACK, tell, clock=lambda: self.now, **others)

    def round(self) -> int:
        courier = self.courier()
        try:
            return courier.round()
        finally:
            courier.close()

    def event(self, count: int = 1, kind: str = "member.stopped", first: int = 1) -> None:
        with writing(self.engine) as connection:
            emit(connection, [NewEvent(kind, first + at) for at in range(count)], self.now)

    def deliveries(self) -> list[Any]:
        with reading(self.engine) as connection:
            return list(connection.execute(select(HookDelivery.__table__).order_by(HookDelivery.id)))

    def states(self) -> list[str]:
        return [row.state for row in self.deliveries()]

    def endpoint(self, number: int = 1) -> Any:
        with reading(self.engine) as connection:
            return connection.execute(select(HookEndpoint.__table__).where(HookEndpoint.id == number)).one()

    def later(self, **span: float) -> None:
        self.now += timedelta(**span)


@pytest.fixture
def office(engine: Engine) -> Post:
    return Post(engine)
