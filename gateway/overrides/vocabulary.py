"""What people may text, as organisers have changed it: words added for a command and language, words taken out."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from faults import Fault, fault
from gateway.overrides.store import Override, OverrideError, find, put, values_of
from gateway.places.directory import Directory
from gateway.replies.catalogue import LANGUAGES, Catalogue
from gateway.replies.checks import told_words
from keywords import SAFETY, Command, Vocabulary, VocabularyError, WordChange, parse, with_changes, written_words
from keywords.names import AUDIENCE, SHAPES
from segments import resolve_place

KIND = "vocabulary"
COMMANDS = tuple(SHAPES)
_SOURCE = "the console"
_EVERYBODY = frozenset({"field", "marshal"})


@dataclass(frozen=True, slots=True)
class Spelling:
    """One word or phrase of a command. `state`: built-in (of a file), added, or removed."""

    written: str
    command: str
    language: str
    weak: bool
    state: str

    @property
    def removable(self) -> bool:
        return self.state == "added" or (self.state == "built-in" and self.command not in SAFETY)


@dataclass(frozen=True, slots=True)
class Tried:
    """How a text is read, and why."""

    text: str
    command: str
    argument: str
    word: str
    language: str
    certain: bool
    reason: str
    scope: str = ""


def store_key(language: str, command: str) -> str:
    return f"{language}/{command}"


def vocabulary_in_force(
    files: Vocabulary, stored: Mapping[tuple[str, str], Override]
) -> tuple[Vocabulary, dict[tuple[str, str], Fault]]:
    """Return the vocabulary with every stored change that still fits, and why the others do not, by kind and key."""
    changes = {key: _changes(key, one.value) for key, one in values_of(stored, KIND).items()}
    try:
        return with_changes(files, [one for each in changes.values() for one in each], _SOURCE), {}
    except VocabularyError:
        pass  # a file has changed since: keep what still fits
    problems: dict[tuple[str, str], Fault] = {}
    kept: list[WordChange] = []
    for key, each in changes.items():
        for one in each:
            try:
                with_changes(files, [*kept, one], _SOURCE)
            except VocabularyError as error:
                problems[(KIND, key)] = error.fault
            else:
                kept.append(one)
    return with_changes(files, kept, _SOURCE), problems


def spellings(
    files: Vocabulary, stored: Mapping[tuple[str, str], Override], command: str | None = None
) -> list[Spelling]:
    """Return every word of a command, or of all, with those taken out."""
    commands = COMMANDS if command is None else (_command(command),)
    removed = {
        (one.command, one.written)
        for key, over in values_of(stored, KIND).items()
        for one in _changes(key, over.value)
        if one.removed
    }
    found = [
        Spelling(one.written, name, one.language, one.weak, "removed" if (name, one.written) in removed else "built-in")
        for name in commands
        for one in written_words(files, name)
    ]
    added = [
        Spelling(one.written, one.command, one.language, one.weak, "added")
        for key, over in values_of(stored, KIND).items()
        for one in _changes(key, over.value)
        if not one.removed and one.command in commands
    ]
    order = {name: place for place, name in enumerate(commands)}
    return sorted([*found, *added], key=lambda one: (order[one.command], one.language, one.weak, one.written))


def add_word(
    connection: Connection,
    files: Vocabulary,
    stored: Mapping[tuple[str, str], Override],
    change: WordChange,
    directory: Directory,
    by: str,
    now: datetime,
) -> Override:
    """Let people text another word for a command, in a transaction of `changing`; one that was taken out comes back.

    :param stored: everything that is stored, read in this transaction
    :raises OverrideError: the word means something else already, is a place or group, or would hide an opt-out
    """
    _command(change.command)
    _language(change.language)
    written = " ".join(change.written.split())
    if not written:
        raise OverrideError(fault("word.empty", "Write the word or phrase."))
    value = _value(connection, change.language, change.command)
    known = {one.written: one for one in spellings(files, {}, change.command)}
    if written in value["removed"]:
        value["removed"].remove(written)
    elif written in known or written in [*value["words"], *value["weak"]]:
        raise OverrideError(
            fault("word.already", "“{written}” means {command} already.", written=written, command=change.command)
        )
    else:
        if place := _taken_by_place(written, directory):
            raise OverrideError(
                fault(
                    "word.is_name",
                    "“{written}” is the name of {place}, so it can be no command.",
                    written=written,
                    place=place,
                )
            )
        value["weak" if change.weak else "words"].append(written)
    _check(files, stored, change, value)
    return put(connection, KIND, store_key(change.language, change.command), _tidy(value), by, now)


def remove_word(
    connection: Connection,
    files: Vocabulary,
    stored: Mapping[tuple[str, str], Override],
    catalogue: Catalogue,
    change: WordChange,
    by: str,
    now: datetime,
) -> Override:
    """Take a word out, in a transaction of `changing`; the words of STOP, START and HELP that files hold stay.

    :raises OverrideError: there is no such word, it is one of those, or a reply tells people to text it
    """
    _command(change.command)
    _language(change.language)
    written = " ".join(change.written.split())
    value = _value(connection, change.language, change.command)
    if written in value["words"]:
        value["words"].remove(written)
    elif written in value["weak"]:
        value["weak"].remove(written)
    else:
        known = {(one.language, one.written) for one in spellings(files, {}, change.command)}
        if (change.language, written) not in known or written in value["removed"]:
            raise OverrideError(
                fault(
                    "word.unknown",
                    "“{written}” is no word of {command} in {language}.",
                    written=written,
                    command=change.command,
                    language=change.language,
                )
            )
        value["removed"].append(written)
    after = _check(files, stored, change, value)
    before, _ = vocabulary_in_force(files, stored)
    for word, wording in told_words(catalogue).items():
        if _reads(word, before) == change.command != _reads(word, after):
            raise OverrideError(
                fault(
                    "word.told",
                    "“{written}” cannot be removed: the reply {wording} tells people to text {word}. Change that reply "
                    "first.",
                    written=written,
                    wording=wording,
                    word=word,
                )
            )
    return put(connection, KIND, store_key(change.language, change.command), _tidy(value), by, now)


def restore(
    connection: Connection,
    files: Vocabulary,
    stored: Mapping[tuple[str, str], Override],
    language: str,
    command: str,
    value: Any,
    by: str,
    now: datetime,
) -> Override:
    """Go back to an earlier version of a command's words in a language, or to the built-in (None).

    :raises OverrideError: it does not fit what has changed since
    """
    change = WordChange("", _command(command), _language(language))
    _check(files, stored, change, value or {})
    return put(connection, KIND, store_key(language, command), value, by, now)


def try_text(text: str, vocabulary: Vocabulary, short_code: str, audience: Collection[str] = _EVERYBODY) -> Tried:
    """Return how a text is read now, by somebody who may give every command."""
    read: Command = parse(text, short_code=short_code, audience=frozenset(audience), vocabulary=vocabulary)
    return Tried(
        text, read.name or "", read.argument, read.word, read.language or "", read.certain, read.reason, read.scope
    )


def audience_of_command(command: str) -> str:
    """Return who alone may give a command: "field" or "marshal"; empty for everybody."""
    return AUDIENCE.get(command, "")


def _reads(word: str, vocabulary: Vocabulary) -> str | None:
    return parse(word, audience=_EVERYBODY | {"seat-holder"}, vocabulary=vocabulary).name


def _check(
    files: Vocabulary, stored: Mapping[tuple[str, str], Override], change: WordChange, value: Mapping[str, Any]
) -> Vocabulary:
    """Return the vocabulary with this value in the place of what is stored for its key; OverrideError if it is none."""
    mine = store_key(change.language, change.command)
    others = [one for key, over in values_of(stored, KIND).items() if key != mine for one in _changes(key, over.value)]
    try:
        return with_changes(files, [*others, *_changes(mine, value)], _SOURCE)
    except VocabularyError as error:
        raise OverrideError(error.fault) from None


def _changes(key: str, value: Any) -> list[WordChange]:
    language, _, command = key.partition("/")
    value = value if isinstance(value, Mapping) else {}
    return [
        *(WordChange(word, command, language, removed=True) for word in value.get("removed", ())),
        *(WordChange(word, command, language) for word in value.get("words", ())),
        *(WordChange(word, command, language, weak=True) for word in value.get("weak", ())),
    ]


def _value(connection: Connection, language: str, command: str) -> dict[str, list[str]]:
    known = find(connection, KIND, store_key(language, command))
    value = known.value if known and known.value else {}
    return {name: list(value.get(name, ())) for name in ("words", "weak", "removed")}


def _tidy(value: Mapping[str, list[str]]) -> Mapping[str, list[str]] | None:
    return {name: sorted(some) for name, some in value.items() if some} or None


def _taken_by_place(written: str, directory: Directory) -> Fault | None:
    if group := directory.groups.exact(written):
        return fault("word.a_group", "the group {key}", key=group.key)
    match = resolve_place(written, directory.gazetteer)
    if match.place and match.certain:
        return fault("word.a_place", "the place {name}", name=match.place.name)
    return fault("word.a_seat", "a seat") if directory.seat_named(written) else None


def _command(command: str) -> str:
    if command not in SHAPES:
        raise OverrideError(
            fault(
                "word.unknown_command",
                "{command!r} is not a command; there are {shapes}.",
                command=command,
                shapes=", ".join(sorted(SHAPES)),
            )
        )
    return command


def _language(language: str) -> str:
    if language not in LANGUAGES:
        raise OverrideError(
            fault(
                "setting.no_language",
                "There is no language {language!r}; there are {languages}.",
                language=language,
                languages=", ".join(LANGUAGES),
            )
        )
    return language
