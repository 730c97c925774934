"""Tokens of API keys: a prefix that secret scanners know, a part to look it up by, a secret, a checksum. Pure.

`jalsa_live_` + 8 signs (lookup) + 32 signs (secret, 190 bits) + 6 signs (CRC-32 of what stands before). The checksum
tells a token that was cut or mistyped from one that is unknown, without a database. As the secret is random and long,
one round of SHA-256 is all that a thief of the table would have to undo, and cannot.
"""

import hashlib
import hmac
import secrets
import zlib

PREFIX = "jalsa_live_"
_SIGNS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_LOOKUP, _SECRET, _CHECK = 8, 32, 6
LENGTH = len(PREFIX) + _LOOKUP + _SECRET + _CHECK


def new_token() -> str:
    """Return a fresh token."""
    body = PREFIX + "".join(secrets.choice(_SIGNS) for _ in range(_LOOKUP + _SECRET))
    return body + _check(body)


def is_whole(token: str) -> bool:
    """Whether a token has the form of one and its checksum is right."""
    if len(token) != LENGTH or not token.isascii() or not token.startswith(PREFIX):
        return False
    return hmac.compare_digest(_check(token[:-_CHECK]), token[-_CHECK:])


def lookup_of(token: str) -> str:
    """Return the part that finds the key's row; no secret."""
    return token[len(PREFIX) : len(PREFIX) + _LOOKUP]


def hash_of(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def is_that(token: str, token_hash: str) -> bool:
    """Compare in constant time."""
    return hmac.compare_digest(hash_of(token), token_hash)


def _check(body: str) -> str:
    value, signs = zlib.crc32(body.encode()), ""
    for _ in range(_CHECK):
        value, digit = divmod(value, len(_SIGNS))
        signs = _SIGNS[digit] + signs
    return signs
