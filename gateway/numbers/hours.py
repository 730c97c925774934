"""When people text: hours are counted once when they are over, and kept by how the senders are filed."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Connection, Engine, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from gateway.database import is_sqlite, reading, writing
from gateway.tables import Counter, InboundText, Member, TextHour

HOUR = timedelta(hours=1)
SETTLED = timedelta(minutes=5)
"""So long after its end an hour is counted: by then every text of it is on record."""
SHOWN = timedelta(days=28)
"""Whole weeks, so that every weekday counts as often."""
_REACHES_BACK = timedelta(days=56)
_COUNTER = "text-hours"
_AT_ONCE_S = 2.0

_in, _members, _hours, _counters = InboundText.__table__, Member.__table__, TextHour.__table__, Counter.__table__


def count_hours(engine: Engine, now: datetime) -> int:
    """Count the hours that are over and not counted yet, for two seconds at most; returns how many.

    Safe in any number of processes: whoever moves the counter on writes the hour.
    """
    until, done = time.monotonic() + _AT_ONCE_S, 0
    while time.monotonic() < until:
        with reading(engine) as connection:
            number = connection.execute(select(_counters.c.next).where(_counters.c.name == _COUNTER)).scalar()
            begins = _begins(number) if number is not None else now - _REACHES_BACK
            first = select(_in.c.received_at).where(_in.c.received_at >= begins).order_by(_in.c.received_at).limit(1)
            text_at = connection.execute(first).scalar()
            if text_at is None:
                return done
            hour = max(begins, text_at).replace(minute=0, second=0, microsecond=0)  # hours without a text are skipped
            if hour + HOUR + SETTLED > now:
                return done
            rows = _count(connection, hour)
        done += _keep(engine, number, hour, rows)
    return done


def _count(connection: Connection, hour: datetime) -> list[dict[str, Any]]:
    filed = (_members.c.city_id, _members.c.constituency_id, _members.c.provincial_id)
    query = (
        select(*filed, func.count().label("texts"))
        .select_from(_in.outerjoin(_members, _members.c.sender_id == _in.c.sender_id))
        .where(_in.c.received_at >= hour, _in.c.received_at < hour + HOUR)
        .group_by(*filed)
    )
    return [{"hour": hour, **row._mapping} for row in connection.execute(query)]


def _keep(engine: Engine, number: int | None, hour: datetime, rows: list[dict[str, Any]]) -> int:
    """Write an hour and move the counter behind it; 0 where another process was first."""
    after = int(hour.timestamp()) // 3600 + 1
    with writing(engine) as connection:
        if number is None:
            dialect: Any = sqlite if is_sqlite(connection) else postgresql
            moved: Any = dialect.insert(_counters).values(name=_COUNTER, next=after).on_conflict_do_nothing()
        else:
            mine = (_counters.c.name == _COUNTER) & (_counters.c.next == number)
            moved = update(_counters).where(mine).values(next=after)
        won = connection.execute(moved.returning(_counters.c.next)).first() is not None
        if won:
            connection.execute(insert(_hours), rows)
    return int(won)


def _begins(number: int) -> datetime:
    return datetime.fromtimestamp(number * 3600, UTC)


@dataclass(frozen=True, slots=True)
class Week:
    """Texts of the last four weeks, `texts[weekday][hour]` on the clock of one zone, Monday first."""

    texts: tuple[tuple[int, ...], ...]

    @property
    def total(self) -> int:
        return sum(map(sum, self.texts))

    @property
    def most(self) -> int:
        return max(map(max, self.texts))

    @property
    def peak(self) -> tuple[int, int] | None:
        """The weekday (0 is Monday) and hour in which most texts come; None when there are none."""
        if not self.total:
            return None
        return max(((day, hour) for day in range(7) for hour in range(24)), key=lambda at: self.texts[at[0]][at[1]])


def when_people_text(
    connection: Connection, zone: ZoneInfo, now: datetime, whose: ColumnElement[bool] | None = None
) -> Week:
    """Return how many texts came in each hour of the week, of the last four weeks.

    An hour that lies across two of the zone's (as in India) is told as the one in which its middle lies.

    :param whose: a condition on `text_hours`, as `Areas.filed` makes it of its columns
    """
    query = select(_hours.c.hour, func.sum(_hours.c.texts).label("texts")).where(_hours.c.hour >= now - SHOWN)
    if whose is not None:
        query = query.where(whose)
    texts = [[0] * 24 for _ in range(7)]
    for row in connection.execute(query.group_by(_hours.c.hour)):
        local = (row.hour + HOUR / 2).astimezone(zone)
        texts[local.weekday()][local.hour] += int(row.texts)
    return Week(tuple(map(tuple, texts)))
