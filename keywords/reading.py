"""A text laid open for the parser: its words, its sentences, and which keyword stands where."""

import re
from dataclasses import dataclass

from keywords.lexicon import Keyword, Vocabulary
from keywords.names import AUDIENCE
from keywords.slips import without_digits, without_repeats
from keywords.tokens import Tokens, cut

_SIGNATURE = re.compile(
    r"\s(?:sent (?:from|via|using|with|by) (?:my|outlook|yahoo|mail|samsung|android|iphone|galaxy|gmail|blackberry)\b"
    r"|get outlook for\b|-- ?\n|--\s*$)",
    re.IGNORECASE,
)
_SIGNED = re.compile(r"[\s.,!](?:--|—|–|~|-)[ ]?[^\W\d_][^\n\d]{0,30}$")
_NUMBER_IN_FRONT = re.compile(r"\d{4,6}")
_SENTENCE_ENDS = re.compile(r"[.!?۔؟\n\r]")
_LETTERS_APART = 4  # single letters in a row that make a word: S T O P
_MOST_LETTERS_APART = 12
_MARK_BEFORE_ARGUMENT = "-−–+"


@dataclass(slots=True)
class Match:
    """A keyword found in a text."""

    keyword: Keyword
    begin: int  # its first word
    end: int  # the word after its last
    certain: bool


class Reading:
    """One text while it is being read. Word numbers run over `words`, which are folded."""

    __slots__ = ("_begins", "audience", "short_code", "text", "tokens", "vocabulary", "words")

    def __init__(self, text: str, short_code: str, audience: frozenset[str], vocabulary: Vocabulary) -> None:
        self.text = without_signature(text)
        self.short_code = short_code
        self.audience = audience
        self.vocabulary = vocabulary
        self.tokens: Tokens = cut(self.text)
        self.words = self.tokens.folded
        self._begins = -1

    def typed(self, begin: int, end: int) -> str:
        """The words from `begin` to before `end` as the person typed them."""
        return self.text[self.tokens.starts[begin] : self.tokens.ends[end - 1]]

    def argument(self, begin: int, end: int) -> str:
        """The same with the marks that belong to it: a minus before (GROUP -students), a percent or bracket after."""
        start, stop = self.tokens.starts[begin], self.tokens.ends[end - 1]
        if start > 1 and self.text[start - 1] in _MARK_BEFORE_ARGUMENT and self.text[start - 2].isspace():
            start -= 1
        after = self.text[stop : stop + 1]
        if after == "%" or (after == ")" and "(" in self.text[start:stop]):
            stop += 1
        return self.text[start:stop]

    def after_preamble(self) -> int:
        """The first word that is no greeting, mark of forwarding or short code typed in front."""
        if self._begins >= 0:
            return self._begins
        words, greetings = self.words, self.vocabulary.greetings
        index = 0
        while index < len(words) - 1:
            length = greetings.longest_at(words, index)
            if not length and (words[index] == self.short_code or self._number_before_keyword(index)):
                length = 1
            if not length or index + length >= len(words):
                break
            index += length
        self._begins = index
        return index

    def _number_before_keyword(self, index: int) -> bool:
        """Whether a number stands first that can only be a short code: "80022 JOIN"."""
        return bool(
            index == 0
            and not self.short_code
            and _NUMBER_IN_FRONT.fullmatch(self.words[0])
            and self.words[1] in self.vocabulary.keywords
        )

    def match_at(self, index: int) -> Match | None:
        """The keyword that begins at word `index`: exact, else with letters apart, digits for letters or one slip."""
        words, vocabulary = self.words, self.vocabulary
        word = words[index]
        for keyword in vocabulary.keywords.get(word, ()):
            end = index + len(keyword.words)
            if (len(keyword.words) == 1 or tuple(words[index:end]) == keyword.words) and self.allowed(keyword):
                return Match(keyword, index, end, True)
        if word in vocabulary.ordinary:
            return None
        end = index + 1
        if len(word) == 1:
            while end < len(words) and len(words[end]) == 1 and end - index < _MOST_LETTERS_APART:
                end += 1
            if end - index < _LETTERS_APART:
                return None
            word = "".join(words[index:end])
        plain = without_digits(word)
        for spelling in (word, plain, without_repeats(plain)):
            single = self.single(spelling)
            if single:
                return Match(single, index, end, True)
        for spelling in (word, plain, without_repeats(plain)):
            slip = vocabulary.slips.get(spelling)
            if slip:
                return Match(slip, index, end, False)
        return None

    def single(self, word: str) -> Keyword | None:
        """The keyword that this one word is."""
        for keyword in self.vocabulary.keywords.get(word, ()):
            if len(keyword.words) == 1 and self.allowed(keyword):
                return keyword
        return None

    def allowed(self, keyword: Keyword) -> bool:
        """Whether the sender may use this keyword: the words of staff are ordinary text to everyone else."""
        needed = AUDIENCE.get(keyword.command)
        return needed is None or needed in self.audience

    def without_polite(self, begin: int, end: int) -> int:
        """Where the words from `begin` end when polite words at their end do not count."""
        words, polite = self.words, self.vocabulary.polite
        while end > begin:
            for start in range(max(begin, end - 4), end):
                if end - start in polite.lengths_at(words, start):
                    end = start
                    break
            else:
                if words[end - 1] != self.short_code:
                    break
                end -= 1
        return end

    def in_capitals(self, begin: int, end: int) -> bool:
        """Whether a keyword is in capitals and the text after it is not."""
        return self.typed(begin, end).isupper() and not self.text[self.tokens.ends[end - 1] :].isupper()

    def asks(self) -> bool:
        """Whether the text is a question."""
        return self.text.rstrip().endswith(("?", "؟")) or self.words[0] in self.vocabulary.questions

    def sentences(self) -> list[tuple[int, int]]:
        """The sentences of the text, each as (first word, word after the last)."""
        bounds, begin = [], 0
        for index in range(len(self.words) - 1):
            gap = self.text[self.tokens.ends[index] : self.tokens.starts[index + 1]]
            if gap != " " and _SENTENCE_ENDS.search(gap):
                bounds.append((begin, index + 1))
                begin = index + 1
        bounds.append((begin, len(self.words)))
        return bounds


def without_signature(text: str) -> str:
    """Cut what a phone puts under a text ("Sent from my iPhone") and a name behind a dash at its end."""
    found = _SIGNATURE.search(text)
    if found and text[: found.start()].strip():
        text = text[: found.start()]
    return text


def without_signed_name(text: str) -> str:
    """Cut a name signed behind a dash: "STOP -- Ali". Only for commands that have no argument."""
    found = _SIGNED.search(text, max(0, len(text) - 60))
    return text[: found.start()] if found and text[: found.start()].strip() else text
