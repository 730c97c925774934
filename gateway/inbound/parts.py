"""Join the parts of long texts that a carrier hands over one by one, in any order, without losing any in a crash.

A part is committed before the carrier is told that we have it. Once all are there the text goes the way of every other;
its id follows from its parts, so that doing it again after a crash changes nothing. A text that stays incomplete is
handed on as it is.

Source: 3GPP TS 23.040 9.2.3.24.1: parts belong together by sender, recipient, reference and count.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, Engine, delete, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from gateway.carriers.coding import decode
from gateway.carriers.received import ReceivedPart, ReceivedText
from gateway.database import is_sqlite, reading, writing
from gateway.tables import InboundPart

_parts = InboundPart.__table__

INCOMPLETE_AFTER = timedelta(minutes=5)
KNOWN_FOR = timedelta(hours=1)
GAP = "…"
"""Stands where a part is missing."""


@dataclass(frozen=True, slots=True)
class Joined:
    """A text put together, and the rows that it was made of."""

    text: ReceivedText
    part_ids: tuple[int, ...]
    complete: bool = True


def keep_part(engine: Engine, part: ReceivedPart) -> Joined | None:
    """Commit one part. Returns a text that must be recorded now and then `forget`: this part's, where it is complete,
    or one that was never completed and whose reference its phone now uses for another; then keep this part again.

    A part that is on record already changes nothing.

    :raises sqlalchemy.exc.OperationalError: the database is locked or gone; the carrier must send the part again
    """
    digest = hashlib.blake2b(part.data, digest_size=16).hexdigest()
    with writing(engine) as connection:
        rows = _rows(connection, part)
        same = next((row for row in rows if row.number == part.concat.number), None)
        if same is not None and (same.digest != digest or _old(same, part.received_at)):
            if same.handed_on_at is None:
                return _join([row for row in rows if row.handed_on_at is None], complete=False)
            connection.execute(delete(_parts).where(_parts.c.id.in_([row.id for row in rows if row.handed_on_at])))
            same = None
        if same is not None and same.handed_on_at is not None:
            return None
        if same is None:
            _insert(connection, part, digest)
    # Read after the commit: of two parts that come at the same moment at least one then sees both.
    with reading(engine) as connection:
        open_rows = [row for row in _rows(connection, part) if row.handed_on_at is None]
    return _join(open_rows) if len({row.number for row in open_rows}) == part.concat.total else None


def incomplete(engine: Engine, now: datetime, after: timedelta = INCOMPLETE_AFTER) -> list[Joined]:
    """Return the texts of which no part has come for `after`: to be recorded as they are, and then to `forget`."""
    key = (_parts.c.from_number, _parts.c.to_number, _parts.c.carrier, _parts.c.ref, _parts.c.total)
    waiting = (
        select(*key)
        .where(_parts.c.handed_on_at.is_(None))
        .group_by(*key)
        .having(func.max(_parts.c.received_at) < now - after)
        .subquery()
    )
    same = [_parts.c[column.name] == waiting.c[column.name] for column in key]
    found = select(_parts).join(waiting, same[0] & same[1] & same[2] & same[3] & same[4])
    with reading(engine) as connection:
        rows = connection.execute(found.where(_parts.c.handed_on_at.is_(None)).order_by(*key, _parts.c.number)).all()
    sets = groupby(rows, key=lambda row: (row.from_number, row.to_number, row.carrier, row.ref, row.total))
    return [_join(of_one, complete=len(of_one) == of_one[0].total) for of_one in (list(some) for _, some in sets)]


def forget(engine: Engine, joined: Iterable[Joined], now: datetime) -> None:
    """Blank the parts of texts that are on record, and remove those that no carrier sends again."""
    with writing(engine) as connection:
        for one in joined:
            mine = update(_parts).where(_parts.c.id.in_(one.part_ids))
            connection.execute(mine.values(handed_on_at=now, data=b""))
        connection.execute(
            delete(_parts).where(_parts.c.handed_on_at.is_not(None), _parts.c.received_at < now - KNOWN_FOR)
        )


def _rows(connection: Connection, part: ReceivedPart) -> Sequence[Any]:
    return connection.execute(
        select(_parts)
        .where(
            _parts.c.from_number == part.from_number,
            _parts.c.to_number == part.to_number,
            _parts.c.carrier == part.carrier,
            _parts.c.ref == part.concat.ref,
            _parts.c.total == part.concat.total,
        )
        .order_by(_parts.c.number)
    ).all()


def _old(row: Any, now: datetime) -> bool:
    return row.handed_on_at is not None and row.received_at < now - KNOWN_FOR


def _insert(connection: Connection, part: ReceivedPart, digest: str) -> None:
    dialect: Any = sqlite if is_sqlite(connection) else postgresql
    row = {
        "carrier": part.carrier, "from_number": part.from_number, "to_number": part.to_number,
        "ref": part.concat.ref, "total": part.concat.total, "number": part.concat.number,
        "charset": part.charset[:40], "data": part.data, "digest": digest, "queue_reply": part.queue_reply,
        "received_at": part.received_at,
    }  # fmt: skip
    connection.execute(dialect.insert(_parts).values(row).on_conflict_do_nothing())


def _join(rows: Sequence[Any], *, complete: bool = True) -> Joined:
    """Octets are joined before they are read: a phone may cut a letter in two."""
    body, last = "", 0
    for charset, some in groupby(rows, key=lambda row: row.charset):
        run: list[Any] = []
        for row in some:
            if row.number != last + 1 and (run or body or row.number > 1):
                body += decode(b"".join(one.data for one in run), charset) + GAP
                run = []
            run.append(row)
            last = row.number
        body += decode(b"".join(one.data for one in run), charset)
    first = rows[0]
    if last < first.total:
        body += GAP
    began = min(row.received_at for row in rows)
    digest = hashlib.blake2b(digest_size=24)
    key = (first.carrier, first.from_number, first.to_number, first.ref, first.total, began.isoformat())
    digest.update("\n".join(map(str, key)).encode())
    text = ReceivedText(
        carrier=first.carrier,
        carrier_id="parts-" + digest.hexdigest(),
        from_number=first.from_number,
        to_number=first.to_number,
        body=body,
        received_at=began,
        queue_reply=first.queue_reply,
    )
    return Joined(text, tuple(row.id for row in rows), complete)
