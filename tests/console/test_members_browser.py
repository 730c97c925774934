"""Members and inbox in a real browser: with script and without, on a phone and on a desk, in English and Urdu."""

import uuid
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

from gateway.database import reading
from gateway.service import Service
from gateway.tables import Member
from tests.console.conftest import OpenPage, Rally, check_page
from tests.gateway.conftest import a_text

LOOKS = [
    pytest.param({"phone": False, "script": True, "language": "en"}, id="desk-en"),
    pytest.param({"phone": True, "script": True, "language": "ur"}, id="phone-ur"),
    pytest.param({"phone": True, "script": False, "language": "en"}, id="phone-en-plain"),
    pytest.param({"phone": False, "script": False, "language": "ur"}, id="desk-ur-plain"),
]
QUESTION = "When does the speech begin on Sunday?"
URDU = "تقریر کب شروع ہو گی بھائی جان؟"


def said(rally: Rally, body: str, sender: str) -> None:
    service = Service(rally.settings)
    service.record([a_text(body, sender, carrier="simulated", carrier_id=uuid.uuid4().hex)])
    service.close()


@pytest.fixture(scope="session")
def talked(rally: Rally) -> Rally:
    said(rally, "JOIN Zubaida Lahore NA-130 students", "+923331110001")
    said(rally, QUESTION, "+923331110001")
    said(rally, "شامل فرحت ملتان", "+923331110002")
    said(rally, URDU, "+923331110002")
    return rally


def _check(page: Page, look: dict[str, object]) -> None:
    """Without its scripts a page cannot be asked; it is the same page."""
    if look["script"]:
        check_page(page)


@pytest.mark.parametrize("look", LOOKS)
def test_a_member_is_searched_and_read(talked: Rally, open_page: OpenPage, look: dict[str, object]) -> None:
    page = open_page("organiser", "/console/members", **look)
    _check(page, look)
    page.locator("#f-q").fill("zubai")
    page.locator("form[role=search] button").click()
    page.get_by_role("link", name="Zubaida").click()
    expect(page.locator("h1")).to_have_text("Zubaida")
    expect(page.locator("blockquote").first).to_have_text("JOIN Zubaida Lahore NA-130 students")
    assert "3331110001" not in page.content()
    _check(page, look)


@pytest.mark.parametrize("look", LOOKS)
def test_a_question_is_answered(talked: Rally, open_page: OpenPage, look: dict[str, object]) -> None:
    asked = f"{QUESTION} {uuid.uuid4().hex[:6]}"
    said(talked, asked, "+923331110001")
    page = open_page("organiser", "/console/inbox", **look)
    _check(page, look)
    page.locator(".threads .card", has_text=asked).get_by_role("link").first.click()
    expect(page.locator(".theirs .said").last).to_have_text(asked)
    _check(page, look)
    answer = f"At five. {uuid.uuid4().hex[:6]}"
    page.locator("#f-words").first.fill(answer)
    if look["script"]:
        expect(page.locator("output[data-parts]")).to_contain_text("GSM-7")
    page.locator("#reply form[method=post] button").last.click()
    expect(page.locator(".notice.good")).to_be_visible()
    expect(page.locator(".ours .said").last).to_have_text(answer)


def test_a_new_text_comes_by_itself(talked: Rally, open_page: OpenPage) -> None:
    page = open_page("organiser", "/console/inbox")
    expect(page.locator(".threads")).to_be_visible()
    fresh = f"is there parking near the ground {uuid.uuid4().hex[:6]} ?"
    said(talked, fresh, "+923331110003")
    expect(page.locator(".threads")).to_contain_text(fresh, timeout=8_000)
    page.locator(".threads .card", has_text=fresh).get_by_role("link").first.click()
    page.locator("#f-words").first.fill("half a repl")
    again = f"hello {uuid.uuid4().hex[:6]} friends ?"
    said(talked, again, "+923331110003")
    expect(page.locator("#talk")).to_contain_text(again, timeout=8_000)
    expect(page.locator("#f-words").first).to_have_value("half a repl")  # what one types stays


@pytest.mark.parametrize("look", LOOKS)
def test_a_file_is_looked_at_and_imported(
    talked: Rally, open_page: OpenPage, tmp_path: Path, look: dict[str, object]
) -> None:
    number = f"0345{uuid.uuid4().int % 10**7:07}"
    file = tmp_path / "people.csv"
    file.write_text(
        "phone,name,city,consent_words,consent_at,consent_source\n"
        f"{number},<i>Nadia</i> Khan,Lahore,I agree,2026-01-02,form 1\n0300,Short,,,,\n",
        "utf-8",
    )
    page = open_page("organiser", "/console/members/import", **look)
    _check(page, look)
    page.locator("#f-file").set_input_files(file)
    page.locator("main form button").first.click()
    expect(page.locator("h1")).to_have_text("people.csv")
    _check(page, look)
    page.locator("main form.act button").first.click()
    expect(page.locator(".notice.good")).to_be_visible()
    with reading(talked.engine) as connection:
        assert (
            connection.execute(select(Member.name).order_by(Member.sender_id.desc()).limit(1)).scalar()
            == "iNadiai Khan"
        )


@pytest.mark.parametrize("look", LOOKS[:2])
def test_the_other_pages_stand(talked: Rally, open_page: OpenPage, look: dict[str, object]) -> None:
    page = open_page("admin", "/console/members/export", **look)
    _check(page, look)
    with page.expect_download() as got:
        page.locator("#f-reason").fill("door list")
        page.locator("button[value=file]").click()
    assert Path(got.value.path()).read_bytes().startswith(b"PK")
    page.goto("/console/inbox/answers")
    page.locator("#t-new").fill(f"When {uuid.uuid4().hex[:6]}")
    page.locator("#w-new-en").fill("Dear {name}, at five.")
    page.locator("form").last.locator("button").last.click()
    expect(page.locator(".notice.good")).to_be_visible()
    _check(page, look)
    page.goto("/console/members")
    page.locator("td a").first.click()
    page.get_by_role("link", name="Erase this person" if look["language"] == "en" else "مٹائیں").click()
    _check(page, look)
