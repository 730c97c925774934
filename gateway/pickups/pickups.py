"""Everything that WHERE and SEAT need of one moment's data, as one immutable value; and which place a text means."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from gateway.pickups.live import Live
from gateway.pickups.points import Near, PickupIndex, Point
from gateway.rules.carrier_routes import Route
from gateway.rules.conversation import Value
from gateway.rules.geography import distance
from orthography import words
from segments import Gazetteer, Place, PlaceMatch, extract, resolve_place

REACH_M = 60_000
"""How far from a point people are still taken to it; a member's event is the next one with a point in reach."""
SAME_THING_M = 1_000
POINT_KIND = "pick-up point"

Walks = Callable[[float, float], Mapping[int, float]]
"""Seconds on foot from a position to points, as far as a router has told them before."""


def no_walks(lat: float, lon: float) -> Mapping[int, float]:
    """No router is set."""
    return {}


@dataclass(frozen=True)
class Rally:
    """One event to come, with its points."""

    id: int
    key: str
    name: Value
    zone: ZoneInfo
    ends_at: datetime
    index: PickupIndex


@dataclass(frozen=True)
class Pickups:
    """Events to come, the earliest first, and a gazetteer in which the names of their points are places too."""

    rallies: tuple[Rally, ...]
    gazetteer: Gazetteer
    zone: ZoneInfo
    live: Live = field(default_factory=Live)
    marshals: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """The points of each marshal's phone, by the sender's key."""
    link_base: str = ""
    """Where short links start, such as https://host/p/."""
    routes: tuple[Route, ...] = ()
    """Which carrier takes the texts that points start."""
    router: bool = False
    walks: Walks = no_walks
    points: Mapping[int, Point] = field(default_factory=dict)
    places: Mapping[str, Place] = field(default_factory=dict)

    @property
    def event_key(self) -> str:
        """The next event's key, "" when there is none."""
        return self.rallies[0].key if self.rallies else ""

    def at(self, now: datetime) -> "Pickups":
        """Return the same without events that are over."""
        running = tuple(rally for rally in self.rallies if rally.ends_at > now)
        return self if len(running) == len(self.rallies) else replace(self, rallies=running)

    def rally_of(self, point: Point) -> Rally | None:
        return next((rally for rally in self.rallies if rally.id == point.event_id), None)

    def in_reach(self, lat: float, lon: float, now: datetime) -> "Reach | None":
        """Return the member's event: the next one with a point in reach that can still be used, else that has one."""
        reached = None
        for rally in self.rallies:
            if rally.ends_at <= now or not (near := rally.index.nearest(lat, lon, lambda _: True, within_m=REACH_M)):
                continue
            first = near[0]
            if self.live.available(first.point, now):
                return Reach(rally, first, first)
            usable = rally.index.nearest(lat, lon, lambda point: self.live.available(point, now), within_m=REACH_M)
            if usable:
                return Reach(rally, first, usable[0])
            reached = reached or Reach(rally, first, None)
        return reached


@dataclass(frozen=True, slots=True)
class Reach:
    """A member's event, seen from where they are: its nearest point, and the nearest that can still be used."""

    rally: Rally
    first: Near
    usable: Near | None


def point_key(point: Point) -> str:
    """Return the key of a point's place in the gazetteer."""
    return f"pickup:{point.id}"


def find_place(text: str, pickups: Pickups, near: str | None) -> PlaceMatch:
    """Say which place a text names; names of one thing (a neighbourhood and the point in it) are no tie. One that only
    stands among other words ("in lahore near the canal") is a near one.

    :param near: the member's city, if known; it settles ties between cities
    """
    match = resolve_place(text, pickups.gazetteer, near=near)
    if not match.place and not match.choices:
        within = extract(text, pickups.gazetteer, near=near, misspelt=False).place
        return PlaceMatch(choices=within.choices or tuple(filter(None, [within.place])))  # to be asked about
    if not match.is_tie:
        return match
    apart = _without_doubles(match.choices)
    if len(apart) == 1:
        return PlaceMatch(apart[0], match.certain)
    return replace(match, choices=apart)


def _without_doubles(choices: tuple[Place, ...]) -> tuple[Place, ...]:
    """Drop a place that shares its name with another one within a kilometre; the pick-up point stays."""
    kept: list[Place] = []
    for place in sorted(choices, key=lambda one: one.kind != POINT_KIND):
        if not any(_same_thing(place, other) for other in kept):
            kept.append(place)
    return tuple(place for place in choices if place in kept)


def _same_thing(one: Place, other: Place) -> bool:
    if one.lat is None or one.lon is None or other.lat is None or other.lon is None:
        return False
    if distance(one.lat, one.lon, other.lat, other.lon) > SAME_THING_M:
        return False
    return bool(_names(one) & _names(other))


def _names(place: Place) -> set[str]:
    return {"".join(words(name)) for name in (place.name, *place.names.values(), *place.aliases)}
