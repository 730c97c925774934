"""Places, constituencies and audience rules: pure values and decisions, no IO but the project's own data files."""

from segments.constituencies import Constituency, ConstituencyMatch, SeatStatus
from segments.contradictions import Contradiction, contradiction
from segments.extraction import Extraction, extract
from segments.gazetteer import Gazetteer
from segments.own_data import default_gazetteer, default_register, places_of_country
from segments.place_names import resolve_place
from segments.places import Place, PlaceMatch, labels
from segments.register import ConstituencyRegister
from segments.seat_names import resolve_constituency

__all__ = [
    "Constituency",
    "ConstituencyMatch",
    "ConstituencyRegister",
    "Contradiction",
    "Extraction",
    "Gazetteer",
    "Place",
    "PlaceMatch",
    "SeatStatus",
    "contradiction",
    "default_gazetteer",
    "default_register",
    "extract",
    "labels",
    "places_of_country",
    "resolve_constituency",
    "resolve_place",
]
