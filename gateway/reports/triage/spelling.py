"""Read a misspelt word, a plural or another Roman spelling as the word of the rules that is meant. Pure.

A word that no rule knows is tried without its ending, then, for Roman Urdu, by its sound (behosh, beihosh and behoosh
are one word: it has no spelling of its own), then with one slip of the hand. What fits two words of the rules, or
stands in the list `leave` of a rule file, stays as it is written.
"""

import re
from collections import defaultdict
from collections.abc import Collection, Iterator

from rapidfuzz.distance import OSA

LEAST = 4
"""Letters of a word that may mean another one."""
LEAST_FOR_SOUND = 5
"""Shorter words sound like too many others."""
LEAST_FOR_SLIP = 6
"""From this length on a slip rarely makes another word."""
_REMEMBERED = 50_000  # words

_ENGLISH_ENDINGS = (
    ("ies", ("y",)), ("ing", ("", "e", "ed", "s")), ("es", ("e",)), ("s", ("",)), ("ed", ("", "e", "ing")),
)  # fmt: skip
_ROMAN_ENDINGS = (
    ("iyan", ("i",)), ("iyon", ("i",)), ("ion", ("i",)), ("ian", ("i",)), ("on", ("", "a", "e")), ("en", ("", "e")),
    ("ain", ("", "e")), ("ein", ("", "e")), ("e", ("a",)), ("ay", ("a",)), ("ey", ("a",)), ("y", ("a",)),
)  # fmt: skip
_URDU_ENDINGS = (
    ("یان", ("ی",)),
    ("یون", ("ی",)),
    ("ون", ("", "ہ", "ا")),
    ("ین", ("",)),
    ("ے", ("ا", "ہ")),
    ("ز", ("",)),
)
"""Endings of number, case and tense, and what the word may end in without them; Urdu as `orthography` folds it."""

_SOUNDS = (
    (re.compile(r"(.)\1+"), r"\1"),
    (re.compile(r"ck|q"), "k"),
    (re.compile(r"ph"), "f"),
    (re.compile(r"w"), "v"),
    (re.compile(r"c(?!h)"), "k"),
    (re.compile(r"(?<=[aeiou])h(?=$|[^aeiou])|(?<=[bdgjklmnprtz])h|(?<=ch)h"), ""),
    (re.compile(r"au|aw|ao|ou|oo|o|u"), "u"),
    (re.compile(r"[aeiy]*[iy][aeiy]*|e[aey]*|ae[aey]*"), "i"),
    (re.compile(r"(.)\1+"), r"\1"),
)


def sound(word: str) -> str:
    """Return what a Latin word sounds like: the vowels drawn together, breath (bh, kh) and doubled letters gone."""
    for pattern, instead in _SOUNDS:
        word = pattern.sub(instead, word)
    return word


class Spelling:
    """Knows the words of the rules and finds the one that is meant."""

    def __init__(
        self, known: Collection[str], stems: Collection[str], leave: Collection[str], by_sound: Collection[str]
    ) -> None:
        self._known = frozenset(known)
        self._stems = frozenset(stems)
        self._leave = frozenset(leave)
        self._roman = frozenset(by_sound)
        self._stem_lengths = sorted({len(stem) for stem in stems})
        self._by_sound: dict[str, set[str]] = defaultdict(set)
        self._by_slip: dict[str, set[str]] = defaultdict(set)
        for word in {*known, *stems}:
            if word in self._roman and len(word) >= LEAST_FOR_SOUND:
                self._by_sound[sound(word)].add(word)
            if word.isascii() and len(word) >= LEAST_FOR_SLIP:
                for less in _one_less(word):
                    self._by_slip[less].add(word)
        self._meant: dict[str, str] = {}

    def meant(self, word: str) -> str:
        """Return the rules' word for a folded word, which is the word itself if there is none."""
        meant = self._meant.get(word)
        if meant is None:
            meant = word if word in self._leave or self._is_known(word) else self._find(word)
            if len(self._meant) < _REMEMBERED:
                self._meant[word] = meant
        return meant

    def _is_known(self, word: str) -> bool:
        return word in self._known or any(word[:length] in self._stems for length in self._stem_lengths)

    def _find(self, word: str) -> str:
        if len(word) < LEAST or not word.isalpha():
            return word
        for bare in self._without_ending(word):
            if bare in self._known and bare not in self._leave:
                return bare
        if not word.isascii():
            return word
        return self._by_its_sound(word) or self._slipped(word) or word

    def _without_ending(self, word: str) -> Iterator[str]:
        if not word.isascii():
            yield from _bare(word, _URDU_ENDINGS, 2)
            return
        yield from (bare for bare in _bare(word, _ENGLISH_ENDINGS, 3) if bare not in self._roman)
        yield from _bare(word, _ROMAN_ENDINGS, LEAST)  # of English words too: lightain, busein

    def _by_its_sound(self, word: str) -> str:
        if len(word) < LEAST_FOR_SOUND:
            return ""
        return _only({one for one in self._by_sound.get(sound(word), ()) if abs(len(one) - len(word)) <= 2})

    def _slipped(self, word: str) -> str:
        if len(word) < LEAST_FOR_SLIP:
            return ""
        near = {one for less in _one_less(word) for one in self._by_slip.get(less, ())}
        return _only({one for one in near if _is_slip(word, one)})


def _bare(word: str, endings: tuple[tuple[str, tuple[str, ...]], ...], least: int) -> Iterator[str]:
    for ending, instead in endings:
        if word.endswith(ending):
            for other in instead:
                bare = word.removesuffix(ending) + other
                if len(bare) >= least:
                    yield bare


def _one_less(word: str) -> Iterator[str]:
    """Yield the word, and it with each one letter left out: two words one slip apart share one of these."""
    yield word
    for index in range(len(word)):
        yield word[:index] + word[index + 1 :]


def _is_slip(written: str, meant: str) -> bool:
    """Tell whether one letter is missing, too many or swapped with its neighbour, or a vowel is another vowel.

    Another consonant mostly makes another word: parking and packing.
    """
    if written[0] != meant[0] or OSA.distance(written, meant, score_cutoff=1) != 1:
        return False
    other = [(a, b) for a, b in zip(written, meant, strict=False) if a != b]
    return len(written) != len(meant) or len(other) == 2 or set(other[0]) <= set("aeiouy")


def _only(found: Collection[str]) -> str:
    return next(iter(found)) if len(found) == 1 else ""
