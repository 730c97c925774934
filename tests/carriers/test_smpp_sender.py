"""The SMPP carrier as a sender: the contract, parts on the wire, the window, lost connections, throttling."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest

from gateway.carriers.base import SendResult, TextToSend
from gateway.carriers.smpp import sender as sender_module
from gateway.carriers.smpp.binds import Bind
from gateway.carriers.smpp.pdus import relative
from gateway.carriers.smpp.sender import SmppCarrier
from gateway.rules.carrier_codes import Effect, Outcome
from tests.carriers.contract import LONG, URDU, CarrierContract, Opened, results, texts
from tests.fakes.smsc import Smsc, running

ONE = "+923005550001"


def bind_to(smsc: Smsc, **others: Any) -> Bind:
    given: dict[str, Any] = {"host": "127.0.0.1", "port": smsc.port, "system_id": "jalsa", "password": "secret"}
    return Bind(**{**given, "response_timeout_s": 1.0, **others})


@asynccontextmanager
async def opened(**others: Any) -> AsyncIterator[tuple[SmppCarrier, Smsc]]:
    async with running() as smsc:
        carrier = SmppCarrier([bind_to(smsc, **others)], "80022")
        await carrier.open()
        try:
            await asyncio.wait_for(carrier._links[0].tried.wait(), 5)
            yield carrier, smsc
        finally:
            await carrier.close()


class _Peer:
    def __init__(self, carrier: SmppCarrier, smsc: Smsc) -> None:
        self.carrier, self.smsc = carrier, smsc

    def accepted(self) -> list[tuple[str, str]]:
        return self.smsc.accepted()

    def answer_is_lost(self) -> None:
        self.smsc.manner = "silent"

    def goes_down(self) -> None:
        self.smsc.stop_listening()
        for link in self.carrier._links:  # the loss has been noticed; until then a text would be uncertain
            assert link.session is not None
            link.session.closed = True
            link.session._writer.transport.abort()

    def throttles(self) -> None:
        self.smsc.manner = "throttled"

    def refuses(self, number: str) -> None:
        self.smsc.refused.add(number)


@asynccontextmanager
async def _opened() -> AsyncIterator[tuple[SmppCarrier, _Peer]]:
    async with opened() as (carrier, smsc):
        yield carrier, _Peer(carrier, smsc)


class TestContract(CarrierContract):
    @pytest.fixture
    def opened(self) -> Callable[[], Opened]:
        return _opened  # type: ignore[return-value]


def run(scenario: Callable[[SmppCarrier, Smsc], Awaitable[None]], **others: Any) -> None:
    async def main() -> None:
        async with opened(**others) as (carrier, smsc):
            await asyncio.wait_for(scenario(carrier, smsc), 30)

    asyncio.run(main())


async def sent(carrier: SmppCarrier, body: str, **others: Any) -> SendResult:
    [got] = await results(carrier, [TextToSend(0x1234, ONE, body, **others)])
    return got


def test_octets_on_the_wire() -> None:
    async def scenario(carrier: SmppCarrier, smsc: Smsc) -> None:
        await sent(carrier, "@ü€[", validity=timedelta(hours=26, minutes=1))
        await sent(carrier, "م👍")
        first, second = smsc.parts
        assert first.words == bytes([0x00, 0x7E, 0x1B, 0x65, 0x1B, 0x3C])  # TS 23.038: @ ü, then escaped € and [
        assert (first.data_coding, first.esm_class, first.registered) == (0, 0, 1)
        assert first.validity == "000001020100000R"
        assert first.source == (3, 0, "80022")
        assert second.words == "م👍".encode("utf-16-be")
        assert second.data_coding == 8
        assert smsc.binds == [("jalsa", "secret")]

    run(scenario)


@pytest.mark.parametrize("wide", [False, True])
@pytest.mark.parametrize(("body", "most"), [(LONG, 153), (URDU * 9, 134), ("€" * 200, 153)])
def test_parts_have_one_reference_and_only_the_last_asks_for_a_receipt(wide: bool, body: str, most: int) -> None:
    async def scenario(carrier: SmppCarrier, smsc: Smsc) -> None:
        got = await sent(carrier, body)
        headers = [part.words[: part.words[0] + 1] for part in smsc.parts]
        count = len(headers)
        start = bytes([6, 8, 4, 0x12, 0x34, count]) if wide else bytes([5, 0, 3, 0x34, count])
        assert count > 1
        assert headers == [start + bytes([at]) for at in range(1, count + 1)]
        assert all(len(part.words) - len(headers[0]) <= most for part in smsc.parts)
        assert [part.registered for part in smsc.parts] == [0] * (count - 1) + [1]
        assert got.carrier_id == smsc.parts[-1].message_id
        assert smsc.accepted() == [(ONE, body)]

    run(scenario, wide_references=wide)


def test_never_more_than_the_window_is_unanswered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sender_module, "WINDOW_WAIT_S", 0.3)

    async def scenario(carrier: SmppCarrier, smsc: Smsc) -> None:
        smsc.hold_answers = True
        sending = asyncio.create_task(results(carrier, texts(12)))
        async with asyncio.timeout(10):
            while len(smsc.parts) < 4:
                smsc.submitted.clear()
                await smsc.submitted.wait()
        await asyncio.sleep(0.5)  # longer than a text waits for room
        assert smsc.most_waiting == 4
        smsc.hold_answers = False
        smsc.release()
        got = await sending
        outcomes = [one.rule.outcome for one in got]
        assert outcomes.count(Outcome.ACCEPTED) == 4
        assert outcomes.count(Outcome.REQUEUE) == 8  # they go back to the queue, where a STOP still holds them
        assert len(smsc.parts) == 4

    run(scenario, window=4, response_timeout_s=5.0)


def test_a_connection_that_drops_in_the_middle_of_a_window_leaves_nothing_in_doubt_but_what_was_written() -> None:
    async def scenario(carrier: SmppCarrier, smsc: Smsc) -> None:
        smsc.manners = ["well"] * 3 + ["drops"]
        got = await results(carrier, texts(20))
        by_outcome = {one.text_id: one.rule.outcome for one in got}
        assert set(by_outcome.values()) <= {Outcome.ACCEPTED, Outcome.UNCERTAIN, Outcome.REQUEUE}
        taken = {number for number, _ in smsc.accepted()}
        numbers = {one.id: one.number for one in texts(20)}
        for text_id, outcome in by_outcome.items():
            if outcome is Outcome.REQUEUE:
                assert numbers[text_id] not in taken, "it would be sent twice"
            if outcome is Outcome.ACCEPTED:
                assert numbers[text_id] in taken
        assert Outcome.UNCERTAIN in by_outcome.values()
        smsc.manner = "well"
        await asyncio.wait_for(smsc.bound.wait(), 10)  # it comes back by itself
        again = [one for one in texts(20) if by_outcome[one.id] is Outcome.REQUEUE]
        for _ in range(100):
            if carrier._links[0].session is not None:
                break
            await asyncio.sleep(0.01)
        assert {one.rule.outcome for one in await results(carrier, again)} <= {Outcome.ACCEPTED}
        assert len(smsc.accepted()) == len({number for number, _ in smsc.accepted()})
        assert len(smsc.binds) == 2

    run(scenario, window=5)


@pytest.mark.parametrize(
    ("status", "outcome", "effect"),
    [
        (0x58, Outcome.REQUEUE, Effect.NONE),
        (0x14, Outcome.REQUEUE, Effect.NONE),
        (0x0B, Outcome.FAILED, Effect.FLAG_NUMBER),
        (0x0A, Outcome.REQUEUE, Effect.PAUSE),
        (0x45, Outcome.RETRY_ONCE, Effect.NONE),
        (0x401, Outcome.FAILED, Effect.SPIKE_PAUSES),
    ],
)
def test_a_refusal_is_read_from_the_table(status: int, outcome: Outcome, effect: Effect) -> None:
    async def scenario(carrier: SmppCarrier, smsc: Smsc) -> None:
        smsc.manner = status
        got = await sent(carrier, LONG)
        assert (got.rule.outcome, got.rule.effect, got.reached) == (outcome, effect, True)
        assert smsc.parts == []

    run(scenario)


def test_a_text_of_more_parts_than_a_header_can_count_is_refused_before_anything_leaves() -> None:
    async def scenario(carrier: SmppCarrier, smsc: Smsc) -> None:
        assert (await sent(carrier, "x" * 153 * 256)).rule.outcome is Outcome.FAILED
        assert smsc.parts == []

    run(scenario)


def test_a_later_part_that_is_throttled_is_tried_again_alone() -> None:
    async def scenario(carrier: SmppCarrier, smsc: Smsc) -> None:
        smsc.manners = ["well", 0x58, 0x14, "well", "well"]
        got = await sent(carrier, LONG)
        assert got.rule.outcome is Outcome.ACCEPTED
        assert smsc.accepted() == [(ONE, LONG)]
        assert len(smsc.parts) == 3

    run(scenario)


def test_a_text_of_which_a_part_was_taken_is_never_begun_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sender_module, "PARTS_WITHIN_S", 1.0)

    async def scenario(carrier: SmppCarrier, smsc: Smsc) -> None:
        smsc.manners = ["well"]
        smsc.manner = 0x58
        got = await sent(carrier, LONG)
        assert got.rule.outcome is Outcome.FAILED
        assert got.rule.reason.startswith("only 1 of 3 parts were taken")

    run(scenario)


def test_a_connection_lost_in_the_middle_of_a_text_leaves_it_uncertain() -> None:
    async def scenario(carrier: SmppCarrier, smsc: Smsc) -> None:
        smsc.manners = ["well", "drops"]
        got = await sent(carrier, LONG)
        assert got.rule.outcome is Outcome.UNCERTAIN

    run(scenario)


def test_a_password_that_is_refused_halts_the_carrier() -> None:
    async def main() -> None:
        async with running(bind_status=0x0E) as smsc:
            carrier = SmppCarrier([bind_to(smsc)], "80022")
            await carrier.open()
            got = await sent(carrier, "Hello")
            assert (got.rule.outcome, got.rule.effect) == (Outcome.REQUEUE, Effect.HALT)
            await carrier.close()

    asyncio.run(main())


def test_a_silent_smsc_is_noticed_and_left() -> None:
    async def scenario(carrier: SmppCarrier, smsc: Smsc) -> None:
        for _ in range(500):
            if smsc.enquiries >= 2:
                break
            await asyncio.sleep(0.01)
        assert smsc.enquiries >= 2
        assert len(smsc.binds) == 1
        smsc.deaf = True
        smsc.bound.clear()
        await asyncio.wait_for(smsc.bound.wait(), 10)
        assert len(smsc.binds) == 2

    run(scenario, enquire_link_s=0.1, response_timeout_s=0.3)


def test_texts_are_shared_among_binds_and_one_is_enough() -> None:
    async def main() -> None:
        async with running() as first, running() as second:
            carrier = SmppCarrier([bind_to(first, name="a", window=2), bind_to(second, name="b", window=2)], "80022")
            await carrier.open()
            await asyncio.gather(*(link.tried.wait() for link in carrier._links))
            assert {one.rule.outcome for one in await results(carrier, texts(20))} == {Outcome.ACCEPTED}
            assert first.parts and second.parts
            await first.stop()
            for _ in range(100):
                if carrier._links[0].session is None:
                    break
                await asyncio.sleep(0.01)
            before = len(second.parts)
            assert {one.rule.outcome for one in await results(carrier, texts(5))} == {Outcome.ACCEPTED}
            assert len(second.parts) == before + 5
            await carrier.close()

    asyncio.run(main())


@pytest.mark.parametrize(
    ("validity", "written"),
    [
        (None, ""), (timedelta(milliseconds=5), "000000000001000R"), (timedelta(days=90), "000030000000000R"),
        (timedelta(days=2, hours=3, minutes=4, seconds=5), "000002030405000R"),
    ],
)  # fmt: skip
def test_validity_is_a_relative_time(validity: timedelta | None, written: str) -> None:
    assert relative(validity) == written
