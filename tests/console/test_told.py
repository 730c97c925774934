"""Faults in the reader's language: every code that a room raises has its sentence, with the same places."""

import ast
import re
from collections import defaultdict
from pathlib import Path

import pytest
from markupsafe import Markup

from faults import Either, Fault, Term, fault
from gateway.console.say import LANGUAGES, isolated, isolated_markup, load_wording, placeholders
from gateway.console.told import ENGLISH, STORED, TERMS, kept_in, load_faults, recalled
from gateway.rules.broadcast_alarm import before_start

_ROOMS = [Path(__file__).parents[2] / room for room in ("gateway", "keywords", "segments")]
_OTHERS = sorted(set(LANGUAGES) - {ENGLISH})


def _calls(name: str) -> list[tuple[str, ast.Call]]:
    return [
        (f"{file.name}:{node.lineno}", node)
        for room in _ROOMS
        for file in sorted(room.rglob("*.py"))
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name
    ]


def _raised() -> dict[str, set[str]]:
    """Return the English of each code, as the rooms write it; a fault is a literal code and a literal sentence."""
    found: dict[str, set[str]] = defaultdict(set)
    for place, call in _calls("fault"):
        code, english = call.args
        assert isinstance(code, ast.Constant) and isinstance(english, ast.Constant), place
        assert re.fullmatch(r"[a-z]+\.[a-z0-9_]+", code.value), place
        named = {one.arg for one in call.keywords}
        assert None in named or placeholders(english.value) == named, f"{place}: other values than places"
        found[code.value].add(english.value)
    return found


RAISED = _raised()


def test_a_code_says_one_thing() -> None:
    assert {code: said for code, said in RAISED.items() if len(said) > 1} == {}
    assert len(RAISED) > 250


@pytest.mark.parametrize("language", _OTHERS)
def test_every_fault_can_be_said_and_no_wording_is_left_over(language: str) -> None:
    assert load_faults().codes(language) ^ RAISED.keys() == set()


@pytest.mark.parametrize("language", _OTHERS)
def test_every_fault_has_the_same_places(language: str) -> None:
    odd = {
        code
        for code, (english, *_) in RAISED.items()
        if placeholders(load_faults().template(language, Fault(code, english))) != placeholders(english)
    }
    assert odd == set()


def test_every_term_is_a_word_of_the_pages() -> None:
    """A kind that a room uses has its list, and the lists are whole for what is known of them."""
    from gateway.accounts.viewer import ROLES
    from gateway.rules.broadcast_life import BroadcastState

    calls = [call.args for name in ("Term", "FaultTerm") for _, call in _calls(name)]
    kinds = {args[0].value for args in calls if args and isinstance(args[0], ast.Constant)}
    assert kinds == TERMS.keys()
    known = load_wording().keys()
    words = {"broadcast_state": list(BroadcastState), "role": ROLES, "rule_field": ("city", "district", "province")}
    assert [(kind, word) for kind, some in words.items() for word in some if TERMS[kind] + word not in known] == []


def test_a_fault_is_said_in_the_readers_language_with_its_values_escaped_and_isolated() -> None:
    wrong = fault("rule.no_group", "There is no group “{name}”.", name="<b>\u202ex")
    assert str(wrong) == "There is no group “<b>\u202ex”."
    assert load_faults().markup("en", wrong) == Markup("There is no group “<bdi>&lt;b&gt;\u202ex</bdi>”.")
    assert load_faults().markup("ur", wrong) == Markup("“<bdi>&lt;b&gt;\u202ex</bdi>” نام کا کوئی گروپ نہیں۔")
    assert load_faults().plain("ur", wrong).startswith("“\u2068<b>\u202ex\u2069”")


def test_words_of_ours_inside_a_fault_are_translated_too() -> None:
    wrong = fault(
        "broadcast.not_paused", "“{name}” is {state}, not paused.", name="Rally", state=Term("broadcast_state", "draft")
    )
    assert str(wrong) == "“Rally” is draft, not paused."
    assert "«<bdi>مسودہ</bdi>»" in load_faults().markup("ur", wrong)
    near = fault("rule.did_you_mean", "Did you mean {near}?", near=Either(("city:lahore", "city:lodhran")))
    assert str(near) == "Did you mean city:lahore or city:lodhran?"
    assert "<bdi>city:lahore</bdi> یا <bdi>city:lodhran</bdi>" in load_faults().markup("ur", near)
    inner = fault("word.a_seat", "a seat")
    outer = fault(
        "word.is_name", "“{written}” is the name of {place}, so it can be no command.", written="x", place=inner
    )
    assert str(outer) == "“x” is the name of a seat, so it can be no command."
    assert "<bdi>ایک حلقہ</bdi>" in load_faults().markup("ur", outer)


def test_what_has_no_code_is_said_in_english_and_marked_so() -> None:
    shown = load_faults().markup("ur", Fault("", "{sentence}", {"sentence": "x < y"}))
    assert shown == Markup('<span lang="en" dir="ltr">x &lt; y</span>')


def test_stored_sentences_of_ours_are_known_again() -> None:
    assert {code: {said} for code, said in STORED.items()} == {code: RAISED[code] for code in STORED}
    rate = before_start(12_345, [1_000], 0)
    assert rate is not None
    known = recalled(str(rate.reason))
    assert known is not None and str(known) == str(rate.reason)
    assert "<bdi>12,345</bdi>" in kept_in("ur", str(rate.reason)) and "وصول" in kept_in("ur", str(rate.reason))
    assert kept_in("ur", "wait for <Amna>") == Markup("<bdi>wait for &lt;Amna&gt;</bdi>")


def test_what_runs_from_left_to_right_inside_urdu_is_isolated() -> None:
    assert isolated("ur", "جیسے 10:00-18:00؛ یا STOP۔") == "جیسے \u206610:00-18:00\u2069؛ یا STOP۔"
    assert isolated_markup("ur", "قاعدہ < city:lahore & (a)۔") == Markup(
        'قاعدہ &lt; <bdi dir="ltr">city:lahore &amp; (a)</bdi>۔'
    )
    assert isolated("ur", "ماحول (.env) میں") == "ماحول (\u2066.env\u2069) میں"
    assert isolated("en", "such as 10:00-18:00") == "such as 10:00-18:00"
