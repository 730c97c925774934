"""The members' pages over HTTP, on both databases."""

import csv
import io
import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from openpyxl import load_workbook
from sqlalchemy import Engine, select, update

from gateway.accounts.areas import Areas
from gateway.database import reading, writing
from gateway.members.terms import Findable, write_terms
from gateway.pipeline import Pipeline
from gateway.settings import Settings
from gateway.tables import AuditEntry, Member, MemberImport, Sender, StaffSession
from tests.console.client import Browser, enter, make_staff
from tests.gateway.conftest import a_text

HOSTILE = ("<script>alert(1)</script>", "'; DROP TABLE members; --", "=1+1", "\u202egnp.exe", "Ali\nINFO forged")
PATH = "/console/members"


def text(console: FastAPI, body: str, sender: str = "+923001234501") -> None:
    console.state.service.record([a_text(body, sender)])


def rename(engine: Engine, key: str, name: str) -> None:
    with writing(engine) as connection:
        number = connection.execute(select(Sender.id).where(Sender.key == key)).scalar_one()
        connection.execute(update(Member).where(Member.sender_id == number).values(name=name))
        with Pipeline(connection) as pipeline:
            write_terms(pipeline, [Findable(number, key, name)])


def person(page: Any, name: str) -> str:
    found = re.search(rf'href="(/console/members/[0-9a-z]{{8}})"><b><bdi>{re.escape(name)}', page.text)
    assert found, page.text
    return found[1]


def audited(engine: Engine) -> list[tuple[str, str, Any]]:
    with reading(engine) as connection:
        rows = connection.execute(select(AuditEntry.__table__).order_by(AuditEntry.seq))
        return [(row.action, row.subject, json.loads(row.detail)) for row in rows if row.action.startswith("member")]


def search(browser: Browser, q: str = "", city: str = "") -> Any:
    browser.get(PATH)
    return browser.follow(browser.submit(f"{PATH}/search", q=q, city=city))


def test_search_by_name_number_and_city_leaves_nothing_in_the_address(console: FastAPI, as_organiser: Browser) -> None:
    text(console, "JOIN Ali Raza Lahore")
    text(console, "JOIN Sana Multan", "+923009994502")
    for asked, shown in (({"q": "raza"}, "Ali Raza"), ({"q": "4502"}, "Sana"), ({"city": "ملتان"}, "Sana")):
        found = search(as_organiser, **asked)
        assert shown in found.text
        assert ("Sana" in found.text) != ("Ali Raza" in found.text)
        assert "raza" not in str(found.url)
    for typed in ("+92300•••4501", "+۹۲۳۰۰•••۴۵۰۱", "92300***4501"):
        found = search(as_organiser, q=typed)
        assert "Ali Raza" in found.text and "Sana" not in found.text, typed
    whole = search(as_organiser, q="0300 1234501")
    assert whole.url.path.startswith(PATH + "/")
    assert "1234501" not in str(whole.url)
    assert "+92300•••4501" in whole.text
    assert "1234501" not in whole.text
    for typed, said in (("1", "at least two digits"), ("0300 9999999", "Nobody"), ("12345678", "no phone number")):
        as_organiser.get(PATH)
        refused = as_organiser.submit(f"{PATH}/search", q=typed, city="")
        assert refused.status_code in (404, 422)
        assert said in refused.text
        assert "9999999" not in refused.text
    assert as_organiser.get(f"{PATH}?find=nonsense").status_code == 200


def test_one_persons_whole_story(console: FastAPI, as_organiser: Browser) -> None:
    for body in (
        "JOIN Ali Lahore NA-130 students",
        "CITY Multan",
        "REPORT no water at gate 3",
        "STOP students",
        "hello",
    ):
        text(console, body)
    page = as_organiser.get(person(as_organiser.get(PATH), "Ali"))
    for shown in ("JOIN Ali Lahore NA-130 students", "joined/en", "no water at gate 3", "lahore", "multan", "students",
                  "iReport", "hello", "affinity:students"):  # fmt: skip
        assert shown in page.text, shown


def test_a_number_is_shown_for_a_reason_and_that_is_on_record(
    console: FastAPI, engine: Engine, as_organiser: Browser
) -> None:
    text(console, "JOIN Ali Lahore")
    at = person(as_organiser.get(PATH), "Ali")
    assert "1234501" not in as_organiser.get(at).text
    refused = as_organiser.submit(f"{at}/reveal", reason="")
    assert refused.status_code == 422 and "1234501" not in refused.text
    as_organiser.get(at)
    shown = as_organiser.submit(f"{at}/reveal", reason="to call about the bus")
    assert "+923001234501" in shown.text
    [(action, subject, detail)] = audited(engine)
    assert (action, detail) == ("member.phone_shown", {"reason": "to call about the bus"})
    assert "1234501" not in subject


def test_bounds_hold_on_every_page(console: FastAPI, engine: Engine, settings: Settings) -> None:
    make_staff(engine, settings, "lala", "organiser", areas=Areas.of(["lahore"]))
    bound = enter(Browser(console), engine, "lala")
    text(console, "JOIN Ali Lahore")
    text(console, "JOIN Sana Multan", "+923009994502")
    every = enter(Browser(console), engine, "amna")
    theirs = person(every.get(PATH), "Sana")
    page = bound.get(PATH)
    assert "Ali" in page.text and "Sana" not in page.text
    assert bound.get(theirs).status_code == 404
    assert bound.get(f"/console/inbox/{theirs.rpartition('/')[2]}").status_code == 404
    assert "Sana" not in search(bound, q="sana").text
    bound.get(PATH)
    assert bound.submit(f"{PATH}/search", q="03009994502", city="").status_code == 404
    bound.get(f"{PATH}/export")
    file = bound.submit(f"{PATH}/export", rule="all", reason="a list", kind="csv", act="file")
    rows = list(csv.reader(io.StringIO(file.content.decode("utf-8-sig"))))
    assert [row[1] for row in rows[1:]] == ["Ali"]


def test_field_staff_see_no_members(as_field: Browser) -> None:
    for path in (PATH, f"{PATH}/import", f"{PATH}/export", f"{PATH}/00000000", "/console/inbox"):
        assert as_field.get(path).status_code == 403


def test_exports_hold_every_name_and_are_on_record(console: FastAPI, engine: Engine, as_organiser: Browser) -> None:
    for number, name in enumerate(HOSTILE):
        text(console, "JOIN Ali Lahore", f"+92300123450{number}")
        rename(engine, f"+92300123450{number}", name)
    text(console, "JOIN Sana Multan", "+923009994502")
    as_organiser.get(f"{PATH}/export")
    counted = as_organiser.submit(f"{PATH}/export", rule="city:lahore", act="count")
    assert "<bdi>5</bdi> members" in counted.text
    for kind in ("csv", "xlsx"):
        as_organiser.get(f"{PATH}/export")
        file = as_organiser.submit(f"{PATH}/export", rule="city:lahore", reason="door list", kind=kind, act="file")
        assert file.status_code == 200
        if kind == "csv":
            rows = list(csv.reader(io.StringIO(file.content.decode("utf-8-sig"), newline="")))
            assert [
                row[1].removeprefix("'=").replace("1+1", "=1+1") if "1+1" in row[1] else row[1] for row in rows[1:]
            ] == list(HOSTILE)
        else:
            names = [row[1].value for row in load_workbook(io.BytesIO(file.content)).active.iter_rows(min_row=2)]
            assert names == list(HOSTILE)
    details = [detail for action, _, detail in audited(engine) if action == "members.exported"]
    assert [(one["rule"], one["members"], one["kind"]) for one in details] == [
        ("city:lahore", 5, "csv"), ("city:lahore", 5, "xlsx")
    ]  # fmt: skip
    for fields, said in (({"rule": "citty:x"}, "citty"), ({"reason": ""}, "three letters")):
        as_organiser.get(f"{PATH}/export")
        given = {"rule": "all", "reason": "door list", "kind": "csv", "act": "file"} | fields
        refused = as_organiser.submit(f"{PATH}/export", **given)
        assert refused.status_code == 422 and said in refused.text


def stale(engine: Engine) -> None:
    with writing(engine) as connection:
        connection.execute(update(StaffSession).values(fresh_at=datetime.now(UTC) - timedelta(hours=1)))


def test_a_large_export_asks_again_who_it_is(console: FastAPI, engine: Engine, as_organiser: Browser) -> None:
    text(console, "JOIN Ali Lahore")
    object.__setattr__(console.state.service.settings, "export_step_up_above", 0)
    as_organiser.get(f"{PATH}/export")
    stale(engine)
    asked = as_organiser.submit(f"{PATH}/export", rule="city:lahore", reason="door list", kind="csv", act="file")
    assert asked.status_code == 303
    to = asked.headers["location"]
    assert to.startswith("/console/again?next=/console/members/export")
    assert audited(engine) == []
    back = as_organiser.get(to.partition("next=")[2].replace("%3F", "?").replace("%3D", "="))
    assert "door list" in back.text and "city:lahore" in back.text


def test_an_export_up_to_the_set_size_asks_nothing_again(
    console: FastAPI, engine: Engine, as_organiser: Browser
) -> None:
    text(console, "JOIN Ali Lahore")
    object.__setattr__(console.state.service.settings, "export_step_up_above", 1)
    for members, status in ((1, 200), (2, 303)):
        if members == 2:
            text(console, "JOIN Sana Lahore", "+923009994502")
        as_organiser.get(f"{PATH}/export")
        stale(engine)
        asked = as_organiser.submit(f"{PATH}/export", rule="city:lahore", reason="a list", kind="csv", act="file")
        assert asked.status_code == status


HEADING = "phone,name,city,consent_words,consent_at,consent_source\n"


def upload(browser: Browser, content: bytes, name: str = "a.csv") -> Any:
    browser.get(f"{PATH}/import")
    fields = browser.form(f"{PATH}/import")
    return browser.http.post(
        f"{PATH}/import", data=fields, files={"file": (name, content)},
        headers={"origin": browser.address, "sec-fetch-site": "same-origin"},
    )  # fmt: skip


def test_an_import_is_looked_at_first_and_done_once(console: FastAPI, engine: Engine, as_organiser: Browser) -> None:
    file = HEADING + "03001234501,Ali <b>,Lahore,I agree,2026-01-02,form 1\n0300,Sana,Lahore,,,\n"
    to = upload(as_organiser, file.encode(), "=names\n.csv")
    assert to.status_code == 303
    at = to.headers["location"]
    page = as_organiser.get(at)
    assert "Line <bdi>3</bdi>" in page.text and "<b>Ali" not in page.text
    with reading(engine) as connection:
        row = connection.execute(select(MemberImport.__table__)).one()
        assert "Lahore" not in row.content  # sealed
        assert connection.execute(select(Member.sender_id)).all() == []
    form = as_organiser.form(at)
    done = as_organiser.follow(as_organiser.post(at, form))
    again = as_organiser.follow(as_organiser.post(at, form))
    assert "<bdi>1</bdi> new members" in done.text
    assert "already" in again.text
    assert "Ali" in as_organiser.get(PATH).text
    with reading(engine) as connection:
        row = connection.execute(select(MemberImport.__table__)).one()
    assert (row.state, row.content, row.counts["new"], row.counts["refused"]) == ("done", None, 1, 1)
    assert [action for action, _, _ in audited(engine)] == ["members.imported"]


def test_files_that_cannot_be_read_are_told_in_a_sentence(as_organiser: Browser) -> None:
    for content, said in ((b"PK\x03\x04 x", "no XLSX"), (b"\xff\xfea", "UTF-16"), ("é".encode("latin-1"), "UTF-8")):
        answer = upload(as_organiser, content)
        assert answer.status_code == 422
        assert said in answer.text
    page = as_organiser.get(upload(as_organiser, b"").headers["location"])
    assert "must name the columns" in page.text


def test_nobody_sees_a_colleagues_file(console: FastAPI, as_organiser: Browser, as_admin: Browser) -> None:
    at = upload(as_organiser, HEADING.encode()).headers["location"]
    assert as_organiser.get(at).status_code == 200
    assert as_admin.get(at).status_code == 404
    as_organiser.get(at)
    assert as_organiser.submit(f"{at}/drop").status_code == 303
    assert "forgotten" in as_organiser.get(at).text


def test_an_admin_erases_after_typing_the_word(console: FastAPI, engine: Engine, as_admin: Browser) -> None:
    text(console, "JOIN Ali Lahore")
    at = person(as_admin.get(PATH), "Ali")
    as_admin.get(f"{at}/erase")
    assert as_admin.submit(f"{at}/erase", word="yes", reason="asked by letter").status_code == 422
    as_admin.get(f"{at}/erase")
    form = as_admin.form(f"{at}/erase") | {"word": "erase", "reason": "asked by letter"}
    done = as_admin.follow(as_admin.post(f"{at}/erase", form))
    assert "was removed" in done.text and "Ali" not in done.text
    assert as_admin.get(at).status_code == 404
    assert audited(engine)[0][0] == "member.erased"
    assert "1234501" not in str(audited(engine))


def test_erase_is_the_admins_and_wants_a_fresh_sign_in(
    console: FastAPI, engine: Engine, as_admin: Browser, as_organiser: Browser
) -> None:
    text(console, "JOIN Ali Lahore")
    at = person(as_admin.get(PATH), "Ali")
    assert as_organiser.get(f"{at}/erase").status_code == 403
    stale(engine)
    assert as_admin.get(f"{at}/erase").headers["location"].startswith("/console/again")


@pytest.mark.parametrize("name", HOSTILE)
def test_every_name_is_only_a_name(console: FastAPI, engine: Engine, as_organiser: Browser, name: str) -> None:
    text(console, "JOIN Ali Lahore")
    text(console, f"what about {name} then friends ?")
    rename(engine, "+923001234501", name)
    at = "/console/members/" + re.findall(r'href="/console/members/([0-9a-z]{8})"', as_organiser.get(PATH).text)[0]
    for path in (PATH, at, "/console/inbox", at.replace("members", "inbox")):
        page = as_organiser.get(path)
        assert page.status_code == 200
        assert "<script>alert" not in page.text
        assert "<bdi>" in page.text
