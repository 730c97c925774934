"""What an HTTP carrier posts to us: trusted, read, recorded, answered; receipts moved forward."""

import hashlib
import hmac
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, select, update

from gateway.app import create_app
from gateway.carriers.coding import Concat, concat_header
from gateway.carriers.http.profile import ProfileError, read_profile
from gateway.database import reading, writing
from gateway.inbound.record import DatabaseUnavailable
from gateway.settings import SettingsError, load_settings
from gateway.tables import InboundPart, InboundText, OutboundText, Sender
from tests.carriers.profiles import EXAMPLES, SECRET
from tests.gateway.conftest import settings_for

PERSON = "+923001234501"
SMS, RECEIPT = f"/webhooks/http/{SECRET}/sms", f"/webhooks/http/{SECRET}/receipt"


@pytest.fixture
def gateway(database_url: str, tmp_path: Path) -> Callable[..., Any]:
    @contextmanager
    def opened(name: str, **changes: str) -> Iterator[TestClient]:
        text = (EXAMPLES / f"{name}.toml").read_text()
        for old, new in {
            "change-me-change-me": SECRET, '"127.0.0.1/32"': '"10.0.0.0/8"', '"192.0.2.0/24"': '"10.0.0.0/8"', **changes
        }.items():  # fmt: skip
            assert old in text or old not in changes, old
            text = text.replace(old, new)
        path = tmp_path / "carrier.toml"
        path.write_text(text)
        settings = settings_for(
            database_url, carrier="http", http_carrier_file=path, twilio_account_sid="", twilio_auth_token="",
            worker_in_serve=False,
        )  # fmt: skip
        with TestClient(create_app(settings), client=("10.1.2.3", 5000)) as client:
            yield client

    return opened


def query(**fields: str | bytes) -> str:
    given = {"from": PERSON, "to": "80022", "id": "id-1", **fields}
    return "&".join(f"{name}={quote(value, safe='')}" for name, value in given.items())


def rows(engine: Engine, table: Any) -> list[Any]:
    with reading(engine) as connection:
        return list(connection.execute(select(table.__table__).order_by(table.id)))


def test_a_text_by_get_is_answered_in_the_body_and_only_once(gateway: Callable[..., Any], engine: Engine) -> None:
    with gateway("kannel") as client:
        first = client.get(f"{SMS}?{query(text='JOIN Sana Lahore')}")
        again = client.get(f"{SMS}?{query(text='JOIN Sana Lahore')}")
    assert first.status_code == 200
    assert "Sana" in first.text
    assert again.text == first.text
    [text] = rows(engine, InboundText)
    assert (text.carrier, text.carrier_id, text.command) == ("http", "id-1", "JOIN")
    [reply] = rows(engine, OutboundText)
    assert (reply.state, reply.body) == ("answered", first.text)
    assert first.headers["X-Kannel-Coding"] == "0"
    assert f"text={reply.id}" in first.headers["X-Kannel-DLR-Url"]


def test_urdu_comes_in_any_charset_and_goes_back_as_utf8(gateway: Callable[..., Any]) -> None:
    with gateway("kannel") as client:
        raw = "مدد".encode("utf-16-be")
        answer = client.get(f"{SMS}?{query(text=raw, charset='UTF-16BE')}")
        plain = client.get(f"{SMS}?{query(text='مدد', charset='', id='id-2')}")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["X-Kannel-Coding"] == "2"
    assert "80022" in answer.text or "STOP" in answer.text or "شامل" in answer.text
    assert plain.status_code == 200


@pytest.mark.parametrize(
    ("path", "client_host", "status"),
    [
        (SMS, "10.1.2.3", 200),
        (SMS.replace(SECRET, SECRET[:-1] + "x"), "10.1.2.3", 404),
        (SMS.replace(SECRET, "x"), "10.1.2.3", 404),
        (SMS, "11.0.0.1", 403),
        (SMS, "testclient", 403),
        (SMS, "::ffff:10.1.2.3", 200),
        (SMS, "::1", 403),
    ],
)
def test_only_the_carrier_is_heard(
    gateway: Callable[..., Any], engine: Engine, path: str, client_host: str, status: int
) -> None:
    with gateway("kannel") as client:
        client._transport.client = (client_host, 5000)
        answer = client.get(f"{path}?{query(text='HELP')}", headers={"X-Forwarded-For": "10.1.2.3"})
    assert answer.status_code == status
    assert len(rows(engine, InboundText)) == (status == 200)


def test_a_signature_is_asked_for_and_checked(gateway: Callable[..., Any], engine: Engine) -> None:
    asked = "msisdn=%2B923001234501&shortcode=80022&message=JOIN+Sana+Lahore&received=2026-03-02+12:00:01"
    good = hmac.new(b"change-me", asked.encode(), hashlib.sha256).hexdigest()
    with gateway("query-aggregator") as client:
        for header in ({}, {"X-Signature": "0" * 64}, {"X-Signature": good[:-1]}, {"X-Signature": ""}):
            assert client.get(f"{SMS}?{asked}", headers=header).status_code == 403
        assert client.get(f"{SMS}?{asked}&x=1", headers={"X-Signature": good}).status_code == 403
        assert rows(engine, InboundText) == []
        answer = client.get(f"{SMS}?{asked}", headers={"X-Signature": good.upper()})
        assert (answer.status_code, answer.text) == (200, "OK")
        client.get(f"{SMS}?{asked}", headers={"X-Signature": good})
        later = asked.replace("12:00:01", "12:07:00")
        signed = hmac.new(b"change-me", later.encode(), hashlib.sha256).hexdigest()
        assert client.get(f"{SMS}?{later}", headers={"X-Signature": signed}).status_code == 200
    # The repeated request is one text; the same words at another time are another.
    texts = rows(engine, InboundText)
    assert len(texts) == 2
    assert all(text.carrier_id.startswith("hash-") for text in texts)


def test_a_reply_that_cannot_be_answered_waits_in_the_outbox(gateway: Callable[..., Any], engine: Engine) -> None:
    body = {"results": [
        {"from": "923001234501", "to": "80022", "text": "JOIN Sana Lahore", "messageId": "a"},
        {"from": "923001234502", "to": "80022", "text": "STOP", "messageId": "b"},
    ]}  # fmt: skip
    with gateway("json-aggregator") as client:
        assert client.post(SMS, json=body).status_code == 200
        assert client.post(SMS, json=body).status_code == 200
    texts = rows(engine, InboundText)
    assert [(one.carrier_id, one.command) for one in texts] == [("a", "JOIN"), ("b", "STOP")]
    replies = rows(engine, OutboundText)
    assert [(one.state, one.kind, one.inbound_id) for one in replies] == [
        ("queued", "reply", texts[0].id), ("queued", "confirmation", texts[1].id),
    ]  # fmt: skip
    assert {one.lane.split("|")[2] for one in replies} == {"=http"}


def test_nothing_is_confirmed_that_is_not_committed(
    gateway: Callable[..., Any], engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(*_: object) -> None:
        raise DatabaseUnavailable

    with gateway("kannel") as client:
        monkeypatch.setattr(client.app.state.service.collector, "_record", down)
        answer = client.get(f"{SMS}?{query(text='JOIN Sana Lahore')}")
    assert answer.status_code == 503
    assert "Retry-After" in answer.headers
    assert rows(engine, InboundText) == []


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        (query(text="HELP") + "&text=STOP", 400),
        ("from=%2B923001234501&to=80022&id=1", 400),
        ("to=80022&id=1&text=HELP", 400),
        (query(text="x" * 4097), 400),
        (query(text="HELP", id="x" * 65), 400),
        (query(text="HELP\x00\ud83d".encode("utf-8", "surrogatepass")), 200),
        (query(text=b"\xff\xfe\xfa"), 200),
        (query(text=""), 200),
        (query(text="HELP", charset="no-such-charset"), 200),
        (query(text="HELP", udh=b"\x05\x00\x03"), 200),
    ],
)
def test_what_cannot_be_read_is_refused_with_a_sentence(
    gateway: Callable[..., Any], engine: Engine, asked: str, status: int
) -> None:
    with gateway("kannel") as client:
        answer = client.get(f"{SMS}?{asked}")
    assert answer.status_code == status, answer.text
    assert answer.text.strip() or status == 200
    assert len(rows(engine, InboundText)) == (status == 200)


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"results": 3}', b'{"results": [1, null]}', b"\xff"])
def test_json_that_is_none_is_refused(gateway: Callable[..., Any], engine: Engine, body: bytes) -> None:
    with gateway("json-aggregator") as client:
        answer = client.post(SMS, content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400
    assert rows(engine, InboundText) == []


def part(number: int, total: int, words: str, ref: int = 7, **others: str) -> str:
    header = concat_header(Concat(ref, total, number))
    return query(text=words.encode("utf-16-be"), charset="utf-16be", udh=header, **{"id": f"p{number}", **others})


def test_parts_in_any_order_are_one_text(gateway: Callable[..., Any], engine: Engine) -> None:
    with gateway("kannel") as client:
        assert client.get(f"{SMS}?{part(3, 3, 'ore')}").text == ""
        assert client.get(f"{SMS}?{part(1, 3, 'JOIN Sa')}").text == ""
        assert client.get(f"{SMS}?{part(1, 3, 'JOIN Sa')}").text == ""
        assert rows(engine, InboundText) == []
        assert "Sana" in client.get(f"{SMS}?{part(2, 3, 'na Lah')}").text
        assert client.get(f"{SMS}?{part(2, 3, 'na Lah')}").text == ""  # the carrier did not hear us: nothing new
    [text] = rows(engine, InboundText)
    assert text.body == "JOIN Sana Lahore"
    assert all(row.data == b"" for row in rows(engine, InboundPart))


def test_a_header_in_hex_is_read_too(gateway: Callable[..., Any], engine: Engine) -> None:
    with gateway("kannel") as client:
        for number, words in ((2, "Lahore"), (1, "JOIN Sana ")):
            header = concat_header(Concat(9, 2, number), wide=True).hex()
            client.get(f"{SMS}?{query(text=words, udh=header, id=str(number))}")
    assert [text.body for text in rows(engine, InboundText)] == ["JOIN Sana Lahore"]


def test_receipts_move_a_text_forward_and_never_back(gateway: Callable[..., Any], engine: Engine) -> None:
    with gateway("kannel") as client:
        client.get(f"{SMS}?{query(text='JOIN Sana Lahore')}")
        [reply] = rows(engine, OutboundText)
        states = []
        for status in ("8", "1", "1", "2", "16", "99"):
            answer = client.get(f"{RECEIPT}?text={reply.id}&status={status}&answer=")
            assert answer.status_code == 200
            states.append(rows(engine, OutboundText)[0].state)
        assert client.get(f"{RECEIPT}?text=999999&status=1").status_code == 200
        assert client.get(f"{RECEIPT}?text={reply.id}").status_code == 400
        assert client.get(f"{RECEIPT}?status=1").status_code == 400
        assert client.get(f"{RECEIPT.replace(SECRET, 'x' * 24)}?text={reply.id}&status=1").status_code == 404
    assert states == ["sent"] + ["delivered"] * 5


def test_receipts_as_json_are_found_by_the_carriers_id_and_flag_a_dead_number(
    gateway: Callable[..., Any], engine: Engine
) -> None:
    with gateway("json-aggregator") as client:
        body = {"results": [{"from": PERSON, "to": "80022", "text": "HELP", "messageId": "a"}]}
        client.post(SMS, json=body)
        ago = datetime.now(UTC) - timedelta(minutes=5)
        with writing(engine) as connection:
            sent = {"state": "sent", "carrier": "http", "carrier_id": "m-1", "attempted_at": datetime.now(UTC)}
            connection.execute(update(OutboundText).values(sent))
            connection.execute(update(Sender).values(last_seen_at=ago))
        gone = {"groupName": "UNDELIVERABLE"}, {"name": "EC_UNKNOWN_SUBSCRIBER"}
        result = {"messageId": "m-1", "status": gone[0], "error": gone[1]}
        assert client.post(RECEIPT, json={"results": [result, result]}).status_code == 200
    [text] = rows(engine, OutboundText)
    assert (text.state, text.error_code) == ("undelivered", "EC_UNKNOWN_SUBSCRIBE")  # as much as is kept of it
    assert rows(engine, Sender)[0].number_state == "dead"


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('method = "GET"', 'method = "FETCH"', "send.method"),
        ('text = "{text}"', 'text = "{words}"', "there is no placeholder {words}"),
        ('url = "http://127.0.0.1:13013/cgi-bin/sendsms"', 'url = "kannel"', "send.url"),
        ('secret = "change-me-change-me"', 'secret = "short"', "inbound.secret"),
        ('networks = ["127.0.0.1/32"]', "networks = []", "inbound.networks"),
        ('networks = ["127.0.0.1/32"]', 'networks = ["lahore"]', "lahore is no network"),
        ('id = "id"', "", "name the field of the carrier's id"),
        ('16 = "failed"', '16 = "lost"', "16 = lost"),
        ('403 = "halt"', '403 = "panic"', "403 = panic"),
        ("[send.query]", "[send.quarry]", "send.quarry"),
        ('accepted_pattern = "^[03]:"', 'accepted_pattern = "("', "answer.accepted_pattern"),
        ('body = "{reply}"', 'body = "ok"', "needs {reply}"),
        ("[values]", "[values", "is no TOML file"),
        ("accepted_status = [200, 202]", 'accepted_status = ["2xx"]', "2xx is no status"),
        ('status = "status"', "", "receipts.status"),
        ('text = "{text}"', 'text = "hello"', "{text} stands nowhere in it, nor {text_hex}"),
        ('\nto = "{to}"', "", "{to} stands nowhere in it, nor {to_digits}"),
        ("http://127.0.0.1:13013", "http://127.0.0.1:99999", "send.url"),
        ("http://127.0.0.1:13013", "http://smsbox..example", "send.url"),
        ("cgi-bin/sendsms", "cgi-bin/send sms", "send.url"),
        ('X-Kannel-DLR-Mask = "31"', 'X-Kannel-DLR-Mask = "31\\r\\nX-Other: 1"', "no line break"),
        ('X-Kannel-DLR-Mask = "31"', '"X Kannel" = "31"', '"X Kannel" is no name of a header'),
        ('reply = "body"', 'content_type = "text/plain\\nx"\nreply = "body"', "inbound.content_type"),
        ('reply = "body"', 'items = "texts"\nreply = "body"', "begins with"),
        (
            "[inbound.headers]",
            '[inbound.hmac]\nheader = "X-Sign"\nsecret = ""\n[inbound.headers]',
            "inbound.hmac.secret",
        ),
    ],
)
def test_a_mistake_in_the_settings_file_is_named(tmp_path: Path, old: str, new: str, words: str) -> None:
    text = (EXAMPLES / "kannel.toml").read_text()
    assert old in text
    path = tmp_path / "kannel.toml"
    path.write_text(text.replace(old, new))
    with pytest.raises(ProfileError) as caught:
        read_profile(path)
    assert words in str(caught.value)
    settings = load_settings(
        carrier="http", http_carrier_file=path, database_url=f"sqlite:///{tmp_path}/x.db", _env_file=None
    )
    with pytest.raises(SettingsError, match="HTTP_CARRIER_FILE"):
        create_app(settings)


@pytest.mark.parametrize(
    "path", [path for path in sorted(EXAMPLES.glob("*.toml")) if path.stem != "smpp"], ids=lambda path: path.stem
)
def test_every_documented_settings_file_can_be_read(path: Path) -> None:
    assert read_profile(path).inbound is not None


def test_a_settings_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="HTTP_CARRIER_FILE: there is no file"):
        load_settings(http_carrier_file=tmp_path / "none.toml", _env_file=None)
    with pytest.raises(SettingsError, match="HTTP_CARRIER_FILE is missing"):
        load_settings(carrier="http", _env_file=None)


def test_the_host_may_come_from_the_values(tmp_path: Path) -> None:
    text = (EXAMPLES / "kannel.toml").read_text().replace("http://127.0.0.1:13013", "https://{username}.example:8443")
    path = tmp_path / "kannel.toml"
    path.write_text(text)
    assert read_profile(path).send.url.startswith("https://{username}.example:8443/")
