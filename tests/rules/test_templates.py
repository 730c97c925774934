"""Words with places in them: checked, filled once, and never dearer for a person's name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.rules.message_parts import count_parts
from gateway.rules.templates import DEFAULTS, TemplateError, check, render

EN = DEFAULTS["en"]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("  ", "no words"),
        ("Dear {nmae}", "There is no {nmae}"),
        ("Dear {}", "There is no {}"),
        ("Dear {name", "A brace stands alone"),
        ("Dear name}", "A brace stands alone"),
        ("x" * 1_531, "10 are the most"),
    ],
)
def test_what_cannot_be_sent(words: str, sentence: str) -> None:
    with pytest.raises(TemplateError, match=sentence.replace("{", r"\{")):
        check(words)


def test_missing_values_have_defaults() -> None:
    assert render("{name} of {city}", EN, "", "").body == "friend of your city"
    assert render("{name} of {city}", EN, "Ali", "Lahore").body == "Ali of Lahore"


def test_a_name_is_never_read_as_a_field() -> None:
    assert render("Dear {name}", EN, "{city} {name}", "Lahore").body == "Dear {city} {name}"


def test_a_name_that_would_add_a_part_is_cut_and_then_left_out() -> None:
    words = "{name} " + "x" * 150  # 157 with "friend"
    assert render(words, EN, "Ali Khan", "").body.startswith("Ali Khan x")
    cut = render(words, EN, "Ali Mohammad Khan", "")
    assert (cut.body[:5], cut.shortened, cut.counted.parts) == ("Ali x", True, 1)
    left_out = render(words, EN, "Abdurrahmaaan", "")
    assert (left_out.body[:8], left_out.shortened, left_out.counted.parts) == ("friend x", True, 1)


def test_a_name_in_another_alphabet_does_not_turn_the_text_dear() -> None:
    words = "{name} " + "x" * 100
    assert render(words, EN, "علی", "").body.startswith("friend ")
    assert render("{name} come", EN, "علی", "").body == "علی come"


@given(st.text(max_size=200), st.sampled_from([0, 30, 60, 140, 153, 300]), st.sampled_from(["x", "ش"]))
def test_no_name_ever_adds_a_part(name: str, length: int, letter: str) -> None:
    words = "{name}, " + letter * length
    plain = render(words, EN, "", "").counted.parts
    found = render(words, EN, name, "")
    assert found.counted.parts <= plain
    assert count_parts(found.body).parts == found.counted.parts
