"""Versions of what organisers change: added, never altered, so that each change can be seen and taken back."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, func, insert, select

from faults import FaultError, fault
from gateway.accounts.audit import record
from gateway.database import writing
from gateway.places.store import bump
from gateway.tables import Override as OverrideRow

REVISION = "overrides"
_NOT_SHOWN = frozenset({"secret"})  # kinds whose values never come into the audit log
_rows = OverrideRow.__table__


class OverrideError(FaultError):
    """A change that is refused; the fault is one sentence for the person who made it."""


class Outdated(OverrideError):
    """Somebody else has changed the same thing since the person looked."""


@dataclass(frozen=True, slots=True)
class Override:
    """One version. `value` None: back to the built-in."""

    kind: str
    key: str
    version: int
    value: Any
    changed_by: str
    changed_at: datetime


@contextmanager
def changing(engine: Engine) -> Iterator[Connection]:
    """A writing transaction in which nobody else changes an override: what is checked stays true until the commit.

    Every process knows of the change within two seconds of the commit.
    """
    with writing(engine) as connection:
        hold(connection)
        yield connection


def hold(connection: Connection) -> None:
    """Make a writing transaction of the caller's one of `changing`. Call it before reading what a check stands on."""
    bump(connection, REVISION)  # the row is held until the commit


def current(connection: Connection, kind: str | None = None) -> dict[tuple[str, str], Override]:
    """Return the newest version of all that was ever changed, by kind and key; also what is back at the built-in."""
    newest = select(_rows.c.kind, _rows.c.key, func.max(_rows.c.version).label("version"))
    newest = newest.group_by(_rows.c.kind, _rows.c.key)
    if kind is not None:
        newest = newest.where(_rows.c.kind == kind)
    top = newest.subquery()
    same = (_rows.c.kind == top.c.kind) & (_rows.c.key == top.c.key) & (_rows.c.version == top.c.version)
    wanted = select(_rows).join(top, same).order_by(_rows.c.kind, _rows.c.key)
    return {(row.kind, row.key): _override(row) for row in connection.execute(wanted)}


def find(connection: Connection, kind: str, key: str) -> Override | None:
    """Return the newest version of one thing; None if it was never changed."""
    wanted = select(_rows).where(_rows.c.kind == kind, _rows.c.key == key).order_by(_rows.c.version.desc()).limit(1)
    row = connection.execute(wanted).first()
    return _override(row) if row else None


def history(connection: Connection, kind: str, key: str, most: int = 50) -> list[Override]:
    """Return the versions of one thing, the newest first."""
    wanted = select(_rows).where(_rows.c.kind == kind, _rows.c.key == key).order_by(_rows.c.version.desc())
    return [_override(row) for row in connection.execute(wanted.limit(most))]


def lately(connection: Connection, most: int = 30, before: int | None = None) -> list[tuple[int, Override]]:
    """Return the latest changes of all kinds with their row's id, the newest first; `before`: go on from that id."""
    wanted = select(_rows).order_by(_rows.c.id.desc()).limit(most)
    if before is not None:
        wanted = wanted.where(_rows.c.id < before)
    return [(row.id, _override(row)) for row in connection.execute(wanted)]


def version_of(connection: Connection, kind: str, key: str, version: int) -> Override:
    """:raises OverrideError: there is no such version"""
    same = (_rows.c.kind == kind) & (_rows.c.key == key) & (_rows.c.version == version)
    row = connection.execute(select(_rows).where(same)).first()
    if row is None:
        raise OverrideError(
            fault("setting.no_version", "There is no version {version} of {key}.", version=version, key=key)
        )
    return _override(row)


def put(
    connection: Connection, kind: str, key: str, value: Any, by: str, now: datetime, seen: int | None = None
) -> Override:
    """Add a version, in a transaction of `changing`; the caller has checked the value. The same value adds none.

    The audit log gets a line with what was and what is, never of a secret.

    :param seen: the version that the person looked at (0: none), so that nobody overwrites what they have not seen
    :raises Outdated: there is another version by now
    """
    known = find(connection, kind, key)
    version = known.version if known else 0
    if seen is not None and seen != version:
        if known is None:
            raise Outdated(
                fault("setting.outdated", "This was changed while you looked at it. Look at it again, then change it.")
            )
        raise Outdated(
            fault(
                "setting.outdated_by",
                "This was changed by {who} while you looked at it. Look at it again, then change it.",
                who=known.changed_by,
            )
        )
    if known and known.value == value:
        return known
    if known is None and value is None:
        return Override(kind, key, 0, None, by, now)
    row = {"kind": kind, "key": key, "version": version + 1, "value": value, "changed_by": by[:60], "changed_at": now}
    connection.execute(insert(_rows), row)
    shown = {"version": version + 1} if kind in _NOT_SHOWN else {"old": known.value if known else None, "new": value}
    record(connection, by, f"{kind}.{'reset' if value is None else 'changed'}", f"{kind}:{key}", shown, now)
    return Override(kind, key, version + 1, value, by, now)


def values_of(stored: Mapping[tuple[str, str], Override], kind: str) -> dict[str, Override]:
    """Return the overrides of one kind that are in force, by key."""
    return {key: one for (of, key), one in stored.items() if of == kind and one.value is not None}


def _override(row: Any) -> Override:
    return Override(row.kind, row.key, row.version, row.value, row.changed_by, row.changed_at)
