"""The usual ways to count: rows joined to the number's consent, and groups in a join table; with a time limit."""

import threading
import time
from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, Engine, func, or_, select
from sqlalchemy.exc import DBAPIError

from bench.segments.rules import QUICK
from gateway.audience.rules import Audience
from gateway.database import is_sqlite, reading, writing
from gateway.places.directory import Directory
from gateway.tables import Member, Sender

GROUPS = 11
LIMIT_S = 8.0
"""A count that takes longer is stopped, and told as longer than this."""


def add_naive_tables(engine: Engine) -> None:
    """Add `naive_affinities`, a row per member and group, and an index over members by city."""
    with writing(engine) as connection:
        sqlite = is_sqlite(connection)
        run = connection.exec_driver_sql
        bits = " UNION ALL ".join(f"SELECT {bit} AS bit" for bit in range(GROUPS))
        run("CREATE TABLE naive_affinities (sender_id BIGINT NOT NULL, bit INTEGER NOT NULL)")
        run(
            f"INSERT INTO naive_affinities SELECT sender_id, bit FROM members "
            f"JOIN ({bits}) AS bits ON (affinities >> bit) & 1 = 1"
        )
        run("CREATE UNIQUE INDEX ix_naive_affinities ON naive_affinities (bit, sender_id)")
        run("CREATE INDEX ix_naive_city ON members (city_id)")
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("ANALYZE naive_affinities" if sqlite else "VACUUM ANALYZE naive_affinities")


def usual_ms(engine: Engine, rule: str, audience: Audience, directory: Directory) -> float | None:
    """Return how long the usual count of a rule takes, None where it takes longer than the limit.

    It is one number: who is left out and why is not in it.
    """
    if rule == QUICK[0]:
        return timed(engine, lambda connection: _by_join_table(connection, directory))
    return timed(engine, lambda connection: _by_rows(connection, audience))


def timed(engine: Engine, ask: Callable[[Connection], Any]) -> float | None:
    with reading(engine) as connection:
        raw: Any = connection.connection.driver_connection
        sqlite = is_sqlite(connection)
        if not sqlite:
            connection.exec_driver_sql(f"SET LOCAL statement_timeout = '{LIMIT_S:.0f}s'")
        timer = threading.Timer(LIMIT_S, raw.interrupt if sqlite else lambda: None)
        started = time.perf_counter()
        timer.start()
        try:
            ask(connection)
        except DBAPIError:
            return None
        finally:
            timer.cancel()
        return (time.perf_counter() - started) * 1000


def _by_rows(connection: Connection, audience: Audience) -> int:
    """Count members whose number has consent, is alive and is of the country: the rule as one condition."""
    home = or_(*(Sender.key.startswith(prefix, autoescape=True) for prefix in audience.prefixes))
    return connection.execute(
        select(func.count())
        .select_from(Member.__table__.join(Sender.__table__, Sender.id == Member.sender_id))
        .where(Sender.consent == "joined", Sender.number_state != "dead", home, audience.condition(heed_stops=True))
    ).scalar_one()


def _by_join_table(connection: Connection, directory: Directory) -> int:
    city, seat = directory.place_ids["lahore"], directory.seat_ids["NA-119", directory.register.current or 0]
    bit = next(group.bit for group in directory.groups.all if group.key == "students")
    return connection.exec_driver_sql(
        "SELECT count(*) FROM members m JOIN senders s ON s.id = m.sender_id "
        f"JOIN naive_affinities a ON a.sender_id = m.sender_id AND a.bit = {bit} "
        f"WHERE m.city_id = {city} AND m.constituency_id = {seat} AND s.consent = 'joined' "
        "AND s.number_state <> 'dead' AND s.key LIKE '+92%'".replace("%", "%%" if not is_sqlite(connection) else "%")
    ).scalar_one()
