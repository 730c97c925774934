"""The audit log: who did what to whom or what, in lines that can be appended and never changed.

Each line's hash covers the line and the hash of the line before, and the head keeps number and hash of the last one:
a line that was changed, left out, swapped or cut off shows (`audit_check`). Hashes and the head are made with a key
that comes from SECRET_KEY, so that whoever can write the database, but has not that secret, cannot make them anew. What
they can do is to put back a whole older state; against that, the clock notes the head in the log of the process.

Nothing that is personal belongs into a line: subjects are ids and refs, details are settings and reasons.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, insert, inspect, select, update

from gateway.rules.phone_numbers import mask_all
from gateway.tables import AuditEntry, AuditHead

_entries, _heads = AuditEntry.__table__, AuditHead.__table__
NONE = "0" * 64
UNKEYED, KEYED = 1, 2
"""Versions of a line: a plain SHA-256, as lines were written before 0020; an HMAC under a key of SECRET_KEY."""


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
    key = key_of(connection)
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
        "version": KEYED,
    }
    line["hash"] = line_hash(line, key)
    connection.execute(insert(_entries), line)
    seal = head_seal(key, Head(head.seq, line["hash"]))
    connection.execute(update(_heads).where(_heads.c.id == 1).values(hash=line["hash"], seal=seal))


def head(connection: Connection) -> Head:
    """Return the last line's number and hash; 0 before the first."""
    row = connection.execute(select(_heads.c.seq, _heads.c.hash).where(_heads.c.id == 1)).first()
    return Head(row.seq, row.hash) if row else Head(0, NONE)


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


def has_seals(connection: Connection) -> bool:
    """Whether the database is at a version whose head carries a seal."""
    return any(column["name"] == _heads.c.seal.name for column in inspect(connection).get_columns(_heads.name))


def seal_head(connection: Connection) -> None:
    """Seal the head as it stands: once, when lines got a key. An engine without one leaves it to the first line."""
    if "audit_key" in connection.get_execution_options():
        seal = head_seal(key_of(connection), head(connection))
        connection.execute(update(_heads).where(_heads.c.id == 1).values(seal=seal))


def key_of(connection: Connection) -> bytes:
    """Return the key that came with the engine.

    :raises RuntimeError: it was made without one, which is a mistake of who made it
    """
    key: bytes | None = connection.get_execution_options().get("audit_key")
    if key is None:
        raise RuntimeError("This engine has no key for the audit log: make it with make_engine(..., audit_key=...).")
    return key


def line_hash(line: Mapping[str, Any], key: bytes) -> str:
    """Return what a line's `hash` must be, by the line's own version."""
    covered = {key: line[key] for key in ("seq", "by", "action", "subject", "detail", "previous")}
    covered["at"] = line["at"].astimezone(UTC).isoformat(timespec="microseconds")
    if line["version"] == UNKEYED:
        return hashlib.sha256(_canonical(covered).encode()).hexdigest()
    return _keyed(key, "line", _canonical({**covered, "version": line["version"]}))


def head_seal(key: bytes, last: Head) -> str:
    """Return the seal of a head, which nobody makes without the key."""
    return _keyed(key, "head", str(last))


def _keyed(key: bytes, what: str, text: str) -> str:
    return hmac.new(key, f"{what}:{text}".encode(), hashlib.sha256).hexdigest()


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
