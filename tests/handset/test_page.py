"""The handset page by plain forms, in front of a gateway in a process of its own."""

import re
import time
import tomllib
from importlib import resources
from pathlib import Path

import httpx
import pytest
from sqlalchemy import Connection, select

import keywords
from gateway.app import create_app
from gateway.database import make_engine, reading
from gateway.tables import InboundText, OutboundText, Sender
from tests.gateway.conftest import settings_for

SANA, AYESHA = "+923000000101", "+923000000102"


def _texts(connection: Connection, body: str) -> list[tuple[str, str, str, str]]:
    query = (
        select(Sender.key, InboundText.carrier_id, OutboundText.body, OutboundText.state)
        .join_from(InboundText, Sender, Sender.id == InboundText.sender_id)
        .join(OutboundText, OutboundText.inbound_id == InboundText.id)
        .where(InboundText.body == body)
    )
    return [tuple(row) for row in connection.execute(query)]  # type: ignore[misc]


def test_a_text_goes_through_the_webhook_into_the_database_and_its_receipts_come_back(
    page: httpx.Client, data_folder: Path
) -> None:
    answer = page.post("/handset/texts", data={"number": SANA, "body": "JOIN Sana Lahore NA-130 students"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/handset#phone-1")
    html = page.get("/handset").text
    assert "JOIN Sana Lahore NA-130 students</p>" in html and "You are in: Sana, Lahore, NA-130, students" in html
    engine = make_engine(f"sqlite:///{data_folder / 'jalsa.db'}")
    until, state = time.monotonic() + 10, ""
    while state != "delivered" and time.monotonic() < until:
        with reading(engine) as connection:
            [(key, sid, _, state)] = _texts(connection, "JOIN Sana Lahore NA-130 students")
        time.sleep(0.05)
    engine.dispose()
    assert state == "delivered" and key == SANA and re.fullmatch("SM[0-9a-f]{32}", sid)


def test_urdu_is_marked_right_to_left_and_counted_as_the_network_counts(page: httpx.Client) -> None:
    page.post("/handset/texts", data={"number": AYESHA, "body": "شامل عائشہ لاہور خواتین"})
    html = page.get("/handset").text
    said = re.search(
        r'<p class="words rtl" dir="auto">شامل عائشہ لاہور خواتین</p>.*?class="parts">([^<]+)<', html, re.S
    )
    assert said and said[1] == "1 part · UCS-2"
    assert f'<bdi dir="ltr">{AYESHA}</bdi>' in html


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "http://["},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Host": "evil.example"},
        {"Host": "127.0.0.1.evil.example"},
        {"Host": "["},
    ],
)
@pytest.mark.parametrize("path", ["texts", "phones", "phones/removed", "conditions", "parts"])
def test_no_other_site_can_use_the_handset(
    page: httpx.Client, data_folder: Path, path: str, headers: dict[str, str]
) -> None:
    fields = {"number": SANA, "body": "STOP sent by another site", "loss": "100"}
    assert page.post(f"/handset/{path}", data=fields, headers=headers).status_code == 403
    engine = make_engine(f"sqlite:///{data_folder / 'jalsa.db'}")
    with reading(engine) as connection:
        assert connection.execute(select(InboundText.id).where(InboundText.body == fields["body"])).all() == []
    engine.dispose()
    assert SANA in page.get("/handset").text


def test_no_other_host_can_read_it(page: httpx.Client) -> None:
    for path in ("/handset", "/handset/news?run=&since=0"):
        assert page.get(path, headers={"Host": "evil.example"}).status_code == 403


def test_its_own_page_may_post(page: httpx.Client, address: str) -> None:
    headers = {"Origin": address, "Sec-Fetch-Site": "same-origin"}
    fields = {"number": SANA, "body": "HELP"}
    assert page.post("/handset/texts", data=fields, headers=headers).status_code == 303


@pytest.mark.parametrize(
    ("path", "fields", "sentence"),
    [
        ("texts", {"number": SANA, "body": " \r\n "}, "Type a text first."),
        ("texts", {"number": SANA, "body": "x" * 1601}, "1600 letters at most; this has 1601"),
        ("texts", {"number": "+923000009999", "body": "ME"}, "not on this page"),
        ("texts", {}, "not on this page"),
        ("phones", {"number": "hello"}, "not a phone number"),
        ("phones", {"number": "0300 0000101"}, "on the page already, as Sana"),
        ("conditions", {"delay": "soon"}, "are numbers"),
        ("conditions", {"delay": "nan"}, "0 to 60"),
        ("conditions", {"loss": "101"}, "0 to 100"),
    ],
)
def test_bad_input_gets_a_clear_sentence(page: httpx.Client, path: str, fields: dict[str, str], sentence: str) -> None:
    plain = page.post(f"/handset/{path}", data=fields)
    assert plain.status_code == 422 and sentence in plain.text
    told = page.post(f"/handset/{path}", data=fields, headers={"Accept": "application/json"})
    assert told.status_code == 422 and sentence in told.json()["problem"]


def test_phones_can_be_added_and_removed(page: httpx.Client) -> None:
    added = page.post("/handset/phones", data={"name": "  <b>Zainab</b> ", "number": "0300 0000555", "language": "ur"})
    assert added.status_code == 303 and "0300" not in added.headers["location"]
    html = page.get("/handset").text
    assert "&lt;b&gt;Zainab&lt;/b&gt;" in html and "<b>" not in html and "+923000000555" in html
    page.post("/handset/phones", data={})
    made = set(re.findall(r'<bdi dir="ltr">(\+[0-9]+)</bdi>', page.get("/handset").text))
    assert len(made) == 6
    for number in made - {SANA}:
        assert page.post("/handset/phones/removed", data={"number": number}).status_code == 303
    left = re.findall(r'<bdi dir="ltr">(\+[0-9]+)</bdi>', page.get("/handset").text)
    assert left == [SANA]


def test_what_a_text_holds_is_never_markup(page: httpx.Client) -> None:
    body = 'REPORT <script>alert(1)</script> "><img src=x onerror=1> see http://a.example/?q="><b>, javascript:alert(1)'
    page.post("/handset/texts", data={"number": SANA, "body": body})
    html = page.get("/handset").text
    assert "<script>" not in html and "<img" not in html and "&lt;script&gt;" in html
    assert 'href="http://a.example/?q="' in html and 'href="javascript' not in html


def test_the_page_needs_nothing_from_elsewhere_and_nothing_inline(page: httpx.Client) -> None:
    answer = page.get("/handset")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy and "http" not in policy
    tags = re.findall(r"<[^>]+>", answer.text)
    assert [tag for tag in tags if re.search(r"<style|<script(?!.*\bsrc=)|\sstyle=|\son[a-z]+=", tag)] == []
    asked_for = [tag for tag in tags if re.search(r'\s(src|href|action)="(?!/handset)', tag)]
    assert all('target="_blank" rel="noopener noreferrer"' in tag for tag in asked_for)  # links inside texts
    for name in re.findall(r'(?:src|href)="(/handset/[^"]+)"', answer.text):
        got = page.get(name)
        assert got.status_code == 200 and "://" not in got.text.replace("http://www.w3.org/2000/svg", "")


def test_news_tells_only_what_changed(page: httpx.Client) -> None:
    html = page.get("/handset").text
    run, count, phones = re.search(r'data-run="(\w+)" data-count="(\d+)" data-phones="([\d.]*)"', html).groups()  # type: ignore[union-attr]
    asked = {"run": run, "since": count, "phones": phones}
    assert page.get("/handset/news", params=asked).json()["texts"] == []
    page.post("/handset/texts", data={"number": SANA, "body": "ME"})
    told = page.get("/handset/news", params=asked).json()
    assert [text["phone"] for text in told["texts"]] == [1, 1] and ">ME</p>" in told["texts"][0]["html"]
    assert page.get("/handset/news", params=asked | {"since": told["count"]}).json()["texts"] == []
    assert page.get("/handset/news", params=asked | {"run": "another"}).json() == {"again": True}
    assert page.get("/handset/news", params=asked | {"phones": "1.99"}).json() == {"again": True}


def test_a_lossy_network_loses_texts_and_says_so(page: httpx.Client) -> None:
    page.post("/handset/conditions", data={"loss": "100", "delay": "0"})
    page.post("/handset/texts", data={"number": SANA, "body": "REPORT a lost report"})
    html = page.get("/handset").text
    page.post("/handset/conditions", data={"loss": "0"})
    assert "lost by the network" in html and html.count("REPORT a lost report") == 1


def test_the_log_holds_no_number_name_or_text(page: httpx.Client, data_folder: Path) -> None:
    page.post("/handset/texts", data={"number": SANA, "body": "JOIN Canaryname Lahore"})
    said = (data_folder / "gateway.log").read_text()
    assert "gateway_started" in said and "Canaryname" not in said and SANA not in said and "3000000101" not in said


def test_every_sample_text_is_the_command_it_shows() -> None:
    samples = tomllib.loads((resources.files("gateway.carriers.simulated") / "samples.toml").read_text("utf-8"))
    wanted = ["JOIN", "WHERE", "REPORT", "ME", "HELP", "STOP"]
    assert {
        language: [keywords.parse(text).name for text in texts] for language, texts in samples.items()
    } == dict.fromkeys(("en", "ur", "ur-Latn"), wanted)


def test_a_real_carrier_has_no_handset(tmp_path: Path) -> None:
    app = create_app(settings_for(f"sqlite:///{tmp_path / 'jalsa.db'}", carrier="twilio"))
    assert not [route for route in app.routes if "handset" in getattr(route, "path", "")]
    assert not hasattr(app.state, "handset")
