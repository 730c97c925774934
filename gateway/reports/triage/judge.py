"""Judge a report by weighted words. Pure; the words come from `files`.

Every word and phrase found adds its weight to its category, the longest phrase of a category at each word; the heaviest
category wins. Where medical or crush has a deciding word, or is within `DANGER_MARGIN` of the heaviest, it wins
instead: to page somebody for nothing costs a walk, not to page may cost a life.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from gateway.reports.triage.patterns import QUESTION, Found, Lexicon, Patterns, Rule
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
MOST_AGAINST = 6
"""The most that another trouble weighs against a danger, however many words speak for it: nine words of stale rice do
not outvote people who vomit."""
ENOUGH = 2
"""The weight that a category needs at all."""
EMERGENCY, URGENT, NORMAL, LOW = 3, 2, 1, 0

_BASE = {"medical": EMERGENCY, "crush": EMERGENCY, "lost": URGENT, "information": LOW, "praise": LOW}
_KIND = {
    "medical": "help", "crush": "help", "lost": "help", "information": "help", "praise": "praise",
    "water": "complaint", "toilets": "complaint", "transport": "complaint", "sound": "complaint",
}  # fmt: skip
_MOST_WORDS = 120
_WITH_NUMBER = re.compile(r"([^\W\d_]+)(\d{1,3})")
_ALARMING = frozenset("🔥🚑🆘🚨🩸💥🚒🔫🔪")


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
        words = list(self._parted(words))
        found = ""
        for index in range(len(words)):
            for length in (3, 2, 1):
                run = tuple(words[index : index + length])
                if not found and run in self.single:
                    found = self.single[run]
                if run in self.numbered and (number := self._number(words, index + length, index)):
                    return f"{self.numbered[run]} {number}"
        return found

    def _parted(self, words: list[str]) -> Iterator[str]:
        """Yield the words, "gate6" as two."""
        for word in words:
            together = _WITH_NUMBER.fullmatch(word)
            yield from together.groups() if together and (together[1],) in self.numbered else (word,)

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

    def __init__(self, rules: Iterable[Rule], spots: Spots, lexicon: Lexicon) -> None:
        """Later rules of the same words and label take the place of earlier ones."""
        kept = {(rule.words, rule.stem, rule.label): rule for rule in rules}
        self.rules = tuple(rule for rule in kept.values() if rule.weight)
        self.spots = spots
        self.lexicon = lexicon

    @cached_property
    def _patterns(self) -> Patterns:
        """Made when the first text is judged: half a second of work that showing the rules has no need of."""
        return Patterns(self.rules, self.lexicon)

    def judge(self, text: str) -> Verdict:
        """Return what a text is about; any str may come in, the first 120 words count."""
        words = folded_words(text)[:_MOST_WORDS]
        asked = [QUESTION] if words and text.rstrip()[-1:] in ("?", "؟") else []
        found = self._patterns.find([*words, *asked])
        scores: dict[str, int] = {}
        for one in found:
            scores[one.rule.label] = scores.get(one.rule.label, 0) + one.rule.weight
        category = _category(scores)
        kind = _kind(category, scores, words) if words or not _is_only_smiling(text) else "noise"
        if kind == "noise":
            category = "other"
        surely = any(one.rule.label == f"category.{category}" and one.rule.weight >= DECIDES for one in found)
        urgency = _urgency(category, kind, scores, surely=surely)
        if words and kind == "help" and category == "other" and not scores.get("category.other"):
            urgency = URGENT  # nobody can say what it is before a person has read it, so one should soon
        return Verdict(category, kind, urgency, _because(found, category, kind), self.spots.find(words), scores)


def _is_only_smiling(text: str) -> bool:
    """Tell whether a text without a word is of pictures, and none of them is one that people raise an alarm with."""
    pictures = {sign for sign in text if unicodedata.category(sign) == "So"}
    return bool(pictures) and pictures.isdisjoint(_ALARMING)


def _category(scores: Mapping[str, int]) -> str:
    by_weight = {name: scores.get(f"category.{name}", 0) for name in CATEGORIES}
    trouble = {name: weight for name, weight in by_weight.items() if name not in ("praise", "information", "other")}
    top = max(trouble.values())
    dangers = [name for name in CATEGORIES if name in PAGED and trouble[name] > ENOUGH]
    if dangers:
        danger = max(dangers, key=lambda name: trouble[name])
        others = max(min(top, MOST_AGAINST), by_weight["information"] - DANGER_MARGIN)
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


def _urgency(category: str, kind: str, scores: Mapping[str, int], *, surely: bool) -> int:
    """Return 0 to 3. `surely`: a deciding word speaks for the category; such a danger is never called a small one."""
    if kind in ("praise", "noise"):
        return LOW
    urgency = _BASE.get(category, NORMAL)
    if category == "information":
        return urgency
    up, down = scores.get("urgency.up", 0), scores.get("urgency.down", 0)
    if up and urgency < URGENT:
        urgency += 1
    if down and urgency > LOW and not (category in PAGED and surely):
        urgency -= 1
    return urgency


def _because(found: list[Found], category: str, kind: str) -> tuple[str, ...]:
    labels = (f"category.{category}", f"kind.{kind}", "urgency.up", "urgency.down")
    said = [one for label in labels for one in found if one.rule.label == label]
    shown = dict.fromkeys(str(one) for one in sorted(said, key=lambda one: -abs(one.rule.weight)))
    return tuple(shown)[:8]
