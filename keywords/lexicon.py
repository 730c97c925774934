"""The vocabulary: which words mean which command, read from one file per language."""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from itertools import product
from pathlib import Path
from typing import Any, Final

from faults import Fault, FaultError, fault, plain
from keywords.names import SHAPES
from keywords.phrases import Phrases
from keywords.sentence_words import tell_apart
from keywords.slips import slips_of
from orthography import words

PACKAGED: Final = ("en.toml", "ur.toml", "ur-Latn.toml")
MAX_WORDS: Final = 12  # of one keyword or phrase

_OPT_OUT_FORMS = (
    "cores",
    "cores_alone",
    "wishes",
    "whole",
    "whole_alone",
    "near",
    "near_alone",
)  # may hold <name> of a list
_OPT_OUT_LISTS = (
    *_OPT_OUT_FORMS,
    "stop",
    "not",
    "send",
    "do",
    "remove",
    "lists",
    "things",
    "first_person",
    "reasons",
    "before",
    "after",
    "banter",
)
_SECTIONS: Final[dict[str, tuple[str, ...]]] = {
    "commands": ("words", "weak", "mistyped", "itself", "other_sense", "evidence", "decisive", "when_seat_held"),
    "text": ("greetings", "salam", "alaikum", "polite", "chatter", "ordinary"),
    "place": ("transport", "kinds", "ties", "asks", "beside"),
    "person": ("ties", "introduces"),
    "topics": ("words",),
    "opt_out": _OPT_OUT_LISTS,
    "help": ("questions",),
}
_SLOT = re.compile(r"<(\w+)>")


class VocabularyError(FaultError):
    """Words that cannot be used; the text names the file, `fault` the word and the command.

    What only a file can have wrong is a string, in English: whoever starts the program reads it.
    """

    def __init__(self, source: object, wrong: Fault | str) -> None:
        super().__init__(wrong if isinstance(wrong, Fault) else plain(wrong))
        self.source = str(source)

    def __str__(self) -> str:
        return f"{self.source}: {self.fault}"


@dataclass(frozen=True, slots=True)
class Keyword:
    """One keyword of one language, folded into words."""

    words: tuple[str, ...]
    command: str
    language: str
    source: str  # file it came from
    written: str  # as the file writes it
    weak: bool = False  # an everyday word too: needs more than itself before it counts with text behind it
    itself: bool = False  # keyword and argument in one, as URDU is for LANG


@dataclass(frozen=True, slots=True)
class OptOutWords:
    """The parts of one language's opt-out sentences; see opt_out.py."""

    language: str
    stop: frozenset[str]
    things: Phrases
    cores: Phrases
    cores_alone: Phrases
    wishes: Phrases
    whole: Phrases
    whole_alone: Phrases
    first_person: Phrases
    before: Phrases
    after: Phrases
    lists: Phrases
    banter: Phrases
    near: Phrases
    near_alone: Phrases
    first_words: frozenset[str]


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Every language's words, ready to be looked up. Made by load_vocabulary."""

    keywords: dict[str, tuple[Keyword, ...]]  # by first word, longest first
    slips: dict[str, Keyword]  # by mistyped word
    seat_words: frozenset[tuple[str, ...]]
    other_sense: dict[str, frozenset[str]]  # by command
    evidence: dict[str, frozenset[str]]  # by command
    decisive: dict[str, frozenset[str]]  # by command
    greetings: Phrases
    polite: Phrases
    chatter: frozenset[str]
    sentence_words: dict[str, frozenset[str]]  # by language: those that no other language has
    verb_last: frozenset[str]  # sentence words of the languages whose verb comes last, and of no other
    ordinary: frozenset[str]
    transport: frozenset[str]
    place_kinds: frozenset[str]
    place_ties: frozenset[str]
    ride_asks: frozenset[str]
    ride_words: frozenset[str]
    person_ties: Phrases
    introductions: Phrases
    topics: Phrases
    reasons: Phrases
    questions: frozenset[str]
    opt_out: tuple[OptOutWords, ...]


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
        raise VocabularyError(path, f"cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise VocabularyError(path, f"is not valid TOML in UTF-8: {error}") from error


class _Builder:
    """Joins the files of all languages into one Vocabulary and checks that they agree."""

    def __init__(self, files: Iterable[tuple[str, Mapping[str, Any]]]) -> None:
        self.files = list(files)
        self.by_words: dict[tuple[str, ...], Keyword] = {}
        self.mistyped: set[tuple[str, ...]] = set()
        self.other_sense: dict[str, frozenset[str]] = {}
        self.evidence: dict[str, frozenset[str]] = {}
        self.decisive: dict[str, frozenset[str]] = {}
        self.seat_words: set[tuple[str, ...]] = set()

    def build(self) -> Vocabulary:
        for source, data in self.files:
            _check_form(source, data)
            for command, table in data.get("commands", {}).items():
                self._add_command(source, data["language"], command, table)
        self._check_fillers()
        chatter = self._single("text", "chatter")
        ordinary = self._single("text", "ordinary") | chatter
        polite = self._phrases("text", "polite")
        grouped: dict[str, list[Keyword]] = {}
        for keyword in self.by_words.values():
            grouped.setdefault(keyword.words[0], []).append(keyword)
        return Vocabulary(
            keywords={first: tuple(sorted(some, key=lambda one: -len(one.words))) for first, some in grouped.items()},
            slips=slips_of(
                {one.words[0]: one.command for one in self.by_words.values() if len(one.words) == 1},
                [self.by_words[one] for one in sorted(self.mistyped)],
                ordinary,
            ),
            seat_words=frozenset(self.seat_words),
            other_sense=self.other_sense,
            evidence=self.evidence,
            decisive=self.decisive,
            greetings=Phrases(self._greetings() | polite),
            polite=Phrases(polite),
            chatter=chatter,
            sentence_words=self._sentence_words(),
            verb_last=self._single("text", "chatter", True) - self._single("text", "chatter", False),
            ordinary=ordinary,
            transport=self._single("place", "transport"),
            place_kinds=self._single("place", "kinds"),
            place_ties=self._single("place", "ties"),
            ride_asks=self._single("place", "asks"),
            ride_words=self._single("place", "asks") | self._single("place", "beside"),
            person_ties=Phrases(self._phrases("person", "ties")),
            introductions=Phrases(self._phrases("person", "introduces")),
            topics=Phrases(self._phrases("topics", "words")),
            reasons=Phrases(self._phrases("opt_out", "reasons")),
            questions=self._single("help", "questions"),
            opt_out=tuple(_opt_out_words(source, data) for source, data in self.files if "opt_out" in data),
        )

    def _add_command(self, source: str, language: str, command: str, table: Mapping[str, list[str]]) -> None:
        if command not in SHAPES:
            raise VocabularyError(source, f"{command!r} is not a command; known are {', '.join(sorted(SHAPES))}")
        for key in ("words", "weak", "itself"):
            for written in table.get(key, ()):
                add_keyword(
                    self.by_words,
                    Keyword(
                        folded(source, written), command, language, source, written, key == "weak", key == "itself"
                    ),
                )
        for written in table.get("mistyped", ()):
            spelt = folded(source, written)
            if len(spelt) > 1 or self.by_words.get(spelt) is None or self.by_words[spelt].command != command:
                raise VocabularyError(source, f"{written!r} in mistyped of {command} must be one of its words")
            self.mistyped.add(spelt)
        self.seat_words |= {folded(source, written) for written in table.get("when_seat_held", ())}
        for key, target in (
            ("other_sense", self.other_sense),
            ("evidence", self.evidence),
            ("decisive", self.decisive),
        ):
            more = frozenset(word for written in table.get(key, ()) for word in folded(source, written))
            target[command] = target.get(command, frozenset()) | more

    def _check_fillers(self) -> None:
        """A greeting is skipped before a keyword is looked for, so it cannot be one."""
        for source, data in self.files:
            for key in ("greetings", "polite"):
                for written in data.get("text", {}).get(key, ()):
                    taken = self.by_words.get(folded(source, written))
                    if taken:
                        raise VocabularyError(
                            source,
                            f"{written!r} cannot be in {key}, "
                            f"because in {taken.source} {taken.written!r} means {taken.command}",
                        )

    def _greetings(self) -> set[tuple[str, ...]]:
        return {
            phrase
            for source, data in self.files
            for written in data.get("text", {}).get("greetings", ())
            for phrase in _expanded(source, written, _folded_lists(source, data["text"], ("salam", "alaikum")))
        }

    def _sentence_words(self) -> dict[str, frozenset[str]]:
        verb_last = {data["language"] for _, data in self.files if data.get("verb_last", False)}
        rides = self._by_language("place", "ties", "asks", "beside")
        return tell_apart(self._by_language("text", "chatter"), rides, verb_last)

    def _by_language(self, section: str, *keys: str) -> dict[str, set[str]]:
        held: dict[str, set[str]] = {}
        for source, data in self.files:
            written = [one for key in keys for one in data.get(section, {}).get(key, ())]
            held.setdefault(data["language"], set()).update(word for one in written for word in folded(source, one))
        return held

    def _phrases(self, section: str, key: str, verb_last: bool | None = None) -> set[tuple[str, ...]]:
        return {
            folded(source, written)
            for source, data in self.files
            if verb_last is None or data.get("verb_last", False) == verb_last
            for written in data.get(section, {}).get(key, ())
        }  # fmt: skip

    def _single(self, section: str, key: str, verb_last: bool | None = None) -> frozenset[str]:
        return frozenset(word for phrase in self._phrases(section, key, verb_last) for word in phrase)


def add_keyword(by_words: dict[tuple[str, ...], Keyword], new: Keyword) -> None:
    """Add a keyword where its words mean nothing else yet; the first to name a word keeps it.

    :raises VocabularyError: the words mean another command already
    """
    old = by_words.setdefault(new.words, new)
    if old.command == new.command:
        return
    said = {"written": new.written, "command": new.command, "old": old.written, "old_command": old.command}
    if old.source == new.source:
        wrong = fault(
            "word.taken", "{written!r} cannot mean {command}, because {old!r} already means {old_command}.", **said
        )
    else:
        wrong = fault(
            "word.taken_in",
            "{written!r} cannot mean {command}, because in {source} {old!r} already means {old_command}.",
            source=old.source,
            **said,
        )
    raise VocabularyError(new.source, wrong)


def check_filler(fillers: Iterable[tuple[str, ...]], new: Keyword) -> None:
    """:raises VocabularyError: the keyword is a greeting, which is skipped before a keyword is looked for"""
    if new.words in fillers:
        raise VocabularyError(
            new.source,
            fault(
                "word.greeting",
                "{written!r} cannot mean {command}, because it is a greeting or a courtesy.",
                written=new.written,
                command=new.command,
            ),
        )


def _check_form(source: str, data: Mapping[str, Any]) -> None:
    """Refuse unknown sections and keys: a misspelt one would silently do nothing."""
    if not isinstance(data.get("language"), str) or not data["language"]:
        raise VocabularyError(source, 'needs a line such as language = "pa" at the top')
    for section, content in data.items():
        if section == "language" or (section == "verb_last" and isinstance(content, bool)):
            continue
        if section not in _SECTIONS or not isinstance(content, dict):
            raise VocabularyError(source, f"{section!r} is not a section; known are {', '.join(_SECTIONS)}")
        for table in content.values() if section == "commands" else [content]:
            if not isinstance(table, dict):
                raise VocabularyError(source, "write [commands.NAME], not a value, for a command's words")
            for key, value in table.items():
                if key not in _SECTIONS[section]:
                    raise VocabularyError(source, f"{key!r} is not known in [{section}]")
                if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
                    raise VocabularyError(source, f"{key!r} in [{section}] must be a list of words in quotes")


def _opt_out_words(source: str, data: Mapping[str, Any]) -> OptOutWords:
    table: dict[str, list[str]] = data["opt_out"]
    lists = _folded_lists(source, table, _OPT_OUT_LISTS)
    polite = [folded(source, written) for written in data.get("text", {}).get("polite", ())]
    said = polite + lists["reasons"]
    lists["before"], lists["after"] = lists["before"] + said, lists["after"] + said
    expanded = {
        key: [phrase for written in table.get(key, ()) for phrase in _expanded(source, written, lists)]
        for key in _OPT_OUT_FORMS
    }
    sentences = [*(expanded[key] for key in expanded if not key.startswith("near")), *lists.values()]
    first = {phrase[0] for phrases in sentences for phrase in phrases}
    return OptOutWords(
        language=data["language"],
        stop=frozenset(word for phrase in lists["stop"] for word in phrase),
        things=Phrases(lists["things"]),
        cores=Phrases(expanded["cores"]),
        cores_alone=Phrases(expanded["cores_alone"]),
        wishes=Phrases(expanded["wishes"]),
        whole=Phrases(expanded["whole"]),
        whole_alone=Phrases(expanded["whole_alone"]),
        first_person=Phrases(lists["first_person"]),
        before=Phrases(lists["before"]),
        after=Phrases(lists["after"]),
        lists=Phrases(lists["lists"]),
        banter=Phrases(lists["banter"]),
        near=Phrases(expanded["near"]),
        near_alone=Phrases(expanded["near_alone"]),
        first_words=frozenset(first),
    )


def _folded_lists(source: str, table: Mapping[str, list[str]], keys: Iterable[str]) -> dict[str, list[tuple[str, ...]]]:
    return {key: [folded(source, written) for written in table.get(key, ())] for key in keys}


def _expanded(source: str, written: str, lists: Mapping[str, list[tuple[str, ...]]]) -> Iterator[tuple[str, ...]]:
    """Put every word of a list in the place of its <name>."""
    choices: list[list[tuple[str, ...]]] = []
    for part in written.split():
        slot = _SLOT.fullmatch(part)
        if slot and slot[1] not in lists:
            raise VocabularyError(source, f"{part} in {written!r} is not a list of the same section")
        choices.append(lists[slot[1]] if slot else [tuple(words(part))])
    for choice in product(*choices):
        yield tuple(word for phrase in choice for word in phrase)


def folded(source: str, written: str) -> tuple[str, ...]:
    """Return a word or phrase as it is compared.

    :raises VocabularyError: it has no letters or too many words
    """
    spelt = tuple(words(_SLOT.sub(r"\1", written)))
    if not spelt or len(spelt) > MAX_WORDS:
        raise VocabularyError(
            source,
            fault(
                "word.count",
                "{written!r} must be one to {most} words of letters or digits.",
                written=written,
                most=MAX_WORDS,
            ),
        )
    return spelt
