"""Refs that a person reads out or types: of iReports, such as 4F2C, and of invitations.

The alphabet has 23 signs and no two that look or sound alike on a poster or a bad line, so every sign is a residue of
a prime, and one weighted sum with a check sign refuses every mistyped sign and every swap of neighbours (the ISO/IEC
7064 idea; the proof is a test that tries them all). The body is a keyed permutation of the running number (a Feistel
network with cycle walking, Black and Rogaway 2002, "Ciphers with Arbitrary Finite Domains"), so refs are unique by
construction, and one ref tells neither how many there are nor what the next one is.
"""

import re
from hashlib import blake2b

from orthography import fold

ALPHABET = "2346789ACDEFHJKMNPRTWXY"
BASE = len(ALPHABET)
LONGEST = 10  # signs, the check sign among them: 23 to the 9th refs, past any event

_SHORTEST_BODY = 3
_ROUNDS = 8
_VALUE = {sign: value for value, sign in enumerate(ALPHABET)}
_FILLING = re.compile(r"[\s#.\-‐‑‒–—_]+")

# What the weighted sum must leave. They differ, so that an invite code is never taken for a ref; and they are chosen
# so that no insult or cruel word of the alphabet (RAPE, DEAD, HATE, KAFR ...) passes the check.
_REF_REMAINDER = 3
_CODE_REMAINDER = 7


def ref_for(number: int, key: bytes) -> str:
    """Return the ref of the report with running `number` (from 0) in an event, under that event's secret `key`.

    Four signs for the first 23**3 = 12,167 numbers, five for the next 23**4, and so on. ValueError for a negative
    number, one past nine signs, or an empty key.
    """
    return _written(number, key, _REF_REMAINDER, b"report ref")


def code_for(number: int, key: bytes) -> str:
    """Return the invite code of running `number`: as `ref_for`, but never valid as a ref, nor a ref as a code."""
    return _written(number, key, _CODE_REMAINDER, b"invite code")


def read_ref(typed: str) -> str | None:
    """Return the ref that `typed` is, in its one written form, or None where any sign or the check is wrong.

    Lower case, blanks, hyphens, a leading # and digits of any script are read; O, I, 0, 1, 5, B and the like are in no
    ref and are refused, not guessed at: a guess would show one person's report to another.
    """
    return _read(typed, _REF_REMAINDER)


def read_code(typed: str) -> str | None:
    """Return the invite code that `typed` is, or None; what is accepted is as in `read_ref`."""
    return _read(typed, _CODE_REMAINDER)


def _written(number: int, key: bytes, remainder: int, purpose: bytes) -> str:
    if not key:
        raise ValueError("A ref needs a secret key.")
    if number < 0:
        raise ValueError(f"A running number starts at 0, not at {number}.")
    size, offset = _SHORTEST_BODY, number
    while offset >= BASE**size:
        offset -= BASE**size
        size += 1
    if size >= LONGEST:
        raise ValueError(f"No ref of {LONGEST} signs is left for number {number}.")
    round_key = blake2b(key, digest_size=32, person=purpose).digest()
    value, body = _permuted(offset, BASE**size, round_key), ""
    for _ in range(size):
        value, digit = divmod(value, BASE)
        body = ALPHABET[digit] + body
    return body + ALPHABET[(remainder - _weighted(body)) % BASE]


def _weighted(body: str) -> int:
    # The check sign weighs 1, the sign before it 2, and so on: no weight is 0 and no neighbours weigh the same.
    return sum(_VALUE[sign] * weight for weight, sign in enumerate(reversed(body), 2)) % BASE


def _read(typed: str, remainder: int) -> str | None:
    if len(typed) > 60:
        return None
    signs = _FILLING.sub("", fold(typed)).upper()
    if not _SHORTEST_BODY < len(signs) <= LONGEST or any(sign not in _VALUE for sign in signs):
        return None
    return signs if (_weighted(signs[:-1]) + _VALUE[signs[-1]]) % BASE == remainder else None


def _permuted(value: int, size: int, key: bytes) -> int:
    half = ((size - 1).bit_length() + 1) // 2
    while True:
        value = _feistel(value, half, key)
        if value < size:  # else walk on: the walk comes back inside, because the network is a permutation
            return value


def _feistel(value: int, half: int, key: bytes) -> int:
    mask = (1 << half) - 1
    left, right = value >> half, value & mask
    for turn in range(_ROUNDS):
        block = bytes((turn, half)) + right.to_bytes(8, "big")
        mixed = int.from_bytes(blake2b(block, key=key, digest_size=8).digest(), "big")
        left, right = right, left ^ (mixed & mask)
    return (left << half) | right
