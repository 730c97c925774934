"""Places, constituencies and audience rules: pure values and decisions, no IO but the project's own data files."""

from segments.atlas import Area, Atlas
from segments.constituencies import Constituency, ConstituencyMatch, SeatStatus
from segments.contradictions import Contradiction, contradiction
from segments.describe import describe
from segments.extraction import Extraction, extract
from segments.gazetteer import Gazetteer
from segments.matches import MemberFacts, matches
from segments.own_data import default_gazetteer, default_register, places_of_country
from segments.parse import parse
from segments.place_names import resolve_place
from segments.places import Place, PlaceMatch, labels
from segments.register import ConstituencyRegister
from segments.rule import Rule, RuleError
from segments.rule_text import from_json, to_json, to_text
from segments.seat_names import resolve_constituency
from segments.settle import Settled, settle_names

__all__ = [
    "Area",
    "Atlas",
    "Constituency",
    "ConstituencyMatch",
    "ConstituencyRegister",
    "Contradiction",
    "Extraction",
    "Gazetteer",
    "MemberFacts",
    "Place",
    "PlaceMatch",
    "Rule",
    "RuleError",
    "SeatStatus",
    "Settled",
    "contradiction",
    "default_gazetteer",
    "default_register",
    "describe",
    "extract",
    "from_json",
    "labels",
    "matches",
    "parse",
    "places_of_country",
    "resolve_constituency",
    "resolve_place",
    "settle_names",
    "to_json",
    "to_text",
]
