"""Put a broadcast's texts in the outbox, a chunk in each transaction, ahead of the workers that send them.

The plan's row says how far it came and is written with the chunk: whoever is killed leaves nothing half done, and any
process goes on from there. It is also the lock: one chunk of a broadcast is planned by one process at a time.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache, cached_property, partial
from typing import Any

from sqlalchemy import Connection, Engine, select, update

from faults import plain
from gateway.audience.counting import Recipient, recipients
from gateway.audience.rules import Audience
from gateway.broadcasts.alarms import hold_for_alarm, planned_today
from gateway.broadcasts.drafts import audience_of, draft_of
from gateway.broadcasts.terms import BroadcastTerms
from gateway.broadcasts.words import Words, zone_of_number
from gateway.bulk import Packed
from gateway.database import is_sqlite, reading, writing
from gateway.outbox.enqueue import NewText, enqueue, enqueue_packed, pack_texts
from gateway.places.current import current_directory
from gateway.rules.broadcast_alarm import Alarm, while_planning
from gateway.rules.broadcast_life import BroadcastState
from gateway.tables import Broadcast, BroadcastPlan, OutboundText, Sender
from segments import RuleError

FIRST_CHUNK = 500
CHUNK = 5_000
CHUNK_SQLITE = 2_000
"""SQLite has one writer: inbound texts wait for a chunk to end."""
MANY = 20_000
NOT_TEXTED = ("suppressed", "failed", "undelivered", "expired", "cancelled")

_broadcasts, _plans = Broadcast.__table__, BroadcastPlan.__table__
_texts, _senders = OutboundText.__table__, Sender.__table__


@dataclass(frozen=True)
class Chunk:
    """The texts of the recipients behind `after_id`, up to `last_id`; none if there are no more.

    `packed` are the same texts made ready for the outbox.
    """

    after_id: int
    last_id: int
    texts: Sequence[NewText]
    packed: Packed | None = None


@dataclass(frozen=True)
class Planner:
    """What the chunks of one broadcast are planned with; made once: reading places takes longer than a chunk."""

    row: Any
    audience: Audience
    words: Words
    terms: BroadcastTerms

    @classmethod
    def read(cls, connection: Connection, broadcast_id: int, terms: BroadcastTerms) -> "Planner":
        """:raises RuleError: the rule names what is no longer on file"""
        row = connection.execute(select(_broadcasts).where(_broadcasts.c.id == broadcast_id)).one()
        directory = current_directory(connection)
        audience = audience_of(row.rule, directory, terms, row.begun_at)
        return cls(row, audience, Words(draft_of(row), directory, terms.default_language), terms)

    @property
    def approved(self) -> int:
        """How many recipients the approver saw."""
        return int(self.row.preview["numbers"]["recipients"])

    def chunk(self, connection: Connection, after_id: int, as_of: datetime, size: int) -> Chunk:
        """Read the next recipients and write their texts."""
        many = self.approved > MANY
        people = recipients(connection, self.audience, after_id, size, joined_by=as_of, many=many)
        return Chunk(after_id, people[-1].sender_id if people else after_id, [self._text(one) for one in people])

    def _text(self, recipient: Recipient) -> NewText:
        language, rendered = self.words.of(recipient)
        return NewText(
            "broadcast",
            recipient.sender_id,
            recipient.key,
            rendered.counted.text,
            language,
            self._wording,
            zone_of_number(recipient.key, self._home),
            self._id,
            expires_at=self._ends,
            counted=rendered.counted,
        )

    @cached_property
    def _id(self) -> int:
        return int(self.row.id)

    @cached_property
    def _home(self) -> str:
        return self.terms.zone.key

    @cached_property
    def _wording(self) -> str:
        return f"broadcast:{self._id}"

    @cached_property
    def _ends(self) -> datetime | None:
        minutes = self.row.validity_minutes
        return self.row.begun_at + timedelta(minutes=minutes) if minutes else None

    def packed(self, chunk: Chunk, kind: str, now: datetime) -> Chunk:
        """Return a chunk whose texts are ready for the outbox of a kind of database."""
        return replace(chunk, packed=pack_texts(kind, chunk.texts, self.terms.routes, now)) if chunk.texts else chunk

    def enqueue(self, connection: Connection, chunk: Chunk, now: datetime) -> int:
        """Put a chunk's texts in the outbox, those kept back whose recipient had another broadcast too lately.

        Returns how many are new.
        """
        lately = self._texted_lately(connection, chunk)
        if chunk.packed and not lately:
            return enqueue_packed(connection, chunk.packed)
        texts = (
            text._replace(suppressed="texted too lately") if text.sender_id in lately else text for text in chunk.texts
        )
        return enqueue(connection, texts, self.terms.routes, now)

    def _texted_lately(self, connection: Connection, chunk: Chunk) -> set[int]:
        """Return who of a chunk had, or is about to have, another broadcast within the days of the draft."""
        if not self.row.quiet_days:
            return set()
        since = self.row.begun_at - timedelta(days=self.row.quiet_days)
        return set(
            connection.execute(
                select(_texts.c.sender_id)
                .distinct()
                .where(
                    _texts.c.sender_id > chunk.after_id,
                    _texts.c.sender_id <= chunk.last_id,
                    _texts.c.created_at >= since,
                    _texts.c.kind == "broadcast",
                    _texts.c.broadcast_id != self.row.id,
                    _texts.c.state.not_in(NOT_TEXTED),
                )
            ).scalars()
        )


def plan_chunk(
    engine: Engine,
    broadcast_id: int,
    terms: BroadcastTerms,
    now: datetime,
    *,
    first: bool = False,
    planner: Planner | None = None,
    ready: Callable[[int, datetime, int], Chunk] | None = None,
) -> bool:
    """Plan one chunk of a broadcast; returns whether there is more to plan now.

    :param first: a short chunk, so that the first texts leave at once
    :param ready: returns the chunk behind an id, perhaps one made already; otherwise it is made here
    :raises sqlalchemy.exc.OperationalError: the database is locked, full or gone; the chunk is planned again later
    """
    with writing(engine) as connection:
        plan = connection.execute(
            select(_plans)
            .where(_plans.c.broadcast_id == broadcast_id, _plans.c.planned_at.is_(None))
            .with_for_update(skip_locked=True, key_share=True)
        ).first()
        state = connection.execute(select(_broadcasts.c.state).where(_broadcasts.c.id == broadcast_id)).scalar()
        if plan is None or state != BroadcastState.PLANNING:
            return False
        planner = planner or Planner.read(connection, broadcast_id, terms)
        size = FIRST_CHUNK if first else CHUNK_SQLITE if is_sqlite(connection) else CHUNK
        if ready:
            chunk = ready(plan.after_id, plan.as_of, size)
        else:
            chunk = planner.chunk(connection, plan.after_id, plan.as_of, size)
        if not chunk.texts:
            _end(connection, broadcast_id, now)
            return False
        new = planner.enqueue(connection, chunk, now)
        _forget_the_erased(connection, broadcast_id, chunk)
        planned = plan.planned + new
        connection.execute(
            update(_plans).where(_plans.c.broadcast_id == broadcast_id).values(after_id=chunk.last_id, planned=planned)
        )
        alarm = while_planning(planned, planner.approved, planned_today(connection, terms.zone, now), terms.daily_cap)
        if alarm and alarm.name not in (planner.row.alarms_waived or ()):
            hold_for_alarm(connection, broadcast_id, alarm, now)
            return False
    return True


def _forget_the_erased(connection: Connection, broadcast_id: int, chunk: Chunk) -> None:
    """Take the words out of texts to people who sent ERASE after the chunk was read; the claim keeps such texts back.

    Their rows are locked by ours from here on, so whoever sends it later finds the text.
    """
    ghosts = connection.execute(
        select(_senders.c.id).where(
            _senders.c.id > chunk.after_id, _senders.c.id <= chunk.last_id, _senders.c.key.startswith("erased:")
        )
    ).scalars()
    for ghost in ghosts:  # hardly ever one; asked for with the texts, PostgreSQL reads all of the broadcast's
        mine = (_texts.c.broadcast_id == broadcast_id) & (_texts.c.sender_id == ghost)
        connection.execute(update(_texts).where(mine).values(body=""))


def plan_all(engine: Engine, broadcast_id: int, terms: BroadcastTerms, clock: Callable[[], datetime]) -> None:
    """Plan a broadcast to its end, or until it is paused, cancelled or taken up by another process.

    :raises RuleError: its rule names what is no longer on file
    """
    with reading(engine) as connection:
        planner = Planner.read(connection, broadcast_id, terms)
    with ThreadPoolExecutor(1, thread_name_prefix="planning") as thread:
        chunks = _Ahead(engine, planner, clock, None if engine.dialect.name == "sqlite" else thread)
        while plan_chunk(engine, broadcast_id, terms, clock(), planner=planner, ready=chunks.behind):
            chunks.wait()


class _Ahead:
    """Makes each chunk before the transaction that writes it; two are in memory at most.

    PostgreSQL writes in a process of its own, and a thread makes the next chunk beside it. SQLite's work is this
    process's own: there a second thread gets in the way (35 us a recipient with it, 27 without, on two cores).
    """

    def __init__(
        self, engine: Engine, planner: Planner, clock: Callable[[], datetime], thread: Executor | None
    ) -> None:
        self._engine, self._planner, self._clock, self._thread = engine, planner, clock, thread
        self._next: Callable[[], Chunk] | None = None

    def behind(self, after_id: int, as_of: datetime, size: int) -> Chunk:
        """Return the chunk behind an id."""
        chunk = self._next() if self._next else None
        if chunk is None or chunk.after_id != after_id:  # the first, or another process went on from here
            chunk = self._make(after_id, as_of, size)
        self._next = self._begin(chunk.last_id, as_of, size) if chunk.texts else None
        return chunk

    def wait(self) -> None:
        """Have the next chunk made, while no transaction of ours is open: others write as long as it takes."""
        if self._next:
            self._next()

    def _begin(self, after_id: int, as_of: datetime, size: int) -> Callable[[], Chunk]:
        make = partial(self._make, after_id, as_of, size)
        return self._thread.submit(make).result if self._thread else cache(make)

    def _make(self, after_id: int, as_of: datetime, size: int) -> Chunk:
        with reading(self._engine) as connection:
            chunk = self._planner.chunk(connection, after_id, as_of, size)
        return self._planner.packed(chunk, self._engine.dialect.name, self._clock())


def plan_begun(engine: Engine, terms: BroadcastTerms, clock: Callable[[], datetime]) -> None:
    """Plan every broadcast that has begun and is not planned whole; one whose rule fails is paused and says why."""
    with reading(engine) as connection:
        planning = select(_broadcasts.c.id).where(_broadcasts.c.state == BroadcastState.PLANNING)
        ids = list(connection.execute(planning.order_by(_broadcasts.c.urgent.desc(), _broadcasts.c.id)).scalars())
    for broadcast_id in ids:
        try:
            plan_all(engine, broadcast_id, terms, clock)
        except RuleError as error:
            with writing(engine) as connection:
                hold_for_alarm(connection, broadcast_id, Alarm("rule", plain(str(error))), clock())


def _end(connection: Connection, broadcast_id: int, now: datetime) -> None:
    connection.execute(update(_plans).where(_plans.c.broadcast_id == broadcast_id).values(planned_at=now))
    still = (_broadcasts.c.id == broadcast_id) & (_broadcasts.c.state == BroadcastState.PLANNING)
    connection.execute(update(_broadcasts).where(still).values(state=BroadcastState.SENDING))
