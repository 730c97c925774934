"""What a place is, and what an answer about a place says. Plain values."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Place:
    """A city, district, neighbourhood or landmark that people name in a text.

    `name` is the canonical English name; `names` the name by language code ("ur"); `aliases` every other spelling in
    any script. `lat` and `lon` are WGS 84 degrees. `population` 0 means unknown; it only breaks ties of names.
    """

    key: str
    name: str
    kind: str = "city"
    names: Mapping[str, str] = field(default_factory=dict, hash=False)
    aliases: tuple[str, ...] = ()
    city: str | None = None
    district: str | None = None
    province: str | None = None
    country: str | None = None
    lat: float | None = None
    lon: float | None = None
    population: int = 0

    @property
    def context(self) -> str:
        """What tells this place from another of its name: its city, else its district, else its province."""
        for wider in (self.city, self.district, self.province, self.country):
            if wider and wider != self.name:
                return wider
        return ""


@dataclass(frozen=True, slots=True)
class PlaceMatch:
    """What we make of a text that should name a place.

    Sure: `place` and `name` are set, `choices` is empty. Not sure: both are None, and `choices` holds the places it
    may be (`is_tie`), or the nearest known spellings, best first. `alternatives` are the choices' labels in the
    same order, each different ("Shahpur (Sargodha)"). `certain` is False when the spelling was only near.
    """

    place: Place | None = None
    certain: bool = False
    choices: tuple[Place, ...] = ()
    is_tie: bool = False

    @property
    def name(self) -> str | None:
        return self.place.name if self.place else None

    @property
    def alternatives(self) -> tuple[str, ...]:
        return labels(self.choices)


def labels(places: tuple[Place, ...]) -> tuple[str, ...]:
    """Return a label per place, none used twice: the name, with its context where names repeat."""
    names = [place.name for place in places]
    told = [
        f"{place.name} ({place.context})" if names.count(place.name) > 1 and place.context else place.name
        for place in places
    ]
    return tuple(
        f"{label} {told[: at + 1].count(label)}" if told.count(label) > 1 else label for at, label in enumerate(told)
    )
