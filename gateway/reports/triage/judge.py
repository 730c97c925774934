"""Judge a report by weighted words. Pure; the words come from `files`.

Every word and phrase found adds its weight to its category, the longest phrase of a category at each word; the heaviest
category wins. Where medical or crush has a deciding word, or is within `DANGER_MARGIN` of the heaviest, it wins
instead: to page somebody for nothing costs a walk, not to page may cost a life.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from orthography import words as folded_words

CATEGORIES = (
    "medical", "crush", "lost", "toilets", "water", "transport", "sound", "information", "praise", "other",
)  # fmt: skip
"""In the order in which equal weights are settled."""
PAGED = frozenset({"medical", "crush"})
KINDS = ("help", "complaint", "praise", "noise")

DANGER_MARGIN = 2
DECIDES = 5
"""A deciding word of danger wins over however many words of another trouble."""
ENOUGH = 2
"""The weight that a category needs at all."""
EMERGENCY, URGENT, NORMAL, LOW = 3, 2, 1, 0

_BASE = {"medical": EMERGENCY, "crush": EMERGENCY, "lost": URGENT, "information": LOW, "praise": LOW}
_KIND = {
    "medical": "help", "crush": "help", "lost": "help", "information": "help", "praise": "praise",
    "water": "complaint", "toilets": "complaint", "transport": "complaint", "sound": "complaint",
}  # fmt: skip
_MOST_WORDS = 120
_REMEMBERED = 50_000  # words


@dataclass(frozen=True, slots=True)
class Rule:
    """One phrase: its folded words, what it speaks for ("category.medical", "kind.help", "urgency.up") and how much."""

    words: tuple[str, ...]
    label: str
    weight: int
    stem: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """What triage makes of a text. `because` holds the deciding words as "word +5", the heaviest first."""

    category: str
    kind: str
    urgency: int
    because: tuple[str, ...] = ()
    spot: str = ""
    """The place on the ground that is named, such as "gate 3"; empty if none."""
    scores: Mapping[str, int] = field(default_factory=dict, compare=False)

    @property
    def pages(self) -> bool:
        """Whether somebody must be called at once."""
        return self.category in PAGED and self.kind != "praise"


@dataclass(frozen=True)
class Spots:
    """Names of places on the ground: kinds that take a number or letter, and single ones, by their folded words."""

    numbered: Mapping[tuple[str, ...], str]
    single: Mapping[tuple[str, ...], str]
    numbers: Mapping[str, str]
    between: frozenset[str]

    def find(self, words: list[str]) -> str:
        """Return the first numbered spot of a text, else the first single one, else ""."""
        found = ""
        for index in range(len(words)):
            for length in (3, 2, 1):
                run = tuple(words[index : index + length])
                if not found and run in self.single:
                    found = self.single[run]
                if run in self.numbered and (number := self._number(words, index + length, index)):
                    return f"{self.numbered[run]} {number}"
        return found

    def _number(self, words: list[str], after: int, before: int) -> str:
        while after < len(words) and words[after] in self.between:
            after += 1
        if after < len(words) and (number := self._as_number(words[after])):
            return number
        # "3 number gate"
        if before >= 2 and words[before - 1] in self.between:
            return self._as_number(words[before - 2])
        return ""

    def _as_number(self, word: str) -> str:
        if word.isdigit():
            return str(int(word)) if len(word) < 4 else ""
        if len(word) == 1 and word.isascii():
            return word.upper() if word not in "ai" else "A" if word == "a" else ""
        return self.numbers.get(word, "")


class TriageRules:
    """Every language's rules, ready to judge texts with."""

    def __init__(self, rules: Iterable[Rule], spots: Spots) -> None:
        """Later rules of the same words and label take the place of earlier ones."""
        kept = {(rule.words, rule.stem, rule.label): rule for rule in rules}
        self.rules = tuple(rule for rule in kept.values() if rule.weight)
        self.spots = spots
        self._first: dict[str, list[Rule]] = {}
        self._stems: dict[str, list[Rule]] = {}
        for rule in sorted(self.rules, key=lambda one: -len(one.words)):
            table = self._stems if rule.stem and len(rule.words) == 1 else self._first
            table.setdefault(rule.words[0], []).append(rule)
        self._seen: dict[str, tuple[Rule, ...]] = {}
        self._stem_lengths = sorted({len(stem) for stem in self._stems})

    def judge(self, text: str) -> Verdict:
        """Return what a text is about; any str may come in, the first 120 words count."""
        words = folded_words(text)[:_MOST_WORDS]
        found = self._found(words)
        scores: dict[str, int] = {}
        for rule in found:
            scores[rule.label] = scores.get(rule.label, 0) + rule.weight
        category = _category(scores)
        kind = _kind(category, scores, words)
        if kind == "noise":
            category = "other"
        urgency = _urgency(category, kind, scores)
        if words and not any(weight > 0 for weight in scores.values()):
            urgency = URGENT  # nobody can say what it is before a person has read it, so one should soon
        return Verdict(category, kind, urgency, _because(found, category, kind), self.spots.find(words), scores)

    def _found(self, words: list[str]) -> list[Rule]:
        """Return the rules that fit: per label the longest at each word, each once, none inside a longer one."""
        found: dict[Rule, None] = {}
        covered: dict[str, int] = {}
        for index, word in enumerate(words):
            here: set[str] = set()
            for rule in self._candidates(word):
                size = len(rule.words)
                if rule.label in here or index + size <= covered.get(rule.label, 0):
                    continue
                if size > 1 and not _follows(rule, words, index):
                    continue
                here.add(rule.label)
                covered[rule.label] = index + size
                found[rule] = None
        return list(found)

    def _candidates(self, word: str) -> tuple[Rule, ...]:
        """Return the rules whose first word this is, the longest first; remembered, because people repeat words."""
        known = self._seen.get(word)
        if known is None:
            stems = (self._stems.get(word[:length], ()) for length in self._stem_lengths if length <= len(word))
            known = (*self._first.get(word, ()), *(rule for rules in stems for rule in rules))
            if len(self._seen) < _REMEMBERED:
                self._seen[word] = known
        return known


def _follows(rule: Rule, words: list[str], index: int) -> bool:
    there = words[index : index + len(rule.words)]
    if rule.stem:
        return (
            len(there) == len(rule.words)
            and there[:-1] == list(rule.words[:-1])
            and there[-1].startswith(rule.words[-1])
        )
    return tuple(there) == rule.words


def _category(scores: Mapping[str, int]) -> str:
    by_weight = {name: scores.get(f"category.{name}", 0) for name in CATEGORIES}
    trouble = {name: weight for name, weight in by_weight.items() if name not in ("praise", "information", "other")}
    top = max(trouble.values())
    dangers = [name for name in CATEGORIES if name in PAGED and trouble[name] > ENOUGH]
    if dangers:
        danger = max(dangers, key=lambda name: trouble[name])
        others = max(top, by_weight["information"] - DANGER_MARGIN)
        if (trouble[danger] >= DECIDES or trouble[danger] + DANGER_MARGIN >= others) and by_weight["praise"] < trouble[
            danger
        ] + ENOUGH:
            return danger
    best = max(CATEGORIES, key=lambda name: by_weight[name])  # the first of equals
    return best if by_weight[best] >= ENOUGH else "other"


def _kind(category: str, scores: Mapping[str, int], words: list[str]) -> str:
    noise, help_, complaint = (scores.get(f"kind.{name}", 0) for name in ("noise", "help", "complaint"))
    praise = max(scores.get("kind.praise", 0), scores.get("category.praise", 0))
    if category in PAGED or category == "lost":
        return "help"
    if category == "praise":
        return "praise"
    if category == "other":
        if noise and noise >= help_ + complaint and len(words) <= 6:
            return "noise"
        return "complaint" if complaint > help_ or (scores.get("category.other", 0) and complaint >= help_) else "help"
    if category == "information":
        if noise and len(words) <= 4 and noise >= scores.get("category.information", 0):
            return "noise"
        return "help"
    if help_ > complaint and help_ > praise:
        return "help"
    return _KIND[category]


def _urgency(category: str, kind: str, scores: Mapping[str, int]) -> int:
    if kind in ("praise", "noise"):
        return LOW
    urgency = _BASE.get(category, NORMAL)
    if category == "information":
        return urgency
    if scores.get("urgency.up") and urgency < URGENT:
        urgency += 1
    if scores.get("urgency.down") and urgency > LOW:
        urgency -= 1
    return urgency


def _because(found: list[Rule], category: str, kind: str) -> tuple[str, ...]:
    said = [rule for rule in found if rule.label == f"category.{category}"]
    said += [rule for rule in found if rule.label == f"kind.{kind}"]
    said += [rule for rule in found if rule.label.startswith("urgency.")]
    shown: dict[str, None] = {}
    for rule in sorted(said, key=lambda one: -abs(one.weight)):
        shown.setdefault(f"{' '.join(rule.words)}{'*' if rule.stem else ''} {rule.weight:+d}", None)
    return tuple(shown)[:8]
