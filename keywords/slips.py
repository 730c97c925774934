"""Slips of the thumb: which mistyped words are one bounded step away from exactly one command.

A step is one letter left out, added, exchanged with its neighbour or replaced (optimal string alignment distance 1).
All of them are worked out once, so that looking one up costs nothing. A slip that is an ordinary word of its own
("coin", "john", "shop", "there"), or that lies as near to another command, is not taken.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from keywords.lexicon import Keyword

_LATIN = "abcdefghijklmnopqrstuvwxyz"
_URDU = "ابپتٹثجچحخدڈذرڑزژسشصضطظعغفقکگلمنوہیے"
_SHORTEST = 3  # letters that a slip must have
_DIGITS_LIKE_LETTERS = str.maketrans("0134578", "oieastb")
_LETTERS_WITH_DIGITS = 4  # letters that such a word must have: "b4" and "m3" are no commands


def _one_step(word: str) -> Iterator[str]:
    """Every word at distance one from `word`."""
    letters = _LATIN if word.isascii() else _URDU
    for index in range(len(word) + 1):
        head, tail = word[:index], word[index:]
        for letter in letters:
            yield head + letter + tail
        if tail:
            yield head + tail[1:]
            for letter in letters:
                yield head + letter + tail[1:]
        if len(tail) > 1:
            yield head + tail[1] + tail[0] + tail[2:]


def slips_of(exact: Mapping[str, str], mistyped: Iterable["Keyword"], ordinary: frozenset[str]) -> dict[str, "Keyword"]:
    """Map each mistyped word to the one keyword of `mistyped` that it can only be.

    exact: the command of each word that is a keyword itself. ordinary: words that mean themselves.
    """
    found: dict[str, Keyword | None] = {}
    for keyword in mistyped:
        for slip in _one_step(keyword.words[0]):
            if slip in exact or slip in ordinary or len(slip) < _SHORTEST:
                continue
            other = found.setdefault(slip, keyword)
            if other is not None and other.command != keyword.command:
                found[slip] = None
    return {slip: keyword for slip, keyword in found.items() if keyword is not None}


def without_digits(word: str) -> str:
    """Read digits as the letters that they are drawn like: "j0in", "5top"."""
    if len(word) < _LETTERS_WITH_DIGITS or word.isalpha() or word.isdigit() or not word.isascii():
        return word
    return word.translate(_DIGITS_LIKE_LETTERS)


def without_repeats(word: str) -> str:
    """Press every run of one letter to one: "stoppp", "joiiin"."""
    return "".join(letter for index, letter in enumerate(word) if index == 0 or letter != word[index - 1])
