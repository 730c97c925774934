"""The report pages in a real browser: phone and desktop, English and Urdu, with scripts and without, on a bad link."""

import time
from collections.abc import Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import expect
from sqlalchemy import insert, select, update

from gateway.database import reading, writing
from gateway.reports.clusters import propose_clusters
from gateway.service import Service, utc_now
from gateway.tables import OutboundText, Report, Staff, StaffDuty
from tests.console.conftest import OpenPage, Rally, check_page
from tests.console.ways import WAYS, Visit, Way, in_every_way, in_opposite_ways
from tests.gateway.conftest import a_text
from tests.reports.test_conversation import ref_in, report

PATH = "/console/reports"
SAID = (
    "a man fainted at gate 2",
    "people are being crushed at the stage",
    "no drinking water at gate 3",
    "no water at gate 3 please send",
    "سٹیج کے پاس پانی نہیں ہے",
    "speaker broken at block C",
    "bus not coming at Kalma Chowk Metro Station",
    "lost child <b>Ali</b> \u202egreen shirt\nnear the tent",
    "mera bhai gum ho gaya gate 4",
    "toilets are very dirty at gate 1",
)


@pytest.fixture(scope="module")
def service(rally: Rally) -> Iterator[Service]:
    made = Service(rally.settings)
    yield made
    made.close()


@pytest.fixture(scope="module")
def refs(service: Service) -> list[str]:
    """Reports as people would text them."""
    found = []
    for n, words in enumerate(SAID):
        [answer] = service.record([a_text(f"REPORT {words}", f"+9230055500{n:02}", carrier="simulated")])
        assert answer is not None
        found.append(ref_in(answer.body))
    propose_clusters(service.engine, utc_now())
    with writing(service.engine) as connection:
        for n, ref in enumerate(found):
            connection.execute(update(Report).where(Report.ref == ref).values(lat=31.5925 + n * 0.0007, lon=74.3095))
    return found


def fresh(service: Service, words: str, phone: str) -> str:
    [answer] = service.record([a_text(f"REPORT {words}", phone, carrier="simulated")])
    assert answer is not None
    return ref_in(answer.body)


@pytest.mark.parametrize("language", ["en", "ur"])
@pytest.mark.parametrize("phone", [True, False], ids=["phone", "desktop"])
def test_the_pages_are_sound(open_page: OpenPage, refs: list[str], language: str, phone: bool) -> None:
    page = open_page("organiser", PATH, phone=phone, language=language)
    check_page(page)
    page.locator("#rep-filter summary").click()
    check_page(page)
    page.goto(f"{PATH}/{refs[2]}")
    check_page(page)
    page.goto(f"{PATH}/duty")
    check_page(page)


@in_every_way
def test_a_report_is_taken_noted_and_solved(open_page: OpenPage, service: Service, refs: list[str], way: Way) -> None:
    ref = fresh(service, "generator smells of smoke at gate 5", f"+9230055511{way.number:02}")
    visit = Visit(open_page("field", PATH, **way.look), way)
    visit.page.locator(".reps a").filter(has_text=ref).click()
    visit.reads_words(ref)
    thumb = visit.page.locator(".thumb")
    take = visit.button("reports.take")
    box = take.bounding_box()
    assert box is not None
    if way.phone:
        assert box["height"] >= 48 and box["width"] >= 120
        assert 740 - 64 - 140 < box["y"] + box["height"] <= 740 - 64  # above the menu, where a thumb is
    take.click()
    visit.is_told("reports.did.taken", ref=ref)
    assert report(service, ref).state == "in_progress"
    visit.field("reports.note_words").fill(f"the tank is half full, {way}")
    visit.press("reports.note_keep")
    visit.is_told("reports.did.noted", ref=ref)
    line = visit.page.locator("#rep-timeline li.note")
    expect(line).to_contain_text(f"the tank is half full, {way}")
    expect(line).to_contain_text(way.words("reports.entry.note"))
    visit.field("reports.reply_words").fill(f"Somebody is on the way, {way}")
    visit.press("reports.send")
    visit.is_told("reports.did.replied", ref=ref, n=1)
    assert f"Somebody is on the way, {way}" in _last_text_about(service, ref)
    visit.press("reports.done", thumb)
    visit.is_told("reports.did.done", ref=ref)
    expect(visit.button("reports.reopen", thumb)).to_be_visible()
    assert report(service, ref).state == "resolved"


@in_opposite_ways
def test_a_report_is_given_put_right_moved_and_merged(
    open_page: OpenPage, service: Service, refs: list[str], way: Way
) -> None:
    ref = fresh(service, "the speaker at block C is silent", f"+9230055512{way.number + 10}")
    visit = Visit(open_page("organiser", f"{PATH}/{ref}", **way.look), way)
    visit.field("reports.somebody_else").select_option("farah")
    visit.press("reports.assign")
    visit.is_told("reports.did.assigned", ref=ref, name="farah")
    visit.unfold("reports.correct")
    visit.field("reports.urgency_of").select_option("2")
    visit.press("reports.correct_do")
    visit.is_told("reports.did.corrected", ref=ref)
    assert (report(service, ref).urgency, report(service, ref).state) == (2, "assigned")
    visit.unfold("reports.move")
    visit.field("reports.move_to").select_option("acknowledged")
    visit.press("reports.move_do")
    visit.is_told("reports.did.moved", ref=ref)
    assert report(service, ref).state == "acknowledged"
    visit.unfold("reports.merge")
    visit.field("reports.merge_into").fill("????")
    visit.press("reports.merge_do")
    expect(visit.page.get_by_role("alert")).to_be_visible()
    visit.field("reports.merge_into").fill(refs[5])
    visit.press("reports.merge_do")
    visit.is_told("reports.did.merged", ref=ref)
    assert report(service, ref).state == "duplicate"
    visit.at(f"{PATH}/{ref}")
    visit.unfold("reports.merge")
    visit.press("reports.split")
    visit.is_told("reports.did.split", ref=ref)
    assert report(service, ref).state != "duplicate"


def _last_text_about(service: Service, ref: str) -> str:
    with reading(service.engine) as connection:
        mine = select(OutboundText.body).where(OutboundText.body.contains(ref)).order_by(OutboundText.id.desc())
        return str(connection.execute(mine).scalars().first())


def _on_duty(rally: Rally, login: str) -> bool:
    with reading(rally.engine) as connection:
        mine = select(StaffDuty.on_duty).join(Staff, Staff.id == StaffDuty.staff_id).where(Staff.login == login)
        return bool(connection.execute(mine).scalar())


@in_opposite_ways
def test_field_staff_go_on_duty_and_off(open_page: OpenPage, rally: Rally, way: Way) -> None:
    visit = Visit(open_page("field", PATH, **way.look), way)
    visit.follow("reports.duty")
    visit.press("reports.go_on")
    visit.is_told("reports.did.on_duty", name="Farah")
    assert _on_duty(rally, "farah")
    visit.press("reports.go_off")
    visit.is_told("reports.did.off_duty", name="Farah")
    assert not _on_duty(rally, "farah")


def test_a_new_report_appears_by_itself(open_page: OpenPage, service: Service, refs: list[str]) -> None:
    page = open_page("field", f"{PATH}?place=gate+77", phone=True)
    expect(page.get_by_text("No report fits")).to_be_visible()
    page.wait_for_timeout(300)
    ref = fresh(service, "no water at gate 77", "+923005551200")
    expect(page.locator("#rep-rows").get_by_text(ref)).to_be_visible()
    page.goto(f"{PATH}/{ref}")
    service.record([a_text("the tanker left too", "+923005551200", carrier="simulated")])
    expect(page.locator("#rep-timeline").get_by_text("the tanker left too")).to_be_visible()


@pytest.mark.parametrize("way", [way for way in WAYS if not way.script], ids=str)
def test_without_scripts_a_link_loads_again(open_page: OpenPage, refs: list[str], way: Way) -> None:
    visit = Visit(open_page("field", f"{PATH}?category=water", **way.look), way)
    visit.follow("reports.reload")
    assert visit.page.url.endswith("?category=water")
    assert refs[2] in visit.page.content()


@in_opposite_ways
def test_filtering_by_form_makes_an_address_to_keep(open_page: OpenPage, refs: list[str], way: Way) -> None:
    visit = Visit(open_page("organiser", PATH, **way.look), way)
    visit.unfold("reports.filter")
    visit.field("reports.category_of").select_option("toilets")
    visit.press("reports.show")
    expect(visit.page.locator(".reps li")).to_have_count(1)
    assert "category=toilets" in visit.page.url
    counts = visit.page.locator("#rep-counts")
    expect(counts).to_contain_text(way.any_words("reports.hidden", whole=False))
    visit.follow("reports.show_all", counts)
    assert visit.page.url.endswith(PATH)


def test_the_map_comes_when_asked_for_and_from_us(open_page: OpenPage, refs: list[str]) -> None:
    page = open_page("field", f"{PATH}/{refs[0]}", phone=True)
    assert not page.evaluate("typeof L !== 'undefined'")
    page.get_by_role("button", name="Show the map").click()
    expect(page.locator("#rep-map[data-drawn]")).to_be_visible()
    assert page.locator("#rep-map path").count() == len(refs)
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0


def test_the_parts_are_counted_while_writing(open_page: OpenPage, refs: list[str]) -> None:
    page = open_page("field", f"{PATH}/{refs[5]}", phone=True)
    page.get_by_label("Your words").fill("we are coming")
    expect(page.locator("#parts")).to_contain_text("part for each phone")


def test_hostile_words_stay_words(open_page: OpenPage, refs: list[str]) -> None:
    page = open_page("organiser", f"{PATH}/{refs[7]}")
    said = page.locator("#rep-head .said").inner_text()
    assert said == "lost child <b>Ali</b> \u202egreen shirt\nnear the tent"


def test_the_queue_on_a_throttled_2g_link(open_page: OpenPage, rally: Rally, service: Service, refs: list[str]) -> None:
    _many(rally, 60)
    page = open_page("field", "/console/account", phone=True)
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    session.send("Network.clearBrowserCache")
    session.send("Network.setCacheDisabled", {"cacheDisabled": True})
    link = {"offline": False, "latency": 300, "downloadThroughput": 250_000 / 8, "uploadThroughput": 50_000 / 8}
    session.send("Network.emulateNetworkConditions", link)
    began = time.monotonic()
    page.goto(f"{PATH}", wait_until="commit")
    page.locator(".reps li").nth(49).wait_for(state="visible")
    page.locator(".reps a").first.click(trial=True)
    took = time.monotonic() - began
    print(f"the queue of 50 rows on 250 kbit/s was usable after {took:.1f} s")
    assert took < 5


def _many(rally: Rally, count: int) -> None:
    with writing(rally.engine) as connection:
        row = connection.execute(select(Report.__table__).limit(1)).one()._asdict()
        row.pop("id")
        rows = [
            row | {"ref": f"ZZ{n:04}", "text": f"{SAID[n % len(SAID)]}, seen from row {n} by the fence",
                   "urgency": n % 4, "opened_at": row["opened_at"] - timedelta(minutes=n)}
            for n in range(count)
        ]  # fmt: skip
        connection.execute(insert(Report.__table__), rows)


def test_a_queue_of_fifty_rows_is_light(open_page: OpenPage, rally: Rally, refs: list[str]) -> None:
    page = open_page("field", PATH, phone=True)
    assert page.locator(".reps li").count() == 50
    check_page(page)  # at most 60 KB in all
