"""Tokens in forms: one that proves the form is ours and of this browser, and one that lets it act only once."""

import base64
import hashlib
import hmac
import secrets
from datetime import datetime, timedelta

from markupsafe import Markup
from sqlalchemy import Connection, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from gateway.database import is_sqlite
from gateway.tables import FormToken

CSRF_FIELD, ONCE_FIELD = "_form", "_once"
_tokens = FormToken.__table__
_LONGEST = timedelta(hours=26)  # longer than any session, so that no token outlives the row that remembers it
_FIELD = Markup('<input type="hidden" name="{}" value="{}">')


class AlreadyDone(Exception):
    """This very form has been acted on; `leads_to` is where it led, empty if nowhere in particular."""

    def __init__(self, leads_to: str) -> None:
        super().__init__("This form has been acted on already.")
        self.leads_to = leads_to


class Tokens:
    """Makes and checks tokens that are bound to a browser's secret, its cookie."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def csrf_field(self, secret: str) -> Markup:
        """Return the hidden field of a form. It differs each time, so that compression betrays nothing of it."""
        return _FIELD.format(CSRF_FIELD, self.csrf(secret))

    def csrf(self, secret: str) -> str:
        salt = secrets.token_bytes(12)
        return _text(salt + self._sign("csrf", secret, salt))

    def csrf_fits(self, secret: str, token: str) -> bool:
        raw = _bytes(token)
        return len(raw) == 28 and hmac.compare_digest(raw[12:], self._sign("csrf", secret, raw[:12]))

    def once_field(self, secret: str) -> Markup:
        salt = secrets.token_bytes(12)
        return _FIELD.format(ONCE_FIELD, _text(salt + self._sign("once", secret, salt)))

    def once_fits(self, secret: str, token: str) -> bool:
        raw = _bytes(token)
        return len(raw) == 28 and hmac.compare_digest(raw[12:], self._sign("once", secret, raw[:12]))

    def _sign(self, kind: str, secret: str, salt: bytes) -> bytes:
        return hmac.new(self._key, f"{kind}:{secret}:".encode() + salt, hashlib.sha256).digest()[:16]


def spend(connection: Connection, token: str, now: datetime) -> None:
    """Spend a form's once-token in the transaction of what it does: rolled back with it, never spent twice.

    A second copy that comes at the same moment waits for the first one's transaction.

    :raises AlreadyDone: it was spent before
    """
    kept = hashlib.sha256(token.encode()).hexdigest()
    dialect = sqlite if is_sqlite(connection) else postgresql
    row = dialect.insert(_tokens).values(token_hash=kept, spent_at=now)
    fresh = connection.execute(row.on_conflict_do_nothing().returning(_tokens.c.token_hash)).first()
    if fresh is None:
        leads_to = connection.execute(select(_tokens.c.leads_to).where(_tokens.c.token_hash == kept)).scalar_one()
        raise AlreadyDone(leads_to)


def led_to(connection: Connection, token: str, path: str) -> None:
    """Remember where a spent form led, for its second copies."""
    kept = hashlib.sha256(token.encode()).hexdigest()
    connection.execute(update(_tokens).where(_tokens.c.token_hash == kept).values(leads_to=path[:400]))


def sweep_tokens(connection: Connection, now: datetime) -> None:
    """Remove what no running session can send any more."""
    connection.execute(delete(_tokens).where(_tokens.c.spent_at < now - _LONGEST))


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _bytes(token: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(token.encode("ascii") + b"=" * (-len(token) % 4))
    except (ValueError, UnicodeEncodeError):
        return b""
