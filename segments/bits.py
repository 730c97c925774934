"""Columns of whole numbers as bits: one big number for each bit, with a bit for every member in a block.

So a question put to 65,536 members ("which are in this city?") is a handful of ANDs on numbers of eight kilobytes,
which Python does in microseconds. Nothing here knows what a column means; a value of 0 stands for nothing on file.
"""

import sys
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from functools import cached_property, lru_cache

Mask = int
"""A set of the members in a block: bit n stands for the member at place n."""
Bits = tuple[Mask, ...]
"""A column: the members whose value has bit 0, bit 1, ..."""

_NONE, _ALL, _SOME = b"\x00", b"\x01", b"\x02"
# For bit n of a byte: "1" where the byte has it, else "0", as `int(.., 2)` reads it.
_DIGITS = tuple(bytes(49 if byte >> bit & 1 else 48 for byte in range(256)) for bit in range(8))


def bits_of(values: Sequence[int]) -> Bits:
    """Return a column of values (0 to 2**64 - 1), the first at place 0."""
    raw = array("Q", values)
    width = max(raw, default=0).bit_length()
    if sys.byteorder == "big":
        raw.byteswap()
    held = raw.tobytes()
    bits: list[Mask] = []
    for byte in range((width + 7) // 8):
        plane = held[byte::8][::-1]  # the last digit that is read is the lowest
        bits += [int(plane.translate(digits), 2) for digits in _DIGITS]
    return tuple(bits[:width])


def mask_of(places: Iterable[int], size: int) -> Mask:
    """Return the mask of some places, each below `size` (a multiple of 8)."""
    found = bytearray(size // 8)
    for place in places:
        found[place >> 3] |= 1 << (place & 7)
    return int.from_bytes(found, "little")


def places_in(mask: Mask) -> list[int]:
    """Return the places in a mask, in order."""
    found: list[int] = []
    for at, byte in enumerate(mask.to_bytes((mask.bit_length() + 7) // 8, "little")):
        if byte:
            found += [at * 8 + bit for bit in range(8) if byte >> bit & 1]
    return found


def rewritten(bits: Bits, values: Mapping[int, int], size: int) -> Bits:
    """Return a column with new values at some places."""
    changed = mask_of(values, size)
    width = max(len(bits), max(values.values(), default=0).bit_length())
    fresh = [
        mask_of((place for place, value in values.items() if value >> bit & 1), size) for bit in range(width)
    ]  # fmt: skip
    old = (*bits, *(0,) * (width - len(bits)))
    return _trimmed((one ^ (one & changed)) | new for one, new in zip(old, fresh, strict=True))


def packed(bits: Bits, everyone: Mask, size: int) -> bytes:
    """Return a column as it is kept; what it says of places where there is nobody is not kept."""
    kept = []
    for one in bits:
        here = one & everyone
        kept.append(_ALL if here == everyone else _SOME + here.to_bytes(size // 8, "little") if here else _NONE)
    while kept and kept[-1] == _NONE:
        kept.pop()
    return b"".join(kept)


def unpacked(data: bytes, everyone: Mask, size: int) -> Bits:
    """Return a column as `packed` kept it."""
    bits, at, length = list[Mask](), 0, size // 8
    while at < len(data):
        kind, at = data[at : at + 1], at + 1
        if kind == _SOME:
            bits.append(int.from_bytes(data[at : at + length], "little"))
            at += length
        else:
            bits.append(everyone if kind == _ALL else 0)
    return tuple(bits)


def _trimmed(bits: Iterable[Mask]) -> Bits:
    kept = list(bits)
    while kept and not kept[-1]:
        kept.pop()
    return tuple(kept)


_Tree = bool | tuple[int, "_Tree", "_Tree"]
"""Which values are among some: the highest bit that matters, and what is among them without and with it."""


@lru_cache(maxsize=256)
def _tree(values: frozenset[int], width: int) -> _Tree:
    """Return the values below 2**width as a tree, made once for all blocks; bits that change nothing are left out."""
    return _grown(values, width)


def _grown(values: Set[int], width: int) -> _Tree:
    if not values:
        return False
    if not width:
        return 0 in values
    half = 1 << (width - 1)
    low = _grown({value for value in values if value < half}, width - 1)
    high = _grown({value - half for value in values if half <= value < 2 * half}, width - 1)
    return low if low == high else (width - 1, low, high)


class Column:
    """One column of a block, and who is in the block at all."""

    def __init__(self, bits: Bits, everyone: Mask) -> None:
        self.bits, self.everyone = bits, everyone

    @cached_property
    def filled(self) -> Mask:
        """Whoever has a value at all."""
        found = 0
        for one in self.bits:
            found |= one
        return found & self.everyone

    def bit(self, number: int) -> Mask:
        """Whose value has a bit."""
        return self.bits[number] & self.everyone if number < len(self.bits) else 0

    def among(self, values: Iterable[int]) -> Mask:
        """Whose value is one of these."""
        return self._among(self.everyone, _tree(frozenset(values), len(self.bits)))

    def _among(self, within: Mask, tree: _Tree) -> Mask:
        if not within or tree is False:
            return 0
        if tree is True:
            return within
        bit, low, high = tree
        ones = within & self.bits[bit]
        return self._among(ones, high) | self._among(within ^ ones, low)

    def at_least(self, value: int) -> Mask:
        """Whose value is this one or more."""
        if value <= 0:
            return self.everyone
        if value.bit_length() > len(self.bits):
            return 0
        more, same = 0, self.everyone
        for number in reversed(range(len(self.bits))):
            ones = same & self.bits[number]
            if value >> number & 1:
                same = ones
            else:
                more |= ones
                same ^= ones
        return more | same

    def counts(self, within: Mask) -> Iterator[tuple[int, int]]:
        """Yield every value that somebody in `within` has, and how many have it."""
        waiting = [(within & self.everyone, len(self.bits), 0)]
        while waiting:
            here, width, value = waiting.pop()
            if not here:
                continue
            if not width:
                yield value, here.bit_count()
                continue
            ones = here & self.bits[width - 1]
            waiting.append((ones, width - 1, value << 1 | 1))
            waiting.append((here ^ ones, width - 1, value << 1))
