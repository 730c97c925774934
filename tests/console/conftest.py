"""What tests of the console share.

HTTP: `console` is the application with one login per role; `as_admin`, `as_organiser`, `as_field` are browsers without
a screen that are signed in (`tests.console.client.Browser`), on SQLite and PostgreSQL.

Real browser: `rally` is a gateway in a process of its own with the sample rally and the same logins; `open_page(role,
path, phone=True, script=False, language="ur")` gives a Playwright page that is signed in, and `check_page(page)` looks
for what no page may have: complaints of axe, errors, sideways scrolling, too many bytes.
"""

import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from fastapi import FastAPI
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import BrowserContext, Page
from sqlalchemy import Engine

from gateway.app import create_app
from gateway.database import make_engine, writing
from gateway.settings import Settings, load_settings
from gateway.tables import Staff
from tests.browser.gateway_process import CHROMIUM, PATIENCE_MS, browsing, serving
from tests.conftest import say_not_run
from tests.console.client import Browser, a_session, inside, make_staff
from tests.gateway.conftest import settings_for

ROLES = ("admin", "organiser", "field")
LOGINS = {"admin": "amna", "organiser": "omar", "field": "farah"}
PHONE, DESKTOP = {"width": 360, "height": 740}, {"width": 1280, "height": 800}
MOST_BYTES = 60 * 1024


@pytest.fixture
def settings(database_url: str) -> Settings:
    return settings_for(database_url)


@pytest.fixture
def console(engine: Engine, settings: Settings) -> Iterator[FastAPI]:
    """The application with a login for each role: amna (admin), omar (organiser), farah (field)."""
    for role, login in LOGINS.items():
        make_staff(engine, settings, login, role)
    app = create_app(settings)
    yield app
    app.state.service.close()


@pytest.fixture
def visitor(console: FastAPI) -> Browser:
    return Browser(console)


@pytest.fixture
def as_admin(console: FastAPI, engine: Engine) -> Browser:
    return inside(Browser(console), engine, "amna")


@pytest.fixture
def as_organiser(console: FastAPI, engine: Engine) -> Browser:
    return inside(Browser(console), engine, "omar")


@pytest.fixture
def as_field(console: FastAPI, engine: Engine) -> Browser:
    return inside(Browser(console), engine, "farah")


# A real browser ------------------------------------------------------------------------------------------------------


@dataclass
class Rally:
    """A gateway in a process of its own. `engine` is on its database, for what a test wants to find or to prepare."""

    address: str
    settings: Settings
    engine: Engine
    folder: Path

    def session(self, role: str) -> str:
        """Return the cookie of a new session of one of the logins, all steps done."""
        return a_session(self.engine, LOGINS[role])


@contextmanager
def a_rally(folder: Path) -> Iterator[Rally]:
    """Start a gateway with the sample rally and a login for each role."""
    with serving(folder, SECRET_KEY="secret-for-tests-only") as address:
        settings = load_settings(
            database_url=f"sqlite:///{folder / 'jalsa.db'}",
            port=int(address.rpartition(":")[2]),
            secret_key="secret-for-tests-only",
            _env_file=None,
        )
        engine = make_engine(settings.database_url)
        for role, login in LOGINS.items():
            make_staff(engine, settings, login, role)
        yield Rally(address, settings, engine, folder)
        engine.dispose()


@pytest.fixture(scope="session")
def rally(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rally]:
    with a_rally(tmp_path_factory.mktemp("rally")) as made:
        yield made


@pytest.fixture(scope="module")  # its API keeps a loop running in this thread, which other files' tests need
def chromium() -> Iterator[Chromium]:
    if not Path(CHROMIUM).exists():
        say_not_run("The console in a browser", "chromium is not installed (apt-get install chromium)")
    with browsing() as made:
        yield made


_PLAIN: weakref.WeakSet[BrowserContext] = weakref.WeakSet()
OpenPage = Callable[..., Page]


@pytest.fixture
def open_page(rally: Rally, chromium: Chromium) -> Iterator[OpenPage]:
    """Open a page in a browser of its own: `open_page("organiser", "/console/", phone=True, script=False,
    language="ur", theme="dark")`. A role of None is signed out. Complaints of the browser fail the test at its end."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def opened(
        role: str | None, path: str = "/console/", *, phone: bool = False, script: bool = True, language: str = "en",
        theme: str = "light",
    ) -> Page:  # fmt: skip
        context = chromium.new_context(
            viewport=PHONE if phone else DESKTOP,  # type: ignore[arg-type]
            has_touch=phone,
            java_script_enabled=script,
            locale="en-GB",
            color_scheme=theme,  # type: ignore[arg-type]
            base_url=rally.address,
        )
        contexts.append(context)
        context.set_default_timeout(PATIENCE_MS)
        if not script:
            _PLAIN.add(context)
        cookies: list[Any] = [{"name": "jalsa_language", "value": language, "url": rally.address}]
        if role:
            with writing(rally.engine) as connection:
                changed = Staff.__table__.update().where(Staff.login == LOGINS[role])
                connection.execute(changed.values(language=language, theme="auto"))
            cookies.append({"name": "jalsa", "value": rally.session(role), "url": rally.address, "httpOnly": True})
        context.add_cookies(cookies)
        page = context.new_page()
        page.on("console", lambda said: _complain(said.text, complaints) if said.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda asked: _only_ours(asked.url, rally.address, complaints))
        page.goto(path)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert complaints == []  # a breach of the content policy would stand here too


def _complain(words: str, complaints: list[str]) -> None:
    if "the server responded with a status of 4" not in words:  # how a form is told what is wrong with it
        complaints.append(words)


def _only_ours(url: str, address: str, complaints: list[str]) -> None:
    if not url.startswith((address, "data:")):
        complaints.append(f"asked another host: {url}")


def check_page(page: Page, *, most_bytes: int = MOST_BYTES, allow_scroll: bool = False) -> None:
    """Look at the page as it stands: axe finds nothing serious, nothing hangs over the side at its width and at 360
    pixels, and a first load of it, with nothing kept from before, is small enough in all."""
    found = Axe().run(page) if _scripted(page) else None
    if found is not None:
        serious = [
            f"{one['id']} ({one['impact']}): {one['help']}: {[node['html'][:160] for node in one['nodes'][:3]]}"
            for one in found.response["violations"]
            if one["impact"] in ("serious", "critical")
        ]
        assert serious == [], "\n".join(serious)
    size = page.viewport_size
    assert size is not None
    for width in {size["width"], 360}:
        page.set_viewport_size({"width": width, "height": size["height"]})
        if _scripted(page) and not allow_scroll:
            over = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert over <= 0, f"{page.url} hangs over by {over} pixels at a width of {width}"
    page.set_viewport_size(size)
    weight = page_weight(page)
    assert sum(weight.values()) <= most_bytes, f"{page.url} weighs {sum(weight.values())} bytes: {weight}"


def page_weight(page: Page) -> dict[str, int]:
    """Return the bytes on the wire, headers included, of a first load of this page, by address. A stream that stays
    open is not waited for."""
    context = page.context.browser.new_context(  # type: ignore[union-attr]
        storage_state=page.context.storage_state(), viewport=page.viewport_size
    )
    fresh = context.new_page()
    session = context.new_cdp_session(fresh)
    session.send("Network.enable")
    urls: dict[str, str] = {}
    weight: dict[str, int] = {}
    session.on("Network.requestWillBeSent", lambda event: urls.update({event["requestId"]: event["request"]["url"]}))

    def done(event: dict[str, Any]) -> None:
        url = urls.get(event["requestId"], "?")
        weight[url] = weight.get(url, 0) + int(event["encodedDataLength"])

    session.on("Network.loadingFinished", done)
    fresh.goto(page.url)
    fresh.wait_for_load_state("load")
    context.close()
    return weight


def _scripted(page: Page) -> bool:
    """Whether scripts run on the page; where they are off, asking the page itself would wait for ever."""
    return page.context not in _PLAIN
