"""What every carrier must do, whatever is behind it. A carrier's tests derive from `CarrierContract`.

A carrier's stand-in is a `Peer`: it says what it accepted, and misbehaves when told to.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from typing import Protocol

import pytest

from gateway.carriers.base import Carrier, SendResult, TextToFind, TextToSend
from gateway.rules.carrier_codes import Outcome

URDU = "کل جلسہ ہے، لاہور"
LONG = "Buses leave Liberty Chowk at 2 pm. " * 9


class Peer(Protocol):
    """The other side of a carrier in tests."""

    def accepted(self) -> list[tuple[str, str]]:
        """Return (number, words) of every text that will reach a phone, in order."""

    def answer_is_lost(self) -> None:
        """From now on texts are accepted, and the answer never comes back."""

    def goes_down(self) -> None:
        """From now on no connection can be made."""

    def throttles(self) -> None:
        """From now on every text is refused as too fast."""

    def refuses(self, number: str) -> None:
        """From now on texts to this number are refused for good."""


Opened = AbstractAsyncContextManager[tuple[Carrier, Peer]]


def numbers(count: int) -> list[str]:
    return [f"+92300555{number:04d}" for number in range(count)]


def texts(count: int, body: str = "Hello") -> list[TextToSend]:
    return [TextToSend(id=1000 + at, number=number, body=f"{body} {at}") for at, number in enumerate(numbers(count))]


async def results(carrier: Carrier, some: list[TextToSend]) -> list[SendResult]:
    return [result async for result in carrier.send(some)]


class CarrierContract:
    """Derive, and give a fixture `opened`: a call that returns a context with the open carrier and its peer."""

    def run(self, opened: Callable[[], Opened], scenario: Callable[[Carrier, Peer], Awaitable[None]]) -> None:
        async def main() -> None:
            async with opened() as (carrier, peer):
                await asyncio.wait_for(scenario(carrier, peer), 30)

        asyncio.run(main())

    def test_every_text_is_accepted_once_with_an_id_of_its_own(self, opened: Callable[[], Opened]) -> None:
        async def scenario(carrier: Carrier, peer: Peer) -> None:
            sent = texts(40)
            got = await results(carrier, sent)
            assert sorted(one.text_id for one in got) == [one.id for one in sent]
            assert {one.rule.outcome for one in got} == {Outcome.ACCEPTED}
            ids = [one.carrier_id for one in got]
            assert None not in ids
            assert len(set(ids)) == 40
            assert sorted(peer.accepted()) == sorted((one.number, one.body) for one in sent)

        self.run(opened, scenario)

    @pytest.mark.parametrize("body", [URDU, LONG, "€5 [ok] {name} & <b> 100% +1", "a\nb", "👍 ok"])
    def test_the_words_arrive_as_they_are(self, opened: Callable[[], Opened], body: str) -> None:
        async def scenario(carrier: Carrier, peer: Peer) -> None:
            [number] = numbers(1)
            [got] = await results(carrier, [TextToSend(1, number, body, validity=timedelta(hours=2))])
            assert got.rule.outcome is Outcome.ACCEPTED
            assert peer.accepted() == [(number, body)]

        self.run(opened, scenario)

    def test_a_lost_answer_is_uncertain_and_never_anything_else(self, opened: Callable[[], Opened]) -> None:
        async def scenario(carrier: Carrier, peer: Peer) -> None:
            peer.answer_is_lost()
            got = await results(carrier, texts(5))
            assert [one.rule.outcome for one in got] == [Outcome.UNCERTAIN] * 5
            assert not any(one.reached or one.carrier_id for one in got)
            assert len(peer.accepted()) == 5

        self.run(opened, scenario)

    def test_a_carrier_that_is_down_took_nothing(self, opened: Callable[[], Opened]) -> None:
        async def scenario(carrier: Carrier, peer: Peer) -> None:
            peer.goes_down()
            got = await results(carrier, texts(3))
            assert [one.rule.outcome for one in got] == [Outcome.REQUEUE] * 3
            assert not any(one.reached for one in got)
            assert peer.accepted() == []

        self.run(opened, scenario)

    def test_too_fast_is_requeued_and_the_carrier_was_reached(self, opened: Callable[[], Opened]) -> None:
        async def scenario(carrier: Carrier, peer: Peer) -> None:
            peer.throttles()
            got = await results(carrier, texts(3))
            assert [one.rule.outcome for one in got] == [Outcome.REQUEUE] * 3
            assert all(one.reached for one in got)
            assert peer.accepted() == []

        self.run(opened, scenario)

    def test_a_refusal_is_for_its_own_text_alone(self, opened: Callable[[], Opened]) -> None:
        async def scenario(carrier: Carrier, peer: Peer) -> None:
            sent = texts(3)
            peer.refuses(sent[1].number)
            got = {one.text_id: one.rule for one in await results(carrier, sent)}
            assert got[sent[0].id].outcome is Outcome.ACCEPTED
            assert got[sent[2].id].outcome is Outcome.ACCEPTED
            assert got[sent[1].id].outcome in (Outcome.FAILED, Outcome.SUPPRESSED)
            assert got[sent[1].id].reason

        self.run(opened, scenario)

    def test_a_look_finds_what_was_taken_and_nothing_else(self, opened: Callable[[], Opened]) -> None:
        async def scenario(carrier: Carrier, peer: Peer) -> None:
            if not carrier.capabilities.looks:
                pytest.skip("this carrier cannot be asked what it has")
            before = datetime.now(UTC)
            [sent] = texts(1)
            [result] = await results(carrier, [sent])
            find = TextToFind(sent.id, sent.number, sent.body, before)
            assert [one.carrier_id for one in await carrier.look(find)] == [result.carrier_id]
            other = TextToFind(sent.id, sent.number, "other words", before)
            assert list(await carrier.look(other)) == []
            stranger = TextToFind(sent.id, numbers(2)[1], sent.body, before)
            assert list(await carrier.look(stranger)) == []
            later = TextToFind(sent.id, sent.number, sent.body, before + timedelta(minutes=5))
            assert list(await carrier.look(later)) == []

        self.run(opened, scenario)

    def test_nothing_to_send_is_no_result(self, opened: Callable[[], Opened]) -> None:
        async def scenario(carrier: Carrier, peer: Peer) -> None:
            assert await results(carrier, []) == []

        self.run(opened, scenario)
