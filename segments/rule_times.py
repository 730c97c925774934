"""The times of a rule: days, months, years, what lies between two, and how long ago."""

import re
from datetime import date

from faults import fault
from segments.rule import Age, Days, RecentDay, RuleError, TimeField, whole_month, whole_year
from segments.rule_advice import write
from segments.rule_tokens import Token

_RECENT = {"today": 0, "yesterday": 1}
_HOURS = {"h": 1, "d": 24, "w": 168}
MAX_AGE_HOURS = 24 * 36500
FIRST_YEAR, LAST_YEAR = 1990, 2199
_LONG_UNITS = frozenset({"hour", "hours", "day", "days", "week", "weeks"})
_DAY = re.compile(r"(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?")
_AGE = re.compile(r"(\d{1,7})([a-z]+)")


def read_time(written: str, token: Token, field: TimeField) -> Days | RecentDay | Age:
    """Return the time that a value says, such as 30d, today, 2026-01 or two days with .. between.

    :param written: the token's value, folded, with plain digits
    :raises RuleError: it is none
    """
    if written in _RECENT:
        return RecentDay(_RECENT[written])
    if found := _AGE.fullmatch(written):
        unit = found[2] if found[2] in _HOURS else found[2].rstrip("s")[:1] if found[2] in _LONG_UNITS else ""
        if not unit:
            raise RuleError(
                fault("rule.no_length", "“{value}” is no length of time.", value=token.value),
                fault(
                    "rule.write_length",
                    "Write hours, days or weeks: {examples}.",
                    examples=f"{field}<12h, {field}<30d, {field}<4w",
                ),
                column=token.at,
            )
        hours = int(found[1]) * _HOURS[unit]
        if not 0 < hours <= MAX_AGE_HOURS:
            raise RuleError(
                fault("rule.out_of_reach", "“{value}” is out of reach.", value=token.value),
                fault("rule.write_reach", "Write something between 1h and 36500d."),
                column=token.at,
            )
        if field == "seen" and hours % 24:
            raise RuleError(
                fault("rule.seen_by_day", "The last text is kept by day, not by hour."),
                fault("rule.write_whole_days", "Write whole days: seen<1d is today."),
                column=token.at,
            )
        return Age(hours)
    first, dots, last = written.partition("..")
    start = _day(first.strip(), token)
    if not dots:
        return start
    end = _day(last.strip(), token)
    if end.last < start.first:
        raise RuleError(
            fault("rule.dates_swapped", "The second date is before the first."),
            write(f"{last.strip()}..{first.strip()}"),
            column=token.at,
        )
    return Days(start.first, end.last)


def _day(written: str, token: Token) -> Days:
    found = _DAY.fullmatch(written)
    remedy = fault("rule.write_date", "Write it as 2026-01-31, 2026-01, 2026, or two of them with .. between.")
    if not found:
        raise RuleError(fault("rule.no_date", "“{value}” is not a date.", value=token.value), remedy, column=token.at)
    year, month, day = int(found[1]), int(found[2] or 0), int(found[3] or 0)
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise RuleError(
            fault(
                "rule.year_range",
                "The year {year} is not between {first_year} and {last_year}.",
                year=year,
                first_year=FIRST_YEAR,
                last_year=LAST_YEAR,
            ),
            remedy,
            column=token.at,
        )
    try:
        if found[3]:
            return Days(date(year, month, day), date(year, month, day))
        return whole_month(year, month) if found[2] else whole_year(year)
    except ValueError:
        raise RuleError(
            fault("rule.no_such_day", "There is no day {written} in the calendar.", written=written),
            remedy,
            column=token.at,
        ) from None
