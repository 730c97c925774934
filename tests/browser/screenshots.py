"""Make the pictures of the documentation anew: `make screenshots`. Needs chromium and the Noto fonts."""

import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page
from sqlalchemy import Engine

from gateway.accounts.sessions import begin_session, find_session, freshen
from gateway.database import make_engine, writing
from gateway.settings import load_settings
from gateway.tables import Staff
from tests.browser.gateway_process import CHROMIUM, ROOT, browsing, serving
from tests.console.client import make_staff

_PORT = 8000  # it shows in the links of answers
_SECRET = "secret-of-the-pictures"

_TALK = {
    "Sana": ["JOIN Sana Lahore NA-130 students", "WHERE Kalma Chowk", "REPORT no drinking water at gate 3"],
    "عائشہ": ["شامل عائشہ لاہور خواتین", "کہاں جوہر ٹاؤن", "شکایت گیٹ نمبر 3 پر پانی نہیں ہے"],
    "Bilal": ["shamil Bilal", "Qasur", "kahan hai bus"],
    "Grace": ["JOIN Grace Okafor", "lahor", "WHERE Liberty", "STOP"],
}


def talk(page: Page) -> None:
    """Text from every phone, and wait for each answer."""
    for name, texts in _TALK.items():
        phone = page.get_by_label(name, exact=True).and_(page.locator("section"))
        for text in texts:
            before = phone.locator(".to-phone").count()
            phone.locator("textarea").fill(text)
            phone.get_by_role("button", name="Send").click()
            phone.locator(".to-phone").nth(before).wait_for()


_CONSOLE = (
    ("now", "/console/", "en", "light", False),
    ("reports", "/console/reports", "en", "light", True),
    ("reports-urdu", "/console/reports", "ur", "dark", True),
    ("broadcast", "/console/broadcasts/new", "en", "light", False),
    ("members", "/console/members", "en", "light", False),
    ("pickups", "/console/pickups", "ur", "light", False),
    ("replies", "/console/settings/replies", "en", "dark", False),
)
"""Name of the picture, page, language, theme, and whether on a phone."""


def main(folder: Path) -> None:
    with (
        tempfile.TemporaryDirectory() as data,
        serving(Path(data), _PORT, SECRET_KEY=_SECRET) as address,
        browsing() as browser,
    ):
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.goto(f"{address}/handset")
        talk(page)
        page.screenshot(path=folder / "handset.png")
        _say(folder / "handset.png")
        console(browser, address, f"sqlite:///{Path(data) / 'jalsa.db'}", folder / "console")


def console(browser: Browser, address: str, database_url: str, folder: Path) -> None:
    """Take the pictures of the console, signed in as an admin whose every step of signing in is done."""
    folder.mkdir(exist_ok=True)
    settings = load_settings(database_url=database_url, port=_PORT, secret_key=_SECRET, _env_file=None)
    engine = make_engine(database_url)
    make_staff(engine, settings, "amna", "admin")
    for name, path, language, theme, phone in _CONSOLE:
        size = {"width": 360, "height": 740} if phone else {"width": 1280, "height": 800}
        context = browser.new_context(viewport=size, color_scheme=theme)  # type: ignore[arg-type]
        cookie: Any = {"name": "jalsa", "value": _session(engine, language), "url": address, "httpOnly": True}
        context.add_cookies([cookie])
        page = context.new_page()
        page.goto(f"{address}{path}")
        page.locator("main h1").wait_for()
        page.screenshot(path=folder / f"{name}.png")
        context.close()
        _say(folder / f"{name}.png")
    engine.dispose()


def _session(engine: Engine, language: str) -> str:
    now, staff = datetime.now(UTC), Staff.__table__
    with writing(engine) as connection:
        connection.execute(staff.update().values(language=language, theme="auto"))
        token = begin_session(connection, connection.execute(staff.select()).one().id, now)
        session = find_session(connection, token, now)
        assert session is not None
        return freshen(connection, session.id, now, second=True)


def _say(picture: Path) -> None:
    print(f"{picture}: {picture.stat().st_size // 1024} KB")


if __name__ == "__main__":
    if not Path(CHROMIUM).exists():
        sys.exit("The pictures need a browser: apt-get install chromium fonts-noto-core")
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs")
