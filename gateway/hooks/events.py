"""Note what others are to be told, in the caller's own transaction: it is told exactly when it is committed.

The one way to do so, for every room. Where no endpoint wants a kind, nothing is written.
"""

import secrets
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from gateway.bulk import insert_rows
from gateway.tables import HookEndpoint, HookEvent

REVISION = "hooks"
"""The kind of reference data that changes with the endpoints (`gateway.revisions`)."""
_endpoints, _events = HookEndpoint.__table__, HookEvent.__table__
_WANTED = select(_endpoints.c.kinds).where(_endpoints.c.disabled_at.is_(None))


@dataclass(frozen=True, slots=True)
class NewEvent:
    """One thing that happened to a sender, a report or a broadcast, by the id of its row.

    `facts` say of the moment what the rows will not say later, and never a number, a name or a word of a person.
    """

    kind: str
    subject_id: int
    facts: Mapping[str, Any] = field(default_factory=dict)


def wanted_kinds(connection: Connection) -> frozenset[str]:
    """Return the kinds that any endpoint wants to hear of."""
    return frozenset(kind for kinds in connection.execute(_WANTED).scalars() for kind in kinds)


def emit(
    connection: Connection, events: Iterable[NewEvent], now: datetime, wanted: Collection[str] | None = None
) -> int:
    """Write the events that somebody wants, all in one statement; returns how many.

    :param now: aware UTC, when it happened
    :param wanted: what `wanted_kinds` said lately, where the caller keeps it; read here otherwise
    """
    if wanted is not None and not wanted:
        return 0
    given = list(events)
    if not given:
        return 0
    kinds = wanted_kinds(connection) if wanted is None else wanted
    rows = [
        {"uid": new_uid(), "kind": one.kind, "subject_id": one.subject_id, "facts": dict(one.facts), "at": now}
        for one in given
        if one.kind in kinds
    ]
    insert_rows(connection, _events, rows)
    return len(rows)


def new_uid() -> str:
    """Return an id that no other event has, of letters and digits alone: a full stop would make signatures unclear."""
    return f"evt_{secrets.token_hex(16)}"
