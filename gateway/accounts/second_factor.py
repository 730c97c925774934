"""One-time codes (TOTP, RFC 6238) and the recovery codes that stand in for a lost phone."""

import hashlib
import hmac
import secrets
from datetime import datetime

import pyotp
from sqlalchemy import Connection, delete, func, insert, literal, or_, select, update

from gateway.accounts.seal import Sealer
from gateway.tables import RecoveryCode, Staff

RECOVERY_CODES = 10
_STEP_S = 30
_DRIFT = 1  # steps that a phone's clock may be off
_SIGNS = "ABCDEFGHJKMNPQRSTVWXYZ23456789"
_staff, _codes = Staff.__table__, RecoveryCode.__table__


def new_secret() -> str:
    return pyotp.random_base32()


def enrol_uri(secret: str, login: str, issuer: str) -> str:
    """Return what an authenticator app reads from the QR code."""
    return pyotp.TOTP(secret).provisioning_uri(name=login, issuer_name=issuer)


def step_of(secret: str, code: str, now: datetime) -> int | None:
    """Return the time step that a code belongs to, or None if it is no code of this secret now."""
    typed = "".join(code.split())
    if not (len(typed) == 6 and typed.isascii() and typed.isdecimal()):
        return None
    totp, here = pyotp.TOTP(secret), int(now.timestamp()) // _STEP_S
    matching = [step for step in range(here - _DRIFT, here + _DRIFT + 1) if _same(totp.generate_otp(step), typed)]
    return matching[-1] if matching else None


def accept_code(connection: Connection, staff_id: int, sealer: Sealer, code: str, now: datetime) -> bool:
    """Accept a one-time code, once: the same code, or an earlier one, is refused from then on, in every process."""
    sealed = connection.execute(select(_staff.c.second_factor).where(_staff.c.id == staff_id)).scalar()
    step = step_of(sealer.open(sealed), code, now) if sealed else None
    if step is None:
        return False
    taken = connection.execute(
        update(_staff).where(_staff.c.id == staff_id, _staff.c.last_code < step).values(last_code=step)
    )
    return bool(taken.rowcount)


def make_recovery_codes(connection: Connection, staff_id: int, key: bytes) -> list[str]:
    """Return ten new codes, shown this once; the old ones are void."""
    made = ["".join(secrets.choice(_SIGNS) for _ in range(10)) for _ in range(RECOVERY_CODES)]
    connection.execute(delete(_codes).where(_codes.c.staff_id == staff_id))
    connection.execute(
        insert(_codes), [{"staff_id": staff_id, "code_hash": _hashed(code, staff_id, key)} for code in made]
    )
    return [f"{code[:5]}-{code[5:]}" for code in made]


def accept_recovery_code(connection: Connection, staff_id: int, key: bytes, code: str, now: datetime) -> bool:
    """Accept a recovery code, once."""
    typed = "".join(sign for sign in code.upper() if sign.isalnum())
    used = connection.execute(
        update(_codes)
        .where(
            _codes.c.staff_id == staff_id,
            _codes.c.code_hash == _hashed(typed, staff_id, key),
            _codes.c.used_at.is_(None),
        )
        .values(used_at=now)
    )
    return bool(used.rowcount)


def recovery_codes_left(connection: Connection, staff_id: int) -> int:
    left = select(func.count()).select_from(_codes).where(_codes.c.staff_id == staff_id, _codes.c.used_at.is_(None))
    return int(connection.execute(left).scalar_one())


def set_second_factor(connection: Connection, staff_id: int, sealed: str | None, last_code: int = 0) -> bool:
    """Keep a sealed secret, or remove it with its recovery codes; False when the last code came too late to count."""
    if sealed is None:
        connection.execute(delete(_codes).where(_codes.c.staff_id == staff_id))
    done = connection.execute(
        update(_staff)
        .where(_staff.c.id == staff_id, or_(_staff.c.last_code < last_code, literal(last_code == 0)))
        .values(second_factor=sealed, last_code=last_code)
    )
    return bool(done.rowcount)


def _hashed(code: str, staff_id: int, key: bytes) -> str:
    return hmac.new(key, f"{staff_id}:{code}".encode(), hashlib.sha256).hexdigest()


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())
