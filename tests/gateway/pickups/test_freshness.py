"""What one process changes, another answers with within two seconds."""

import multiprocessing
import time
from typing import Any

from sqlalchemy import Engine

from gateway.database import writing
from gateway.pickups.unmatched import make_alias
from gateway.service import Service
from tests.gateway.conftest import a_text, settings_for
from tests.gateway.pickups.conftest import add_point

MARSHAL = "+923331112222"


def _other_process(url: str, orders: Any, answers: Any) -> None:
    """Answer texts as they are ordered, in a process that has its own index."""
    service = Service(settings_for(url))
    while (body := orders.get()) is not None:
        sender = MARSHAL if body in ("FULL", "OPEN") else f"+92300777{time.monotonic_ns() % 10_000:04d}"
        [answer] = service.record([a_text(body, sender)])
        answers.put(answer.body if answer else None)
    service.close()


def test_points_states_and_aliases_of_another_process(engine: Engine, rally: int, database_url: str) -> None:
    clock_tower = add_point(engine, rally, "Clock Tower", 31.50, 74.33, marshal=MARSHAL)
    context = multiprocessing.get_context("spawn")
    orders, answers = context.Queue(), context.Queue()
    other = context.Process(target=_other_process, args=(database_url, orders, answers))
    other.start()

    def ask(body: str) -> str:
        orders.put(body)
        return str(answers.get(timeout=60))

    def within_two_seconds(body: str, start: str) -> None:
        """Ask often: a process that is never idle must see the change as well."""
        began = time.monotonic()
        while not (said := ask(body)).startswith(start):
            assert time.monotonic() - began < 2, said

    assert ask("WHERE 31.5000,74.3300").startswith("Clock Tower")
    assert ask("WHERE ghanta ghar").startswith("We do not know")
    with writing(engine) as connection:
        make_alias(connection, "ghanta ghar", f"pickup:{clock_tower}")
    within_two_seconds("WHERE ghanta ghar", "Clock Tower")
    add_point(engine, rally, "Bird Market", 31.5002, 74.33)
    within_two_seconds("WHERE 31.5002,74.3300", "Bird Market")
    # States and full buses need no two seconds: they are read with each group that needs them.
    here = Service(settings_for(database_url))
    here.record([a_text("FULL", MARSHAL)])
    assert ask("WHERE clock tower").startswith("Bird Market")
    ask("OPEN")
    [answer] = here.record([a_text("WHERE clock tower", "+923007770001")])
    assert answer and (answer.body or "").startswith("Clock Tower")
    here.close()
    orders.put(None)
    other.join(30)
