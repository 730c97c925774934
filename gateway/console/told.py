"""What is wrong, in the reader's language: faults of the rooms below, by their codes.

English stands where a fault is raised; `wording/faults.<language>.toml` has the other languages, one sentence for each
code with the same places.
"""

import re
import string
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

from markupsafe import Markup, escape

from faults import Either, Fault, FaultError, Term, Value
from gateway.console.say import LANGUAGES, Wording, flat, isolated, isolated_markup, load_wording
from segments import RuleError

ENGLISH = "en"
TERMS: Mapping[str, str] = {
    "broadcast_state": "broadcasts.is_",
    "role": "roles.",
    "rule_field": "broadcasts.field_",
}
"""Where the words of a kind of `Term` stand in the wording."""
_FSI, _PDI = "\u2068", "\u2069"


class Faults:
    """The sentences of faults by language and code, but for English."""

    def __init__(self, wording: Wording, texts: Mapping[str, Mapping[str, str]]) -> None:
        self._wording, self._texts = wording, texts

    def codes(self, language: str) -> frozenset[str]:
        return frozenset(self._texts[language]) - {"or"}

    def template(self, language: str, fault: Fault) -> str:
        """Return a fault's sentence with its places; the English one where there is no other."""
        return fault.english if language == ENGLISH else self._texts[language].get(fault.code, fault.english)

    def markup(self, language: str, fault: Fault) -> Markup:
        """Return HTML: each value escaped and isolated, whichever way it runs."""
        if language != ENGLISH and fault.code not in self._texts[language]:
            return Markup('<span lang="en" dir="ltr">{}</span>').format(str(fault))
        shown = Markup("")
        for literal, name, spec, conversion in string.Formatter().parse(self.template(language, fault)):
            shown += isolated_markup(language, literal)
            if name is not None:
                shown += self._value_markup(language, fault.values[name], spec or "", conversion)
        return shown

    def plain(self, language: str, fault: Fault) -> str:
        """Return plain text, for what is no HTML: each value isolated."""
        shown = ""
        for literal, name, spec, conversion in string.Formatter().parse(self.template(language, fault)):
            shown += isolated(language, literal)
            if name is not None:
                shown += self._value_plain(language, fault.values[name], spec or "", conversion)
        return shown

    def _value_markup(self, language: str, value: Value, spec: str, conversion: str | None) -> Markup:
        if isinstance(value, Fault):
            return Markup("<bdi>{}</bdi>").format(self.markup(language, value))
        ways = value.ways if isinstance(value, Either) else (self._shown(language, value, spec, conversion),)
        return escape(self._or(language)).join(Markup("<bdi>{}</bdi>").format(way) for way in ways)

    def _value_plain(self, language: str, value: Value, spec: str, conversion: str | None) -> str:
        if isinstance(value, Fault):
            return f"{_FSI}{self.plain(language, value)}{_PDI}"
        ways = value.ways if isinstance(value, Either) else (self._shown(language, value, spec, conversion),)
        return self._or(language).join(f"{_FSI}{way}{_PDI}" for way in ways)

    def _or(self, language: str) -> str:
        return " or " if language == ENGLISH else self._texts[language]["or"]

    def _shown(self, language: str, value: Any, spec: str, conversion: str | None) -> str:
        if isinstance(value, Term) and language != ENGLISH:
            key = TERMS[value.kind] + value.word
            return self._wording.say_raw(language, key) if key in self._wording.keys() else value.word  # noqa: SIM118
        if conversion == "r":
            return repr(value)
        return format(value, spec) if spec and not isinstance(value, str) else str(value)


@cache
def load_faults() -> Faults:
    """Return the sentences of the files wording/faults.<language>.toml."""
    texts = {}
    for language in LANGUAGES:
        if language != ENGLISH:
            file = resources.files("gateway.console") / "wording" / f"faults.{language}.toml"
            texts[language] = dict(flat(tomllib.loads(file.read_text(encoding="utf-8"))["faults"], ""))
    return Faults(load_wording(), texts)


STORED: Mapping[str, str] = {
    "alarm.cap": "{today:,} recipients today are more than the daily cap of {cap:,}.",
    "alarm.grown": "The audience has grown: {approved:,} recipients were approved, {planned:,} are there.",
    "alarm.hourly": "{begun} broadcasts began within the last hour; {most} are the most.",
    "alarm.rate": "{recipients:,} recipients; the largest of the last 90 days had {largest:,}.",
    "broadcast.cancelled_by": "cancelled by {who}",
    "broadcast.note_approved": "{recipients:,} recipients, digest {digest}",
    "broadcast.note_digest": "digest {digest}",
    "broadcast.note_started": "{recipients:,} recipients approved",
    "broadcast.note_tested": "{sent} texts",
    "broadcast.paused_by": "paused by {who}",
}
"""Sentences of ours that tables keep in English, by their codes, as the rooms write them."""


@cache
def _patterns() -> list[tuple[str, str, re.Pattern[str]]]:
    made = []
    for code, english in STORED.items():
        parts = string.Formatter().parse(english)
        pattern = "".join(re.escape(literal) + (f"(?P<{name}>.+?)" if name else "") for literal, name, _, _ in parts)
        made.append((code, re.sub(r"\{(\w+)[^}]*\}", r"{\1}", english), re.compile(pattern, re.DOTALL)))
    return made


def recalled(kept: str) -> Fault | None:
    """Return the fault that a stored sentence says; None for one that is not ours, such as a person's own words."""
    for code, english, pattern in _patterns():
        if found := pattern.fullmatch(kept):
            return Fault(code, english, found.groupdict())
    return None


def kept_in(language: str, kept: str) -> Markup:
    """Return a stored sentence in the reader's language where it is one of ours, else as it stands, isolated."""
    fault = recalled(kept)
    return load_faults().markup(language, fault) if fault else Markup("<bdi>{}</bdi>").format(kept)


def told_in(language: str, wrong: Fault | FaultError | RuleError) -> Markup:
    """Return what is wrong as HTML; of a rule's error also where, and what to write."""
    faults = load_faults()
    if isinstance(wrong, Fault):
        return faults.markup(language, wrong)
    shown = faults.markup(language, wrong.fault)
    if isinstance(wrong, RuleError):
        if wrong.column:
            shown = load_wording().markup(language, "broadcasts.column", n=wrong.column) + " " + shown
        if wrong.advice:
            shown += " " + faults.markup(language, wrong.advice)
    return shown


def told_plain(language: str, wrong: FaultError | RuleError) -> str:
    """Return what is wrong, and what to write, as plain text."""
    advice = wrong.advice if isinstance(wrong, RuleError) else None
    return " ".join(load_faults().plain(language, one) for one in (wrong.fault, advice) if one)
