"""From a text to a command: an exact keyword in command shape, or an opt-out sentence, or nothing.

The principle: a keyword only counts where a command has it, as the first word that means something, and only when
what follows has the shape of that command's argument (names, a place, trouble, a reference). A sentence that merely
holds a keyword is left alone. Consent is law, so opt-outs are looked for first and in whole sentences too.
"""

import re
from collections.abc import Callable
from functools import cache

from keywords.command import Command
from keywords.lexicon import Keyword, Vocabulary, load_vocabulary
from keywords.names import AUDIENCE, SHAPES, Shape
from keywords.opt_out import opts_out
from keywords.slips import without_digits, without_repeats
from keywords.tokens import Tokens, cut

_SIGNATURE = re.compile(
    r"\s+(?:sent (?:from|via|using) (?:my|outlook|yahoo|mail|samsung|android|iphone|galaxy|gmail)|get outlook for|"
    r"sent by my|envoyé de|--\s*\n)",
    re.IGNORECASE,
)
_DASHED_NAME = re.compile(r"\s(?:--|—|~)\s?[^\s\d][^\n]{0,30}$|\n\s*[-–~]\s?[^\s\d][^\n]{0,30}$")
_MAX_ARGUMENT = {Shape.NAMES: 14, Shape.PLACE: 10, Shape.SHORT: 6, Shape.WORK: 8}
_LEADING_SHORT_CODE = re.compile(r"\d{3,6}")
_CODE = re.compile(r"(?=[a-z0-9]*\d)[a-z0-9]{3,8}|[a-z0-9]{4}")
_SEAT_CODE = re.compile(r"(?:na|pp|ps|pk|pb|la|gba?)\d{1,3}")


@cache
def _packaged() -> Vocabulary:
    return load_vocabulary()


def parse(
    text: str,
    *,
    short_code: str | None = None,
    audience: frozenset[str] = frozenset(),
    vocabulary: Vocabulary | None = None,
) -> Command:
    """Say what `text` asks for; Command.name is None when it asks for nothing that we know.

    text: any str, as it came. short_code: our own number, so that it may be typed in front. audience: "field" and
    "marshal" open the words of staff, "seat-holder" lets CANCEL free a seat instead of opting out.
    Never raises; takes time linear in the text's length.
    """
    return _Reading(text, short_code, audience, vocabulary or _packaged()).command()


class _Reading:
    """One text while it is being read."""

    def __init__(self, text: str, short_code: str | None, audience: frozenset[str], vocabulary: Vocabulary) -> None:
        self.text = text
        self.audience = audience
        self.vocabulary = vocabulary
        self.short_code = "".join(filter(str.isdigit, short_code or ""))
        self.tokens = cut(_without_signature(text))
        self.words = self.tokens.folded

    def command(self) -> Command:
        if not self.words:
            return Command(None, self.text.strip(), reason="no words")
        start = self._after_preamble(0)
        found = self._read_at(start)
        if found is None and start:
            found = self._read_at(0)
        if found is None:
            language = self._opt_out_sentence()
            if language:
                return Command("STOP", "", language, reason="a sentence that opts out", scope="all")
            found = self._where_sentence() or self._question()
        return found or Command(None, self.text.strip(), reason="no keyword in command shape")

    # -- before the keyword ------------------------------------------------------------------------------------

    def _after_preamble(self, index: int) -> int:
        """Skip greetings, marks of forwarding and the short code typed in front."""
        words = self.words
        while index < len(words) - 1:
            word = words[index]
            length = _match(self.vocabulary.greetings, words, index)
            if not length and (word == self.short_code or (not self.short_code and _LEADING_SHORT_CODE.fullmatch(word))):
                length = 1
            if not length or index + length >= len(words):
                break
            index += length
        return index

    # -- the keyword -------------------------------------------------------------------------------------------

    def _read_at(self, index: int) -> Command | None:
        match = self._keyword_at(index)
        if match is None:
            return None
        keyword, length, certain = match
        found = self._in_shape(keyword, index, length, certain)
        if found is None and keyword.command in ("YES",) and index + length < len(self.words):
            return self._read_at(index + length)
        return found

    def _keyword_at(self, index: int) -> tuple[Keyword, int, bool] | None:
        words = self.words
        if index >= len(words):
            return None
        for keyword in self.vocabulary.keywords.get(words[index], ()):
            if tuple(words[index : index + len(keyword.words)]) == keyword.words and self._allowed(keyword):
                return keyword, len(keyword.words), True
        word, length = words[index], 1
        if len(word) == 1:
            while index + length < len(words) and len(words[index + length]) == 1:
                length += 1
            if length < 4:
                return None
            word = "".join(words[index : index + length])
        for spelling in dict.fromkeys((word, without_digits(word), without_repeats(word))):
            keyword_ = self._alone(spelling)
            if keyword_:
                return keyword_, length, True
        for spelling in dict.fromkeys((word, without_digits(word), without_repeats(word))):
            slip = self.vocabulary.slips.get(spelling)
            if slip and word not in self.vocabulary.ordinary:
                return slip, length, False
        return None

    def _alone(self, word: str) -> Keyword | None:
        for keyword in self.vocabulary.keywords.get(word, ()):
            if len(keyword.words) == 1 and self._allowed(keyword):
                return keyword
        return None

    def _allowed(self, keyword: Keyword) -> bool:
        return AUDIENCE.get(keyword.command) is None or AUDIENCE[keyword.command] in self.audience

    # -- the argument ------------------------------------------------------------------------------------------

    def _in_shape(self, keyword: Keyword, index: int, length: int, certain: bool) -> Command | None:
        begin, end = index + length, len(self.words)
        typed = self.text[self.tokens.starts[index] : self.tokens.ends[begin - 1]]
        trimmed = self._without_polite(begin, end)
        name, scope = keyword.command, ""
        if name == "STOP":
            scope = "all"
            if trimmed == begin and "seat-holder" in self.audience and keyword.words in self.vocabulary.seat_words:
                name, scope = "CANCEL", ""
        elif not certain and name in ("START", "ERASE") and trimmed > begin:
            return None
        if trimmed == begin:
            return Command(name, "", keyword.language, certain, _reason(certain, "the keyword alone"), scope, typed)
        if keyword.weak and not self.tokens.separator_after(begin - 1) and not typed.isupper():
            if not (name == "REPORT" and self._is_trouble(begin, end, keyword, weak=True)):
                return None
        check: Callable[[int, int, Keyword], bool] = {
            Shape.ALONE: self._is_topic if name == "STOP" else self._is_nothing,
            Shape.NAMES: self._is_names,
            Shape.PLACE: self._is_place,
            Shape.TROUBLE: self._is_trouble,
            Shape.SHORT: self._is_short,
            Shape.CODE: self._is_code,
            Shape.WORK: self._is_work,
        }[SHAPES[name]]
        if name == "STOP":
            rest = self.words[begin:trimmed]
            if all(word in ("stop", "all", self.short_code) or word in self.vocabulary.polite for word in rest):
                return Command(name, "", keyword.language, certain, _reason(certain, "the keyword alone"), scope, typed)
            if self.tokens.line_break_after(begin - 1) and len(keyword.words) == 1:
                return Command(name, "", keyword.language, certain, "the keyword alone on its line", scope, typed)
            if not certain or not check(begin, trimmed, keyword):
                return None
            return Command(name, self._argument(begin, trimmed, name), keyword.language, certain, "the keyword and a topic", "topic", typed)
        if not check(begin, end, keyword):
            return None
        return Command(
            name, self._argument(begin, end, name), keyword.language, certain, _reason(certain, "the keyword and its argument"), scope, typed
        )

    def _without_polite(self, begin: int, end: int) -> int:
        """Where the text ends when polite words at its end do not count."""
        words, polite = self.words, self.vocabulary.polite
        while end > begin and words[end - 1] in polite:
            end -= 1
        return begin if all(word in polite or self._is_polite(begin, end) for word in words[begin:end]) else end

    def _is_polite(self, begin: int, end: int) -> bool:
        while begin < end:
            length = _match(self.vocabulary.polite_phrases, self.words, begin)
            if not length:
                return False
            begin += length
        return True

    def _is_nothing(self, begin: int, end: int, keyword: Keyword) -> bool:
        return self._is_polite(begin, end)

    def _is_topic(self, begin: int, end: int, keyword: Keyword) -> bool:
        words = self.words[begin:end]
        if len(words) > 4:
            return False
        joined = "".join(words)
        if joined.isdigit():
            return len(joined) > 2
        if _SEAT_CODE.fullmatch(joined) or set(words) <= self.vocabulary.topics:
            return True
        if len(words) > 2 or any(word in self.vocabulary.chatter or word in self.vocabulary.polite for word in words):
            return False
        typed = self.text[self.tokens.starts[begin] : self.tokens.ends[end - 1]]
        return typed.isupper() and self.text.isupper() and len(words) == 1 and not _ABSTRACT.search(joined)

    def _is_names(self, begin: int, end: int, keyword: Keyword) -> bool:
        words, vocabulary = self.words, self.vocabulary
        if end - begin > _MAX_ARGUMENT[Shape.NAMES] or self._asks():
            return False
        other = vocabulary.other_sense.get("JOIN", frozenset())
        index, names = begin, 0
        while index < end:
            tied = _match(vocabulary.person_ties, words, index)
            if tied:
                index += tied
                continue
            word = words[index]
            if word in other or word in vocabulary.chatter:
                return False
            names += 1
            index += 1
        return names > 0

    def _is_place(self, begin: int, end: int, keyword: Keyword) -> bool:
        words, vocabulary = self.words, self.vocabulary
        if end - begin > _MAX_ARGUMENT[Shape.PLACE]:
            return False
        return not any(word in vocabulary.chatter for word in words[begin:end])

    def _is_trouble(self, begin: int, end: int, keyword: Keyword, weak: bool = False) -> bool:
        vocabulary, words = self.vocabulary, self.words[begin:end]
        marked = self.tokens.separator_after(begin - 1) or self._keyword_shouts(begin)
        other = vocabulary.other_sense.get("REPORT", frozenset())
        evidence = vocabulary.evidence.get("REPORT", frozenset())
        if marked and len(words) > 1:
            return True
        if words[0] in other:
            return len(words) > 2 and sum(word in evidence for word in words[1:]) >= 2
        if any(word in evidence for word in words):
            return True
        return not weak and len(words) > 1 and not any(word in other for word in words)

    def _keyword_shouts(self, begin: int) -> bool:
        """Whether the keyword is in capitals and the rest is not: "REPORT pani nahi"."""
        head = self.text[: self.tokens.ends[begin - 1]]
        return head.isupper() and not self.text[self.tokens.ends[begin - 1] :].isupper()

    def _is_short(self, begin: int, end: int, keyword: Keyword) -> bool:
        words = self.words[begin:end]
        return len(words) <= _MAX_ARGUMENT[Shape.SHORT] and not any(word in self.vocabulary.chatter for word in words)

    def _is_code(self, begin: int, end: int, keyword: Keyword) -> bool:
        words = self.words[begin:end]
        return len(words) <= 2 and bool(_CODE.fullmatch("".join(words)))

    def _is_work(self, begin: int, end: int, keyword: Keyword) -> bool:
        words = self.words[begin:end]
        if _CODE.fullmatch(words[0]) and any(letter.isdigit() for letter in words[0]):
            return True
        return len(words) <= 4 and not any(word in self.vocabulary.chatter for word in words)

    def _argument(self, begin: int, end: int, name: str) -> str:
        """What was typed from word `begin` to before word `end`, with a closing bracket or percent sign at its end."""
        start, stop = self.tokens.starts[begin], self.tokens.ends[end - 1]
        if name == "GROUP" and start and self.text[start - 1] in "-−–+" and (start < 2 or self.text[start - 2].isspace()):
            start -= 1
        if self.text[stop : stop + 1] in ("%", ")") and not (self.text[stop : stop + 1] == ")" and "(" not in self.text[start:stop]):
            stop += 1
        return self.text[start:stop]

    # -- sentences ---------------------------------------------------------------------------------------------

    def _asks(self) -> bool:
        return self.text.rstrip().endswith(("?", "؟")) or self.words[0] in self.vocabulary.questions

    def _opt_out_sentence(self) -> str | None:
        return opts_out(self.words, self.vocabulary)

    def _where_sentence(self) -> Command | None:
        return None

    def _question(self) -> Command | None:
        """A question about a keyword ("how do I join?") is answered with help."""
        if len(self.words) > 12 or self.words[0] not in self.vocabulary.questions:
            return None
        for index, word in enumerate(self.words):
            keyword = self._alone(word)
            if keyword and not keyword.weak and keyword.command in ("JOIN", "STOP", "REPORT", "START"):
                return Command("HELP", "", keyword.language, True, f"a question about {keyword.command}", "", word)
        return None


_ABSTRACT = re.compile(r"(?:ing|ism|tion|sion|ment|ness|ity|ence|ance|ide)$")


def _reason(certain: bool, what: str) -> str:
    return what if certain else what + ", a typing error bridged"


def _match(phrases: dict[str, tuple[tuple[str, ...], ...]], words: list[str], index: int) -> int:
    """How many words of the longest of `phrases` stand at `index`; 0 when none does."""
    for phrase in phrases.get(words[index], ()):
        if len(phrase) == 1 or tuple(words[index : index + len(phrase)]) == phrase:
            return len(phrase)
    return 0


def _without_signature(text: str) -> str:
    if "ent " in text or "et Outlook" in text or "--" in text:
        found = _SIGNATURE.search(text)
        if found and found.start() > 0:
            return text[: found.start()]
    return text


def looks_like_stop(text: str, *, vocabulary: Vocabulary | None = None) -> bool:
    """Whether a text is so near to an opt-out that no conversation may take it as an answer.

    Broader than parse: typing errors, stop words beside others, sentences that only nearly opt out.
    """
    vocabulary = vocabulary or _packaged()
    reading = _Reading(text, None, frozenset(), vocabulary)
    if reading.command().name == "STOP":
        return True
    for index in range(min(len(reading.words), 6)):
        match = reading._keyword_at(index)
        if match and match[0].command == "STOP" and (not match[0].weak or len(reading.words) <= 2):
            return True
    return any(word.startswith(("stop", "unsub")) for word in reading.words)
