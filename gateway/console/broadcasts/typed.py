"""What somebody typed into the page of a draft: kept whole, whatever is wrong with it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from faults import fault
from gateway.broadcasts.drafts import LANGUAGES, BroadcastError, Draft, draft_of, marks_of
from gateway.broadcasts.words import written_plainly
from gateway.console.broadcasts.lines import TypedRule
from gateway.console.forms import Form
from gateway.rules.dear_letters import dear_letters, without

_MOST_LETTERS = 4_000
_MOST_READERS = 10**10


@dataclass
class Typed:
    """One draft as it stands in the form. `opened_on` are the marks of the draft that the form was opened on; `readers`
    how many read each language at the last count, for the price alone."""

    rule: TypedRule = field(default_factory=TypedRule)
    name: str = ""
    texts: dict[str, str] = field(default_factory=dict)
    urgent: bool = False
    hours: str = ""
    quiet_days: str = ""
    validity_minutes: str = ""
    opened_on: Mapping[str, str] = field(default_factory=dict)
    readers: Mapping[str, int] = field(default_factory=dict)
    adding: str = ""

    @classmethod
    def of_row(cls, row: Any) -> "Typed":
        draft = draft_of(row)
        return cls(
            rule=TypedRule.of_text(draft.rule),
            name=draft.name,
            texts=dict(draft.texts),
            urgent=draft.urgent,
            hours=draft.hours,
            quiet_days=str(draft.quiet_days or ""),
            validity_minutes=str(draft.validity_minutes or ""),
            opened_on=marks_of(draft),
        )

    @classmethod
    def read(cls, form: Form) -> "Typed":
        texts = {code: form.raw(f"text.{code}")[:_MOST_LETTERS] for code in LANGUAGES}
        readers = {code: form.number(f"readers.{code}") or 0 for code in LANGUAGES}
        return cls(
            rule=TypedRule.read(form),
            name=form.raw("name").strip()[:400],
            texts={code: text for code, text in texts.items() if text.strip()},
            urgent=form.ticked("urgent"),
            hours=form.text("hours", 40),
            quiet_days=form.text("quiet_days", 12),
            validity_minutes=form.text("validity_minutes", 12),
            opened_on=_marks(form.raw("opened_on")),
            adding=form.text("add_field", 20),
            readers={code: number for code, number in readers.items() if 0 < number < _MOST_READERS},
        )

    @property
    def opened_json(self) -> str:
        return json.dumps(dict(self.opened_on), sort_keys=True)

    def draft(self, defaults: Mapping[str, Mapping[str, str]]) -> Draft:
        """Return the draft that is typed.

        :raises BroadcastError: a number is none
        """
        return Draft(
            name=self.name,
            rule=self.rule.text,
            texts=self.texts,
            defaults=defaults,
            urgent=self.urgent,
            hours=self.hours,
            quiet_days=_whole(self.quiet_days, "quiet_days") or 0,
            validity_minutes=_whole(self.validity_minutes, "validity_minutes"),
        )

    def replace_letters(self, wanted: str) -> None:
        """Put the cheap letter in place: `wanted` is "en:12" (the letter at 12) or "en:all"."""
        language, _, place = wanted.partition(":")
        text = self.texts.get(language, "")
        dear = dear_letters(text, lambda words: written_plainly(words, language).body)
        if dear is None:
            return
        if place == "all":
            self.texts[language] = dear.spared
            return
        for letter in dear.letters:
            if str(letter.position) == place:
                self.texts[language] = without(text, letter)


def _whole(typed: str, about: str) -> int | None:
    if not typed:
        return None
    if not (typed.isascii() and typed.isdecimal()):
        raise BroadcastError(
            fault("broadcast.whole_number", "Write a whole number, not “{typed}”.", typed=typed), about
        )
    return int(typed)


def _marks(written: str) -> Mapping[str, str]:
    try:
        found = json.loads(written or "{}")
    except ValueError:
        return {}
    return {str(key): str(value) for key, value in found.items()} if isinstance(found, dict) else {}
