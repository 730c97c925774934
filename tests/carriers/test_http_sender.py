"""The HTTP carrier: the contract over two kinds of aggregator, and what is its own."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urlsplit

import pytest

from gateway.carriers.base import Carrier, SendResult, TextToSend
from gateway.carriers.http.answers import read_answer
from gateway.carriers.http.profile import Answer, Profile
from gateway.carriers.http.sender import HttpCarrier
from gateway.rules.carrier_codes import Effect, Outcome
from tests.carriers.contract import URDU, CarrierContract, Opened, Peer, results, texts
from tests.carriers.profiles import SECRET, example
from tests.fakes.aggregator import Aggregator, running

BASE = "https://jalsa.example"
NOW = datetime(2026, 3, 2, 7, 0, tzinfo=UTC)


class _Peer:
    def __init__(self, aggregator: Aggregator, carrier: HttpCarrier) -> None:
        self.aggregator, self.carrier = aggregator, carrier

    def accepted(self) -> list[tuple[str, str]]:
        return [("+" + number.lstrip("+"), words) for number, words, _ in self.aggregator.taken]

    def answer_is_lost(self) -> None:
        self.aggregator.manner = "lost"

    def goes_down(self) -> None:
        send = self.carrier.profile.send
        gone = send.model_copy(update={"url": "http://127.0.0.1:9" + urlsplit(send.url).path})
        self.carrier.profile = self.carrier.profile.model_copy(update={"send": gone})

    def throttles(self) -> None:
        self.aggregator.manner = "throttled"

    def refuses(self, number: str) -> None:
        self.aggregator.refused |= {number, number.lstrip("+")}


@asynccontextmanager
async def _opened(make: Callable[[Aggregator], Profile]) -> AsyncIterator[tuple[HttpCarrier, _Peer]]:
    async with running() as aggregator:
        carrier = HttpCarrier(make(aggregator), "80022", BASE)
        await carrier.open()
        yield carrier, _Peer(aggregator, carrier)
        await carrier.close()


def kannel(aggregator: Aggregator, **send: object) -> Profile:
    return example("kannel", aggregator.url + "/sendsms", send=send)


def json_api(aggregator: Aggregator) -> Profile:
    return example("json-aggregator", aggregator.url + "/messages")


class TestKannelLike(CarrierContract):
    @pytest.fixture
    def opened(self) -> Callable[[], Opened]:
        return lambda: _opened(kannel)  # type: ignore[arg-type,return-value]


class TestJson(CarrierContract):
    @pytest.fixture
    def opened(self) -> Callable[[], Opened]:
        return lambda: _opened(json_api)  # type: ignore[arg-type,return-value]


def sent_by(
    make: Callable[[Aggregator], Profile], some: list[TextToSend], manner: str = "well", rounds: int = 1
) -> tuple[list[SendResult], Aggregator]:
    async def main() -> tuple[list[SendResult], Aggregator]:
        async with _opened(make) as (carrier, peer):
            got: list[SendResult] = []
            for at in range(rounds):
                if at == rounds - 1:
                    peer.aggregator.manner = manner
                got = await results(carrier, some)
            return got, peer.aggregator

    return asyncio.run(main())


@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_a_kept_connection_that_breaks_is_never_tried_again_by_the_library(method: str) -> None:
    """The first round leaves connections open; on those, aiohttp repeats a GET by itself unless told not to."""
    some = texts(5)
    got, aggregator = sent_by(lambda one: kannel(one, method=method), some, "lost", rounds=2)
    assert [one.rule.outcome for one in got] == [Outcome.UNCERTAIN] * 5
    assert len(aggregator.taken) == 10


def test_the_query_says_what_the_settings_file_says() -> None:
    [one], aggregator = sent_by(kannel, [TextToSend(77, "+923005550001", f"{URDU} & to=+1")])
    path, _ = aggregator.requests[0]
    assert dict(parse_qsl(urlsplit(path).query, keep_blank_values=True)) == {
        "username": "jalsa", "password": "change-me", "from": "80022", "to": "+923005550001",
        "text": f"{URDU} & to=+1", "charset": "UTF-8", "coding": "2", "dlr-mask": "31",
        "dlr-url": f"{BASE}/webhooks/http/{SECRET}/receipt?text=77&status=%d&answer=%A",
    }  # fmt: skip
    assert one.carrier_id == "text-77"


def test_json_goes_out_as_it_is_written_and_the_id_comes_back() -> None:
    [one], aggregator = sent_by(json_api, [TextToSend(5, "+923005550001", 'say "hi" \\ {text}')])
    _, words, given = aggregator.taken[0]
    assert words == 'say "hi" \\ {text}'
    assert given["messages"][0]["destinations"] == [{"to": "923005550001"}]
    assert given["messages"][0]["callbackData"] == "5"
    assert aggregator.requests[0][1]["Authorization"] == "App change-me"
    assert one.carrier_id == "m-1"


def test_a_form_and_the_validity() -> None:
    carrier = HttpCarrier(
        example("query-aggregator", "https://x.example/send", send={"headers": {"X-Valid": "{validity_min}"}}),
        "80022",
        BASE,
    )
    text = TextToSend(9, "+923005550001", "a+b&c=ü€", validity=timedelta(seconds=61))
    method, url, headers, body = carrier.request_for(text)
    assert (method, url) == ("POST", "https://x.example/send")
    assert headers["X-Valid"] == "2"
    assert headers["Content-Type"].startswith("application/x-www-form-urlencoded")
    assert body is not None
    fields = dict(parse_qsl(body.decode()))
    assert (fields["Msg"], fields["SmsType"], fields["MsgId"]) == ("a+b&c=ü€", "0", "9")
    assert dict(parse_qsl(carrier.request_for(replace(text, body=URDU))[3].decode()))["SmsType"] == "8"  # type: ignore[union-attr]


def test_a_raw_body_is_escaped_for_what_it_is() -> None:
    xml = example(
        "query-aggregator", "https://x.example/send",
        send={"form": None, "body": "<sms to='{to}'>{text}</sms>", "body_escape": "xml", "content_type": "text/xml"},
    )  # fmt: skip
    _, _, headers, body = HttpCarrier(xml, "80022", BASE).request_for(TextToSend(1, "+923005550001", "</sms> & 'x'"))
    assert body == b"<sms to='+923005550001'>&lt;/sms&gt; &amp; &apos;x&apos;</sms>"
    assert headers["Content-Type"] == "text/xml"


def test_a_header_can_never_be_split_by_a_text() -> None:
    profile = example("query-aggregator", "https://x.example/send", send={"headers": {"X-Text": "{text}"}})
    _, _, headers, _ = HttpCarrier(profile, "80022", BASE).request_for(TextToSend(1, "+923005550001", "a\r\nX-Evil: 1"))
    assert headers["X-Text"] == "a%0D%0AX-Evil: 1"


FORM = Answer(
    accepted_pattern=r"^0*0\|", id_pattern=r"^0*0\|(\S+)", error_pattern=r"^(\d+)\|",  # type: ignore[arg-type]
    errors={"03": "dead_number", "05": "halt", "09": "throttled"}, statuses={"503": "throttled"},
)  # fmt: skip


@pytest.mark.parametrize(
    ("status", "body", "outcome", "effect", "carrier_id"),
    [
        (200, "00|abc-1", Outcome.ACCEPTED, Effect.NONE, "abc-1"),
        (200, "00|", Outcome.UNCERTAIN, Effect.NONE, None),
        (200, "00|" + "x" * 65, Outcome.UNCERTAIN, Effect.NONE, None),
        (200, "03|bad number", Outcome.FAILED, Effect.FLAG_NUMBER, None),
        (200, "05|no money", Outcome.REQUEUE, Effect.HALT, None),
        (200, "77|who knows", Outcome.FAILED, Effect.SPIKE_PAUSES, None),
        (200, "<html>maintenance</html>", Outcome.UNCERTAIN, Effect.NONE, None),
        (200, "", Outcome.UNCERTAIN, Effect.NONE, None),
        (500, "09|slow down", Outcome.REQUEUE, Effect.NONE, None),
        (500, "oops", Outcome.UNCERTAIN, Effect.NONE, None),
        (503, "busy", Outcome.REQUEUE, Effect.NONE, None),
        (504, "", Outcome.UNCERTAIN, Effect.NONE, None),
        (429, "", Outcome.REQUEUE, Effect.NONE, None),
        (401, "", Outcome.REQUEUE, Effect.HALT, None),
        (404, "", Outcome.REQUEUE, Effect.PAUSE, None),
        (302, "", Outcome.REQUEUE, Effect.PAUSE, None),
        (418, "", Outcome.FAILED, Effect.SPIKE_PAUSES, None),
    ],
)
def test_answers_are_read_from_the_settings_file(
    status: int, body: str, outcome: Outcome, effect: Effect, carrier_id: str | None
) -> None:
    got = read_answer(FORM, 1, status, body, None, NOW)
    assert (got.rule.outcome, got.rule.effect, got.carrier_id) == (outcome, effect, carrier_id)
    assert got.reached == (not (status >= 500 and outcome is Outcome.UNCERTAIN))


def test_a_2xx_that_is_not_counted_as_accepted_is_uncertain() -> None:
    assert read_answer(Answer(accepted_status=(202,)), 1, 200, "", None, NOW).rule.outcome is Outcome.UNCERTAIN


def test_retry_after_is_kept() -> None:
    got, _ = sent_by(json_api, texts(1), "throttled")
    assert got[0].retry_after == timedelta(seconds=3)


def test_the_carrier_is_one_of_the_protocol() -> None:
    carrier: Carrier = HttpCarrier(example("kannel", "http://x.example"), "80022", BASE)
    peer: type[Peer] = _Peer
    assert carrier.name == "http" and peer is _Peer
