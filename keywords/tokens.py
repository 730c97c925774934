"""Cut a text into words that know where they stood in it.

Folding (orthography.fold) changes lengths, but an argument must come back as the person typed it; so the text is cut
first, by what each character is, and the cut words are folded.
"""

import re
import unicodedata
from dataclasses import dataclass

from orthography import fold

_LETTER, _HIDDEN, _APOSTROPHE, _BLANK, _LINE, _MARK = "w", "i", "'", " ", "\n", "."

_APOSTROPHES = "'’ʼ`´‘＇"
_LINES = "\n\r\u2028\u2029\x0b\x0c\x85"
_HIDDEN_CATEGORIES = ("Mn", "Me", "Cf", "Cs", "Cn")
_LOOSE_APOSTROPHE = re.compile("['’ʼ`´‘＇]")

_ASCII_WORD = re.compile(r"[A-Za-z0-9]+(?:['`][A-Za-z0-9]+)*")
_WORD = re.compile(r"w[wi]*(?:'[wi]*w[wi]*)*")


class _Kinds(dict[int, str]):
    """What each code point is to the cutter; worked out on first sight, then remembered."""

    def __missing__(self, code: int) -> str:
        self[code] = kind = _kind(chr(code))
        return kind


def _kind(character: str) -> str:
    if character in _LINES:
        return _LINE
    if character in _APOSTROPHES:
        return _APOSTROPHE
    category = unicodedata.category(character)
    if category in _HIDDEN_CATEGORIES:
        return _HIDDEN
    folded = fold(character)
    if any(letter.isalnum() for letter in folded):
        return _LETTER
    if not folded:  # blanks, and letters that folding drops (a lone hamza, a tatweel)
        return _HIDDEN if category[0] == "L" else _BLANK
    return _MARK


_kinds = _Kinds()


@dataclass(slots=True)
class Tokens:
    """The words of a text, folded, and where each began and ended in it; `kinds` has a sign per character.

    For ASCII `kinds` is empty: there every character shows its own kind.
    """

    text: str
    kinds: str
    folded: list[str]
    starts: list[int]
    ends: list[int]

    def __len__(self) -> int:
        return len(self.folded)

    def separator_after(self, index: int) -> bool:
        """Whether a mark or a line break stands between word `index` and the next one: "JOIN: Lahore"."""
        if index + 1 >= len(self.folded):
            return False
        start, end = self.ends[index], self.starts[index + 1]
        if not self.kinds:
            gap = self.text[start:end]
            return gap != " " and gap.strip(" \t'`") != ""
        gap = self.kinds[start:end]
        return _MARK in gap or _LINE in gap

    def in_code(self, index: int) -> bool:
        """Whether a short word is tied to its neighbour by a mark and no blank, as in "A.P.W.A", "19-D", "Quetta-I"."""
        before = self.text[self.ends[index - 1] : self.starts[index]] if index else " "
        after = self.text[self.ends[index] : self.starts[index + 1]] if index + 1 < len(self.folded) else " "
        return any(gap and not any(sign.isspace() for sign in gap) for gap in (before, after))

    def colon_after(self, index: int) -> bool:
        """Whether a colon stands between word `index` and the next one: "masla: koi sunta nahi"."""
        return index + 1 < len(self.folded) and any(
            sign in self.text[self.ends[index] : self.starts[index + 1]] for sign in ":："
        )

    def line_break_after(self, index: int) -> bool:
        """Whether a line ends between word `index` and the next one."""
        if index + 1 >= len(self.folded):
            return False
        gap = (self.kinds or self.text)[self.ends[index] : self.starts[index + 1]]
        return _LINE in gap or "\r" in gap


def cut(text: str) -> Tokens:
    """Cut `text` (any str, lone surrogates too) into words. Linear in its length."""
    if text.isascii():
        lowered = text.lower()
        kinds = ""
        spans = [match.span() for match in _ASCII_WORD.finditer(lowered)]
        words = [lowered[start:end] for start, end in spans]
        if "'" in lowered or "`" in lowered:
            words = [_LOOSE_APOSTROPHE.sub("", word) for word in words]
    else:
        kinds = text.translate(_kinds)
        spans = [match.span() for match in _WORD.finditer(kinds)]
        raw = [text[start:end] for start, end in spans]
        words = fold(_LOOSE_APOSTROPHE.sub("", "\n".join(raw))).split("\n")
        if len(words) != len(raw):  # a letter whose compatibility form holds a line break: fold one by one
            words = [fold(word).replace("\n", " ") for word in raw]
    return Tokens(text, kinds, words, [start for start, _ in spans], [end for _, end in spans])
