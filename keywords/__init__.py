"""What a text asks for: parse(text) -> Command. Pure; the words are data in keywords/vocabulary/.

Nothing is read at import: the vocabulary is loaded at the first text, or by load_vocabulary().
"""

from keywords.command import Command
from keywords.lexicon import Vocabulary, VocabularyError, load_vocabulary
from keywords.parser import looks_like_stop, parse

__all__ = ["Command", "Vocabulary", "VocabularyError", "load_vocabulary", "looks_like_stop", "parse"]
