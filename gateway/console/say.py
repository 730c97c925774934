"""The words of the pages: TOML files in wording/, for each area and language, with the same keys and placeholders.

`wording/<area>.<language>.toml` has one table per area: `[reports]` with `title = "Reports"` is the key
`reports.title`. A key with `_one` beside it is taken when the placeholder `n` is 1.
"""

import re
import string
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources
from typing import Any

from markupsafe import Markup, escape

LANGUAGES = {"en": "English", "ur": "اردو"}
RIGHT_TO_LEFT = frozenset({"ur"})
_FSI, _LRI, _PDI = "\u2068", "\u2066", "\u2069"
_LEFT_TO_RIGHT = re.compile(r"[!+*#@<>=.-]*[A-Za-z0-9](?:[!-~ ]*[A-Za-z0-9)>*])?")


class WordingError(ValueError):
    """The files contradict each other, or a key is missing; the message names it."""


class Wording:
    """Every sentence of the console, by language and key."""

    def __init__(self, texts: Mapping[str, Mapping[str, str]]) -> None:
        """:raises WordingError: the languages differ in keys or placeholders"""
        self._texts = texts
        for language in LANGUAGES:
            if odd := texts["en"].keys() ^ texts[language].keys():
                raise WordingError(f"{language}: {min(odd)!r} stands in one language only.")
            for key, text in texts[language].items():
                if placeholders(text) != placeholders(texts["en"][key]):
                    raise WordingError(f"{language}: {key!r} has other placeholders than in English.")

    def keys(self) -> frozenset[str]:
        return frozenset(self._texts["en"])

    def say_raw(self, language: str, key: str) -> str:
        """Return a sentence with its placeholders as they stand."""
        return self._texts[language][key]

    def say(self, language: str, key: str, **values: Any) -> str:
        """Return plain text, for titles, attributes and texts; every value is isolated, whichever way it runs."""
        shown = {name: f"{_FSI}{value}{_PDI}" for name, value in values.items()}
        return "".join(
            isolated(language, literal) + (str(shown[name]) if name is not None else "")
            for literal, name, _, _ in string.Formatter().parse(self._find(language, key, values))
        )

    def markup(self, language: str, key: str, **values: Any) -> Markup:
        """Return HTML: the sentence with each value escaped and isolated in <bdi>."""
        shown = Markup("")
        for literal, name, _, _ in string.Formatter().parse(self._find(language, key, values)):
            shown += isolated_markup(language, literal)
            if name is not None:
                value = values[name]
                shown += value if isinstance(value, Markup) else Markup("<bdi>{}</bdi>").format(value)
        return shown

    def _find(self, language: str, key: str, values: Mapping[str, Any]) -> str:
        texts = self._texts.get(language) or self._texts["en"]
        if values.get("n") == 1 and f"{key}_one" in texts:
            key += "_one"
        if key not in texts:
            raise WordingError(f"There is no wording {key!r}.")
        return texts[key]


def isolated(language: str, text: str) -> str:
    """Return the plain text of a wording: where the language runs from right to left, whatever in it does not and has
    signs in it (10:00-18:00, city:lahore) is isolated, since its parts would change places."""
    if language not in RIGHT_TO_LEFT:
        return text
    return "".join(f"{_LRI}{run}{_PDI}" if apart else run for run, apart in _runs(text))


def isolated_markup(language: str, text: str) -> Markup:
    """Return the same as HTML."""
    if language not in RIGHT_TO_LEFT:
        return escape(text)
    return Markup("").join(
        Markup('<bdi dir="ltr">{}</bdi>').format(run) if apart else escape(run) for run, apart in _runs(text)
    )


def _runs(text: str) -> Iterator[tuple[str, bool]]:
    """Yield the pieces of a text, and whether each is to be isolated; brackets around a run stay outside."""
    at = 0
    for found in _LEFT_TO_RIGHT.finditer(text):
        run = found[0]
        while run.endswith(")") and run.count(")") > run.count("("):
            run = run[:-1]
        if not run.isalnum():
            yield text[at : found.start()], False
            yield run, True
            at = found.start() + len(run)
    yield text[at:], False


def placeholders(text: str) -> frozenset[str]:
    return frozenset(name for _, name, _, _ in string.Formatter().parse(text) if name)


@cache
def load_wording() -> Wording:
    """Return the words of the files in wording/.

    :raises WordingError: a key stands in two files, or the languages differ
    """
    texts: dict[str, dict[str, str]] = {language: {} for language in LANGUAGES}
    folder = resources.files("gateway.console") / "wording"
    for file in sorted(folder.iterdir(), key=lambda one: one.name):
        if not file.name.endswith(".toml") or file.name.startswith("faults."):
            continue
        language = file.name.split(".")[-2]
        for key, text in flat(tomllib.loads(file.read_text(encoding="utf-8")), ""):
            if key in texts[language]:
                raise WordingError(f"{file.name}: {key!r} stands in another file too.")
            texts[language][key] = text
    return Wording(texts)


def flat(table: Mapping[str, Any], above: str) -> list[tuple[str, str]]:
    """Return the texts of a table and of those in it, by keys with dots between."""
    found: list[tuple[str, str]] = []
    for key, value in table.items():
        if isinstance(value, Mapping):
            found += flat(value, f"{above}{key}.")
        else:
            found.append((above + key, str(value)))
    return found
