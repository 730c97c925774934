"""Browsers that are signed in. A session lives in the database, so that it ends everywhere at once."""

import hashlib
import secrets
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, insert, select, update

from gateway.accounts.areas import Areas
from gateway.accounts.viewer import NEEDS_SECOND_FACTOR, Viewer
from gateway.tables import Staff, StaffArea, StaffSession

_staff, _areas, _sessions = Staff.__table__, StaffArea.__table__, StaffSession.__table__
_TOUCH_AFTER = timedelta(seconds=60)
_HALF_WAY = timedelta(minutes=30)

CODE, PASSWORD, ENROL = "code", "password", "enrol"


@dataclass(frozen=True, slots=True)
class Lasting:
    """How long a session may lie idle, and last in all."""

    idle: timedelta
    whole: timedelta


# Field staff stand in a crowd with a phone in a pocket; what they may do is little.
_FIELD = Lasting(timedelta(hours=12), timedelta(hours=24))
_OFFICE = Lasting(timedelta(hours=1), timedelta(hours=12))


def lasting(role: str) -> Lasting:
    return _FIELD if role == "field" else _OFFICE


@dataclass(frozen=True, slots=True)
class Session:
    """A running session. `step` is what is still wanted before pages open: "", `CODE`, `PASSWORD` or `ENROL`."""

    id: int
    viewer: Viewer
    step: str
    pending_secret: str | None
    has_second_factor: bool
    stale: bool
    """Its row wants to hear that it was seen (`touch`)."""


def begin_session(connection: Connection, staff_id: int, now: datetime) -> str:
    """Begin a session of a person whose password was right; returns the token for their cookie."""
    token = secrets.token_urlsafe(32)
    connection.execute(
        insert(_sessions).values(
            token_hash=_hashed(token), staff_id=staff_id, fresh_at=now, created_at=now, seen_at=now
        )
    )
    return token


def find_session(connection: Connection, token: str, now: datetime) -> Session | None:
    """Return the running session of a cookie's token, or None."""
    if not token:
        return None
    row = connection.execute(
        select(
            _sessions.c.id, _sessions.c.staff_id, _sessions.c.second_at, _sessions.c.fresh_at, _sessions.c.created_at,
            _sessions.c.seen_at, _sessions.c.pending_secret, _staff.c.login, _staff.c.name, _staff.c.role,
            _staff.c.language, _staff.c.theme, _staff.c.second_factor, _staff.c.must_change_password,
        )
        .select_from(_sessions.join(_staff, _staff.c.id == _sessions.c.staff_id))
        .where(_sessions.c.token_hash == _hashed(token), _sessions.c.ended_at.is_(None), _staff.c.active)
    ).first()  # fmt: skip
    if row is None:
        return None
    step = _step(row)
    if _over(row, step, now):
        return None
    return Session(
        id=row.id,
        viewer=Viewer(
            id=row.staff_id,
            login=row.login,
            name=row.name,
            role=row.role,
            areas=read_areas(connection, row.staff_id),
            language=row.language,
            theme=row.theme,
            session_id=row.id,
            fresh_at=row.fresh_at,
        ),
        step=step,
        pending_secret=row.pending_secret,
        has_second_factor=row.second_factor is not None,
        stale=now - row.seen_at > _TOUCH_AFTER,
    )


def _step(row: Any) -> str:
    if row.second_factor is not None and row.second_at is None:
        return CODE
    if row.must_change_password:
        return PASSWORD
    if row.role in NEEDS_SECOND_FACTOR and row.second_factor is None:
        return ENROL
    return ""


def _over(row: Any, step: str, now: datetime) -> bool:
    last = lasting(row.role)
    if now - row.created_at > last.whole or now - row.seen_at > last.idle:
        return True
    return bool(step) and now - row.created_at > _HALF_WAY


def read_areas(connection: Connection, staff_id: int) -> Areas:
    rows = connection.execute(select(_areas.c.kind, _areas.c.key).where(_areas.c.staff_id == staff_id)).all()
    return Areas.of((row.key for row in rows if row.kind == "city"), (row.key for row in rows if row.kind == "seat"))


def touch(connection: Connection, session_id: int, now: datetime) -> None:
    """Note that a session is in use. A page that stays open by itself is no use."""
    connection.execute(
        update(_sessions).where(_sessions.c.id == session_id, _sessions.c.seen_at < now).values(seen_at=now)
    )


def freshen(connection: Connection, session_id: int, now: datetime, *, second: bool = False) -> str:
    """Note that the person has proved again who they are; returns a new token, the old one is void."""
    token = secrets.token_urlsafe(32)
    changed: dict[str, Any] = {"token_hash": _hashed(token), "fresh_at": now, "seen_at": now}
    if second:
        changed |= {"second_at": now, "pending_secret": None}
    connection.execute(update(_sessions).where(_sessions.c.id == session_id).values(changed))
    return token


def keep_pending(connection: Connection, session_id: int, sealed: str) -> None:
    """Keep a sealed second factor that is being set up in this session."""
    connection.execute(update(_sessions).where(_sessions.c.id == session_id).values(pending_secret=sealed))


def end_session(connection: Connection, session_id: int, now: datetime) -> None:
    connection.execute(
        update(_sessions).where(_sessions.c.id == session_id, _sessions.c.ended_at.is_(None)).values(ended_at=now)
    )


def end_sessions(connection: Connection, staff_id: int, now: datetime, *, but: int | None = None) -> None:
    """End every session of one of the staff, but perhaps the one at hand."""
    ending = update(_sessions).where(_sessions.c.staff_id == staff_id, _sessions.c.ended_at.is_(None))
    if but is not None:
        ending = ending.where(_sessions.c.id != but)
    connection.execute(ending.values(ended_at=now))


def running(connection: Connection, session_ids: Collection[int], now: datetime) -> frozenset[int]:
    """Return which of these sessions still run; for pages that stay open."""
    rows = connection.execute(
        select(_sessions.c.id, _sessions.c.created_at, _sessions.c.seen_at, _staff.c.role)
        .select_from(_sessions.join(_staff, _staff.c.id == _sessions.c.staff_id))
        .where(_sessions.c.id.in_(session_ids), _sessions.c.ended_at.is_(None), _staff.c.active)
    )
    return frozenset(row.id for row in rows if not _over(row, "", now))


def set_areas(connection: Connection, staff_id: int, areas: Areas) -> None:
    """Write the areas of one of the staff anew; the caller has checked the keys."""
    connection.execute(_areas.delete().where(_areas.c.staff_id == staff_id))
    rows = [*_rows(staff_id, "city", areas.cities), *_rows(staff_id, "seat", areas.seats)]
    if rows:
        connection.execute(insert(_areas), rows)


def _rows(staff_id: int, kind: str, keys: Iterable[str]) -> list[dict[str, Any]]:
    return [{"staff_id": staff_id, "kind": kind, "key": key} for key in sorted(keys)]


def _hashed(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
