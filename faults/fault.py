"""The value, and the exception that carries it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Union


@dataclass(frozen=True, slots=True)
class Term:
    """A word of ours inside a sentence, such as the state of a broadcast: `kind` says which list it stands in."""

    kind: str
    word: str

    def __str__(self) -> str:
        return self.word


@dataclass(frozen=True, slots=True)
class Either:
    """Things of which one is meant, such as the names that a misspelt one may stand for."""

    ways: tuple[str, ...]

    def __str__(self) -> str:
        return " or ".join(self.ways)


Value = Union[str, int, float, Term, Either, "Fault"]
"""What may stand in a place of a sentence; a fault inside another is said in the same language."""


@dataclass(frozen=True)
class Fault:
    """One sentence, or a few, that say what is wrong and what to do instead.

    :param code: `room.what`, the same for ever and in every language; empty for a sentence that only whoever starts the
        program reads, which is in English everywhere
    :param english: the sentence, with places as for `str.format`
    """

    code: str
    english: str
    values: Mapping[str, Value] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.english.format_map(self.values)


def fault(code: str, english: str, /, **values: Value) -> Fault:
    """Return a fault; both strings are literals, so that a test can hold every translation against them."""
    return Fault(code, english, values)


def plain(sentence: str) -> Fault:
    """Return a sentence without a code: of files and settings that are read at the start."""
    return Fault("", "{sentence}", {"sentence": sentence})


class FaultError(ValueError):
    """Something cannot be so; `fault` says why, and the text is its English."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault)
        self.fault = fault
