"""Pause and cancel by a live `jalsa worker`: nothing is started two seconds later, and at most one batch on its way."""

import signal
import time
from datetime import UTC, datetime

import pytest

from gateway.broadcasts import moves
from gateway.outbox.worker import IN_FLIGHT
from tests.broadcasts.conftest import Desk
from tests.fakes.chaos_twilio import ChaosTwilio
from tests.outbox.conftest import FakeClock
from tests.outbox.test_worker_process import ROUTES, start, wait_until


@pytest.mark.parametrize("move", [moves.pause, moves.cancel])
def test_it_stops_within_two_seconds_and_one_batch(desk: Desk, move: object) -> None:
    desk.outbox.clock = FakeClock(datetime.now(UTC))
    desk.set_terms(routes=ROUTES)
    desk.members(900)
    key = desk.begin()
    desk.plan()
    with ChaosTwilio() as fake:
        worker = start(desk.outbox, fake, PARTS_PER_SECOND="60")
        try:
            wait_until(lambda: len(fake.ledger) >= 60)
            began = time.monotonic()
            move(desk.engine, key, "sana", datetime.now(UTC))  # type: ignore[operator]
            committed = len(fake.ledger)
            last, seen = time.monotonic(), len(fake.ledger)
            while time.monotonic() - began < 5:
                if len(fake.ledger) != seen:
                    last, seen = time.monotonic(), len(fake.ledger)
                time.sleep(0.01)
            print(f"{move.__name__}: {seen - committed} texts in {last - began:.2f} s after it")  # type: ignore[attr-defined]
            assert last - began <= 2
            assert seen - committed <= IN_FLIGHT
            assert seen < 900
        finally:
            worker.send_signal(signal.SIGTERM)
            assert worker.wait(30) == 0
    account = desk.account(key)
    assert account.sent == len(fake.ledger)
    assert account.adds_up
