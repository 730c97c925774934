"""Sentences that opt out: "please stop texting me", "mujhe msg mat bhejo", "remove me from your list".

47 CFR 64.1200(a)(10) lets a person revoke consent "in any reasonable manner". A sentence is taken for that when
EVERY word of it belongs to such sentences (OptOutWords.known) and together they say stop + text, or not + send, or a
whole phrase such as "remove me". One foreign word ("stop texting while driving", "stop the bill") and it is chatter.
"""

from collections.abc import Sequence

from keywords.lexicon import OptOutWords, Vocabulary

_LONGEST = 25  # words of one sentence


def opts_out(sentence: Sequence[str], vocabulary: Vocabulary) -> str | None:
    """Return the language in which the folded words of one sentence opt out, or None."""
    if not 0 < len(sentence) <= _LONGEST:
        return None
    for language in vocabulary.opt_out:
        if _in_language(sentence, language):
            return language.language
    return None


def _in_language(sentence: Sequence[str], language: OptOutWords) -> bool:
    known = language.beside_phrases
    for word in sentence:
        if word not in known:
            return False
    if _has_phrase(sentence, language):
        return True
    if any(word not in language.known for word in sentence):
        return False
    stop = thing = never = send = False
    for index, word in enumerate(sentence):
        if word in language.never:
            never = True
        if word in language.stop:
            if index and sentence[index - 1] in language.never:
                return False  # "dont stop texting me"
            stop = True
        thing |= word in language.things
        send |= word in language.send
    return thing and (stop or never)


def _has_phrase(sentence: Sequence[str], language: OptOutWords) -> bool:
    for index, word in enumerate(sentence):
        for phrase in language.phrases.get(word, ()):
            if tuple(sentence[index : index + len(phrase)]) == phrase:
                return True
    return False
