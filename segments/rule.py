"""An audience rule as a value: who of the members a broadcast is for.

A rule is made by `parse` (text) or `from_json`; its names are as typed until `settle_names` has found them on file.
`matches` says what it means. Positions in the text (`at`) are kept for error messages and are no part of the value.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from datetime import date, timedelta
from typing import Literal

from faults import Fault

MAX_LENGTH = 4000  # signs in a rule's text
MAX_DEPTH = 40  # brackets and ! inside one another
MAX_TERMS = 400

NameField = Literal["city", "district", "province", "affinity", "language", "referrer", "pickup"]
TimeField = Literal["joined", "seen", "reported", "asked"]
Comparison = Literal["<", "<=", ">", ">=", "="]


class RuleError(ValueError):
    """A rule cannot be used. `fault` says what is wrong, `advice` what to write instead; `sentence` and `remedy` are
    these in English.

    `column` counts from 1 in `text`; 0 where the rule did not come as text, and then `where` is the path in the JSON.
    """

    def __init__(
        self, fault: Fault, advice: Fault | None = None, *, text: str = "", column: int = 0, where: str = ""
    ) -> None:
        self.fault, self.advice, self.text, self.column, self.where = fault, advice, text, column, where
        super().__init__(fault)

    @property
    def sentence(self) -> str:
        return str(self.fault)

    @property
    def remedy(self) -> str:
        return str(self.advice or "")

    def located(self, text: str) -> "RuleError":
        """Return the same error with the text that it points into."""
        return RuleError(self.fault, self.advice, text=text, column=self.column, where=self.where)

    def __str__(self) -> str:
        said = f"{self.sentence} {self.remedy}".strip()
        if self.where:
            return f"At {self.where}: {said}"
        if not self.column or not self.text:
            return said
        start = max(0, self.column - 41)
        shown = "".join(sign if sign.isprintable() else " " for sign in self.text[start : start + 80])
        return f"Column {self.column}: {said}\n  {shown}\n  {' ' * (self.column - 1 - start)}^"


@dataclass(frozen=True, slots=True)
class Everyone:
    """`all`: every member."""


@dataclass(frozen=True, slots=True)
class Reachable:
    """`reachable`: consent given, and the number not known to be dead."""


@dataclass(frozen=True, slots=True)
class Named:
    """`city:lahore`: the field has this value; None (`city:none`): nothing is on file."""

    field: NameField
    name: str | None
    at: int = dataclass_field(default=0, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class InSeat:
    """`constituency:NA-119@2018`: filed under this seat, national or provincial, of this delimitation.

    `delimitation` None: the one in force, until names are settled. `code` None: no national seat is on file.
    """

    code: str | None
    delimitation: int | None = None
    at: int = dataclass_field(default=0, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Days:
    """The days from `first` to `last`, both included, in the movement's own time zone."""

    first: date
    last: date


@dataclass(frozen=True, slots=True)
class RecentDay:
    """Today (0) or yesterday (1), in the movement's own time zone, on the day that the rule is used."""

    back: int


@dataclass(frozen=True, slots=True)
class Age:
    """So many hours before the moment that the rule is used."""

    hours: int


@dataclass(frozen=True, slots=True)
class When:
    """`joined>=2026-01-01`, `seen<30d`, `reported:2026-11`.

    With days, `<` is before the first of them and `>` after the last; with an age, `<` is less long ago. `reported`
    and `asked` hold when at least one iReport, or one question for a pick-up point, came then.
    """

    field: TimeField
    comparison: Comparison
    time: Days | RecentDay | Age
    at: int = dataclass_field(default=0, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class ReportCount:
    """`reports>0`: how many iReports a member has sent."""

    comparison: Comparison
    count: int
    at: int = dataclass_field(default=0, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Not:
    rule: "Rule"


@dataclass(frozen=True, slots=True)
class And:
    """All of two or more rules; make it by `every`."""

    rules: tuple["Rule", ...]


@dataclass(frozen=True, slots=True)
class Or:
    """At least one of two or more rules; make it by `either`."""

    rules: tuple["Rule", ...]


Term = Everyone | Reachable | Named | InSeat | When | ReportCount
Rule = Term | Not | And | Or


def every(rules: Iterable[Rule]) -> Rule:
    """Return the rule that all of the rules hold, flat: `(a & b) & c` is `a & b & c`."""
    flat = tuple(part for rule in rules for part in (rule.rules if isinstance(rule, And) else (rule,)))
    return flat[0] if len(flat) == 1 else And(flat)


def either(rules: Iterable[Rule]) -> Rule:
    """Return the rule that at least one of the rules holds, flat."""
    flat = tuple(part for rule in rules for part in (rule.rules if isinstance(rule, Or) else (rule,)))
    return flat[0] if len(flat) == 1 else Or(flat)


def terms(rule: Rule) -> list[Term]:
    """Return the terms of a rule in the order in which they are written."""
    match rule:
        case And(rules) | Or(rules):
            return [term for part in rules for term in terms(part)]
        case Not(inner):
            return terms(inner)
    return [rule]


def change_terms(rule: Rule, change: Callable[[Term], Rule]) -> Rule:
    """Return the rule with every term replaced by what `change` makes of it."""
    match rule:
        case And(rules):
            return every(change_terms(part, change) for part in rules)
        case Or(rules):
            return either(change_terms(part, change) for part in rules)
        case Not(inner):
            return Not(change_terms(inner, change))
    return change(rule)


def whole_month(year: int, month: int) -> Days:
    after = date(year + month // 12, month % 12 + 1, 1)
    return Days(date(year, month, 1), after - timedelta(days=1))


def whole_year(year: int) -> Days:
    return Days(date(year, 1, 1), date(year, 12, 31))
