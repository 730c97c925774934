"""Read triage rules from TOML files: the packaged ones of three scripts, then the organisers' own over them."""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

from faults import Fault, FaultError, fault, plain
from gateway.reports.triage.judge import CATEGORIES, KINDS, Spots, TriageRules
from gateway.reports.triage.patterns import GAP, MOST_IN_CONCEPT, QUESTION, Concepts, Lexicon, Rule, concept_of
from orthography import words

PACKAGED = ("en.toml", "ur.toml", "ur-Latn.toml")
_WEIGHT = re.compile(r"-?[0-9]\Z")
_MOST_WORDS = 8
_CONCEPT = re.compile(r"<[a-z]+>\Z")


class TriageError(FaultError):
    """Triage words that cannot be used; the text names the file, `fault` the section and what is wrong.

    What only a file can have wrong is a string, in English: whoever starts the program reads it.
    """

    def __init__(self, source: object, wrong: Fault | str) -> None:
        super().__init__(wrong if isinstance(wrong, Fault) else plain(wrong))
        self.source = str(source)

    def __str__(self) -> str:
        return f"{self.source}: {self.fault}"


def load_triage(*extra_files: Path) -> TriageRules:
    """Return the packaged rules with those of `extra_files` over them: the same words with another weight replace a
    packaged rule, the weight 0 removes it. A file that has not changed is not read again.

    :raises TriageError: a file cannot be read or used
    """
    return _load(tuple((path, _changed_at(path)) for path in extra_files))


def _changed_at(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError as error:
        raise TriageError(path, f"{error.strerror}.") from None


@lru_cache(maxsize=2)
def _load(extra: tuple[tuple[Path, int], ...]) -> TriageRules:
    folder = resources.files("gateway.reports.triage")
    files = [(name, (folder / name).read_bytes()) for name in PACKAGED]
    files += [(str(path), path.read_bytes()) for path, _ in extra]
    rules: list[Rule] = []
    spots = Spots({}, {}, {}, frozenset())
    lexicon = Lexicon()
    plain: set[str] = set()
    for name, written in files:
        try:
            data = tomllib.loads(written.decode())
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise TriageError(name, f"{error}.") from None
        here = list(rules_of(name, data))
        rules += here
        spots = _with_spots(spots, name, data.get("spots", {}))
        lexicon, its_words = _with_lexicon(lexicon, name, data, here)
        plain |= its_words
    check_concepts("triage files", rules, lexicon.concepts)
    return TriageRules(rules, spots, replace(lexicon, by_sound=lexicon.by_sound - plain))


def _with_lexicon(lexicon: Lexicon, name: str, data: Mapping[str, Any], rules: list[Rule]) -> tuple[Lexicon, set[str]]:
    """Return the lexicon with what a file says of words, and the file's own words unless they are spelt by ear."""
    concepts = dict(lexicon.concepts)
    its_words = {word for rule in rules for word in rule.words}
    for concept, phrases in _table(name, "concepts", data.get("concepts", {})).items():
        runs = {tuple(words(phrase)) for phrase in _phrases(name, f"concepts.{concept}", phrases)}
        if not _CONCEPT.match(f"<{concept}>") or not all(0 < len(run) <= MOST_IN_CONCEPT for run in runs):
            runs_of = f"runs of one to {MOST_IN_CONCEPT} words"
            raise TriageError(name, f"the concept {concept!r} needs a name in small letters and {runs_of}.")
        concepts[concept] = concepts.get(concept, frozenset()) | runs
        its_words |= {word for run in runs for word in run}
    spelt = _table(name, "spelling", data.get("spelling", {}))
    if unknown := set(spelt) - {"leave", "by_sound"}:
        raise TriageError(name, f"[spelling] has leave and by_sound, not {min(unknown)!r}.")
    leave = {word for one in _phrases(name, "spelling", spelt.get("leave", [])) for word in words(one)}
    by_sound = its_words if spelt.get("by_sound", False) else set()
    return Lexicon(concepts, lexicon.leave | leave, lexicon.by_sound | by_sound), its_words - by_sound


def check_concepts(name: str, rules: Iterable[Rule], concepts: Concepts) -> None:
    """Check that what the rules of the source `name` put in <brackets> is known.

    :raises TriageError: one is not; one sentence
    """
    for rule in rules:
        for element in rule.words:
            if (concept := concept_of(element)) and concept not in concepts:
                no_such = fault(
                    "triage.concept",
                    "{phrase!r} in [{label}]: there is no concept {concept!r}.",
                    phrase=rule.phrase,
                    label=rule.label,
                    concept=concept,
                )
                raise TriageError(name, no_such)


def rules_of(name: str, data: Mapping[str, Any]) -> Iterator[Rule]:
    """Return the rules of one file's data.

    :raises TriageError: a section, label, weight or phrase cannot be used; one sentence that begins with `name`
    """
    for section in data:
        if section not in ("language", "category", "kind", "urgency", "spots", "concepts", "spelling"):
            sections = "category, kind, urgency, spots, concepts and spelling"
            raise TriageError(name, f"[{section}] is not known; there are {sections}.")
    for section, known in (("category", CATEGORIES), ("kind", KINDS)):
        for label, table in _table(name, section, data.get(section, {})).items():
            if label not in known:
                raise TriageError(name, f"there is no {section} {label!r}; there are {', '.join(known)}.")
            for weight, phrases in _table(name, f"{section}.{label}", table).items():
                if not _WEIGHT.match(weight):
                    raise TriageError(name, f"a weight in [{section}.{label}] is -9 to 9, not {weight!r}.")
                for phrase in _phrases(name, f"{section}.{label}", phrases):
                    yield _rule(name, phrase, f"{section}.{label}", int(weight))
    for way, phrases in _table(name, "urgency", data.get("urgency", {})).items():
        if way not in ("up", "down"):
            raise TriageError(name, f"[urgency] has up and down, not {way!r}.")
        for phrase in _phrases(name, "urgency", phrases):
            yield _rule(name, phrase, f"urgency.{way}", 1)


def _rule(name: str, phrase: str, label: str, weight: int) -> Rule:
    stem = phrase.endswith("*")
    folded: list[str] = []
    for one in phrase.removesuffix("*").split():
        folded += [one] if one in (GAP, QUESTION) or _CONCEPT.match(one) else words(one)
    sound = folded and GAP not in (folded[0], folded[-1]) and "*" not in phrase[:-1] and len(folded) <= _MOST_WORDS
    short = len(folded[-1]) < (3 if len(folded) == 1 else 2) if folded else True
    if not sound or (stem and (short or concept_of(folded[-1]))):
        raise TriageError(
            name,
            fault(
                "triage.phrase",
                "{phrase!r} in [{label}] must be one to {most} words, with * only at the end and {gap} only between.",
                phrase=phrase,
                label=label,
                most=_MOST_WORDS,
                gap=GAP,
            ),
        )
    return Rule(tuple(folded), label, weight, stem)


def _table(name: str, section: str, value: object) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise TriageError(name, f"[{section}] must be a table.")
    return value


def _phrases(name: str, section: str, value: object) -> Sequence[str]:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise TriageError(name, f"[{section}] needs lists of words in quotes.")
    return value


def _with_spots(spots: Spots, name: str, data: object) -> Spots:
    table = _table(name, "spots", data)
    numbered, single = dict(spots.numbered), dict(spots.single)
    for key, target in (("numbered", numbered), ("single", single)):
        for spot, phrases in _table(name, f"spots.{key}", table.get(key, {})).items():
            target.update({tuple(words(phrase)): spot for phrase in _phrases(name, f"spots.{key}", phrases)})
    numbers = dict(spots.numbers)
    for number, phrases in _table(name, "spots.numbers", table.get("numbers", {})).items():
        numbers.update({"".join(words(phrase)): number for phrase in _phrases(name, "spots.numbers", phrases)})
    between = {"".join(words(one)) for one in _phrases(name, "spots", table.get("between", []))}
    return Spots(numbered, single, numbers, spots.between | between)
