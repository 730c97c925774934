"""Columns of bits answer what the list of their values answers."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from segments.bits import Column, bits_of, mask_of, packed, places_in, rewritten, unpacked

SIZE = 64
values = st.one_of(st.integers(0, 9), st.sampled_from([0, 1, 2**40, 2**40 + 1, 2**62 - 1]))
columns = st.lists(values, min_size=SIZE, max_size=SIZE)
everyones = st.integers(0, 2**SIZE - 1)


def _places(column: list[int], everyone: int, fits: object) -> list[int]:
    return [at for at, value in enumerate(column) if everyone >> at & 1 and fits(value)]  # type: ignore[operator]


@given(columns, everyones, st.sets(values, max_size=4), values)
def test_a_column_answers_as_its_values_do(held: list[int], everyone: int, some: set[int], bound: int) -> None:
    column = Column(bits_of(held), everyone)
    assert places_in(column.among(some)) == _places(held, everyone, lambda value: value in some)
    assert places_in(column.at_least(bound)) == _places(held, everyone, lambda value: value >= bound)
    assert places_in(column.filled) == _places(held, everyone, lambda value: value > 0)
    for bit in (0, 40, 63):
        assert places_in(column.bit(bit)) == _places(held, everyone, lambda value, bit=bit: value >> bit & 1)
    within = 0x5555_FFFF_0000_FFFF  # of places where there is nobody, too
    assert dict(column.counts(within)) == Counter(held[at] for at in places_in(within & everyone))


@given(columns, everyones)
def test_what_is_kept_is_what_was_there(held: list[int], everyone: int) -> None:
    back = unpacked(packed(bits_of(held), everyone, SIZE), everyone, SIZE)
    assert {at: sum((bit >> at & 1) << number for number, bit in enumerate(back)) for at in places_in(everyone)} == {
        at: held[at] for at in places_in(everyone)
    }


@given(columns, st.dictionaries(st.integers(0, SIZE - 1), values))
def test_a_rewritten_column_is_the_column_of_the_new_values(held: list[int], new: dict[int, int]) -> None:
    changed = [new.get(at, value) for at, value in enumerate(held)]
    everyone = 2**SIZE - 1
    assert packed(rewritten(bits_of(held), new, SIZE), everyone, SIZE) == packed(bits_of(changed), everyone, SIZE)


def test_what_everyone_has_and_what_nobody_has_takes_a_byte() -> None:
    everyone = mask_of(range(0, SIZE, 2), SIZE)
    assert packed(bits_of([5] * SIZE), everyone, SIZE) == b"\x01\x00\x01"
    assert packed(bits_of([0] * SIZE), everyone, SIZE) == b""
