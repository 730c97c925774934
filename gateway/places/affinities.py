"""The groups that organisers define, found in what people type."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from rapidfuzz.distance import OSA

from faults import FaultError, fault
from orthography import words

MAX_AFFINITIES = 62  # bits that fit a signed 64-bit column with room for the sign and one spare
_SURE_LENGTH = 5  # a shorter word with one letter wrong may be another word


@dataclass(frozen=True, slots=True)
class Group:
    """One affinity: `bit` is its place in the mask, `names` what it is called, `aliases` how else it is typed."""

    key: str
    bit: int
    names: Mapping[str, str] = field(default_factory=dict)
    aliases: tuple[str, ...] = ()

    @property
    def mask(self) -> int:
        return 1 << self.bit


class TypedTwice(FaultError):
    """Two groups would be typed the same way; the fault names both."""


class Groups:
    """An index over the affinities of one movement."""

    def __init__(self, groups: Iterable[Group]) -> None:
        """:raises TypedTwice: two groups are typed the same way"""
        self.all: tuple[Group, ...] = tuple(sorted(groups, key=lambda group: group.bit))
        self._by_words: dict[tuple[str, ...], Group] = {}
        for group in self.all:
            for name in (group.key, *group.names.values(), *group.aliases):
                typed = tuple(words(name))
                if typed and self._by_words.setdefault(typed, group) is not group:
                    raise TypedTwice(
                        fault(
                            "group.typed_twice",
                            '"{name}" stands for both {one} and {other}.',
                            name=name,
                            one=self._by_words[typed].key,
                            other=group.key,
                        )
                    )
        self.typed: frozenset[str] = frozenset(word for typed in self._by_words for word in typed)
        """Every folded word that some group is typed with: none of them is a misspelt place."""
        self._longest = max((len(typed) for typed in self._by_words), default=0)

    def named(self, text: str) -> Group | None:
        """Return the group that a whole text names, one wrong letter in a longer word allowed; None if none or two."""
        typed = tuple(words(text))
        if typed in self._by_words:
            return self._by_words[typed]
        joined = " ".join(typed)
        if len(joined) < _SURE_LENGTH:
            return None
        near = {
            group.key: group
            for known, group in self._by_words.items()
            if len(" ".join(known)) >= _SURE_LENGTH and OSA.distance(joined, " ".join(known), score_cutoff=1) <= 1
        }
        return next(iter(near.values())) if len(near) == 1 else None

    def exact(self, text: str) -> Group | None:
        """Return the group that a whole text names letter for letter."""
        return self._by_words.get(tuple(words(text)))

    def take(self, pieces: Sequence[str]) -> tuple[int, tuple[str, ...]]:
        """Return the mask of the groups named exactly among the words, and the words that are left.

        Exactly, because what is left is a person's name, and Waqeel is a name where wakeel is a lawyer.
        """
        if not self._longest:
            return 0, tuple(pieces)
        mask, left, at = 0, list[str](), 0
        folded = [tuple(words(piece)) for piece in pieces]
        while at < len(pieces):
            for length in range(min(self._longest, len(pieces) - at), 0, -1):
                typed = tuple(word for piece in folded[at : at + length] for word in piece)
                if group := self._by_words.get(typed):
                    mask |= group.mask
                    at += length
                    break
            else:
                left.append(pieces[at])
                at += 1
        return mask, tuple(left)

    def of(self, mask: int) -> tuple[Group, ...]:
        return tuple(group for group in self.all if mask & group.mask)
