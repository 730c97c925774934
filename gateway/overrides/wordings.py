"""Replies and the words that they are put together from, as organisers have changed them, per language."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from faults import Fault, fault
from gateway.overrides.store import Override, OverrideError, put, values_of
from gateway.replies.catalogue import LANGUAGES, Catalogue, load_catalogue, placeholders
from gateway.replies.checks import Judged, WordingError, judge_word, judge_wording, usual_example
from gateway.rules.message_parts import count_parts
from keywords import Vocabulary

KIND = "reply"
TABLES = ("replies", "words")


@dataclass(frozen=True, slots=True)
class Wording:
    """One reply in one language: what is built in, what is in force, and what that costs with usual values."""

    key: str
    language: str
    text: str
    built_in: str
    version: int
    """Of the change that is in force; 0 for the built-in."""
    placeholders: tuple[str, ...]
    example: str
    parts: int
    changed_by: str = ""
    changed_at: datetime | None = None

    @property
    def changed(self) -> bool:
        return self.version > 0


def store_key(language: str, table: str, key: str) -> str:
    return f"{language}/{table}/{key}"


def catalogue_in_force(
    stored: Mapping[tuple[str, str], Override], vocabulary: Vocabulary
) -> tuple[Catalogue, dict[tuple[str, str], Fault]]:
    """Return the catalogue with every stored text that still fits, and why the others do not, by kind and key."""
    packaged = load_catalogue()
    texts: dict[tuple[str, str, str], str] = {}
    versions: dict[tuple[str, str], int] = {}
    problems: dict[tuple[str, str], Fault] = {}
    for written, one in values_of(stored, KIND).items():
        try:
            language, table, key = _parted(written)
            texts[(language, table, key)] = _judged_text(packaged, language, table, key, str(one.value), vocabulary)
            if table == "replies":
                versions[(language, key)] = one.version
        except (OverrideError, WordingError) as error:
            problems[(KIND, written)] = error.fault
    return (packaged.with_texts(texts, versions) if texts else packaged), problems


def list_wordings(
    catalogue: Catalogue, stored: Mapping[tuple[str, str], Override], language: str | None = None
) -> list[Wording]:
    """Return every reply of one language, or of all, in the catalogue's order."""
    languages = LANGUAGES if language is None else (_language(language),)
    return [wording_of(catalogue, stored, one, key) for key in catalogue.wordings for one in languages]


def wording_of(catalogue: Catalogue, stored: Mapping[tuple[str, str], Override], language: str, key: str) -> Wording:
    """:raises OverrideError: there is no such reply or language"""
    _language(language)
    if key not in catalogue.wordings:
        raise OverrideError(
            fault("reply.unknown", "There is no reply {key!r}; `jalsa replies list` names them all.", key=key)
        )
    built_in = load_catalogue().template(key, language)
    example = usual_example(catalogue, key, language)
    version = catalogue.version(key, language)
    one = stored.get((KIND, store_key(language, "replies", key))) if version else None
    return Wording(
        key=key,
        language=language,
        text=catalogue.template(key, language),
        built_in=built_in,
        version=version,
        placeholders=tuple(sorted(placeholders(built_in))),
        example=example,
        parts=count_parts(example).parts,
        changed_by=one.changed_by if one else "",
        changed_at=one.changed_at if one else None,
    )


def judge(language: str, key: str, text: str, vocabulary: Vocabulary) -> Judged:
    """Return what a new text for a reply would be, without changing anything.

    :raises OverrideError: there is no such reply, or it cannot be sent so; one sentence
    """
    packaged = load_catalogue()
    _language(language)
    if key not in packaged.wordings:
        raise OverrideError(
            fault("reply.unknown", "There is no reply {key!r}; `jalsa replies list` names them all.", key=key)
        )
    try:
        return judge_wording(packaged, key, language, text, vocabulary)
    except WordingError as error:
        raise OverrideError(error.fault) from None


def set_wording(
    connection: Connection,
    language: str,
    key: str,
    text: str | None,
    vocabulary: Vocabulary,
    by: str,
    now: datetime,
    seen: int | None = None,
) -> tuple[Override, Judged | None]:
    """Change a reply, or go back to the built-in (None), in a transaction of `changing`.

    :param vocabulary: the one in force: no reply may itself be a command
    :raises OverrideError: the text cannot be sent so; one sentence that says why
    """
    judged = judge(language, key, text, vocabulary) if text is not None else None
    if judged is None:
        _language(language)
    value = judged.text if judged else None
    if value == load_catalogue().template(key, language):
        value = None
    return put(connection, KIND, store_key(language, "replies", key), value, by, now, seen), judged


def _judged_text(packaged: Catalogue, language: str, table: str, key: str, text: str, vocabulary: Vocabulary) -> str:
    known = packaged.wordings if table == "replies" else packaged.words
    if language not in LANGUAGES or key not in known:
        raise OverrideError(
            fault(
                "reply.gone",
                "There is no {key!r} in {table} of {language} any more.",
                key=key,
                table=table,
                language=language,
            )
        )
    if table == "words":
        return judge_word(packaged, key, language, text)
    return judge_wording(packaged, key, language, text, vocabulary).text


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


def _parted(written: str) -> tuple[str, str, str]:
    parts = written.split("/", 2)
    if len(parts) != 3 or parts[1] not in TABLES:
        raise OverrideError(fault("reply.none", "{written!r} is no reply.", written=written))
    return parts[0], parts[1], parts[2]
