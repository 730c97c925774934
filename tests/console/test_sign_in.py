"""The way in, over HTTP on both databases: what opens, what does not, and what ends it."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pyotp
import pytest
from fastapi import FastAPI
from sqlalchemy import Engine, select, update

from gateway.accounts import sign_in, staff
from gateway.accounts.seal import SealBroken, Sealer, sealer_from
from gateway.accounts.sign_in import Door, SignInRefused
from gateway.app import create_app
from gateway.database import reading, writing
from gateway.settings import Settings
from gateway.tables import AuditEntry, Staff, StaffSession
from tests.console.client import PASSWORD, Browser, a_code, hidden, inside, make_staff, staff_row
from tests.gateway.conftest import settings_for


def test_wrong_and_unknown_are_answered_alike(visitor: Browser) -> None:
    wrong, unknown = visitor.sign_in("amna", "not the password"), visitor.sign_in("nobody", "not the password")
    assert wrong.status_code == unknown.status_code == 403
    said = [answer.text.split("<main")[1].split("_form")[0] for answer in (wrong, unknown)]
    assert said[0] == said[1] and "Login or password is wrong" in said[0]
    assert "not the password" not in wrong.text


def test_after_many_tries_also_the_right_password_is_refused_and_so_is_an_unknown_login(
    visitor: Browser, console: FastAPI
) -> None:
    answers = [visitor.sign_in("amna", f"wrong {number}").status_code for number in range(8)]
    assert answers == [403] * 6 + [429] * 2
    assert visitor.sign_in("amna").status_code == 429
    assert [visitor.sign_in("nobody", "wrong").status_code for _ in range(7)] == [403] * 6 + [429]
    assert Browser(console).sign_in("omar").status_code == 303  # others are not locked out with them


def test_tries_at_once_are_counted_like_tries_in_a_row(console: FastAPI) -> None:
    with ThreadPoolExecutor(5) as pool:
        codes = list(pool.map(lambda number: Browser(console).sign_in("amna", f"x{number}").status_code, range(10)))
    assert codes.count(403) <= 6


def test_nothing_opens_before_the_second_factor(visitor: Browser, engine: Engine) -> None:
    assert visitor.sign_in("amna").headers["location"] == "/console/"
    for path in ("/console/", "/console/staff", "/console/account", "/console/again"):
        assert visitor.get(path).headers["location"].startswith("/console/sign-in/code")
    visitor.get("/console/sign-in/code")
    assert visitor.submit("/console/sign-in/code", code="000000").status_code == 403
    assert visitor.submit("/console/sign-in/code", code=a_code()).status_code == 303
    assert visitor.get("/console/staff").status_code == 200


def test_a_code_opens_once(console: FastAPI, engine: Engine) -> None:
    code = a_code()
    answers = []
    for _ in range(2):
        browser = Browser(console)
        browser.follow(browser.sign_in("amna"))
        answers.append(browser.submit("/console/sign-in/code", code=code).status_code)
    assert answers == [303, 403]


def test_codes_are_guessed_ten_times_at_most(visitor: Browser) -> None:
    visitor.follow(visitor.sign_in("amna"))
    answers = [visitor.submit("/console/sign-in/code", code=f"{number:06}").status_code for number in range(12)]
    assert answers == [403] * 10 + [429] * 2
    assert visitor.submit("/console/sign-in/code", code=a_code()).status_code == 429


def test_a_new_organiser_chooses_a_password_and_sets_up_a_second_factor(
    console: FastAPI, engine: Engine, settings: Settings
) -> None:
    with writing(engine) as connection:
        _, made = staff.add_staff(
            connection, login="nadia", role="organiser", by="test", now=datetime.now(UTC), region="PK"
        )
    browser = Browser(console)
    page = browser.follow(browser.sign_in("nadia", made))
    assert page.url.path == "/console/sign-in/password"
    assert browser.get("/console/").headers["location"].startswith("/console/sign-in/password")
    browser.get("/console/sign-in/password")
    easy = browser.submit("/console/sign-in/password", current=made, new="nadianadianadia", repeat="nadianadianadia")
    assert easy.status_code == 422 and "easily guessed" in easy.text
    new = "harbour-lantern-fig-9"
    page = browser.follow(browser.submit("/console/sign-in/password", current=made, new=new, repeat=new))
    assert page.url.path == "/console/sign-in/enrol"
    picture = browser.http.get("/console/sign-in/qr.svg")
    assert picture.headers["content-type"] == "image/svg+xml"
    secret = page.text.split('class="secret">')[1].split("<")[0].replace(" ", "")
    assert secret not in str(page.url)
    codes = browser.submit("/console/sign-in/enrol", code=pyotp.TOTP(secret).now())
    assert codes.status_code == 200
    recovery = [part.split("</code>")[0] for part in codes.text.split("<li><code>")[1:]]
    assert len(recovery) == len(set(recovery)) == 10
    assert browser.get("/console/").status_code == 200
    kept = staff_row(engine, "nadia").second_factor
    assert secret not in kept and sealer_from(settings).open(kept) == secret
    # A recovery code stands in for a lost phone, once.
    answers = []
    for _ in range(2):
        other = Browser(console)
        other.follow(other.sign_in("nadia", new))
        answers.append(other.submit("/console/sign-in/code", code=recovery[3].lower()).status_code)
    assert answers == [303, 403]


def test_an_organiser_without_a_second_factor_gets_no_further(
    console: FastAPI, engine: Engine, settings: Settings
) -> None:
    make_staff(engine, settings, "nadia", "organiser", second=False)
    browser = Browser(console)
    browser.sign_in("nadia")
    assert browser.get("/console/").headers["location"].startswith("/console/sign-in/enrol")


def _ends(console: FastAPI, engine: Engine, login: str = "farah") -> tuple[Browser, Browser]:
    return inside(Browser(console), engine, login), inside(Browser(console), engine, login)


def _out(browser: Browser) -> bool:
    return browser.get("/console/").headers.get("location", "").startswith("/console/sign-in")


def test_signing_out_ends_this_session_only_and_the_cookie_is_worth_nothing_then(
    console: FastAPI, engine: Engine
) -> None:
    here, there = _ends(console, engine)
    here.get("/console/account")
    kept = dict(here.http.cookies)
    here.submit("/console/sign-out")
    here.http.cookies.update(kept)
    assert _out(here) and not _out(there)


@pytest.mark.parametrize("what", ["disable", "role", "reset-password", "second-factor"])
def test_changes_by_an_admin_end_every_session(console: FastAPI, engine: Engine, what: str) -> None:
    here, there = _ends(console, engine)
    now = datetime.now(UTC)
    with writing(engine) as connection:
        if what == "disable":
            staff.disable(connection, "farah", "amna", now)
        elif what == "role":
            staff.change_role(connection, "farah", "organiser", "amna", now)
        elif what == "reset-password":
            staff.reset_password(connection, "farah", "amna", now)
        else:
            staff.reset_second_factor(connection, "farah", "amna", now)
    assert _out(here) and _out(there)
    if what == "disable":
        assert Browser(console).sign_in("farah").status_code == 403


def test_changing_ones_password_ends_the_others(console: FastAPI, engine: Engine) -> None:
    here, there = _ends(console, engine)
    before = dict(here.http.cookies)
    here.get("/console/account")
    new = "harbour-lantern-fig-9"
    wrong = here.submit("/console/account/password", current="no", new=new, repeat=new)
    assert wrong.status_code == 422
    here.get("/console/account")
    done = here.submit("/console/account/password", current=PASSWORD, new=new, repeat=new)
    assert done.status_code == 303
    assert not _out(here) and _out(there)
    assert here.http.cookies["__Host-jalsa"] != before["__Host-jalsa"]
    assert Browser(console).sign_in("farah").status_code == 403
    assert Browser(console).sign_in("farah", new).status_code == 303


@pytest.mark.parametrize(("login", "idle", "whole"), [("farah", 12, 24), ("amna", 1, 12)])
def test_a_session_ends_when_it_lies_idle_and_after_a_day(
    console: FastAPI, engine: Engine, login: str, idle: int, whole: int
) -> None:
    now = datetime.now(UTC)
    for column, hours in (("seen_at", idle), ("created_at", whole)):
        browser = inside(Browser(console), engine, login)
        for more, out in ((-0.1, False), (0.1, True)):
            with writing(engine) as connection:
                changed = {"seen_at": now, "created_at": now, column: now - timedelta(hours=hours + more)}
                connection.execute(update(StaffSession).values(changed))
            assert _out(browser) is out, (column, more)


def test_the_token_is_new_after_each_step_and_only_its_hash_is_kept(visitor: Browser, engine: Engine) -> None:
    visitor.sign_in("amna")
    first = visitor.http.cookies["__Host-jalsa"]
    visitor.get("/console/sign-in/code")
    visitor.submit("/console/sign-in/code", code=a_code())
    second = visitor.http.cookies["__Host-jalsa"]
    assert first != second
    with reading(engine) as connection:
        kept = str(connection.execute(select(StaffSession.__table__)).all())
    assert first not in kept and second not in kept


def test_what_cannot_be_undone_asks_again(as_admin: Browser, engine: Engine) -> None:
    with writing(engine) as connection:
        connection.execute(update(StaffSession).values(fresh_at=datetime.now(UTC) - timedelta(minutes=11)))
    asked = as_admin.get("/console/staff/new")
    assert asked.headers["location"] == "/console/again?next=%2Fconsole%2Fstaff%2Fnew"
    as_admin.follow(asked)
    assert as_admin.submit("/console/again", password="wrong", code=a_code()).status_code == 403
    with writing(engine) as connection:
        connection.execute(update(Staff).values(last_code=0))
    done = as_admin.submit("/console/again", password=PASSWORD, code=a_code())
    assert done.headers["location"] == "/console/staff/new"
    assert as_admin.follow(done).status_code == 200


@pytest.mark.parametrize(
    "to", ["https://elsewhere.example/", "//elsewhere.example", "/console//elsewhere", "/\\elsewhere", "/handset", "x"]
)
def test_nobody_is_led_to_another_site(visitor: Browser, to: str) -> None:
    visitor.get("/console/sign-in", **{})
    answer = visitor.post("/console/sign-in", visitor.form("/console/sign-in") | {
        "login": "farah", "password": PASSWORD, "next": to})  # fmt: skip
    assert answer.headers["location"] == "/console/"


def test_cookies_are_bound_to_this_host_and_out_of_reach_of_scripts(visitor: Browser) -> None:
    cookie = visitor.sign_in("farah").headers.get_list("set-cookie")
    session = next(one for one in cookie if one.startswith("__Host-jalsa="))
    assert {part.strip().lower() for part in session.split(";")[1:]} >= {
        "httponly", "secure", "path=/", "samesite=lax"
    }  # fmt: skip


def test_headers(as_field: Browser) -> None:
    headers = as_field.get("/console/").headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy and "frame-ancestors 'none'" in policy
    assert headers["strict-transport-security"].startswith("max-age=31536000")
    assert headers["x-content-type-options"] == "nosniff" and headers["x-frame-options"] == "DENY"
    assert headers["cache-control"] == "no-store" and headers["referrer-policy"] == "same-origin"
    missing = as_field.get("/console/nothing-here")
    assert missing.status_code == 404 and "content-security-policy" in missing.headers
    assert "<main" in missing.text


def test_forms_of_another_site_without_a_token_or_with_anothers_are_refused(
    as_field: Browser, as_organiser: Browser
) -> None:
    as_field.get("/console/account")
    fields = as_field.form("/console/looks") | {"language": "ur"}
    stolen = hidden(as_organiser.get("/console/account").text, "_form")
    refused = [
        as_field.post("/console/looks", fields, origin="https://elsewhere.example"),
        as_field.post("/console/looks", fields, **{"sec-fetch-site": "cross-site"}),
        as_field.post("/console/looks", {**fields, "_form": ""}),
        as_field.post("/console/looks", {**fields, "_form": stolen}),
        as_field.post("/console/looks", {**fields, "_form": "é" * 30}),
    ]
    assert [answer.status_code for answer in refused] == [403] * 5
    assert as_field.post("/console/looks", fields).status_code == 303


def test_odd_forms_are_refused_with_a_sentence(as_field: Browser) -> None:
    as_field.get("/console/account")
    headers = {"origin": as_field.address, "content-type": "text/plain"}
    assert as_field.http.post("/console/looks", content=b"x", headers=headers).status_code == 415
    headers["content-type"] = "application/x-www-form-urlencoded"
    assert as_field.http.post("/console/looks", content=b"a=" + b"x" * 200_000, headers=headers).status_code == 413
    assert as_field.http.post("/console/looks", content=b"&" * 5_000, headers=headers).status_code == 403
    headers["content-type"] = "multipart/form-data; boundary=x"
    assert as_field.http.post("/console/looks", content=b"nonsense", headers=headers).status_code in (400, 403)


def test_passwords_and_unknown_logins_do_not_reach_the_audit_log(visitor: Browser, engine: Engine) -> None:
    visitor.sign_in("my secret password", "another secret")
    visitor.sign_in("amna", "a third secret")
    with reading(engine) as connection:
        kept = str(connection.execute(select(AuditEntry.__table__)).all())
    assert "secret" not in kept and kept.count("sign_in.failed") == 2


def test_a_sealed_secret_opens_with_its_key_only(settings: Settings) -> None:
    old, new = b"1" * 32, b"2" * 32
    sealed = Sealer(old).seal("words")
    assert "words" not in sealed and Sealer(new, old).open(sealed) == "words"
    with pytest.raises(SealBroken):
        Sealer(new).open(sealed)


def _guess(door: Door, login: str, address: str | None, known: str = "", password: str = "a wrong password") -> str:
    try:
        door.sign_in(login, password, address, datetime.now(UTC), known)
    except SignInRefused as refused:
        return refused.reason
    return "in"


@pytest.fixture
def quick_door(console: FastAPI, monkeypatch: pytest.MonkeyPatch) -> Door:
    """The door, with a check of passwords that takes no time."""
    monkeypatch.setattr(sign_in, "right_password", lambda typed, hashed: bool(hashed) and typed == PASSWORD)
    return console.state.console.door  # type: ignore[no-any-return]


def test_a_login_is_guessed_at_from_many_addresses_thirty_times(quick_door: Door) -> None:
    said = [_guess(quick_door, "amna", f"203.0.113.{number}") for number in range(32)]
    assert said == ["wrong"] * 30 + ["too_often"] * 2


def test_an_address_guesses_at_many_logins_sixty_times(quick_door: Door) -> None:
    said = [_guess(quick_door, f"login{number}", "203.0.113.1") for number in range(62)]
    assert said == ["wrong"] * 60 + ["too_often"] * 2
    assert _guess(quick_door, "login0", "203.0.113.2") == "wrong"


@pytest.mark.parametrize("address", [None, "203.0.113."])
def test_all_together_are_limited_where_no_address_is_known_and_where_there_are_many(
    quick_door: Door, address: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sign_in, "_MOST_ALTOGETHER", 12)
    said = [_guess(quick_door, f"login{number}", address and f"{address}{number}") for number in range(14)]
    assert said == ["wrong"] * 12 + ["too_often"] * 2
    assert _guess(quick_door, "omar", None, quick_door.mark_of("omar"), PASSWORD) == "in"  # a browser that is known


def test_nobody_is_shut_out_of_a_browser_they_have_signed_in_from(visitor: Browser, console: FastAPI) -> None:
    assert visitor.sign_in("farah").status_code == 303
    mark = visitor.http.cookies["__Host-jalsa_known"]
    visitor.http.cookies.delete("__Host-jalsa")
    elsewhere = Browser(console)
    assert [elsewhere.sign_in("farah", "wrong").status_code for _ in range(7)] == [403] * 6 + [429]
    assert elsewhere.sign_in("farah").status_code == 429
    assert visitor.sign_in("farah").status_code == 303
    for forged in (mark.swapcase(), "x.y", "x", mark + "0", console.state.console.door.mark_of("omar")):
        elsewhere.http.cookies.set("__Host-jalsa_known", forged, domain="jalsa.example", path="/")
        assert elsewhere.sign_in("farah").status_code == 429, forged


def test_a_known_browser_guesses_no_more_often_than_another(quick_door: Door) -> None:
    mark = quick_door.mark_of("amna")
    assert [_guess(quick_door, "amna", None, mark) for _ in range(8)] == ["wrong"] * 6 + ["too_often"] * 2


def test_no_header_is_believed_that_is_not_set(engine: Engine, database_url: str, console: FastAPI) -> None:
    guessing = Browser(console)

    def guess(number: int, header: str) -> int:
        guessing.get("/console/sign-in")
        fields = guessing.form("/console/sign-in") | {"login": "nobody", "password": "x"}
        return guessing.post("/console/sign-in", fields, **{header: f"203.0.113.{number}"}).status_code

    assert [guess(number, "X-Forwarded-For") for number in range(7)] == [403] * 6 + [429]
    named = create_app(settings_for(database_url, client_address_header="X-Real-IP"))
    guessing = Browser(named)
    assert [guess(number, "X-Real-IP") for number in range(8)] == [403] * 8
    assert guess(1, "X-Forwarded-For") == 429  # counted with the first seven, whose address nobody knows either
    named.state.service.close()
