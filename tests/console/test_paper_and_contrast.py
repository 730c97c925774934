"""Pages on paper and in high contrast: what a theme or a background says on a screen must be there without them."""

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import delete, insert

from gateway.database import writing
from gateway.service import Service
from gateway.tables import TextHour
from tests.console.conftest import OpenPage, Rally, a_rally
from tests.gateway.conftest import a_text

PAGES = [
    "/console/",
    "/console/reports",
    "/console/pickups",
    "/console/members",
    "/console/audit",
    "/console/broadcasts",
]
_COUNTED = 987_654

_TOO_PALE = """() => {
  const light = ([r, g, b]) => [r, g, b].map((v) => v / 255)
    .map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, at) => sum + v * [0.2126, 0.7152, 0.0722][at], 0);
  const numbers = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const words = [...document.querySelectorAll("main *")].filter((one) => one.checkVisibility()
    && [...one.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim()));
  return words.map((one) => {
    const own = getComputedStyle(one);
    const ink = numbers(one.closest("svg") ? own.fill : own.color);
    return [one.outerHTML.slice(0, 90), 1.05 / (light(ink) + 0.05)];
  }).filter(([_, contrast]) => contrast < 4.5);
}"""


@pytest.fixture(scope="module")
def rally(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rally]:
    """One of this file's own: pages keep their counts for a while, and nobody may have looked before there are some."""
    with a_rally(tmp_path_factory.mktemp("paper")) as made:
        yield made


@pytest.fixture(scope="module")
def counted(rally: Rally) -> None:
    """Texts of this hour and counted hours before it, so that both charts are drawn."""
    service, now = Service(rally.settings), datetime.now(UTC)
    for body in ("JOIN Ali Lahore", "WHERE Kalma Chowk", "REPORT no water at gate 3"):
        service.record([a_text(body, "+923451230009", carrier="simulated", carrier_id=uuid.uuid4().hex)])
    service.close()
    hour = now.replace(minute=0, second=0, microsecond=0)
    with writing(rally.engine) as connection:
        rows = [{"hour": hour - timedelta(hours=back), "texts": 1 + back % 7} for back in range(1, 200)]
        connection.execute(insert(TextHour), rows)
    yield
    with writing(rally.engine) as connection:
        connection.execute(delete(TextHour.__table__))


@pytest.mark.parametrize("path", PAGES)
def test_dark_pages_print_dark_on_white(open_page: OpenPage, counted: None, path: str) -> None:
    page = open_page("admin", path, theme="dark")
    page.emulate_media(media="print", color_scheme="dark")
    for frame in (".top", ".menu", "main form.filters button"):
        for one in page.locator(frame).all():
            expect(one).to_be_hidden()
    expect(page.locator("main h1")).to_be_visible()
    assert page.evaluate(_TOO_PALE) == []
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert len(page.pdf()) > 5_000


def _look(page: Page, selector: str, name: str) -> list[str]:
    found = page.evaluate(
        "([selector, name]) => [...document.querySelectorAll(selector)].map((one) => getComputedStyle(one)[name])",
        [selector, name],
    )
    assert found, selector
    return list(found)


def test_charts_are_printed_with_their_lines_and_squares(open_page: OpenPage, counted: None) -> None:
    page = open_page("admin", "/console/", theme="dark")
    page.emulate_media(media="print", color_scheme="dark")
    assert page.locator("svg.chart").count() == 2
    assert set(_look(page, "svg.chart", "printColorAdjust")) == {"exact"}
    assert set(_look(page, ".chart .s0 path", "stroke")) == {"rgb(11, 107, 83)"}  # the light page's ink
    assert "rgb(11, 107, 83)" in _look(page, ".chart .cells path:not(.level0)", "fill")
    assert set(_look(page, "progress", "printColorAdjust")) == {"exact"}


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_in_high_contrast_bars_charts_and_what_is_chosen_still_show(
    open_page: OpenPage, counted: None, theme: str
) -> None:
    page = open_page("admin", "/console/", theme=theme)
    page.emulate_media(forced_colors="active", color_scheme=theme)  # type: ignore[arg-type]
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    for selector, name in (
        ("progress", "borderTopColor"), (".chart .s0 path", "stroke"), (".chart .s1 path", "stroke"),
        (".chart .cells path:not(.level0)", "fill"), (".key.level5", "backgroundColor"), (".badge", "borderTopColor"),
        (".chart text", "fill"),
    ):  # fmt: skip
        assert ground not in _look(page, selector, name), selector
    assert set(_look(page, ".chart .s0 path", "stroke")) != set(_look(page, ".chart .s1 path", "stroke"))
    assert float(_look(page, ".menu a[aria-current]", "borderTopWidth")[0].removesuffix("px")) >= 1
    page.goto("/console/reports")
    chosen = _look(page, ".presets .button[aria-current]", "borderTopWidth")
    assert chosen == ["3px"] and set(_look(page, ".presets .button:not([aria-current])", "borderTopWidth")) == {"1px"}
