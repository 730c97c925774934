"""Refs are unique, tell nothing, and a slip of one sign or a swap of two is always caught."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.rules.refs import ALPHABET, BASE, code_for, read_code, read_ref, ref_for

KEY = b"a made-up key of one event"
FOUR_SIGNS = BASE**3


@pytest.fixture(scope="module")
def every_four() -> list[str]:
    return [ref_for(number, KEY) for number in range(FOUR_SIGNS)]


def test_no_look_alikes_in_the_alphabet() -> None:
    assert BASE == 23
    for alike in ("0OQ", "1IL", "5S", "8B", "2Z", "6G", "UV", "CG"):
        assert len(set(alike) & set(ALPHABET)) <= 1


def test_every_number_of_four_signs_has_its_own_ref(every_four: list[str]) -> None:
    assert len(set(every_four)) == FOUR_SIGNS
    assert {len(ref) for ref in every_four} == {4}
    assert len(ref_for(FOUR_SIGNS, KEY)) == 5
    assert len(ref_for(FOUR_SIGNS + BASE**4 - 1, KEY)) == 5
    assert len(ref_for(FOUR_SIGNS + BASE**4, KEY)) == 6


def test_every_substitution_and_every_swap_is_caught_for_all_refs_of_four_signs(every_four: list[str]) -> None:
    valid = set(every_four)
    for ref in every_four:
        for place, sign in enumerate(ref):
            for other in ALPHABET:
                if other != sign:
                    assert ref[:place] + other + ref[place + 1 :] not in valid
        for place in range(3):
            if ref[place] != ref[place + 1]:
                assert ref[:place] + ref[place + 1] + ref[place] + ref[place + 2 :] not in valid


def test_reading_accepts_exactly_the_refs_of_four_signs(every_four: list[str]) -> None:
    """With the test above: what `read_ref` accepts is what no single slip reaches."""
    accepted = {ref for signs in itertools.product(ALPHABET, repeat=4) if (ref := read_ref("".join(signs)))}
    assert accepted == set(every_four)


@given(st.integers(0, 23**8), st.data())
def test_slips_are_caught_in_longer_refs(number: int, data: st.DataObject) -> None:
    ref = ref_for(number, KEY)
    assert read_ref(ref) == ref
    place = data.draw(st.integers(0, len(ref) - 1))
    other = data.draw(st.sampled_from(ALPHABET.replace(ref[place], "")))
    assert read_ref(ref[:place] + other + ref[place + 1 :]) is None
    swap = data.draw(st.integers(0, len(ref) - 2))
    if ref[swap] != ref[swap + 1]:
        assert read_ref(ref[:swap] + ref[swap + 1] + ref[swap] + ref[swap + 2 :]) is None


def test_neighbouring_numbers_look_unrelated(every_four: list[str]) -> None:
    shared = sum(one[:2] == other[:2] for one, other in itertools.pairwise(every_four))
    assert shared < 3 * FOUR_SIGNS / BASE**2  # chance would give one in 529
    assert every_four != sorted(every_four)
    assert [ref_for(number, b"another key") for number in range(50)] != every_four[:50]


@pytest.mark.parametrize(
    "typed", ["4F2C", "4f2c", " 4f 2c ", "4F-2C", "#4F2C", "۴f۲c", "4 f 2 c", "4F2\u200bC", "４Ｆ２Ｃ"]
)
def test_what_is_read(typed: str) -> None:
    assert read_ref(typed) == "4F2C"


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "4F2",
        "4F2K",
        "4F2C4F2C4F2C",
        "4FZC",
        "4F2C extra",
        "4FOA",
        "4F0A",
        "4F1A",
        "4FIA",
        "BF2A",
        "4F2C?",
        "x" * 10**6,
    ],
)
def test_what_is_refused(typed: str) -> None:
    assert read_ref(typed) is None


def test_no_sign_outside_the_alphabet_is_guessed_at(every_four: list[str]) -> None:
    for ref in every_four[::97]:
        for place in range(4):
            for look_alike in "01OIL5SBZQUVG":
                assert read_ref(ref[:place] + look_alike + ref[place + 1 :]) is None


def test_an_invite_code_is_never_a_ref_nor_the_other_way(every_four: list[str]) -> None:
    codes = [code_for(number, KEY) for number in range(FOUR_SIGNS)]
    assert len(set(codes)) == FOUR_SIGNS
    assert not set(codes) & set(every_four)
    assert all(read_code(code) == code and read_ref(code) is None for code in codes)
    assert all(read_code(ref) is None for ref in every_four)


@pytest.mark.parametrize(
    "word",
    ["RAPE", "DEAD", "HATE", "KAFR", "HARM", "FART", "CRAP", "MARA", "DEATH", "HATED", "RAPED", "HARAM", "CHAMAR"],
)
def test_no_cruel_word_is_a_ref_or_a_code(word: str) -> None:
    assert read_ref(word) is None
    assert read_code(word) is None


def test_bad_input_is_refused() -> None:
    with pytest.raises(ValueError, match="starts at 0"):
        ref_for(-1, KEY)
    with pytest.raises(ValueError, match="secret key"):
        ref_for(1, b"")
    with pytest.raises(ValueError, match="No ref"):
        ref_for(23**10, KEY)


def test_a_key_may_be_of_any_length() -> None:
    refs = {ref_for(0, b"k" * length) for length in (1, 64, 65, 500)}
    assert len(refs) > 1
    assert all(read_ref(ref) for ref in refs)
