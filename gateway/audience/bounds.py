"""Audiences within areas: whoever is bound to cities and seats counts, sees and texts nobody elsewhere.

The bound is a part of the rule itself, so it stands in the draft for everyone to read, and holds for every count,
preview and plan that reads the rule.
"""

from collections.abc import Set
from dataclasses import dataclass, replace
from typing import Any, Protocol

from gateway.audience.rules import Audience
from segments import Rule, from_json
from segments.rule import And, Everyone, InSeat, Named, Not, Or, RuleError, either, every


class BoundTo(Protocol):
    """Keys of places, and of seats as rules write them (`NA-130@2024`); both empty: everywhere."""

    @property
    def cities(self) -> Set[str]: ...
    @property
    def seats(self) -> Set[str]: ...


@dataclass(frozen=True, slots=True)
class _Everywhere:
    cities: frozenset[str] = frozenset()
    seats: frozenset[str] = frozenset()


EVERYWHERE: BoundTo = _Everywhere()


def bound(audience: Audience, areas: BoundTo) -> Audience:
    """Return the audience ANDed with the areas; one that lies in them already comes back as it is."""
    area = area_rule(areas)
    if area is None or lies_within(audience.rule, areas):
        return audience
    rule = area if isinstance(audience.rule, Everyone) else every([audience.rule, area])
    return replace(audience, rule=rule)


def area_rule(areas: BoundTo) -> Rule | None:
    """Return the rule of everyone in the areas; None for everywhere."""
    terms: list[Rule] = [Named("city", key) for key in sorted(areas.cities)]
    terms += [InSeat(*seat) for seat in sorted(map(_seat, areas.seats))]
    return either(terms) if terms else None


def lies_within(rule: Rule, areas: BoundTo) -> bool:
    """Whether a settled rule surely holds nobody outside the areas, by its form alone."""
    if not areas.cities and not areas.seats:
        return True
    match rule:
        case Named("city", str(key)):
            return key in areas.cities
        case InSeat(str(code), year):
            return (code, year or 0) in set(map(_seat, areas.seats))
        case And(rules):
            return any(lies_within(part, areas) for part in rules)
        case Or(rules):
            return all(lies_within(part, areas) for part in rules)
        case Not(Not(inner)):
            return lies_within(inner, areas)
    return False


def kept_within(rule_json: Any, areas: BoundTo) -> bool:
    """Whether a rule that is kept as JSON lies in the areas; one that cannot be read lies nowhere."""
    if not areas.cities and not areas.seats:
        return True
    try:
        return lies_within(from_json(rule_json), areas)
    except RuleError:
        return False


def _seat(key: str) -> tuple[str, int]:
    code, _, year = key.partition("@")
    return code, int(year) if year.isdecimal() else 0
