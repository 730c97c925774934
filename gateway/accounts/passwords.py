"""Passwords: argon2 hashes, what is accepted as one, and made ones."""

import secrets
import threading
from functools import cache

from pwdlib import PasswordHash

MIN_PASSWORD_LENGTH = 12  # NIST SP 800-63B asks for eight at least, fifteen where nothing else is asked
MAX_PASSWORD_LENGTH = 200
_COMMON = ("password", "123456", "qwerty", "jalsa", "pakistan", "abcdef", "letmein", "admin", "00000", "11111")
# One hash takes 64 MB of memory and all of a core: a crowd at the door must not take the machine down.
_at_work = threading.BoundedSemaphore(2)


class PasswordRefused(ValueError):
    """The password cannot be taken; `reason` is a key of the wording, the text one English sentence."""

    def __init__(self, reason: str, sentence: str) -> None:
        super().__init__(sentence)
        self.reason = reason


@cache
def _hasher() -> PasswordHash:
    return PasswordHash.recommended()


@cache
def _dummy() -> str:
    return _hasher().hash(secrets.token_hex(16))


def hash_password(password: str) -> str:
    with _at_work:
        return _hasher().hash(password)


def right_password(password: str, hashed: str | None) -> bool:
    """Whether a password is the one; with no hash (an unknown login) it takes just as long and is False."""
    with _at_work:
        right = _hasher().verify(password[: MAX_PASSWORD_LENGTH + 1], hashed or _dummy())
    return right and hashed is not None


def check_password(password: str, login: str = "", name: str = "") -> None:
    """:raises PasswordRefused: too short, too long, or easily guessed from the login"""
    if len(password) < MIN_PASSWORD_LENGTH:
        raise PasswordRefused("password_short", f"The password needs at least {MIN_PASSWORD_LENGTH} letters.")
    if len(password) > MAX_PASSWORD_LENGTH:
        raise PasswordRefused("password_long", f"The password may have {MAX_PASSWORD_LENGTH} letters at most.")
    plain = password.lower()
    given = [word for word in (login.lower(), *name.lower().split()) if len(word) >= 4]
    rest = plain
    for word in (*given, *_COMMON):
        rest = rest.replace(word, "")
    if len(set(plain)) < 5 or len(rest) < 6:
        raise PasswordRefused("password_easy", "That password is too easily guessed: take several unrelated words.")


def made_password() -> str:
    """Return a password that is easily read out: 80 bits in groups of four, without letters that look alike."""
    signs = "abcdefghjkmnpqrstuvwxyz23456789"
    return "-".join("".join(secrets.choice(signs) for _ in range(4)) for _ in range(4))
