"""A rule as text and as JSON, and back: `parse(to_text(rule))` and `from_json(to_json(rule))` are the rule again."""

import re
from typing import Any

from faults import fault, plain
from segments.parse import parse
from segments.rule import (
    MAX_DEPTH,
    MAX_LENGTH,
    MAX_TERMS,
    Age,
    And,
    Days,
    Everyone,
    InSeat,
    Named,
    Not,
    Or,
    Reachable,
    RecentDay,
    ReportCount,
    Rule,
    RuleError,
    Term,
    When,
    either,
    every,
    whole_month,
    whole_year,
)
from segments.rule_tokens import plain_signs

_BARE = re.compile(r"[^\W_][\w\-./]*")
_RESERVED = frozenset({"none", "and", "or", "not"})
_HUGE = 10**12
_SIGNS = {"<", "<=", ">", ">=", "="}


def to_text(rule: Rule) -> str:
    """Return the rule as `parse` reads it, in one spelling."""
    match rule:
        case And(rules):
            return " & ".join(_inside(part) for part in rules)
        case Or(rules):
            return " | ".join(to_text(part) for part in rules)
        case Not(inner):
            return f"!{_inside(inner)}" if not isinstance(inner, And) else f"!({to_text(inner)})"
    field, comparison, value = _written(rule)
    return f"{field}{comparison}{value}"


def _inside(rule: Rule) -> str:
    return f"({to_text(rule)})" if isinstance(rule, Or) else to_text(rule)


def _written(term: Term) -> tuple[str, str, str]:
    match term:
        case Everyone():
            return "all", "", ""
        case Reachable():
            return "reachable", "", ""
        case Named(field, name):
            return field, ":", _quoted(name)
        case InSeat(code, year):
            return "constituency", ":", _quoted(code if year is None else f"{code}@{year}", also="@")
        case When(field, comparison, time):
            return field, ":" if comparison == "=" else comparison, time_text(time)
        case ReportCount(comparison, count):
            return "reports", ":" if comparison == "=" else comparison, str(count)


def _quoted(name: str | None, also: str = "") -> str:
    if name is None:
        return "none"
    plain = name.translate(dict.fromkeys(map(ord, also), "-"))
    if _BARE.fullmatch(plain) and name.isprintable() and name.casefold() not in _RESERVED:
        return name
    return in_quotes(name)


def in_quotes(name: str) -> str:
    """Return a name in the quotation marks that are not in it.

    :raises RuleError: both kinds are in it
    """
    for mark in "\"'":
        if mark not in plain_signs(name):
            return f"{mark}{name}{mark}"
    raise RuleError(
        fault("rule.both_quotes", "A name with both kinds of quotation marks cannot be on file."),
        fault("rule.take_one_kind", "Take one kind out."),
    )


def time_text(time: Days | RecentDay | Age) -> str:
    """Return a time as it is written in a rule: 2026-01-31, 2026-01, 2026, 2026-01-01..2026-02-10, today, 30d."""
    match time:
        case Age(hours):
            return f"{hours}h" if hours % 24 else f"{hours // 24}d"
        case RecentDay(back):
            return ("today", "yesterday")[back]
        case Days(first, last):
            if first == last:
                return first.isoformat()
            if time == whole_year(first.year):
                return f"{first.year}"
            if time == whole_month(first.year, first.month):
                return f"{first:%Y-%m}"
            return f"{first.isoformat()}..{last.isoformat()}"


def to_json(rule: Rule) -> Any:
    """Return the rule as values for `json.dumps`: `{"and": [{"city": "lahore"}, {"not": {"reachable": true}}]}`."""
    match rule:
        case And(rules):
            return {"and": [to_json(part) for part in rules]}
        case Or(rules):
            return {"or": [to_json(part) for part in rules]}
        case Not(inner):
            return {"not": to_json(inner)}
        case Everyone():
            return {"all": True}
        case Reachable():
            return {"reachable": True}
        case Named(field, name):
            return {field: name}
        case InSeat(code, year):
            return {"constituency": code} if year is None else {"constituency": code, "delimitation": year}
        case When(field, comparison, time):
            return {field: {comparison: time_text(time)}}
        case ReportCount(comparison, count):
            return {"reports": {comparison: count}}


def from_json(value: object) -> Rule:
    """Return the rule that `to_json` made, or one written by hand in its form.

    :raises RuleError: with the path of the fault, and nothing else
    """
    return _Loader().rule(value, "the rule", 0)


class _Loader:
    def __init__(self) -> None:
        self.terms = 0

    def rule(self, value: object, where: str, depth: int) -> Rule:
        if depth > MAX_DEPTH:
            raise RuleError(plain(f"The rule is more than {MAX_DEPTH} deep."), plain("Write it flatter."), where=where)
        if not isinstance(value, dict) or not value:
            raise RuleError(plain("A rule should stand here."), plain('Write it as {"city": "lahore"}.'), where=where)
        keys = set(value) - ({"delimitation"} if "constituency" in value else set())
        if len(keys) != 1:
            raise RuleError(
                plain("One rule has one key."), plain('Join several rules with {"and": [...]}.'), where=where
            )
        key = next(iter(keys))
        inner = value[key]
        if key == "not":
            return Not(self.rule(inner, f"{where} / not", depth + 1))
        if key in ("and", "or"):
            if not isinstance(inner, list) or not inner:
                raise RuleError(plain(f"“{key}” takes a list of rules."), where=where)
            parts = [self.rule(part, f"{where} / {key} {number}", depth + 1) for number, part in enumerate(inner, 1)]
            return every(parts) if key == "and" else either(parts)
        self.terms += 1
        if self.terms > MAX_TERMS:
            raise RuleError(plain(f"The rule has more than {MAX_TERMS} terms."), plain("Make it shorter."), where=where)
        return self._term(key, inner, value.get("delimitation"), where)

    def _term(self, key: object, inner: object, year: object, where: str) -> Rule:
        """Read a term by way of its text, so that there is one reader of names, dates and numbers."""
        here = f"{where} / {key}"
        if not isinstance(key, str) or not re.fullmatch(r"[a-z_-]{1,20}", key):
            raise RuleError(plain("This is not something that members are filed by."), where=here)
        written, sign, operand = "", "", inner
        if inner is True:
            written = key
        elif inner is None:
            written = f"{key}:none"
        elif isinstance(inner, dict) and len(inner) == 1:
            sign, operand = next(iter(inner.items()))
            good = isinstance(operand, str) or (type(operand) is int and abs(operand) < _HUGE)
            if sign not in _SIGNS or not good:
                raise RuleError(
                    plain("A comparison should stand here."), plain('Write it as {"<": "30d"}.'), where=here
                )
        elif isinstance(inner, str):
            if len(inner) > MAX_LENGTH:
                raise RuleError(plain("This name is too long to be on file."), where=here)
            if year is not None and (type(year) is not int or abs(year) > _HUGE):
                raise RuleError(plain("The delimitation should be a year."), plain("Write it as 2018."), where=here)
            operand, sign = inner if year is None else f"{inner}@{year}", ":"
        else:
            raise RuleError(plain("A name should stand here."), plain('Write it as {"city": "lahore"}.'), where=here)
        try:
            return parse(written or f"{key}{sign}{in_quotes(str(operand))}")
        except RuleError as error:
            raise RuleError(error.fault, error.advice, where=here) from None
