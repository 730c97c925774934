"""Who is told: endpoints are added, switched off and on, and removed, each in the caller's transaction."""

import secrets
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from gateway.hooks.events import REVISION
from gateway.revisions import bump
from gateway.rules.hook_address import check_url
from gateway.rules.hook_events import check_kinds, write_secret
from gateway.tables import HookDelivery, HookEndpoint

MOST_ENDPOINTS = 50
OVERLAP = timedelta(hours=24)
"""How long the old secret still signs after a rotation."""

_endpoints, _deliveries = HookEndpoint.__table__, HookDelivery.__table__


class HookError(ValueError):
    """It cannot be done; the text is one sentence."""


class Seals(Protocol):
    """What keeps secrets unreadable at rest (`accounts.seal.Sealer`)."""

    def seal(self, text: str) -> str: ...
    def open(self, sealed: str) -> str: ...


def add_endpoint(
    connection: Connection,
    url: str,
    kinds: Iterable[str],
    seals: Seals,
    now: datetime,
    *,
    by: str = "",
    with_phones: bool = False,
    with_texts: bool = False,
) -> tuple[int, str]:
    """Add an endpoint; it is told of what happens from now on. Returns its id and the secret, shown this once.

    :param now: aware UTC
    :raises AddressRefused, UnknownKind, HookError: what is wrong, in one sentence
    """
    check_url(url)
    wanted = check_kinds(kinds)
    if connection.execute(select(func.count()).select_from(_endpoints)).scalar_one() >= MOST_ENDPOINTS:
        raise HookError(f"There are {MOST_ENDPOINTS} endpoints already; remove one first.")
    secret = new_secret()
    row = {
        "url": url, "kinds": list(wanted), "with_phones": with_phones, "with_texts": with_texts,
        "secret": seals.seal(secret), "created_by": by[:60], "created_at": now,
    }  # fmt: skip
    made = connection.execute(insert(_endpoints).values(row).returning(_endpoints.c.id)).scalar_one()
    bump(connection, REVISION)
    return int(made), secret


def new_secret() -> str:
    return write_secret(secrets.token_bytes(32))


def held_endpoint(connection: Connection, endpoint_id: int) -> Row[Any]:
    """Return an endpoint, locked for this transaction.

    :raises HookError: there is none
    """
    row = connection.execute(select(_endpoints).where(_endpoints.c.id == endpoint_id).with_for_update()).first()
    if row is None:
        raise HookError(f"There is no endpoint {endpoint_id}; `jalsa hooks list` shows them.")
    return row


def list_endpoints(connection: Connection) -> Sequence[Row[Any]]:
    """Return every endpoint with how many deliveries wait for it and how many were given up."""
    counts = {
        state: select(func.count())
        .where(_deliveries.c.endpoint_id == _endpoints.c.id, _deliveries.c.state == state)
        .scalar_subquery()
        .label(state)
        for state in ("waiting", "given_up")
    }
    return connection.execute(select(_endpoints, *counts.values()).order_by(_endpoints.c.id)).all()


def remove_endpoint(connection: Connection, endpoint_id: int) -> None:
    """Remove an endpoint and all that waits for it.

    :raises HookError: there is none
    """
    held_endpoint(connection, endpoint_id)
    connection.execute(delete(_deliveries).where(_deliveries.c.endpoint_id == endpoint_id))
    connection.execute(delete(_endpoints).where(_endpoints.c.id == endpoint_id))
    bump(connection, REVISION)


def rotate_secret(
    connection: Connection, endpoint_id: int, seals: Seals, now: datetime, overlap: timedelta = OVERLAP
) -> str:
    """Give an endpoint a new secret and return it; the old one signs as well until `overlap` has passed.

    :raises HookError: there is no such endpoint
    """
    row = held_endpoint(connection, endpoint_id)
    secret = new_secret()
    values = {"secret": seals.seal(secret), "old_secret": row.secret, "old_secret_until": now + overlap}
    connection.execute(update(_endpoints).where(_endpoints.c.id == endpoint_id).values(values))
    return secret


def secrets_of(row: Any, seals: Seals, now: datetime) -> list[str]:
    """Return the secrets that sign now, the newest first.

    :raises SealBroken: they were sealed with another SECRET_KEY
    """
    sealed = [row.secret]
    if row.old_secret and row.old_secret_until and row.old_secret_until > now:
        sealed.append(row.old_secret)
    return [seals.open(one) for one in sealed]


def disable_endpoint(connection: Connection, endpoint_id: int, reason: str, now: datetime) -> bool:
    """Switch an endpoint off: it is told nothing more, and what waits for it stays. False where it was off already."""
    on = (_endpoints.c.id == endpoint_id) & _endpoints.c.disabled_at.is_(None)
    off = update(_endpoints).where(on).values(disabled_at=now, disabled_reason=reason[:160]).returning(_endpoints.c.id)
    changed = connection.execute(off).first() is not None
    if changed:
        bump(connection, REVISION)
    return changed


def enable_endpoint(connection: Connection, endpoint_id: int, now: datetime) -> int:
    """Switch an endpoint on again; returns how many deliveries that waited are due at once.

    What happened while it was off was not kept for it.

    :raises HookError: there is no such endpoint
    """
    held_endpoint(connection, endpoint_id)
    fresh = {"disabled_at": None, "disabled_reason": "", "failures": 0, "failing_since": None, "held_until": None}
    connection.execute(update(_endpoints).where(_endpoints.c.id == endpoint_id).values(fresh))
    bump(connection, REVISION)
    waiting = (_deliveries.c.endpoint_id == endpoint_id) & (_deliveries.c.state == "waiting")
    return connection.execute(update(_deliveries).where(waiting).values(due_at=now, since=now)).rowcount
