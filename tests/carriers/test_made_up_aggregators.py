"""Three aggregators that exist nowhere, each of another shape than those of docs/carriers: a file is enough."""

import asyncio
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from aiohttp import web
from fastapi.testclient import TestClient
from sqlalchemy import Engine, select, update

from gateway.app import create_app
from gateway.carriers.base import SendResult, TextToSend
from gateway.carriers.coding import decode
from gateway.carriers.http.profile import Profile, ProfileError, read_profile
from gateway.carriers.http.sender import HttpCarrier
from gateway.carriers.http.trees import NoTree, read_xml
from gateway.database import reading, writing
from gateway.outbox.enqueue import NewText, enqueue_one
from gateway.outbox.setup import routes_from
from gateway.rules.carrier_codes import Effect, Outcome
from gateway.tables import InboundText, OutboundText, Sender
from tests.carriers.contract import results
from tests.gateway.conftest import settings_for

SECRET = "secret-path-of-the-tests"
SMS, RECEIPT = f"/webhooks/http/{SECRET}/sms", f"/webhooks/http/{SECRET}/receipt"
PERSON = "+923001234501"
LOCKS = f'secret = "{SECRET}"\nnetworks = ["10.0.0.0/8"]\n'

XML = f"""
[send]
method = "POST"
url = "URL"
body = '<sms:submit><to>{{to_digits}}</to><txt enc="{{encoding}}">{{text}}</txt><ref>{{id}}</ref></sms:submit>'
body_escape = "xml"
content_type = "application/xml; charset=utf-8"
[answer]
accepted_pattern = '<state[^>]*>\\s*QUEUED'
id_pointer = "/reply/message/@id"
error_pointer = "/reply/message/state/@why"
[answer.errors]
E7 = "halt"
[inbound]
{LOCKS}items = "/batch/mo"
from = "/from"
to = "/shortcode"
id = "/@id"
text = "/body"
charset = "/body/@dcs"
reply = "body"
content_type = "application/xml; charset=utf-8"
body = "<answer><text>{{reply}}</text></answer>"
body_without_reply = "<answer/>"
[inbound.codings]
8 = "hex utf-16-be"
[receipts]
items = "/receipts/r"
id = "/@message"
status = "/what"
[receipts.statuses]
HANDED_OVER = "delivered"
LOST = "undelivered"
"""
FORM = f"""
[values]
key = "k&y"
[send]
method = "POST"
url = "URL"
[send.form]
apikey = "{{key}}"
dest = "{{to}}"
hex = "{{text_hex}}"
dcs = "{{encoding}}"
back = "{{dlr_url}}"
[send.encodings]
GSM-7 = "0"
UCS-2 = "8"
[answer]
accepted_status = [200]
accepted_pattern = 'status=0(&|$)'
id_pattern = 'msgid=([^&\\s]+)'
error_pattern = 'status=(\\d+)'
[answer.errors]
17 = "dead_number"
[answer.statuses]
420 = "throttled"
[inbound]
{LOCKS}from = "src"
to = "dst"
time = "at"
text = "msg"
charset = "coding"
[inbound.codings]
0 = "utf-8"
4 = "latin-1"
8 = "hex utf-16-be"
[receipts]
text = "ours"
status = "s"
error = "e"
[receipts.statuses]
1 = "delivered"
2 = "undelivered"
[receipts.errors]
99 = "dead_number"
"""
GET = f"""
[send]
url = "URL?n={{to_digits}}&m={{text}}&life={{validity_min}}"
[answer]
accepted_pattern = '^OK\\b'
id_pattern = '^OK:?\\s*(\\w+)'
error_pattern = '^ERR\\s*(\\w+)'
[answer.errors]
SPAM = "blocked"
[inbound]
{LOCKS}items = "/data/events"
from = "/who/number"
to = "/line"
id = "/uuid"
text = "/payload/0/words"
[receipts]
items = "/data/events"
text = ""
id = "/uuid"
status = "/state"
[receipts.statuses]
ok = "delivered"
"""


@contextmanager
def gateway(url: str, tmp_path: Path, profile: str) -> Iterator[TestClient]:
    path = tmp_path / "carrier.toml"
    path.write_text(profile.replace("URL", "http://127.0.0.1:9/send"))
    settings = settings_for(
        url, carrier="http", http_carrier_file=path, twilio_account_sid="", twilio_auth_token="", worker_in_serve=False
    )
    with TestClient(create_app(settings), client=("10.1.2.3", 5000)) as client:
        client.headers["Accept"] = "*/*"
        yield client


def sent_through(profile: str, text: TextToSend, answer: web.Response) -> tuple[SendResult, dict[str, Any]]:
    """Send one text to a stand-in that answers so; returns the result and what it was asked."""
    asked: dict[str, Any] = {}

    async def take(request: web.Request) -> web.Response:
        asked.update(query=dict(request.query), body=(await request.read()).decode())
        asked["form"] = dict(await request.post())
        return answer

    async def main() -> SendResult:
        app = web.Application()
        app.router.add_route("*", "/send", take)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = site._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
        given = tomllib.loads(profile.replace("URL", f"http://127.0.0.1:{port}/send"))
        carrier = HttpCarrier(Profile.model_validate(given), "80022", "https://jalsa.example")
        await carrier.open()
        try:
            [got] = await results(carrier, [text])
        finally:
            await carrier.close()
            await runner.cleanup()
        return got

    return asyncio.run(main()), asked


def texts_in(engine: Engine) -> list[tuple[str, str]]:
    with reading(engine) as connection:
        found = select(InboundText.body, InboundText.carrier_id).order_by(InboundText.id)
        return [(row.body, row.carrier_id) for row in connection.execute(found)]


def a_sent_text(engine: Engine, url: str, carrier_id: str) -> int:
    now = datetime.now(UTC)
    with writing(engine) as connection:
        row = {
            "key": "+923009999999",
            "consent": "joined",
            "first_seen_at": now,
            "last_seen_at": now - timedelta(days=1),
        }
        sender = connection.execute(Sender.__table__.insert().values(row).returning(Sender.id)).scalar_one()
        text = NewText("report", sender, "+923009999999", "News")
        made = enqueue_one(connection, text, routes_from(settings_for(url)), now)
        sent = {"state": "sent", "carrier": "http", "carrier_id": carrier_id, "attempts": 1, "attempted_at": now}
        connection.execute(update(OutboundText).where(OutboundText.id == made).values(sent))
    return made


def state_of(engine: Engine, text_id: int) -> str:
    with reading(engine) as connection:
        return str(connection.execute(select(OutboundText.state).where(OutboundText.id == text_id)).scalar_one())


WORDS = 'R&D <b>اردو</b> "x"'


def test_xml_out_and_its_answer() -> None:
    taken = web.Response(text='<?xml version="1.0"?><s:reply xmlns:s="u"><s:message id="m-1"><state>QUEUED</state>'
                              "</s:message></s:reply>", content_type="text/xml")  # fmt: skip
    got, asked = sent_through(XML, TextToSend(7, PERSON, WORDS), taken)
    assert (got.rule.outcome, got.carrier_id) == (Outcome.ACCEPTED, "m-1")
    assert read_xml(asked["body"])["submit"] == {
        "to": PERSON[1:], "txt": {"@enc": "UCS-2", "#text": WORDS}, "ref": "7"
    }  # fmt: skip
    broke = '<reply><message id="m-2"><state why="E7">REFUSED</state></message></reply>'
    got, _ = sent_through(XML, TextToSend(7, PERSON, "x"), web.Response(text=broke))
    assert got.rule.effect is Effect.HALT
    got, _ = sent_through(XML, TextToSend(7, PERSON, "x"), web.Response(text="<reply><message"))
    assert got.rule.outcome is Outcome.UNCERTAIN


def test_xml_in_a_list_of_one_and_of_two_with_hex_by_coding(database_url: str, engine: Engine, tmp_path: Path) -> None:
    urdu = "شامل علی لاہور".encode("utf-16-be").hex()
    first = f'<mo id="a1"><from>{PERSON}</from><shortcode>80022</shortcode><body>JOIN Ali &amp; Lahore</body></mo>'
    one = f"<batch>{first}</batch>"
    second = f'<mo id="a2"><from>+923001234502</from><shortcode>80022</shortcode><body dcs="8">{urdu}</body></mo>'
    two = one.replace("</batch>", second + "</batch>")
    xml = {"Content-Type": "application/xml"}
    with gateway(database_url, tmp_path, XML) as client:
        answered = client.post(SMS, content=one.encode(), headers=xml)
        assert client.post(SMS, content=two.encode(), headers=xml).status_code == 200
        bomb = '<!DOCTYPE b [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><batch><mo>&b;</mo></batch>'
        assert client.post(SMS, content=bomb.encode(), headers=xml).status_code == 400
    assert read_xml(answered.content)["answer"]["text"]
    assert texts_in(engine) == [("JOIN Ali & Lahore", "a1"), ("شامل علی لاہور", "a2")]


def test_xml_receipts(database_url: str, engine: Engine, tmp_path: Path) -> None:
    first = a_sent_text(engine, database_url, "m-1")
    body = '<receipts><r message="m-1"><what>HANDED_OVER</what></r><r message="m-9"><what>LOST</what></r></receipts>'
    with gateway(database_url, tmp_path, XML) as client:
        assert client.post(RECEIPT, content=body, headers={"Content-Type": "text/xml"}).status_code == 200
    assert state_of(engine, first) == "delivered"


def test_a_form_with_hex_and_statuses_of_its_own() -> None:
    text = TextToSend(7, PERSON, "کل 5")
    got, asked = sent_through(FORM, text, web.Response(text="status=0&msgid=Q%2F1"))
    assert (got.rule.outcome, got.carrier_id) == (Outcome.ACCEPTED, "Q%2F1")
    form = asked["form"]
    assert (bytes.fromhex(form["hex"]).decode("utf-16-be"), form["dcs"], form["apikey"]) == ("کل 5", "8", "k&y")
    assert form["back"].endswith("/receipt?ours=7")
    got, _ = sent_through(FORM, text, web.Response(text="status=17"))
    assert got.rule.effect is Effect.FLAG_NUMBER
    got, _ = sent_through(FORM, text, web.Response(text="calm down", status=420, headers={"Retry-After": "7"}))
    assert (got.rule.outcome, got.retry_after) == (Outcome.REQUEUE, timedelta(seconds=7))
    got, _ = sent_through(FORM, text, web.Response(text="status=0&msgid="))
    assert got.rule.outcome is Outcome.UNCERTAIN


def test_texts_by_form_in_three_codings_and_receipts_by_get(database_url: str, engine: Engine, tmp_path: Path) -> None:
    bodies = [
        ("0", quote("JOIN Ali Lahore")),
        ("4", quote("JOIN Zoé Lahore".encode("latin-1"))),
        ("8", "JOIN ثنا Lahore".encode("utf-16-be").hex().upper()),
        ("idna", "JOIN+Omar+Lahore"),  # nobody's alphabet
    ]
    first = a_sent_text(engine, database_url, "Q1")
    with gateway(database_url, tmp_path, FORM) as client:
        for at, (coding, words) in enumerate(bodies):
            form = f"src=92300123450{at}&dst=80022&at=2026-03-0{at + 1}&coding={coding}&msg={words}"
            answer = client.post(SMS, content=form, headers={"Content-Type": "application/x-www-form-urlencoded"})
            assert answer.status_code == 200, answer.text
        assert client.get(f"{RECEIPT}?ours={first}&s=2&e=99").status_code == 200
        assert client.get(f"{RECEIPT}?ours={first}&s=77").status_code == 200, "an unknown status moves nothing"
    assert [body for body, _ in texts_in(engine)] == [
        "JOIN Ali Lahore", "JOIN Zoé Lahore", "JOIN ثنا Lahore", "JOIN Omar Lahore",
    ]  # fmt: skip
    assert state_of(engine, first) == "undelivered"
    with reading(engine) as connection:
        number = connection.execute(select(Sender.number_state).where(Sender.key == "+923009999999")).scalar_one()
    assert number == "dead"


def test_a_get_with_everything_in_the_address_and_json_events_in(
    database_url: str, engine: Engine, tmp_path: Path
) -> None:
    text = TextToSend(7, PERSON, "a&n=1 #?é", validity=timedelta(minutes=90))
    got, asked = sent_through(GET, text, web.Response(text="OK: 5f3a"))
    assert (got.rule.outcome, got.carrier_id) == (Outcome.ACCEPTED, "5f3a")
    assert asked["query"] == {"n": PERSON[1:], "m": "a&n=1 #?é", "life": "90"}
    got, _ = sent_through(GET, text, web.Response(text="ERR SPAM"))
    assert got.rule.effect is Effect.SPIKE_PAUSES
    first = a_sent_text(engine, database_url, "5f3a")
    event = {"who": {"number": 923001234501}, "line": 80022, "uuid": "u-1", "payload": [{"words": "JOIN Ali Lahore"}]}
    with gateway(database_url, tmp_path, GET) as client:
        assert client.post(SMS, json={"data": {"events": [event, event | {"uuid": "u-2"}]}}).status_code == 200
        assert client.post(RECEIPT, json={"data": {"events": [{"uuid": "5f3a", "state": "ok"}]}}).status_code == 200
    assert [carrier_id for _, carrier_id in texts_in(engine)] == ["u-1", "u-2"]
    assert state_of(engine, first) == "delivered"


@pytest.mark.parametrize(
    ("codings", "sentence"),
    [
        ('8 = "utf-16-be"', "come in hex"),
        ('8 = "hex klingon"', "no charset klingon"),
        ('8 = "base64 utf-8"', 'or "hex" and a charset'),
    ],
)
def test_codings_that_are_none(tmp_path: Path, codings: str, sentence: str) -> None:
    path = tmp_path / "carrier.toml"
    path.write_text(FORM.replace('8 = "hex utf-16-be"', codings).replace("URL", "http://127.0.0.1/send"))
    with pytest.raises(ProfileError, match=sentence):
        read_profile(path)


def test_xml_that_is_none() -> None:
    deep = "<a>" * 60 + "</a>" * 60
    for written in (
        "",
        "<a>",
        "<a></b>",
        "<a/><b/>",
        '<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>',
        deep,
        "<a>\x00</a>",
    ):
        with pytest.raises(NoTree):
            read_xml(written)
    assert read_xml("<a><b/><b>1</b><b x='y'>2</b></a>") == {"a": {"b": ["", "1", {"@x": "y", "#text": "2"}]}}


@pytest.mark.parametrize("charset", ["idna", "undefined", "punycode", "rot13", "hex", "unicode_escape", "", "utf-7"])
def test_no_charset_of_a_request_breaks_anything(charset: str) -> None:
    assert isinstance(decode(b"JOIN \\N{x} \xff", charset), str)
