"""The nearest point is the nearest, and its answer fits."""

import math
import random
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.pickups.answer import answer, base36
from gateway.pickups.live import BusState, Live
from gateway.pickups.pickups import Pickups, Rally
from gateway.pickups.points import Bus, Near, PickupIndex, Point
from gateway.replies.catalogue import load_catalogue
from gateway.rules.geography import bearing, distance
from gateway.rules.message_parts import cheapest, count_parts
from segments import Gazetteer

NOW = datetime(2026, 12, 6, 4, 0, tzinfo=UTC)
lats = st.floats(-90, 90) | st.floats(31.4, 31.6)
lons = st.floats(-180, 180) | st.floats(74.2, 74.4) | st.sampled_from([179.999, -179.999, 180.0, -180.0])


def a_point(number: int, lat: float, lon: float, **others: object) -> Point:
    given = {"id": number, "event_id": 1, "name": f"P{number}", "city": "X", "lat": lat, "lon": lon}
    return Point(**(given | others))  # type: ignore[arg-type]


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.tuples(lats, lons), max_size=60),
    lats,
    lons,
    st.integers(1, 4),
    st.sampled_from([math.inf, 60_000.0, 2_000_000.0]),
    st.integers(1, 5),
)
def test_the_sweep_finds_what_looking_at_every_point_finds(
    places: list[tuple[float, float]], lat: float, lon: float, count: int, within: float, every: int
) -> None:
    points = [a_point(number, *place) for number, place in enumerate(places, 1)]

    def wanted(point: Point) -> bool:
        return point.id % every == 0

    found = PickupIndex(points).nearest(lat, lon, wanted, count, within)
    naive = sorted((distance(lat, lon, one.lat, one.lon), one.id) for one in points if wanted(one))
    expected = [metres for metres, _ in naive if metres <= within][:count]
    assert [near.metres for near in found] == expected


def test_distance_and_bearing_agree_with_known_ones() -> None:
    # Lahore to Islamabad and Karachi to Lahore by the positions of their airports, as published for the air routes.
    assert abs(distance(31.5216, 74.4036, 33.5491, 72.8257) / 1000 - 269) < 3
    assert abs(distance(24.9065, 67.1608, 31.5216, 74.4036) / 1000 - 1021) < 5
    assert Near(a_point(1, 0, 0), 500, bearing(31.5, 74.3, 31.6, 74.3)).direction == "north"
    assert Near(a_point(1, 0, 0), 500, bearing(31.5, 74.3, 31.5, 74.2)).direction == "west"
    assert Near(a_point(1, 0, 0), 500, bearing(31.5, 74.3, 31.41, 74.4)).direction == "south-east"


def test_availability() -> None:
    buses = (Bus(1, NOW + timedelta(minutes=10), 5), Bus(2, NOW + timedelta(minutes=40), 5))
    point = a_point(1, 31.5, 74.3, buses=buses)
    soon, later = NOW + timedelta(minutes=15), NOW + timedelta(hours=1)
    assert Live().next_bus(point, NOW) is buses[0]
    assert Live().next_bus(point, soon) is buses[1]
    assert not Live().available(point, later)
    assert Live(buses={1: BusState(late_minutes=20)}).next_bus(point, soon) is buses[0]
    assert Live(buses={1: BusState(full=True)}).next_bus(point, NOW) is buses[1]
    assert Live(buses={1: BusState(late_minutes=60)}).next_bus(point, NOW) is buses[1]  # the second leaves first
    assert Live(buses={2: BusState(left=True)}).next_bus(point, soon) is None
    for state, expected in (("open", True), ("moved", True), ("full", False), ("closed", False)):
        assert Live(states={1: state}).available(point, NOW) is expected
    shut = a_point(2, 31.5, 74.3, opens_at=soon, closes_at=later)
    assert Live().available(shut, NOW) and not Live().available(shut, later)


_latin = st.text("abcdefghijklmnopqrstuvwxyz ABCDEFGHIJKLM-'.()0123456789éèñäöüÅłšžçğışāū", min_size=1, max_size=120)
_urdu = st.text("ابپتٹثجچحخدڈذرڑزژسشصضطظعغفقکگلمنوہیے ", min_size=1, max_size=120)


@settings(max_examples=400, deadline=None)
@given(
    name=_latin,
    name_ur=st.none() | _urdu,
    landmark=st.none() | _latin | _urdu,
    landmark_ur=st.none() | _urdu,
    place=_latin,
    number=st.integers(1, 10**9),
    metres=st.floats(0, 60_000),
    bearing_=st.floats(0, 360),
    days=st.integers(0, 30),
    late=st.booleans(),
    walk=st.none() | st.floats(1, 20_000),
    host=st.sampled_from(["https://jalsa.example", "https://sms.a-rather-long-organisation-name.example.org:8443"]),
)
def test_an_answer_is_one_part_in_english_and_two_in_urdu(
    name: str,
    name_ur: str | None,
    landmark: str | None,
    landmark_ur: str | None,
    place: str,
    number: int,
    metres: float,
    bearing_: float,
    days: int,
    late: bool,
    walk: float | None,
    host: str,
) -> None:
    buses = (Bus(1, NOW + timedelta(days=days, minutes=5), 50),)
    point = a_point(
        number,
        -31.54321,
        -174.34567,
        name=name,
        names={"ur": name_ur} if name_ur else {},
        landmarks={key: said for key, said in (("", landmark), ("ur", landmark_ur)) if said},
        buses=buses,
    )
    rally = Rally(1, "x", "x", ZoneInfo("Asia/Karachi"), NOW + timedelta(days=40), PickupIndex([point]))
    live = Live(buses={1: BusState(late_minutes=25)} if late else {})
    pickups = Pickups(
        (rally,), Gazetteer([]), ZoneInfo("Asia/Karachi"), live, link_base=f"{host}/p/", points={number: point}
    )
    reply = answer(Near(point, metres, bearing_, walk), {"": place, "en": place}, NOW, pickups)
    for language, most in (("en", 1), ("ur-Latn", 1), ("ur", 2)):
        said = cheapest(load_catalogue().render(reply, language))
        assert count_parts(said).parts <= most, (language, said)
        assert "/p/" in said or "maps.google.com" in said
        if len(name) <= 16 and language != "ur":
            assert count_parts(said).encoding == "GSM-7"


def test_base36_is_read_back() -> None:
    for number in (0, 1, 35, 36, 12345, 10**9):
        assert int(base36(number), 36) == number


def test_in_a_dense_city_the_nearest_of_many_is_found() -> None:
    chance = random.Random(2011)
    points = [a_point(number, 31.5 + chance.gauss(0, 0.1), 74.3 + chance.gauss(0, 0.1)) for number in range(1, 1501)]
    index = PickupIndex(points)
    for _ in range(150):
        lat, lon = 31.5 + chance.gauss(0, 0.1), 74.3 + chance.gauss(0, 0.1)
        ranked = sorted((distance(lat, lon, one.lat, one.lon), one.id) for one in points)
        for count in (1, 3):
            found = index.nearest(lat, lon, lambda _: True, count)
            assert [(near.metres, near.point.id) for near in found] == ranked[:count]
