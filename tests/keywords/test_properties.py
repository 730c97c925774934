"""What holds for every text: nothing raises, the argument is the person's own words, looks do not change a command."""

import string
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from keywords import looks_like_stop, parse

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=1700)
# Words that the parser knows, in any order: deeper in its branches than random letters ever get.
KNOWN = [
    "stop",
    "join",
    "where",
    "report",
    "please",
    "me",
    "texting",
    "mat",
    "bhejo",
    "msg",
    "بند",
    "کرو",
    "شامل",
    "is",
]
KNOWN += ["bus", "lahore", "NA-130", "80022", "aoa", "dont", "no", "yes", "S", "T", "?", ".", "\n", "-", "(", "\u200f"]
WORD_SALAD = st.lists(st.sampled_from(KNOWN), max_size=40).map(" ".join)
EXACT = ["JOIN", "WHERE", "REPORT", "STATUS", "STOP", "START", "HELP", "ME", "LANG", "CITY", "GROUP", "ERASE", "INVITE"]
EXACT += ["MORE", "STEPS", "SEAT", "YES", "NO"]
INVISIBLE = st.sampled_from(
    ["", "\u200b", "\u200c", "\u200d", "\u200e", "\u200f", "\u2066", "\ufeff", "\u00ad", "\u0301"]
)
AROUND = st.text(st.sampled_from(" .,!?\"'“”()[]*#:;-–—…\n\t\u00a0🛑👍"), max_size=6)


@given(ANY_TEXT | WORD_SALAD, st.sampled_from([None, "80022", "+92 80022", ""]))
@example("\ud800STOP\udfff", None)
@example("\x00JOIN\x00lahore", None)
def test_nothing_raises_and_the_argument_is_the_persons_own_words(text: str, short_code: str | None) -> None:
    everyone = frozenset({"field", "marshal", "seat-holder"})
    for audience in (frozenset[str](), everyone):
        command = parse(text, short_code=short_code, audience=audience)
        assert command.argument in text
        assert command.argument == command.argument.strip()
        assert command.reason
        assert (command.scope != "") == (command.name == "STOP")
    assert isinstance(looks_like_stop(text), bool)


@given(WORD_SALAD)
def test_every_opt_out_looks_like_one(text: str) -> None:
    assert parse(text).name != "STOP" or looks_like_stop(text)


@given(st.data(), st.sampled_from(EXACT), AROUND, AROUND)
def test_looks_never_change_an_exact_command(data: st.DataObject, word: str, before: str, after: str) -> None:
    letters = [data.draw(st.sampled_from([letter.upper(), letter.lower(), _wide(letter)])) for letter in word]
    hidden = [letter + data.draw(INVISIBLE) for letter in letters]
    command = parse(before + "".join(hidden) + after)
    assert (command.name, command.argument) == (word, "")


def _wide(letter: str) -> str:
    return chr(ord(letter) - ord("A") + ord("Ａ")) if letter in string.ascii_uppercase else letter


@given(st.sampled_from(["شامل", "کہاں", "شکایت", "بند", "شروع", "مدد", "مزید"]), st.data())
def test_vowel_signs_and_arabic_letters_never_change_an_urdu_command(word: str, data: st.DataObject) -> None:
    arabic = {"ک": "ك", "ی": "ي", "ہ": "ه"}
    typed = "".join(
        data.draw(st.sampled_from([letter, arabic.get(letter, letter)]))
        + data.draw(st.sampled_from(["", "\u064e", "\u0650", "\u064f", "\u0651", "\u0640", "\u200c"]))
        for letter in word
    )
    assert parse(typed).name == parse(word).name is not None


REPEATED = ["stop ", "s t o p ", "join ", "please ", "Stop. ", "stop texting me ", "mujhe msg ", "a ", "--\n", " -- "]
REPEATED += ["((", "!", "aoa ", "dont text me. ", "sent from ", "\n", "بند ", "مجھے پیغام ", "\u200f", "no more "]
REPEATED += ["where is the ", "my name is ", "yes ", "fwd: ", "JOINlahore", "80022 "]


@pytest.mark.parametrize("piece", REPEATED)
def test_time_grows_with_length_and_no_faster(piece: str) -> None:
    text = piece * (200_000 // len(piece))
    began = time.process_time()
    parse(text)
    looks_like_stop(text)
    assert time.process_time() - began < 5, "200,000 characters take well under a second when time is linear"
