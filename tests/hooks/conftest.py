"""Endpoints and what was noted for them, beside the gateway, outbox and broadcasts that other rooms' tests use."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import Engine, select

from gateway.accounts.seal import Sealer
from gateway.database import reading, writing
from gateway.hooks.endpoints import add_endpoint
from gateway.tables import HookEvent
from tests.broadcasts.conftest import desk
from tests.gateway.conftest import service, settings, text
from tests.outbox.conftest import outbox

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
