"""Places by their names in the reader's language, where the gazetteer has one; in English otherwise."""

from collections.abc import Iterable, Mapping

from gateway.accounts.areas import Areas
from gateway.places.directory import Directory
from segments import Place

_SETTLED = ("city", "district")


class PlaceNames:
    """The names of one directory: of places by key, and of those that tables keep by their English name."""

    def __init__(self, directory: Directory) -> None:
        self.directory = directory
        self._by_name: Mapping[str, Place] = {
            place.name.casefold(): place
            for place in sorted(
                directory.places.values(), key=lambda place: (place.kind in _SETTLED, place.population, place.key)
            )
        }

    def of_key(self, key: str | None, language: str) -> str:
        """Return the name of a place; empty where there is none."""
        place = self.directory.places.get(key or "")
        return _named(place, language) if place else ""

    def of_name(self, name: str | None, language: str) -> str:
        """Return the name of the place that is so called in English, a city before a quarter; else the name itself."""
        place = self._by_name.get((name or "").casefold())
        return _named(place, language) if place else name or ""

    def of_keys(self, keys: Iterable[str], language: str) -> list[str]:
        """Return names in the order of their alphabet; a key that is no place any more stands as it is."""
        return sorted(self.of_key(key, language) or key for key in keys)

    def of_areas(self, areas: Areas, language: str) -> list[str]:
        """Return the cities by name, then the seats."""
        return [*self.of_keys(areas.cities, language), *sorted(areas.seats)]


def _named(place: Place, language: str) -> str:
    return place.names.get(language) or place.name
