"""A CSV of pick-up points read for one event: whose cities are known, what its hours mean, which numbers are phones."""

from collections.abc import Callable, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from gateway.pickups.csv_file import EventDay, PointRow, read_points
from gateway.places.directory import Directory
from gateway.rules.phone_numbers import read_sender
from segments.csv_files import RowProblem


def read_for_event(
    lines: Sequence[str],
    event: Any,
    directory: Directory,
    region: str,
    progress: Callable[[], None] = lambda: None,
) -> list[PointRow | RowProblem]:
    """Return a file's rows and its problems; it is to be loaded only when there is no problem.

    :param event: a row of events
    :param region: ISO 3166, where phones without a country code belong
    """

    def phone(written: str) -> str | None:
        key = read_sender(written, region).key
        return key if key.startswith("+") else None

    day = EventDay(event.doors_at, event.ends_at, ZoneInfo(event.zone))
    return list(read_points(lines, day, lambda name: city_position(directory, name), phone, progress))


def city_position(directory: Directory, name: str) -> tuple[float, float] | None:
    """Return latitude and longitude of a city's middle, None where it is not known."""
    city = directory.place_named(name)
    return (city.lat, city.lon) if city and city.lat is not None and city.lon is not None else None


def unknown_cities(directory: Directory, points: Sequence[PointRow]) -> list[str]:
    """Return the cities of points that are not in the gazetteer."""
    return sorted({point.city for point in points if city_position(directory, point.city) is None})
