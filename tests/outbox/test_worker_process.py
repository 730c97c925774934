"""`jalsa worker` as it is run: a process, a carrier on loopback, SIGTERM."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from gateway.rules.carrier_routes import Route
from tests.fakes.chaos_twilio import ACCOUNT_SID, AUTH_TOKEN, ChaosTwilio, Manners
from tests.outbox.conftest import FakeClock, Outbox

ROUTES = (Route("*", ("twilio",)),)


def start(outbox: Outbox, fake: ChaosTwilio, **others: str) -> subprocess.Popen[bytes]:
    given = {
        "DATABASE_URL": outbox.engine.url.render_as_string(hide_password=False),
        "TWILIO_ACCOUNT_SID": ACCOUNT_SID,
        "TWILIO_AUTH_TOKEN": AUTH_TOKEN,
        "TWILIO_API_BASE_URL": fake.url,
        "PUBLIC_BASE_URL": "https://jalsa.example",
        "SECRET_KEY": "secret-for-tests-only",
        "SENDING_HOURS": "00:00-24:00",
    }
    root = Path(__file__).parent.parent.parent
    return subprocess.Popen([sys.executable, "-m", "gateway.cli", "worker"], cwd=root, env=os.environ | given | others)


def wait_until(true: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


def test_sigterm_ends_it_with_every_answer_on_record(outbox: Outbox) -> None:
    outbox.clock = FakeClock(outbox.clock.now.replace(year=2025))
    people = outbox.people(1_500)
    outbox.put(people, broadcast_id=outbox.broadcast(), routes=ROUTES)
    with ChaosTwilio(Manners(slow_s=0.4)) as fake:
        worker = start(outbox, fake, PARTS_PER_SECOND="200")
        try:
            wait_until(lambda: len(fake.ledger) >= 50)
            worker.send_signal(signal.SIGTERM)
            assert worker.wait(30) == 0
        finally:
            worker.kill()
        states = outbox.states()
        assert set(states) == {"sent", "queued"}
        assert states["sent"] == len(fake.ledger) < 1_500
        on_record = {row.id: row.carrier_id for row in outbox.texts() if row.state == "sent"}
        assert on_record == {line.text_id: line.sid for line in fake.ledger}


def test_a_pause_holds_within_two_seconds(outbox: Outbox) -> None:
    outbox.clock = FakeClock(outbox.clock.now.replace(year=2025))
    broadcast = outbox.broadcast()
    outbox.put(outbox.people(600), broadcast_id=broadcast, routes=ROUTES)
    with ChaosTwilio() as fake:
        worker = start(outbox, fake, PARTS_PER_SECOND="50")
        try:
            wait_until(lambda: len(fake.ledger) >= 40)
            outbox.set_state(broadcast, "paused")
            paused_at = len(fake.ledger)
            time.sleep(2)
            after_two = len(fake.ledger)
            time.sleep(1.5)
            assert len(fake.ledger) == after_two
            assert after_two - paused_at <= 256
            outbox.set_state(broadcast, "sending")
            wait_until(lambda: len(fake.ledger) > after_two)
        finally:
            worker.send_signal(signal.SIGTERM)
            assert worker.wait(30) == 0
