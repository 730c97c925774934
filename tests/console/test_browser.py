"""The way in and the frame, in a real browser: script on and off, phone and desktop, English and Urdu."""

from datetime import UTC, datetime

import pyotp
import pytest
from playwright.sync_api import expect

from gateway.accounts.audit import record
from gateway.console.say import LANGUAGES
from gateway.database import make_engine, writing
from gateway.tables import RateWindow, Staff
from tests.console.client import PASSWORD, TOTP_SECRET, make_staff, staff_row
from tests.console.conftest import OpenPage, Rally, check_page
from tests.console.ways import Visit, Way, in_every_way, in_opposite_ways


@pytest.fixture(autouse=True)
def no_tries_yet(rally: Rally) -> None:
    with writing(rally.engine) as connection:
        connection.execute(RateWindow.__table__.delete())
        connection.execute(Staff.__table__.update().values(last_code=0, language="", theme="auto"))


@in_every_way
def test_signing_in_and_out(open_page: OpenPage, way: Way) -> None:
    visit = Visit(open_page(None, "/console/staff", **way.look), way)
    visit.field("sign_in.login").fill("amna")
    visit.field("sign_in.password").fill("wrong")
    visit.press("sign_in.do")
    expect(visit.page.get_by_role("alert")).to_have_text(way.words("sign_in.wrong"))
    visit.is_sound()
    visit.field("sign_in.login").fill("amna")
    visit.field("sign_in.password").fill(PASSWORD)
    visit.press("sign_in.do")
    visit.field("sign_in.code").fill(pyotp.TOTP(TOTP_SECRET).now())
    visit.press("sign_in.do")
    visit.reads("staff.title")
    visit.page.locator(".who > summary").click()
    visit.press("layout.sign_out")
    visit.is_told("sign_in.out")
    visit.at("/console/staff")
    expect(visit.field("sign_in.password")).to_be_visible()


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


@in_every_way
def test_language_and_theme_are_changed_on_any_page_and_kept(open_page: OpenPage, way: Way) -> None:
    other = Way(way.phone, way.script, "en" if way.language == "ur" else "ur")
    page = open_page("organiser", "/console/account", **way.look)
    Visit(page, way)
    page.get_by_role("button", name=LANGUAGES[other.language], exact=True).click()
    visit = Visit(page, other)
    assert page.url.endswith("/console/account")
    visit.field("account.theme").select_option("dark")
    visit.press("account.keep")
    expect(page.locator("html[data-theme=dark]")).to_be_attached()
    visit.at("/console/")
    expect(page.locator("html[data-theme=dark]")).to_be_attached()


@in_every_way
def test_an_admin_adds_a_login_that_signs_in_and_chooses_a_password(
    open_page: OpenPage, rally: Rally, way: Way
) -> None:
    login = f"new.{way}"
    admin = Visit(open_page("admin", "/console/staff", **way.look), way)
    admin.follow("staff.add")
    admin.field("staff.login").fill(login)
    admin.field("staff.cities").fill("Lahore")
    admin.press("staff.add")
    admin.reads("staff.made_title")
    made = admin.page.locator(".secret").inner_text()
    admin.page.reload()  # a reload is a second copy of the form
    expect(admin.page.locator(".secret")).to_have_count(0)
    there = Visit(open_page(None, "/console/sign-in", **way.look), way)
    there.field("sign_in.login").fill(login)
    there.field("sign_in.password").fill(made)
    there.press("sign_in.do")
    there.field("sign_in.made_password").fill(made)
    for key in ("sign_in.new", "sign_in.repeat"):
        there.field(key).fill("harbour-lantern-fig-9")
    there.press("sign_in.change")
    there.reads("menu.now")
    assert there.page.url.endswith("/console/")
    row = staff_row(rally.engine, login)
    assert (row.role, row.must_change_password) == ("field", False)


@in_every_way
def test_an_admin_changes_a_role_and_the_areas_and_disables_a_login(
    open_page: OpenPage, rally: Rally, way: Way
) -> None:
    login, name = f"old.{way}", f"Old.{way}".title()
    make_staff(rally.engine, rally.settings, login, "field")
    visit = Visit(open_page("admin", "/console/staff", **way.look), way)
    visit.page.get_by_role("link", name=name, exact=True).click()
    visit.page.get_by_role("radio", name=f"{way.words('roles.organiser')} {way.words('roles.organiser_may')}").check()
    visit.press("staff.role_change")
    visit.is_told("staff.role_changed", name=name)
    visit.field("staff.cities").fill("Nowhere at all")
    visit.press("staff.areas_change")
    expect(visit.page.get_by_role("alert")).to_have_text(way.words("staff.problem.city_unknown"))
    visit.field("staff.cities").fill("Lahore")
    visit.press("staff.areas_change")
    visit.is_told("staff.areas_changed", name=name)
    visit.press("staff.disable")
    visit.is_told("staff.disabled", name=name)
    row = staff_row(rally.engine, login)
    assert (row.role, row.active) == ("organiser", False)
    visit.press("staff.enable")
    visit.is_told("staff.enabled", name=name)
    assert staff_row(rally.engine, login).active


@in_every_way
def test_the_audit_log_is_looked_at(open_page: OpenPage, rally: Rally, way: Way) -> None:
    engine = make_engine(rally.settings.database_url, audit_key=rally.settings.audit_key)
    with writing(engine) as connection:
        record(connection, "omar", "phone.reveal", f"report:{way}", {"reason": f"call {way}"}, datetime.now(UTC))
    engine.dispose()
    visit = Visit(open_page("admin", "/console/audit", **way.look), way)
    visit.reads("audit.title")
    visit.field("audit.subject").fill(f"report:{way}")
    visit.press("audit.filter")
    expect(visit.page.locator("main tbody tr")).to_have_count(1)
    expect(visit.page.locator("main tbody tr")).to_contain_text(f"call {way}")
    visit.field("audit.by").fill("nobody")
    visit.press("audit.filter")
    expect(visit.page.locator(".empty")).to_contain_text(way.words("audit.none_words"))


@in_opposite_ways
def test_a_second_factor_is_set_up_from_the_picture_on_the_page(open_page: OpenPage, way: Way) -> None:
    visit = Visit(open_page("field", "/console/account/second-factor", **way.look), way)
    if way.script:  # else nobody can ask the picture
        assert visit.page.locator("img.qr").evaluate("one => one.complete && one.naturalWidth > 100")
    visit.is_sound()
    visit.unfold("sign_in.enrol_type")
    secret = visit.page.locator(".secret").inner_text().replace(" ", "")
    visit.field("sign_in.code").fill(pyotp.TOTP(secret).now())
    visit.press("sign_in.enrol_do")
    expect(visit.page.locator(".codes li")).to_have_count(10)
    visit.is_sound()
