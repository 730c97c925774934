"""Ids for addresses of pages: they say neither how many there are nor what the next one is.

A keyed permutation of 40 bits (a Feistel network of four rounds; Luby and Rackoff 1988) that is written in eight signs.
It hides, and it guards nothing: every page asks by itself whether its reader may see what the id stands for.
"""

from hashlib import blake2b

_SIGNS = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32
_VALUE = {sign: value for value, sign in enumerate(_SIGNS)}
_LENGTH = 8
_HALF = 20
_MASK = (1 << _HALF) - 1
_ROUNDS = 4
MOST = 1 << 2 * _HALF


class OpaqueIds:
    """Ids of one kind of thing, under one key."""

    def __init__(self, key: bytes) -> None:
        """:param key: 16 to 64 secret bytes, such as `settings.key_for("member addresses")`"""
        self._key = key

    def hide(self, number: int) -> str:
        """Return the id of a row; ValueError for a number below 0 or of more than 40 bits."""
        if not 0 <= number < MOST:
            raise ValueError("An id has 40 bits.")
        left, right = number >> _HALF, number & _MASK
        for turn in range(_ROUNDS):
            left, right = right, left ^ self._mixed(turn, right)
        value = left << _HALF | right
        return "".join(_SIGNS[value >> 5 * place & 31] for place in reversed(range(_LENGTH)))

    def read(self, written: str) -> int | None:
        """Return the row's number, or None where `written` is no id."""
        if len(written) != _LENGTH or any(sign not in _VALUE for sign in written):
            return None
        value = 0
        for sign in written:
            value = value << 5 | _VALUE[sign]
        left, right = value >> _HALF, value & _MASK
        for turn in reversed(range(_ROUNDS)):
            left, right = right ^ self._mixed(turn, left), left
        return left << _HALF | right

    def _mixed(self, turn: int, half: int) -> int:
        digest = blake2b(half.to_bytes(3), key=self._key, digest_size=3, person=bytes([turn])).digest()
        return int.from_bytes(digest) & _MASK
