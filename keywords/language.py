"""Which language a text is written in, told by the small words of its sentences: "hai", "ka" and "nahi", or "is" and
"the". The keyword of a poster is no sign of it: people write "REPORT pani nahi hai".
"""

from keywords.lexicon import Vocabulary
from orthography import words

_ENOUGH = 2
"""Different words of a language's own: one alone may be a name or a slip."""
_READ = 60  # words


def language_of(text: str, vocabulary: Vocabulary) -> str | None:
    """Return the language ("en", "ur", "ur-Latn" or an organiser's own) whose sentence words a text holds more of than
    any other's, at least two; None where that is not clear. Never raises.
    """
    written = set(words(text)[:_READ])
    counts = sorted(((len(written & own), name) for name, own in vocabulary.sentence_words.items()), reverse=True)
    if not counts or counts[0][0] < _ENOUGH or (len(counts) > 1 and counts[1][0] == counts[0][0]):
        return None
    return counts[0][1]
