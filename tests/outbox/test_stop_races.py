"""STOP against a worker, at every boundary and under load: nothing is started after STOP has committed.

The STOP is a real one, through the inbound recorder. Each proof is tried on a worker that does not test consent too.
"""

import asyncio
import random
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import Engine, null

from gateway.carriers.simulated.sender import SimulatedCarrier, Taken
from gateway.outbox import claim as claiming
from gateway.service import Service
from tests.chaos.kills import ACCEPTED, BOUNDARIES
from tests.gateway.conftest import a_text, settings_for
from tests.outbox.conftest import Outbox

BATCH = 4


@pytest.fixture
def service(engine: Engine) -> Iterator[Service]:
    made = Service(settings_for(engine.url.render_as_string(hide_password=False)))
    made.reference()
    yield made
    made.close()


def started_after_stop(outbox: Outbox, service: Service, boundary: str) -> list[str]:
    """Send to 12 people in batches; at `boundary` of the second batch four of them text STOP. Returns who was wronged.

    Someone is wronged who is texted though the attempt was not committed when their STOP was.
    """
    people = outbox.people(12)
    numbers = {one: outbox.sender(one).key for one in people}
    outbox.put(people, broadcast_id=outbox.broadcast())
    stopping = [numbers[one] for one in (people[4], people[7], people[8], people[11])]
    committed: dict[str, float] = {}
    reached_at = {"claims": 0, "seen": 0}
    attempts: dict[str, float] = {}
    threads: list[threading.Thread] = []

    def stop() -> None:
        service.record([a_text("STOP", number) for number in stopping])
        committed.update(dict.fromkeys(stopping, time.monotonic()))

    def reached(name: str) -> None:
        if name == "after attempt commit":
            now = time.monotonic()
            reached_at["claims"] += 1
            first = BATCH * (reached_at["claims"] - 1)
            attempts.update({numbers[one]: now for one in people[first : first + BATCH]})
        if name in ("after attempt commit", "after result commit"):
            for thread in threads:
                thread.join()  # whatever held the STOP back is over now
        reached_at["seen"] += name == boundary
        per_claim = BATCH if boundary in ("after answer", ACCEPTED) else 1
        if name == boundary and reached_at["seen"] == per_claim + 1:
            threads.append(threading.Thread(target=stop))
            threads[0].start()
            threads[0].join(0.5)  # a STOP that waits for the claim's commit comes through after it

    class Listening(SimulatedCarrier):
        async def _take(self, text: Any) -> Any:
            reached(ACCEPTED)
            return await super()._take(text)

    outbox.carrier = Listening(keep=None)
    worker = outbox.another("racing", {"simulated": outbox.carrier}, boundary=reached, in_flight=BATCH)
    outbox.steps(worker=worker)
    for thread in threads:
        thread.join()
    assert len(committed) == 4
    outbox.steps(worker=worker)
    texted = set(outbox.sent_numbers())
    assert len(texted) == len(outbox.sent_numbers())
    assert texted | set(stopping) == set(numbers.values())
    return [one for one in stopping if one in texted and not attempts[one] <= committed[one]]


@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_stop_at_every_boundary(outbox: Outbox, service: Service, boundary: str) -> None:
    assert started_after_stop(outbox, service, boundary) == []
    states = [row.state for row in outbox.texts() if row.kind == "broadcast"]
    assert states.count("suppressed") >= 2  # those of the third batch at least
    assert set(states) == {"sent", "suppressed"}


def test_without_the_consent_test_the_proof_turns_red(
    outbox: Outbox, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claiming, "KEPT_BACK", null())
    assert started_after_stop(outbox, service, "after result commit") != []


def test_many_stops_while_a_worker_runs(outbox: Outbox, service: Service) -> None:
    people = outbox.people(300)
    outbox.put(people, broadcast_id=outbox.broadcast())
    numbers = [outbox.sender(one).key for one in people[::3]]
    random.Random(5).shuffle(numbers)
    returned: dict[str, datetime] = {}

    def stop(some: list[str]) -> None:
        for number in some:
            service.record([a_text("STOP", number)])
            returned[number] = datetime.now(UTC)

    async def deliver(_taken: Taken) -> None:
        await asyncio.sleep(0.002)

    carrier = SimulatedCarrier(deliver=deliver, keep=None)
    worker = outbox.another("busy", {"simulated": carrier}, in_flight=8)
    worker.clock = lambda _connection: datetime.now(UTC)

    async def main() -> None:
        ended = asyncio.Event()
        running = asyncio.create_task(worker.run(ended))
        await asyncio.to_thread(stop, numbers)
        for _ in range(600):
            if not outbox.states().get("queued") and not outbox.states().get("attempted"):
                break
            await asyncio.sleep(0.05)
        ended.set()
        await running

    asyncio.run(main())
    rows = {outbox.sender(row.sender_id).key: row for row in outbox.texts() if row.kind == "broadcast"}
    assert {row.state for row in rows.values()} <= {"sent", "suppressed"}
    texted = {one.text.number for one in carrier.taken}
    assert len(texted) == len(carrier.taken)
    assert texted == {number for number, row in rows.items() if row.state == "sent"}
    late = [number for number in numbers if number in texted and rows[number].attempted_at > returned[number]]
    assert late == []
    assert [number for number in numbers if number not in texted], "every STOP came too late to try anything"
