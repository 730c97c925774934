"""Whether what follows a keyword has the shape of that command's argument, or is a sentence that is none of ours."""

import re
from collections.abc import Callable

from keywords.lexicon import Keyword
from keywords.names import SHAPES, Shape
from keywords.reading import Reading

_MOST_WORDS = {Shape.NAMES: 14, Shape.PLACE: 14, Shape.SHORT: 6}
_REFERENCE = re.compile(r"(?=[a-z]*\d)[a-z0-9]{3,8}")
_WEB = re.compile(r"://|www\.|@\w|\.(?:com|org|net|me|ly|pk|gl|tv|app|link)\b", re.IGNORECASE)
_SEAT_CODE = re.compile(r"(?:na|pp|ps|pk|pb|la|gba?)\d{1,3}")
_TOPIC_DIGITS = 3


def fits(reading: Reading, keyword: Keyword, begin: int, end: int) -> tuple[int, int] | None:
    """Return which words (first, after the last) are the argument, or None when the text is no such command.

    The words from `begin` to before `end` follow the keyword; there is at least one.
    """
    shape = SHAPES[keyword.command]
    if shape in _MOST_WORDS and end - begin > _MOST_WORDS[shape]:
        return None
    return _CHECKS[shape](reading, keyword, begin, end)


def is_topic(reading: Reading, begin: int, end: int) -> bool:
    """Whether the words name something that can be left alone: a city, a seat, a group, a number."""
    words = reading.words[begin:end]
    joined = "".join(words)
    if joined.isdigit():
        return len(joined) >= _TOPIC_DIGITS
    if _SEAT_CODE.fullmatch(joined):
        return True
    place = 0
    while place < len(words):
        length = reading.vocabulary.topics.longest_at(words, place)
        if not length:
            break
        place += length
    return place == len(words)


def only_known(reading: Reading, begin: int, end: int) -> bool:
    """Whether the words are cities, seats and groups that we know, and what ties them: "from lahore, students"."""
    index, known = begin, 0
    while index < end:
        named = _known_at(reading, index)
        known += named
        index += (step := named or _tied_at(reading, index))
        if not step:
            return False
    return known > 0


def introduces(reading: Reading, begin: int, end: int) -> bool:
    """Whether somebody gives their name, and a city, seat or group that we know: "from multan my name is sana". Before
    the name stands nothing else.
    """
    index = begin
    while index < end and not reading.vocabulary.introductions.longest_at(reading.words, index):
        index += (step := _known_at(reading, index) or _tied_at(reading, index))
        if not step:
            return False
    return index < end and any(_known_at(reading, place) for place in range(begin, end))


def _known_at(reading: Reading, index: int) -> int:
    """How many words from `index` on name a city, seat or group that we know."""
    words = reading.words
    seat = is_seat_code(words[index]) or 2 * is_seat_code("".join(words[index : index + 2]))
    return reading.vocabulary.topics.longest_at(words, index) or int(seat)


def _tied_at(reading: Reading, index: int) -> int:
    words, vocabulary = reading.words, reading.vocabulary
    return vocabulary.person_ties.longest_at(words, index) or vocabulary.polite.longest_at(words, index)


def is_seat_code(word: str) -> bool:
    """Whether a folded word is a constituency's code: na130."""
    return bool(_SEAT_CODE.fullmatch(word))


def _alone(reading: Reading, keyword: Keyword, begin: int, end: int) -> tuple[int, int] | None:
    if keyword.command == "START" and is_topic(reading, begin, reading.without_polite(begin, end)):
        return begin, reading.without_polite(begin, end)
    return None


def _names(reading: Reading, keyword: Keyword, begin: int, end: int) -> tuple[int, int] | None:
    """Names of people, places, seats and groups, with the words that tie them: "my name is Ali from Lahore"."""
    words, vocabulary = reading.words, reading.vocabulary
    if reading.asks() or _WEB.search(reading.text):
        return None  # "join t.me/..." is an advertisement
    other = vocabulary.other_sense.get(keyword.command, frozenset())
    myself = vocabulary.evidence.get(keyword.command, frozenset())
    index, names = begin, 0
    while index < end:
        named = _name_at(reading, index, end)
        tied = 0 if named else vocabulary.person_ties.longest_at(words, index) or int(words[index] in myself)
        if not named and not tied and (words[index] in other or words[index] in vocabulary.chatter):
            return None
        names += not tied
        index += named or tied or 1
    return (begin, end) if names else None


def _name_at(reading: Reading, index: int, end: int) -> int:
    """How many words from `index` on are a name although they look like a sentence's.

    Rahim Yar Khan; NA-130; No. 4; the letters of A.P.W.A, 19-D and Quetta-I; the last I of "Karachi Central I".
    """
    words = reading.words
    word = words[index]
    if index + 1 < end and words[index + 1].isdigit() and (word == "no" or is_seat_code(word + words[index + 1])):
        return 2
    if len(word) <= 2 and (reading.tokens.in_code(index) or (word == "i" and index > 0 and index + 1 == end)):
        return 1
    return reading.vocabulary.topics.longest_at(words, index)


def _chatter_words(reading: Reading, begin: int, end: int, other: frozenset[str]) -> int:
    """How many words of a sentence, or of the keyword's everyday sense, stand among names."""
    index, count = begin, 0
    while index < end:
        named = _name_at(reading, index, end)
        if not named:
            count += reading.words[index] in reading.vocabulary.chatter or reading.words[index] in other
        index += named or 1
    return count


def _place(reading: Reading, keyword: Keyword, begin: int, end: int) -> tuple[int, int] | None:
    """A place ("where kalma chowk"), or a question after the bus ("where is my bus from kalma chowk")."""
    words, vocabulary = reading.words, reading.vocabulary
    ties, transport = vocabulary.place_ties, vocabulary.transport
    first, last = begin, end
    while first < last and (words[first] in ties or words[first] in transport) and not reading.tokens.in_code(first):
        first += 1
    while last > first and words[last - 1] in ties and not reading.tokens.in_code(last - 1):
        last -= 1
    asked = words[begin:first] + words[last:end]
    about_bus = any(word in transport for word in asked)
    rest = words[first:last]
    other = vocabulary.other_sense.get("WHERE", frozenset())
    if not rest:
        return (first, first) if about_bus else None
    chatter = _chatter_words(reading, first, last, other)
    if chatter > 1 or (chatter and not (len(rest) > 2 and looks_like_place(reading, first, last))):
        return None
    is_sentence = keyword.weak or any(word in ties and word in vocabulary.chatter for word in asked)
    if is_sentence and not about_bus and not looks_like_place(reading, first, last):
        return None
    return first, last


def looks_like_place(reading: Reading, begin: int, end: int) -> bool:
    """Whether the words hold a place's name: one that we know, or one that says so ("... chowk", "... road")."""
    words, vocabulary = reading.words, reading.vocabulary
    return any(
        (words[index] in vocabulary.place_kinds and end - begin > 1) or vocabulary.topics.longest_at(words, index)
        for index in range(begin, end)
    )  # fmt: skip


def _trouble(reading: Reading, keyword: Keyword, begin: int, end: int) -> tuple[int, int] | None:
    """Free text about trouble. What a school or an office calls a report is none."""
    words, vocabulary = reading.words[begin:end], reading.vocabulary
    evidence = vocabulary.evidence.get("REPORT", frozenset())
    other = vocabulary.other_sense.get("REPORT", frozenset())
    decisive = vocabulary.decisive.get("REPORT", frozenset())
    told = sum(2 if word in decisive else word in evidence for word in words)
    if reading.tokens.colon_after(begin - 1) and len(words) > 1:
        fine = True
    elif _WEB.search(reading.text):
        fine = told > 1  # "report @name": an account, not trouble
    elif reading.tokens.separator_after(begin - 1) or reading.in_capitals(begin - len(keyword.words), begin):
        fine = told > 0 or words[0] not in other or len(words) > 3
    elif words[0] in other:
        fine = told > 1
    elif keyword.weak:
        fine = told > 1 or (told == 1 and len(words) < 5)
    else:
        # Where the verb comes last, a keyword in front can be the subject: "report tayyar kar lo".
        as_subject = any(word in vocabulary.verb_last for word in words)
        fine = told > 0 or not (len(words) == 1 or as_subject or (len(words) < 6 and reading.asks()))
    return (begin, end) if fine else None


def _short(reading: Reading, keyword: Keyword, begin: int, end: int) -> tuple[int, int] | None:
    other = reading.vocabulary.other_sense.get(keyword.command, frozenset())
    word = reading.words[begin]
    if (
        keyword.command == "LANG"
        and end - begin == 1
        and word not in other
        and word not in reading.vocabulary.verb_last
    ):
        return begin, end  # a language's code may be a word of a sentence: "ur"
    return None if _chatter_words(reading, begin, end, other) else (begin, end)


def _reference(reading: Reading, keyword: Keyword, begin: int, end: int) -> tuple[int, int] | None:
    end = reading.without_polite(begin, end)
    while begin < end - 1 and reading.words[begin] in ("of", "for", "ref", "no", "number", "report", "ka", "ki"):
        begin += 1
    joined = "".join(reading.words[begin:end])
    if _REFERENCE.fullmatch(joined) or (len(joined) == 4 and reading.typed(begin, end).isupper()):
        return begin, end
    return None


def _work(reading: Reading, keyword: Keyword, begin: int, end: int) -> tuple[int, int] | None:
    """A staff member's note: a reference or number first, or a few words that are no sentence."""
    words = reading.words[begin:end]
    if _REFERENCE.fullmatch(words[0]) or words[0].isdigit():
        return begin, end
    if len(words[0]) == 4 and reading.typed(begin, begin + 1).isupper():
        return begin, end
    return (begin, end) if len(words) <= 4 and not any(word in reading.vocabulary.chatter for word in words) else None


_CHECKS: dict[Shape, Callable[[Reading, Keyword, int, int], tuple[int, int] | None]] = {
    Shape.ALONE: _alone,
    Shape.NAMES: _names,
    Shape.PLACE: _place,
    Shape.TROUBLE: _trouble,
    Shape.SHORT: _short,
    Shape.CODE: _reference,
    Shape.WORK: _work,
}
