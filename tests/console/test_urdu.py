"""Every page in Urdu, as a browser without script gets it: no sentence of it is in another language.

What stands in English by right says so: code and rules, the words of people, and what is marked with its language.
"""

import re
from collections.abc import Mapping
from html import unescape
from html.parser import HTMLParser

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import Engine, update

from gateway.console.access import Anybody
from gateway.console.say import load_wording
from gateway.database import writing
from gateway.tables import Staff
from tests.console.client import Browser, enter, inside
from tests.console.objects import NO_AREA, OBJECTS, a_member, an_event
from tests.console.test_matrix import _PARAMETER, routes

_PROSE = re.compile(r"[A-Za-z][a-z']*(?: [A-Za-z][a-z']*){2,}")
"""Three Latin words in a row: no name of a product or a word to text is so long."""
_ISOLATED = re.compile("\u2068[^\u2069]*\u2069")
_BY_RIGHT = {"code", "pre", "bdi", "textarea", "script", "style", "title", "option"}
_VOID = {"input", "br", "img", "meta", "link", "hr", "col", "wbr", "source"}


class _Prose(HTMLParser):
    """Gathers what is read in English although nothing says so."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[tuple[str, bool]] = []
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        for name in ("placeholder", "aria-label", "title", "alt"):
            self.found += _PROSE.findall(_ISOLATED.sub("", given.get(name) or ""))
        if tag not in _VOID:
            self.open.append((tag, tag in _BY_RIGHT or given.get("lang", "ur") != "ur"))

    def handle_endtag(self, tag: str) -> None:
        while self.open and self.open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        if not any(by_right for _, by_right in self.open):
            self.found += _PROSE.findall(data)


def english_in(html: str) -> list[str]:
    page = _Prose()
    page.feed(html)
    return page.found


@pytest.fixture
def amna(console: FastAPI, engine: Engine) -> Browser:
    """The admin, who reads Urdu."""
    with writing(engine) as connection:
        connection.execute(update(Staff.__table__).values(language="ur"))
    return inside(Browser(console), engine, "amna")


def _seen(html: str) -> str:
    """Return what is read on a page, between its head and its foot."""
    main = html.partition("<main")[2].partition("</main>")[0] or html
    return " ".join(unescape(re.sub(r"<[^>]+>", "", re.sub(r"</(p|li|td|th|h\d|div|label)>", " ", main))).split())


def _refused(browser: Browser, at: str, action: str, fields: Mapping[str, str], said: str) -> str:
    """Send a form of a page, with what cannot be; what comes back says so in Urdu, and nothing else."""
    page = browser.get(at)
    assert page.status_code == 200, at
    answer = browser.post(action, browser.form(action) | fields)
    if answer.status_code == 303:
        answer = browser.follow(answer)
    assert said in _seen(answer.text), at
    assert english_in(answer.text) == [], at
    return answer.text


def test_english_is_found_where_it_stands() -> None:
    assert english_in('<p>یہ صفحہ <b>is not yet said</b></p><input placeholder="Write the name here">') == [
        "is not yet said",
        "Write the name here",
    ]
    assert english_in('<p><code>city lahore and others</code> <span lang="en">as they said it</span></p>') == []


def test_no_page_has_a_sentence_of_english(console: FastAPI, engine: Engine, amna: Browser) -> None:
    """Every page that the application has, with an object where its address names one."""
    made: dict[str, dict[str, str]] = {}
    odd: dict[str, list[str]] = {}
    seen = 0
    for one in routes(console):
        if one.method != "GET" or one.live or isinstance(one.who[0], Anybody):
            continue
        values: Mapping[str, str] = {}
        if _PARAMETER.search(one.path):
            beginning = max((key for key in OBJECTS if one.path.startswith(key)), key=len)
            if beginning not in made and OBJECTS[beginning] is not NO_AREA:
                with writing(engine) as connection:
                    made[beginning] = dict(OBJECTS[beginning](connection))
            values = made.get(beginning, {})
        answer = amna.http.get(one.at(**values))
        if answer.headers.get("content-type", "").startswith("text/html"):
            assert 'lang="ur" dir="rtl"' in answer.text, one.path
            seen += answer.status_code == 200
            if found := english_in(answer.text):
                odd[one.path] = found
    assert odd == {}
    assert seen > 25


def _submitted(browser: Browser, at: str, action: str, fields: Mapping[str, str]) -> str:
    """Send a form of a page, and return what it led to, in Urdu alone."""
    page = browser.get(at)
    answer = browser.follow(browser.post(action, browser.form(action, page) | fields))
    assert answer.status_code == 200, (at, english_in(answer.text))
    assert english_in(answer.text) == [], at
    return answer.text


def test_signing_in_with_a_wrong_and_a_right_password(console: FastAPI, engine: Engine, amna: Browser) -> None:
    visitor = Browser(console)
    visitor.http.cookies.set("jalsa_language", "ur", domain="jalsa.example", path="/")
    wrong = visitor.sign_in("amna", "not-the-password-at-all")
    assert "لاگ ان یا پاس ورڈ غلط ہے۔" in wrong.text and english_in(wrong.text) == []
    assert visitor.get("/console/sign-in").status_code == 200
    enter(visitor, engine, "amna")
    first = visitor.get("/console/")
    assert "نشریات" in first.text and english_in(first.text) == []


_NEW = "/console/broadcasts/new"
_DRAFT = {"name": "Minar", "rule": "city:lahore", "text.en": "Come at five", "do": "save"}


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"rule": "city:lahore &", "do": "count"}, "قاعدہ وہاں ختم ہو گیا جہاں کوئی شرط ہونی چاہیے۔"),
        ({"rule": "city:lahore &", "do": "count"}, "حرف نمبر 14:"),
        ({"rule": "affinity:nobodies", "do": "count"}, "“nobodies” نام کا کوئی گروپ نہیں۔"),
        ({"rule": "city:lahor", "do": "count"}, "“lahor” سے Lahore سمجھا گیا۔"),
        ({"rule": "city:xyzzy", "do": "save"}, "شہر “xyzzy” درج نہیں۔"),
        ({"name": "!", "do": "save"}, "نشریات کا نام 1 سے 120 حروف کا ہو"),
        ({"hours": "late", "do": "save"}, "بھیجنے کے اوقات \u206609:00-21:00\u2069 کی طرح لکھیں، “late” نہیں۔"),
        ({"text.en": "Hello {who}", "do": "save"}, "{who} نہیں ہوتا"),
    ],
)
def test_what_a_broadcast_cannot_be(amna: Browser, fields: Mapping[str, str], said: str) -> None:
    _refused(amna, _NEW, _NEW, _DRAFT | fields, said)


def test_a_broadcast_from_draft_to_its_start(engine: Engine, amna: Browser) -> None:
    with writing(engine) as connection:
        for at in range(3):
            a_member(connection, "lahore", f"+92300111223{at}", f"Mehr {at}")
    page = amna.get(_NEW)
    answer = amna.post(_NEW, amna.form(_NEW, page) | _DRAFT)
    at = answer.headers["location"].partition("?")[0].partition("#")[0]
    _submitted(amna, at, f"{at}/preview", {})
    _submitted(amna, at, f"{at}/approve", {})
    past = {"repeat": "once", "day": "2020-01-01", "time": "18:00", "zone": "Asia/Karachi"}
    _refused(amna, at, f"{at}/schedule", past, "وہ وقت گزر چکا ہے۔")
    assert "شروع ہو گئی" in _submitted(amna, at, f"{at}/start", {})


def test_members_are_imported_and_exported(amna: Browser) -> None:
    at = "/console/members/import"
    text = "phone,name,city\n+923001119999,Sana,Lahore\n12,Bilal,Lahore\n"
    shown = amna.follow(_uploaded(amna, at, "members.csv", text.encode()))
    assert "رضامندی کا ثبوت چاہیے" in _seen(shown.text)
    assert "فون نمبر" in _seen(shown.text)
    assert english_in(shown.text) == []
    old = _uploaded(amna, at, "members.xls", b"\xd0\xcf\x11\xe0" + b"\x00" * 40)
    assert "یہ پرانی Excel فائل" in _seen(old.text) and english_in(old.text) == []
    export = "/console/members/export"
    _refused(amna, export, export, {"rule": "city:", "reason": "list", "kind": "csv"}, "کے بعد قدر ہونی چاہیے۔")


def test_pick_up_points_are_added_and_imported(engine: Engine, amna: Browser) -> None:
    with writing(engine) as connection:
        an_event(connection, "minar", 31.59, 74.31)
    new = "/console/pickups/new"
    typed = {"name": "Kalma Chowk", "city": "Lahore", "position": "31.504,74.332", "departures": "25:99", "seats": "x"}
    _refused(amna, f"{new}?event=minar", new, typed, "“x” نشستوں کی تعداد نہیں۔")
    added = _submitted(amna, f"{new}?event=minar", new, typed | {"departures": "", "seats": ""})
    assert "<bdi>لاہور</bdi>" in added, "a city has its name in Urdu"
    text = "name,lat,lon,city\nLiberty,74.3,31.5,Lahore\n"
    shown = _uploaded(amna, "/console/pickups/import?event=minar", "points.csv", text.encode(), event="minar")
    assert "الٹے لگتے ہیں" in _seen(shown.text) and english_in(shown.text) == []


_SETTINGS = "/console/settings"


@pytest.mark.parametrize(
    ("page", "action", "fields", "said"),
    [
        ("/vocabulary?command=JOIN", "/vocabulary", {"word": "lahore", "language": "en"}, "جگہ Lahore"),
        ("/vocabulary?command=JOIN", "/vocabulary", {"word": "stop bhai", "language": "en"}, "پیغام بند کرانے کی بات"),
        ("/replies/en/joined", "/replies/en/joined", {"text": "Hello {who"}, "قوسین کے ساتھ لکھیں۔"),
        ("/groups/new", "/groups/new", {"key": "Not A Key"}, "چھوٹے لاطینی حروف"),
        ("/events/new", "/events/new", {"key": "eid", "name": "Eid", "at": "somewhere"}, "نقشے کا لنک چسپاں کریں۔"),
        ("/keys/new", "/keys/new", {"name": "Not A Name", "scope": "texts:read"}, "چھوٹے لاطینی حروف"),
        ("/keys/new", "/keys/new", {"name": "app"}, "کلید کو کم از کم ایک اجازت دیں"),
    ],
)  # fmt: skip
def test_what_a_setting_cannot_be(amna: Browser, page: str, action: str, fields: Mapping[str, str], said: str) -> None:
    _refused(amna, _SETTINGS + page, _SETTINGS + action, fields, said)


def test_a_report_is_noted_moved_and_refused(engine: Engine, amna: Browser) -> None:
    with writing(engine) as connection:
        values = OBJECTS["/console/reports"](connection)
    at = f"/console/reports/{values['ref']}"
    _submitted(amna, at, f"{at}/note", {"note": "seen"})
    _refused(amna, at, f"{at}/note", {"note": ""}, "لکھیں کہ نوٹ میں کیا ہو۔")
    _refused(amna, at, f"{at}/merge", {"into": "????"}, "درست نمبر نہیں")


def test_a_thread_of_the_inbox_is_answered(engine: Engine, amna: Browser) -> None:
    with writing(engine) as connection:
        values = OBJECTS["/console/inbox"](connection)
    at = f"/console/inbox/{next(iter(values.values()))}"
    _submitted(amna, at, f"{at}/note", {"words": "call her"})
    _refused(amna, at, f"{at}/reply", {"words": "", "act": "send"}, load_wording().say_raw("ur", "inbox.problem.empty"))


def _uploaded(browser: Browser, at: str, name: str, raw: bytes, **more: str) -> httpx.Response:
    page = browser.get(at)
    action = at.partition("?")[0]
    fields = browser.form(action, page) | more
    sent = {"origin": browser.address, "sec-fetch-site": "same-origin", "referer": str(page.url)}
    return browser.http.post(action, data=fields, files={"file": (name, raw)}, headers=sent)
