"""An hour without the carrier, 35,000 recipients, on a clock that the test moves."""

import asyncio
from bisect import bisect_left
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta

import pytest

from gateway.carriers.base import SendResult, TextToSend
from gateway.carriers.simulated.sender import SimulatedCarrier
from gateway.outbox.worker import Worker
from gateway.rules.carrier_codes import http_rule
from gateway.rules.pace import Pace
from tests.outbox.conftest import Outbox

PACE = Pace(200, 100)
TICK = timedelta(milliseconds=500)
LONG_TICK = timedelta(seconds=5)  # in the middle of the outage


class Dark(SimulatedCarrier):
    """While it is down, connections are made, and no answer ever comes back: nobody knows what was taken."""

    async def send(self, texts: Sequence[TextToSend]) -> AsyncIterator[SendResult]:
        if self.down:
            for text in texts:
                yield SendResult(text.id, http_rule(None), reached=False)
            return
        async for result in super().send(texts):
            yield result


def through_an_hour_without(outbox: Outbox, carrier: SimulatedCarrier, recipients: int) -> None:
    outbox.carrier = carrier
    outbox.put(outbox.people(recipients), broadcast_id=outbox.broadcast())
    worker = outbox.another("patient", {"simulated": carrier}, paces={"simulated": PACE}, in_flight=200)

    async def main(worker: Worker) -> None:
        began = outbox.clock.now
        out_from, out_to = began + timedelta(seconds=20), began + timedelta(seconds=20, hours=1)
        limit = out_to + timedelta(seconds=recipients / PACE.parts_per_second + 1200)
        while outbox.clock.now < limit:
            carrier.down = out_from <= outbox.clock.now < out_to
            moved = await worker.step()
            if not moved and len(carrier.taken) >= recipients:
                break
            quiet = out_from + timedelta(minutes=1) <= outbox.clock.now < out_to - timedelta(minutes=1)
            outbox.clock.now += LONG_TICK if quiet else TICK
        assert carrier.taken[-1].at > out_to

    asyncio.run(main(worker))
    out_to = outbox.texts()[0].created_at + timedelta(seconds=20, hours=1)
    at = [one.at for one in carrier.taken]
    assert outbox.states() == {"sent": recipients}
    assert len({one.text.id for one in carrier.taken}) == len(carrier.taken) == recipients
    before = sum(moment < out_to for moment in at)
    assert 1000 <= before <= PACE.burst + 20 * PACE.parts_per_second
    assert at[before] - out_to <= timedelta(seconds=10)
    for number, moment in enumerate(at):  # any second, wherever it begins
        within = bisect_left(at, moment + timedelta(seconds=1)) - number
        assert within <= PACE.burst + PACE.parts_per_second


def test_the_carrier_cannot_be_reached_for_an_hour(outbox: Outbox) -> None:
    recipients = 35_000 if outbox.engine.dialect.name == "sqlite" else 5_000
    through_an_hour_without(outbox, SimulatedCarrier(clock=outbox.clock, keep=None), recipients)
    attempts = [row.attempts for row in outbox.texts()]
    assert max(attempts) == 1  # an attempt that never left us does not count


@pytest.mark.parametrize("recipients", [5_000])
def test_the_carrier_does_not_answer_for_an_hour(outbox: Outbox, recipients: int) -> None:
    through_an_hour_without(outbox, Dark(clock=outbox.clock, keep=None), recipients)
