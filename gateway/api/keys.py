"""API keys on file: made, listed, revoked, and found for a request."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, Engine, insert, select, update
from sqlalchemy.exc import OperationalError

from faults import FaultError, fault
from gateway.api import tokens
from gateway.api.scopes import Scope
from gateway.broadcasts.moves import KEY_LOGIN
from gateway.database import reading, writing
from gateway.tables import ApiKey

_keys = ApiKey.__table__
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,39}")
_USE_NOTED_EVERY = timedelta(minutes=1)


class KeyProblem(FaultError):
    """A key cannot be made or revoked like that; the fault is one sentence."""


@dataclass(frozen=True, slots=True)
class Caller:
    """The program that asks: its key, what it may do and where."""

    id: int
    name: str
    scopes: frozenset[str]
    cities: frozenset[str] = frozenset()
    seats: frozenset[str] = frozenset()
    last_used_at: datetime | None = None

    @property
    def login(self) -> str:
        """What stands in histories and timelines as the one who acted."""
        return KEY_LOGIN + self.name

    @property
    def bound(self) -> bool:
        """Whether it is bound to areas."""
        return bool(self.cities or self.seats)

    def may(self, scope: Scope) -> bool:
        return scope in self.scopes


def add_key(
    connection: Connection,
    name: str,
    scopes: Sequence[Scope],
    by: str,
    now: datetime,
    *,
    cities: Sequence[str] = (),
    seats: Sequence[str] = (),
    expires_at: datetime | None = None,
) -> str:
    """Keep a new key and return its token, which is nowhere kept.

    :param cities: place keys, :param seats: such as NA-130@2024; checked by the caller
    :raises KeyProblem: the name is taken, also by a revoked key, or cannot be one
    """
    if not _NAME.fullmatch(name):
        raise KeyProblem(
            fault("key.name", "NAME: write it in small letters, digits and . _ -, at most 40, such as rally-app.")
        )
    if connection.execute(select(_keys.c.id).where(_keys.c.name == name)).first():
        raise KeyProblem(
            fault(
                "key.taken",
                "There is or was a key {name!r}. Its name stays in the history: take another one.",
                name=name,
            )
        )
    token = tokens.new_token()
    row = {
        "name": name, "lookup": tokens.lookup_of(token), "token_hash": tokens.hash_of(token), "scopes": list(scopes),
        "cities": sorted(set(cities)), "seats": sorted(set(seats)), "created_by": by[:60], "created_at": now,
        "expires_at": expires_at,
    }  # fmt: skip
    connection.execute(insert(_keys), row)
    return token


def all_keys(connection: Connection) -> list[dict[str, object]]:
    """Return every key without its secret, the newest first."""
    return [
        {
            "name": row.name,
            "token": f"{tokens.PREFIX}{row.lookup}…",
            "scopes": list(row.scopes),
            "areas": [*row.cities, *row.seats],
            "created_by": row.created_by,
            "created": row.created_at,
            "expires": row.expires_at,
            "last_used": row.last_used_at,
            "revoked": row.revoked_at,
        }
        for row in connection.execute(select(_keys).order_by(_keys.c.id.desc()))
    ]


def revoke_key(connection: Connection, name: str, now: datetime) -> None:
    """End a key for good.

    :raises KeyProblem: there is none that still holds
    """
    mine = (_keys.c.name == name) & _keys.c.revoked_at.is_(None)
    if not connection.execute(update(_keys).where(mine).values(revoked_at=now)).rowcount:
        raise KeyProblem(fault("key.unknown", "There is no key {name!r} that is not revoked already.", name=name))


def find_caller(engine: Engine, token: str, now: datetime) -> Caller | None:
    """Return whose token this is, and note that it was used (to the minute); None if it opens nothing (any more)."""
    if not tokens.is_whole(token):
        return None
    with reading(engine) as connection:
        row = connection.execute(select(_keys).where(_keys.c.lookup == tokens.lookup_of(token))).first()
    if row is None or not tokens.is_that(token, row.token_hash) or not holds(row, now):
        return None
    if row.last_used_at is None or now - row.last_used_at >= _USE_NOTED_EVERY:
        _note_use(engine, row.id, now)
    return Caller(
        row.id, row.name, frozenset(row.scopes), frozenset(row.cities), frozenset(row.seats), row.last_used_at
    )


def holds(row: object, now: datetime) -> bool:
    """Whether a row's key is neither revoked nor past its time."""
    revoked, expires = getattr(row, "revoked_at", None), getattr(row, "expires_at", None)
    return revoked is None and (expires is None or now < expires)


def still_holds(connection: Connection, caller: Caller, now: datetime) -> bool:
    row = connection.execute(select(_keys).where(_keys.c.id == caller.id)).first()
    return row is not None and holds(row, now)


def _note_use(engine: Engine, key_id: int, now: datetime) -> None:
    earlier = _keys.c.last_used_at.is_(None) | (_keys.c.last_used_at < now)
    try:
        with writing(engine) as connection:
            connection.execute(update(_keys).where(_keys.c.id == key_id, earlier).values(last_used_at=now))
    except OperationalError:
        return  # a busy database must not turn a reader away
