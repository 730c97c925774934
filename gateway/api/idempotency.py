"""Every POST acts once, however often it is sent: its idempotency key is written in the transaction of the act.

The row goes in first. A second request with the same key waits for it: on PostgreSQL at the unique index, on SQLite at
the write lock; then it finds the answer, and acts on nothing. A crash between act and answer takes both away, so the
next try acts; a crash after the commit leaves both, so the next try is answered. Only what was done is kept: a refused
request changed nothing and may be sent again under its key.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from fastapi import Request, Response
from pydantic import BaseModel
from sqlalchemy import Connection, Engine, delete, select, text, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import OperationalError

from gateway.api.access import Call, allowed
from gateway.api.problems import FieldError, Problem
from gateway.api.scopes import Scope
from gateway.database import is_sqlite, reading, writing
from gateway.tables import ApiAct

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
KEPT = timedelta(hours=24)
MOST_SIGNS = 255
_WAIT = "10s"

_acts = ApiAct.__table__


@dataclass(frozen=True)
class Posted(Call):
    """A request that changes something, with its idempotency key."""

    key: str
    fingerprint: str

    def once(self, act: Callable[[Connection], BaseModel], *, status: int = 200, location: str = "") -> Response:
        """Do `act` in a transaction and return its answer; if it was done before, the answer of then.

        `act` raises Problem where it may not be done; nothing is then written, and the key stays free.
        """
        if (known := self._known()) is not None:
            return known
        now = self.context.clock()
        try:
            with writing(self.engine) as connection:
                if not _claim(connection, self, now):
                    return self._replay(_row(connection, self))
                answer = act(connection)
                self.note(connection, now)
                body = answer.model_dump_json()
                where = location.format(**answer.model_dump()) if location else ""
                mine = (_acts.c.key_id == self.caller.id) & (_acts.c.idempotency_key == self.key)
                connection.execute(update(_acts).where(mine).values(status=status, body=body, location=where))
        except OperationalError as error:
            if _waited(error):
                said = "A request with this Idempotency-Key is still at work: send it again in a moment."
                raise Problem(409, said, headers={"Retry-After": "2"}, kind="at-work") from None
            raise
        return _answer(status, body, where)

    def _known(self) -> Response | None:
        """Return the answer that is kept, without waiting for a lock."""
        with reading(self.engine) as connection:
            row = _row(connection, self)
        return None if row is None else self._replay(row)

    def done(self) -> Response | None:
        """Return the kept answer of this request, so that long work before the act is not done for nothing."""
        return self._known()

    def _replay(self, row: Any) -> Response:
        if row.fingerprint != self.fingerprint:
            said = "This Idempotency-Key was used for another request: take a new one for each thing to be done."
            raise Problem(422, said, errors=[FieldError(header=HEADER, detail=said)], kind="key-used")
        return _answer(row.status, row.body, row.location, replayed=True)


def posting(*scopes: Scope) -> Callable[[Request], Posted]:
    """Return a dependency as `allowed` does, for a request that must have an idempotency key."""
    check = allowed(*scopes)

    def checked(request: Request) -> Posted:
        call = check(request)
        given = request.headers.getlist(HEADER)
        if len(given) != 1 or not given[0].strip():
            said = f"Send the header {HEADER} once, with a fresh UUID for each thing to be done."
            raise Problem(400, said, errors=[FieldError(header=HEADER, detail=said)], kind="key-missing")
        key = given[0].strip()
        if len(key) > MOST_SIGNS or not (key.isascii() and key.isprintable()):
            said = f"It has 1 to {MOST_SIGNS} printable ASCII signs."
            raise Problem(400, f"{HEADER}: {said}", errors=[FieldError(header=HEADER, detail=said)], kind="key-missing")
        return Posted(call.context, call.caller, request, key, _fingerprint(request))

    checked.scopes = scopes  # type: ignore[attr-defined]
    return checked


def forget_old(engine: Engine, now: datetime) -> int:
    """Forget what was done more than a day ago; returns how many."""
    old = _acts.c.created_at < now - KEPT
    with reading(engine) as connection:
        if connection.execute(select(_acts.c.id).where(old).limit(1)).first() is None:
            return 0
    with writing(engine) as connection:
        return connection.execute(delete(_acts).where(old)).rowcount


def _claim(connection: Connection, posted: Posted, now: datetime) -> bool:
    if not is_sqlite(connection):
        connection.execute(text(f"SET LOCAL lock_timeout = '{_WAIT}'"))
    row = {
        "key_id": posted.caller.id, "idempotency_key": posted.key, "fingerprint": posted.fingerprint, "created_at": now,
    }  # fmt: skip
    dialect: Any = sqlite if is_sqlite(connection) else postgresql
    statement = dialect.insert(_acts).values(row).on_conflict_do_nothing().returning(_acts.c.id)
    return connection.execute(statement).first() is not None


def _row(connection: Connection, posted: Posted) -> Any:
    mine = (_acts.c.key_id == posted.caller.id) & (_acts.c.idempotency_key == posted.key)
    return connection.execute(select(_acts).where(mine)).first()


def _waited(error: OperationalError) -> bool:
    return getattr(error.orig, "sqlstate", None) == "55P03"  # lock_not_available


def _answer(status: int, body: str, location: str, *, replayed: bool = False) -> Response:
    headers = {"Location": location} if location else {}
    if replayed:
        headers[REPLAYED] = "true"
    return Response(body, status, headers, media_type="application/json")


def _fingerprint(request: Request) -> str:
    value = getattr(request.state, "json", None)
    body: bytes = request.state.body
    if value is not None:
        body = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()
    digest = hashlib.sha256()
    for piece in (request.method.encode(), request.url.path.encode(), request.url.query.encode(), body):
        digest.update(b"%d:" % len(piece))
        digest.update(piece)
    return digest.hexdigest()
