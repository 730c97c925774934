"""Pick-up points as an index in memory, and the nearest of them. Pure.

Nearest by a sweep outward in latitude: points are sorted by it, and the sweep ends on each side as soon as the latitude
alone is farther away than the best found. No grid, no dependency, exact by great-circle distance.
"""

import math
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from gateway.rules.geography import EARTH_RADIUS_M, bearing, distance

_M_PER_DEGREE = math.radians(1) * EARTH_RADIUS_M
_COMPASS = ("north", "north-east", "east", "south-east", "south", "south-west", "west", "north-west")
HERE_M = 30
_ALMOST_POLE = 89.9


@dataclass(frozen=True, slots=True)
class Bus:
    """One departure as planned: its id, its time in aware UTC, and its seats (None: not counted)."""

    id: int
    leaves_at: datetime
    seats: int | None = None


@dataclass(frozen=True, slots=True)
class Point:
    """One pick-up point as decisions see it. Times are aware UTC, positions WGS 84 degrees, buses in order of time."""

    id: int
    event_id: int
    name: str
    city: str
    lat: float
    lon: float
    names: Mapping[str, str] = field(default_factory=dict)
    aliases: tuple[str, ...] = ()
    landmarks: Mapping[str, str] = field(default_factory=dict)
    opens_at: datetime | None = None
    closes_at: datetime | None = None
    buses: tuple[Bus, ...] = ()


@dataclass(frozen=True, slots=True)
class Near:
    """A point and how far it is: metres along the great circle, degrees clockwise from north, seconds of walking
    where a router has told them."""

    point: Point
    metres: float
    bearing: float
    walk_s: float | None = None

    @property
    def direction(self) -> str:
        return "here" if self.metres < HERE_M else _COMPASS[round(self.bearing / 45) % 8]


class PickupIndex:
    """An immutable index over pick-up points, replaced whole when they change."""

    def __init__(self, points: Iterable[Point]) -> None:
        self.points = tuple(sorted(points, key=lambda point: (point.lat, point.id)))
        self._lats = [point.lat for point in self.points]
        self._lons = [point.lon for point in self.points]

    def nearest(
        self, lat: float, lon: float, wanted: Callable[[Point], bool], count: int = 1, within_m: float = math.inf
    ) -> list[Near]:
        """Return up to `count` wanted points, the nearest first, none farther than `within_m` metres."""
        lats, lons, points = self._lats, self._lons, self.points
        best: list[tuple[float, int]] = []
        limit = within_m
        gap_limit, lon_limit = _degrees(limit, lat)
        up = bisect_left(lats, lat)
        down = up - 1
        end = len(lats)
        while True:
            above = lats[up] - lat if up < end else math.inf
            below = lat - lats[down] if down >= 0 else math.inf
            if above < below:
                gap, number = above, up
                up += 1
            else:
                gap, number = below, down
                down -= 1
            if gap > gap_limit or gap == math.inf:
                break
            aside = abs(lons[number] - lon)
            if lon_limit < aside < 360 - lon_limit:
                continue
            point = points[number]
            metres = distance(lat, lon, point.lat, point.lon)
            if metres > limit or not wanted(point):
                continue
            best.append((metres, number))
            best.sort(key=lambda found: (found[0], points[found[1]].id))
            del best[count:]
            if len(best) == count:
                limit = best[-1][0]
                gap_limit, lon_limit = _degrees(limit, lat)
        return [
            Near(points[number], metres, bearing(lat, lon, points[number].lat, points[number].lon))
            for metres, number in best
        ]


def _degrees(metres: float, lat: float) -> tuple[float, float]:
    """Return how many degrees of latitude and of longitude may lie between two points so far apart, one at `lat`."""
    if metres == math.inf:
        return math.inf, 360.0
    gap = (metres + 1) / _M_PER_DEGREE
    if abs(lat) + gap >= _ALMOST_POLE:
        return gap, 360.0
    # The widest span of longitude of a circle on the sphere: asin(sin(radius) / cos(lat)).
    return gap, math.degrees(math.asin(min(1.0, math.sin(math.radians(gap)) / math.cos(math.radians(lat)))))
