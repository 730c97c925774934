"""Planning survives a kill in the middle of a chunk, and two planners do not plan anyone twice."""

import multiprocessing
import os
import signal
import threading

import pytest

from gateway.broadcasts import plan
from gateway.broadcasts.alarms import planned_today
from gateway.database import make_engine
from gateway.tables import BroadcastPlan
from tests.broadcasts.conftest import TERMS, Desk
from tests.outbox.conftest import NOON


def _plan_and_die(url: str) -> None:
    """Plan in chunks of 50; be killed in the third, its rows written and not committed."""
    plan.CHUNK = plan.CHUNK_SQLITE = 50
    calls = []

    def then_die(*arguments: object) -> int:
        calls.append(arguments)
        if len(calls) == 3:
            os.kill(os.getpid(), signal.SIGKILL)
        return planned_today(*arguments)  # type: ignore[arg-type]

    plan.planned_today = then_die
    plan.plan_begun(make_engine(url), TERMS, lambda: NOON)


def test_a_killed_planner_loses_and_doubles_nothing(
    desk: Desk, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan, "FIRST_CHUNK", 50)
    desk.members(400)
    key = desk.begin()
    process = multiprocessing.get_context("spawn").Process(target=_plan_and_die, args=(database_url,))
    process.start()
    process.join(120)
    assert process.exitcode == -signal.SIGKILL
    [row] = desk.outbox.rows(BroadcastPlan)
    assert (row.planned, row.planned_at) == (150, None)
    assert len(desk.outbox.texts()) == 150
    desk.plan()
    desk.outbox.steps()
    desk.close()
    found = desk.account(key)
    assert (found.state, found.recipients, found.sent, found.adds_up) == ("done", 400, 400, True)
    assert len(set(desk.outbox.sent_numbers())) == len(desk.outbox.carrier.taken) == 400


def test_two_planners_side_by_side(desk: Desk, database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FIRST_CHUNK", "CHUNK", "CHUNK_SQLITE"):
        monkeypatch.setattr(plan, name, 20)
    desk.members(300)
    key = desk.begin()

    def work() -> None:
        engine = make_engine(database_url)
        for _ in range(30):
            plan.plan_begun(engine, TERMS, lambda: NOON)
        engine.dispose()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    desk.plan()
    assert desk.outbox.states() == {"queued": 300}
    assert (desk.account(key).recipients, desk.row(key).state) == (300, "sending")
