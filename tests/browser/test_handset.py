"""The handset in a real browser: in English and in Urdu, with its script and without."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.gateway_process import CHROMIUM, browsing, serving
from tests.conftest import say_not_run


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not Path(CHROMIUM).exists():
        say_not_run("The handset in a browser", "chromium is not installed (apt-get install chromium)")
    with browsing() as made:
        yield made


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(tmp_path_factory.mktemp("gateway")) as where:
        yield where


@pytest.fixture(params=[True, False], ids=["with script", "without script"])
def page(browser: Browser, address: str, request: pytest.FixtureRequest) -> Iterator[Page]:
    yield from _opened(browser, address, script=request.param)


@pytest.fixture
def live(browser: Browser, address: str) -> Iterator[Page]:
    yield from _opened(browser, address, script=True)


def _opened(browser: Browser, address: str, *, script: bool) -> Iterator[Page]:
    context = browser.new_context(java_script_enabled=script, viewport={"width": 1440, "height": 900})
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda said: _keep(said.text, complaints) if said.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(f"{address}/handset")
    yield page
    context.close()
    assert complaints == []  # a breach of the content policy would stand here too


def _keep(complaint: str, complaints: list[str]) -> None:
    if "status of 422" not in complaint:  # how a form is told what is wrong with it
        complaints.append(complaint)


def _phone(page: Page, name: str) -> Locator:
    return page.get_by_label(name, exact=True).and_(page.locator("section"))


def _text(phone: Locator, body: str) -> Locator:
    """Type a text, send it, and return the answer's place on the screen."""
    before = phone.locator(".to-phone").count()
    phone.locator("textarea").fill(body)
    phone.get_by_role("button", name="Send").click()
    answer = phone.locator(".to-phone").nth(before)
    expect(answer).to_be_visible()
    return answer


def _direction(place: Locator) -> str:
    # The matching engine's own view of the direction; scripts of the page may be off.
    return "rtl" if place.and_(place.page.locator(":dir(rtl)")).count() else "ltr"


def test_english(page: Page) -> None:
    phone = _phone(page, "Sana")
    answer = _text(phone, "JOIN Sana Lahore NA-130 students")
    expect(answer.locator(".words")).to_contain_text("Lahore, NA-130, students")
    expect(answer.locator(".parts")).to_have_text("1 part · GSM-7")
    sent = phone.locator(".from-phone").last
    expect(sent.locator(".parts")).to_have_text("1 part · GSM-7")
    expect(sent.locator(".state")).to_have_text("✓")
    assert _direction(sent.locator(".words")) == _direction(answer.locator(".words")) == "ltr"
    assert phone.locator("textarea").input_value() == ""


def test_urdu_runs_right_to_left(page: Page) -> None:
    phone = _phone(page, "عائشہ")
    answer = _text(phone, "کہاں جوہر ٹاؤن")
    sent = phone.locator(".from-phone").last
    expect(answer.locator(".words")).to_contain_text("ایکسپو سینٹر")
    expect(sent.locator(".parts")).to_have_text("1 part · UCS-2")
    expect(answer.locator(".parts")).to_have_text("2 parts · UCS-2")
    assert _direction(sent.locator(".words")) == _direction(answer.locator(".words")) == "rtl"
    # What runs the other way stays in one piece: the link, and the phone's own number.
    assert _direction(answer.locator(".words a")) == "ltr"
    assert _direction(phone.locator("header bdi", has_text="+92")) == "ltr"


def test_several_phones_keep_their_texts_apart(page: Page) -> None:
    _text(_phone(page, "Bilal"), "kahan Thokar")
    expect(_phone(page, "Bilal").locator(".screen")).to_contain_text("kahan Thokar")
    expect(_phone(page, "Grace").locator(".screen")).not_to_contain_text("kahan Thokar")


def test_a_sample_is_sent_with_one_click(page: Page) -> None:
    phone = _phone(page, "Grace")
    before = phone.locator(".to-phone").count()
    phone.get_by_role("button", name="REPORT no drinking water at gate 3").click()
    expect(phone.locator(".to-phone").nth(before)).to_contain_text("iReport")


def test_a_phone_is_added_and_removed(page: Page) -> None:
    page.get_by_text("Add a phone").click()
    page.get_by_label("Name").fill("زینب")
    page.get_by_label("Examples in").select_option("ur")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(_phone(page, "زینب")).to_be_visible()
    expect(_text(_phone(page, "زینب"), "مدد").locator(".parts")).to_contain_text("UCS-2")
    page.get_by_role("button", name="Remove زینب").click()
    expect(_phone(page, "زینب")).to_have_count(0)
    expect(page.locator("section.phone")).to_have_count(4)


def test_parts_are_counted_while_typing(live: Page) -> None:
    phone = _phone(live, "Sana")
    box, count = phone.locator("textarea"), phone.locator(".count")
    box.fill("a" * 160)
    expect(count).to_have_text("1 part · GSM-7 · 0 left")
    box.fill("a" * 160 + "\n")
    expect(count).to_have_text("2 parts · GSM-7 · 145 left")
    box.fill("کہاں")
    expect(count).to_have_text("1 part · UCS-2 · 66 left")
    box.fill("")
    expect(count).to_have_text("")


def test_enter_sends(live: Page) -> None:
    phone = _phone(live, "Sana")
    before = phone.locator(".from-phone").count()
    phone.locator("textarea").fill("HELP")
    phone.locator("textarea").press("Shift+Enter")
    expect(phone.locator(".from-phone")).to_have_count(before)
    phone.locator("textarea").press("Enter")
    expect(phone.locator(".from-phone").nth(before)).to_contain_text("HELP")


def test_late_answers_arrive_without_a_reload(live: Page) -> None:
    live.evaluate("document.body.dataset.here = 'still'")
    live.request.post(f"{live.url}/conditions", form={"delay": "1.5"})
    try:
        _text(_phone(live, "Bilal"), "kahan shahdra")
    finally:
        live.request.post(f"{live.url}/conditions", form={"delay": "0"})
    assert live.evaluate("document.body.dataset.here") == "still"


def test_another_window_sees_the_same_phones(live: Page, browser: Browser) -> None:
    other = browser.new_page()
    other.goto(live.url)
    _text(_phone(live, "Sana"), "WHERE Moon Market")
    expect(_phone(other, "Sana").locator(".screen")).to_contain_text("WHERE Moon Market")
    other.close()


def test_a_problem_is_told_in_a_sentence(live: Page) -> None:
    phone = _phone(live, "Sana")
    phone.locator("textarea").fill("   ")
    phone.get_by_role("button", name="Send").click()
    expect(live.get_by_role("alert")).to_have_text("Type a text first.")


@pytest.mark.parametrize("width", [360, 820, 1000, 1440])
def test_nothing_is_cut_off_at_any_width(browser: Browser, address: str, width: int) -> None:
    page = browser.new_page(viewport={"width": width, "height": 740})
    page.goto(f"{address}/handset")
    for sheet, field in (("Add a phone", "Number"), ("Network", "Lost texts")):
        page.get_by_text(sheet, exact=True).click()
        box = page.get_by_label(field).bounding_box()
        assert box and box["x"] >= 0 and box["x"] + box["width"] <= width, (sheet, box)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.close()


def test_dark(browser: Browser, address: str) -> None:
    page = browser.new_page(color_scheme="dark")
    page.goto(f"{address}/handset")
    red, green, blue = page.evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)")
    assert max(red, green, blue) < 60
    page.close()
