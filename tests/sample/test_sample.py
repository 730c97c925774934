"""The sample rally: always ahead, loaded once, and every name in it understood as itself."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Engine, func, select

from gateway.database import reading, writing
from gateway.inbound.reference import Reference
from gateway.places.store import revisions
from gateway.rules.geography import distance
from gateway.sample.loader import load_sample, rally_day
from gateway.service import Service
from gateway.tables import Departure, Event, PickupPoint, Place
from segments import resolve_place
from tests.gateway.conftest import a_text

LAHORE = ZoneInfo("Asia/Karachi")
MONDAY = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "day"),
    [
        (datetime(2026, 11, 23, 6, 0, tzinfo=UTC), "2026-11-29"),
        (datetime(2026, 11, 27, 18, 59, tzinfo=UTC), "2026-11-29"),
        (datetime(2026, 11, 27, 19, 1, tzinfo=UTC), "2026-12-06"),  # already Saturday in Lahore
        (datetime(2026, 11, 28, 12, 30, tzinfo=UTC), "2026-12-06"),
        (datetime(2026, 11, 29, 6, 0, tzinfo=UTC), "2026-12-06"),
        (datetime(2026, 12, 27, 6, 0, tzinfo=UTC), "2027-01-03"),
    ],
)
def test_the_rally_is_on_the_next_sunday_after_tomorrow(now: datetime, day: str) -> None:
    assert f"{rally_day(now, LAHORE, 'Sunday')}" == day


def _counts(engine: Engine) -> dict[str, int]:
    with reading(engine) as connection:
        return {
            table.__tablename__: connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in (Place, Event, PickupPoint, Departure)
        }


def test_loading_twice_changes_nothing(engine: Engine) -> None:
    first = load_sample(engine, MONDAY)
    assert first.event_added and first.places_added > 30 and first.points >= 17
    counts = _counts(engine)
    with reading(engine) as connection:
        before = revisions(connection)
    again = load_sample(engine, MONDAY + timedelta(days=2))
    assert (again.event_key, again.event_added, again.places_added) == (first.event_key, False, 0)
    assert _counts(engine) == counts
    with reading(engine) as connection:
        assert revisions(connection) == before


def test_what_organisers_changed_stays(engine: Engine) -> None:
    load_sample(engine, MONDAY)
    with writing(engine) as connection:
        connection.execute(
            PickupPoint.__table__.update().where(PickupPoint.name == "Nasir Bagh").values(state="closed")
        )
        connection.execute(Place.__table__.update().where(Place.name == "Ichhra").values(lat=31.0))
    load_sample(engine, MONDAY)
    with reading(engine) as connection:
        state = connection.execute(select(PickupPoint.state).where(PickupPoint.name == "Nasir Bagh")).scalar_one()
        lat = connection.execute(select(Place.lat).where(Place.name == "Ichhra")).scalar_one()
    assert (state, lat) == ("closed", 31.0)


def test_the_next_week_gets_a_rally_of_its_own(engine: Engine) -> None:
    first = load_sample(engine, MONDAY)
    second = load_sample(engine, MONDAY + timedelta(days=7))
    assert second.event_added and second.doors_at - first.doors_at == timedelta(days=7)
    assert second.points == first.points


@pytest.mark.parametrize("day", range(7))
def test_every_bus_leaves_between_now_and_the_doors(engine: Engine, day: int) -> None:
    now = MONDAY + timedelta(days=day, hours=12)
    loaded = load_sample(engine, now)
    with reading(engine) as connection:
        leaves = connection.execute(select(Departure.leaves_at)).scalars().all()
    assert leaves and all(now < at < loaded.doors_at for at in leaves)


def test_every_place_and_point_is_understood_as_itself(reference: Reference) -> None:
    gazetteer = reference.pickups.gazetteer
    own = [place for place in gazetteer.places if place.key.startswith("pickup:")]
    own += [place for place in gazetteer.places if place.kind in ("neighbourhood", "landmark")]
    assert len(own) > 50
    wrong = {
        name: match.alternatives or match.name
        for place in own
        for name in {place.name, *place.names.values()}
        if (match := resolve_place(name, gazetteer)).place != place
    }
    assert wrong == {}


def test_points_lie_in_their_cities_and_carry_short_landmarks_in_three_languages(
    engine: Engine, reference: Reference
) -> None:
    with reading(engine) as connection:
        points = connection.execute(select(PickupPoint.__table__)).all()
    for point in points:
        city = reference.directory.place_named(point.city)
        assert city and city.lat and city.lon, point.city
        assert distance(point.lat, point.lon, city.lat, city.lon) < 25_000, point.name
        assert set(point.landmarks) == {"en", "ur", "ur-Latn"}, point.name
        assert max(map(len, point.landmarks.values())) <= 20, point.name


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        ("WHERE Model Town", "Model Town Park Gate"),
        ("where liberty", "Liberty Roundabout"),
        ("WHERE Kasur", "Kasur Bus Stand"),
        ("kahan shahdra", "Shahdara Mor"),
        ("کہاں جوہر ٹاؤن", "ایکسپو سینٹر"),
        ("WHERE Clifton", "Numaish Chowrangi"),
        ("WHERE Faizabad", "Liaquat Bagh"),
    ],
)
def test_where_is_answered_with_the_nearest_point(sample_service: Service, asked: str, answered: str) -> None:
    [answer] = sample_service.record([a_text(asked)])
    assert answer and answered in (answer.body or "")


def test_a_name_that_two_cities_have_is_asked_back(sample_service: Service) -> None:
    [answer] = sample_service.record([a_text("WHERE Saddar")])
    assert answer and "Saddar Karachi" in (answer.body or "") and "Saddar Rawalpindi" in (answer.body or "")
