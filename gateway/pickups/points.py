"""Pick-up points as an index in memory, and the nearest of them. Pure.

Nearest by a sweep outward in latitude: points are sorted by it, and the sweep ends on each side as soon as the latitude
alone is farther away than the best found. No grid, no dependency, exact by great-circle distance.
"""

import math
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

EARTH_RADIUS_M = 6_371_008.8  # IUGG mean radius
_M_PER_DEGREE = math.radians(1) * EARTH_RADIUS_M
_COMPASS = ("north", "north-east", "east", "south-east", "south", "south-west", "west", "north-west")
HERE_M = 30


@dataclass(frozen=True, slots=True)
class Point:
    """One pick-up point as decisions see it. Times are aware UTC, positions WGS 84 degrees."""

    id: int
    event_id: int
    name: str
    city: str
    lat: float
    lon: float
    state: str = "open"
    names: Mapping[str, str] = field(default_factory=dict)
    landmarks: Mapping[str, str] = field(default_factory=dict)
    opens_at: datetime | None = None
    closes_at: datetime | None = None
    departures: tuple[datetime, ...] = ()

    def next_departure(self, now: datetime) -> datetime | None:
        return next((leaves for leaves in self.departures if leaves >= now), None)

    def available(self, now: datetime) -> bool:
        """Whether someone who asks now can still be picked up here: open, not yet over, and a bus still to leave."""
        if self.state != "open" or (self.closes_at is not None and now >= self.closes_at):
            return False
        return not self.departures or self.next_departure(now) is not None


@dataclass(frozen=True, slots=True)
class Near:
    """A point and how far it is: metres along the great circle, degrees clockwise from north."""

    point: Point
    metres: float
    bearing: float

    @property
    def direction(self) -> str:
        return "here" if self.metres < HERE_M else _COMPASS[round(self.bearing / 45) % 8]


class PickupIndex:
    """An immutable index over pick-up points, replaced whole when they change."""

    def __init__(self, points: Iterable[Point]) -> None:
        self.points = tuple(sorted(points, key=lambda point: point.lat))
        self._lats = [point.lat for point in self.points]

    def nearest(
        self, lat: float, lon: float, wanted: Callable[[Point], bool], count: int = 1, within_m: float = math.inf
    ) -> list[Near]:
        """Return up to `count` wanted points, the nearest first, none farther than `within_m` metres."""
        best: list[tuple[float, int]] = []
        limit = within_m
        for gap, number in self._outward(lat):
            if gap * _M_PER_DEGREE > limit + 1:
                break
            point = self.points[number]
            metres = distance(lat, lon, point.lat, point.lon)
            if metres > limit or not wanted(point):
                continue
            best.append((metres, number))
            best.sort()
            del best[count:]
            if len(best) == count:
                limit = best[-1][0]
        return [
            Near(self.points[number], metres, bearing(lat, lon, self.points[number].lat, self.points[number].lon))
            for metres, number in best
        ]

    def _outward(self, lat: float) -> Iterator[tuple[float, int]]:
        """Yield (difference of latitude in degrees, point's number), the smallest difference first."""
        above = bisect_left(self._lats, lat)
        below = above - 1
        while below >= 0 or above < len(self._lats):
            down = lat - self._lats[below] if below >= 0 else math.inf
            up = self._lats[above] - lat if above < len(self._lats) else math.inf
            if up < down:
                yield up, above
                above += 1
            else:
                yield down, below
                below -= 1


def distance(lat1: float, lon1: float, lat2: float, lon2: float) -> float:
    """Return the great-circle distance in metres (haversine)."""
    a, b = math.radians(lat1), math.radians(lat2)
    half_lat, half_lon = math.sin((b - a) / 2), math.sin(math.radians(lon2 - lon1) / 2)
    return 2 * EARTH_RADIUS_M * math.asin(math.sqrt(half_lat**2 + math.cos(a) * math.cos(b) * half_lon**2))


def bearing(lat1: float, lon1: float, lat2: float, lon2: float) -> float:
    """Return the first course from one position to another, in degrees clockwise from north, 0 to 360."""
    a, b, turn = math.radians(lat1), math.radians(lat2), math.radians(lon2 - lon1)
    east = math.sin(turn) * math.cos(b)
    north = math.cos(a) * math.sin(b) - math.sin(a) * math.cos(b) * math.cos(turn)
    return math.degrees(math.atan2(east, north)) % 360
