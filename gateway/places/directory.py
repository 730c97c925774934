"""What the gateway knows of places and seats, as one immutable value that decisions are given."""

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.places.affinities import Groups
from gateway.rules.conversation import Listed, MemberState, SeatKey, Value, Word
from segments import (
    Constituency,
    ConstituencyRegister,
    Gazetteer,
    Place,
    contradiction,
    resolve_constituency,
    resolve_place,
)


def seat_key(seat: Constituency) -> SeatKey:
    """Return what a seat is filed under; delimitation 0 where the data names none."""
    return seat.code, seat.delimitation or 0


@dataclass(frozen=True)
class Directory:
    """Places, seats and groups, and the database ids they are filed under. Replaced whole when the data changes."""

    gazetteer: Gazetteer
    register: ConstituencyRegister
    groups: Groups
    places: Mapping[str, Place]
    seats: Mapping[SeatKey, Constituency]
    place_ids: Mapping[str, int]
    seat_ids: Mapping[SeatKey, int]
    place_keys: Mapping[int, str]
    seat_keys: Mapping[int, SeatKey]
    provincial_houses: frozenset[str]

    def place_name(self, key: str) -> Value:
        place = self.places.get(key)
        return {"": place.name, "en": place.name, **place.names} if place else key

    def place_named(self, text: str) -> Place | None:
        return resolve_place(text, self.gazetteer).place

    def seat_named(self, text: str) -> Constituency | None:
        return resolve_constituency(text, self.register).constituency

    def is_provincial(self, seat: Constituency) -> bool:
        return seat.house in self.provincial_houses

    def city_of(self, place: Place) -> Place:
        """Return the city that a neighbourhood or landmark lies in, if we know it; else the place itself."""
        if place.city and place.city != place.name and (city := self.place_named(place.city)):
            return city
        return place

    def apart(self, city: str | None, seat: SeatKey) -> bool:
        """Whether a seat surely lies elsewhere than a city."""
        place, constituency = self.places.get(city or ""), self.seats.get(seat)
        return bool(place and constituency and contradiction(place, constituency))

    def filed(self, member: MemberState) -> Value:
        """Say how a member is filed: name, city, seats and groups, with catalogue words for what is missing."""
        said: list[Value] = [member.name] if member.name else []
        said.append(self.place_name(member.city) if member.city else Word("no_city"))
        said += [seat[0] for seat in (member.constituency, member.provincial) if seat]
        said += [self.group_name(group.key) for group in self.groups.of(member.affinities)]
        return Listed(tuple(said))

    def group_name(self, key: str) -> Value:
        for group in self.groups.all:
            if group.key == key:
                return {"": key, **group.names}
        return key

    def group_names(self, mask: int | None = None) -> Value:
        """Say the groups of a mask, or all of them."""
        shown = self.groups.all if mask is None else self.groups.of(mask)
        return Listed(tuple(self.group_name(group.key) for group in shown)) if shown else Word("none")
