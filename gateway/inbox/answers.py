"""Answers kept ready, in every language, with `{name}` and `{city}` for what is known of the person."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from gateway.rules.templates import DEFAULTS, TemplateError, check, render
from gateway.tables import CannedAnswer

LANGUAGES = tuple(DEFAULTS)
MOST_TITLE = 80
_answers = CannedAnswer.__table__


class AnswerRefused(ValueError):
    """A canned answer cannot be kept; `reason` is a key of the wording, `detail` a sentence or a language."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason)
        self.reason, self.detail = reason, detail


@dataclass(frozen=True, slots=True)
class Answer:
    """One canned answer; `texts` maps a language to its words."""

    id: int
    title: str
    texts: Mapping[str, str]
    version: int
    changed_by: str
    changed_at: datetime

    def words_for(self, language: str, default_language: str) -> tuple[str, str]:
        """Return the words for a reader of `language` and the language that they are in; the nearest there is."""
        for tried in (language, default_language, *LANGUAGES):
            if self.texts.get(tried):
                return self.texts[tried], tried
        return "", language


def list_answers(connection: Connection) -> Sequence[Answer]:
    """Return every canned answer by title."""
    return [_answer(row) for row in connection.execute(select(_answers).order_by(_answers.c.title))]


def filled(answer: Answer, language: str, default_language: str, name: str, city: str) -> str:
    """Return the words of an answer for one person; an unknown name or city becomes the default."""
    words, found = answer.words_for(language, default_language)
    return render(words, DEFAULTS.get(found, DEFAULTS["en"]), name, city).body if words else ""


def save_answer(
    connection: Connection, title: str, texts: Mapping[str, str], by: str, now: datetime, *, number: int | None = None,
    version: int = 0,
) -> None:  # fmt: skip
    """Keep a new answer, or change one in place.

    :param number: the answer to change; None for a new one
    :param version: as it was on the page; a colleague's later change refuses this one
    :raises AnswerRefused: no_title, no_words, bad_words (with the sentence), title_taken, changed_meanwhile
    """
    title = " ".join(title.split())[:MOST_TITLE]
    kept = {language: words.strip() for language, words in texts.items() if words.strip() and language in LANGUAGES}
    if not title:
        raise AnswerRefused("no_title")
    if not kept:
        raise AnswerRefused("no_words")
    for words in kept.values():
        try:
            check(words)
        except TemplateError as error:
            raise AnswerRefused("bad_words", str(error)) from None
    values = {"title": title, "texts": kept, "changed_by": by[:60], "changed_at": now}
    try:
        with connection.begin_nested():
            if number is None:
                connection.execute(insert(_answers), values)
                return
            same = (_answers.c.id == number) & (_answers.c.version == version)
            changed = connection.execute(update(_answers).where(same).values(**values, version=version + 1)).rowcount
    except IntegrityError:
        raise AnswerRefused("title_taken") from None
    if not changed:
        raise AnswerRefused("changed_meanwhile")


def drop_answer(connection: Connection, number: int, version: int) -> bool:
    """Remove an answer; returns False if it is gone or a colleague has changed it since."""
    same = (_answers.c.id == number) & (_answers.c.version == version)
    return bool(connection.execute(delete(_answers).where(same)).rowcount)


def _answer(row: CannedAnswer | object) -> Answer:
    one: CannedAnswer = row  # type: ignore[assignment]
    return Answer(one.id, one.title, one.texts, one.version, one.changed_by, one.changed_at)
