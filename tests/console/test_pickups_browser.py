"""Now and the pick-up points in a real browser: with script and without, phone and desktop, English and Urdu, print."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import delete, insert, select

from gateway.database import reading, writing
from gateway.tables import Departure, PickupPoint, UnmatchedPlace
from tests.console.conftest import MOST_BYTES, OpenPage, Rally, check_page, page_weight

NOW = datetime.now(UTC)
MAP_BYTES = 130 * 1024  # a page whose map is asked for loads Leaflet too
VIEWS = [
    pytest.param({"script": True, "phone": False, "language": "en"}, id="desktop"),
    pytest.param({"script": True, "phone": True, "language": "ur", "theme": "dark"}, id="phone, Urdu, dark"),
    pytest.param({"script": False, "phone": True, "language": "en"}, id="phone without script"),
]


@pytest.fixture
def point(rally: Rally) -> int:
    with reading(rally.engine) as connection:
        found = connection.execute(select(PickupPoint.id).order_by(PickupPoint.id).limit(1)).scalar_one()
    return int(found)


@pytest.fixture
def unknown(rally: Rally) -> Iterator[str]:
    words = "wapda <b>grid</b>"
    row = {"key": "wapda", "words": words, "near": "", "times": 3, "first_asked_at": NOW, "last_asked_at": NOW}
    with writing(rally.engine) as connection:
        connection.execute(delete(UnmatchedPlace).where(UnmatchedPlace.key == "wapda"))
        connection.execute(insert(UnmatchedPlace).values(row))
    yield words
    with writing(rally.engine) as connection:
        connection.execute(delete(UnmatchedPlace).where(UnmatchedPlace.key == "wapda"))


@pytest.mark.parametrize("view", VIEWS)
def test_now(open_page: OpenPage, view: dict[str, object]) -> None:
    page = open_page("organiser", "/console/", **view)
    expect(page.locator("#now-h-texts")).to_be_visible()
    expect(page.locator("#now-h-carriers")).to_be_visible()
    expect(page.locator("#now-filling progress").first).to_be_visible()
    _check(page, view)


def test_now_changes_by_itself(open_page: OpenPage, rally: Rally, point: int) -> None:
    page = open_page("field", "/console/", phone=True)
    shown = page.locator(f'#now-filling tr:has(a[href="/console/pickups/{point}"])')
    before = _held(rally, point)
    try:
        _hold(rally, point, 37)
        expect(page.locator("#now-filling")).to_contain_text("37 /", timeout=15_000)
        expect(shown).to_be_visible()
    finally:
        _hold(rally, point, before)


@pytest.mark.parametrize("view", VIEWS)
def test_the_pages_of_pickups(open_page: OpenPage, point: int, unknown: str, view: dict[str, object]) -> None:
    page = open_page("organiser", "/console/pickups", **view)
    expect(page.locator("#pick-table tbody tr").first).to_be_visible()
    _check(page, view)
    for path in (str(point), f"{point}/edit", "new", "import", "demand", "unmatched"):
        page.goto(f"/console/pickups/{path}")
        expect(page.locator("h1")).to_be_visible()
        _check(page, view)
    expect(page.get_by_text(unknown)).to_be_visible()


def test_the_map_comes_when_it_is_asked_for(open_page: OpenPage, point: int) -> None:
    page = open_page("field", "/console/pickups")
    page.locator("#pick-show-map").click()
    expect(page.locator("#pick-map[data-drawn]")).to_be_visible()
    assert page.locator("#pick-map path.leaflet-interactive").count() > 3
    check_page(page, most_bytes=MAP_BYTES)


@pytest.mark.parametrize("script", [True, False], ids=["with script", "without script"])
def test_a_point_is_marked_full_and_opened_again(open_page: OpenPage, rally: Rally, point: int, script: bool) -> None:
    page = open_page("organiser", f"/console/pickups/{point}", phone=True, script=script)
    page.get_by_role("button", name="Mark it full").click()
    expect(page.get_by_text("The point is full")).to_be_visible()
    assert _state(rally, point) == "full"
    page.get_by_role("button", name="Open it").click()
    expect(page.get_by_text("The point is open.")).to_be_visible()
    assert _state(rally, point) == "open"


@pytest.mark.parametrize("script", [True, False], ids=["with script", "without script"])
def test_a_file_is_previewed_and_left_alone(open_page: OpenPage, rally: Rally, script: bool) -> None:
    page = open_page("organiser", "/console/pickups/import", script=script)
    content = "name,city,lat,lon\n<i>Gate</i>,Lahore,31.55,74.35\n"
    page.locator("#f-file").set_input_files({"name": "a.csv", "mimeType": "text/csv", "buffer": content.encode()})
    page.get_by_role("button", name="See what it would do").click()
    expect(page.get_by_role("button", name="Import this")).to_be_visible()
    expect(page.get_by_text("<i>Gate</i>")).to_be_visible()
    with reading(rally.engine) as connection:
        assert connection.execute(select(PickupPoint.id).where(PickupPoint.name == "<i>Gate</i>")).first() is None


def _check(page: Page, view: dict[str, object]) -> None:
    if view["script"]:  # axe is a script of its own and never ends where none may run
        check_page(page)
    else:
        assert sum(page_weight(page).values()) <= MOST_BYTES


def _state(rally: Rally, point: int) -> str:
    with reading(rally.engine) as connection:
        return str(connection.execute(select(PickupPoint.state).where(PickupPoint.id == point)).scalar_one())


def _held(rally: Rally, point: int) -> int:
    with reading(rally.engine) as connection:
        mine = select(Departure.held).where(Departure.pickup_point_id == point).order_by(Departure.id).limit(1)
        return int(connection.execute(mine).scalar_one())


def _hold(rally: Rally, point: int, seats: int) -> None:
    with writing(rally.engine) as connection:
        first = select(Departure.id).where(Departure.pickup_point_id == point).order_by(Departure.id).limit(1)
        changed = Departure.__table__.update().where(Departure.id == first.scalar_subquery())
        connection.execute(changed.values(held=seats))
