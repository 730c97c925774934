"""Signing in: password, then a one-time code where the login has one. Unknown logins are answered like wrong passwords.

Tries are limited for each login, each address and all together, in the database. A browser that a login has signed in
from before is known by a mark, and counts by itself: so nobody shuts a login out of its own phone by guessing at it
from elsewhere (OWASP, "device cookies"). Every try, right or wrong, is in the audit log; an unknown login stands there
without its name, because people type passwords into the wrong field.
"""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, Engine, select, update

from gateway.accounts import audit
from gateway.accounts.limits import TooOften, forget, limit_key, sweep, try_once
from gateway.accounts.passwords import check_password, hash_password, right_password
from gateway.accounts.seal import Sealer
from gateway.accounts.second_factor import (
    accept_code,
    accept_recovery_code,
    make_recovery_codes,
    set_second_factor,
    step_of,
)
from gateway.accounts.sessions import Session, begin_session, end_sessions, freshen
from gateway.database import reading, writing
from gateway.settings import Settings
from gateway.tables import Staff

_staff = Staff.__table__
_WINDOW = timedelta(minutes=15)
_MOST_PER_LOGIN_AND_ADDRESS = 6
_MOST_PER_LOGIN = 30
_MOST_PER_ADDRESS = 60
_MOST_ALTOGETHER = 1_000  # against one password tried on every login from addresses that nobody knows
_MOST_CODES = 10


class SignInRefused(Exception):
    """Wrong login, password or code, or too many tries; `reason` is a key of the wording."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class Door:
    """What signing in needs: the database and three keys of this installation."""

    engine: Engine
    sealer: Sealer
    limits_key: bytes
    codes_key: bytes

    @classmethod
    def of(cls, settings: Settings, engine: Engine) -> "Door":
        return cls(
            engine,
            Sealer(settings.key_for("sealed secrets")),
            settings.key_for("sign-in limits"),
            settings.key_for("recovery codes"),
        )

    def mark_of(self, login: str) -> str:
        """Return a new mark for a browser that a login has just signed in from."""
        nonce = secrets.token_urlsafe(12)
        return f"{nonce}.{self._sealed_mark(login.strip().lower()[:60], nonce)}"

    def _sealed_mark(self, login: str, nonce: str) -> str:
        return hmac.new(self.limits_key, f"mark:{nonce}:{login}".encode(), hashlib.sha256).hexdigest()[:40]

    def sign_in(self, login: str, password: str, address: str | None, now: datetime, known: str = "") -> str:
        """Return the token of a new session.

        :param address: where the request came from; None where that is not known (behind a proxy)
        :param known: the mark that the browser showed, if any
        :raises SignInRefused: "wrong" or "too_often", the same for logins that there are and that there are not
        """
        login = login.strip().lower()[:60]
        keys = self._count_try(login, address, now, known)
        with reading(self.engine) as connection:
            row = connection.execute(select(_staff).where(_staff.c.login == login)).first()
        right = right_password(password, row.password_hash if row else None)
        with writing(self.engine) as connection:
            if not (row and right):
                known = f"staff:{login}" if row else "staff:unknown"
                audit.record(connection, login if row else "unknown", "sign_in.failed", known, {"why": "password"}, now)
            else:
                # Read again: it may have been disabled, or its password changed, while the hash was being worked out.
                fresh = connection.execute(
                    select(_staff.c.active, _staff.c.password_hash).where(_staff.c.id == row.id)
                ).one()
                right = fresh.active and fresh.password_hash == row.password_hash
                if right:
                    forget(connection, *keys)
                    token = begin_session(connection, row.id, now)
                what, detail = ("sign_in.password", {}) if right else ("sign_in.failed", {"why": "disabled"})
                audit.record(connection, login, what, f"staff:{login}", detail, now)
        if not (row and right):
            raise SignInRefused("wrong")
        return token

    def _counted_by(self, login: str, address: str | None, known: str) -> list[tuple[str, str, int]]:
        nonce, _, seal = known.partition(".")
        if nonce and hmac.compare_digest(seal.encode(), self._sealed_mark(login, nonce).encode()):
            return [("known", f"{login} {nonce}", _MOST_PER_LOGIN_AND_ADDRESS)]
        pair = ("login-address", f"{login} {address}", _MOST_PER_LOGIN_AND_ADDRESS)
        counted = [pair, ("login", login, _MOST_PER_LOGIN), ("altogether", "", _MOST_ALTOGETHER)]
        if address is not None:
            counted.append(("address", address, _MOST_PER_ADDRESS))
        return counted

    def _count_try(self, login: str, address: str | None, now: datetime, known: str) -> tuple[str, ...]:
        """Count a try before it is looked at, so that many at once are not more than many in a row.

        Returns the keys that start again after a success: those of the login.
        """
        by = self._counted_by(login, address, known)
        counted = [(limit_key(self.limits_key, kind, who), most) for kind, who, most in by]
        refused = False
        with writing(self.engine) as connection:
            sweep(connection, now)
            for key, most in counted:
                try:
                    try_once(connection, key, now, most=most, per=_WINDOW)
                except TooOften:
                    refused = True
        if refused:
            raise SignInRefused("too_often")
        shared = ("address", "altogether")
        return tuple(key for (key, _), (kind, _, _) in zip(counted, by, strict=True) if kind not in shared)

    def show_code(self, session: Session, code: str, now: datetime) -> str:
        """Take the second step of signing in with a one-time code or a recovery code; returns the session's new token.

        :raises SignInRefused: "code_wrong" or "too_often"
        """
        self._count_code(session.viewer.id, now)
        with writing(self.engine) as connection:
            used = self._accept(connection, session.viewer.id, code, now)
            token = freshen(connection, session.id, now, second=True) if used else ""
            if used:
                forget(connection, self._code_key(session.viewer.id))
            self._note(connection, session, "sign_in.done" if used else "sign_in.failed", {"with": used or "code"}, now)
        if not used:
            raise SignInRefused("code_wrong")
        return token

    def again(self, session: Session, password: str, code: str, now: datetime) -> str:
        """Prove again who one is, by password and, where the login has one, the second factor.

        :raises SignInRefused: "again_wrong" or "too_often"
        """
        viewer = session.viewer
        self._count_code(viewer.id, now)
        with reading(self.engine) as connection:
            hashed = connection.execute(select(_staff.c.password_hash).where(_staff.c.id == viewer.id)).scalar_one()
        right = right_password(password, hashed)
        with writing(self.engine) as connection:
            if right and session.has_second_factor:
                right = bool(self._accept(connection, viewer.id, code, now))
            token = freshen(connection, session.id, now) if right else ""
            if right:
                forget(connection, self._code_key(viewer.id))
            self._note(connection, session, "sign_in.again" if right else "sign_in.failed", {"why": "again"}, now)
        if not right:
            raise SignInRefused("again_wrong")
        return token

    def enrol(self, session: Session, code: str, now: datetime) -> tuple[str, list[str]]:
        """Set up the second factor that waits in the session, with its first code; returns a token and recovery codes.

        :raises SignInRefused: "code_wrong", "too_often"
        """
        viewer = session.viewer
        self._count_code(viewer.id, now)
        secret = self.sealer.open(session.pending_secret) if session.pending_secret else ""
        step = step_of(secret, code, now) if secret else None
        if step is None:
            raise SignInRefused("code_wrong")
        with writing(self.engine) as connection:
            if not set_second_factor(connection, viewer.id, self.sealer.seal(secret), step):
                raise SignInRefused("code_wrong")
            codes = make_recovery_codes(connection, viewer.id, self.codes_key)
            end_sessions(connection, viewer.id, now, but=session.id)
            token = freshen(connection, session.id, now, second=True)
            forget(connection, self._code_key(viewer.id))
            self._note(connection, session, "second_factor.set", {}, now)
        return token, codes

    def change_password(self, session: Session, current: str, new: str, now: datetime) -> str:
        """Change one's own password; every other session ends. Returns the session's new token.

        :raises SignInRefused: "password_wrong", "password_same", "too_often"
        :raises PasswordRefused: the new one cannot be taken
        """
        viewer = session.viewer
        self._count_code(viewer.id, now)
        with reading(self.engine) as connection:
            hashed = connection.execute(select(_staff.c.password_hash).where(_staff.c.id == viewer.id)).scalar_one()
        if not right_password(current, hashed):
            with writing(self.engine) as connection:
                self._note(connection, session, "sign_in.failed", {"why": "current password"}, now)
            raise SignInRefused("password_wrong")
        check_password(new, viewer.login, viewer.name)
        if new == current:
            raise SignInRefused("password_same")
        made = hash_password(new)
        with writing(self.engine) as connection:
            connection.execute(
                update(_staff).where(_staff.c.id == viewer.id).values(password_hash=made, must_change_password=False)
            )
            end_sessions(connection, viewer.id, now, but=session.id)
            token = freshen(connection, session.id, now)
            forget(connection, self._code_key(viewer.id))
            self._note(connection, session, "password.changed", {}, now)
        return token

    def _accept(self, connection: Connection, staff_id: int, code: str, now: datetime) -> str:
        if accept_code(connection, staff_id, self.sealer, code, now):
            return "code"
        return "recovery code" if accept_recovery_code(connection, staff_id, self.codes_key, code, now) else ""

    def _code_key(self, staff_id: int) -> str:
        return limit_key(self.limits_key, "code", str(staff_id))

    def _count_code(self, staff_id: int, now: datetime) -> None:
        try:
            with writing(self.engine) as connection:
                try_once(connection, self._code_key(staff_id), now, most=_MOST_CODES, per=_WINDOW)
        except TooOften:
            raise SignInRefused("too_often") from None

    @staticmethod
    def _note(connection: Connection, session: Session, action: str, detail: dict[str, str], now: datetime) -> None:
        audit.record(connection, session.viewer.login, action, f"staff:{session.viewer.login}", detail, now)
