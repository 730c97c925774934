"""Words and places that are reported far more often now than in the hour before, and than in this hour of the day
before, with examples. Yesterday counts because a rally's day has its own rhythm: "bus" rises every evening.

Counts of rare things scatter like a Poisson count, whose square root scatters by a half whatever its size (Anscombe
1948); so the difference of two square roots, times the root of two, scatters by one, and counts from `SURE` on.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import sqrt
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, select
from sqlalchemy.dialects import postgresql, sqlite

from gateway.database import is_sqlite, reading, writing
from gateway.reports.similar import content_words
from gateway.tables import Report, ReportTrend

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
AT_LEAST = 5
TIMES = 2.5
SURE = 2.4
_EXAMPLES = 3
_reports, _trends = Report.__table__, ReportTrend.__table__


@dataclass(frozen=True, slots=True)
class Rise:
    """A word or place ("word", "place") that was told by `now` phones in this hour, and by `before` in the hour before
    or in this hour of the day before, whichever were more."""

    kind: str
    term: str
    before: int
    now: int
    sureness: float


def rising(before: Mapping[tuple[str, str], int], now: Mapping[tuple[str, str], int]) -> list[Rise]:
    """Return what rises, the surest first. Counts are of phones, by (kind, term)."""
    found = []
    for (kind, term), count in now.items():
        earlier = before.get((kind, term), 0)
        sureness = sqrt(2) * (sqrt(count + 3 / 8) - sqrt(earlier + 3 / 8))
        if count >= AT_LEAST and count >= TIMES * earlier and sureness >= SURE:
            found.append(Rise(kind, term, earlier, count, round(sureness, 2)))
    return sorted(found, key=lambda one: (-one.sureness, one.term))


def terms(rows: Iterable[Any]) -> Counter[tuple[str, str]]:
    """Count the phones that told each word and place: one phone counts once, so that nobody makes a trend alone."""
    told = {(row.sender_id, key) for row in rows for key in _terms_of(row)}
    return Counter(key for _, key in told)


def _terms_of(row: Any) -> set[tuple[str, str]]:
    found = {("word", word[:140]) for word in content_words(row.text) if len(word) > 2 and not word.isdigit()}
    return found | ({("place", row.place)} if row.place else set())


def find_trends(engine: Engine, now: datetime) -> int:
    """Put what rises in the last hour on record; returns how many. `now` is aware UTC."""
    with reading(engine) as connection:
        rows = _rows(connection, now)
    recent = [row for row in rows if row.opened_at > now - HOUR]
    hour_before = terms(row for row in rows if now - 2 * HOUR < row.opened_at <= now - HOUR)
    day_before = terms(row for row in rows if row.opened_at <= now - DAY)
    rises = rising(hour_before | day_before, terms(recent))[:50]  # of two counters, | takes the higher counts
    if not rises:
        return 0
    examples = _examples(rises, recent)
    values = [
        {
            "event_key": recent[-1].event_key,
            "hour": now.replace(minute=0, second=0, microsecond=0),
            "kind": rise.kind,
            "term": rise.term,
            "before": rise.before,
            "now": rise.now,
            "examples": examples[rise.kind, rise.term],
            "seen_at": now,
        }
        for rise in rises
    ]
    with writing(engine) as connection:
        dialect: Any = sqlite if is_sqlite(connection) else postgresql
        upsert = dialect.insert(_trends)
        upsert = upsert.on_conflict_do_update(
            index_elements=["event_key", "hour", "kind", "term"],
            set_={name: upsert.excluded[name] for name in ("before", "now", "examples", "seen_at")},
        )
        connection.execute(upsert, values)
    return len(rises)


def _examples(rises: Sequence[Rise], recent: Sequence[Any]) -> Mapping[tuple[str, str], list[str]]:
    """Return the refs of the last few reports that tell what rises, the oldest of these first."""
    found: dict[tuple[str, str], list[str]] = {(rise.kind, rise.term): [] for rise in rises}
    for row in reversed(recent):
        for key in _terms_of(row) & found.keys():
            if len(found[key]) < _EXAMPLES:
                found[key].insert(0, row.ref)
    return found


def _rows(connection: Connection, now: datetime) -> list[Any]:
    spans = (now - DAY - HOUR, now - DAY), (now - 2 * HOUR, now)  # one by one: both at once is no range of an index
    return [row for after, until in spans for row in _rows_of(connection, after, until)]


def _rows_of(connection: Connection, after: datetime, until: datetime) -> Sequence[Any]:
    wanted = (
        select(
            _reports.c.ref, _reports.c.event_key, _reports.c.sender_id, _reports.c.text, _reports.c.place,
            _reports.c.opened_at,
        )
        .where(_reports.c.opened_at > after, _reports.c.opened_at <= until, _reports.c.kind != "noise")
        .order_by(_reports.c.opened_at, _reports.c.id)
    )  # fmt: skip
    return connection.execute(wanted).all()


def current_trends(
    connection: Connection, now: datetime, within: Sequence[ColumnElement[bool]] = ()
) -> list[dict[str, Any]]:
    """Return the alerts of the last hour, the largest rise first, each with up to three refs and words as examples.

    :param within: conditions on `reports`, such as the areas of who looks: they see what rises with examples there
    """
    rows = connection.execute(
        select(_trends).where(_trends.c.seen_at > now - HOUR).order_by((_trends.c.now - _trends.c.before).desc())
    ).all()
    if not rows:
        return []
    refs = {ref for row in rows for ref in row.examples}
    texts = {
        (row.event_key, row.ref): row.text
        for row in connection.execute(
            select(_reports.c.event_key, _reports.c.ref, _reports.c.text).where(_reports.c.ref.in_(refs), *within)
        )
    }
    found = [
        {
            "kind": row.kind,
            "term": row.term,
            "before": row.before,
            "now": row.now,
            "event": row.event_key,
            "examples": [
                {"ref": ref, "text": texts[row.event_key, ref]} for ref in row.examples if (row.event_key, ref) in texts
            ],
        }
        for row in rows
    ]
    return [one for one in found if one["examples"]]
