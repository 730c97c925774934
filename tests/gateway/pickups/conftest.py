"""An event with points in two made-up cities, one of them without any city in the base data."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, insert, select

from gateway.database import writing
from gateway.pickups.store import REVISION
from gateway.places.store import bump
from gateway.tables import Departure, Event, PickupPoint

NOW = datetime.now(UTC)


def add_event(engine: Engine, key: str = "rally", **others: Any) -> int:
    given = {
        "key": key,
        "name": "Freedom Rally",
        "names": {},
        "venue": "Old Stadium",
        "lat": 31.51,
        "lon": 74.33,
        "zone": "Asia/Karachi",
        "doors_at": NOW + timedelta(hours=6),
        "ends_at": NOW + timedelta(hours=12),
    }
    with writing(engine) as connection:
        made = connection.execute(insert(Event).values(**(given | others)).returning(Event.id)).scalar_one()
        bump(connection, REVISION)
    return int(made)


def add_point(
    engine: Engine, event: int, name: str, lat: float, lon: float, seats: int | None = None, **others: Any
) -> int:
    """Add a point with one bus in two hours; `buses` are other times from now, in minutes."""
    buses = others.pop("buses", (120,))
    given = {
        "event_id": event,
        "name": name,
        "names": {},
        "city": "Lahore",
        "lat": lat,
        "lon": lon,
        "landmarks": {},
    }
    with writing(engine) as connection:
        point = connection.execute(
            insert(PickupPoint).values(**(given | others)).returning(PickupPoint.id)
        ).scalar_one()
        for minutes in buses:
            leaves = datetime.now(UTC) + timedelta(minutes=minutes)
            connection.execute(insert(Departure).values(pickup_point_id=point, leaves_at=leaves, seats=seats))
        bump(connection, REVISION)
    return int(point)


def column(engine: Engine, query: Any) -> list[Any]:
    with writing(engine) as connection:
        return list(connection.execute(query).scalars())


@pytest.fixture
def rally(engine: Engine) -> int:
    return add_event(engine)


@pytest.fixture
def held(engine: Engine) -> Callable[[], list[int]]:
    return lambda: column(engine, select(Departure.held).order_by(Departure.id))
