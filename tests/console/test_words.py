"""The words of the pages: the same in both languages, and every key that a page uses is there."""

import re
from importlib import resources
from pathlib import Path

import pytest
from markupsafe import Markup

from gateway.console.say import LANGUAGES, Wording, WordingError, load_wording

_ROOT = Path(str(resources.files("gateway.console")))
_COMMENT = re.compile(r"{#.*?#}", re.DOTALL)
_USED = re.compile(r"""\b(?:t|say)\(\s*["']([\w.]+)["']\s*[,)]""")


def test_english_and_urdu_have_the_same_keys_and_placeholders() -> None:
    load_wording()  # it checks, at every start
    for odd in ({"a": "x {n}"}, {"a": "x", "b": "y"}):
        with pytest.raises(WordingError):
            Wording({"en": odd, "ur": {"a": "x"}})


def test_urdu_is_in_urdu() -> None:
    """But for examples of what is typed, and names such as CSV that are the same everywhere."""
    wording = load_wording()
    latin = [key for key in wording.keys() if not re.search("[؀-ۿ]", wording.say_raw("ur", key))]  # noqa: SIM118
    assert [
        key for key in latin if ".example_" not in key and key not in {"broadcasts.replace", "members.kind_csv"}
    ] == []


def test_every_key_that_a_template_names_is_there() -> None:
    known = load_wording().keys()
    missing = {
        (file.name, key)
        for file in (_ROOT / "templates").rglob("*.html")
        for key in _USED.findall(_COMMENT.sub("", file.read_text("utf-8")))
        if key not in known
    }
    assert missing == set()


def test_values_are_escaped_and_isolated() -> None:
    wording = load_wording()
    said = wording.markup("en", "layout.account_of", name="<script>\u202eevil")
    assert said == Markup("Account of <bdi>&lt;script&gt;\u202eevil</bdi>")
    assert wording.say("ur", "layout.account_of", name="Amna").startswith("\u2068Amna\u2069")


def test_one_is_said_as_one() -> None:
    wording = load_wording()
    assert wording.say("en", "account.codes_left", n=1) == "\u20681\u2069 recovery code is left."
    assert "codes are left" in wording.say("en", "account.codes_left", n=2)


def test_no_page_writes_script_or_style_into_itself() -> None:
    for file in (_ROOT / "templates").rglob("*.html"):
        html = file.read_text("utf-8")
        assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*src=)|https?://(?!www\.w3\.org)", html), (
            file.name
        )


def test_there_are_two_languages() -> None:
    assert set(LANGUAGES) == {"en", "ur"}
