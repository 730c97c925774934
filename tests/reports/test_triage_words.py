"""How triage reads words: other spellings, plurals, concepts, gaps and questions; and what it leaves as written."""

from pathlib import Path

import pytest

from gateway.reports.triage import TriageError, load_triage
from gateway.reports.triage.judge import NORMAL, URGENT
from gateway.reports.triage.spelling import Spelling, sound

ROMAN = {"behosh", "pani", "khoon", "badtameez", "gaari", "nahi", "letrin"}


@pytest.mark.parametrize(
    ("one", "other"),
    [("behosh", "beihosh"), ("badtameez", "budtmeez"), ("khoon", "khun"), ("zakhmi", "zakhmee"), ("aag", "ag")],
)
def test_spellings_of_one_word_sound_alike_but_for_a_vowel_that_is_said_otherwise(one: str, other: str) -> None:
    assert (sound(one) == sound(other)) is (other != "budtmeez")


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("beihosh", "behosh"),
        ("behoosh", "behosh"),
        ("bohosh", "behosh"),  # a vowel for another
        ("ambulence", "ambulance"),
        ("ambulanec", "ambulance"),
        ("abmulance", "ambulance"),
        ("tents", "tent"),
        ("collapsing", "collapse"),
        ("rotiyan", "rotiyan"),  # no rule knows roti here
        ("خانے", "خانہ"),
        ("packing", "packing"),  # a consonant for another is another word
        ("still", "still"),  # sounds like steal, which is English and so not heard by ear
        ("course", "course"),  # stands in leave
        ("pan", "pan"),  # too short to be a slip
        ("12345", "12345"),
    ],
)
def test_a_word_is_read_as_the_one_that_is_meant(written: str, meant: str) -> None:
    known = {*ROMAN, "ambulance", "tent", "collapse", "parking", "steal", "kursi", "خانہ"}
    assert Spelling(known, {"faint"}, {"course"}, ROMAN).meant(written) == meant


def test_what_fits_two_words_stays_as_it_is_written() -> None:
    assert Spelling({"killing", "billing"}, (), (), ()).meant("illing") == "illing"
    assert Spelling({"planter", "planten"}, (), (), ()).meant("plante") == "plante"


def judged(folder: Path, text: str, *lines: str) -> dict[str, int]:
    mine = folder / "mine.toml"
    mine.write_text("\n".join(lines))
    return dict(load_triage(mine).judge(text).scores)


CONCEPT = '[concepts]\nfruit = ["mango", "water melon"]'


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("zzz mango zzy", True),
        ("zzz a water melon zzy", True),
        ("zzz one two three four mango zzy", True),
        ("zzz one two three four five mango zzy", False),  # `..` is four words at most
        ("zzz mango a zzy", False),  # no gap stands there
        ("zzz water zzy", False),
        ("mango zzz zzy", False),
        ("zzz mango", False),
    ],
)
def test_a_phrase_may_name_a_concept_and_leave_a_gap(tmp_path: Path, text: str, fits: bool) -> None:
    scores = judged(tmp_path, text, CONCEPT, '[category.sound]\n9 = ["zzz .. <fruit> zzy"]')
    assert (scores.get("category.sound", 0) == 9) is fits


def test_a_phrase_may_begin_with_a_concept_of_several_words_and_end_with_one(tmp_path: Path) -> None:
    rule = '[category.sound]\n9 = ["<fruit> .. <fruit>"]'
    assert judged(tmp_path, "a water melon or mango", CONCEPT, rule)["category.sound"] == 9
    assert "category.sound" not in judged(tmp_path, "a water melon or water", CONCEPT, rule)
    assert "category.sound" not in judged(tmp_path, "only water", CONCEPT, rule)


def test_concepts_of_several_files_are_one(tmp_path: Path) -> None:
    scores = judged(tmp_path, "my zorbling is lost", '[concepts]\nfamily = ["zorbling"]')
    assert scores["category.lost"] >= 5


def test_a_word_staff_forbid_to_respell_is_left(tmp_path: Path) -> None:
    assert judged(tmp_path, "get an ambulence", "")["category.medical"] == 5
    assert "category.medical" not in judged(tmp_path, "get an ambulence", '[spelling]\nleave = ["ambulence"]')


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ('[category.sound]\n5 = ["a <nothing> b"]', "no concept 'nothing'"),
        ('[category.sound]\n5 = [".. b"]', "only between"),
        ('[category.sound]\n5 = ["b .."]', "only between"),
        ('[category.sound]\n5 = ["<family>*"]', "must be"),
        ('[concepts]\nfamily = ["one two three four"]', "one to 3 words"),
        ('[concepts]\n"Fam 1" = ["a"]', "small letters"),
        ('[spelling]\nother = ["a"]', "not 'other'"),
    ],
)
def test_a_phrase_that_cannot_be_used_is_refused(tmp_path: Path, written: str, said: str) -> None:
    with pytest.raises(TriageError, match=said):
        judged(tmp_path, "x", written)


def test_staff_see_the_word_that_was_written_beside_the_one_that_was_meant() -> None:
    verdict = load_triage().judge("larka beihosh")
    assert "behosh* (beihosh) +5" in verdict.because or "behos* (beihosh) +5" in verdict.because


@pytest.mark.parametrize("text", ["I'll be there at six", "Ok ill call you", "the battery is dead slow"])
def test_i_will_is_not_ill(text: str) -> None:
    assert not load_triage().judge(text).pages


@pytest.mark.parametrize(
    ("text", "category"),
    [
        ("toilets near gate 2 have no water", "toilets"),
        ("washroom mein pani nahi", "toilets"),
        ("no water no food", "water"),
        ("bheer bohat hai saans nahi aa rahi", "crush"),
        ("saans nahi aa rahi dama hai", "medical"),
        ("bachon ko pani nahi mila", "water"),
        ("bacha nahi mil raha", "lost"),
        ("بچوں کو پانی نہیں ملا", "water"),
        ("بچی نہیں مل رہی", "lost"),
    ],
)
def test_what_is_lacking_decides_what_a_text_is_about(text: str, category: str) -> None:
    assert load_triage().judge(text).category == category


@pytest.mark.parametrize(
    ("text", "urgency"),
    [
        ("my phone was stolen", URGENT),
        ("phone stolen, he had a pistol", 3),
        ("please help", URGENT),
        ("loud mic", NORMAL),
    ],
)
def test_a_smaller_danger_is_less_urgent_but_never_beside_a_deciding_word(text: str, urgency: int) -> None:
    assert load_triage().judge(text).urgency == urgency


@pytest.mark.parametrize(("text", "kind"), [("😂😂😂", "noise"), ("🔥🔥", "help"), ("???", "help")])
def test_a_text_of_pictures_alone_is_noise_unless_they_raise_an_alarm(text: str, kind: str) -> None:
    assert load_triage().judge(text).kind == kind


def test_a_number_may_be_written_to_its_gate() -> None:
    assert load_triage().judge("gate6 is locked").spot == "gate 6"
