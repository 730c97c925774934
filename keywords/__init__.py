"""What a text asks for: parse(text) -> Command. Pure; the words are data in keywords/vocabulary/.

Nothing is read at import: the vocabulary is loaded at the first text, or by load_vocabulary().
"""

from keywords.changes import SAFETY, WordChange, with_changes, written_words
from keywords.command import Command
from keywords.language import language_of
from keywords.lexicon import Vocabulary, VocabularyError, load_vocabulary
from keywords.parser import looks_like_stop, may_wish_to_stop, parse, place_asked

__all__ = [
    "SAFETY", "Command", "Vocabulary", "VocabularyError", "WordChange", "language_of", "load_vocabulary",
    "looks_like_stop", "may_wish_to_stop", "parse", "place_asked", "with_changes", "written_words",
]  # fmt: skip
