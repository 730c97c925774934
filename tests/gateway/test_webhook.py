"""The inbound webhook: signatures, forms, repeats, and what bad input gets."""

import asyncio
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import quote_plus, urlencode
from xml.etree import ElementTree

import pytest
from sqlalchemy import Engine, func, select
from twilio.twiml.messaging_response import MessagingResponse

from gateway.app import create_app
from gateway.carriers.twilio import twiml
from gateway.database import reading
from gateway.settings import Settings
from gateway.tables import InboundText, Member, OutboundText, Report, Sender
from tests.gateway.conftest import settings_for
from tests.gateway.twilio_client import SMS, STATUS, Carrier, carrier_for, inbound, sid


@pytest.fixture
def carrier(settings: Settings) -> Iterator[Carrier]:
    with carrier_for(settings) as made:
        yield made


def rows(engine: Engine, table: type) -> int:
    with reading(engine) as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()


def test_a_signed_text_is_committed_and_answered(carrier: Carrier, engine: Engine) -> None:
    assert "Karachi" in (carrier.text("JOIN Sana Karachi") or "")
    assert (rows(engine, InboundText), rows(engine, OutboundText), rows(engine, Member)) == (1, 1, 1)


def test_the_answer_asks_for_receipts_with_our_own_id(carrier: Carrier, engine: Engine) -> None:
    answer = carrier.post(inbound("HELP"))
    message = ElementTree.fromstring(answer.text).find("Message")
    with reading(engine) as connection:
        number = connection.execute(select(OutboundText.id)).scalar_one()
    assert message is not None
    assert message.get("statusCallback") == f"https://jalsa.example/webhooks/twilio/status?text={number}"


# Signatures -----------------------------------------------------------------------------------------------------


def refused(carrier: Carrier, engine: Engine, fields: dict[str, str], headers: Mapping[str, str | bytes]) -> None:
    answer = carrier.raw(urlencode(fields).encode(), headers=headers)
    assert answer.status_code == 403
    assert rows(engine, InboundText) == rows(engine, Sender) == 0


def test_no_signature_is_refused_and_stores_nothing(carrier: Carrier, engine: Engine) -> None:
    refused(carrier, engine, inbound("STOP"), {})


def test_a_forged_signature_is_refused(carrier: Carrier, engine: Engine) -> None:
    refused(carrier, engine, inbound("STOP"), {"X-Twilio-Signature": "bm90IGEgc2lnbmF0dXJlIGF0IGFsbA=="})
    refused(carrier, engine, inbound("STOP"), {"X-Twilio-Signature": b"n\xc3\xb6t ascii"})


def test_a_signature_for_another_address_is_refused(carrier: Carrier, engine: Engine) -> None:
    fields = inbound("STOP")
    stale = carrier.validator.compute_signature("https://old.example" + SMS, fields)
    refused(carrier, engine, fields, {"X-Twilio-Signature": stale, "Host": "old.example"})
    refused(carrier, engine, fields, {"X-Twilio-Signature": stale, "X-Forwarded-Host": "old.example"})


def test_a_changed_body_is_refused(carrier: Carrier, engine: Engine) -> None:
    fields = inbound("JOIN Ali Lahore")
    refused(carrier, engine, fields | {"Body": "STOP"}, {"X-Twilio-Signature": carrier.sign(SMS, fields)})


def test_the_port_may_stand_in_the_signed_address_or_not(carrier: Carrier) -> None:
    fields = inbound("HELP")
    with_port = carrier.validator.compute_signature("https://jalsa.example:443" + SMS, fields)
    assert carrier.raw(urlencode(fields).encode(), headers={"X-Twilio-Signature": with_port}).status_code == 200


def test_the_fallback_address_is_the_same_handler(carrier: Carrier) -> None:
    path = SMS + "/fallback?bySecond=true"
    assert carrier.post(inbound("HELP"), path).status_code == 200


@pytest.mark.parametrize("path", [SMS + "/", SMS + "/fallback/"])
def test_a_slash_at_the_end_loses_no_text(carrier: Carrier, engine: Engine, path: str) -> None:
    assert carrier.post(inbound("HELP"), path).status_code == 200
    with engine.connect() as connection:
        assert connection.execute(select(func.count()).select_from(InboundText)).scalar_one() == 1
    fields = {"MessageSid": sid(), "MessageStatus": "sent", "AccountSid": inbound("")["AccountSid"]}
    assert carrier.post(fields, STATUS + "/").status_code == carrier.post(fields, STATUS).status_code == 204


SETTINGS_HEADER = "X-Twilio-Webhooks-Signature-Settings"


def with_settings(carrier: Carrier, header: str, algorithm: str, path: str = SMS) -> int:
    fields = inbound("HELP")
    signed = {"X-Twilio-Signature": carrier.sign(path, fields, algorithm), SETTINGS_HEADER: header}
    return carrier.raw(urlencode(fields).encode(), headers=signed).status_code


def test_the_newer_settings_header_is_understood(carrier: Carrier) -> None:
    assert with_settings(carrier, "key=webhooks_sharedkey_1,algorithm=HMAC_SHA256", "HMAC_SHA256") == 200
    assert with_settings(carrier, "algorithm=HMAC_SHA1", "HMAC_SHA1") == 200
    assert with_settings(carrier, "key=webhooks_sharedkey_1", "HMAC_SHA1") == 200


@pytest.mark.parametrize(
    "header",
    [
        "algorithm=HMAC_SHA512",
        "algorithm=none",
        "key=k,algorithm=HMAC_MD5",
        "algorithm=HMAC_SHA1,algorithm=HMAC_SHA256",
        "algorithm=HMAC_SHA1x",
    ],
)
def test_an_unknown_algorithm_fails_closed(carrier: Carrier, header: str) -> None:
    assert with_settings(carrier, header, "HMAC_SHA1") == 403


def test_a_sha1_signature_does_not_pass_as_sha256(carrier: Carrier) -> None:
    assert with_settings(carrier, "algorithm=HMAC_SHA256", "HMAC_SHA1") == 403


def test_a_shared_key_on_file_is_the_only_key(sqlite_template: Path, tmp_path: Path) -> None:
    copied = shutil.copy(sqlite_template, tmp_path / "jalsa.db")  # a gateway leaves marks in its database
    settings = settings_for(f"sqlite:///{copied}", twilio_shared_keys="k1=secret-one")
    with carrier_for(settings) as carrier:
        # Signed with the auth token, though the header names the shared key.
        assert with_settings(carrier, "key=k1,algorithm=HMAC_SHA256", "HMAC_SHA256") == 403
        assert with_settings(carrier, "key=k2,algorithm=HMAC_SHA256", "HMAC_SHA256") == 403


# Forms ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"MessageSid": None}, "MessageSid"),
        ({"MessageSid": "SM123"}, "MessageSid"),
        ({"MessageSid": "XX" + "0" * 32}, "MessageSid"),
        ({"AccountSid": "AC" + "9" * 32}, "AccountSid"),
        ({"AccountSid": None}, "AccountSid"),
        ({"From": None}, "From"),
        ({"From": ""}, "From"),
        ({"To": None}, "To"),
        ({"SmsSid": "SM" + "0" * 32}, "SmsSid"),
        ({"NumMedia": "-1"}, "NumMedia"),
        ({"NumMedia": "many"}, "NumMedia"),
        ({"Body": "x" * 5_000}, "Body"),
    ],
)
def test_what_twilio_can_never_send_is_a_clear_refusal(
    carrier: Carrier, engine: Engine, change: dict[str, str | None], field: str
) -> None:
    fields = {key: value for key, value in (inbound("JOIN") | change).items() if value is not None}
    answer = carrier.post(fields)
    assert answer.status_code == 403
    assert field in answer.text
    assert rows(engine, InboundText) == 0


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 403),
        (b"&&&&", 403),
        (b"=", 400),
        (b"Body=%FF%FE&From=%2B923001234567", 400),
        (b"Body=%ED%A0%80", 400),
        (b"\xff\xfe\x00", 400),
        (b"Body=a&Body=b", 400),
        (b"From=%2B92300&From=%2B92301", 400),
        (b"body=lower", 400),
        (b"A=" + b"x" * 70_000, 400),
        (b"&".join(b"K%d=1" % number for number in range(300)), 400),
    ],
)
def test_no_body_makes_the_gateway_fall_over(carrier: Carrier, engine: Engine, body: bytes, status: int) -> None:
    assert carrier.raw(body, headers={"X-Twilio-Signature": "AAAAAAAAAAAAAAAAAAAAAAAAAAA="}).status_code == status
    assert rows(engine, InboundText) == 0


@pytest.mark.parametrize("path", [SMS, STATUS])
def test_a_body_without_end_is_refused_before_its_end(settings: Settings, path: str) -> None:
    pieces, sent = 0, []

    async def receive() -> dict[str, object]:
        nonlocal pieces
        pieces += 1
        assert pieces < 100, "it reads on and on"
        return {"type": "http.request", "body": b"x" * 10_000, "more_body": True}

    async def send(event: Mapping[str, object]) -> None:
        sent.append(event.get("status"))

    headers = [(b"content-type", b"application/x-www-form-urlencoded")]
    scope = {"type": "http", "http_version": "1.1", "method": "POST", "path": path, "raw_path": path.encode(),
             "query_string": b"", "headers": headers, "scheme": "http", "root_path": ""}  # fmt: skip
    asyncio.run(create_app(settings)(scope, receive, send))
    assert sent[0] == 400


def test_another_content_type_is_refused(carrier: Carrier) -> None:
    assert carrier.raw(b"{}", headers={"Content-Type": "application/json"}).status_code == 415


@pytest.mark.parametrize(
    ("body", "sender"),
    [
        ("", "+923001234501"),
        (" \n\t ", "+923001234501"),
        ("JOIN\x00 Lahore", "+923001234501"),
        ("x" * 1_600, "+923001234501"),
        ("📣" * 800, "+923001234501"),
        ("\u202eNIOJ \u2066", "+923001234501"),
        ("JOIN Ali Lahore", "whatsapp:+923001234501"),
        ("JOIN Ali Lahore", "rcs:+923001234501"),
        ("Your code is 123", "JAZZ"),
        ("JOIN Ali", "8558"),
        ("JOIN Ali Lahore", "+924235761999"),
        ("JOIN Ali Lahore", "+88213123456"),
        ("JOIN Ali Lahore", "+999123456789"),
        ("JOIN <b>Ali</b> & \"Sons\"; DROP TABLE members;-- Lahore", "+923001234501"),
        ("=HYPERLINK(\"http://x\")", "+923001234501"),
        ("&#x0; ]]> </Message>", "+923001234501"),
    ],
)  # fmt: skip
def test_what_people_can_send_is_kept_and_answered(carrier: Carrier, engine: Engine, body: str, sender: str) -> None:
    answer = carrier.post(inbound(body, sender))
    assert answer.status_code == 200
    ElementTree.fromstring(answer.text)
    with reading(engine) as connection:
        kept = connection.execute(select(InboundText.body)).scalar_one()
    assert kept == body.replace("\x00", "\ufffd")


def test_999_media_are_kept_as_ten_links_at_most(carrier: Carrier, engine: Engine) -> None:
    media = {f"MediaUrl{n}": f"https://api.twilio.com/m/{n}" for n in range(12)}
    assert carrier.post(inbound("REPORT fire", NumMedia="999", **media)).status_code == 200
    with reading(engine) as connection:
        kept = connection.execute(select(InboundText.media)).scalar_one()
    assert len(kept) == 10


def test_a_field_that_twilio_adds_tomorrow_loses_no_text(carrier: Carrier) -> None:
    assert carrier.text("HELP", SomethingNew="value", WaId="923001234501") is not None


def test_a_long_field_that_twilio_adds_tomorrow_loses_no_text(carrier: Carrier) -> None:
    assert carrier.text("HELP", InteractiveData="x" * 6_000) is not None


def test_what_a_database_cannot_keep_of_a_picture_loses_no_text(carrier: Carrier, engine: Engine) -> None:
    picture = {"NumMedia": "1", "MediaUrl0": "https://api.twilio.com/m\x00", "MediaContentType0": "image/\x00jpeg"}
    assert carrier.text("REPORT fire", **picture) is not None
    with reading(engine) as connection:
        assert connection.execute(select(InboundText.command)).scalar_one() == "REPORT"


def test_optouttype_is_recorded_and_not_answered_twice(carrier: Carrier, engine: Engine) -> None:
    carrier.text("JOIN Ali Lahore")
    assert carrier.text("STOP", OptOutType="STOP") is None
    with reading(engine) as connection:
        assert connection.execute(select(Sender.consent)).scalar_one() == "stopped"
        assert connection.execute(select(Member.reachable)).scalar_one() is False


def test_an_optouttype_we_would_not_have_read_counts(carrier: Carrier, engine: Engine) -> None:
    carrier.text("JOIN Ali Lahore")
    assert carrier.text("arret svp", OptOutType="STOP") is None
    with reading(engine) as connection:
        assert connection.execute(select(Sender.consent)).scalar_one() == "stopped"


# Repeats --------------------------------------------------------------------------------------------------------


def test_a_repeated_webhook_gets_the_stored_reply_and_has_no_second_effect(carrier: Carrier, engine: Engine) -> None:
    fields = inbound("REPORT no water at gate 3")
    first, second = carrier.post(fields), carrier.post(fields)
    assert first.text == second.text
    assert "iReport" in first.text
    assert (rows(engine, Report), rows(engine, InboundText), rows(engine, OutboundText)) == (1, 1, 1)


def test_a_repeated_stop_has_one_confirmation_and_the_repeat_gets_it_again(carrier: Carrier) -> None:
    carrier.text("JOIN Ali Lahore")
    fields = inbound("STOP")
    assert carrier.post(fields).text == carrier.post(fields).text != twiml.EMPTY
    assert carrier.text("STOP") is None


# Answers --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words", ["plain", "a < b & c > d \"q\" 'p'", "خوش آمدید", "🇵🇰", "]]>", "line\nline", "  two  "]
)
def test_our_twiml_says_what_the_sdk_would_say(words: str) -> None:
    theirs = MessagingResponse()
    theirs.message(words, status_callback="https://x.example/s?a=1&b=2")
    one, other = (
        ElementTree.fromstring(text) for text in (str(theirs), twiml.message(words, "https://x.example/s?a=1&b=2"))
    )
    [mine], [sdk] = other.findall("Message"), one.findall("Message")
    assert (mine.text, mine.attrib) == (sdk.text, sdk.attrib)


def test_health_readiness_and_metrics(carrier: Carrier) -> None:
    carrier.text("HELP")
    assert carrier.client.get("/healthz").status_code == 200
    assert carrier.client.get("/readyz").text == "ready\n"
    assert 'jalsa_webhook_answers_total{outcome="answered",webhook="sms"}' in carrier.client.get("/metrics").text


def test_an_unmigrated_database_is_not_ready(tmp_path: object) -> None:
    with carrier_for(settings_for(f"sqlite:///{tmp_path}/new.db")) as carrier:
        assert carrier.client.get("/readyz").status_code == 503
        assert carrier.post(inbound("JOIN")).status_code == 503


# Receipts -------------------------------------------------------------------------------------------------------


def receipt(carrier: Carrier, number: int | None, status: str, message: str, **others: str) -> int:
    path = STATUS + (f"?text={number}" if number is not None else "")
    fields = {
        "MessageSid": message, "MessageStatus": status, "AccountSid": inbound("")["AccountSid"], "From": "80022",
        "To": "+923001234501",
    } | others  # fmt: skip
    return carrier.post(fields, path).status_code


def state(engine: Engine) -> tuple[str, str | None]:
    with reading(engine) as connection:
        row = connection.execute(select(OutboundText.state, OutboundText.error_code)).one()
        return row.state, row.error_code


@pytest.mark.parametrize(
    "order", [["sent", "delivered"], ["delivered", "sent"], ["delivered", "delivered", "sent", "queued"]]
)
def test_receipts_in_any_order_and_twice_end_the_same(carrier: Carrier, engine: Engine, order: list[str]) -> None:
    carrier.text("HELP")
    message = sid()
    assert [receipt(carrier, 1, status, message) for status in order] == [204] * len(order)
    assert state(engine)[0] == "delivered"


def test_a_failure_is_kept_with_its_code(carrier: Carrier, engine: Engine) -> None:
    carrier.text("HELP")
    receipt(carrier, 1, "undelivered", sid(), ErrorCode="30003")
    assert state(engine) == ("undelivered", "30003")


def test_an_unknown_receipt_is_kept_and_counted(carrier: Carrier, engine: Engine) -> None:
    from gateway.tables import DeliveryReceipt

    assert receipt(carrier, 999, "delivered", sid()) == 204
    assert receipt(carrier, None, "delivered", sid()) == 204
    assert rows(engine, DeliveryReceipt) == 2
    assert 'outcome="unknown"' in carrier.client.get("/metrics").text


def test_a_receipt_is_signed_too(carrier: Carrier) -> None:
    body = urlencode({"MessageSid": sid(), "MessageStatus": "delivered"}).encode()
    assert carrier.raw(body, STATUS).status_code == 403


def test_a_receipt_for_one_text_cannot_speak_for_another(carrier: Carrier, engine: Engine) -> None:
    carrier.text("HELP")
    receipt(carrier, 1, "sent", sid())
    receipt(carrier, 1, "delivered", sid())
    assert state(engine)[0] == "sent"


def test_odd_receipts_are_clear_refusals(carrier: Carrier) -> None:
    assert receipt(carrier, 1, "", sid()) == 400
    assert receipt(carrier, 1, "DELIVERED!", sid()) == 400
    assert receipt(carrier, 1, "delivered", "SMnope") == 400
    assert carrier.post({"x": quote_plus("y")}, STATUS).status_code == 400
