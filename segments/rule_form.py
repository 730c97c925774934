"""A rule as a form: lines that all hold (or one of which holds), each with a field, its values, and whether it is left
out. Every form is a rule; a rule that is richer, with brackets inside brackets, is no form.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from faults import fault
from segments.parse import parse
from segments.rule import (
    And,
    Everyone,
    InSeat,
    Named,
    Not,
    Or,
    Reachable,
    ReportCount,
    Rule,
    RuleError,
    Term,
    When,
    either,
    every,
)
from segments.rule_text import in_quotes, time_text

NAME_FIELDS = ("city", "district", "province", "constituency", "affinity", "language", "referrer", "pickup")
TIME_FIELDS = ("joined", "seen", "reported", "asked")
LINE_FIELDS = (*NAME_FIELDS, *TIME_FIELDS, "reports", "reachable")
SIGNS = ("=", "<", "<=", ">", ">=")
NOTHING = "none"


@dataclass(frozen=True, slots=True)
class Line:
    """One condition. `values` of a name are joined by "or"; a time or a count has one value and a `sign`.

    `delimitation` is the year of every seat of the line that names none itself; None: the one in force. `negated`: who
    fits is left out.
    """

    field: str
    values: tuple[str, ...] = ()
    sign: str = "="
    negated: bool = False
    delimitation: int | None = None


@dataclass(frozen=True, slots=True)
class RuleForm:
    """Lines that all hold, or with `any_of` one at least. No line: everyone."""

    lines: tuple[Line, ...] = ()
    any_of: bool = False


class LineError(RuleError):
    """A line of a form is no rule; `line` counts from 0."""

    def __init__(self, line: int, error: RuleError) -> None:
        super().__init__(error.fault, error.advice)
        self.line = line


def rule_of(form: RuleForm) -> Rule:
    """Return the rule that a form says; names stay as typed.

    :raises LineError: a line says nothing, or nothing that can be read
    """
    rules = []
    for at, line in enumerate(form.lines):
        try:
            rules.append(_rule_of_line(line))
        except RuleError as error:
            raise LineError(at, error) from None
    if not rules:
        return Everyone()
    return either(rules) if form.any_of else every(rules)


def form_of(rule: Rule) -> RuleForm | None:
    """Return the form that says exactly this rule; None where the rule is richer than any form."""
    match rule:
        case Everyone():
            form: RuleForm | None = RuleForm()
        case Or(rules):
            lines = _lines(rules)
            form = None if lines is None else RuleForm(merged := tuple(_merged(lines)), any_of=len(merged) > 1)
        case And(rules):
            lines = _lines(rules)
            form = None if lines is None else RuleForm(tuple(lines))
        case _:
            lines = _lines([rule])
            form = None if lines is None else RuleForm(tuple(lines))
    if form is None or any(split_values(join_values(line.values)) != line.values for line in form.lines):
        return None
    try:
        return form if rule_of(form) == rule else None
    except RuleError:
        return None


def split_values(typed: str) -> tuple[str, ...]:
    """Return the values of a field in which several are typed, with commas or line ends between."""
    for comma in "،;؛\n":
        typed = typed.replace(comma, ",")
    return tuple(value for one in typed.split(",") if (value := " ".join(one.split())))


def join_values(values: Iterable[str]) -> str:
    return ", ".join(values)


def _rule_of_line(line: Line) -> Rule:
    if line.field == "reachable":
        rule: Rule = Reachable()
    elif line.field not in LINE_FIELDS or line.sign not in SIGNS:
        raise RuleError(
            fault("rule.line_unknown", "This line asks for nothing that members are filed by."),
            fault("rule.choose_field", "Choose a field."),
        )
    elif not line.values:
        raise RuleError(
            fault("rule.line_empty", "This line is empty."), fault("rule.fill_in", "Fill it in, or take it away.")
        )
    elif line.field in NAME_FIELDS:
        rule = either(_named(line, value) for value in line.values)
    elif len(line.values) > 1:
        raise RuleError(
            fault("rule.line_one", "This line takes one value."), fault("rule.line_each", "Add a line for each.")
        )
    else:
        rule = parse(f"{line.field}{line.sign}{in_quotes(line.values[0])}")
    return Not(rule) if line.negated else rule


def _named(line: Line, value: str) -> Rule:
    if value.casefold() == NOTHING:
        return parse(f"{line.field}:none")
    if line.field == "constituency" and line.delimitation is not None and "@" not in value:
        value = f"{value}@{line.delimitation}"
    return parse(f"{line.field}:{in_quotes(value)}")


def _lines(rules: Sequence[Rule]) -> list[Line] | None:
    lines = [_line(rule) for rule in rules]
    return None if None in lines else [line for line in lines if line is not None]


def _line(rule: Rule) -> Line | None:
    match rule:
        case Not(inner):
            line = None if isinstance(inner, Not) else _line(inner)
            return replace(line, negated=True) if line else None
        case Or(rules):
            lines = [_line(part) for part in rules]
            if any(line is None or line.negated or line.field not in NAME_FIELDS for line in lines):
                return None
            merged = list(_merged(line for line in lines if line is not None))
            return merged[0] if len(merged) == 1 else None
        case And():
            return None
    return _line_of_term(rule)


def _line_of_term(term: Term) -> Line | None:
    match term:
        case Reachable():
            return Line("reachable")
        case Named(field, name):
            return Line(field, (NOTHING if name is None else name,))
        case InSeat(code, year):
            return Line("constituency", (NOTHING if code is None else code,), delimitation=year)
        case When(field, comparison, time):
            return Line(field, (time_text(time),), comparison)
        case ReportCount(comparison, count):
            return Line("reports", (str(count),), comparison)
    return None


def _merged(lines: Iterable[Line]) -> Iterable[Line]:
    """Join neighbours that ask for names of one field, and seats of one delimitation."""

    def kind(line: Line) -> tuple[str, object]:
        apart = line.negated or line.field not in NAME_FIELDS
        return (line.field, id(line) if apart else line.delimitation)

    for _, group in groupby(list(lines), kind):
        alike = list(group)
        yield replace(alike[0], values=tuple(value for line in alike for value in line.values))
