"""Every count of the first page is quick with 200,000 texts on file, half of them of the last hour."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Engine, insert

from gateway.broadcasts.progress import running_broadcasts
from gateway.database import reading, writing
from gateway.numbers.hours import count_hours, when_people_text
from gateway.numbers.joins import joins_by_city
from gateway.numbers.minutes import RecentMinutes
from gateway.outbox.standing import carrier_standing, waiting_by_lane
from gateway.pickups.filling import next_filling
from gateway.reports.open_now import open_by_urgency
from gateway.tables import Broadcast, BroadcastPlan, Member, OutboundText
from gateway.tables.members import EVERY_MEMBER
from tests.numbers.rows import add_members, add_senders, analyse, place_id, reply_to_all, text_out, texts_in, texts_out

NOW = datetime(2026, 11, 22, 10, 30, 30, tzinfo=UTC)
SENDERS, OLD, LATE, WAITING = 20_000, 70_000, 30_000, 70_000
SLOWEST_S = 1.5
"""On a busy machine of two cores; alone each takes a tenth of it."""


def test_every_count_of_the_first_page(engine: Engine) -> None:
    senders = add_senders(engine, SENDERS, NOW)
    lahore = place_id(engine, "lahore")
    add_members(engine, senders[: SENDERS // 2], lahore, NOW - timedelta(days=30))
    texts_in(engine, [(senders[n % SENDERS], NOW - timedelta(days=20, seconds=n * 7)) for n in range(OLD)])
    texts_in(engine, [(senders[n % SENDERS], NOW - timedelta(seconds=n / 10)) for n in range(LATE)])
    reply_to_all(engine, NOW)
    with writing(engine) as connection:
        made = insert(Broadcast).values(key="b", state="sending").returning(Broadcast.id)
        broadcast = connection.execute(made).scalar_one()
        connection.execute(
            insert(BroadcastPlan).values(broadcast_id=broadcast, as_of=NOW, planned=WAITING, planned_at=NOW)
        )
    waiting = [
        text_out(
            one,
            state="queued",
            attempts=0,
            lane=f"4|{broadcast}|*|Asia/Karachi",
            not_before=NOW,
            broadcast_id=broadcast,
        )
        for one in senders
    ]
    texts_out(engine, waiting, NOW)
    analyse(engine)
    with reading(engine) as connection:
        minutes = _timed(lambda: RecentMinutes().read(connection, NOW))
        assert sum(one.texts_in for one in minutes) == LATE
        mine = _timed(lambda: RecentMinutes().read(connection, NOW, "lahore", Member.__table__.c.city_id == lahore))
        assert 0 < sum(one.texts_out for one in mine) < LATE
        lanes = _timed(lambda: waiting_by_lane(connection))
        assert [(lane.lane.broadcast_id, lane.texts) for lane in lanes] == [(broadcast, SENDERS)]
        _timed(lambda: carrier_standing(connection, ["twilio"], NOW - timedelta(minutes=10), NOW))
        _timed(lambda: joins_by_city(connection, NOW - timedelta(hours=12)))
        _timed(lambda: open_by_urgency(connection))
        _timed(lambda: next_filling(connection, NOW))
        [running] = _timed(lambda: running_broadcasts(connection, {broadcast: lanes[0].texts}))
        assert (running.recipients, running.left) == (WAITING, WAITING - SENDERS)
    until = time.monotonic() + 20
    while count_hours(engine, NOW) and time.monotonic() < until:
        pass
    with reading(engine) as connection:
        week = _timed(lambda: when_people_text(connection, ZoneInfo("Asia/Karachi"), NOW))
        assert week.total >= OLD


def test_the_last_hour_is_read_by_an_index(engine: Engine) -> None:
    """Without one a count of the last minutes would read every text ever sent."""
    with reading(engine) as connection:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        for query, index in (
            (OutboundText.__table__.select().where(OutboundText.attempted_at >= NOW), "ix_outbound_texts_attempted"),
            (Member.__table__.select().where(Member.joined_at >= NOW, EVERY_MEMBER), "ix_members_joined_at"),
        ):
            assert index in _plan(connection, query)


def _plan(connection: Connection, query: object) -> str:
    written = str(query.compile(connection.engine, compile_kwargs={"literal_binds": True}))  # type: ignore[attr-defined]
    explain = "EXPLAIN QUERY PLAN " if connection.dialect.name == "sqlite" else "EXPLAIN "
    return "\n".join(str(row) for row in connection.exec_driver_sql(explain + written.replace("%", "%%")))


def _timed(count: Callable[[], object]) -> object:
    began = time.monotonic()
    found = count()
    took = time.monotonic() - began
    print(f"{took * 1000:6.1f} ms")
    assert took < SLOWEST_S
    return found
