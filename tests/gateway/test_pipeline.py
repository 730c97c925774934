"""Statements that travel together give what each alone would give, in their order, and fail in words callers know."""

import threading
import time
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, func, insert, select
from sqlalchemy import text as text_of
from sqlalchemy.exc import IntegrityError, OperationalError

from gateway import pipeline as pipeline_module
from gateway.bulk import among, values
from gateway.database import make_engine, reading, writing
from gateway.inbound.group import Group
from gateway.inbound.record import Recorder
from gateway.pickups.seat_rows import SeatBook
from gateway.pipeline import Found, Pipeline
from gateway.service import Service
from gateway.tables import Member, Report, Sender
from tests.gateway.conftest import a_text

SENDERS, REPORTS = Sender.__table__, Report.__table__
NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
_BY_KEY = select(SENDERS.c.id, SENDERS.c.key).where(among(SENDERS.c.key, "keys")).order_by(SENDERS.c.id)
_ALL_REPORTS = select(REPORTS).order_by(REPORTS.c.id)
_STOPPED = select(func.count().label("number")).where(SENDERS.c.consent == "stopped")


def a_sender(key: str, **others: object) -> dict[str, object]:
    return {"key": key, "first_seen_at": NOON, "last_seen_at": NOON, **others}


def count(connection: Connection) -> int:
    return connection.execute(select(func.count()).select_from(SENDERS)).scalar_one()


def test_rows_are_those_of_sqlalchemy_to_the_type(engine: Engine) -> None:
    with writing(engine) as connection:
        [sender] = connection.execute(insert(SENDERS).returning(SENDERS.c.id), [a_sender("+92300")]).scalars()
        report = {
            "event_key": "e", "ref": "A1", "sender_id": sender, "text": "نمبر ۳ 👍🏽 %s :name", "because": ["a", "ب"],
            "judged": {"kind": "help"}, "lat": 31.5, "lon": None, "opened_at": NOON, "updated_at": NOON,
        }  # fmt: skip
        connection.execute(insert(REPORTS), [report, {**report, "ref": "A2", "judged": None, "lat": None}])
        member = {
            "sender_id": sender, "name": "Ali", "affinities": 3, "reachable": True, "joined_at": NOON,
            "updated_at": NOON, "seen_on": date(2026, 3, 1),
        }  # fmt: skip
        connection.execute(insert(Member.__table__), member)
        for statement in (_ALL_REPORTS, select(Member.__table__), select(SENDERS)):
            theirs = connection.execute(statement).all()
            mine = Pipeline(connection).run(statement, {}).all()
            assert [tuple(row) for row in mine] == [tuple(row) for row in theirs]
            assert [[type(one) for one in row] for row in mine] == [[type(one) for one in row] for row in theirs]
            assert [row._asdict() for row in mine] == [dict(row._mapping) for row in theirs]
        assert theirs, "nothing was compared"


def test_a_statement_waits_until_rows_are_wanted_and_all_run_in_their_order(engine: Engine) -> None:
    with writing(engine) as connection:
        pipeline = Pipeline(connection)
        first = pipeline.insert(SENDERS, [a_sender("+1"), a_sender("+2")], returning=("id", "key"))
        found = pipeline.run(_BY_KEY, {"keys": values(["+1", "+3"])})
        pipeline.insert(SENDERS, [a_sender("+3")])
        again = pipeline.run(_BY_KEY, {"keys": values(["+1", "+3"])})
        assert count(connection) == 0
        assert [row.key for row in found.all()] == ["+1"]
        assert count(connection) == 3
        assert [row.key for row in again.all()] == ["+1", "+3"]
        assert {row.key for row in first.all()} == {"+1", "+2"}
        [made] = [row.id for row in first.all() if row.key == "+1"]
        assert found.all()[0].id == made


def test_the_connection_sends_what_waits_first_and_so_does_the_blocks_end(engine: Engine) -> None:
    with writing(engine) as connection, Pipeline(connection) as pipeline:
        pipeline.insert(SENDERS, [a_sender("+1")])
        assert count(pipeline.connection) == 1
        pipeline.insert(SENDERS, [a_sender("+2")])
        pipeline.insert(SENDERS, [])
    with reading(engine) as connection:
        assert count(connection) == 2


def test_nothing_more_is_sent_where_the_block_raises(engine: Engine) -> None:
    def fail(connection: Connection) -> None:
        with Pipeline(connection) as pipeline:
            pipeline.insert(SENDERS, [a_sender("+1")])
            raise ZeroDivisionError

    with writing(engine) as connection:
        with pytest.raises(ZeroDivisionError):
            fail(connection)
        assert count(connection) == 0


def test_values_of_the_statement_itself_and_of_columns_left_out(engine: Engine) -> None:
    with writing(engine) as connection:
        pipeline = Pipeline(connection)
        pipeline.insert(SENDERS, [a_sender("+1", consent="stopped"), a_sender("+2", consent="joined")])
        pipeline.insert(SENDERS, [a_sender("+3")], shared={"misses": 4, "last_seen_at": NOON})
        assert pipeline.run(_STOPPED, {}).all()[0].number == 1
        row = connection.execute(select(SENDERS).where(SENDERS.c.key == "+3")).one()
        connection.execute(insert(SENDERS), [a_sender("+4", misses=4)])
        other = connection.execute(select(SENDERS).where(SENDERS.c.key == "+4")).one()
        assert {**row._mapping, "id": 0, "key": ""} == {**other._mapping, "id": 0, "key": ""}
        pipeline.update(SENDERS, [{"id": row.id, "misses": 7, "last_seen_at": NOON}])
        pipeline.send()
        assert connection.execute(select(SENDERS.c.misses).where(SENDERS.c.id == row.id)).scalar_one() == 7


def test_the_first_that_fails_is_told_without_its_values_and_none_behind_it_runs(engine: Engine) -> None:
    behind: list[Found] = []

    def fail() -> None:
        with writing(engine) as connection, Pipeline(connection) as pipeline:
            pipeline.insert(SENDERS, [a_sender("+1")])
            pipeline.insert(SENDERS, [a_sender("pomegranate"), a_sender("pomegranate")])
            behind.append(pipeline.insert(SENDERS, [a_sender("+2")], returning=("id",)))

    with pytest.raises(IntegrityError) as told:
        fail()
    assert behind
    with pytest.raises(RuntimeError, match="has failed"):
        behind[0].all()
    assert not told.value.connection_invalidated
    assert told.value.statement is None
    assert told.value.params is None
    with reading(engine) as connection:
        assert count(connection) == 0


def test_a_connection_that_is_gone_is_told_as_such_and_the_next_one_works(engine: Engine) -> None:
    if engine.dialect.name != "postgresql":
        return

    def fail() -> None:
        with writing(engine) as connection:
            pipeline = Pipeline(connection)
            pid = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
            with engine.connect() as other:
                other.exec_driver_sql(f"SELECT pg_terminate_backend({pid})")
            pipeline.run(_STOPPED, {})
            pipeline.run(_STOPPED, {}).all()

    with pytest.raises(OperationalError) as told:
        fail()
    assert told.value.connection_invalidated
    with reading(engine) as connection:
        assert count(connection) == 0


def test_a_statement_that_is_not_the_same_each_time_is_refused(engine: Engine) -> None:
    with reading(engine) as connection, pytest.raises(ValueError, match="not the same each time"):
        Pipeline(connection).run(select(SENDERS).where(SENDERS.c.id.in_([1, 2])), {})


def _texts(first: int) -> list[Any]:
    bodies = (
        "JOIN Ali Lahore", "REPORT a woman fainted at gate 3", "WHERE Lahore", "STATUS AB12", "STOP", "what is this",
        "YES", "JOIN Sana Karachi", "CANCEL", "REPORT no water at gate 5", "ME", "JOIN Ali Lahore PPP friend ABC23",
    )  # fmt: skip
    return [a_text(body, f"+92300{first + number // 2:07d}") for number, body in enumerate(bodies * 4)]


def test_a_group_crosses_to_postgresql_a_few_times_only(
    engine: Engine, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    if engine.dialect.name != "postgresql":
        return
    flights: list[int] = []
    fly = pipeline_module._fly

    def noted(driver: Any, waiting: Sequence[Any]) -> None:
        flights.append(len(waiting))
        fly(driver, waiting)

    service.record(_texts(0))
    monkeypatch.setattr(pipeline_module, "_fly", noted)
    service.record(_texts(20))
    assert sum(flights) > 20
    assert len(flights) < 12


_KEYS = ("id", "key", "sender_id", "carrier_id", "inbound_id", "ref", "name", "step", "departure_id", "pickup_point_id")


def test_what_is_prepared_is_looked_up_by_key_though_tables_were_empty_when_it_was_planned(
    engine: Engine, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostgreSQL keeps the plan of a prepared statement: one that reads a whole table would do so from then on."""
    if engine.dialect.name != "postgresql":
        return
    seen: dict[str, tuple[Any, bool]] = {}
    convert = pipeline_module._Ready.values

    def noted(self: Any, given: Any) -> Any:
        made = convert(self, given)
        seen[self.sql] = made, self.prepare is not False
        return made

    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("VACUUM ANALYZE")  # now they are known to be empty
    monkeypatch.setattr(pipeline_module._Ready, "values", noted)
    for _ in range(2):
        service.record(_texts(0))
    by_key = make_engine(engine.url.render_as_string(hide_password=False), by_key=True)
    with reading(by_key) as connection:
        asking = SeatBook(Pipeline(connection), NOON)  # no text turns on a seat where there is no rally
        asking.ask([1, 2])
        assert not asking.open([])
    assert any("FROM seat_holds" in sql for sql in seen)
    with by_key.connect() as connection:
        driver: Any = connection.connection.driver_connection
        driver.execute("SET plan_cache_mode = force_generic_plan")
        driver.prepare_threshold = 0
        plans = {
            sql: [row[0] for row in driver.execute("EXPLAIN " + sql, given).fetchall()]
            for sql, (given, prepared) in seen.items()
            if prepared and not sql.startswith("INSERT")
        }
    by_key.dispose()
    assert len(plans) > 8
    for sql, plan in plans.items():
        for at, line in enumerate(plan):
            if " on " not in line or "Scan" not in line or "Function Scan" in line or "Bitmap Heap" in line:
                continue
            condition = plan[at + 1] if at + 1 < len(plan) else ""
            assert "Index Cond" in condition, f"{sql}\n" + "\n".join(plan)
            assert any(f"{key} =" in condition or f"{key})::" in condition for key in _KEYS), "\n".join(plan)


def test_two_copies_of_the_first_text_of_somebody_new_meet_in_one_record(
    engine: Engine, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second copy waits for the first where it makes the sender's row, after it has looked for the text."""
    if engine.dialect.name != "postgresql":
        return
    text = a_text("JOIN Ali Lahore")
    recorder = service.recorder
    service.record([a_text("HELP", "+923009999999")])  # what groups refer to is loaded
    refs = list(recorder.refs(1))
    first = Group([text], refs, recorder.reference(), recorder.erasing_key, "PK", datetime.now(UTC))
    alone: list[str] = []
    monkeypatch.setattr(Recorder, "_record_alone", lambda *_: alone.append("the group has failed"))
    answers: list[Any] = []
    second = threading.Thread(target=lambda: answers.extend(service.record([text])))
    waiting = text_of("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE 'INSERT%'")
    with writing(recorder.engine) as connection:
        [mine] = first.run(connection)
        second.start()
        ends = time.monotonic() + 30
        with engine.connect() as looking:
            while not looking.execute(waiting).scalar_one():
                assert time.monotonic() < ends, "the second copy did not wait"
                looking.rollback()
                time.sleep(0.01)  # a lock tells nobody that somebody waits for it
    second.join(30)
    assert not alone
    assert [(one.body, one.duplicate) for one in answers] == [(mine.body, True)]
