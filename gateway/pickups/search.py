"""Places and pick-up points by what staff type into a search box. Pure."""

from collections.abc import Callable

from gateway.pickups.pickups import Pickups, find_place
from orthography import words
from segments import Place


def places_like(
    text: str,
    pickups: Pickups,
    near: str | None = None,
    wanted: Callable[[Place], bool] = lambda _: True,
    most: int = 8,
) -> list[Place]:
    """Return the places that a text may mean, the likeliest first: what people texting it would get, then every place
    with a name that has all of its words in it.

    :param near: the name of a city; it settles ties
    """
    typed = words(text)
    if not typed:
        return []
    match = find_place(text, pickups, near)
    found = {place.key: place for place in ((match.place,) if match.place else match.choices) if wanted(place)}
    if len(found) < most:
        pool = pickups.places.values()
        for place in pool:
            if place.key not in found and wanted(place) and any(_holds(name, typed) for name in _names(place)):
                found[place.key] = place
                if len(found) >= most:
                    break
    return list(found.values())[:most]


def _names(place: Place) -> tuple[str, ...]:
    return (place.name, *place.names.values(), *place.aliases)


def _holds(name: str, typed: list[str] | tuple[str, ...]) -> bool:
    there = words(name)
    return all(any(word.startswith(one) for word in there) for one in typed)
