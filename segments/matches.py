"""What an audience rule means: the reference that the SQL must agree with."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo

from segments.atlas import Atlas, SeatKey
from segments.rule import (
    Age,
    And,
    Comparison,
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
    Term,
    When,
)


@dataclass(frozen=True, slots=True)
class MemberFacts:
    """What a rule may ask about one member. Times are aware; `city` is a place's key, `affinities` groups' keys.

    `language` None: answered in the default one. `referrer`: the invite code of who brought them. `seen_on`: the day
    of their last text in the movement's time zone. `reported`, `asked`: when they sent iReports, and asked for a
    pick-up point. `pickups`: further pick-up history, such as "held". `left`: the groups left by STOP ("city:lahore").
    """

    joined_at: datetime
    city: str | None = None
    constituency: SeatKey | None = None
    provincial: SeatKey | None = None
    affinities: frozenset[str] = frozenset()
    language: str | None = None
    reachable: bool = True
    referrer: str | None = None
    seen_on: date | None = None
    reported: tuple[datetime, ...] = ()
    asked: tuple[datetime, ...] = ()
    pickups: frozenset[str] = frozenset()
    left: frozenset[str] = frozenset()


def matches(
    rule: Rule, member: MemberFacts, atlas: Atlas, now: datetime, *, heed_stops: bool = False, wanted: bool = True
) -> bool:
    """Return whether a rule with settled names holds for a member (or fails to, if not `wanted`).

    :param now: aware; ages and today count from it
    :param heed_stops: a member who left a group by STOP with its name is not addressed as one of that group: a term
        holds only for those who did not leave it. A term under ! excludes whom it excludes, left or not.
    """

    def holds(part: Rule, yes: bool) -> bool:
        return matches(part, member, atlas, now, heed_stops=heed_stops, wanted=yes)

    match rule:
        case And(rules):
            return all(holds(part, True) for part in rules) if wanted else any(holds(part, False) for part in rules)
        case Or(rules):
            return any(holds(part, True) for part in rules) if wanted else all(holds(part, False) for part in rules)
        case Not(inner):
            return holds(inner, not wanted)
    if not wanted:
        return not _holds(rule, member, atlas, now)
    if heed_stops and not member.left.isdisjoint(atlas.topics(rule)):
        return False
    return _holds(rule, member, atlas, now)


def _holds(term: Term, member: MemberFacts, atlas: Atlas, now: datetime) -> bool:
    match term:
        case Everyone():
            return True
        case Reachable():
            return member.reachable
        case Named():
            return _named(term, member, atlas)
        case InSeat(None):
            return member.constituency is None
        case InSeat(code, year):
            return (code, year or 0) in (member.constituency, member.provincial)
        case ReportCount(comparison, count):
            return compared(len(member.reported), comparison, count)
        case When(field, comparison, when):
            if field == "seen":
                return member.seen_on is not None and _day_fits(member.seen_on, comparison, when, atlas.zone, now)
            moments: Iterable[datetime] = {
                "joined": (member.joined_at,), "reported": member.reported, "asked": member.asked,
            }[field]  # fmt: skip
            earliest, before = window(comparison, when, atlas.zone, now)
            return any(
                (earliest is None or moment >= earliest) and (before is None or moment < before) for moment in moments
            )


def _named(term: Named, member: MemberFacts, atlas: Atlas) -> bool:
    match term.field:
        case "city":
            return member.city == term.name
        case "district" | "province":
            area = atlas.area(term.field, term.name or "")
            return member.city in area.places or bool({member.constituency, member.provincial} & area.seats)
        case "affinity":
            return term.name in member.affinities if term.name else not member.affinities
        case "language":
            if term.name is None:
                return member.language is None
            return (member.language or atlas.default_language) == term.name
        case "referrer":
            return member.referrer == term.name
        case "pickup":
            return bool(member.asked) if term.name == "asked" else term.name in member.pickups


def compared(one: int, comparison: Comparison, other: int) -> bool:
    return {
        "<": one < other, "<=": one <= other, ">": one > other, ">=": one >= other, "=": one == other,
    }[comparison]  # fmt: skip


def days_meant(when: Days | RecentDay, zone: tzinfo, now: datetime) -> Days:
    """Return the days that a time of a rule stands for now."""
    if isinstance(when, Days):
        return when
    day = now.astimezone(zone).date() - timedelta(days=when.back)
    return Days(day, day)


def window(
    comparison: Comparison, when: Days | RecentDay | Age, zone: tzinfo, now: datetime
) -> tuple[datetime | None, datetime | None]:
    """Return from when (included) until when (not included) a moment must lie; None where it is open.

    An age counts back from `now` to the microsecond, so `<30d` is after that instant and `<=30d` from it on.
    """
    if isinstance(when, Age):
        then, tick = now - timedelta(hours=when.hours), timedelta(microseconds=1)
        return {
            "<": (then + tick, None), "<=": (then, None), ">": (None, then), ">=": (None, then + tick),
            "=": (then, then + tick),
        }[comparison]  # fmt: skip
    days = days_meant(when, zone, now)
    start = datetime.combine(days.first, time.min, zone)
    end = datetime.combine(days.last + timedelta(days=1), time.min, zone)
    return {"<": (None, start), "<=": (None, end), ">": (end, None), ">=": (start, None), "=": (start, end)}[comparison]


def day_window(
    comparison: Comparison, when: Days | RecentDay | Age, zone: tzinfo, now: datetime
) -> tuple[date | None, date | None]:
    """Return the first and the last day (both included) that fit; None where it is open.

    An age is in whole days here: `<30d` is 29 days ago at the most.
    """
    one = timedelta(days=1)
    if isinstance(when, Age):
        today = now.astimezone(zone).date()
        back = today - timedelta(days=when.hours // 24)
        return {
            "<": (back + one, None), "<=": (back, None), ">": (None, back - one), ">=": (None, back), "=": (back, back),
        }[comparison]  # fmt: skip
    days = days_meant(when, zone, now)
    return {
        "<": (None, days.first - one), "<=": (None, days.last), ">": (days.last + one, None), ">=": (days.first, None),
        "=": (days.first, days.last),
    }[comparison]  # fmt: skip


def _day_fits(day: date, comparison: Comparison, when: Days | RecentDay | Age, zone: tzinfo, now: datetime) -> bool:
    first, last = day_window(comparison, when, zone, now)
    return (first is None or day >= first) and (last is None or day <= last)
