"""Which letters cost a part, and what to write instead."""

import pytest

from gateway.rules.dear_letters import dear_letters, without
from gateway.rules.message_parts import count_parts

LONG = "Come to Minar at five, bring water, a hat and a friend; text WHERE for your bus. "  # 81 signs


@pytest.mark.parametrize(
    ("text", "letters", "parts"),
    [
        (LONG + "ā", [("ā", "a")], (2, 1)),
        (LONG + "Friends 🙂", [("🙂", None)], (2, 1)),
        (LONG + "“so” and ā", [("“", '"'), ("”", '"'), ("ā", "a")], (2, 1)),
        (LONG * 2 + "ā 🙂", [("ā", "a"), ("🙂", None)], (3, 2)),
    ],
)
def test_letters_that_cost_a_part(text: str, letters: list[tuple[str, str | None]], parts: tuple[int, int]) -> None:
    found = dear_letters(text)
    assert found is not None
    assert [(one.letter, one.replacement) for one in found.letters] == letters
    assert (found.parts, found.parts_without) == parts
    assert count_parts(found.spared).parts == parts[1]
    assert all(text[one.position :].startswith(one.letter) for one in found.letters)


@pytest.mark.parametrize(
    "text",
    [
        "Come ā",  # one part either way
        LONG + "“quoted” – and folded by itself…",
        "لاہور مینار پاکستان جمعہ شام پانچ بجے، پانی ساتھ لائیں اور بس کے لیے WHERE لکھ کر اسی نمبر پر بھیج دیں",
        "",
    ],
)
def test_letters_that_cost_nothing_are_not_named(text: str) -> None:
    assert dear_letters(text) is None


def test_what_is_counted_is_what_is_sent() -> None:
    short = "{name}, " + "x" * 60 + "ā"
    assert dear_letters(short) is None
    assert dear_letters(short, lambda words: words.replace("{name}", "Muhammad Ali")) is not None


def test_one_letter_is_replaced_where_it_stands() -> None:
    found = dear_letters(LONG + "ā and ā")
    assert found is not None
    assert without(LONG + "ā and ā", found.letters[1]) == LONG + "ā and a"
