"""How letters are written: one folding of three scripts, for everything that compares what people typed.

Pure and at the bottom of the house: `keywords`, `segments` and `gateway` all stand on it, it imports none.
"""

from orthography.fold import fold, words

__all__ = ["fold", "words"]
