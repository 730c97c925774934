"""The vocabulary: which words mean which command, read from one file per language."""

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, Final

from keywords.names import SHAPES
from orthography import words

PACKAGED: Final = ("en.toml", "ur.toml", "ur-Latn.toml")
MAX_WORDS: Final = 6  # of one keyword


class VocabularyError(ValueError):
    """A vocabulary file that cannot be used; the message names file, word and command."""


@dataclass(frozen=True, slots=True)
class Keyword:
    """One keyword of one language, folded into words."""

    words: tuple[str, ...]
    command: str
    language: str
    weak: bool  # an everyday word too: needs more than itself before it counts with text behind it
    source: str  # file it came from
    written: str  # as the file writes it


@dataclass(frozen=True, slots=True)
class OptOutWords:
    """The parts of one language's opt-out sentences."""

    language: str
    stop: frozenset[str]
    things: frozenset[str]
    send: frozenset[str]
    never: frozenset[str]
    known: frozenset[str]  # every word that may stand in such a sentence
    beside_phrases: frozenset[str]  # and with a whole phrase in it
    phrases: dict[str, tuple[tuple[str, ...], ...]]  # by first word


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Every language's words, ready to be looked up. Made by load_vocabulary."""

    keywords: dict[str, tuple[Keyword, ...]]  # by first word, longest first
    other_sense: dict[str, frozenset[str]]
    evidence: dict[str, frozenset[str]]
    seat_words: frozenset[tuple[str, ...]]
    greetings: dict[str, tuple[tuple[str, ...], ...]]
    polite: frozenset[str]
    polite_phrases: dict[str, tuple[tuple[str, ...], ...]]
    chatter: frozenset[str]
    ordinary: frozenset[str]
    transport: frozenset[str]
    place_kinds: frozenset[str]
    place_ties: frozenset[str]
    person_ties: dict[str, tuple[tuple[str, ...], ...]]
    topics: frozenset[str]
    questions: frozenset[str]
    opt_out: tuple[OptOutWords, ...]
    slips: dict[str, Keyword] = field(default_factory=dict)


def load_vocabulary(*extra_files: str | Path) -> Vocabulary:
    """Read the packaged languages and any files of the organiser's; raise VocabularyError when they do not agree."""
    return _load(tuple(Path(name) for name in extra_files))


@cache
def _load(extra_files: tuple[Path, ...]) -> Vocabulary:
    return _Builder([*_packaged(), *(_read(path) for path in extra_files)]).build()


def _packaged() -> Iterator[tuple[str, Mapping[str, Any]]]:
    folder = resources.files("keywords") / "vocabulary"
    for name in PACKAGED:
        yield name, tomllib.loads((folder / name).read_text(encoding="utf-8"))


def _read(path: Path) -> tuple[str, Mapping[str, Any]]:
    try:
        return str(path), tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise VocabularyError(f"{path}: cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise VocabularyError(f"{path}: is not valid TOML in UTF-8: {error}") from error


_SECTIONS: Final = {
    "language": (),
    "commands": ("words", "weak", "other_sense", "evidence", "when_seat_held"),
    "text": ("greetings", "polite", "chatter", "ordinary"),
    "place": ("transport", "kinds", "ties"),
    "person": ("ties",),
    "topics": ("words",),
    "opt_out": ("stop", "things", "send", "never", "around", "phrases", "lists"),
    "help": ("questions",),
}


class _Builder:
    def __init__(self, files: Iterable[tuple[str, Mapping[str, Any]]]) -> None:
        self.files = list(files)
        self.by_words: dict[tuple[str, ...], Keyword] = {}
        self.other_sense: dict[str, set[str]] = {}
        self.evidence: dict[str, set[str]] = {}
        self.seat_words: set[tuple[str, ...]] = set()

    def build(self) -> Vocabulary:
        for source, data in self.files:
            self._check_sections(source, data)
            for command, table in data.get("commands", {}).items():
                self._add_command(source, data["language"], command, table)
        self._check_greetings()
        polite = self._phrases("text", "polite")
        chatter = self._single("text", "chatter")
        from keywords.slips import slips_of

        keywords = self._by_first_word()
        ordinary = self._single("text", "ordinary") | chatter
        return Vocabulary(
            keywords=keywords,
            other_sense={name: frozenset(found) for name, found in self.other_sense.items()},
            evidence={name: frozenset(found) for name, found in self.evidence.items()},
            seat_words=frozenset(self.seat_words),
            greetings=_by_first(self._phrases("text", "greetings") | polite),
            polite=frozenset(phrase[0] for phrase in polite if len(phrase) == 1),
            polite_phrases=_by_first(polite),
            chatter=chatter,
            ordinary=ordinary,
            transport=self._single("place", "transport"),
            place_kinds=self._single("place", "kinds"),
            place_ties=self._single("place", "ties"),
            person_ties=_by_first(self._phrases("person", "ties")),
            topics=self._single("topics", "words"),
            questions=self._single("help", "questions"),
            opt_out=tuple(self._opt_out_words(data) for _, data in self.files if "opt_out" in data),
            slips=slips_of(self.by_words.values(), ordinary),
        )

    def _check_sections(self, source: str, data: Mapping[str, Any]) -> None:
        if not isinstance(data.get("language"), str) or not data["language"]:
            raise VocabularyError(f'{source}: needs a line such as language = "pa" at the top')
        for section, content in data.items():
            if section not in _SECTIONS:
                raise VocabularyError(f"{source}: [{section}] is not a section; known are {', '.join(_SECTIONS)}")
            tables = content.values() if section == "commands" else [content] if section != "language" else []
            for table in tables:
                for key, value in table.items():
                    if key not in _SECTIONS[section]:
                        raise VocabularyError(f"{source}: {key!r} is not known in [{section}]")
                    if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
                        raise VocabularyError(f"{source}: {key!r} in [{section}] must be a list of words in quotes")

    def _add_command(self, source: str, language: str, command: str, table: Mapping[str, list[str]]) -> None:
        if command not in SHAPES:
            raise VocabularyError(f"{source}: {command!r} is not a command; known are {', '.join(sorted(SHAPES))}")
        for key, weak in (("words", False), ("weak", True)):
            for written in table.get(key, ()):
                self._add_keyword(Keyword(_folded(source, written), command, language, weak, source, written))
        self.seat_words |= {_folded(source, written) for written in table.get("when_seat_held", ())}
        for key, target in (("other_sense", self.other_sense), ("evidence", self.evidence)):
            target.setdefault(command, set()).update(*(_folded(source, written) for written in table.get(key, ())))

    def _add_keyword(self, new: Keyword) -> None:
        old = self.by_words.setdefault(new.words, new)
        if old.command != new.command:
            raise VocabularyError(
                f"{new.source}: {new.written!r} cannot mean {new.command}, "
                f"because in {old.source} {old.written!r} already means {old.command}"
            )

    def _check_greetings(self) -> None:
        for source, data in self.files:
            for key in ("greetings", "polite"):
                for written in data.get("text", {}).get(key, ()):
                    taken = self.by_words.get(_folded(source, written))
                    if taken:
                        raise VocabularyError(
                            f"{source}: {written!r} cannot be in {key}, "
                            f"because in {taken.source} {taken.written!r} means {taken.command}"
                        )

    def _by_first_word(self) -> dict[str, tuple[Keyword, ...]]:
        grouped: dict[str, list[Keyword]] = {}
        for keyword in self.by_words.values():
            grouped.setdefault(keyword.words[0], []).append(keyword)
        return {first: tuple(sorted(group, key=lambda one: -len(one.words))) for first, group in grouped.items()}

    def _phrases(self, section: str, key: str) -> set[tuple[str, ...]]:
        return {
            _folded(source, written)
            for source, data in self.files
            for written in data.get(section, {}).get(key, ())
        }

    def _single(self, section: str, key: str) -> frozenset[str]:
        return frozenset(word for phrase in self._phrases(section, key) for word in phrase)

    def _opt_out_words(self, data: Mapping[str, Any]) -> OptOutWords:
        table = data["opt_out"]

        def single(key: str) -> frozenset[str]:
            return frozenset(word for written in table.get(key, ()) for word in words(written))

        phrases = {tuple(words(written)) for written in table.get("phrases", ())}
        parts = [single(key) for key in ("stop", "things", "send", "never", "around")]
        known = frozenset[str]().union(*parts)
        return OptOutWords(
            data["language"], parts[0], parts[1], parts[2], parts[3], known, known | single("lists"), _by_first(phrases)
        )


def _folded(source: str, written: str) -> tuple[str, ...]:
    folded = tuple(words(written))
    if not folded or len(folded) > MAX_WORDS:
        raise VocabularyError(f"{source}: {written!r} must be one to {MAX_WORDS} words of letters or digits")
    return folded


def _by_first(phrases: Iterable[tuple[str, ...]]) -> dict[str, tuple[tuple[str, ...], ...]]:
    grouped: dict[str, list[tuple[str, ...]]] = {}
    for phrase in phrases:
        grouped.setdefault(phrase[0], []).append(phrase)
    return {first: tuple(sorted(group, key=len, reverse=True)) for first, group in grouped.items()}
