"""Words and replies that organisers write: what files may not say, they may not either, and STOP stays STOP."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

import keywords
from gateway.database import reading
from gateway.overrides import vocabulary, wordings
from gateway.overrides.store import OverrideError, changing, current
from gateway.places.store import read_directory
from gateway.replies.catalogue import load_catalogue
from keywords import SAFETY, VocabularyError, WordChange, load_vocabulary, parse, with_changes, written_words

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
FILES = load_vocabulary()
SAFE_WORDS = [one for command in SAFETY for one in written_words(FILES, command)]
SENTENCES = [
    "please stop texting me", "stop texting", "leave me alone", "dont text me", "remove me from your list",
    "take me off",
    "i want to unsubscribe", "msg mat bhejo", "mujhe msg mat bhejo", "band karo", "no more texts", "lose my number",
    "stop lahore", "i do not want any more messages", "kindly remove my number", "پیغام مت بھیجو", "بند کرو",
    "delete my number", "do not contact me", "never text me again", "i asked you to stop texting",
]  # fmt: skip


def test_the_sentences_of_this_test_opt_out() -> None:
    assert [one for one in SENTENCES if parse(one).name != "STOP"] == []


WORDS = st.one_of(
    st.sampled_from([piece for one in SENTENCES for piece in one.split()]),
    st.sampled_from([one.written for one in SAFE_WORDS]),
    st.sampled_from(["i", "me", "the", "please", "ral", "jao", "bus", "lahore", "hello", "asap", "to", "from", "60"]),
    st.text("abdlmnoprstuxzبدکم ", min_size=1, max_size=8),
)
CHANGES = st.builds(
    WordChange,
    written=st.lists(WORDS, min_size=1, max_size=4).map(" ".join),
    command=st.sampled_from(sorted(keywords.changes.SHAPES)),
    language=st.sampled_from(["en", "ur", "ur-Latn"]),
    weak=st.booleans(),
    removed=st.booleans(),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(CHANGES, min_size=1, max_size=4))
def test_no_change_takes_a_safety_word_or_an_opt_out_sentence_away(changes: list[WordChange]) -> None:
    changed = FILES
    for one in changes:
        try:
            changed = with_changes(changed, [one])
        except VocabularyError as error:
            assert one.written.strip() in str(error) or "letters" in str(error)
    for keyword in SAFE_WORDS:
        for text in (keyword.written, keyword.written.upper(), f"{keyword.written} please"):
            before, after = parse(text), parse(text, vocabulary=changed)
            assert (after.name, after.scope) == (before.name, before.scope), (text, changes)
    for sentence in SENTENCES:
        assert parse(sentence, vocabulary=changed).name == "STOP", (sentence, changes)


def test_no_word_of_stop_start_and_help_can_be_removed() -> None:
    assert len(SAFE_WORDS) > 100
    for keyword in SAFE_WORDS:
        with pytest.raises(VocabularyError, match="cannot be removed"):
            with_changes(FILES, [WordChange(keyword.written, keyword.command, keyword.language, removed=True)])


def test_an_added_word_reads_as_one_in_a_file_does(tmp_path: object) -> None:
    file = f"{tmp_path}/pa.toml"
    with open(file, "w") as written:
        written.write('language = "en"\n[commands.JOIN]\nwords = ["ral jao"]\nweak = ["ralo"]\n')
    by_file = load_vocabulary(file)
    by_hand = with_changes(FILES, [WordChange("ral jao", "JOIN", "en"), WordChange("ralo", "JOIN", "en", weak=True)])
    for text in ("ral jao Sana Lahore", "RAL JAO", "ralo", "ralo sab mil ke", "ralo: Sana Lahore", "join Sana Lahore"):
        one, other = parse(text, vocabulary=by_file), parse(text, vocabulary=by_hand)
        assert (one.name, one.argument) == (other.name, other.argument), text


def test_a_removed_word_is_no_slip_of_another() -> None:
    changed = with_changes(FILES, [WordChange("jon", "JOIN", "en", removed=True)])
    assert parse("jon Lahore").name == "JOIN"
    assert parse("jon Lahore", vocabulary=changed).name is None
    assert parse("join Lahore", vocabulary=changed).name == "JOIN"


def change(engine: Engine, written: str, command: str, *, removed: bool = False, weak: bool = False) -> None:
    one = WordChange(written, command, "en", weak)
    with changing(engine) as connection:
        stored = current(connection)
        if removed:
            vocabulary.remove_word(connection, FILES, stored, load_catalogue(), one, "amna", NOW)
        else:
            vocabulary.add_word(connection, FILES, stored, one, read_directory(connection), "amna", NOW)


REFUSED_WORDS = [
    ("stop", "JOIN", "already means STOP"),
    ("STOP!", "JOIN", "already means STOP"),
    ("leave", "JOIN", "asks for no more texts"),
    ("stop it now", "REPORT", "asks for no more texts"),
    ("hello", "JOIN", "greeting"),
    ("lahore", "STOP", "name of"),
    ("Burewala", "HELP", "name of"),
    ("students", "JOIN", "name of"),
    ("tum", "JOIN", "everyday"),
    ("join", "JOIN", "already"),
    ("", "JOIN", "Write the word"),
    ("!!", "JOIN", "letters"),
    ("x", "DANCE", "not a command"),
]


def test_words_that_cannot_be_are_refused_with_the_reason(engine: Engine) -> None:
    for written, command, why in REFUSED_WORDS:
        with pytest.raises(OverrideError, match=why):
            change(engine, written, command)
    with reading(engine) as connection:
        assert current(connection) == {}


def test_a_word_that_a_reply_tells_people_to_text_stays(engine: Engine) -> None:
    with pytest.raises(OverrideError, match=r"tells people to text JOIN"):
        change(engine, "join", "JOIN", removed=True)
    with pytest.raises(OverrideError, match="cannot be removed"):
        change(engine, "unsubscribe", "STOP", removed=True)
    with pytest.raises(OverrideError, match="no word of JOIN"):
        change(engine, "nonsense", "JOIN", removed=True)


def test_a_word_goes_and_comes_back(engine: Engine) -> None:
    change(engine, "enrol", "JOIN", removed=True)
    with reading(engine) as connection:
        stored = current(connection)
    shown = {one.written: one.state for one in vocabulary.spellings(FILES, stored, "JOIN")}
    assert shown["enrol"] == "removed"
    now, problems = vocabulary.vocabulary_in_force(FILES, stored)
    assert not problems
    assert vocabulary.try_text("enrol", now, "80022").command == ""
    change(engine, "enrol", "JOIN")
    with reading(engine) as connection:
        now, _ = vocabulary.vocabulary_in_force(FILES, current(connection))
    assert vocabulary.try_text("enrol", now, "80022").command == "JOIN"


REFUSED_REPLIES = [
    ("en", "joined", "Welcome! STOP ends.", r"lacks \{filed\}"),
    ("en", "joined", "Welcome {filed} {phone}. STOP ends.", r"\{phone\} is no placeholder"),
    ("en", "joined", "Welcome {filed!r}. STOP ends.", "nothing else between"),
    ("en", "joined", "Welcome {filed.__class__}. STOP ends.", "lacks"),
    ("en", "joined", "Welcome {filed}. {STOP ends.", "stands alone"),
    ("en", "joined", "Welcome {filed}. {{STOP}} ends.", "only around"),
    ("en", "joined", "Welcome! You are in: {filed}.", "how to STOP"),
    ("en", "stopped", "You are out.", "how to START"),
    ("ur", "stopped", "آپ باہر ہیں۔", "how to START"),
    ("en", "help", "Join " + "x" * 400, "parts"),
    ("en", "help", "Text JOIN\u202e STOP", "invisible sign"),
    ("en", "help", "Text JOIN, WHERE or STOP ☂", "plain SMS alphabet"),
    ("en", "help", "   ", "empty"),
    ("en", "erase_kept", "Stop texting me", "read as STOP"),
    ("en", "no_such_reply", "x", "no reply"),
    ("fr", "help", "x", "no language"),
]


def test_replies_that_cannot_be_are_refused_with_the_reason(engine: Engine) -> None:
    for language, key, text, why in REFUSED_REPLIES:
        with pytest.raises(OverrideError, match=why), changing(engine) as connection:
            wordings.set_wording(connection, language, key, text, FILES, "amna", NOW)
    with reading(engine) as connection:
        assert current(connection) == {}


def test_a_longer_reply_is_taken_with_its_price_told() -> None:
    judged = wordings.judge("en", "erase_kept", "Nothing was removed. " + "We keep what you told us. " * 6, FILES)
    assert (judged.parts, judged.usual_parts) == (2, 1)
    assert "2 parts" in str(judged.warnings[0])


def test_going_back_to_the_built_in_words_is_a_version_of_its_own(engine: Engine) -> None:
    for text in ("Nothing was taken away.", None):
        with changing(engine) as connection:
            wordings.set_wording(connection, "en", "erase_kept", text, FILES, "amna", NOW)
    with reading(engine) as connection:
        stored = current(connection)
    catalogue, _ = wordings.catalogue_in_force(stored, FILES)
    assert catalogue.template("erase_kept", "en") == load_catalogue().template("erase_kept", "en")
    assert stored["reply", "en/replies/erase_kept"].version == 2
