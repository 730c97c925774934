"""Python's garbage collector, set for a process that holds a country's places and makes many short-lived rows."""

import gc
from functools import cache

_YOUNG, _MIDDLE, _OLD = 50_000, 10, 10


@cache
def settle() -> None:
    """Take all that is held now out of the collector's rounds, and let it go round seldom; once in a process.

    What was loaded at the start stays: looking through it again and again for a country's places took a third of
    planning's time. Rounds this seldom cost a few megabytes.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG, _MIDDLE, _OLD)
