"""The audit log: who did what to whom or what, in lines that can be appended and never changed.

Each line's hash covers the line and the hash of the line before, and the head keeps number and hash of the last one:
a line that was changed, left out, swapped or cut off shows (`verify`). Whoever can rewrite the whole table and the head
can rewrite history; against that, note the head elsewhere now and then (`jalsa audit verify` prints it and compares).

Nothing that is personal belongs into a line: subjects are ids and refs, details are settings and reasons.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, insert, select, update

from gateway.rules.phone_numbers import mask_all
from gateway.tables import AuditEntry, AuditHead

_entries, _heads = AuditEntry.__table__, AuditHead.__table__
_NONE = "0" * 64
_CHUNK = 2_000


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the log; `detail` as it was given."""

    seq: int
    at: datetime
    by: str
    action: str
    subject: str
    detail: Mapping[str, Any]
    hash: str


@dataclass(frozen=True, slots=True)
class Head:
    """Number and hash of the last line."""

    seq: int
    hash: str

    def __str__(self) -> str:
        return f"{self.seq}:{self.hash}"


def record(
    connection: Connection, by: str, action: str, subject: str, detail: Mapping[str, Any], now: datetime
) -> None:
    """Append a line in the caller's writing transaction.

    Call it last: it locks the head until the transaction ends, so that numbers have no gap and no two lines the same
    predecessor. Numbers that look like phones are masked on the way in.

    :param by: a login, or "command", "clock", "api:<key>"
    :param action: noun.verb, such as "staff.role" or "member.phone_shown"
    :param subject: what it was done to, such as "staff:amna" or "broadcast:12"; no number of a person
    :param now: aware UTC
    """
    head = connection.execute(
        update(_heads).where(_heads.c.id == 1).values(seq=_heads.c.seq + 1).returning(_heads.c.seq, _heads.c.hash)
    ).one()
    line = {
        "seq": head.seq,
        "at": now.astimezone(UTC),
        "by": by[:60],
        "action": action[:60],
        "subject": mask_all(subject)[:120],
        "detail": _canonical({key: _plain(value) for key, value in detail.items()}),
        "previous": head.hash,
    }
    line["hash"] = _hash(line)
    connection.execute(insert(_entries), line)
    connection.execute(update(_heads).where(_heads.c.id == 1).values(hash=line["hash"]))


def head(connection: Connection) -> Head:
    """Return the last line's number and hash; 0 before the first."""
    row = connection.execute(select(_heads.c.seq, _heads.c.hash).where(_heads.c.id == 1)).first()
    return Head(row.seq, row.hash) if row else Head(0, _NONE)


def verify(connection: Connection, noted: Head | None = None) -> list[str]:
    """Return a sentence for each place where the log is not what was written; none if all holds.

    :param noted: a head that was written down elsewhere; its line must still be there as it was
    """
    problems: list[str] = []
    expected, previous = 1, _NONE
    noted_seen = noted is None or noted.seq == 0
    for row in _rows(connection):
        if row["seq"] != expected:
            missing = f"Line {expected}" if row["seq"] == expected + 1 else f"Lines {expected} to {row['seq'] - 1}"
            problems.append(f"{missing} missing.")
        elif row["previous"] != previous:
            problems.append(f"Line {row['seq']} does not follow from the line before it.")
        if row["hash"] != _hash(row):
            problems.append(f"Line {row['seq']} was changed after it was written.")
        if noted and row["seq"] == noted.seq:
            noted_seen = row["hash"] == noted.hash
        expected, previous = row["seq"] + 1, row["hash"]
    last = head(connection)
    if last.seq != expected - 1:
        problems.append(f"The log ends at line {expected - 1}, but {last.seq} were written.")
    elif last.hash != previous:
        problems.append(f"The last line {last.seq} is not the one that was written.")
    if not noted_seen and noted:
        problems.append(f"Line {noted.seq} is not the one that was noted.")
    return problems


def lines(
    connection: Connection,
    *,
    by: str = "",
    action: str = "",
    subject: str = "",
    before: int | None = None,
    limit: int = 100,
) -> list[Line]:
    """Return lines, the newest first: of one login, of actions and subjects that begin so, older than a number."""
    query = select(_entries).order_by(_entries.c.seq.desc()).limit(limit)
    if by:
        query = query.where(_entries.c.by == by)
    if action:
        query = query.where(_entries.c.action.startswith(action, autoescape=True))
    if subject:
        query = query.where(_entries.c.subject.startswith(subject, autoescape=True))
    if before is not None:
        query = query.where(_entries.c.seq < before)
    return [
        Line(row.seq, row.at, row.by, row.action, row.subject, json.loads(row.detail), row.hash)
        for row in connection.execute(query)
    ]


def _rows(connection: Connection) -> Iterator[dict[str, Any]]:
    after = -1
    while True:
        rows = connection.execute(
            select(_entries).where(_entries.c.seq > after).order_by(_entries.c.seq).limit(_CHUNK)
        ).mappings()
        read = [dict(row) for row in rows]
        yield from read
        if len(read) < _CHUNK:
            return
        after = read[-1]["seq"]


def _hash(line: Mapping[str, Any]) -> str:
    covered = {**{key: line[key] for key in ("seq", "by", "action", "subject", "detail", "previous")}}
    covered["at"] = line["at"].astimezone(UTC).isoformat(timespec="microseconds")
    return hashlib.sha256(_canonical(covered).encode()).hexdigest()


def _canonical(value: Mapping[str, Any]) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(one) for one in (value if isinstance(value, list | tuple) else sorted(value, key=str))]
    return mask_all(str(value).replace("\x00", ""))
