"""An audience rule as a mask over a block of members' bits, which must mean what `matches` means.

What is in no column (who reported, who asked, who left a group) is a question put to the tables behind; whoever holds
the block answers it with a mask. `question_sql` says how it is asked.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import reduce
from operator import and_, or_
from typing import Any

from sqlalchemy import Select, func, select

from segments.atlas import LANGUAGES, Atlas
from segments.bits import Column, Mask
from segments.matches import compared, day_window, window
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
from segments.sql import MemberColumns

REACHABLE = 1
"""In the column of standing: consent given and the number alive. Other values say why not; 0: no member."""
OTHER_LANGUAGE = 255
LANGUAGE_CODES: Mapping[str, int] = {code: number for number, code in enumerate(LANGUAGES, 1)}


@dataclass(frozen=True, slots=True)
class Sent:
    """Who sent so many iReports; never asked so that somebody without any fits."""

    comparison: Comparison
    count: int
    opposite: bool = False


@dataclass(frozen=True, slots=True)
class Joined:
    """Who joined in a part of one minute: from `earliest` (included) until `before`."""

    earliest: datetime
    before: datetime


@dataclass(frozen=True, slots=True)
class Left:
    """Who left one of these groups by STOP with its name."""

    topics: tuple[str, ...]


Question = Sent | Joined | Left | Named | When
"""What a column does not say; `Named` for a pick-up history or a referrer's code, `When` for reports and questions."""


class Block:
    """Some members in columns, by name: standing, language, city, seat, provincial, affinities, joined, seen, referred.

    `joined` is in whole minutes and `seen` in days, as `minute_of` and `day_of` number them.
    """

    def __init__(self, everyone: Mask, column: Callable[[str], Column], answer: Callable[[Question], Mask]) -> None:
        self.everyone, self.column, self.answer = everyone, column, answer


def minute_of(moment: datetime) -> int:
    """Return the number of the minute that an aware moment lies in; later minutes have higher numbers."""
    return int((moment.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() // 60)


def day_of(day: date) -> int:
    """Return the number of a day: 1 for 1 January 1970; days before it, on which nobody texted, count as that one."""
    return max(1, day.toordinal() - date(1969, 12, 31).toordinal())


def mask(rule: Rule, block: Block, columns: MemberColumns, atlas: Atlas, now: datetime, *, heed_stops: bool) -> Mask:
    """Return who of a block's members a rule with settled names holds for; parameters as for `to_sql`."""
    return _Reader(block, columns, atlas, now, heed_stops).rule(rule, True)


def columns_read(rule: Rule) -> set[str]:
    """Return the names of the columns that `mask` reads for a rule."""
    read: set[str] = set()
    for term in terms(rule):
        match term:
            case Reachable():
                read.add("standing")
            case Named("city"):
                read.add("city")
            case Named("district" | "province"):
                read |= {"city", "seat", "provincial"}
            case Named("affinity"):
                read.add("affinities")
            case Named("language"):
                read.add("language")
            case Named("referrer", None):
                read.add("referred")
            case InSeat(code):
                read |= {"seat", "provincial"} if code else {"seat"}
            case When("seen" | "joined" as field):
                read.add(field)
    return read


def question_sql(question: Question, columns: MemberColumns, atlas: Atlas, now: datetime) -> Select[Any]:
    """Return the select of the sender ids that answer a question."""
    match question:
        case Left(topics):
            stops = columns.topic_stops
            return select(stops.c.sender_id).where(stops.c.topic.in_(topics))
        case Joined(earliest, before):
            return columns.joined_between(earliest, before)
        case Sent(comparison, count, opposite):
            sender, number = columns.reports.c.sender_id, func.count()
            tested: dict[Comparison, Any] = {
                "<": number < count, "<=": number <= count, ">": number > count, ">=": number >= count,
                "=": number == count,
            }  # fmt: skip
            fits = ~tested[comparison] if opposite else tested[comparison]
            return select(sender).group_by(sender).having(fits)
        case When(field, comparison, time):
            history = columns.reports if field == "reported" else columns.asked
            earliest_at, before_at = window(comparison, time, atlas.zone, now)
            at = history.c.at
            bounds = ([at >= earliest_at] if earliest_at else []) + ([at < before_at] if before_at else [])
            return select(history.c.sender_id).where(*bounds)
        case Named("referrer", name):
            return select(columns.id).where(columns.referrer.in_(columns.referrer_of_code(name or "")))
        case Named(_, "asked"):
            return select(columns.asked.c.sender_id)
        case Named(_, name):
            return columns.pickups[name or ""]


class _Reader:
    def __init__(self, block: Block, columns: MemberColumns, atlas: Atlas, now: datetime, heed_stops: bool) -> None:
        self.block, self.columns, self.atlas, self.now = block, columns, atlas, now
        self.heed_stops = heed_stops

    def rule(self, rule: Rule, wanted: bool) -> Mask:
        """Return for whom the rule holds, or for whom it does not."""
        match rule:
            case Not(inner):
                return self.rule(inner, not wanted)
            case And(rules):
                return self._joined(rules, wanted, all_of=wanted)
            case Or(rules):
                return self._joined(rules, wanted, all_of=not wanted)
        found = self._term(rule)
        if not wanted:
            return self.block.everyone ^ found
        topics = self.atlas.topics(rule) if self.heed_stops else ()
        return self._without(found, self.block.answer(Left(topics))) if topics and found else found

    def _joined(self, rules: tuple[Rule, ...], wanted: bool, all_of: bool) -> Mask:
        return reduce(and_ if all_of else or_, (self.rule(part, wanted) for part in rules))

    @staticmethod
    def _without(found: Mask, some: Mask) -> Mask:
        return found ^ (found & some)

    def _answer(self, question: Question) -> Mask:
        return self.block.answer(question) & self.block.everyone

    def _term(self, term: Term) -> Mask:
        column, everyone = self.block.column, self.block.everyone
        match term:
            case Everyone():
                return everyone
            case Reachable():
                return column("standing").among([REACHABLE])
            case Named():
                return self._named(term)
            case InSeat(None):
                return everyone ^ column("seat").filled
            case InSeat(code, year):
                return self._in_seats([(code or "", year or 0)])
            case ReportCount(comparison, count):
                if compared(0, comparison, count):
                    return everyone ^ self._answer(Sent(comparison, count, opposite=True))
                return self._answer(Sent(comparison, count))
            case When("seen", comparison, time):
                first, last = day_window(comparison, time, self.atlas.zone, self.now)
                seen = column("seen")
                since = seen.at_least(day_of(first)) if first else seen.filled
                return self._without(since, seen.at_least(day_of(last) + 1)) if last else since
            case When("joined", comparison, time):
                earliest, before = window(comparison, time, self.atlas.zone, self.now)
                since = self._joined_since(earliest) if earliest else everyone
                return self._without(since, self._joined_since(before)) if before else since
            case When():
                return self._answer(term)

    def _in_seats(self, seats: Iterable[tuple[str, int]]) -> Mask:
        ids: dict[str, list[int]] = {"seat": [], "provincial": []}
        for seat in seats:
            ids["provincial" if self.atlas.is_provincial(seat) else "seat"].append(self.columns.seat_ids[seat])
        return reduce(or_, (self.block.column(name).among(some) for name, some in ids.items() if some), 0)

    def _joined_since(self, moment: datetime) -> Mask:
        joined, minute = self.block.column("joined"), minute_of(moment)
        if moment == datetime.fromtimestamp(minute * 60, UTC):
            return joined.at_least(minute)
        ends = datetime.fromtimestamp((minute + 1) * 60, UTC)
        return joined.at_least(minute + 1) | self._answer(Joined(moment.astimezone(UTC), ends))

    def _named(self, term: Named) -> Mask:
        columns, name, column, everyone = self.columns, term.name, self.block.column, self.block.everyone
        match term.field:
            case "city":
                city = column("city")
                return everyone ^ city.filled if name is None else city.among([columns.place_ids[name]])
            case "district" | "province":
                area = self.atlas.area(term.field, name or "")
                return column("city").among(columns.place_ids[key] for key in area.places) | self._in_seats(area.seats)
            case "affinity":
                groups = column("affinities")
                return everyone ^ groups.filled if name is None else groups.bit(columns.bits[name])
            case "language":
                language = column("language")
                codes = [LANGUAGE_CODES[name] if name else 0]
                return language.among([*codes, 0] if name == self.atlas.default_language else codes)
            case "referrer" if name is None:
                return everyone ^ column("referred").filled
        return self._answer(term)
