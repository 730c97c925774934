"""The letters that make a text dearer than its cheap twin: one emoji or ā in an English text doubles its price."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from gateway.rules.message_parts import CostlyLetter, cheapest_parts, costly_letters

_OTHER_ALPHABET = 5
"""Where more than one of so many signs is outside GSM-7, the text is written in another alphabet: nothing to spare."""


@dataclass(frozen=True, slots=True)
class DearLetters:
    """`letters` by their place in the text; without them it takes `parts_without` instead of `parts`. One whose
    `replacement` is None can only be left out."""

    letters: Sequence[CostlyLetter]
    parts: int
    parts_without: int
    spared: str


def dear_letters(words: str, filled: Callable[[str], str] = str) -> DearLetters | None:
    """Return the letters of a template that cost parts; None where it takes no fewer without them.

    :param filled: fills the places for name and city, so that what is counted is what is sent
    """
    now = cheapest_parts(filled(words)).parts
    letters = costly_letters(words)
    if now == 1 or not letters or len(letters) * _OTHER_ALPHABET > len(words):
        return None
    # Letters with a cheap twin first: nobody is told to take out an emoji where a plain quotation mark will do.
    for chosen in ([one for one in letters if one.replacement is not None], letters):
        spared = "".join(_spared(chosen, words))
        parts = cheapest_parts(filled(spared)).parts
        if chosen and parts < now:
            return DearLetters(chosen, now, parts, spared)
    return None


def without(words: str, letter: CostlyLetter) -> str:
    """Return the text with one letter replaced, or left out where nothing can stand for it."""
    return "".join(_spared([letter], words))


def _spared(letters: Sequence[CostlyLetter], text: str) -> Iterator[str]:
    at = 0
    for one in letters:
        yield text[at : one.position]
        yield one.replacement or ""
        at = one.position + len(one.letter)
    yield text[at:]
