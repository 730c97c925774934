"""The language of a text is told by the small words of its sentence, not by a poster's keyword."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keywords import language_of, load_vocabulary

PUNJABI = """
language = "pa"
[text]
chatter = ["menu", "tenu", "kithe", "assi", "tussi", "kya"]
"""


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("REPORT gate 3 par pani nahi hai", "ur-Latn"),
        ("yaar bus kahan hai", "ur-Latn"),
        ("MAIN AA RAHA HUN", "ur-Latn"),
        ("REPORT there is no water", "en"),
        ("where are the buses?", "en"),
        ("مجھے بتائیں کہ بس کہاں ہے", "ur"),
        ("JOIN Ali Lahore", None),
        ("HELP", None),
        ("salam", None),
        ("hai", None),  # one word alone may be a name
        ("hai hai hai hai", None),
        ("", None),
        ("👍👍", None),
    ],
)
def test_it_takes_two_words_of_a_sentence(text: str, language: str | None) -> None:
    assert language_of(text, load_vocabulary()) == language


def test_as_many_words_of_two_languages_tell_nothing() -> None:
    assert language_of("kya hai what are", load_vocabulary()) is None
    assert language_of("kya hai yeh what are", load_vocabulary()) == "ur-Latn"


def test_an_organisers_own_language_counts_and_a_shared_word_is_nobodys(tmp_path: Path) -> None:
    file = tmp_path / "pa.toml"
    file.write_text(PUNJABI, encoding="utf-8")
    vocabulary = load_vocabulary(file)
    assert language_of("tussi kithe ho", vocabulary) == "pa"
    assert "kya" not in vocabulary.sentence_words["pa"] | vocabulary.sentence_words["ur-Latn"]
    assert "kya" in load_vocabulary().sentence_words["ur-Latn"]


@given(st.text(max_size=200))
def test_any_text_may_come(text: str) -> None:
    assert language_of(text, load_vocabulary()) in {None, "en", "ur", "ur-Latn"}
