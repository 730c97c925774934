"""The catalogue of replies: whole in every language, short, and never a command that we would obey."""

import re

import pytest

import keywords
from gateway.replies.catalogue import LANGUAGES, Catalogue, CatalogueError, load_catalogue
from gateway.replies.checks import MOST_PARTS, OBEYED, judge_word, judge_wording, usual_example
from gateway.rules.conversation import Reply
from gateway.rules.message_parts import count_parts

CATALOGUE = load_catalogue()


def rendered(wording: str, language: str) -> str:
    return usual_example(CATALOGUE, wording, language)


def test_the_parts_of_every_reply_in_every_language() -> None:
    print(f"\n{'reply':28}" + "".join(f"{language:>10}" for language in LANGUAGES))
    too_long = []
    for wording in CATALOGUE.wordings:
        parts = {language: count_parts(rendered(wording, language)) for language in LANGUAGES}
        print(f"{wording:28}" + "".join(f"{parts[language].parts:>10}" for language in LANGUAGES))
        too_long += [(wording, lang) for lang, count in parts.items() if count.parts > MOST_PARTS[lang]]
    assert too_long == []


def test_latin_replies_cost_gsm_letters_only() -> None:
    for wording in CATALOGUE.wordings:
        for language in ("en", "ur-Latn"):
            assert count_parts(CATALOGUE.template(wording, language)).encoding == "GSM-7", (wording, language)


@pytest.mark.parametrize("language", LANGUAGES)
def test_none_of_our_replies_is_a_command(language: str) -> None:
    """Two gateways, or a phone that echoes, must not obey what we say."""
    for wording in CATALOGUE.wordings:
        command = keywords.parse(rendered(wording, language))
        assert command.name not in OBEYED, (wording, command)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("wording", ["miss", "miss_stop", "miss_trouble", "help"])
def test_who_is_not_understood_is_told_how_to_stop(wording: str, language: str) -> None:
    """What docs/consent-cases.md promises of the usual answer."""
    said = re.findall(r"\w+", CATALOGUE.template(wording, language))
    assert "STOP" in {keywords.parse(word).name for word in said}


_SAID = re.compile(r"\b[A-Z]{2,}\b")


@pytest.mark.parametrize("language", ["en", "ur-Latn", "ur"])
def test_every_command_word_that_we_tell_people_is_understood(language: str) -> None:
    known = {"REF", "EN", "UR", "ROMAN", "NA"}
    for wording in CATALOGUE.wordings:
        for word in set(_SAID.findall(CATALOGUE.template(wording, language))) - known:
            audience = frozenset({"seat-holder", "field", "marshal"})
            assert keywords.parse(word, audience=audience).name, (wording, word)


@pytest.mark.parametrize(
    ("said", "name"),
    [("شامل ثنا لاہور", "JOIN"), ("کہاں ماڈل ٹاؤن", "WHERE"), ("شکایت پانی نہیں", "REPORT"), ("بند", "STOP"),
     ("مدد", "HELP"), ("ہاں", "YES"), ("SHAMIL Sana Lahore", "JOIN"), ("KAHAN Model Town", "WHERE"),
     ("SHIKAYAT pani nahi", "REPORT"), ("BAND", "STOP"), ("MADAD", "HELP"), ("HAAN", "YES"),
     ("JOIN Sana Lahore", "JOIN"), ("WHERE Model Town", "WHERE"), ("REPORT no water", "REPORT"),
     ("LANG EN", "LANG"), ("LANG UR", "LANG"), ("LANG ROMAN", "LANG"), ("گروپ طلبہ", "GROUP")],
)  # fmt: skip
def test_every_example_that_we_give_works(said: str, name: str) -> None:
    assert keywords.parse(said).name == name


def test_a_name_cannot_turn_a_sentence_around_or_break_it() -> None:
    urdu = CATALOGUE.render(Reply("city_saved", {"filed": "Ali\u202eevil\nSTOP"}), "ur")
    assert "\u202e" not in urdu
    assert "\n" not in urdu
    assert "\u2068Ali" in urdu
    assert "\u2069" in urdu
    assert "\u2068" not in CATALOGUE.render(Reply("city_saved", {"filed": "علی"}), "ur")


@pytest.mark.parametrize(
    "broken",
    [{"replies": {"a": "x"}, "words": {}}, {"replies": {"a": "{other}", "b": "y"}, "words": {}}],
)
def test_a_language_that_lacks_a_reply_or_placeholder_is_named(broken: dict[str, dict[str, str]]) -> None:
    with pytest.raises(CatalogueError, match="ur"):
        Catalogue({"en": {"replies": {"a": "{one}", "b": "y"}, "words": {}}, "ur": broken})


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_packaged_reply_and_word_passes_what_organisers_words_must_pass(language: str) -> None:
    vocabulary = keywords.load_vocabulary()
    for wording in CATALOGUE.wordings:
        template = CATALOGUE.template(wording, language)
        assert judge_wording(CATALOGUE, wording, language, template, vocabulary).text == template
    for key in CATALOGUE.words:
        assert judge_word(CATALOGUE, key, language, CATALOGUE.word(key, language)) == CATALOGUE.word(key, language)
