"""A set of phrases that can be looked for at a place among words."""

from collections.abc import Iterable, Sequence


class Phrases:
    """Phrases of one or more folded words; looking one up costs a hash or two, however many there are."""

    __slots__ = ("lengths", "phrases")

    def __init__(self, phrases: Iterable[tuple[str, ...]]) -> None:
        self.phrases = frozenset(phrases)
        lengths: dict[str, set[int]] = {}
        for phrase in self.phrases:
            lengths.setdefault(phrase[0], set()).add(len(phrase))
        self.lengths = {first: tuple(sorted(some, reverse=True)) for first, some in lengths.items()}

    def __contains__(self, word: str) -> bool:
        """Whether some phrase begins with `word`."""
        return word in self.lengths

    def lengths_at(self, words: Sequence[str], place: int) -> Sequence[int]:
        """How long the phrases are that stand at `place`, the longest first."""
        lengths = self.lengths.get(words[place])
        if lengths is None:
            return ()
        if lengths == (1,):
            return lengths
        return [length for length in lengths if tuple(words[place : place + length]) in self.phrases]

    def longest_at(self, words: Sequence[str], place: int) -> int:
        """The length of the longest phrase at `place`; 0 when none stands there."""
        found = self.lengths_at(words, place)
        return found[0] if found else 0
