"""Schedules: a broadcast that starts by itself, once or again and again, on the clock of a place.

The unique row of (schedule, fire time) is the truth: of any number of processes one writes it, and that one starts the
broadcast in the same transaction. A time that was missed (nobody ran, the database was down) is struck late if it is
no later than the grace; later it is skipped, with a row that says so.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from apscheduler.triggers.cron import CronTrigger
from sqlalchemy import Connection, Engine, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from faults import Term, fault
from gateway.broadcasts.drafts import BroadcastError, drop_schedules, held, note
from gateway.broadcasts.moves import begin, is_approved, may_decide
from gateway.broadcasts.plan import plan_chunk
from gateway.broadcasts.terms import BroadcastTerms
from gateway.database import is_sqlite, reading, writing, writing_on
from gateway.rules.broadcast_life import BroadcastState, MoveRefused, move
from gateway.tables import Broadcast, BroadcastSchedule, ScheduleFire
from segments import RuleError

MOST_MISSED = 1_000
"""So many missed times of one schedule get a row each; of a schedule that rested longer, the oldest get none."""

_broadcasts, _schedules, _fires = Broadcast.__table__, BroadcastSchedule.__table__, ScheduleFire.__table__


@dataclass(frozen=True, slots=True)
class When:
    """Once `at` (aware), or by `cron` (five fields as in crontab) on the clock of `zone` (IANA)."""

    zone: str
    at: datetime | None = None
    cron: str = ""

    def next_after(self, moment: datetime) -> datetime | None:
        """Return the first time after `moment` (aware) as aware UTC; None if there is none."""
        if self.at is not None:
            at = self.at.astimezone(UTC)
            return at if at > moment else None
        return next_by(self.cron, self.zone, moment)


def next_by(cron: str, zone: str, moment: datetime) -> datetime | None:
    """Return the first time after `moment` that a crontab line names on the clock of `zone`, as aware UTC.

    :raises BroadcastError: the line is none
    """
    try:
        trigger = CronTrigger.from_crontab(cron, timezone=ZoneInfo(zone))
    except (ValueError, KeyError, OSError):
        raise BroadcastError(
            fault("broadcast.cron", "Times are written as in crontab, such as '0 18 * * fri', not {cron!r}.", cron=cron)
        ) from None
    found: datetime | None = trigger.get_next_fire_time(moment, moment)
    return found.astimezone(UTC) if found else None


def moment_in(written: str, zone: ZoneInfo) -> datetime:
    """Return a written time as aware; one without an offset is told on the clock of `zone`.

    :raises BroadcastError: it is no time
    """
    try:
        moment = datetime.fromisoformat(written.strip())
    except ValueError:
        raise BroadcastError(
            fault("broadcast.time_form", "A time is written like 2026-03-06 18:00, not {written!r}.", written=written)
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)


def schedule(where: Engine | Connection, key: str, when: When, by: str, now: datetime) -> datetime:
    """Set when an approved broadcast starts by itself, in place of an earlier schedule; returns the first time.

    :raises BroadcastError: it is not approved, the time is past, or `by` may not
    """
    first = when.next_after(now)
    if first is None:
        raise BroadcastError(fault("broadcast.past", "That time is past."))
    with writing_on(where) as connection:
        may_decide(connection, by)
        row = held(connection, key)
        if row.state != BroadcastState.SCHEDULED:
            try:
                move(BroadcastState(row.state), BroadcastState.SCHEDULED)
            except MoveRefused:
                raise BroadcastError(
                    fault(
                        "broadcast.not_to_schedule",
                        "“{name}” is {state} and cannot be scheduled.",
                        name=row.name,
                        state=Term("broadcast_state", row.state),
                    )
                ) from None
        if not is_approved(row):
            raise BroadcastError(
                fault("broadcast.not_approved", "“{name}” is not approved as it stands.", name=row.name)
            )
        drop_schedules(connection, row.id)
        values = {"broadcast_id": row.id, "cron": when.cron, "zone": when.zone, "next_at": first, "set_by": by[:60]}
        connection.execute(insert(_schedules).values(values))
        mine = _broadcasts.c.id == row.id
        connection.execute(update(_broadcasts).where(mine).values(state=BroadcastState.SCHEDULED))
        note(connection, row.id, "scheduled", by, now, f"{when.cron or 'once'} {when.zone}, first {first:%F %H:%M} UTC")
    return first


def unschedule(where: Engine | Connection, key: str, by: str, now: datetime) -> None:
    """Take a broadcast's schedule away; it stays approved.

    :raises BroadcastError: it is not scheduled
    """
    with writing_on(where) as connection:
        row = held(connection, key)
        if row.state != BroadcastState.SCHEDULED:
            raise BroadcastError(
                fault(
                    "broadcast.not_scheduled",
                    "“{name}” is {state}, not scheduled.",
                    name=row.name,
                    state=Term("broadcast_state", row.state),
                )
            )
        drop_schedules(connection, row.id)
        mine = _broadcasts.c.id == row.id
        connection.execute(update(_broadcasts).where(mine).values(state=BroadcastState.APPROVED))
        note(connection, row.id, "unscheduled", by, now)


def strike(engine: Engine, terms: BroadcastTerms, now: datetime) -> int:
    """Start what is due; returns how many broadcasts this process started. Safe in any number of processes."""
    with reading(engine) as connection:
        due = select(_schedules.c.id).where(_schedules.c.next_at <= now).order_by(_schedules.c.next_at)
        ids = list(connection.execute(due).scalars())
    started = 0
    for schedule_id in ids:
        begun = _strike_one(engine, schedule_id, terms, now)
        for broadcast_id in begun:
            plan_chunk(engine, broadcast_id, terms, now, first=True)
        started += len(begun)
    return started


def _strike_one(engine: Engine, schedule_id: int, terms: BroadcastTerms, now: datetime) -> list[int]:
    begun = []
    with writing(engine) as connection:
        row = connection.execute(
            select(_schedules).where(_schedules.c.id == schedule_id).with_for_update(skip_locked=True, key_share=True)
        ).first()
        if row is None or row.next_at is None or row.next_at > now:
            return []
        times, following = _times(row, now)
        for fire_time in times:
            # What is left of a list of missed times is struck once, by the last: people get one text, not three.
            started = _strike_time(connection, row, fire_time, fire_time == times[-1], terms, now)
            if started is not None:
                begun.append(started)
        connection.execute(update(_schedules).where(_schedules.c.id == schedule_id).values(next_at=following))
    return begun


def _times(row: Any, now: datetime) -> tuple[Sequence[datetime], datetime | None]:
    """Return the times that are due, oldest first, and the next one to come."""
    times: list[datetime] = []
    moment: datetime | None = row.next_at
    while moment is not None and moment <= now:
        times.append(moment)
        moment = next_by(row.cron, row.zone, moment) if row.cron else None
    return times[-MOST_MISSED:], moment


def _strike_time(
    connection: Connection, row: Any, fire_time: datetime, last: bool, terms: BroadcastTerms, now: datetime
) -> int | None:
    """Write the row of one time and start its broadcast; returns the id where planning may go on."""
    late = now - fire_time
    outcome, words = "started", ""
    if late > terms.grace or not last:
        outcome = "skipped"
        minutes = int(late.total_seconds() // 60)
        words = f"{minutes} minutes late; the limit is {int(terms.grace.total_seconds() // 60)}" if late > terms.grace \
            else "a later time was due as well"  # fmt: skip
    dialect: Any = sqlite if is_sqlite(connection) else postgresql
    values = {"schedule_id": row.id, "fire_time": fire_time, "struck_at": now, "outcome": outcome, "note": words}
    inserted = connection.execute(
        dialect.insert(_fires).values(values).on_conflict_do_nothing().returning(_fires.c.id)
    ).scalar()
    if inserted is None:
        return None
    broadcast = connection.execute(select(_broadcasts).where(_broadcasts.c.id == row.broadcast_id)).one()
    if outcome == "skipped":
        note(connection, broadcast.id, "skipped", "clock", now, words)
        if last and not row.cron:
            back = (_broadcasts.c.id == broadcast.id) & (_broadcasts.c.state == BroadcastState.SCHEDULED)
            connection.execute(update(_broadcasts).where(back).values(state=BroadcastState.APPROVED))
        return None
    try:
        with connection.begin_nested():
            key = _copy(connection, broadcast, row.id, fire_time, now) if row.cron else broadcast.key
            begun = begin(connection, key, "clock", terms, now)
            of_it = connection.execute(select(_broadcasts.c.id).where(_broadcasts.c.key == key)).scalar_one()
            connection.execute(update(_fires).where(_fires.c.id == inserted).values(broadcast_id=of_it))
    except (BroadcastError, RuleError) as error:
        refused = {"outcome": "refused", "note": str(error)[:160]}
        connection.execute(update(_fires).where(_fires.c.id == inserted).values(refused))
        note(connection, broadcast.id, "refused", "clock", now, str(error))
        return None
    return begun


def _copy(connection: Connection, broadcast: Any, schedule_id: int, fire_time: datetime, now: datetime) -> str:
    """Make the broadcast of one time of a recurring schedule, approved as its pattern is; returns its key."""
    if broadcast.state != BroadcastState.SCHEDULED or not is_approved(broadcast):
        raise BroadcastError(
            fault(
                "broadcast.not_to_begin",
                "“{name}” is {state}, and not approved as it stands.",
                name=broadcast.name,
                state=Term("broadcast_state", broadcast.state),
            )
        )
    kept = (
        "name", "rule", "rule_json", "texts", "defaults", "urgent", "hours", "quiet_days", "validity_minutes",
        "created_by", "preview", "previewed_at", "digest", "approved_by", "approved_at", "approved_digest",
    )  # fmt: skip
    values = {column: getattr(broadcast, column) for column in kept}
    key = f"{broadcast.key[:42]}-{fire_time:%Y%m%d-%H%M}"
    values |= {"key": key, "state": BroadcastState.APPROVED, "created_at": now, "schedule_id": schedule_id}
    connection.execute(insert(_broadcasts).values(values))
    return key
