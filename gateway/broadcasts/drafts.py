"""Drafts: what a broadcast says to whom, checked and kept; every change takes an approval back."""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update

from faults import Fault, FaultError, Term, fault
from gateway.audience.bounds import EVERYWHERE, BoundTo, bound, kept_within
from gateway.audience.rules import Audience, read_audience
from gateway.broadcasts.terms import BroadcastTerms
from gateway.places.directory import Directory
from gateway.rules.broadcast_life import CHANGEABLE, BroadcastState
from gateway.rules.sending_hours import SendingHours
from gateway.rules.templates import DEFAULTS, FIELDS, TemplateError, check
from gateway.tables import Broadcast, BroadcastEvent, BroadcastSchedule
from orthography import words
from segments import to_json

LANGUAGES = ("en", "ur", "ur-Latn")
MAX_NAME_LENGTH = 120
RESERVED = frozenset({"new", "look", "segments"})
"""No broadcast's key: pages beside those of broadcasts have these addresses."""
MOST_QUIET_DAYS = 365
MOST_VALIDITY_MINUTES = 7 * 24 * 60

_broadcasts = Broadcast.__table__


class BroadcastError(FaultError):
    """A broadcast cannot be made or moved like that; the fault is one sentence. `about` names the part of the draft at
    fault where it is one (`name`, `texts.ur`, `hours`)."""

    def __init__(self, fault: Fault, about: str = "") -> None:
        super().__init__(fault)
        self.about = about


class DraftChanged(BroadcastError):
    """Somebody else changed the draft since it was read; `parts` names what they changed."""

    def __init__(self, name: str, parts: Sequence[str]) -> None:
        super().__init__(
            fault(
                "broadcast.changed_by_other",
                "“{name}” was changed by somebody else meanwhile: {parts}.",
                name=name,
                parts=", ".join(parts),
            )
        )
        self.parts = tuple(parts)


@dataclass(frozen=True)
class Draft:
    """What a broadcast says to whom.

    :param rule: the audience, in the language of `segments`
    :param texts: a template (`rules.templates`) for each language
    :param defaults: words for a missing name or city, by language; `rules.templates.DEFAULTS` otherwise
    :param urgent: goes before other broadcasts
    :param hours: narrower sending hours, such as "10:00-18:00"; empty: the house's alone
    :param quiet_days: nobody is texted who had a broadcast within so many days; 0: no such rule
    :param validity_minutes: how long after its start a text is still of use; None: no end
    """

    name: str
    rule: str
    texts: Mapping[str, str]
    defaults: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    urgent: bool = False
    hours: str = ""
    quiet_days: int = 0
    validity_minutes: int | None = None

    @property
    def digest(self) -> str:
        """The draft as 64 hex digits: another word, another digest."""
        return digest_of(asdict(self) | {"texts": dict(self.texts), "defaults": dict(self.defaults)})


def digest_of(value: Any) -> str:
    written = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=str)
    return hashlib.blake2b(written.encode("utf-8", "surrogatepass"), digest_size=32).hexdigest()


def audience_of(rule: str, directory: Directory, terms: BroadcastTerms, now: datetime) -> Audience:
    """Return the audience of a rule. `now` is aware.

    :raises RuleError: the text is no rule, with where the fault lies
    """
    return read_audience(
        rule, directory, now, zone=terms.zone, default_language=terms.default_language, prefixes=terms.prefixes
    )


def check_draft(draft: Draft, house: SendingHours) -> None:
    """Check everything of a draft but its rule.

    :raises BroadcastError: the first fault, in one sentence
    """
    if not " ".join(words(draft.name)) or len(draft.name) > MAX_NAME_LENGTH:
        raise BroadcastError(
            fault(
                "broadcast.name",
                "Give the broadcast a name of 1 to {most} signs with a letter or digit in it.",
                most=MAX_NAME_LENGTH,
            ),
            "name",
        )
    if not draft.texts:
        raise BroadcastError(fault("broadcast.no_text", "A broadcast needs a text in at least one language."), "texts")
    for language, text in draft.texts.items():
        if language not in LANGUAGES:
            raise BroadcastError(
                fault(
                    "setting.no_language",
                    "There is no language {language!r}; there are {languages}.",
                    language=language,
                    languages=", ".join(LANGUAGES),
                )
            )
        try:
            check(text, {**DEFAULTS.get(language, {}), **draft.defaults.get(language, {})})
        except TemplateError as error:
            raise BroadcastError(
                fault("broadcast.in_language", "{language}: {fault}", language=language, fault=error.fault),
                f"texts.{language}",
            ) from None
    for language, given in draft.defaults.items():
        if unknown := sorted(set(given) - set(FIELDS)):
            raise BroadcastError(
                fault(
                    "broadcast.no_default",
                    "{language}: there is no {{{unknown}}} to have a default.",
                    language=language,
                    unknown=unknown[0],
                )
            )
    if not 0 <= draft.quiet_days <= MOST_QUIET_DAYS:
        raise BroadcastError(
            fault("broadcast.quiet_days", "Days without another broadcast are 0 to {most}.", most=MOST_QUIET_DAYS),
            "quiet_days",
        )
    if draft.validity_minutes is not None and not 1 <= draft.validity_minutes <= MOST_VALIDITY_MINUTES:
        raise BroadcastError(
            fault("broadcast.validity", "A text is of use for 1 to {most} minutes.", most=MOST_VALIDITY_MINUTES),
            "validity_minutes",
        )
    if draft.hours:
        try:
            SendingHours.read(draft.hours)
        except FaultError as error:
            raise BroadcastError(error.fault, "hours") from None
        hours_of(draft, house)


def hours_of(draft: Draft, house: SendingHours) -> SendingHours:
    """Return when a draft's texts may leave: in the house's hours, and in its own where it has some.

    :raises BroadcastError: no time of day lies in both
    """
    if not draft.hours:
        return house
    both = replace(SendingHours.read(draft.hours), within=house)
    if both.never:
        raise BroadcastError(
            fault(
                "broadcast.hours_apart",
                "No time of day lies both in {own} and in the sending hours {house}: nothing would ever leave.",
                own=draft.hours,
                house=str(house),
            ),
            "hours",
        )
    return both


def marks_of(draft: Draft) -> Mapping[str, str]:
    """Return a short mark for each part of a draft, so that a form can say later what it was opened on."""
    parts = asdict(draft) | {"texts": dict(draft.texts), "defaults": dict(draft.defaults)}
    return {name: digest_of(value)[:12] for name, value in parts.items()}


def new_draft(
    connection: Connection,
    draft: Draft,
    directory: Directory,
    terms: BroadcastTerms,
    by: str,
    now: datetime,
    areas: BoundTo = EVERYWHERE,
) -> str:
    """Keep a new draft and return its key, made from its name.

    :param areas: where `by` may text; the rule is kept ANDed with them
    :raises BroadcastError, RuleError: what is wrong with it
    """
    values = _values(draft, directory, terms, now, areas)
    key = _free_key(connection, draft.name)
    statement = (
        insert(_broadcasts).values(key=key, created_by=by[:60], created_at=now, **values).returning(Broadcast.id)
    )
    note(connection, connection.execute(statement).scalar_one(), "drafted", by, now)
    return key


def change_draft(
    connection: Connection,
    key: str,
    draft: Draft,
    directory: Directory,
    terms: BroadcastTerms,
    by: str,
    now: datetime,
    areas: BoundTo = EVERYWHERE,
    opened_on: Mapping[str, str] | None = None,
) -> None:
    """Put other words or another audience in place; preview, approval and schedules are lost.

    :param areas: where `by` may text; the rule is kept ANDed with them
    :param opened_on: the marks (`marks_of`) of the draft that `by` read before changing it
    :raises DraftChanged: it is no longer what `opened_on` says
    :raises BroadcastError, RuleError: what is wrong, or that the broadcast has begun
    """
    row = held(connection, key)
    if row.state not in CHANGEABLE:
        raise BroadcastError(
            fault(
                "broadcast.begun",
                "“{name}” is {state}: only what has not begun can be changed.",
                name=row.name,
                state=Term("broadcast_state", row.state),
            )
        )
    if opened_on is not None:
        marks = marks_of(draft_of(row))
        if others := [part for part, mark in marks.items() if opened_on.get(part) != mark]:
            raise DraftChanged(row.name, others)
    fresh: dict[str, Any] = {
        "state": BroadcastState.DRAFT, "state_reason": "", "created_by": by[:60],
        "preview": None, "previewed_at": None, "digest": "",
        "asked_by": "", "asked_at": None, "asked_digest": "",
        "approved_by": "", "approved_at": None, "approved_digest": "",
    }  # fmt: skip
    values = _values(draft, directory, terms, now, areas) | fresh
    connection.execute(update(_broadcasts).where(_broadcasts.c.id == row.id).values(values))
    drop_schedules(connection, row.id)
    note(connection, row.id, "changed", by, now)


def drop_schedules(connection: Connection, broadcast_id: int) -> None:
    """End the schedules of a broadcast."""
    mine = BroadcastSchedule.broadcast_id == broadcast_id
    connection.execute(update(BroadcastSchedule).where(mine).values(next_at=None))


def draft_of(row: Any) -> Draft:
    """Return the draft of a row of broadcasts."""
    return Draft(
        row.name, row.rule, row.texts or {}, row.defaults or {}, row.urgent, row.hours, row.quiet_days,
        row.validity_minutes,
    )  # fmt: skip


def find(connection: Connection, key: str) -> Row[Any]:
    """Return the broadcast of that key.

    :raises BroadcastError: there is none
    """
    row = connection.execute(select(_broadcasts).where(_broadcasts.c.key == key)).first()
    if row is None:
        raise BroadcastError(fault("broadcast.unknown", "There is no broadcast {key!r}.", key=key))
    return row


def held(connection: Connection, key: str) -> Row[Any]:
    """Return the broadcast of that key, locked for this transaction.

    :raises BroadcastError: there is none
    """
    row = connection.execute(
        select(_broadcasts).where(_broadcasts.c.key == key).with_for_update(key_share=True)
    ).first()
    if row is None:
        raise BroadcastError(fault("broadcast.unknown", "There is no broadcast {key!r}.", key=key))
    return row


def find_within(connection: Connection, key: str, areas: BoundTo) -> Row[Any]:
    """Return the broadcast of that key if its audience lies in the areas: who is bound to them sees no other.

    :raises BroadcastError: there is none, or not there
    """
    row = find(connection, key)
    if not kept_within(row.rule_json, areas):
        raise BroadcastError(fault("broadcast.unknown", "There is no broadcast {key!r}.", key=key))
    return row


def list_broadcasts(
    connection: Connection, most: int = 100, areas: BoundTo = EVERYWHERE, before: int | None = None
) -> Sequence[Row[Any]]:
    """Return the newest broadcasts first: those whose audience lies in the areas, with ids below `before`."""
    found: list[Row[Any]] = []
    while len(found) < most:
        older = select(_broadcasts).order_by(_broadcasts.c.id.desc()).limit(most)
        rows = connection.execute(older if before is None else older.where(_broadcasts.c.id < before)).all()
        found += [row for row in rows if kept_within(row.rule_json, areas)]
        if len(rows) < most:
            break
        before = rows[-1].id
    return found[:most]


def note(connection: Connection, broadcast_id: int, what: str, by: str, now: datetime, words: str = "") -> None:
    """Write a line of a broadcast's history."""
    row = {"broadcast_id": broadcast_id, "what": what, "by": by[:60], "note": words[:160], "at": now}
    connection.execute(insert(BroadcastEvent), row)


def _values(draft: Draft, directory: Directory, terms: BroadcastTerms, now: datetime, areas: BoundTo) -> dict[str, Any]:
    check_draft(draft, terms.hours)
    audience = bound(audience_of(draft.rule, directory, terms, now), areas)
    return {
        "name": " ".join(draft.name.split()),
        "rule": audience.text,
        "rule_json": to_json(audience.rule),
        "texts": dict(draft.texts),
        "defaults": {language: dict(given) for language, given in draft.defaults.items()},
        "urgent": draft.urgent,
        "hours": draft.hours,
        "quiet_days": draft.quiet_days,
        "validity_minutes": draft.validity_minutes,
    }


def _free_key(connection: Connection, name: str) -> str:
    stem = re.sub(r"[^a-z0-9]+", "-", " ".join(words(name))).strip("-")[:40] or "broadcast"
    taken = set(connection.execute(select(_broadcasts.c.key).where(_broadcasts.c.key.startswith(stem))).scalars())
    taken |= RESERVED
    if stem not in taken:
        return stem
    count = connection.execute(select(func.coalesce(func.max(_broadcasts.c.id), 0))).scalar_one()
    return next(key for number in range(2, count + 3) if (key := f"{stem}-{number}") not in taken)
