"""Does the seat go with the city? A seat in another district than the city is asked back, not filed."""

from dataclasses import dataclass

from segments.constituencies import Constituency
from segments.places import Place
from segments.spelling import key_of, tokens_of


@dataclass(frozen=True, slots=True)
class Contradiction:
    """A place and a seat that lie in different districts."""

    place: Place
    constituency: Constituency
    place_district: str
    seat_districts: tuple[str, ...]


def contradiction(place: Place | None, constituency: Constituency | None) -> Contradiction | None:
    """Return the contradiction between a place and a seat; None when they go together or too little is known."""
    if place is None or constituency is None:
        return None
    seat_areas = constituency.districts or ((constituency.area,) if constituency.area else ())
    place_areas = [name for name in (place.district, place.city) if name]
    if place.kind in ("city", "district", "town"):
        place_areas.append(place.name)
    if not seat_areas or not (place.district or place.city or place.kind in ("city", "district")):
        return None
    if {key_of(tokens_of(name)) for name in place_areas} & {key_of(tokens_of(name)) for name in seat_areas}:
        return None
    return Contradiction(place, constituency, place.district or place.city or place.name, tuple(seat_areas))
