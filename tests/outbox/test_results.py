"""What comes of attempts, and what it means for others."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from gateway.carriers.base import SendResult
from gateway.carriers.simulated.sender import SimulatedCarrier
from gateway.database import reading, writing
from gateway.inbound.receipts import record_receipt, twilio_receipt
from gateway.outbox.consequences import lift_halt
from gateway.outbox.record import Result, record
from gateway.rules.carrier_codes import Outcome, twilio_rule
from gateway.rules.carrier_routes import Health, Route
from gateway.rules.pace import Pace
from gateway.service import Service
from gateway.tables import Alert, CarrierState, ConsentEntry, Member, OutboundText, Sender
from tests.gateway.conftest import a_text, settings_for
from tests.outbox.conftest import Outbox


def one_refused(outbox: Outbox, code: int, kind: str = "broadcast") -> tuple[int, int]:
    """Send one text of a broadcast that is refused with `code`; returns (sender, broadcast)."""
    [person] = outbox.people(1)
    broadcast = outbox.broadcast()
    outbox.put([person], kind, broadcast_id=broadcast)
    outbox.network(codes=(("+923000000000", code),))
    outbox.step()
    return person, broadcast


def test_a_stop_that_the_carrier_knows_is_put_on_record(outbox: Outbox) -> None:
    person, _ = one_refused(outbox, 21610)
    [row] = outbox.texts()
    assert (row.state, row.error_code) == ("suppressed", "21610")
    assert row.reason.startswith("stopped")
    assert outbox.sender(person).consent == "stopped"
    [entry] = outbox.rows(ConsentEntry)
    assert (entry.action, entry.scope, entry.carrier) == ("stop", "all", "simulated")
    assert "21610" in entry.reason
    assert [one.reachable for one in outbox.rows(Member)] == [False]


@pytest.mark.parametrize("code", [21211, 21614, 30005, 30006])
def test_a_dead_number_is_flagged(outbox: Outbox, code: int) -> None:
    person, broadcast = one_refused(outbox, code)
    assert outbox.states() == {"failed": 1}
    assert outbox.sender(person).number_state == "dead"
    assert [one.reachable for one in outbox.rows(Member)] == [False]
    assert outbox.broadcast_row(broadcast).state == "sending"
    outbox.put([person], "report")
    outbox.steps()
    assert outbox.texts()[1].reason == "dead number"


def test_a_number_that_texted_since_is_not_dead(outbox: Outbox) -> None:
    [person] = outbox.people(1)
    outbox.put([person], "report")
    outbox.network(codes=(("+923000000000", 30005),))
    outbox.set_sender(person, last_seen_at=outbox.clock.now)
    outbox.step()
    assert outbox.states() == {"failed": 1}
    assert outbox.sender(person).number_state == "alive"


def test_a_suspended_account_halts_everything_until_a_person_lifts_it(outbox: Outbox) -> None:
    one_refused(outbox, 30002)
    assert outbox.states() == {"queued": 1}
    [state] = outbox.rows(CarrierState)
    assert state.halted_at == outbox.clock.now
    assert "suspended" in state.halt_reason
    [alert] = outbox.rows(Alert)
    assert (alert.kind, alert.carrier) == ("halted", "simulated")
    outbox.network()
    outbox.clock.forward(hours=1)
    assert outbox.steps() == 0
    assert lift_halt(outbox.engine, "simulated", outbox.clock.now)
    outbox.steps()
    assert outbox.states() == {"sent": 1}
    assert outbox.rows(Alert)[0].cleared_at is not None


@pytest.mark.parametrize("code", [30001, 21611])
def test_a_full_queue_pauses_the_broadcast(outbox: Outbox, code: int) -> None:
    _, broadcast = one_refused(outbox, code)
    assert outbox.states() == {"queued": 1}
    row = outbox.broadcast_row(broadcast)
    assert row.state == "paused"
    assert str(code) in row.state_reason
    assert [one.kind for one in outbox.rows(Alert)] == ["paused"]


def test_a_spike_of_blocked_texts_pauses_and_a_few_do_not(outbox: Outbox) -> None:
    people = outbox.people(400)
    broadcast = outbox.broadcast()
    outbox.put(people, broadcast_id=broadcast)
    few = tuple((f"+92300{at:07d}", 30007) for at in range(20))
    many = tuple((f"+92300{at:07d}", 30007) for at in range(200, 260))
    outbox.network(codes=few + many)
    worker = outbox.another("small", in_flight=100)
    outbox.step(worker)
    outbox.clock.forward(minutes=6)
    outbox.step(worker)
    assert outbox.broadcast_row(broadcast).state == "paused"  # 20 of the first 100: a spike
    outbox.set_state(broadcast, "sending")
    outbox.clock.forward(minutes=6)
    outbox.step(worker)
    assert outbox.broadcast_row(broadcast).state == "sending"  # none of the second hundred
    outbox.clock.forward(minutes=6)
    outbox.step(worker)
    row = outbox.broadcast_row(broadcast)
    assert row.state == "paused"
    assert "blocked 60 of 100" in row.state_reason
    assert outbox.states() == {"sent": 220, "failed": 80, "queued": 100}


def test_three_blocked_in_a_hundred_are_normal(outbox: Outbox) -> None:
    broadcast = outbox.broadcast()
    outbox.put(outbox.people(100), broadcast_id=broadcast)
    outbox.network(codes=tuple((f"+92300{at:07d}", 30007) for at in range(3)))
    outbox.steps()
    assert outbox.broadcast_row(broadcast).state == "sending"
    assert outbox.states() == {"sent": 97, "failed": 3}


def test_a_passing_failure_is_tried_once_more_later(outbox: Outbox) -> None:
    one_refused(outbox, 30008)
    [row] = outbox.texts()
    assert (row.state, row.retried) == ("queued", True)
    assert row.not_before - outbox.clock.now >= timedelta(minutes=20)
    assert outbox.steps() == 0
    outbox.clock.forward(minutes=31)
    outbox.steps()
    [row] = outbox.texts()
    assert (row.state, row.reason) == ("failed", "the network gave no reason; failed twice")


def test_too_fast_backs_off_and_counts_no_text_as_lost(outbox: Outbox) -> None:
    people = outbox.people(5)
    outbox.put(people, "report")
    outbox.network(throttles=True)
    outbox.step()
    assert outbox.states() == {"queued": 5}
    outbox.network()
    assert outbox.steps() == 0  # the carrier asked us to wait
    outbox.clock.forward(seconds=70)
    outbox.steps()
    assert outbox.states() == {"sent": 5}
    assert outbox.carrier.taken and len(outbox.carrier.taken) == 5


def test_a_receipt_that_comes_before_the_result_is_not_undone(outbox: Outbox) -> None:
    [person] = outbox.people(1)
    outbox.put([person], "report")

    class Racing(SimulatedCarrier):
        async def send(self, texts: Any) -> Any:
            async for result in super().send(texts):
                receipt(outbox, result.carrier_id or "", "delivered", text=result.text_id)
                yield result

    outbox.steps(worker=outbox.another("racing", {"simulated": Racing(clock=outbox.clock)}))
    [row] = outbox.texts()
    assert row.state == "delivered"
    assert row.carrier_id


def receipt(outbox: Outbox, sid: str, status: str, code: str = "", text: int | None = None) -> bool:
    received = replace(twilio_receipt(sid, text, status, code, outbox.clock.now), carrier="simulated")
    return record_receipt(outbox.engine, received)


def test_a_receipt_of_a_passing_failure_brings_the_one_retry(outbox: Outbox) -> None:
    [person] = outbox.people(1)
    outbox.put([person], "report")
    outbox.steps()
    [row] = outbox.texts()
    first = row.carrier_id
    receipt(outbox, first, "undelivered", "30003", row.id)
    [row] = outbox.texts()
    assert (row.state, row.retried) == ("queued", True)
    receipt(outbox, first, "undelivered", "30003", row.id)  # doubled
    receipt(outbox, first, "sent", "", row.id)  # late
    assert outbox.texts()[0].state == "queued"
    outbox.clock.forward(minutes=31)
    outbox.steps()
    [row] = outbox.texts()
    assert row.state == "sent"
    assert row.carrier_id != first
    receipt(outbox, row.carrier_id, "undelivered", "30003", row.id)
    assert outbox.texts()[0].state == "undelivered"
    assert len(outbox.carrier.taken) == 2


def test_receipts_flag_opt_out_and_pause_too(outbox: Outbox) -> None:
    people = outbox.people(3)
    broadcast = outbox.broadcast()
    outbox.put(people, broadcast_id=broadcast)
    outbox.steps()
    dead, stopped, full = outbox.texts()
    receipt(outbox, dead.carrier_id, "undelivered", "30005", dead.id)
    receipt(outbox, stopped.carrier_id, "failed", "21610", stopped.id)
    receipt(outbox, full.carrier_id, "failed", "30001", full.id)
    assert outbox.sender(people[0]).number_state == "dead"
    assert outbox.sender(people[1]).consent == "stopped"
    assert outbox.broadcast_row(broadcast).state == "paused"
    assert {row.reachable for row in outbox.rows(Member) if row.sender_id != people[2]} == {False}


def test_a_result_after_the_lease_still_counts(outbox: Outbox) -> None:
    [person] = outbox.people(1)
    outbox.put([person], "report")
    from gateway.outbox.claim import claim
    from gateway.outbox.uncertain import expire_leases

    claimed = claim(outbox.engine, outbox.worker.terms, outbox.clock, 10, lambda _name: None)
    outbox.clock.forward(seconds=46)
    assert expire_leases(outbox.engine, outbox.clock) == 1
    assert outbox.states() == {"uncertain": 1}
    [text] = claimed.texts
    result = Result(text, SendResult(text.id, twilio_rule(30025), "SM" + "a" * 32))
    assert result.sent.rule.outcome is Outcome.ACCEPTED
    record(outbox.engine, "worker-1", "simulated", [result], outbox.clock, lambda _name: None, Health())
    assert outbox.states() == {"sent": 1}


def test_failover_by_health_and_back(outbox: Outbox) -> None:
    second = SimulatedCarrier(clock=outbox.clock)
    worker = outbox.another(
        "both", {"simulated": outbox.carrier, "second": second}, in_flight=5,
        routes=(Route("+1", ("second",)), Route("*", ("simulated", "second"))),
        paces={"simulated": Pace(1000, 1000), "second": Pace(1000, 1000)},
    )  # fmt: skip
    outbox.put(outbox.people(60), broadcast_id=outbox.broadcast())
    outbox.carrier.down = True
    outbox.step(worker)
    assert outbox.states() == {"queued": 60}
    for _ in range(4):
        outbox.step(worker)
        outbox.clock.forward(milliseconds=100)
    assert len(second.taken) == 20  # nothing of it was ever handed to the first
    outbox.carrier.down = False
    outbox.clock.forward(seconds=5)
    outbox.steps(worker=worker)
    outbox.clock.forward(seconds=5)
    outbox.steps(worker=worker)
    assert outbox.states() == {"sent": 60}
    assert len(outbox.carrier.taken) == 40
    assert not {one.text.id for one in outbox.carrier.taken} & {one.text.id for one in second.taken}


def test_an_uncertain_text_never_changes_carrier(outbox: Outbox) -> None:
    second = SimulatedCarrier(clock=outbox.clock)
    worker = outbox.another(
        "both", {"simulated": outbox.carrier, "second": second},
        routes=(Route("*", ("simulated", "second")),),
        paces={"simulated": Pace(1000, 1000), "second": Pace(1000, 1000)},
    )  # fmt: skip
    [person] = outbox.people(1)
    outbox.put([person], "report")
    outbox.network(lost_answers=1.0)
    outbox.step(worker)
    assert outbox.states() == {"uncertain": 1}
    outbox.carrier.taken.clear()  # the carrier lost it
    with writing(outbox.engine) as connection:
        halted = {"halted_at": outbox.clock.now, "halt_reason": "test"}
        connection.execute(update(CarrierState.__table__).values(halted))
    for _ in range(40):
        outbox.clock.forward(minutes=1)
        outbox.steps(worker=worker)
    assert outbox.states() == {"queued": 1}
    assert second.taken == []
    with reading(outbox.engine) as connection:
        assert connection.execute(select(OutboundText.lane)).scalar_one().split("|")[2] == "=simulated"
    outbox.network()
    lift_halt(outbox.engine, "simulated", outbox.clock.now)
    outbox.steps(worker=worker)
    assert outbox.states() == {"sent": 1}
    assert len(outbox.carrier.taken) == 1


def test_a_dead_number_that_texts_again_is_reachable_again(outbox: Outbox) -> None:

    service = Service(settings_for(outbox.engine.url.render_as_string(hide_password=False)))
    outbox.clock.now = datetime.now(UTC)
    try:
        service.record([a_text("JOIN Ali Lahore", "+923000000000")])
        outbox.clock.now = datetime.now(UTC)
        [person] = [row.id for row in outbox.rows(Sender)]
        outbox.put([person], "report")
        outbox.network(codes=(("+923000000000", 30005),))
        outbox.step()
        assert [row.reachable for row in outbox.rows(Member)] == [False]
        service.record([a_text("WHERE", "+923000000000")])
        assert [row.reachable for row in outbox.rows(Member)] == [True]
        assert outbox.sender(person).number_state == "alive"
    finally:
        service.close()
