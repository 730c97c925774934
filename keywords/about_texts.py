"""STOP and START with words about our texts around them: "stop lahore messages", "start texting me again".

As in opt_out.py every word must have its place in such a sentence; one word more and it is chatter.
"""

from collections.abc import Iterator, Sequence

from keywords.lexicon import OptOutWords
from keywords.opt_out import closes, holds_thing, leads_to, opts_out
from keywords.reading import Match, Reading
from keywords.shapes import is_topic

_LONGEST = 12  # words
_LONGEST_START = 4  # words of a keyword that stands last


def topic_of_stop(reading: Reading, begin: int) -> tuple[int, int] | None:
    """The topic among words about texts behind STOP: "stop lahore msgs", "stop the messages for students"."""
    words, end = reading.words, len(reading.words)
    if end - begin > _LONGEST:
        return None
    for language in reading.vocabulary.opt_out:
        if not holds_thing(words[begin:], language):
            continue
        for first, last in _topics(reading, begin):
            if closes(words[begin:first], 0, language) and closes(words[last:end], 0, language):
                return first, last
    return None


def topic_then_opt_out(reading: Reading) -> tuple[int, int, str] | None:
    """A topic and then a sentence that stops its texts: "lahore ke msg band karo". With the sentence's language."""
    words, begin = reading.words, reading.after_preamble()
    if len(words) - begin > _LONGEST or words[begin] not in reading.vocabulary.topics:
        return None
    end = begin + reading.vocabulary.topics.longest_at(words, begin)
    if not begin < end < len(words):
        return None
    found = opts_out(words[end:], reading.vocabulary, alone=True)
    for language in reading.vocabulary.opt_out:
        if language.language == found and holds_thing(words[end:], language):
            return begin, end, found
    return None


def reason_then_stop(reading: Reading) -> Match | None:
    """A bare STOP behind a reason for it: "wrong number stop"."""
    words, start = reading.words, reading.after_preamble()
    if words[start] not in reading.vocabulary.reasons:
        return None
    reached = {start}
    for index in range(start, min(len(words), start + _LONGEST)):
        if index not in reached:
            continue
        for phrases in (reading.vocabulary.reasons, reading.vocabulary.polite):
            reached.update(index + length for length in phrases.lengths_at(words, index))
        match = reading.match_at(index) if index > start else None
        if match is None or match.keyword.command != "STOP" or match.keyword.weak or not match.certain:
            continue
        if reading.without_polite(match.end, len(words)) == match.end:
            return match
    return None


def starts_texts(reading: Reading, match: Match) -> bool:
    """Whether only words about texts, and who they are for, follow START: "start sending me messages again"."""
    rest, from_keyword = reading.words[match.end :], reading.words[match.begin :]
    if len(rest) > _LONGEST or match.keyword.weak or not match.certain:
        return False
    wanted = reading.vocabulary.evidence.get("START", frozenset())
    return any(word in wanted for word in rest) and any(
        holds_thing(from_keyword, language) and closes(rest, 0, language) and not _stops(rest, language)
        for language in reading.vocabulary.opt_out
    )


def texts_then_start(reading: Reading) -> Match | None:
    """START behind the texts that are wanted, as a language has it whose verb comes last: "msg phir shuru karo"."""
    words = reading.words
    if len(words) < 2:
        return None
    end = reading.without_polite(0, len(words))
    if end > _LONGEST:
        return None
    for index in range(max(1, end - _LONGEST_START), end):
        known = reading.vocabulary.keywords.get(words[index])
        if not known or all(keyword.command != "START" for keyword in known):
            continue
        match = reading.match_at(index)
        if match is None or match.keyword.command != "START" or match.end != end or not match.certain:
            continue
        before = words[:index]
        for language in reading.vocabulary.opt_out:
            if holds_thing(before, language) and leads_to(before, language) and not _stops(before, language):
                return match
    return None


def _topics(reading: Reading, begin: int) -> Iterator[tuple[int, int]]:
    """Every run of words from `begin` on that names what can be left, the longest first."""
    end = len(reading.words)
    for first in range(begin, end):
        for last in range(end, first, -1):
            if is_topic(reading, first, last):
                yield first, last


def _stops(words: Sequence[str], language: OptOutWords) -> bool:
    return any(word in language.stop for word in words)
