"""API keys on file: made, listed, revoked, and found for a request."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, Select, insert, select, update
from sqlalchemy.exc import OperationalError

from faults import FaultError, fault
from gateway.accounts.areas import Areas
from gateway.accounts.persons import DECIDING_ROLES, KEY_LOGIN, NotDeciding, deciding
from gateway.accounts.sessions import read_areas
from gateway.api import tokens
from gateway.api.scopes import Scope
from gateway.database import reading, writing
from gateway.tables import ApiKey, Staff

_keys, _staff = ApiKey.__table__, Staff.__table__
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
    owner: str,
    now: datetime,
    *,
    by: str = "",
    cities: Sequence[str] = (),
    seats: Sequence[str] = (),
    expires_at: datetime | None = None,
) -> str:
    """Keep a new key and return its token, which is nowhere kept.

    :param owner: the login of the staff whose key it is: the person behind whatever it does
    :param by: who makes it, for the list; the owner otherwise
    :param cities: place keys, :param seats: such as NA-130@2024; checked by the caller
    :raises KeyProblem: the name is taken, also by a revoked key, or cannot be one; or the owner cannot have it
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
    person = _owner(connection, owner)
    _within(read_areas(connection, person.id), Areas.of(cities, seats), owner)
    token = tokens.new_token()
    row = {
        "name": name, "lookup": tokens.lookup_of(token), "token_hash": tokens.hash_of(token), "scopes": list(scopes),
        "cities": sorted(set(cities)), "seats": sorted(set(seats)), "owner_id": person.id,
        "created_by": (by or owner)[:60], "created_at": now, "expires_at": expires_at,
    }  # fmt: skip
    connection.execute(insert(_keys), row)
    return token


def give_owner(connection: Connection, name: str, owner: str) -> None:
    """Say whose a key is that belongs to nobody, as those from before there were owners.

    :raises KeyProblem: there is no such key that holds, it has an owner already, or they cannot have it
    """
    row = connection.execute(select(_keys).where(_keys.c.name == name, _keys.c.revoked_at.is_(None))).first()
    if row is None:
        raise KeyProblem(fault("key.unknown", "There is no key {name!r} that is not revoked already.", name=name))
    person = _owner(connection, owner)
    _within(read_areas(connection, person.id), Areas.of(row.cities, row.seats), owner)
    mine = (_keys.c.id == row.id) & _keys.c.owner_id.is_(None)
    if not connection.execute(update(_keys).where(mine).values(owner_id=person.id)).rowcount:
        raise KeyProblem(
            fault("key.keeps", "The key {name!r} has an owner, and keeps it: make another key.", name=name)
        )


def _owner(connection: Connection, login: str) -> Any:
    if not login or login.startswith(KEY_LOGIN):
        raise KeyProblem(fault("key.person", "A key belongs to a person: name the login of one of the staff."))
    try:
        return deciding(connection, login)
    except NotDeciding as error:
        raise KeyProblem(error.fault) from None


def _within(owner: Areas, key: Areas, login: str) -> None:
    beyond = [*sorted(key.cities - owner.cities), *sorted(key.seats - owner.seats)]
    if not owner.everywhere and beyond:
        raise KeyProblem(
            fault(
                "key.beyond", "{login} is not bound to {area}, so no key of theirs can be.", login=login, area=beyond[0]
            )
        )


def all_keys(connection: Connection) -> list[dict[str, object]]:
    """Return every key without its secret, the newest first."""
    return [
        {
            "name": row.name,
            "token": f"{tokens.PREFIX}{row.lookup}…",
            "scopes": list(row.scopes),
            "areas": [*row.cities, *row.seats],
            "owner": row.owner or "",
            "created_by": row.created_by,
            "created": row.created_at,
            "expires": row.expires_at,
            "last_used": row.last_used_at,
            "revoked": row.revoked_at,
            "owner_may": _owner_may(row),
        }
        for row in connection.execute(_with_owner().order_by(_keys.c.id.desc()))
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
        row = connection.execute(_with_owner().where(_keys.c.lookup == tokens.lookup_of(token))).first()
        if row is None or not tokens.is_that(token, row.token_hash):
            return None
        caller = _caller(connection, row, now)
    if caller is None:
        return None
    if row.last_used_at is None or now - row.last_used_at >= _USE_NOTED_EVERY:
        _note_use(engine, row.id, now)
    return caller


def still_holds(connection: Connection, caller: Caller, now: datetime) -> bool:
    """Whether the key opens as much as it did when the caller was let in."""
    row = connection.execute(_with_owner().where(_keys.c.id == caller.id)).first()
    found = None if row is None else _caller(connection, row, now)
    return found is not None and (found.cities, found.seats) == (caller.cities, caller.seats)


def _with_owner() -> Select[Any]:
    owners = (_staff.c.login.label("owner"), _staff.c.active.label("owner_active"), _staff.c.role.label("owner_role"))
    return select(_keys, *owners).select_from(_keys.outerjoin(_staff, _staff.c.id == _keys.c.owner_id))


def _owner_may(row: Any) -> bool:
    """Whether a key's owner may still have keys; one that belongs to nobody reads on, and decides nothing."""
    return row.owner_id is None or (row.owner_active and row.owner_role in DECIDING_ROLES)


def _caller(connection: Connection, row: Any, now: datetime) -> Caller | None:
    """Return the caller of a row of `_with_owner`, in no more areas than its owner; None if it opens nothing."""
    if row.revoked_at is not None or (row.expires_at is not None and now >= row.expires_at) or not _owner_may(row):
        return None
    areas = Areas.of(row.cities, row.seats)
    if row.owner_id is not None:
        owner = read_areas(connection, row.owner_id)
        if areas.everywhere:
            areas = owner
        elif not owner.everywhere:
            areas = Areas(areas.cities & owner.cities, areas.seats & owner.seats)
            if areas.everywhere:  # nothing is left of what it was bound to
                return None
    return Caller(row.id, row.name, frozenset(row.scopes), areas.cities, areas.seats, row.last_used_at)


def _note_use(engine: Engine, key_id: int, now: datetime) -> None:
    earlier = _keys.c.last_used_at.is_(None) | (_keys.c.last_used_at < now)
    try:
        with writing(engine) as connection:
            connection.execute(update(_keys).where(_keys.c.id == key_id, earlier).values(last_used_at=now))
    except OperationalError:
        return  # a busy database must not turn a reader away
