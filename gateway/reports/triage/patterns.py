"""Phrases of the rules, and where they stand in a text. Pure.

A phrase is a run of words. `<family>` stands for any word of that concept, `..` for up to four words of any kind,
`*` at the end for what the last word may end in, `?` for a text that ends in a question mark.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from gateway.reports.triage.spelling import Spelling

GAP = ".."
QUESTION = "?"
MOST_BETWEEN = 4
"""Words that `..` may stand for."""
MOST_IN_CONCEPT = 3
"""Words in a row that a concept may name something by."""
Concepts = Mapping[str, frozenset[tuple[str, ...]]]
"""What may stand for "<name>", by its name without the brackets; each a run of folded words."""
_REMEMBERED = 50_000  # words


@dataclass(frozen=True)
class Lexicon:
    """What the rule files say of words themselves."""

    concepts: Concepts = field(default_factory=dict)
    leave: frozenset[str] = frozenset()
    """Words that are never taken for a misspelling of another."""
    by_sound: frozenset[str] = frozenset()
    """Words of a language that people spell by ear."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One phrase: its folded words, what it speaks for ("category.medical", "kind.help", "urgency.up") and how much."""

    words: tuple[str, ...]
    label: str
    weight: int
    stem: bool = False

    @property
    def phrase(self) -> str:
        """The phrase as it is written in a file."""
        return " ".join(self.words) + ("*" if self.stem else "")


@dataclass(frozen=True, slots=True)
class Found:
    """A rule that fits, and the words of the text that it fits as they were written."""

    rule: Rule
    written: str

    def __str__(self) -> str:
        phrase = self.rule.phrase
        plain = self.written == phrase or (self.rule.stem and self.written.startswith(phrase[:-1]))
        return f"{phrase}{'' if plain else f' ({self.written})'} {self.rule.weight:+d}"


_Needing = tuple[Rule, frozenset[str]]
"""A rule, and what else than its first word a text must hold for it to fit: cheap to look up before trying."""


def _rest_of(rule: Rule) -> frozenset[str]:
    return frozenset(rule.words[1:-1] if rule.stem else rule.words[1:]) - {GAP}


def concept_of(element: str) -> str:
    """Return "family" for "<family>", "" for a word."""
    return element[1:-1] if element[:1] == "<" else ""


class Patterns:
    """Finds every rule that fits a text."""

    def __init__(self, rules: Iterable[Rule], lexicon: Lexicon) -> None:
        self._concepts = lexicon.concepts
        self._first: dict[str, list[_Needing]] = {}
        self._stems: dict[str, list[_Needing]] = {}
        self._tags: dict[str, set[str]] = {}
        for name, runs in lexicon.concepts.items():
            for run in runs:
                self._tags.setdefault(run[0], set()).add(f"<{name}>")
        known = {word for runs in self._concepts.values() for run in runs for word in run}
        stems = set()
        for rule in sorted(rules, key=lambda one: -len(one.words)):
            words = [word for word in rule.words if word not in (GAP, QUESTION) and not concept_of(word)]
            if rule.stem and words:
                stems.add(words.pop())
            known.update(words)
            table = self._stems if rule.stem and len(rule.words) == 1 else self._first
            for word in self._beginnings(rule.words[0]):
                table.setdefault(word, []).append((rule, _rest_of(rule)))
        self._stem_lengths = sorted({len(stem) for stem in self._stems})
        self._spelling = Spelling(known, stems, lexicon.leave, lexicon.by_sound)
        self._seen: dict[str, tuple[_Needing, ...]] = {}

    def _beginnings(self, element: str) -> set[str]:
        name = concept_of(element)
        return {run[0] for run in self._concepts.get(name, ())} if name else {element}

    def meant(self, words: Sequence[str]) -> list[str]:
        """Return the words as the rules spell them."""
        return [self._spelling.meant(word) for word in words]

    def find(self, written: Sequence[str]) -> list[Found]:
        """Return the rules that fit: per label the longest at each word, each once.

        Inside the words of another one only the heavier counts, and nothing inside those of one that speaks against.
        """
        words = self.meant(written)
        there = set(words).union(*(self._tags[word] for word in words if word in self._tags))
        found: dict[int, Found] = {}
        covered: dict[str, dict[int, int]] = {}
        for index, word in enumerate(words):
            here: set[str] = set()
            for rule, needs in self._candidates(word):
                if rule.label in here or not needs <= there:
                    continue
                where = self._rest(rule, 0, words, index)
                if not where:
                    continue
                taken = covered.setdefault(rule.label, {})
                over = [taken[one] for one in where if one in taken]
                if len(over) == len(where) and (min(over) < 0 or rule.weight <= max(over)):
                    continue
                here.add(rule.label)
                taken.update(dict.fromkeys(where, rule.weight))
                found.setdefault(id(rule), Found(rule, " ".join(written[one] for one in where)))
        return list(found.values())

    def _candidates(self, word: str) -> tuple[_Needing, ...]:
        """Return the rules that may begin with this word, the longest first; remembered: people repeat words."""
        known = self._seen.get(word)
        if known is None:
            stems = (self._stems.get(word[:length], ()) for length in self._stem_lengths if length <= len(word))
            known = (*self._first.get(word, ()), *(one for some in stems for one in some))
            if len(self._seen) < _REMEMBERED:
                self._seen[word] = known
        return known

    def _rest(self, rule: Rule, turn: int, words: Sequence[str], index: int) -> tuple[int, ...] | None:
        """Return the places of the words that a rule's elements from `turn` on fit from `index` on."""
        if turn == len(rule.words):
            return ()
        element = rule.words[turn]
        if element == GAP:
            for skipped in range(MOST_BETWEEN + 1):
                rest = self._rest(rule, turn + 1, words, index + skipped)
                if rest is not None:
                    return rest
            return None
        for size in self._sizes(rule, turn, element, words, index):
            rest = self._rest(rule, turn + 1, words, index + size)
            if rest is not None:
                return (*range(index, index + size), *rest)
        return None

    def _sizes(self, rule: Rule, turn: int, element: str, words: Sequence[str], index: int) -> Sequence[int]:
        """Return how many words from `index` on may be this element of the rule."""
        if index >= len(words):
            return ()
        if name := concept_of(element):
            runs = self._concepts.get(name, frozenset())
            most = min(MOST_IN_CONCEPT, len(words) - index)
            return [size for size in range(most, 0, -1) if tuple(words[index : index + size]) in runs]
        last = rule.stem and turn == len(rule.words) - 1
        return (1,) if words[index] == element or (last and words[index].startswith(element)) else ()
