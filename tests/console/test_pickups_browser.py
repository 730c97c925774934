"""Now and the pick-up points in a real browser: with script and without, phone and desktop, English and Urdu, print."""

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from playwright.sync_api import FilePayload, expect
from sqlalchemy import delete, insert, select

from gateway.database import reading, writing
from gateway.pickups.applied import unmatched_key
from gateway.tables import Departure, PickupPoint, UnmatchedPlace
from tests.console.conftest import OpenPage, Rally, check_page
from tests.console.ways import Visit, Way, in_every_way, in_opposite_ways

NOW = datetime.now(UTC)
MAP_BYTES = 130 * 1024  # a page whose map is asked for loads Leaflet too


@pytest.fixture
def point(rally: Rally) -> int:
    with reading(rally.engine) as connection:
        found = connection.execute(select(PickupPoint.id).order_by(PickupPoint.id).limit(1)).scalar_one()
    return int(found)


@pytest.fixture
def unknown(rally: Rally) -> Iterator[str]:
    """Words that nobody has said before, and nobody knew."""
    words = f"wapda <b>grid</b> {uuid.uuid4().hex[:6]}"
    key = unmatched_key(words)
    row = {"key": key, "words": words, "near": "", "times": 3, "first_asked_at": NOW, "last_asked_at": NOW}
    with writing(rally.engine) as connection:
        connection.execute(insert(UnmatchedPlace).values(row))
    yield words
    with writing(rally.engine) as connection:
        connection.execute(delete(UnmatchedPlace).where(UnmatchedPlace.key == key))


@in_every_way
def test_now(open_page: OpenPage, rally: Rally, point: int, way: Way) -> None:
    visit = Visit(open_page("organiser", "/console/", **way.look), way)
    visit.reads("menu.now")
    for key in ("now.texts", "now.reports", "now.filling", "now.broadcasts", "now.joins", "now.carriers"):
        expect(visit.page.get_by_role("heading", name=way.words(key), exact=True)).to_be_visible()
    expect(visit.page.locator("#now-filling progress").first).to_be_visible()
    visit.is_sound()
    visit.follow("now.all_points")
    visit.reads("menu.pickups")


def test_now_changes_by_itself(open_page: OpenPage, rally: Rally, point: int) -> None:
    page = open_page("field", "/console/", phone=True)
    shown = page.locator(f'#now-filling tr:has(a[href="/console/pickups/{point}"])')
    before = _held(rally, point)
    try:
        _hold(rally, point, 37)
        expect(page.locator("#now-filling")).to_contain_text("37 /")
        expect(shown).to_be_visible()
    finally:
        _hold(rally, point, before)


@pytest.mark.parametrize("way", [Way(True, True, "ur"), Way(False, True, "en"), Way(True, False, "en")], ids=str)
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_pages_of_pickups(open_page: OpenPage, point: int, unknown: str, way: Way, theme: str) -> None:
    visit = Visit(open_page("organiser", "/console/pickups", theme=theme, **way.look), way)
    expect(visit.page.locator("#pick-table tbody tr").first).to_be_visible()
    visit.is_sound()
    for path in (str(point), f"{point}/edit", "new", "import", "demand", "unmatched"):
        visit.at(f"/console/pickups/{path}")
        expect(visit.page.locator("h1")).to_be_visible()
        visit.is_sound()
    expect(visit.page.get_by_text(unknown)).to_be_visible()


def test_the_map_comes_when_it_is_asked_for(open_page: OpenPage, point: int) -> None:
    page = open_page("field", "/console/pickups")
    page.locator("#pick-show-map").click()
    expect(page.locator("#pick-map[data-drawn]")).to_be_visible()
    assert page.locator("#pick-map path.leaflet-interactive").count() > 3
    check_page(page, most_bytes=MAP_BYTES)


@in_every_way
def test_a_point_is_marked_full_and_opened_again(open_page: OpenPage, rally: Rally, point: int, way: Way) -> None:
    visit = Visit(open_page("organiser", "/console/pickups", **way.look), way)
    visit.page.locator(f'#pick-table a[href="/console/pickups/{point}"]').click()
    visit.press("pickups.make_full")
    visit.is_told("pickups.is_full")
    expect(visit.card("pickups.buses").locator(".badge").first).to_have_text(way.words("pickups.state_full"))
    assert _state(rally, point) == "full"
    visit.press("pickups.make_open")
    visit.is_told("pickups.is_open")
    assert _state(rally, point) == "open"


@in_opposite_ways
def test_a_bus_is_late(open_page: OpenPage, rally: Rally, point: int, way: Way) -> None:
    visit = Visit(open_page("organiser", f"/console/pickups/{point}", **way.look), way)
    bus = visit.page.locator(".bus").first
    bus.locator("summary").click()
    minutes = 21 + way.number
    visit.field("pickups.number_late", bus).fill(str(minutes))
    visit.press("pickups.do_late", bus)
    visit.is_told("pickups.did_late")
    expect(visit.page.locator(".bus .badge").first).to_have_text(way.words("pickups.late_by", minutes=minutes))
    with reading(rally.engine) as connection:
        mine = select(Departure.late_minutes).where(Departure.pickup_point_id == point)
        assert minutes in connection.execute(mine).scalars().all()


@in_every_way
def test_a_file_of_points_is_looked_at_and_imported(open_page: OpenPage, rally: Rally, way: Way) -> None:
    name = f"<i>Gate</i> {way}"
    visit = Visit(open_page("organiser", "/console/pickups", **way.look), way)
    visit.follow("pickups.import")
    _look_at(visit, "name,lat\n")
    expect(visit.page.get_by_role("alert")).to_have_text(way.any_words("pickups.nothing_imported"))
    visit.follow("pickups.other_file")
    _look_at(visit, f"name,city,lat,lon\n{name},Lahore,31.55,74.35\n")
    expect(visit.page.get_by_text(name)).to_be_visible()
    assert _points(rally, name) == []  # nothing is written before one says so
    visit.is_sound()
    visit.press("pickups.import_do", n=1)
    visit.is_told("pickups.imported", added=1, changed=0)
    assert _points(rally, name) == ["lahore"]
    visit.field("pickups.search").fill(name)
    visit.press("pickups.show")
    expect(visit.page.locator("#pick-table tbody tr")).to_have_count(1)
    with writing(rally.engine) as connection:
        connection.execute(delete(PickupPoint).where(PickupPoint.name == name))


@in_opposite_ways
def test_a_place_that_nobody_knew_gets_a_meaning(open_page: OpenPage, rally: Rally, unknown: str, way: Way) -> None:
    visit = Visit(open_page("organiser", "/console/pickups", **way.look), way)
    visit.follow("pickups.unmatched")
    visit.page.get_by_role("button", name=way.spoken("pickups.make_alias_of", words=unknown), exact=True).click()
    visit.reads("pickups.what_is", words=unknown)
    visit.field("pickups.search_place").fill("Kalma Chowk")
    visit.press("pickups.search_do")
    visit.page.get_by_role("radio").first.check()
    visit.press("pickups.alias_do")
    expect(visit.page.locator("p.notice[role=status]").first).to_have_text(way.any_words("pickups.alias_made"))
    with reading(rally.engine) as connection:
        mine = select(UnmatchedPlace.alias_of).where(UnmatchedPlace.key == unmatched_key(unknown))
        assert connection.execute(mine).scalar_one() is not None


def _look_at(visit: Visit, content: str) -> None:
    file: FilePayload = {"name": "a.csv", "mimeType": "text/csv", "buffer": content.encode()}
    visit.field("pickups.file").set_input_files(file)
    visit.press("pickups.preview")


def _points(rally: Rally, name: str) -> list[str]:
    with reading(rally.engine) as connection:
        cities = connection.execute(select(PickupPoint.city).where(PickupPoint.name == name)).scalars().all()
    return [str(city).lower() for city in cities]


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
