"""The simulated network against a gateway of a few lines that answers what a test tells it to, over real HTTP."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from random import Random

from aiohttp import web

from gateway.carriers.simulated.network import Conditions, SimulatedNetwork
from gateway.carriers.twilio.form import read_form, read_receipt, read_text
from gateway.carriers.twilio.signature import Signatures
from tests.browser.gateway_process import free_port

ACCOUNT = "AC" + "1" * 32
PHONE = "+923000000101"
EMPTY = "<Response></Response>"


class Gateway:
    """What it was sent, and what it answers: (status, body) in turn, the last one for ever."""

    def __init__(self, *answers: tuple[int, str]) -> None:
        self.answers = list(answers) or [(200, EMPTY)]
        self.forms: list[tuple[str, dict[str, str], str | None]] = []

    async def take(self, request: web.Request) -> web.Response:
        fields = read_form(await request.read())
        self.forms.append((request.path_qs, fields, request.headers.get("X-Twilio-Signature")))
        if request.path != "/webhooks/twilio/sms":
            return web.Response(status=204)
        status, body = self.answers[0] if len(self.answers) == 1 else self.answers.pop(0)
        return web.Response(status=status, text=body, content_type="text/xml")

    def receipts(self) -> list[Mapping[str, str]]:
        return [fields for path, fields, _ in self.forms if path.startswith("/webhooks/twilio/status")]


@asynccontextmanager
async def wired(gateway: Gateway, chance: Random | None = None) -> AsyncIterator[tuple[SimulatedNetwork, Signatures]]:
    port = free_port()
    app = web.Application()
    app.router.add_post("/{path:.*}", gateway.take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    base = f"http://127.0.0.1:{port}"
    signatures = Signatures(base, "token")
    network = SimulatedNetwork(
        sign=signatures.sign, base_url=base, account_sid=ACCOUNT, short_code="80022", region="PK",
        chance=chance, retry_after_s=0.01,
    )  # fmt: skip
    network.phones.add(PHONE, "Sana")
    try:
        yield network, signatures
    finally:
        await network.close()
        await runner.cleanup()


def _screen(network: SimulatedNetwork) -> list[tuple[str, str, str]]:
    phone = network.phones.get(PHONE)
    assert phone
    return [(text.direction, text.body, text.state) for text in phone.texts]


def test_a_text_is_posted_as_twilio_posts_it() -> None:
    gateway = Gateway()

    async def run() -> None:
        async with wired(gateway) as (network, signatures):
            await network.text(PHONE, "کہاں & Model+Town 100%\nline")
            [(path, fields, signature)] = gateway.forms
            assert signatures.valid(path, fields, signature, None)
            assert not signatures.valid(path, fields | {"Body": "other"}, signature, None)

    asyncio.run(run())
    _, fields, _ = gateway.forms[0]
    from datetime import UTC, datetime

    text = read_text(fields, ACCOUNT, datetime.now(UTC))
    assert (text.from_number, text.to_number, text.body) == (PHONE, "80022", "کہاں & Model+Town 100%\nline")
    # The fields of an inbound SMS, from Twilio's page "Messaging webhooks".
    assert fields.keys() == {
        "MessageSid", "SmsSid", "SmsMessageSid", "AccountSid", "From", "To", "Body", "NumMedia", "NumSegments",
        "SmsStatus", "ApiVersion", "FromCity", "FromState", "FromZip", "FromCountry", "ToCity", "ToState", "ToZip",
        "ToCountry",
    }  # fmt: skip
    assert fields["MessageSid"] == fields["SmsSid"] == fields["SmsMessageSid"]
    assert (fields["FromCountry"], fields["NumSegments"], fields["SmsStatus"]) == ("PK", "1", "received")


def test_the_answer_arrives_and_its_receipts_go_to_its_own_callback() -> None:
    gateway = Gateway()

    async def run() -> None:
        async with wired(gateway) as (network, signatures):
            callback = f"{network.base_url}/webhooks/twilio/status?text=7"
            gateway.answers = [
                (200, f'<Response><Message statusCallback="{callback}">Hi &amp; bye</Message><Message/></Response>')
            ]
            await network.text(PHONE, "ME")
            assert _screen(network) == [
                ("from-phone", "ME", "taken"), ("to-phone", "Hi & bye", "arrived"), ("to-phone", "", "arrived"),
            ]  # fmt: skip
            await network.settle()
            for path, fields, signature in gateway.forms[1:]:
                assert path == "/webhooks/twilio/status?text=7"
                assert signatures.valid(path, fields, signature, None)

    asyncio.run(run())
    told = [read_receipt(fields, ACCOUNT) for fields in gateway.receipts()]
    assert [status for _, status, _ in told] == ["sent", "delivered"]
    assert len({sid for sid, _, _ in told}) == 1


def test_a_refusal_for_want_of_a_database_is_tried_again_as_the_same_message() -> None:
    gateway = Gateway((503, "later"), (503, "later"), (200, "<Response><Message>Hi</Message></Response>"))

    async def run() -> None:
        async with wired(gateway) as (network, _):
            await network.text(PHONE, "ME")
            assert [state for _, _, state in _screen(network)] == ["taken", "arrived"]

    asyncio.run(run())
    assert len(gateway.forms) == 3 and len({fields["MessageSid"] for _, fields, _ in gateway.forms}) == 1


def test_what_goes_wrong_stands_on_the_text_in_a_sentence() -> None:
    async def run(gateway: Gateway) -> str:
        async with wired(gateway) as (network, _):
            text = await network.text(PHONE, "ME")
            assert text.state == "refused"
            return text.problem

    assert "403: forged" in asyncio.run(run(Gateway((403, "forged"))))
    assert "503: later" in asyncio.run(run(Gateway((503, "later"))))
    assert "not XML" in asyncio.run(run(Gateway((200, "Hi"))))
    assert "not a TwiML" in asyncio.run(run(Gateway((200, "<html/>"))))


def test_a_gateway_that_is_not_there_is_named() -> None:
    async def run() -> str:
        async with wired(Gateway()) as (network, _):
            network.base_url = f"http://127.0.0.1:{free_port()}"
            return (await network.text(PHONE, "ME")).problem

    assert "PUBLIC_BASE_URL" in asyncio.run(run())


def test_lost_texts_reach_nobody_and_are_told_undelivered() -> None:
    gateway = Gateway()

    async def run() -> None:
        async with wired(gateway) as (network, _):
            network.conditions = Conditions(loss=1.0)
            assert (await network.text(PHONE, "JOIN")).state == "lost"
            assert gateway.forms == []
            await network.deliver(PHONE, "Hi", status_callback=f"{network.base_url}/webhooks/twilio/status?text=1")
            await network.settle()
            assert _screen(network)[-1] == ("to-phone", "Hi", "lost")

    asyncio.run(run())
    told = [(fields["MessageStatus"], fields.get("ErrorCode")) for fields in gateway.receipts()]
    assert told == [("sent", None), ("undelivered", "30008")]


def test_some_are_lost_at_the_share_that_was_asked_for() -> None:
    async def run() -> int:
        async with wired(Gateway(), Random(5)) as (network, _):
            network.conditions = Conditions(loss=0.3)
            for _ in range(200):
                await network.deliver(PHONE, "Hi")
            return sum(state == "lost" for _, _, state in _screen(network))

    assert 40 <= asyncio.run(run()) <= 80


def test_a_slow_network_delivers_later_and_in_order() -> None:
    async def run() -> None:
        async with wired(Gateway()) as (network, _):
            network.conditions = Conditions(delay_s=0.05)
            for number in range(5):
                await network.deliver(PHONE, f"{number}")
            assert _screen(network) == []
            await network.settle()
            assert [body for _, body, _ in _screen(network)] == ["0", "1", "2", "3", "4"]

    asyncio.run(run())


def test_no_receipt_goes_to_another_host() -> None:
    gateway = Gateway()

    async def run() -> None:
        async with wired(gateway) as (network, _):
            await network.deliver(PHONE, "Hi", status_callback="http://127.0.0.1:1/webhooks/twilio/status?text=1")
            await network.settle()

    asyncio.run(run())
    assert gateway.forms == []


def test_texts_to_a_phone_that_is_not_on_the_page_wait_for_it() -> None:
    async def run() -> None:
        async with wired(Gateway()) as (network, _):
            await network.deliver("+923000000999", "Sunday, 15:00")
            assert [phone.name for phone in network.phones.shown()] == ["Sana"]
            phone = network.phones.add("+923000000999", "Late")
            assert [text.body for text in phone.texts] == ["Sunday, 15:00"]

    asyncio.run(run())


def test_memory_is_bounded() -> None:
    from gateway.carriers.simulated.phones import KEPT_PHONES, KEPT_TEXTS

    async def run() -> None:
        async with wired(Gateway()) as (network, _):
            for number in range(KEPT_TEXTS + 50):
                await network.deliver(PHONE, f"{number}")
            assert len(_screen(network)) == KEPT_TEXTS and _screen(network)[-1][1] == f"{KEPT_TEXTS + 49}"
            for number in range(KEPT_PHONES + 100):
                await network.deliver(f"+92300{number:07}", "Hi")
            assert network.phones.get(PHONE) and network.phones.get("+923000000000") is None

    asyncio.run(run())
