"""Broadcasts in a real browser, with a gateway whose worker sends: with and without script, en and ur."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import Engine, delete, select

from gateway.database import reading, writing
from gateway.tables import Broadcast, OutboundText
from tests.console.conftest import OpenPage, Rally, check_page
from tests.console.test_broadcasts import people

PATH = "/console/broadcasts"
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


def drafted(page: Page, text: str = "Dear {name}, the bus leaves at 5") -> str:
    """Fill in and save a draft on an English page; returns its name."""
    name = f"Try {next(_names)}"
    page.goto(f"{PATH}/new")
    page.get_by_label("The rule").fill("city:vehari")
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("In English").fill(text)
    page.get_by_role("button", name="Save and work out the numbers").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(name)
    return name


@pytest.mark.parametrize("script", [True, False], ids=["with script", "without script"])
@pytest.mark.parametrize("phone", [True, False], ids=["phone", "desk"])
def test_from_an_empty_page_to_a_started_broadcast(
    rally: Rally, crowd: int, open_page: OpenPage, script: bool, phone: bool
) -> None:
    page = open_page("organiser", PATH, script=script, phone=phone)
    name = drafted(page)
    page.get_by_role("button", name=re.compile("Approve for")).click()
    expect(page.locator("#state .badge").first).to_have_text("Approved")
    page.get_by_role("button", name=re.compile("Start now")).click()
    expect(page.get_by_text(f"“{name}” has started.")).to_be_visible()
    assert sorted(sent(rally.engine, name)) == sorted(set(sent(rally.engine, name)))
    assert len(sent(rally.engine, name)) == crowd


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
    name = drafted(page)
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
    drafted(mine)
    theirs = open_page("admin", mine.url.replace(rally.address, ""))
    mine.get_by_role("button", name="Ask for approval").click()
    expect(theirs.locator("#state")).to_contain_text("omar asked for approval")
    theirs.get_by_role("button", name=re.compile("Approve for")).click()
    expect(mine.locator("#state .badge").first).to_have_text("Approved")
    mine.get_by_role("button", name=re.compile("Start now")).click()
    expect(theirs.locator("#state .account .sum dd")).to_have_text(str(crowd))
    expect(mine.locator("#state .account .sum dd")).to_have_text(str(crowd))
    assert mine.locator("#state .account").inner_text() == theirs.locator("#state .account").inner_text()


@pytest.mark.parametrize("phone", [True, False], ids=["phone", "desk"])
@pytest.mark.parametrize("language", ["en", "ur"])
def test_pages_are_fit_to_be_seen(crowd: int, open_page: OpenPage, rally: Rally, phone: bool, language: str) -> None:
    draft = open_page("organiser", PATH)
    drafted(draft)
    page = open_page("organiser", PATH, phone=phone, language=language)
    for path in (PATH, f"{PATH}/new", f"{PATH}/segments", draft.url.replace(rally.address, "")):
        page.goto(path)
        check_page(page)


@pytest.fixture(scope="module", autouse=True)
def leave_nothing(rally: Rally) -> Iterator[None]:
    yield
    with writing(rally.engine) as connection:
        connection.execute(delete(OutboundText).where(OutboundText.broadcast_id.is_not(None)))
