"""Ask, approve, start, pause, resume, cancel: the moves that people make. Each is one short transaction, or a part of
the caller's own.

Who approves is named by login and must be active staff who may; whoever calls this has made sure that it is them.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from faults import Term, fault
from gateway.accounts.persons import NotDeciding, are_two_persons, deciding
from gateway.broadcasts.alarms import hold_for_alarm
from gateway.broadcasts.drafts import (
    BroadcastError,
    audience_of,
    digest_of,
    draft_of,
    drop_schedules,
    held,
    hours_of,
    note,
)
from gateway.broadcasts.plan import plan_chunk
from gateway.broadcasts.terms import BroadcastTerms
from gateway.database import is_sqlite, writing, writing_on
from gateway.places.current import current_directory
from gateway.rules import broadcast_alarm, broadcast_life
from gateway.rules.broadcast_life import BroadcastState
from gateway.tables import Alert, Broadcast, BroadcastPlan, BroadcastTopic
from segments.rule import And, Not, Or, Rule

S = BroadcastState
PREVIEW_HOLDS = timedelta(hours=24)

_broadcasts, _plans, _alerts = Broadcast.__table__, BroadcastPlan.__table__, Alert.__table__


def ask_approval(where: Engine | Connection, key: str, digest: str, by: str, now: datetime) -> None:
    """Ask the others to look at a draft's numbers and to approve it; a change of the draft takes the asking back.

    :param digest: that of the preview which whoever asks has seen
    :raises BroadcastError: it is no draft, was not previewed as it stands, or `by` may not
    """
    with writing_on(where) as connection:
        row = held(connection, key)
        may_decide(connection, by)
        if row.state != S.DRAFT:
            raise BroadcastError(
                fault(
                    "broadcast.ask_draft",
                    "“{name}” is {state}: approval is asked for a draft.",
                    name=row.name,
                    state=Term("broadcast_state", row.state),
                )
            )
        _seen(row, digest)
        if row.asked_digest == digest:
            raise BroadcastError(
                fault(
                    "broadcast.asked_already",
                    "{asked_by} has asked for approval of “{name}” already.",
                    asked_by=row.asked_by,
                    name=row.name,
                )
            )
        asked = {"asked_by": by[:60], "asked_at": now, "asked_digest": digest}
        connection.execute(update(_broadcasts).where(_broadcasts.c.id == row.id).values(asked))
        note(
            connection,
            row.id,
            "asked",
            by,
            now,
            str(fault("broadcast.note_digest", "digest {digest}", digest=digest[:12])),
        )


def approve(where: Engine | Connection, key: str, digest: str, by: str, terms: BroadcastTerms, now: datetime) -> None:
    """Let a broadcast go, exactly as previewed.

    :param digest: that of the preview which the approver has seen
    :raises BroadcastError: it changed since, was not previewed, or this person may not
    """
    with writing_on(where) as connection:
        row = held(connection, key)
        may_decide(connection, by)
        _to(row, S.APPROVED)
        _seen(row, digest)
        if now - row.previewed_at > PREVIEW_HOLDS:
            raise BroadcastError(
                fault("broadcast.old_preview", "The preview is more than a day old: look at the numbers of today.")
            )
        recipients = int(row.preview["numbers"]["recipients"])
        if not recipients:
            raise BroadcastError(
                fault("broadcast.nobody", "Nobody would get “{name}”: there are no recipients.", name=row.name)
            )
        if recipients > terms.second_person_above and not are_two_persons(connection, by, row.created_by):
            raise BroadcastError(
                fault(
                    "broadcast.second_person",
                    "{recipients:,} recipients are more than {limit:,}: another person than the one who drafted it "
                    "must approve.",
                    recipients=recipients,
                    limit=terms.second_person_above,
                )
            )
        _set(connection, row, S.APPROVED, approved_by=by, approved_at=now, approved_digest=digest)
        note(
            connection,
            row.id,
            "approved",
            by,
            now,
            str(
                fault(
                    "broadcast.note_approved",
                    "{recipients:,} recipients, digest {digest}",
                    recipients=recipients,
                    digest=digest[:12],
                )
            ),
        )


def may_decide(connection: Connection, login: str) -> Any:
    """Return the row of the staff who may approve and start broadcasts: theirs is the login, or
    the key that acts as it.

    What a key may do is in its scopes; whoever calls this has looked at them.

    :raises BroadcastError: there is no such login, it is not active, or is of the field
    """
    try:
        return deciding(connection, login)
    except NotDeciding as error:
        raise BroadcastError(error.fault) from None


def start(engine: Engine, key: str, by: str, terms: BroadcastTerms, now: datetime) -> None:
    """Begin an approved broadcast: its first texts are in the outbox when this returns, the clock plans the rest.

    One that is unlike this account's past begins paused, with an alert (`rules.broadcast_alarm`).

    :raises BroadcastError: it is not approved as it stands, or `by` may not
    :raises RuleError: its rule names what is no longer on file
    """
    with writing(engine) as connection:
        may_decide(connection, by)
        broadcast_id = begin(connection, key, by, terms, now)
    if broadcast_id is not None:
        plan_chunk(engine, broadcast_id, terms, now, first=True)


def begin(connection: Connection, key: str, by: str, terms: BroadcastTerms, now: datetime) -> int | None:
    """Begin in the caller's transaction; returns the id where planning may go on, None where an alarm paused it.

    :raises BroadcastError: it is not approved as it stands, or the sending hours lie apart from its own by now
    """
    row = held(connection, key)
    _to(row, S.PLANNING)
    if not is_approved(row):
        raise BroadcastError(fault("broadcast.not_approved", "“{name}” is not approved as it stands.", name=row.name))
    hours_of(draft_of(row), terms.hours)
    directory = current_directory(connection)
    audience = audience_of(row.rule, directory, terms, now)
    recipients = int(row.preview["numbers"]["recipients"])
    alarm = broadcast_alarm.before_start(recipients, *_past(connection, now))
    connection.execute(insert(BroadcastPlan), {"broadcast_id": row.id, "as_of": now})
    _add_topics(connection, row.id, {topic for term in _terms(audience.rule) for topic in audience.atlas.topics(term)})
    note(
        connection,
        row.id,
        "started",
        by,
        now,
        str(fault("broadcast.note_started", "{recipients:,} recipients approved", recipients=recipients)),
    )
    _set(connection, row, S.PLANNING, begun_at=now, state_reason="")
    if alarm is None or alarm.name in (row.alarms_waived or ()):
        return int(row.id)
    hold_for_alarm(connection, row.id, alarm, now)
    return None


def pause(where: Engine | Connection, key: str, by: str, now: datetime, reason: str = "") -> None:
    """Hold a broadcast: nothing of it is claimed from the next claim on.

    :raises BroadcastError: it is not on its way
    """
    with writing_on(where) as connection:
        row = held(connection, key)
        _to(row, S.PAUSED)
        _set(
            connection,
            row,
            S.PAUSED,
            state_reason=(reason or str(fault("broadcast.paused_by", "paused by {who}", who=by)))[:160],
        )
        note(connection, row.id, "paused", by, now, reason)


def resume(where: Engine | Connection, key: str, by: str, terms: BroadcastTerms, now: datetime) -> None:
    """Let a paused broadcast go on where it stopped. What an alarm held needs the person that approval would need.

    :raises BroadcastError: it is not paused, or this person may not
    """
    with writing_on(where) as connection:
        row = held(connection, key)
        may_decide(connection, by)
        if row.state != S.PAUSED:
            raise BroadcastError(
                fault(
                    "broadcast.not_paused",
                    "“{name}” is {state}, not paused.",
                    name=row.name,
                    state=Term("broadcast_state", row.state),
                )
            )
        recipients = int((row.preview or {}).get("numbers", {}).get("recipients", 0))
        large = recipients > terms.second_person_above
        if row.alarm and large and not are_two_persons(connection, by, row.created_by):
            raise BroadcastError(
                fault(
                    "broadcast.alarm_other_person",
                    "An alarm paused it: another person than the one who drafted it must look and resume.",
                )
            )
        planned = connection.execute(select(_plans.c.planned_at).where(_plans.c.broadcast_id == row.id)).scalar()
        to = S.SENDING if planned else S.PLANNING
        waived = sorted({*(row.alarms_waived or ()), *([row.alarm] if row.alarm else [])})
        _set(connection, row, to, state_reason="", alarm="", alarms_waived=waived, spike_since=None, spike_ended=0,
             spike_blocked=0)  # fmt: skip
        mine = (_alerts.c.broadcast_id == row.id) & _alerts.c.cleared_at.is_(None)
        connection.execute(update(_alerts).where(mine).values(cleared_at=now))
        note(connection, row.id, "resumed", by, now, f"let pass: {row.alarm}" if row.alarm else "")


def cancel(where: Engine | Connection, key: str, by: str, now: datetime, reason: str = "") -> None:
    """End a broadcast for good: nothing of it is claimed from the next claim on, and what waits is cancelled.

    :raises BroadcastError: it has ended already
    """
    with writing_on(where) as connection:
        row = held(connection, key)
        _to(row, S.CANCELLED)
        _set(
            connection,
            row,
            S.CANCELLED,
            state_reason=(reason or str(fault("broadcast.cancelled_by", "cancelled by {who}", who=by)))[:160],
            ended_at=now,
        )
        drop_schedules(connection, row.id)
        note(connection, row.id, "cancelled", by, now, reason)


def _seen(row: Any, digest: str) -> None:
    if not row.preview or not row.previewed_at:
        raise BroadcastError(
            fault("broadcast.no_preview", "“{name}” was not previewed yet: look at its numbers first.", name=row.name)
        )
    if not digest or digest != row.digest or not _is_of(row):
        raise BroadcastError(
            fault(
                "broadcast.stale", "“{name}” is no longer what you looked at: look at its preview again.", name=row.name
            )
        )


def is_approved(row: Any) -> bool:
    """Whether the approval is of the draft and the numbers as they stand in the row."""
    return bool(row.approved_digest) and row.approved_digest == row.digest and _is_of(row)


def _is_of(row: Any) -> bool:
    """Whether the kept preview is of the draft as it stands."""
    shown = row.preview
    draft = draft_of(row).digest
    return bool(shown["draft_digest"] == draft and row.digest == digest_of([draft, shown["numbers"]]))


def _to(row: Any, to: BroadcastState) -> None:
    try:
        broadcast_life.move(BroadcastState(row.state), to)
    except broadcast_life.MoveRefused:
        raise BroadcastError(
            fault(
                "broadcast.cannot",
                "“{name}” is {state} and cannot become {to}.",
                name=row.name,
                state=Term("broadcast_state", row.state),
                to=Term("broadcast_state", to),
            )
        ) from None


def _set(connection: Connection, row: Any, to: BroadcastState, **values: Any) -> None:
    connection.execute(update(_broadcasts).where(_broadcasts.c.id == row.id).values(state=to, **values))


def _past(connection: Connection, now: datetime) -> tuple[list[int], int]:
    """Return how many recipients broadcasts of late had, and how many began within the last hour."""
    joined = _broadcasts.join(_plans, _plans.c.broadcast_id == _broadcasts.c.id)
    begun = _broadcasts.c.begun_at
    sizes = connection.execute(
        select(_plans.c.planned)
        .select_from(joined)
        .where(begun >= now - broadcast_alarm.PAST, _broadcasts.c.state != S.CANCELLED)
    ).scalars()
    late = select(func.count()).select_from(_broadcasts).where(begun > now - broadcast_alarm.HOUR)
    return [int(size) for size in sizes], int(connection.execute(late).scalar_one())


def _add_topics(connection: Connection, broadcast_id: int, topics: Iterable[str]) -> None:
    rows = [{"broadcast_id": broadcast_id, "topic": topic[:80]} for topic in sorted(topics)]
    dialect: Any = sqlite if is_sqlite(connection) else postgresql
    if rows:
        connection.execute(dialect.insert(BroadcastTopic.__table__).on_conflict_do_nothing(), rows)


def _terms(rule: Rule, wanted: bool = True) -> list[Any]:
    """Return the terms that a member is in the audience for, not those that it is left out for."""
    match rule:
        case Not(inner):
            return _terms(inner, not wanted)
        case And(rules) | Or(rules):
            return [term for part in rules for term in _terms(part, wanted)]
    return [rule] if wanted else []
