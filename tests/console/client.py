"""A browser without a screen: keeps cookies, fills in forms as they stand on the page, follows as a browser would."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin

import httpx
import pyotp
from sqlalchemy import Engine, insert, select, update
from starlette.testclient import TestClient

from gateway.accounts.areas import Areas
from gateway.accounts.passwords import hash_password
from gateway.accounts.seal import sealer_from
from gateway.accounts.sessions import begin_session, find_session, freshen, set_areas
from gateway.database import reading, writing
from gateway.settings import Settings
from gateway.tables import Staff

PASSWORD = "violet-anchor-mango-42"
TOTP_SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[dict[str, Any]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "form":
            self.forms.append({"action": given.get("action") or "", "fields": {}})
        elif tag == "input" and self.forms and given.get("name"):
            if given.get("type") in ("checkbox", "radio") and "checked" not in given:
                return
            self.forms[-1]["fields"][given["name"]] = given.get("value") or ""


class Browser:
    """One browser; `get` and `post` do not follow redirects, `submit` sends a form of the last page."""

    def __init__(self, app: Any, address: str = "https://jalsa.example") -> None:
        self.address = address
        self.http = TestClient(app, base_url=address, follow_redirects=False, raise_server_exceptions=True)
        self.last: httpx.Response | None = None

    def get(self, path: str, **headers: str) -> httpx.Response:
        self.last = self.http.get(path, headers=headers)
        return self.last

    def follow(self, answer: httpx.Response) -> httpx.Response:
        while answer.status_code == 303:
            answer = self.get(answer.headers["location"])
        return answer

    def post(self, path: str, fields: Mapping[str, str], **headers: str) -> httpx.Response:
        sent = {"origin": self.address, "sec-fetch-site": "same-origin"}
        if self.last is not None:
            sent["referer"] = str(self.last.url)
        return self.http.post(path, data=dict(fields), headers={**sent, **headers})

    def form(self, action: str, page: httpx.Response | None = None) -> dict[str, str]:
        """The fields of the form on the last page that goes to an address, filled in as they stand there."""
        page = page or self.last
        assert page is not None
        parser = _Forms()
        parser.feed(page.text)
        found = [one for one in parser.forms if urljoin(str(page.url.path), one["action"]) == action]
        assert found, f"no form to {action} on {page.url}: {[one['action'] for one in parser.forms]}"
        return dict(found[0]["fields"])

    def submit(self, action: str, /, **fields: str) -> httpx.Response:
        answer = self.post(action, self.form(action) | fields)
        if answer.status_code != 303:
            self.last = answer
        return answer

    def sign_in(self, login: str, password: str = PASSWORD) -> httpx.Response:
        self.get("/console/sign-in")
        return self.submit("/console/sign-in", login=login, password=password)


def a_code(secret: str = TOTP_SECRET, ahead: int = 0) -> str:
    return pyotp.TOTP(secret).at(datetime.now(UTC) + timedelta(seconds=30 * ahead))


def make_staff(
    engine: Engine, settings: Settings, login: str, role: str, *, areas: Areas | None = None,
    second: bool | None = None, language: str = "en",
) -> int:  # fmt: skip
    """Add a login with `PASSWORD` and, for admins and organisers, `TOTP_SECRET`; returns its id."""
    has_second = second if second is not None else role != "field"
    row = {
        "login": login, "name": login.title(), "role": role, "password_hash": _hash_of_password(), "active": True,
        "created_at": datetime.now(UTC), "language": language,
        "second_factor": sealer_from(settings).seal(TOTP_SECRET) if has_second else None,
    }  # fmt: skip
    with writing(engine) as connection:
        staff_id = int(connection.execute(insert(Staff.__table__).values(row).returning(Staff.id)).scalar_one())
        set_areas(connection, staff_id, areas or Areas())
    return staff_id


@cache
def _hash_of_password() -> str:
    """One hash for all: making it takes longer than most tests."""
    return hash_password(PASSWORD)


def a_session(engine: Engine, login: str) -> str:
    """Return the cookie of a new session, all steps done."""
    now = datetime.now(UTC)
    with writing(engine) as connection:
        staff_id = connection.execute(select(Staff.id).where(Staff.login == login)).scalar_one()
        session = find_session(connection, begin_session(connection, staff_id, now), now)
        assert session is not None
        return freshen(connection, session.id, now, second=True)


def inside(browser: Browser, engine: Engine, login: str) -> Browser:
    """Put a login behind the door without knocking, which is quicker; `enter` goes through it."""
    browser.http.cookies.set("__Host-jalsa", a_session(engine, login), domain="jalsa.example", path="/")
    return browser


def enter(browser: Browser, engine: Engine, login: str) -> Browser:
    """Sign a login all the way in. The last code is forgotten, so that many may sign in within one half minute."""
    answer = browser.sign_in(login)
    assert answer.status_code == 303, answer.text
    page = browser.follow(answer)
    if page.url.path == "/console/sign-in/code":
        with writing(engine) as connection:
            connection.execute(update(Staff).where(Staff.login == login).values(last_code=0))
        page = browser.follow(browser.submit("/console/sign-in/code", code=a_code()))
    assert page.status_code == 200, page.text
    return browser


def staff_row(engine: Engine, login: str) -> Any:
    with reading(engine) as connection:
        return connection.execute(select(Staff.__table__).where(Staff.login == login)).one()


def hidden(html: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', html)
    assert found, name
    return found[1]
