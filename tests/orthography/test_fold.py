"""Two spellings that a reader takes for the same letters fold to one; two that differ stay two."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orthography import fold, words


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("JOIN", "join"),
        ("ＪＯＩＮ", "join"),
        ("ⒿⓄⒾⓃ", "join"),
        ("🅹🅾🅸🅽", "join"),
        ("🅙🅞🅘🅝", "join"),
        ("ᴊᴏɪɴ", "join"),
        ("JOİN joın", "join join"),  # a Turkish keyboard's I
        ("JОIN", "join"),  # Cyrillic О
        ("JΟΙΝ", "join"),  # Greek ΟΙΝ
        ("jo\u200bin\u200f", "join"),
        ("join\u00a0lahore", "join lahore"),
        ("Faisalābād", "faisalabad"),
        ("لاھور", "لاہور"),
        ("لاهور", "لاہور"),
        ("كراچي", "کراچی"),
        ("مُلتان", "ملتان"),
        ("کہاں", "کہان"),
        ("١٢٣", "123"),
        ("۱۲۳", "123"),
        ("1️⃣", "1"),
        ("a\r\nb", "a\n\nb"),
        ("stop🛑now", "stop now"),
    ],
)
def test_spellings_that_look_alike_fold_to_one(typed: str, meant: str) -> None:
    assert fold(typed) == meant


@pytest.mark.parametrize(("one", "other"), [("تین", "تن"), ("بند", "پند"), ("не", "he"), ("1", "l"), ("بڑے", "بڑی")])
def test_letters_that_differ_stay_two(one: str, other: str) -> None:
    assert fold(one) != fold(other)


def test_a_russian_word_is_not_read_as_latin() -> None:
    assert fold("мир") == "мир"


def test_words_part_at_every_separator_but_not_at_an_apostrophe() -> None:
    assert words("JOIN.LAHORE,can't “stop”\nna-130") == ["join", "lahore", "cant", "stop", "na", "130"]


@given(st.text())
def test_folding_twice_changes_nothing_more(text: str) -> None:
    assert fold(fold(text)) == fold(text)
