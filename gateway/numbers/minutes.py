"""Texts in and out by the minute. A minute that is over is counted once in each process: it does not change."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, select

from gateway.numbers.moments import minute_of
from gateway.tables import InboundText, Member, OutboundText

MINUTE = timedelta(minutes=1)
SETTLED = timedelta(minutes=2)
"""So long after its end a minute is counted no more: by then every text of it is on record."""

_in, _out, _members = InboundText.__table__, OutboundText.__table__, Member.__table__
_HANDED_OVER = ("answered", "sent", "delivered", "undelivered", "failed")


@dataclass(frozen=True, slots=True)
class Minute:
    """Texts of one minute; `begins` is aware UTC. Out are replies and what was handed to a carrier."""

    begins: datetime
    texts_in: int
    texts_out: int


def count_minutes(
    connection: Connection, since: datetime, until: datetime, whose: ColumnElement[bool] | None = None
) -> Mapping[datetime, tuple[int, int]]:
    """Return texts in and out of every minute from `since` to before `until` in which there were any.

    :param whose: a condition on `members`; None counts everybody's texts, also of those who never joined
    """
    received = _in.c.received_at.between(since, until - timedelta(microseconds=1))
    incoming = _by_minute(connection, _in.c.received_at, _in, _in.c.sender_id, received, whose)
    answered = (_out.c.attempts == 0) & _out.c.state.in_(_HANDED_OVER)
    replies = _by_minute(
        connection, _in.c.received_at, _in.join(_out, _out.c.inbound_id == _in.c.id), _in.c.sender_id,
        received & answered, whose,
    )  # fmt: skip
    attempted = _out.c.attempted_at.between(since, until - timedelta(microseconds=1))
    started = _by_minute(connection, _out.c.attempted_at, _out, _out.c.sender_id, attempted, whose)
    return {
        minute: (incoming.get(minute, 0), replies.get(minute, 0) + started.get(minute, 0))
        for minute in incoming.keys() | replies.keys() | started.keys()
    }


def _by_minute(
    connection: Connection, moment: Any, source: Any, sender: Any, wanted: Any, whose: ColumnElement[bool] | None
) -> dict[datetime, int]:
    if whose is not None:
        source, wanted = source.join(_members, _members.c.sender_id == sender), wanted & whose
    minute: Any = minute_of(moment)
    query = select(minute.label("minute"), func.count().label("texts")).select_from(source).where(wanted)
    return {row.minute: row.texts for row in connection.execute(query.group_by(minute))}


class RecentMinutes:
    """The minutes of the last hour, for one process; only those that may still change are read again."""

    def __init__(self, shown: int = 60) -> None:
        self._shown = shown
        self._settled: dict[Hashable, dict[datetime, tuple[int, int]]] = {}
        self._lock = Lock()

    def read(
        self, connection: Connection, now: datetime, key: Hashable = None, whose: ColumnElement[bool] | None = None
    ) -> list[Minute]:
        """Return the last minutes, the oldest first, the last one being the minute that runs.

        :param key: what stands for `whose`, the viewer's areas
        """
        last = now.replace(second=0, microsecond=0)
        wanted = [last - MINUTE * back for back in range(self._shown - 1, -1, -1)]
        with self._lock:
            known = dict(self._settled.get(key, {}))
        missing = next((minute for minute in wanted if minute not in known), last)
        counted = count_minutes(connection, missing, last + MINUTE, whose)
        merged = {minute: known.get(minute) or counted.get(minute, (0, 0)) for minute in wanted}
        settled = {minute: counts for minute, counts in merged.items() if minute + MINUTE + SETTLED <= now}
        with self._lock:
            self._settled[key] = settled
        return [Minute(minute, *merged[minute]) for minute in wanted]
