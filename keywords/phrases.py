"""A set of phrases that can be looked for at a place among words."""

from collections.abc import Iterable, Sequence


class Phrases:
    """Phrases of one or more folded words, found in constant time by their first word."""

    __slots__ = ("by_first",)

    def __init__(self, phrases: Iterable[tuple[str, ...]]) -> None:
        grouped: dict[str, set[tuple[str, ...]]] = {}
        for phrase in phrases:
            grouped.setdefault(phrase[0], set()).add(phrase)
        self.by_first = {first: sorted(group, key=len, reverse=True) for first, group in grouped.items()}

    def __contains__(self, word: str) -> bool:
        """Whether some phrase begins with `word`."""
        return word in self.by_first

    def lengths_at(self, words: Sequence[str], place: int) -> list[int]:
        """How long the phrases are that stand at `place`, the longest first."""
        group = self.by_first.get(words[place])
        if group is None:
            return []
        return [
            len(phrase) for phrase in group if len(phrase) == 1 or tuple(words[place : place + len(phrase)]) == phrase
        ]

    def longest_at(self, words: Sequence[str], place: int) -> int:
        """The length of the longest phrase at `place`; 0 when none stands there."""
        return next(iter(self.lengths_at(words, place)), 0)
