"""The one place where replies are worded: a folder per language, the same keys and placeholders in each.

A folder has a file for each room of the gateway. For translators: plain letters only in English and Roman Urdu, because
one sign outside the GSM alphabet doubles the price of a text; an Urdu part holds 70 letters, so be short.

A name or place typed by a person is put in between isolate marks when it runs the other way than the reply, so that it
cannot turn the sentence around (Unicode UAX #9, FSI and PDI); an isolate costs two units of a part, so it is used only
where directions differ.
"""

import re
import string
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources

from gateway.rules.conversation import Listed, Plain, Reply, Value, Word
from gateway.rules.message_parts import cheapest_parts

LANGUAGES = ("en", "ur", "ur-Latn")
_FALLBACK = {"ur-Latn": "en", "ur": "en"}
_RIGHT_TO_LEFT = re.compile(r"[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff]")
_LEFT_TO_RIGHT = re.compile(r"[A-Za-zÀ-ɏ]")
_CONTROLS = re.compile(r"[\u0000-\u001f\u007f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]+")
_RTL_LANGUAGES = {"ur"}
_MOST_PARTS = {"ur": 2}  # of a reply that can be said shorter; one part in the others


class CatalogueError(ValueError):
    """A language file lacks a reply or a placeholder; the message names the file and the key."""


class Catalogue:
    """Replies and words per language."""

    def __init__(self, files: Mapping[str, Mapping[str, Mapping[str, str]]]) -> None:
        """:raises CatalogueError: if the languages differ in keys or placeholders"""
        self._replies = {language: dict(data["replies"]) for language, data in files.items()}
        self._words = {language: dict(data["words"]) for language, data in files.items()}
        self._versions: Mapping[tuple[str, str], int] = {}
        self._check()

    @property
    def wordings(self) -> tuple[str, ...]:
        return tuple(self._replies["en"])

    def template(self, wording: str, language: str) -> str:
        return self._replies[language][wording]

    @property
    def words(self) -> tuple[str, ...]:
        """The keys of what replies are put together from."""
        return tuple(self._words["en"])

    def word(self, key: str, language: str) -> str:
        return self._words[language][key]

    def version(self, wording: str, language: str) -> int:
        """Return which version of a reply this is: 0 for the packaged one, else that of the organisers' change."""
        return self._versions.get((language, wording), 0)

    def with_texts(
        self, texts: Mapping[tuple[str, str, str], str], versions: Mapping[tuple[str, str], int] | None = None
    ) -> "Catalogue":
        """Return the catalogue with other texts.

        :param texts: by language, table ("replies" or "words") and key
        :param versions: of replies, by language and key
        :raises CatalogueError: a text has other placeholders than the packaged one, or stands for nothing
        """
        files = {
            language: {"replies": dict(self._replies[language]), "words": dict(self._words[language])}
            for language in self._replies
        }
        for (language, table, key), text in texts.items():
            if key not in files.get(language, {}).get(table, {}):
                raise CatalogueError(f"{language}: there is no {key!r} in {table}.")
            files[language][table][key] = text
        changed = Catalogue(files)
        changed._versions = dict(versions or {})
        return changed

    def _check(self) -> None:
        for table, what in ((self._replies, "reply"), (self._words, "word")):
            for language, entries in table.items():
                if odd := set(entries) ^ set(table["en"]):
                    raise CatalogueError(f"{language} and en differ in the {what} {min(odd)!r}.")
                for key, text in entries.items():
                    if placeholders(text) != placeholders(table["en"][key]):
                        raise CatalogueError(f"{language}: {what} {key!r} has other placeholders than in en.")

    def render(self, reply: Reply, language: str) -> str:
        """Return the words of a reply, placeholders filled; an unknown language falls back to English."""
        if language not in self._replies:
            language = "en"
        wording = self._replies[language][reply.wording]
        if not reply.values:
            return wording
        values = self._say_all(reply.values, language)
        text = wording.format_map(values)
        if reply.shorter:
            most = reply.most_parts or _MOST_PARTS.get(language, 1)
            for others in reply.shorter:
                if cheapest_parts(text).parts <= most:
                    break
                text = wording.format_map(values | self._say_all(others, language))
        return text

    def _say_all(self, values: Mapping[str, Value], language: str) -> dict[str, str]:
        return {key: self.say(value, language) for key, value in values.items()}

    def say(self, value: Value, language: str) -> str:
        """Return one value in the reader's language, free of control marks, isolated where its direction differs."""
        if isinstance(value, Word):
            word = self._words[language][value.key]
            if not value.values:
                return word
            return word.format_map(self._say_all(value.values, language))
        if isinstance(value, Plain):
            return value.text
        if isinstance(value, Listed):
            comma = "، " if language in _RTL_LANGUAGES else ", "
            return comma.join(self.say(one, language) for one in value.values)
        if isinstance(value, str):
            said = value
        else:
            said = value.get(language) or value.get(_FALLBACK.get(language, "en")) or value.get("") or ""
        said = _CONTROLS.sub(" ", said) if not said.isprintable() else said
        other_way = _LEFT_TO_RIGHT if language in _RTL_LANGUAGES else _RIGHT_TO_LEFT
        return f"\u2068{said}\u2069" if other_way.search(said) else said


def placeholders(text: str) -> frozenset[str]:
    return frozenset(name for _, name, _, _ in string.Formatter().parse(text) if name)


@cache
def load_catalogue() -> Catalogue:
    """Return the catalogue of the language folders beside this module (UTF-8 TOML).

    :raises CatalogueError: a key stands in two files, or the languages differ
    """
    return Catalogue({language: _read_folder(language) for language in LANGUAGES})


def _read_folder(language: str) -> Mapping[str, Mapping[str, str]]:
    merged: dict[str, dict[str, str]] = {"replies": {}, "words": {}}
    folder = resources.files("gateway.replies") / language
    for file in sorted(folder.iterdir(), key=lambda one: one.name):
        for table, entries in tomllib.loads(file.read_text(encoding="utf-8")).items():
            if twice := merged[table].keys() & entries.keys():
                raise CatalogueError(f"{language}/{file.name}: {min(twice)!r} stands in another file too.")
            merged[table].update(entries)
    return merged
