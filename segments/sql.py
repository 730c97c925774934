"""An audience rule as one SQL condition over the members' table, which must mean what `matches` means.

Negation goes down to the terms, and each says what nothing on file means: so nothing negates a NULL, an index can serve
the terms, and `!city:lahore` holds for a member without a city.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Select, and_, false, func, not_, or_, select, true

from segments.atlas import Atlas, SeatKey
from segments.matches import day_window, window
from segments.rule import (
    And,
    Comparison,
    Everyone,
    InSeat,
    Named,
    Not,
    Or,
    Reachable,
    ReportCount,
    Rule,
    Term,
    When,
    terms,
)

Condition = ColumnElement[bool]


@dataclass(frozen=True, slots=True)
class MemberColumns:
    """Where a rule finds what it asks about: columns of the members' table, ids of what is on file, and histories.

    `reports` and `asked` are tables or subqueries with columns `sender_id` and `at`; `pickups` gives a select of
    sender ids for further kinds of pick-up history. `topic_stops` has columns `sender_id` and `topic`. `joined_between`
    gives a select of the sender ids of who joined from one moment (included) until another.
    """

    id: ColumnElement[int]
    city: ColumnElement[Any]
    constituency: ColumnElement[Any]
    provincial: ColumnElement[Any]
    affinities: ColumnElement[Any]
    language: ColumnElement[Any]
    reachable: Condition
    referrer: ColumnElement[Any]
    joined_at: ColumnElement[Any]
    seen_on: ColumnElement[Any]
    place_ids: Mapping[str, int]
    seat_ids: Mapping[SeatKey, int]
    bits: Mapping[str, int]
    referrer_of_code: Callable[[str], Select[tuple[int]]]
    reports: FromClause
    asked: FromClause
    topic_stops: FromClause
    joined_between: Callable[[datetime, datetime], Select[tuple[int]]]
    pickups: Mapping[str, Select[tuple[int]]] = field(default_factory=dict)


def to_sql(rule: Rule, columns: MemberColumns, atlas: Atlas, now: datetime, *, heed_stops: bool = False) -> Condition:
    """Return the condition on a member's row under which a rule with settled names holds.

    :param now: aware; ages and today count from it
    :param heed_stops: as for `matches`
    """
    return _Writer(columns, atlas, now, heed_stops).rule(rule, True)


def an_index_serves(rule: Rule, atlas: Atlas) -> bool:
    """Return whether the indexes on members hold all that the rule asks, or find the few rows of a seat.

    If not, reading the whole table from end to end is quicker than going from an index to a row and back.
    """
    if demands_a_seat(rule):
        return True
    return all(
        isinstance(term, Everyone | Reachable)
        or (isinstance(term, Named) and term.field in ("city", "affinity", "language"))
        or (isinstance(term, InSeat) and not (term.code and atlas.is_provincial((term.code, term.delimitation or 0))))
        for term in terms(rule)
    )


def demands_a_seat(rule: Rule) -> bool:
    """Return whether everyone in the audience is filed under one seat, whose few members an index finds."""
    demanded = rule.rules if isinstance(rule, And) else (rule,)
    return any(isinstance(part, InSeat) and part.code is not None for part in demanded)


def reads_histories(rule: Rule) -> bool:
    """Return whether the rule asks about texts, reports or pick-ups, which lie in tables of their own."""
    return any(
        isinstance(term, ReportCount)
        or (isinstance(term, When) and term.field in ("reported", "asked"))
        or (isinstance(term, Named) and term.field == "pickup")
        for term in terms(rule)
    )


class _Writer:
    def __init__(self, columns: MemberColumns, atlas: Atlas, now: datetime, heed_stops: bool) -> None:
        self.columns, self.atlas, self.now, self.heed_stops = columns, atlas, now, heed_stops

    def rule(self, rule: Rule, wanted: bool) -> Condition:
        """Return the condition that the rule holds, or that it does not."""
        match rule:
            case Not(inner):
                return self.rule(inner, not wanted)
            case And(rules):
                return self._joined(rules, wanted, all_of=wanted)
            case Or(rules):
                return self._joined(rules, wanted, all_of=not wanted)
        condition = self._term(rule, wanted)
        topics = self.atlas.topics(rule) if wanted and self.heed_stops else ()
        if not topics:
            return condition
        stops = self.columns.topic_stops
        left = select(stops.c.sender_id).where(stops.c.topic.in_(topics))
        return and_(condition, self.columns.id.not_in(left))

    def _joined(self, rules: tuple[Rule, ...], wanted: bool, all_of: bool) -> Condition:
        parts = [self.rule(part, wanted) for part in rules]
        return and_(*parts) if all_of else or_(*parts)

    def _term(self, term: Term, wanted: bool) -> Condition:
        columns = self.columns
        match term:
            case Everyone():
                return true() if wanted else false()
            case Reachable():
                return columns.reachable if wanted else not_(columns.reachable)
            case Named():
                return self._named(term, wanted)
            case InSeat(None):
                return _is_null(columns.constituency, wanted)
            case InSeat(code, year):
                seat = (code or "", year or 0)
                column = columns.provincial if self.atlas.is_provincial(seat) else columns.constituency
                return _among(column, [columns.seat_ids[seat]], wanted)
            case ReportCount(comparison, count):
                return self._count(comparison, count, wanted)
            case When():
                return self._when(term, wanted)

    def _named(self, term: Named, wanted: bool) -> Condition:
        columns, name = self.columns, term.name
        match term.field:
            case "city":
                if name is None:
                    return _is_null(columns.city, wanted)
                return _among(columns.city, [columns.place_ids[name]], wanted)
            case "district" | "province":
                area = self.atlas.area(term.field, name or "")
                seats = [columns.seat_ids[seat] for seat in area.seats if not self.atlas.is_provincial(seat)]
                provincial = [columns.seat_ids[seat] for seat in area.seats if self.atlas.is_provincial(seat)]
                parts = [
                    _among(columns.city, [columns.place_ids[key] for key in area.places], wanted),
                    _among(columns.constituency, seats, wanted),
                    _among(columns.provincial, provincial, wanted),
                ]
                return or_(*parts) if wanted else and_(*parts)
            case "affinity":
                mask = (1 << columns.bits[name]) if name is not None else 0
                if name is None:
                    return columns.affinities == 0 if wanted else columns.affinities != 0
                tested = columns.affinities.bitwise_and(mask)
                return tested != 0 if wanted else tested == 0
            case "language":
                if name is None:
                    return _is_null(columns.language, wanted)
                said = columns.language == name if wanted else columns.language != name
                if (name == self.atlas.default_language) == wanted:
                    return or_(said, columns.language.is_(None))
                return and_(said, columns.language.is_not(None))
            case "referrer":
                if name is None:
                    return _is_null(columns.referrer, wanted)
                return self._is_in(columns.referrer, columns.referrer_of_code(name), wanted)
            case "pickup":
                if name == "asked":
                    return self._has(self.columns.asked, [], wanted)
                return self._is_in(columns.id, columns.pickups[name or ""], wanted)

    def _is_in(self, column: ColumnElement[Any], ids: Select[tuple[int]], wanted: bool) -> Condition:
        return column.in_(ids) if wanted else or_(column.not_in(ids), column.is_(None))

    def _when(self, term: When, wanted: bool) -> Condition:
        columns, zone = self.columns, self.atlas.zone
        if term.field == "seen":
            first, last = day_window(term.comparison, term.time, zone, self.now)
            column = columns.seen_on
            if wanted:
                inside = [column >= first] if first else []
                inside += [column <= last] if last else []
                return and_(column.is_not(None), *inside)
            outside = [column < first] if first else []
            outside += [column > last] if last else []
            return or_(column.is_(None), *outside)
        earliest, before = window(term.comparison, term.time, zone, self.now)
        if term.field == "joined":
            return _within(columns.joined_at, earliest, before, wanted)
        history = columns.reports if term.field == "reported" else columns.asked
        at = history.c.at
        return self._has(history, ([at >= earliest] if earliest else []) + ([at < before] if before else []), wanted)

    def _has(self, history: FromClause, conditions: Iterable[Condition], wanted: bool) -> Condition:
        ids = select(history.c.sender_id).where(*conditions)
        return self.columns.id.in_(ids) if wanted else self.columns.id.not_in(ids)

    def _count(self, comparison: Comparison, count: int, wanted: bool) -> Condition:
        """Compare by way of those who have sent any: everyone else has sent none."""
        if not wanted:
            opposite: dict[Comparison, Comparison] = {"<": ">=", "<=": ">", ">": "<=", ">=": "<"}
            if comparison != "=":
                return self._count(opposite[comparison], count, True)
            return not_(self._count("=", count, True))
        reports = self.columns.reports
        number = func.count()
        tested: Condition = {
            "<": number >= count, "<=": number > count, ">": number > count, ">=": number >= count,
            "=": number == count,
        }[comparison]  # fmt: skip
        someone = select(reports.c.sender_id)
        if comparison == "=" and count == 0:
            return self.columns.id.not_in(someone)
        if (comparison, count) in ((">=", 0), ("<", 0)):
            return true() if comparison == ">=" else false()
        if (comparison, count) in ((">", 0), (">=", 1)):
            return self.columns.id.in_(someone)
        if (comparison, count) in (("<=", 0), ("<", 1)):
            return self.columns.id.not_in(someone)
        those = someone.group_by(reports.c.sender_id).having(tested)
        return self.columns.id.not_in(those) if comparison in ("<", "<=") else self.columns.id.in_(those)


def _is_null(column: ColumnElement[Any], wanted: bool) -> Condition:
    return column.is_(None) if wanted else column.is_not(None)


def _among(column: ColumnElement[Any], ids: list[int], wanted: bool) -> Condition:
    if not ids:
        return false() if wanted else true()
    if len(ids) == 1:
        return column == ids[0] if wanted else or_(column != ids[0], column.is_(None))
    return column.in_(ids) if wanted else or_(column.not_in(ids), column.is_(None))


def _within(column: ColumnElement[Any], earliest: datetime | None, before: datetime | None, wanted: bool) -> Condition:
    if wanted:
        inside = ([column >= earliest] if earliest else []) + ([column < before] if before else [])
        return and_(true(), *inside)
    outside = ([column < earliest] if earliest else []) + ([column >= before] if before else [])
    return or_(false(), *outside)
