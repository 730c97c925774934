"""Broadcasts in a real browser, with a gateway whose worker sends: with and without script, en and ur."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from playwright.sync_api import expect
from sqlalchemy import Engine, delete, insert, select

from gateway.database import reading, writing
from gateway.service import utc_now
from gateway.tables import Broadcast, CarrierState, DeliveryReceipt, OutboundText
from tests.console.conftest import OpenPage, Rally, check_page
from tests.console.test_broadcasts import people
from tests.console.ways import Visit, Way, in_every_way

PATH = "/console/broadcasts"
ON_A_DESK = Way(phone=False, script=True, language="en")
_names = count(1)


@pytest.fixture(scope="module")
def crowd(rally: Rally) -> Iterator[int]:
    """Seven members in Vehari, whom nobody else's test counts."""
    people(rally.engine, 7, city="vehari", first=880_000)
    yield 7


@pytest.fixture(autouse=True)
def no_alarm(rally: Rally) -> None:
    """Six broadcasts within an hour would raise an alarm, and there are more tests than that."""
    with writing(rally.engine) as connection:
        early = datetime(2026, 1, 1, tzinfo=UTC)
        connection.execute(Broadcast.__table__.update().values(begun_at=early).where(Broadcast.begun_at.is_not(None)))


def sent(engine: Engine, name: str) -> list[int]:
    with reading(engine) as connection:
        mine = select(Broadcast.id).where(Broadcast.name == name).scalar_subquery()
        rows = select(OutboundText.sender_id).where(OutboundText.broadcast_id == mine)
        return list(connection.execute(rows).scalars())


def drafted(visit: Visit, text: str = "Dear {name}, the bus leaves at 5") -> str:
    """Fill in and save a draft, coming from the list; returns its name."""
    name = f"Try {next(_names)}"
    visit.at(PATH)
    visit.page.locator("main").get_by_role("link", name=visit.way.words("broadcasts.new"), exact=True).first.click()
    visit.field("broadcasts.rule").fill("city:vehari")
    visit.field("broadcasts.name").fill(name)
    visit.field("broadcasts.words_in", tongue=visit.way.words("broadcasts.language_en")).fill(text)
    visit.press("broadcasts.save_preview")
    visit.reads_words(name)
    return name


def ask_for_a_past_day(visit: Visit) -> None:
    """Ask that an approved broadcast starts on a day that is long over."""
    visit.unfold("broadcasts.schedule")
    visit.field("broadcasts.day").fill("2020-01-01")
    visit.field("broadcasts.time").fill("18:00")
    visit.press("broadcasts.schedule_set")


def state_of(engine: Engine, name: str) -> str:
    with reading(engine) as connection:
        return str(connection.execute(select(Broadcast.state).where(Broadcast.name == name)).scalar_one())


@in_every_way
def test_from_an_empty_page_to_a_started_broadcast(rally: Rally, crowd: int, open_page: OpenPage, way: Way) -> None:
    visit = Visit(open_page("organiser", PATH, **way.look), way)
    name = drafted(visit)
    badge = visit.page.locator("#state .badge").first
    visit.press("broadcasts.approve", n=crowd)
    visit.is_told("broadcasts.did_approve", name=name)
    expect(badge).to_have_text(way.words("broadcasts.is_approved"))
    visit.press("broadcasts.start", n=crowd)
    visit.is_told("broadcasts.did_start", name=name)
    assert sorted(sent(rally.engine, name)) == sorted(set(sent(rally.engine, name)))
    assert len(sent(rally.engine, name)) == crowd


@in_every_way
def test_a_broadcast_is_refused_asked_for_scheduled_and_cancelled(
    rally: Rally, crowd: int, open_page: OpenPage, way: Way
) -> None:
    visit = Visit(open_page("organiser", f"{PATH}/new", **way.look), way)
    visit.field("broadcasts.rule").fill("city:vehari & citty:x")
    visit.press("broadcasts.count")
    expect(visit.page.locator("#rule-error mark")).to_have_text("c")
    name = drafted(visit)
    visit.press("broadcasts.ask")
    visit.is_told("broadcasts.did_ask", name=name)
    expect(visit.page.locator("#state")).to_contain_text(way.words("broadcasts.asked_by", who="omar"))
    visit.press("broadcasts.approve", n=crowd)
    visit.is_told("broadcasts.did_approve", name=name)
    ask_for_a_past_day(visit)
    expect(visit.page.locator("main [role=alert]").first).to_be_visible()
    assert state_of(rally.engine, name) == "approved"
    visit.field("broadcasts.day").fill((utc_now() + timedelta(days=3)).strftime("%Y-%m-%d"))
    visit.field("broadcasts.time").fill("18:00")
    visit.press("broadcasts.schedule_set")
    visit.is_told("broadcasts.did_schedule", name=name)
    assert state_of(rally.engine, name) == "scheduled"
    visit.unfold("broadcasts.cancel_open")
    visit.field("broadcasts.reason").fill(f"the rally is off, {way}")
    visit.press("broadcasts.cancel")
    visit.is_told("broadcasts.did_cancel", name=name)
    expect(visit.page.locator("#state .badge").first).to_have_text(way.words("broadcasts.is_cancelled"))
    assert state_of(rally.engine, name) == "cancelled"
    assert sent(rally.engine, name) == []


def test_a_refusal_stays_while_the_page_is_kept_up_to_date(rally: Rally, crowd: int, open_page: OpenPage) -> None:
    way = Way(False, True, "en")
    visit = Visit(open_page("organiser", PATH, **way.look), way)
    name = drafted(visit)
    visit.press("broadcasts.approve", n=crowd)
    visit.is_told("broadcasts.did_approve", name=name)
    ask_for_a_past_day(visit)
    refusal = visit.page.locator("#moves [role=alert]")
    with writing(rally.engine) as connection:  # somebody else, meanwhile
        connection.execute(Broadcast.__table__.update().where(Broadcast.name == name).values(state="cancelled"))
    expect(visit.page.locator("#state .badge").first).to_have_text(way.words("broadcasts.is_cancelled"))
    expect(refusal).to_be_visible()
    expect(visit.field("broadcasts.day")).to_have_value("2020-01-01")


def test_a_button_that_is_being_pressed_is_not_exchanged(rally: Rally, crowd: int, open_page: OpenPage) -> None:
    """What changes on the page between press and release comes after the click, which counts."""
    way = Way(False, True, "en")
    visit = Visit(open_page("organiser", PATH, **way.look), way)
    name = drafted(visit)
    theirs = Visit(open_page("admin", visit.page.url.replace(rally.address, "")), way)
    visit.button("broadcasts.approve", n=crowd).hover()
    visit.page.mouse.down()
    theirs.press("broadcasts.ask")
    expect(visit.page.locator("#state")).to_contain_text("asked for approval")
    visit.page.mouse.up()
    visit.is_told("broadcasts.did_approve", name=name)


@contextmanager
def held_back(engine: Engine) -> Iterator[None]:
    """The carrier has asked us to wait: nothing leaves meanwhile."""

    def hold(until: datetime | None) -> None:
        with writing(engine) as connection:
            held = CarrierState.__table__.update().where(CarrierState.name == "simulated").values(held_until=until)
            if not connection.execute(held).rowcount:  # nothing was sent yet
                connection.execute(insert(CarrierState).values(name="simulated", held_until=until))

    hold(utc_now() + timedelta(hours=1))
    yield
    hold(None)


@in_every_way
def test_a_running_broadcast_is_paused_and_goes_on(rally: Rally, crowd: int, open_page: OpenPage, way: Way) -> None:
    visit = Visit(open_page("organiser", PATH, **way.look), way)
    name = drafted(visit)
    visit.press("broadcasts.approve", n=crowd)
    with held_back(rally.engine):
        visit.press("broadcasts.start", n=crowd)
        visit.is_told("broadcasts.did_start", name=name)
        reasoned = visit.page.locator("form.reasoned").filter(has=visit.button("broadcasts.pause"))
        visit.field("broadcasts.reason", reasoned).fill(f"rain, {way}")
        visit.press("broadcasts.pause", reasoned)
        visit.is_told("broadcasts.did_pause", name=name)
        expect(visit.page.locator("#state")).to_contain_text(f"rain, {way}")
        assert state_of(rally.engine, name) == "paused"
        visit.press("broadcasts.resume")
        visit.is_told("broadcasts.did_resume", name=name)
        assert state_of(rally.engine, name) in ("planning", "sending")


def test_form_rule_count_and_cost_follow_what_is_typed(crowd: int, open_page: OpenPage) -> None:
    page = open_page("organiser", f"{PATH}/new")
    rule = page.get_by_label("The rule")
    rule.fill("city:vehari & !affinity:women")
    expect(page.locator("#count .figure").first).to_contain_text(str(crowd))
    expect(page.locator("#lines fieldset.line")).to_have_count(2)
    page.get_by_label("City", exact=True).fill("vehari, lahore")
    expect(rule).to_have_value("(city:vehari | city:lahore) & !affinity:women")
    page.get_by_role("button", name=re.compile("Take away: .?Group")).click()
    expect(rule).to_have_value("city:vehari | city:lahore")
    page.get_by_label("What to ask for").select_option("reachable")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(rule).to_have_value("(city:vehari | city:lahore) & reachable")
    rule.fill("city:vehari & citty:x")
    expect(page.locator("#rule-error mark")).to_have_text("c")
    box = page.get_by_label("In English")
    text = "Come to Minar at five, bring water, a hat and a friend; text WHERE for your bus. See you ā"
    box.fill(text)
    expect(page.locator("#cost-en .parts")).to_contain_text("2 parts")
    page.locator("button[value^='replace:en:']").click()
    expect(box).to_have_value(text.replace("ā", "a"))
    expect(page.locator("#cost-en .parts")).to_contain_text("1 part ")


def test_a_double_click_on_start_texts_everyone_once(rally: Rally, crowd: int, open_page: OpenPage) -> None:
    page = open_page("organiser", PATH)
    name = drafted(Visit(page, ON_A_DESK))
    page.get_by_role("button", name=re.compile("Approve for")).click()
    start = page.get_by_role("button", name=re.compile("Start now"))
    address = page.url
    other = open_page("organiser", address.replace(rally.address, ""))
    start.dblclick()
    expect(page.get_by_text(f"“{name}” has started.")).to_be_visible()
    other.goto(address)  # a reload elsewhere
    page.go_back()
    page.goto(address)
    expect(page.locator("#state .account .sum dd")).to_have_text(str(crowd))
    numbers = sent(rally.engine, name)
    assert len(numbers) == len(set(numbers)) == crowd


def test_two_browsers_watch_the_same_broadcast(rally: Rally, crowd: int, open_page: OpenPage) -> None:
    mine = open_page("organiser", PATH)
    drafted(Visit(mine, ON_A_DESK))
    theirs = open_page("admin", mine.url.replace(rally.address, ""))
    mine.get_by_role("button", name="Ask for approval").click()
    expect(theirs.locator("#state")).to_contain_text("omar asked for approval")
    theirs.get_by_role("button", name=re.compile("Approve for")).click()
    expect(mine.locator("#state .badge").first).to_have_text("Approved")
    mine.get_by_role("button", name=re.compile("Start now")).click()
    for page in (theirs, mine):  # each is told by itself, so they are compared where both have come to rest
        expect(page.locator("#state .account .sum dd")).to_have_text(str(crowd))
        expect(page.locator("#state .account div").filter(has_text="Delivered")).to_have_text(f"Delivered{crowd}")
    assert mine.locator("#state .account").inner_text() == theirs.locator("#state .account").inner_text()


@pytest.mark.parametrize("phone", [True, False], ids=["phone", "desk"])
@pytest.mark.parametrize("language", ["en", "ur"])
def test_pages_are_fit_to_be_seen(crowd: int, open_page: OpenPage, rally: Rally, phone: bool, language: str) -> None:
    draft = open_page("organiser", PATH)
    drafted(Visit(draft, ON_A_DESK))
    page = open_page("organiser", PATH, phone=phone, language=language)
    for path in (PATH, f"{PATH}/new", f"{PATH}/segments", draft.url.replace(rally.address, "")):
        page.goto(path)
        check_page(page)


@pytest.fixture(scope="module", autouse=True)
def leave_nothing(rally: Rally) -> Iterator[None]:
    yield
    with writing(rally.engine) as connection:
        mine = OutboundText.broadcast_id.is_not(None)
        # Within sending hours they have left by now, and the phones have said so.
        connection.execute(
            delete(DeliveryReceipt).where(DeliveryReceipt.outbound_id.in_(select(OutboundText.id).where(mine)))
        )
        connection.execute(delete(OutboundText).where(mine))
