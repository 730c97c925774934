"""Which words tell a language from the others."""

from collections.abc import Mapping, Set


def tell_apart(
    chatter: Mapping[str, Set[str]], rides: Mapping[str, Set[str]], verb_last: Set[str]
) -> dict[str, frozenset[str]]:
    """Return each language's own words: those of its chatter that no other's has, and, where the verb comes last, those
    of its questions about a ride. English ones are used in everybody's sentences: "board", "start", "meeting".

    All by language; words are folded.
    """
    found: dict[str, frozenset[str]] = {}
    for language, mine in chatter.items():
        others = [name for name in chatter if name != language]
        own = set(mine)
        if language in verb_last:
            own |= rides[language] - set().union(*(rides[name] for name in others))
        found[language] = frozenset(own.difference(*(chatter[name] for name in others)))
    return found
