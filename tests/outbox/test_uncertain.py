"""Texts that were perhaps sent: found, proven absent, or shown; never sent again on a guess."""

from collections.abc import Sequence
from datetime import timedelta

import pytest

from gateway.carriers.base import Capabilities, Found, LookFailed, TextToFind
from gateway.carriers.simulated.sender import SimulatedCarrier
from gateway.inbound.receipts import ReceivedReceipt, record_receipt
from gateway.outbox.claim import claim
from gateway.outbox.uncertain import resolve_by_hand
from gateway.rules.delivery_status import TextState
from tests.outbox.conftest import Outbox


def lose_an_answer(outbox: Outbox) -> None:
    outbox.put(outbox.people(1), "report")
    outbox.network(lost_answers=1.0)
    outbox.step()
    outbox.network()
    assert outbox.states() == {"uncertain": 1}
    assert len(outbox.carrier.taken) == 1


def test_a_text_that_the_carrier_has_is_found_and_not_sent_again(outbox: Outbox) -> None:
    lose_an_answer(outbox)
    outbox.clock.forward(seconds=119)
    assert outbox.steps() == 0
    outbox.clock.forward(seconds=1)
    outbox.steps()
    [row] = outbox.texts()
    assert (row.state, row.carrier_id) == ("sent", outbox.carrier.taken[0].carrier_id)
    assert len(outbox.carrier.taken) == 1


def test_only_two_spaced_looks_prove_absence(outbox: Outbox) -> None:
    lose_an_answer(outbox)
    began = outbox.clock.now
    outbox.carrier.taken.clear()  # it never got there
    while outbox.states() == {"uncertain": 1}:
        assert outbox.carrier.taken == []
        outbox.clock.forward(seconds=10)
        outbox.step()
    assert outbox.clock.now - began >= timedelta(minutes=10)
    outbox.steps()
    assert outbox.states() == {"sent": 1}
    assert len(outbox.carrier.taken) == 1


def test_a_look_that_fails_proves_nothing(outbox: Outbox) -> None:
    lose_an_answer(outbox)
    outbox.carrier.down = True
    for _ in range(60):
        outbox.clock.forward(minutes=1)
        outbox.steps()
    assert outbox.states() == {"uncertain": 1}
    outbox.carrier.down = False
    outbox.clock.forward(minutes=2)
    outbox.steps()
    assert outbox.states() == {"sent": 1}
    assert len(outbox.carrier.taken) == 1


def test_a_receipt_resolves_it_without_a_look(outbox: Outbox) -> None:
    lose_an_answer(outbox)
    [row] = outbox.texts()
    receipt = ReceivedReceipt(
        "simulated", "SM" + "b" * 32, row.id, "delivered", "", outbox.clock.now, TextState.DELIVERED
    )
    record_receipt(outbox.engine, receipt)
    assert outbox.states() == {"delivered": 1}
    outbox.clock.forward(minutes=20)
    assert outbox.steps() == 0


def test_a_worker_that_dies_after_the_attempt_leaves_it_uncertain(outbox: Outbox) -> None:
    outbox.put(outbox.people(3), "report")
    assert len(claim(outbox.engine, outbox.worker.terms, outbox.clock, 10, lambda _name: None).texts) == 3
    outbox.clock.forward(seconds=45)
    outbox.steps()
    assert outbox.states() == {"attempted": 3}
    outbox.clock.forward(seconds=1)
    outbox.steps()
    assert outbox.states() == {"uncertain": 3}
    outbox.clock.forward(minutes=2)
    outbox.steps()
    outbox.clock.forward(minutes=8)
    outbox.steps()
    assert outbox.states() == {"sent": 3}


def test_the_same_words_twice_are_two_messages(outbox: Outbox) -> None:
    [person] = outbox.people(1)
    outbox.put([person], "report", body="Bus delayed")
    outbox.steps()
    outbox.put([person], "report", body="Bus delayed")
    outbox.network(lost_answers=1.0)
    outbox.step()
    outbox.network()
    del outbox.carrier.taken[1]  # the second never got there; the first is on record as the first text's
    outbox.clock.forward(minutes=2)
    outbox.steps()
    assert [row.state for row in outbox.texts()] == ["sent", "uncertain"]
    outbox.clock.forward(minutes=8)
    outbox.steps()
    assert [row.state for row in outbox.texts()] == ["sent", "sent"]
    assert len(outbox.carrier.taken) == 2


def test_absent_and_too_late_is_failed(outbox: Outbox) -> None:
    outbox.put(outbox.people(1), "report", expires_at=outbox.clock.now + timedelta(minutes=5))
    outbox.network(lost_answers=1.0)
    outbox.step()
    outbox.carrier.taken.clear()
    outbox.network()
    for _ in range(15):
        outbox.clock.forward(minutes=1)
        outbox.steps()
    [row] = outbox.texts()
    assert (row.state, row.reason) == ("failed", "the carrier never had it, and its time has passed")


def test_a_stop_in_the_meantime_holds(outbox: Outbox) -> None:
    lose_an_answer(outbox)
    outbox.carrier.taken.clear()
    outbox.stop(outbox.texts()[0].sender_id)
    for _ in range(15):
        outbox.clock.forward(minutes=1)
        outbox.steps()
    assert outbox.states() == {"suppressed": 1}
    assert outbox.carrier.taken == []


class Blind(SimulatedCarrier):
    capabilities = Capabilities(looks=False)

    async def look(self, text: TextToFind) -> Sequence[Found]:
        raise LookFailed("no way to look")


def test_a_carrier_that_cannot_look_leaves_it_to_a_person(outbox: Outbox) -> None:
    blind = Blind(clock=outbox.clock)
    worker = outbox.another("blind", {"simulated": blind})
    outbox.carrier = blind
    outbox.put(outbox.people(1), "report")
    outbox.network(lost_answers=1.0)
    outbox.step(worker)
    for _ in range(60):
        outbox.clock.forward(minutes=1)
        outbox.steps(worker=worker)
    assert outbox.states() == {"uncertain": 1}
    assert len(blind.taken) == 1


@pytest.mark.parametrize("workers", [1, 3])
def test_looks_are_not_made_twice_by_several_workers(outbox: Outbox, workers: int) -> None:
    lose_an_answer(outbox)
    outbox.carrier.taken.clear()
    team = [outbox.another(f"w{at}") for at in range(workers)]
    outbox.clock.forward(minutes=2)
    for worker in team:
        outbox.step(worker)
    assert outbox.texts()[0].looks == 1


@pytest.mark.parametrize("sent", [True, False])
def test_a_person_says_what_they_saw(outbox: Outbox, sent: bool) -> None:
    lose_an_answer(outbox)
    [row] = outbox.texts()
    assert resolve_by_hand(outbox.engine, row.id, sent=sent, now=outbox.clock.now)
    assert not resolve_by_hand(outbox.engine, row.id, sent=sent, now=outbox.clock.now)
    outbox.steps()
    assert outbox.states() == {"sent": 1}
    assert len(outbox.carrier.taken) == (1 if sent else 2)
