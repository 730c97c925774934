"""Triage: words of three scripts, the words that decided, files that staff can change, and how right it is."""

from pathlib import Path

import pytest

from bench.reports.measure_triage import NaiveBayes, accuracy, f1, read_rows, speed
from gateway.reports.triage import TriageError, load_triage


@pytest.mark.parametrize(
    ("text", "category", "kind", "spot"),
    [
        ("an old woman fainted near gate no 4", "medical", "help", "gate 4"),
        ("gate 2 par larki behosh", "medical", "help", "gate 2"),
        ("گیٹ نمبر ۳ پر بزرگ بے ہوش", "medical", "help", "gate 3"),
        ("log kuchle ja rahe hain main gate", "crush", "help", "main gate"),
        ("no water, block C", "water", "complaint", "block C"),
        ("bus nahi aai do ghante se", "transport", "complaint", ""),
        ("سپیکر بند ہے", "sound", "complaint", ""),
        ("when does it start?", "information", "help", ""),
        ("well done, great arrangements", "praise", "praise", ""),
        ("hello", "other", "noise", ""),
        ("there is a snake under the carpet", "other", "help", ""),
        ("", "other", "help", ""),
    ],
)
def test_a_text_is_judged(text: str, category: str, kind: str, spot: str) -> None:
    verdict = load_triage().judge(text)
    assert (verdict.category, verdict.kind, verdict.spot) == (category, kind, spot)
    assert verdict.pages is (category in ("medical", "crush"))


def test_danger_wins_over_what_is_said_louder() -> None:
    verdict = load_triage().judge("no water no food at the bus parking and people are fainting")
    assert verdict.category == "medical"


def test_the_words_that_decided_are_shown() -> None:
    verdict = load_triage().judge("woman fainted, send ambulance")
    assert "faint* +5" in verdict.because
    assert "ambulance +5" in verdict.because


def test_staff_add_replace_and_remove_words(tmp_path: Path) -> None:
    mine = tmp_path / "mine.toml"
    mine.write_text('[category.medical]\n5 = ["khansi"]\n0 = ["fever"]\n[spots.single]\ncanteen = ["canteen"]\n')
    rules = load_triage(mine)
    assert load_triage().judge("khansi at the canteen").category == "other"
    verdict = rules.judge("khansi at the canteen")
    assert (verdict.category, verdict.spot) == ("medical", "canteen")
    assert load_triage().judge("high fever").category == "medical"
    assert rules.judge("high fever").category == "other"


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("[category.medicine]\n5 = ['x']", "no category 'medicine'"),
        ("[category.medical]\nbig = ['x']", "not 'big'"),
        ("[category.medical]\n5 = 'x'", "lists of words"),
        ("[category.medical]\n5 = ['!!']", "one to 8 words"),
        ("[words]\nx = 1", "[words] is not known"),
        ("[category", "Expected"),
    ],
)
def test_a_spoilt_file_is_refused_by_name(tmp_path: Path, written: str, said: str) -> None:
    mine = tmp_path / "mine.toml"
    mine.write_text(written)
    with pytest.raises(TriageError) as error:
        load_triage(mine)
    assert "mine.toml" in str(error.value)
    assert said in str(error.value)


def test_it_is_better_than_words_counted_and_misses_no_danger() -> None:
    learnt, held = read_rows("tune"), read_rows("held_out")
    truth = [row.category for row in held]
    ours = [load_triage().judge(row.text) for row in held]
    model = NaiveBayes((row.text, row.category) for row in learnt)
    assert accuracy(truth, [one.category for one in ours]) > accuracy(truth, [model.guess(row.text) for row in held])
    paged = f1([str(one in ("medical", "crush")) for one in truth], [str(one.pages) for one in ours], "True")
    assert paged["recall"] >= 0.95


def test_a_text_is_judged_within_its_budget() -> None:
    assert speed() < 500
