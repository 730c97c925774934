"""A gateway's own application in the test's process, asked over real HTTP messages, and keys for it."""

import uuid
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import Engine
from starlette.testclient import TestClient

from gateway.api.keys import add_key
from gateway.api.scopes import Scope
from gateway.app import create_app
from gateway.database import writing
from gateway.settings import Settings
from tests.gateway.conftest import Texting, service, settings, settings_for, text

__all__ = ["Texting", "service", "settings", "settings_for", "text"]

EVERYTHING = tuple(Scope)


class Program:
    """A program that has a key."""

    def __init__(self, http: TestClient, token: str, name: str) -> None:
        self.http, self.token, self.name = http, token, name
        self.headers = {"Authorization": f"Bearer {token}"}

    def get(self, path: str, **params: Any) -> Any:
        return self.http.get(f"/api/v1{path}", params=params, headers=self.headers)

    def post(self, path: str, body: Any = None, key: str | None = None, **others: Any) -> Any:
        headers = self.headers | {"Idempotency-Key": key or str(uuid.uuid4())} | others.pop("headers", {})
        return self.http.post(f"/api/v1{path}", json=body, headers=headers, **others)

    def patch(self, path: str, body: Any) -> Any:
        return self.http.patch(f"/api/v1{path}", json=body, headers=self.headers)


Programs = Callable[..., Program]


@pytest.fixture
def http(settings: Settings) -> Iterator[TestClient]:
    # The lifespan is not entered: no worker, no clock; what they do, tests do by hand.
    yield TestClient(create_app(settings), raise_server_exceptions=False)


@pytest.fixture
def program(http: TestClient, engine: Engine) -> Programs:
    """Make a key and return the program that has it."""

    def make(name: str = "app", scopes: Sequence[Scope] = EVERYTHING, **others: Any) -> Program:
        with writing(engine) as connection:
            token = add_key(connection, name, scopes, "tests", datetime.now(UTC), **others)
        return Program(http, token, name)

    return make


@pytest.fixture
def app(program: Programs) -> Program:
    """A program that may do everything, everywhere."""
    return program()
