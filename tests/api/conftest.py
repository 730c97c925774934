"""A gateway's own application in the test's process, asked over real HTTP messages, and keys for it."""

import uuid
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, insert, select
from starlette.testclient import TestClient

from gateway.api.keys import add_key
from gateway.api.scopes import Scope
from gateway.app import create_app
from gateway.database import writing
from gateway.settings import Settings
from gateway.tables import Staff
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


def one_of_the_staff(connection: Connection, login: str, role: str = "organiser") -> None:
    """Put a login on file, if it is not there."""
    if connection.execute(select(Staff.id).where(Staff.login == login)).first() is None:
        row = {"login": login, "role": role, "password_hash": "-", "active": True, "created_at": datetime.now(UTC)}
        connection.execute(insert(Staff), row)


Programs = Callable[..., Program]


@pytest.fixture
def http(settings: Settings) -> Iterator[TestClient]:
    # The lifespan is not entered: no worker, no clock; what they do, tests do by hand.
    yield TestClient(create_app(settings), raise_server_exceptions=False)


@pytest.fixture
def program(http: TestClient, engine: Engine) -> Programs:
    """Make a key and return the program that has it; each has an owner of its own unless one is named."""

    def make(name: str = "app", scopes: Sequence[Scope] = EVERYTHING, owner: str = "", **others: Any) -> Program:
        with writing(engine) as connection:
            person = owner or f"owner-of-{name}"
            one_of_the_staff(connection, person)
            token = add_key(connection, name, scopes, person, datetime.now(UTC), **others)
        return Program(http, token, name)

    return make


@pytest.fixture
def app(program: Programs) -> Program:
    """A program that may do everything, everywhere."""
    return program()
