"""Members and inbox in a real browser: with script and without, on a phone and on a desk, in English and Urdu."""

import uuid
from pathlib import Path

import pytest
from playwright.sync_api import FilePayload, expect
from sqlalchemy import select

from gateway.database import reading
from gateway.service import Service
from gateway.tables import AuditEntry, Member, OutboundText, Report, Sender
from tests.console.conftest import OpenPage, Rally
from tests.console.ways import Visit, Way, in_every_way, in_opposite_ways
from tests.gateway.conftest import a_text

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


@in_every_way
def test_a_member_is_searched_and_read(talked: Rally, open_page: OpenPage, way: Way) -> None:
    visit = Visit(open_page("organiser", "/console/members", **way.look), way)
    visit.is_sound()
    visit.field("members.q").fill("zubai")
    visit.press("members.search")
    visit.page.get_by_role("link", name="Zubaida", exact=True).click()
    visit.reads_words("Zubaida")
    expect(visit.card("members.ledger").locator("blockquote").first).to_have_text("JOIN Zubaida Lahore NA-130 students")
    expect(visit.card("members.ledger")).to_contain_text(way.words("members.actions.join"))
    assert "3331110001" not in visit.page.content()
    visit.is_sound()
    visit.at("/console/members")
    visit.field("members.q").fill("nobody of this name")
    visit.press("members.search")
    expect(visit.page.locator(".empty")).to_contain_text(way.words("members.none_found_words"))
    visit.follow("members.all")
    expect(visit.page.locator("main tbody tr").first).to_be_visible()


@in_opposite_ways
def test_a_number_is_shown_for_a_reason(talked: Rally, open_page: OpenPage, way: Way) -> None:
    visit = Visit(open_page("organiser", "/console/members", **way.look), way)
    visit.field("members.q").fill("zubai")
    visit.press("members.search")
    visit.page.get_by_role("link", name="Zubaida", exact=True).click()
    visit.page.locator("main summary").filter(has_text=way.words("parts.reveal")).first.click()
    visit.field("parts.reveal_reason").fill(f"call back, {way}")
    visit.press("parts.reveal_do")
    expect(visit.page.locator("a.phone").first).to_contain_text("3331110001")
    with reading(talked.engine) as connection:
        kept = connection.execute(select(AuditEntry.detail).where(AuditEntry.action == "member.phone_shown")).scalars()
        assert any(f"call back, {way}" in str(detail) for detail in kept)


@in_every_way
def test_a_question_is_answered(talked: Rally, open_page: OpenPage, way: Way) -> None:
    asked = f"{QUESTION} {uuid.uuid4().hex[:6]}"
    said(talked, asked, "+923331110001")
    visit = Visit(open_page("organiser", "/console/inbox", **way.look), way)
    visit.page.locator(".threads .card", has_text=asked).get_by_role("link").first.click()
    expect(visit.page.locator(".theirs .said").last).to_have_text(asked)
    visit.is_sound()
    answer = f"At five. {uuid.uuid4().hex[:6]}"
    reply = visit.page.locator("#reply")
    visit.field("inbox.words", reply).fill(answer)
    if way.script:
        expect(visit.page.locator("output[data-parts]")).to_contain_text("GSM-7")
    else:
        visit.press("inbox.count", reply)
        expect(visit.page.locator("output[data-parts]")).to_have_text(way.any_words("inbox.counted"))
        expect(visit.field("inbox.words", reply)).to_have_value(answer)
    visit.press("inbox.send", reply)
    visit.is_told("inbox.sent")
    expect(visit.page.locator(".ours .said").last).to_have_text(answer)
    assert answer in _bodies_to(talked, "+923331110001")
    visit.field("inbox.note").fill(f"call her, {way}")
    visit.press("inbox.keep_note")
    visit.is_told("inbox.noted")
    expect(visit.card("inbox.notes")).to_contain_text(f"call her, {way}")
    visit.press("inbox.close")
    visit.is_told("inbox.closed")
    visit.press("inbox.reopen")
    visit.is_told("inbox.reopened")


@in_every_way
def test_a_question_becomes_a_report_and_is_handed_over(talked: Rally, open_page: OpenPage, way: Way) -> None:
    asked = f"my uncle feels unwell in the third row {uuid.uuid4().hex[:6]}"
    sender = f"+92333111010{way.number}"
    said(talked, asked, sender)
    visit = Visit(open_page("organiser", "/console/inbox", **way.look), way)
    visit.page.locator(".threads .card", has_text=asked).get_by_role("link").first.click()
    visit.press("inbox.make_report")
    with reading(talked.engine) as connection:
        ref = connection.execute(select(Report.ref).where(Report.text == asked)).scalar_one()
    visit.is_told("inbox.reported", ref=ref)
    assert any(ref in body for body in _bodies_to(talked, sender))
    visit.field("inbox.hand_to").select_option(label="Amna")
    visit.press("inbox.hand_over")
    visit.is_told("inbox.handed")
    expect(visit.page.locator("main .badge", has_text="Amna")).to_have_text(way.words("inbox.with", name="Amna"))
    visit.page.get_by_role("link", name=f"iReport {ref}").first.click()
    visit.reads_words(ref)
    expect(visit.page.locator("#rep-head .said")).to_have_text(asked)


def _bodies_to(rally: Rally, number: str) -> list[str]:
    with reading(rally.engine) as connection:
        theirs = select(OutboundText.body).join(Sender, Sender.id == OutboundText.sender_id).where(Sender.key == number)
        return list(connection.execute(theirs).scalars())


def test_a_new_text_comes_by_itself(talked: Rally, open_page: OpenPage) -> None:
    page = open_page("organiser", "/console/inbox")
    expect(page.locator(".threads")).to_be_visible()
    fresh = f"is there parking near the ground {uuid.uuid4().hex[:6]} ?"
    said(talked, fresh, "+923331110003")
    expect(page.locator(".threads")).to_contain_text(fresh)
    page.locator(".threads .card", has_text=fresh).get_by_role("link").first.click()
    page.locator("#f-words").first.fill("half a repl")
    again = f"hello {uuid.uuid4().hex[:6]} friends ?"
    said(talked, again, "+923331110003")
    expect(page.locator("#talk")).to_contain_text(again)
    expect(page.locator("#f-words").first).to_have_value("half a repl")  # what one types stays


@in_every_way
def test_a_file_is_looked_at_and_imported(talked: Rally, open_page: OpenPage, way: Way) -> None:
    number = f"0345{uuid.uuid4().int % 10**7:07}"
    rows = (
        "phone,name,city,consent_words,consent_at,consent_source\n"
        f"{number},<i>Nadia</i> Khan,Lahore,I agree,2026-01-02,form 1\n0300,Short,,,,\n"
    )
    visit = Visit(open_page("organiser", "/console/members", **way.look), way)
    visit.follow("members.import")
    file: FilePayload = {"name": "people.csv", "mimeType": "text/csv", "buffer": rows.encode()}
    visit.field("members.file").set_input_files(file)
    visit.press("members.import_look")
    visit.reads_words("people.csv")
    expect(visit.card("members.verdicts.refused")).to_contain_text(way.words("members.line", number=3))
    visit.is_sound()
    before = _members(talked)
    visit.press("members.import_do", n=1)
    visit.is_told("members.imported", n=1, changed=0)
    assert _members(talked) == [*before, "iNadiai Khan"]


@in_every_way
def test_members_are_exported_for_a_reason(talked: Rally, open_page: OpenPage, way: Way) -> None:
    visit = Visit(open_page("admin", "/console/members", **way.look), way)
    visit.follow("members.export")
    visit.field("members.rule").fill("city:lahor")
    visit.press("members.count")
    expect(
        visit.page.get_by_role("status").filter(has_text=way.any_words("members.counted", whole=False))
    ).to_be_visible()
    visit.field("members.rule").fill("all")
    visit.field("members.reason").fill(f"door list, {way}")
    visit.page.get_by_role("radio", name=way.words("members.kind_csv")).check()
    with visit.page.expect_download() as got:
        visit.press("members.export_do")
    content = Path(got.value.path()).read_text("utf-8-sig")
    assert "Zubaida" in content
    with reading(talked.engine) as connection:
        kept = connection.execute(select(AuditEntry.detail).where(AuditEntry.action.contains("export"))).scalars()
        assert any(f"door list, {way}" in str(detail) for detail in kept)


@in_opposite_ways
def test_an_answer_is_kept_ready_and_put_in(talked: Rally, open_page: OpenPage, way: Way) -> None:
    visit = Visit(open_page("organiser", "/console/inbox", **way.look), way)
    visit.follow("inbox.answers")
    title = f"When {uuid.uuid4().hex[:6]}"
    new = visit.card("inbox.answer_new")
    visit.field("inbox.answer_title", new).fill(title)
    visit.field("members.languages.en", new).fill(f"Dear {{name}}, at five, {title}.")
    visit.press("inbox.answer_save", new)
    visit.is_told("inbox.answer_saved")
    asked = f"{QUESTION} {uuid.uuid4().hex[:6]}"
    said(talked, asked, "+923331110001")
    visit.at("/console/inbox")
    visit.page.locator(".threads .card", has_text=asked).get_by_role("link").first.click()
    visit.field("inbox.canned").select_option(label=title)
    visit.press("inbox.put_in")
    expect(visit.field("inbox.words", visit.page.locator("#reply"))).to_have_value(f"Dear Zubaida, at five, {title}.")
    visit.at("/console/inbox/answers")
    mine = visit.page.locator("details.card").filter(has_text=title)
    mine.locator("summary").click()
    visit.press("inbox.answer_drop", mine)
    visit.is_told("inbox.answer_dropped")


@in_opposite_ways
def test_a_member_is_erased(talked: Rally, open_page: OpenPage, way: Way) -> None:
    name = "Gonay" + "abdefhik"[way.number] * 3
    said(talked, f"JOIN {name} Lahore", f"+92333111020{way.number}")
    visit = Visit(open_page("admin", "/console/members", **way.look), way)
    visit.field("members.q").fill(name)
    visit.press("members.search")
    visit.page.get_by_role("link", name=name, exact=True).click()
    visit.follow("members.erase")
    visit.is_sound()
    word = visit.page.locator("label[for=f-word] bdi").first.inner_text()
    visit.field("members.reason").fill("asked for it")
    visit.field("members.erase_type", word=word).fill(word)
    visit.press("members.erase_do")
    visit.is_told("members.erased")
    assert name not in _members(talked)


def _members(rally: Rally) -> list[str]:
    with reading(rally.engine) as connection:
        return list(connection.execute(select(Member.name).order_by(Member.sender_id)).scalars())
