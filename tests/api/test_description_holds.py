"""The API does what its own description says: schemathesis asks it whatever the description allows, and forbids.

Requests are made by examples, by edges of each schema, at random, and in chains where one takes up what another made;
every check of schemathesis is on. 422 is allowed for what is valid by the schema: whether a rule, a cursor or a time
means something, no schema can tell. 414 is allowed for an address that is longer than any server takes: OpenAPI has no
word for the length of a whole address, only for that of each parameter, and those are within it.
"""

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import schemathesis
import uvicorn
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events, from_schema
from sqlalchemy import insert, select

from gateway.api import idempotency, progress
from gateway.api.keys import add_key
from gateway.api.scopes import Scope
from gateway.app import create_app
from gateway.database import make_engine, writing
from gateway.service import Service
from gateway.tables import Event, PickupPoint, Report
from tests.api.conftest import one_of_the_staff
from tests.browser.gateway_process import free_port
from tests.gateway.conftest import a_text, settings_for

CHECKS = {
    "positive_data_acceptance": {"expected-statuses": ["2xx", "401", "403", "404", "409", "422"]},
    "negative_data_rejection": {
        "expected-statuses": ["400", "401", "403", "404", "405", "409", "414", "415", "422", "429"]
    },
}


def a_gateway_with_something_in_it(url: str) -> Any:
    """Return its application; and the headers of a key that may do everything, and ids of what there is."""
    given = settings_for(url, api_requests_per_minute=1_000_000, worker_in_serve=False)
    service = Service(given)
    for at, body in enumerate(("JOIN Ali Lahore students", "JOIN Sana Multan", "REPORT no water at gate 3")):
        service.record([a_text(body, f"+92300123450{at}")])
    service.close()
    engine = make_engine(url)
    now = datetime.now(UTC)
    with writing(engine) as connection:
        one_of_the_staff(connection, "bilal", "admin")
        one_of_the_staff(connection, "sana", "field")
        token = add_key(connection, "everything", tuple(Scope), "bilal", now)
        tomorrow = {"doors_at": now + timedelta(days=1), "ends_at": now + timedelta(days=2)}
        event = {"key": "rally", "name": "Rally", "names": {}, "venue": "Minar", "lat": 31.59, "lon": 74.3,
                 "zone": "Asia/Karachi"} | tomorrow  # fmt: skip
        made = connection.execute(insert(Event).returning(Event.id), event).scalar_one()
        point = {"event_id": made, "name": "Kalma Chowk", "city": "Lahore", "lat": 31.5, "lon": 74.33, "names": {},
                 "landmarks": {}}  # fmt: skip
        point_id = connection.execute(insert(PickupPoint).returning(PickupPoint.id), point).scalar_one()
        ref = connection.execute(select(Report.ref)).scalar_one()
    engine.dispose()
    app = create_app(given)
    known = {"ref": ref, "point_id": point_id, "member_id": 1}
    return app, {"headers": {"Authorization": f"Bearer {token}"}, "parameters": known}


@contextmanager
def serving(url: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Serve it over real HTTP; yield its address and what to ask it with."""
    app, asking = a_gateway_with_something_in_it(url)
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_config=None, lifespan="off", access_log=False))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()))
    thread.start()
    try:
        until = time.monotonic() + 20
        while not server.started and time.monotonic() < until:
            time.sleep(0.01)
        yield f"http://127.0.0.1:{port}", asking
    finally:
        server.should_exit = True
        thread.join(20)


def faults(
    address: str, asking: dict[str, Any], examples: int, *, edges: bool = True, only: str = "", chains: bool = False
) -> tuple[list[str], int]:
    """Let schemathesis ask everything; return what it found, a line for each, and how many requests it made."""
    config = SchemathesisConfig.from_dict(
        asking
        | {
            "seed": 1,
            "checks": CHECKS,
            "generation": {"max-examples": examples, "database": "none"},
            "phases": {
                "stateful": {"enabled": chains, "max-steps": 6},
                "coverage": {"enabled": edges},
                "fuzzing": {"enabled": not chains},
                "examples": {"enabled": not chains},
            },
            "max-stream-events": 2,
        }
    )
    schema = schemathesis.openapi.from_url(f"{address}/api/v1/openapi.json", config=config)
    if only:
        schema = schema.include(path=only)
    found: dict[str, None] = {}
    asked = 0
    for event in from_schema(schema).execute():
        if isinstance(event, events.ScenarioFinished):
            asked += len(event.recorder.interactions)
            for case_id, checks in event.recorder.checks.items():
                for check in checks:
                    if check.failure_info is not None:
                        said = check.failure_info.failure.message[:300]
                        answer = event.recorder.interactions[case_id].response
                        status = answer.status_code if answer else ""
                        found[f"{event.recorder.label} ({status}): {check.name}: {said}"] = None
        elif isinstance(event, events.NonFatalError | events.FatalError):
            found[f"{getattr(event, 'label', '')}: {event}"[:400]] = None
    return list(found), asked


@pytest.fixture(autouse=True)
def short_streams(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "LONGEST_S", 0.0)


def test_nothing_is_answered_otherwise_than_described(database_url: str) -> None:
    on_sqlite = database_url.startswith("sqlite")  # PostgreSQL gets a smaller run
    with serving(database_url) as (address, asking):
        found, asked = faults(address, asking, 3 if on_sqlite else 2, edges=on_sqlite)
    assert not found, "\n".join(found)
    assert asked > (1000 if on_sqlite else 100)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_what_one_request_made_is_what_the_next_one_finds(database_url: str) -> None:
    with serving(database_url) as (address, asking):
        found, asked = faults(address, asking, 15, edges=False, chains=True)
    assert not found, "\n".join(found)
    assert asked > 50


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_fault_is_found(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What proves nothing when all is well proves nothing when it is not: so one answer is spoilt."""
    real = idempotency._answer
    monkeypatch.setattr(idempotency, "_answer", lambda status, *rest, **others: real(202, *rest, **others))
    with serving(database_url) as (address, asking):
        found, _ = faults(address, asking, 2, only="/segments")
    assert any("status_code_conformance" in one and "202" in one for one in found), found
