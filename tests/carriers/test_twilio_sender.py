"""Twilio's carrier: the contract, and what is Twilio's own."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest

from gateway.carriers.base import Carrier, LookFailed, SendResult, TextToFind, TextToSend
from gateway.carriers.twilio.sender import TwilioAccount, TwilioCarrier
from gateway.rules.carrier_codes import Effect, Outcome
from tests.carriers.contract import CarrierContract, Opened, Peer, results, texts
from tests.fakes.chaos_twilio import ACCOUNT_SID, AUTH_TOKEN, ChaosTwilio, Manners


def carrier_at(url: str, **others: object) -> TwilioCarrier:
    account = TwilioAccount(ACCOUNT_SID, AUTH_TOKEN, "80022", str(others.pop("service", "")), url)
    return TwilioCarrier(account, "https://jalsa.example/webhooks/twilio/status?text={}".format, **others)  # type: ignore[arg-type]


class _Peer:
    def __init__(self, fake: ChaosTwilio, carrier: TwilioCarrier) -> None:
        self.fake, self.carrier = fake, carrier

    def accepted(self) -> list[tuple[str, str]]:
        return [(one.to, one.body) for one in self.fake.ledger]

    def answer_is_lost(self) -> None:
        self.fake.manners = Manners(accept_then_reset=1.0)

    def goes_down(self) -> None:
        self.carrier._messages._version.domain.base_url = "http://127.0.0.1:9"  # a port that nobody listens on

    def throttles(self) -> None:
        self.fake.manners = Manners(throttle=1.0)

    def refuses(self, number: str) -> None:
        self.fake.manners = Manners(codes={number: 21614})


@asynccontextmanager
async def _opened() -> AsyncIterator[tuple[Carrier, Peer]]:
    with ChaosTwilio() as fake:
        carrier = carrier_at(fake.url, timeout_s=5.0)
        await carrier.open()
        yield carrier, _Peer(fake, carrier)
        await carrier.close()


class TestContract(CarrierContract):
    @pytest.fixture
    def opened(self) -> Callable[[], Opened]:
        return _opened


def send_to(manners: Manners, some: list[TextToSend], **others: object) -> tuple[list[SendResult], ChaosTwilio]:
    with ChaosTwilio(manners) as fake:

        async def main(carrier: TwilioCarrier) -> list[SendResult]:
            await carrier.open()
            try:
                return await results(carrier, some)
            finally:
                await carrier.close()

        return asyncio.run(main(carrier_at(fake.url, **others))), fake


def look_at(fake: ChaosTwilio, find: TextToFind) -> list[str]:
    async def main() -> list[str]:
        carrier = carrier_at(fake.url)
        await carrier.open()
        try:
            return [one.carrier_id for one in await carrier.look(find)]
        finally:
            await carrier.close()

    return asyncio.run(main())


def test_our_id_the_validity_and_the_number_go_along() -> None:
    validities = [timedelta(hours=2), timedelta(days=30), timedelta(milliseconds=10), None]
    some = [dataclasses.replace(one, validity=validity) for one, validity in zip(texts(4), validities, strict=True)]
    got, fake = send_to(Manners(), some)
    assert len(got) == 4
    forms = {one.text_id: one.form for one in fake.ledger}
    assert [forms[one.id].get("ValidityPeriod") for one in some] == ["7200", "36000", "1", None]
    for one in some:
        assert forms[one.id]["From"] == "80022"
        assert forms[one.id]["StatusCallback"] == f"https://jalsa.example/webhooks/twilio/status?text={one.id}"
        assert "MessagingServiceSid" not in forms[one.id]


def test_a_messaging_service_takes_the_numbers_place() -> None:
    _, fake = send_to(Manners(), texts(1), service="MG" + "2" * 32)
    assert fake.ledger[0].form["MessagingServiceSid"] == "MG" + "2" * 32
    assert "From" not in fake.ledger[0].form


@pytest.mark.parametrize(
    ("header", "least", "most"),
    [
        ("7", 7, 7), ("0", 0, 0), ("0.5", 0.5, 0.5), (None, None, None), ("soon", None, None), ("-3", None, None),
        ("99999999999999999", 3600, 3600), ("Wed, 21 Oct 2015 07:28:00 GMT", 0, 0),
    ],
)  # fmt: skip
def test_429_tells_how_long_to_wait(header: str | None, least: float | None, most: float | None) -> None:
    [got], fake = send_to(Manners(throttle=1.0, retry_afters=(lambda _now: header,)), texts(1))
    assert got.rule.outcome is Outcome.REQUEUE
    assert fake.ledger == []
    waited = got.retry_after.total_seconds() if got.retry_after is not None else None
    assert waited is None if least is None else waited is not None and least <= waited <= (most or 0)


@pytest.mark.parametrize(
    ("code", "outcome", "effect"),
    [
        (21610, Outcome.SUPPRESSED, Effect.OPT_OUT),
        (21211, Outcome.FAILED, Effect.FLAG_NUMBER),
        (21614, Outcome.FAILED, Effect.FLAG_NUMBER),
        (30002, Outcome.REQUEUE, Effect.HALT),
        (20003, Outcome.REQUEUE, Effect.HALT),
        (21611, Outcome.REQUEUE, Effect.PAUSE),
        (21408, Outcome.FAILED, Effect.SPIKE_PAUSES),
        (99999, Outcome.FAILED, Effect.SPIKE_PAUSES),
    ],
)
def test_codes_are_read_from_the_table(code: int, outcome: Outcome, effect: Effect) -> None:
    some = texts(1)
    [got], _ = send_to(Manners(codes={some[0].number: code}), some)
    assert (got.rule.outcome, got.rule.effect) == (outcome, effect)


@pytest.mark.parametrize(
    "manners",
    [
        Manners(accept_then_reset=1.0), Manners(accept_then_504=1.0), Manners(server_error=1.0),
        Manners(hang=1.0, accept_then_hang_s=3.0), Manners(refuse_connection=1.0),
    ],
)  # fmt: skip
def test_no_answer_is_uncertain(manners: Manners) -> None:
    got, _ = send_to(manners, texts(3), timeout_s=0.5)
    assert [one.rule.outcome for one in got] == [Outcome.UNCERTAIN] * 3
    assert not any(one.reached for one in got)


def test_the_list_lags_and_then_shows_it() -> None:
    began = datetime.now(UTC)
    later = [began]
    with ChaosTwilio(Manners(accept_then_504=1.0, list_lag_s=60), clock=lambda: later[0]) as fake:
        carrier = carrier_at(fake.url)

        async def main() -> SendResult:
            await carrier.open()
            [got] = await results(carrier, texts(1))
            await carrier.close()
            return got

        assert asyncio.run(main()).rule.outcome is Outcome.UNCERTAIN
        find = TextToFind(1000, texts(1)[0].number, texts(1)[0].body, began)
        assert look_at(fake, find) == []
        later[0] = began + timedelta(seconds=61)
        assert look_at(fake, find) == [fake.ledger[0].sid]


def test_a_look_reads_every_page() -> None:
    with ChaosTwilio() as fake:
        number = texts(1)[0].number
        began = datetime.now(UTC)
        for at in range(130):
            fake._accept({"To": number, "Body": "wanted" if at in (3, 128) else f"other {at}"}, began)
        assert look_at(fake, TextToFind(1, number, "wanted", began)) == [fake.ledger[3].sid, fake.ledger[128].sid]


def test_a_carrier_that_cannot_be_asked_says_so() -> None:
    async def main() -> None:
        carrier: Carrier = carrier_at("http://127.0.0.1:9")
        await carrier.open()
        with pytest.raises(LookFailed):
            await carrier.look(TextToFind(1, "+923005550000", "x", datetime.now(UTC)))
        await carrier.close()

    asyncio.run(main())
