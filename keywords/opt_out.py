"""Sentences that opt out: "please stop texting me", "mujhe msg mat bhejo", "remove me from your list".

47 CFR 64.1200(a)(10) lets a person revoke consent "in any reasonable manner". A sentence is taken for that only when
EVERY word of it has its place in such a sentence: opening words, a core ("stop", "dont text", "mat bhejo"), closing
words, and something that is texted. One word more ("stop texting while driving", "stop the bill") and it is chatter.
"""

from collections.abc import Sequence

from rapidfuzz.distance import OSA

from keywords.lexicon import OptOutWords, Vocabulary
from keywords.phrases import Phrases

_LONGEST = 30  # words of one sentence
_LONGEST_WISH = 16  # words of a text that may be a wish
_REACH = 4  # words between what is to end and what is texted
_UNSUBSCRIBE = "unsubscribe"
_MOST_WRONG = 3  # letters of it, in a word of eight or more


def opts_out(sentence: Sequence[str], vocabulary: Vocabulary, alone: bool) -> str | None:
    """Return the language in which one sentence (folded words) opts out, or None.

    alone: the text says nothing else. "Please don't text me. I have nothing else to say" ends a quarrel of friends.
    """
    if not 0 < len(sentence) <= _LONGEST:
        return None
    for language in vocabulary.opt_out:
        if sentence[0] in language.first_words and _in_language(sentence, language, alone):
            return language.language
    return None


def _in_language(sentence: Sequence[str], language: OptOutWords, alone: bool) -> bool:
    """Try a core at every place that opening words reach."""
    opened = {0}  # places reached by opening words
    own = set[int]()  # places reached through words of the first person ("i want to")
    for place in range(len(sentence)):
        if place not in opened and place not in own:
            continue
        if _core_at(sentence, place, language, place in opened, alone):
            return True
        for length in language.before.lengths_at(sentence, place):
            (opened if place in opened else own).add(place + length)
        if language.things.longest_at(sentence, place):
            (opened if place in opened else own).add(place + 1)
        for length in language.first_person.lengths_at(sentence, place):
            own.add(place + length)
    return False


def _core_at(sentence: Sequence[str], place: int, language: OptOutWords, opened: bool, alone: bool) -> bool:
    for forms in (language.whole, language.whole_alone) if alone else (language.whole,):
        for length in forms.lengths_at(sentence, place):
            if closes(sentence, place + length, language, language.lists):
                return True
    if not opened:
        return False
    for forms in (language.cores, language.cores_alone) if alone else (language.cores,):
        for length in forms.lengths_at(sentence, place):
            if holds_thing(sentence, language) and closes(sentence, place + length, language, language.banter):
                return True
    for length in language.wishes.lengths_at(sentence, place):
        rest = sentence[place + length :]
        if any(word in language.stop for word in rest) and holds_thing(rest, language):
            return closes(sentence, place + length, language)
    return False


def may_wish_to(words: Sequence[str], vocabulary: Vocabulary) -> bool:
    """Whether a text that was not understood may be a wish for no more texts, so that help had better begin with STOP.

    It holds what is said of texts that one is tired of (`near`) within a few words of what is texted or of a list, or
    what says so alone (`near_alone`). Nothing is decided by it: a wrong guess costs another wording.
    """
    if not 0 < len(words) <= _LONGEST_WISH:
        return False
    if any(_is_unsubscribe(word) for word in words):
        return True
    for language in vocabulary.opt_out:
        texted = [
            place
            for place in range(len(words))
            if language.things.longest_at(words, place) or words[place] in _NAMES_A_LIST
        ]
        for place in range(len(words)):
            if language.near_alone.longest_at(words, place):
                return True
            if (length := language.near.longest_at(words, place)) and any(
                place - _REACH <= one < place + length + _REACH for one in texted
            ):
                return True
    return False


_NAMES_A_LIST = frozenset({"list", "lists", "لسٹ", "فہرست", "fehrist", "fahrist"})


def _is_unsubscribe(word: str) -> bool:
    return len(word) >= 8 and word.startswith("un") and OSA.distance(word, _UNSUBSCRIBE) <= _MOST_WRONG


def is_beside(sentence: Sequence[str], vocabulary: Vocabulary) -> bool:
    """Whether a sentence is made of nothing but opening and closing words: "Who is this?", "Thank you"."""
    for language in vocabulary.opt_out:
        reached = {0}
        for place in range(min(len(sentence), _LONGEST)):
            if place in reached:
                for forms in (language.before, language.after, language.first_person):
                    reached.update(place + length for length in forms.lengths_at(sentence, place))
        if len(sentence) in reached:
            return True
    return False


def leads_to(words: Sequence[str], language: OptOutWords) -> bool:
    """Whether all words are opening words or things, as they stand before a core."""
    reached = {0}
    for place in range(len(words)):
        if place in reached:
            for forms in (language.before, language.things):
                reached.update(place + length for length in forms.lengths_at(words, place))
    return len(words) in reached


def holds_thing(words: Sequence[str], language: OptOutWords) -> bool:
    """Whether something that is texted is named."""
    return any(
        language.things.lengths_at(words, place) and (place == 0 or words[place - 1] != "to")
        for place in range(len(words))
    )


def closes(sentence: Sequence[str], start: int, language: OptOutWords, more: Phrases | None = None) -> bool:
    """Whether everything from `start` on is closing words, things or one of `more`."""
    reached = {start}
    for place in range(start, len(sentence)):
        if place in reached:
            reached.update(place + length for length in language.after.lengths_at(sentence, place))
            reached.update(place + length for length in language.things.lengths_at(sentence, place))
            if more:
                reached.update(place + length for length in more.lengths_at(sentence, place))
    return len(sentence) in reached
