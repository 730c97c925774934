"""Triage words that organisers add, weigh anew or take out (weight 0) while the gateway runs."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from faults import fault
from gateway.overrides.store import Override, OverrideError, find, put, values_of
from gateway.reports.triage import CATEGORIES, KINDS, TriageError, TriageRules
from gateway.reports.triage.files import rules_of
from gateway.reports.triage.judge import Rule

KIND = "triage"
LABELS = (*(f"category.{one}" for one in CATEGORIES), *(f"kind.{one}" for one in KINDS), "urgency.up", "urgency.down")
_SOURCE = "the console"
_MOST = 500


def triage_in_force(files: TriageRules, stored: Mapping[tuple[str, str], Override]) -> TriageRules:
    """Return the rules of the files with every stored one over them; one that cannot be used is left out."""
    more: list[Rule] = []
    for label, one in values_of(stored, KIND).items():
        for phrase, weight in one.value.items():
            try:
                more += rules_of(_SOURCE, _as_file(label, phrase, weight))
            except TriageError:
                continue
    return TriageRules([*files.rules, *more], files.spots) if more else files


def set_word(connection: Connection, label: str, phrase: str, weight: int | None, by: str, now: datetime) -> Override:
    """Give a phrase a weight for a category, kind or way of urgency, in a transaction of `changing`.

    :param weight: -9 to 9; 0 takes a packaged phrase out, None goes back to what the files say
    :raises OverrideError: there is no such label, or the phrase or weight cannot be used; one sentence
    """
    if label not in LABELS:
        raise OverrideError(
            fault(
                "triage.no_label", "There is no {label!r}; there are {labels}.", label=label, labels=", ".join(LABELS)
            )
        )
    known = find(connection, KIND, label)
    value = dict(known.value) if known and known.value else {}
    phrase = " ".join(phrase.split())
    if weight is None:
        if phrase not in value:
            raise OverrideError(
                fault("triage.not_changed", "“{phrase}” of {label} was not changed.", phrase=phrase, label=label)
            )
        del value[phrase]
    else:
        if not -9 <= weight <= 9:
            raise OverrideError(fault("triage.weight", "A weight is -9 to 9; 0 takes a word out."))
        try:
            list(rules_of(_SOURCE, _as_file(label, phrase, weight)))
        except TriageError as error:
            raise OverrideError(error.fault) from None
        value[phrase] = weight
        if len(value) > _MOST:
            raise OverrideError(
                fault(
                    "triage.most",
                    "More than {most} changed words of {label}: put them into a file (TRIAGE_FILES).",
                    most=_MOST,
                    label=label,
                )
            )
    return put(connection, KIND, label, value or None, by, now)


def _as_file(label: str, phrase: str, weight: int) -> Mapping[str, Any]:
    """Return the phrase as a triage file would have it, so that the same check reads both."""
    section, _, name = label.partition(".")
    if section == "urgency":
        return {section: {name: [phrase]}} if weight else {section: {}}
    return {section: {name: {str(weight): [phrase]}}}


def restore(connection: Connection, label: str, value: Mapping[str, int] | None, by: str, now: datetime) -> Override:
    """Go back to an earlier version of a label's words, or to the files' (None).

    :raises OverrideError: it cannot be used any more
    """
    if label not in LABELS:
        raise OverrideError(
            fault(
                "triage.no_label", "There is no {label!r}; there are {labels}.", label=label, labels=", ".join(LABELS)
            )
        )
    try:
        for phrase, weight in (value or {}).items():
            list(rules_of(_SOURCE, _as_file(label, phrase, weight)))
    except TriageError as error:
        raise OverrideError(error.fault) from None
    return put(connection, KIND, label, dict(value) if value else None, by, now)
