"""What the names in audience rules stand for: one immutable value, made from the places, seats and groups on file.

A member is in a district when their city lies in it, or when a seat that they are filed under lies in that district
alone; a seat of several districts places nobody. Provinces likewise.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, tzinfo

from segments.constituencies import Constituency
from segments.gazetteer import Gazetteer
from segments.own_data import PROVINCE_NAMES
from segments.places import Place
from segments.register import ConstituencyRegister
from segments.rule import InSeat, Named, Term

SeatKey = tuple[str, int]
"""A seat's code and the year of its delimitation; 0 where the data names none."""

LANGUAGES: Mapping[str, tuple[str, ...]] = {
    "en": ("English", "انگریزی", "angrezi"),
    "ur": ("Urdu", "اردو"),
    "ur-Latn": ("Roman Urdu", "roman", "رومن اردو", "رومن"),
}


@dataclass(frozen=True, slots=True)
class Area:
    """A district or a province: the keys of the places and of the seats that lie in it alone."""

    name: str
    places: frozenset[str]
    seats: frozenset[SeatKey]


@dataclass(frozen=True)
class Atlas:
    """Names, and what they stand for.

    :param affinities: names by language, by the group's key
    :param find_affinity: the key of the group that a text names, or None
    :param default_language: what members without a language are answered in
    :param zone: the movement's time zone, in which days begin and end
    :param pickups: the kinds of pick-up history that are on file ("asked", "held")
    """

    gazetteer: Gazetteer
    register: ConstituencyRegister
    affinities: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    find_affinity: Callable[[str], str | None] = lambda text: None
    default_language: str = "en"
    zone: tzinfo = UTC
    pickups: frozenset[str] = frozenset({"asked"})
    provincial_houses: frozenset[str] = frozenset()
    places: Mapping[str, Place] = field(init=False)
    seats: Mapping[SeatKey, Constituency] = field(init=False)
    districts: Mapping[str, Area] = field(init=False)
    provinces: Mapping[str, Area] = field(init=False)
    district_names: Gazetteer = field(init=False)
    province_names: Gazetteer = field(init=False)

    def __post_init__(self) -> None:
        places = {place.key: place for place in self.gazetteer}
        seats = {(seat.code, seat.delimitation or 0): seat for seat in self.register.constituencies}
        over = _cities_over_districts(places.values())
        districts = _areas(
            ((place.key, _districts_of_place(place)) for place in places.values()),
            ((key, _districts_of_seat(seat, over)) for key, seat in seats.items()),
        )
        provinces = _areas(
            ((place.key, (place.province,)) for place in places.values()),
            ((key, (seat.province,)) for key, seat in seats.items()),
        )
        spellings: dict[str, list[str]] = defaultdict(list)
        for place in places.values():
            if place.name in districts:
                spellings[place.name] += [*place.names.values(), *place.aliases]
        for name, value in {
            "places": places,
            "seats": seats,
            "districts": districts,
            "provinces": provinces,
            "district_names": _names("district", districts, spellings),
            "province_names": _names("province", provinces, PROVINCE_NAMES),
        }.items():
            object.__setattr__(self, name, value)

    def is_provincial(self, seat: SeatKey) -> bool:
        return self.seats[seat].house in self.provincial_houses

    def topics(self, term: Term) -> tuple[str, ...]:
        """Return what a STOP would be for that leaves this term's group ("city:lahore"); see `matches`."""
        match term:
            case Named("city" | "affinity" as kind, str(name)):
                return (f"{kind}:{name}",)
            case Named("district", str(name)):
                return tuple(sorted(f"city:{key}" for key in self.area("district", name).places))
            case InSeat(str(code)):
                return (f"constituency:{code}",)
        return ()

    def area(self, kind: str, name: str) -> Area:
        """Return a district or province by its name as it is on file; an empty one if there is none of that name."""
        found = (self.districts if kind == "district" else self.provinces).get(name)
        return found or Area(name, frozenset(), frozenset())


def _districts_of_place(place: Place) -> tuple[str | None, ...]:
    return (place.district, place.name if place.kind == "district" else None)


def _cities_over_districts(places: Iterable[Place]) -> Mapping[str, str]:
    """Return the city that each district is a part of, where it is (Karachi Central: Karachi)."""
    return {place.name: place.city for place in places if place.kind == "district" and place.city}


def _districts_of_seat(seat: Constituency, over: Mapping[str, str]) -> tuple[str | None, ...]:
    """Return the one district that a seat lies in, with the city over it; nothing for a seat of several."""
    above = {over[name] for name in seat.districts if name in over} & set(seat.districts)
    within = [name for name in seat.districts if name not in above]
    return (*above, *within) if len(within) <= 1 else tuple(above)


def _areas(
    places: Iterable[tuple[str, tuple[str | None, ...]]], seats: Iterable[tuple[SeatKey, tuple[str | None, ...]]]
) -> dict[str, Area]:
    in_places: dict[str, set[str]] = defaultdict(set)
    in_seats: dict[str, set[SeatKey]] = defaultdict(set)
    for key, names in places:
        for name in filter(None, names):
            in_places[name].add(key)
    for seat, names in seats:
        for name in filter(None, names):
            in_seats[name].add(seat)
    return {
        name: Area(name, frozenset(in_places[name]), frozenset(in_seats[name]))
        for name in sorted({*in_places, *in_seats})
    }


def _names(kind: str, areas: Iterable[str], spellings: Mapping[str, Iterable[str]]) -> Gazetteer:
    return Gazetteer(Place(key=name, name=name, kind=kind, aliases=tuple(spellings.get(name, ()))) for name in areas)
