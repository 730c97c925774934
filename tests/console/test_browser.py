"""The way in and the frame, in a real browser: script on and off, phone and desktop, English and Urdu."""

from datetime import UTC, datetime

import pyotp
import pytest
from playwright.sync_api import Page, expect

from gateway.accounts.audit import record
from gateway.console.say import load_wording
from gateway.database import make_engine, writing
from gateway.tables import RateWindow, Staff
from tests.console.client import PASSWORD, TOTP_SECRET
from tests.console.conftest import OpenPage, Rally, check_page

_WAYS = [
    pytest.param(False, True, "en", id="desktop-script-en"),
    pytest.param(True, True, "ur", id="phone-script-ur"),
    pytest.param(True, False, "en", id="phone-plain-en"),
    pytest.param(False, False, "ur", id="desktop-plain-ur"),
]


def _words(language: str, key: str) -> str:
    return load_wording().say(language, key)


@pytest.fixture(autouse=True)
def no_tries_yet(rally: Rally) -> None:
    with writing(rally.engine) as connection:
        connection.execute(RateWindow.__table__.delete())
        connection.execute(Staff.__table__.update().values(last_code=0, language="", theme="auto"))


@pytest.mark.parametrize(("phone", "script", "language"), _WAYS)
def test_signing_in_and_out(open_page: OpenPage, phone: bool, script: bool, language: str) -> None:
    page: Page = open_page(None, "/console/staff", phone=phone, script=script, language=language)
    page.get_by_label(_words(language, "sign_in.login")).fill("amna")
    page.get_by_label(_words(language, "sign_in.password")).fill("wrong")
    page.get_by_role("button", name=_words(language, "sign_in.do")).click()
    expect(page.get_by_role("alert")).to_have_text(_words(language, "sign_in.wrong"))
    check_page(page)
    page.get_by_label(_words(language, "sign_in.login")).fill("amna")
    page.get_by_label(_words(language, "sign_in.password")).fill(PASSWORD)
    page.get_by_role("button", name=_words(language, "sign_in.do")).click()
    page.get_by_label(_words(language, "sign_in.code"), exact=True).fill(pyotp.TOTP(TOTP_SECRET).now())
    page.get_by_role("button", name=_words(language, "sign_in.do")).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(_words(language, "staff.title"))
    assert page.locator("html").get_attribute("dir") == ("rtl" if language == "ur" else "ltr")
    page.locator(".who > summary").click()
    page.get_by_role("button", name=_words(language, "layout.sign_out")).click()
    expect(page.get_by_role("status").first).to_have_text(_words(language, "sign_in.out"))
    page.goto("/console/staff")
    expect(page.get_by_label(_words(language, "sign_in.password"))).to_be_visible()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(("phone", "language"), [(True, "ur"), (False, "en")], ids=["phone-ur", "desktop-en"])
@pytest.mark.parametrize("path", ["/console/account", "/console/staff", "/console/staff/omar", "/console/audit"])
def test_pages_of_the_frame(open_page: OpenPage, path: str, phone: bool, language: str, theme: str) -> None:
    page = open_page("admin", path, phone=phone, language=language, theme=theme)
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    check_page(page)


def test_a_long_word_in_the_log_hangs_over_no_side(rally: Rally, open_page: OpenPage) -> None:
    engine = make_engine(rally.settings.database_url, audit_key=rally.settings.audit_key)
    with writing(engine) as connection:
        long = {"digest": "5e" * 32, "text": "unbroken" * 20}
        record(connection, "command", "broadcast.approve", f"broadcast:{'w' * 60}", long, datetime.now(UTC))
    engine.dispose()
    check_page(open_page("admin", "/console/audit", phone=True))
    check_page(open_page("admin", "/console/audit"))


@pytest.mark.parametrize("path", ["/console/staff/new", "/console/again", "/console/nothing"])
def test_further_pages(open_page: OpenPage, path: str) -> None:
    check_page(open_page("admin", path, phone=True))


def test_touch_targets_are_as_wide_as_a_thumb(open_page: OpenPage) -> None:
    page = open_page("admin", "/console/account", phone=True)
    small = page.evaluate(
        """[...document.querySelectorAll("button, .button, .menu > a, summary, input:not([type=hidden]), select")]
        .filter((one) => one.checkVisibility())
        .map((one) => [one.outerHTML.slice(0, 80), one.getBoundingClientRect()])
        .filter(([_, box]) => box.height < 44 || box.width < 44).map(([html]) => html)"""
    )
    assert small == []


def test_the_keyboard_alone_leads_through(open_page: OpenPage) -> None:
    page = open_page("admin", "/console/staff")
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Add a login")).to_be_focused()
    ring = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert ring == "solid"
    page.locator(".who > summary").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Sign out")).to_be_hidden()


@pytest.mark.parametrize("script", [True, False])
def test_language_and_theme_are_changed_on_any_page_and_kept(open_page: OpenPage, script: bool) -> None:
    page = open_page("organiser", "/console/account", script=script)
    page.get_by_role("button", name="اردو").click()
    expect(page.locator("html[dir=rtl]")).to_be_attached()
    assert page.url.endswith("/console/account")
    page.get_by_label("روشن یا گہرا").select_option("dark")
    page.get_by_role("button", name="محفوظ کریں").click()
    expect(page.locator("html[data-theme=dark]")).to_be_attached()
    page.goto("/console/")
    expect(page.locator("html[dir=rtl][data-theme=dark]")).to_be_attached()


@pytest.mark.parametrize("script", [True, False])
def test_an_admin_adds_a_login_that_signs_in_and_chooses_a_password(
    open_page: OpenPage, script: bool, rally: Rally
) -> None:
    login = f"new.{'script' if script else 'plain'}"
    page = open_page("admin", "/console/staff/new", phone=True, script=script)
    page.get_by_label("Login", exact=True).fill(login)
    page.get_by_label("Cities").fill("Lahore")
    page.get_by_role("button", name="Add a login").click()
    made = page.locator(".secret").inner_text()
    page.reload()  # a reload is a second copy of the form
    expect(page.locator(".secret")).to_have_count(0)
    there = open_page(None, "/console/sign-in", phone=True, script=script)
    there.get_by_label("Login").fill(login)
    there.get_by_label("Password").fill(made)
    there.get_by_role("button", name="Sign in").click()
    there.get_by_label("The password you were given").fill(made)
    for label in ("New password", "New password once more"):
        there.get_by_label(label, exact=True).fill("harbour-lantern-fig-9")
    there.get_by_role("button", name="Change password").click()
    expect(there.locator(".menu")).to_be_visible()
    assert there.url.endswith("/console/")


def test_a_second_factor_is_set_up_from_the_picture_on_the_page(open_page: OpenPage) -> None:
    page = open_page("field", "/console/account/second-factor", phone=True)
    assert page.locator("img.qr").evaluate("one => one.complete && one.naturalWidth > 100")
    check_page(page)
    page.get_by_text("It cannot scan?").click()
    secret = page.locator(".secret").inner_text().replace(" ", "")
    page.get_by_label("Code", exact=True).fill(pyotp.TOTP(secret).now())
    page.get_by_role("button", name="Set up").click()
    expect(page.locator(".codes li")).to_have_count(10)
    check_page(page)
