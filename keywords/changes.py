"""Words that organisers add to a vocabulary or take out of it while the gateway runs, without reading files again.

A word is refused where a file with it would be refused, and beyond that where consent would suffer: the words of STOP,
START and HELP stay, and no added word may stand in the way of a sentence that opts out.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from faults import fault
from keywords.lexicon import Keyword, OptOutWords, Vocabulary, VocabularyError, add_keyword, check_filler, folded
from keywords.names import SHAPES
from keywords.parser import parse

SAFETY: Final = ("STOP", "START", "HELP")
"""Commands of which no word may be taken away: people were promised them, and carriers demand them."""
_MOST_OF_ALL: Final = 2_000


@dataclass(frozen=True, slots=True)
class WordChange:
    """One word or phrase added for a command, or (`removed`) taken out of the vocabulary.

    `weak`: an everyday word too; see docs/vocabulary.md.
    """

    written: str
    command: str
    language: str
    weak: bool = False
    removed: bool = False


def with_changes(vocabulary: Vocabulary, changes: Iterable[WordChange], source: str = "the console") -> Vocabulary:
    """Return the vocabulary with all removals, then all additions; costs about a millisecond.

    A removed word is no slip of another one either: what was taken out is not understood any more.

    :raises VocabularyError: one sentence that names the word and says why not
    """
    wanted = list(changes)
    if len(wanted) > _MOST_OF_ALL:
        raise VocabularyError(
            source,
            fault("word.most", "more than {most} changed words; put them into a file of your own.", most=_MOST_OF_ALL),
        )
    changed = vocabulary
    for one in wanted:
        if one.removed:
            changed = _without(changed, one, source)
    for one in wanted:
        if not one.removed:
            changed = _with(changed, one, source)
    return changed


def written_words(vocabulary: Vocabulary, command: str) -> tuple[Keyword, ...]:
    """Return the keywords of a command, by language and spelling."""
    mine = (one for group in vocabulary.keywords.values() for one in group if one.command == command)
    return tuple(sorted(mine, key=lambda one: (one.language, one.weak, one.written)))


def _flat(vocabulary: Vocabulary) -> dict[tuple[str, ...], Keyword]:
    return {one.words: one for group in vocabulary.keywords.values() for one in group}


def _grouped(by_words: Iterable[Keyword]) -> dict[str, tuple[Keyword, ...]]:
    groups: dict[str, list[Keyword]] = {}
    for keyword in by_words:
        groups.setdefault(keyword.words[0], []).append(keyword)
    return {first: tuple(sorted(some, key=lambda one: -len(one.words))) for first, some in groups.items()}


def _without(vocabulary: Vocabulary, change: WordChange, source: str) -> Vocabulary:
    spelt = folded(source, change.written)
    by_words = _flat(vocabulary)
    known = by_words.get(spelt)
    if known is None or known.command != change.command:
        raise VocabularyError(
            source,
            fault(
                "word.not_of_command",
                "{written!r} is no word of {command}, so it cannot be removed.",
                written=change.written,
                command=change.command,
            ),
        )
    if change.command in SAFETY:
        raise VocabularyError(
            source,
            fault(
                "word.kept",
                "{written!r} cannot be removed: people rely on every word of {safety}.",
                written=change.written,
                safety=", ".join(SAFETY),
            ),
        )
    del by_words[spelt]
    if not any(one.command == change.command for one in by_words.values()):
        raise VocabularyError(
            source,
            fault(
                "word.last",
                "{written!r} is the last word of {command}; add another first.",
                written=change.written,
                command=change.command,
            ),
        )
    slips = {slip: one for slip, one in vocabulary.slips.items() if one.words != spelt}
    return replace(vocabulary, keywords=_grouped(by_words.values()), slips=slips)


def _with(vocabulary: Vocabulary, change: WordChange, source: str) -> Vocabulary:
    if change.command not in SHAPES:
        raise VocabularyError(
            source,
            fault(
                "word.no_command",
                "{command!r} is not a command; known are {shapes}.",
                command=change.command,
                shapes=", ".join(sorted(SHAPES)),
            ),
        )
    spelt = folded(source, change.written)
    new = Keyword(spelt, change.command, change.language, source, change.written.strip(), change.weak)
    by_words = _flat(vocabulary)
    add_keyword(by_words, new)
    check_filler(vocabulary.greetings.phrases, new)
    if spelt in vocabulary.topics.phrases:
        raise VocabularyError(
            source,
            fault(
                "word.city_or_group",
                "{written!r} is the name of a city or group, so it can be no command.",
                written=change.written,
            ),
        )
    _refuse_in_the_way(vocabulary, new)
    if len(spelt) == 1 and not change.weak and spelt[0] in vocabulary.chatter and by_words[spelt] is new:
        raise VocabularyError(
            source,
            fault(
                "word.everyday",
                "{written!r} is a word of everyday sentences; add it as a weak word, which counts only when it stands "
                "alone or before a mark.",
                written=change.written,
            ),
        )
    slips = {slip: one for slip, one in vocabulary.slips.items() if (slip,) != spelt}
    return replace(vocabulary, keywords=_grouped(by_words.values()), slips=slips)


def _refuse_in_the_way(vocabulary: Vocabulary, new: Keyword) -> None:
    """A keyword is looked for before opt-out sentences are: one with which such a sentence may begin would hide it."""
    if new.command == "STOP":
        return
    said = parse(" ".join(new.words), vocabulary=vocabulary)
    first = vocabulary.slips.get(new.words[0])
    stops = said.name == "STOP" or any(
        one.command == "STOP" and (not one.weak or one.words == new.words[: len(one.words)])
        for word in range(len(new.words))
        for one in vocabulary.keywords.get(new.words[word], ())
        if new.words[word : word + len(one.words)] == one.words
    )
    if (
        stops
        or (first is not None and first.command in SAFETY)
        or any(_begins_opt_out(new.words, language) for language in vocabulary.opt_out)
    ):
        raise VocabularyError(
            new.source,
            fault(
                "word.opt_out",
                "{written!r} cannot mean {command}: it is, or may begin, a text that asks for no more texts.",
                written=new.written,
                command=new.command,
            ),
        )


def _begins_opt_out(spelt: tuple[str, ...], language: OptOutWords) -> bool:
    """Whether a sentence that opts out may begin with these words: opening words, then (part of) a core, then any."""
    if spelt[0] not in language.first_words:
        return False
    cores = (
        language.cores, language.cores_alone, language.whole, language.whole_alone, language.wishes,
    )  # fmt: skip
    reached = [0]
    for place in reached:
        rest = spelt[place:]
        if not rest:
            return True
        for forms in cores:
            for phrase in forms.phrases:
                shared = min(len(phrase), len(rest))
                if phrase[:shared] == rest[:shared] and _closes(rest[shared:], language):
                    return True
        for openers in (language.before, language.first_person, language.things):
            for phrase in openers.phrases:
                shared = min(len(phrase), len(rest))
                if phrase[:shared] == rest[:shared] and place + shared not in reached:
                    reached.append(place + shared)
    return False


def _closes(rest: tuple[str, ...], language: OptOutWords) -> bool:
    reached = [0]
    for place in reached:
        if place == len(rest):
            return True
        for closers in (language.after, language.things, language.lists):
            for phrase in closers.phrases:
                shared = min(len(phrase), len(rest) - place)
                if phrase[:shared] == rest[place : place + shared] and place + shared not in reached:
                    reached.append(place + shared)
    return False
