"""Engines and transactions, the same for SQLite and PostgreSQL.

SQLite: WAL so that readers never wait, synchronous=FULL so that an answered text survives a power cut, and every
write begins IMMEDIATE so that two writers queue up instead of failing half-way. PostgreSQL: READ COMMITTED; rows that
a decision stands on are locked first.
"""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url

_BUSY_TIMEOUT_MS = 5_000
_LOOK_AGAIN_S = 0.001
_STAND_BACK_S = 0.005
_LOG_PAGES = 16_000  # 64 MB; at the usual 1,000, every second group of texts writes back the pages of the last one


def make_engine(url: str, *, by_key: bool = False, audit_key: bytes | None = None) -> Engine:
    """Return an engine; the folder of an SQLite file is made. A bad address fails on first use, not here.

    :param by_key: for work that looks rows up by key alone. PostgreSQL plans the checks of foreign keys once for each
        connection: if a table was nearly empty then, it is read whole for every row that points to it, until somebody
        runs ANALYZE. Measured on a new database, that halves the pace of recording; forbidding it costs nothing.
    :param audit_key: `settings.audit_key`, for engines whose transactions write lines of the audit log
    """
    engine = _engine(url, by_key)
    if audit_key is not None:
        engine.update_execution_options(audit_key=audit_key)
    return engine


def _engine(url: str, by_key: bool) -> Engine:
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        if parsed.database and parsed.database != ":memory:":
            Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
        engine = create_engine(
            parsed,
            connect_args={"timeout": _BUSY_TIMEOUT_MS / 1000, "check_same_thread": False},
            hide_parameters=True,  # an error's message must not quote a text
        )
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    # A prepared statement keeps the plan of its first minutes, when tables were small: on a new database that reads
    # whole tables until somebody runs ANALYZE. By key there is one plan only, and to make it costs more than to run it.
    kept: dict[str, Any] = {"prepare_threshold": None}
    if by_key:
        ways = ("seqscan", "hashjoin", "mergejoin", "material")  # each of them may read a whole table
        options = (*(f"enable_{way}=off" for way in ways), "jit=off")
        kept = {"prepare_threshold": 2, "options": " ".join(f"-c {one}" for one in options)}
    return create_engine(
        parsed, connect_args=kept, pool_pre_ping=True, pool_size=5, max_overflow=10, hide_parameters=True
    )


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # the driver must not begin transactions of its own
    cursor = connection.cursor()
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        f"busy_timeout={_BUSY_TIMEOUT_MS}",
        "cache_size=-65536",
        "temp_store=MEMORY",
        f"wal_autocheckpoint={_LOG_PAGES}",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    if connection.get_execution_options().get("writing", False):
        _begin_writing(connection)
    else:
        connection.exec_driver_sql("BEGIN")


def _begin_writing(connection: Connection) -> None:
    """Begin as the one writer, waiting up to the busy timeout for another to end.

    SQLite's own waiting looks again after up to a tenth of a second: of two busy processes one would then be kept out
    for seconds, and the file lie idle between.
    """
    file: sqlite3.Connection = connection.connection.driver_connection  # type: ignore[assignment]
    until = time.monotonic() + _BUSY_TIMEOUT_MS / 1000
    file.execute("PRAGMA busy_timeout=0")
    try:
        while time.monotonic() < until:
            try:
                file.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:  # recovering a log is busy too
                    break
                time.sleep(_LOOK_AGAIN_S)
            else:
                return
        connection.exec_driver_sql("BEGIN IMMEDIATE")  # fails in the words that callers know
    finally:
        file.execute(f"PRAGMA busy_timeout={_BUSY_TIMEOUT_MS}")


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """One transaction that writes: committed when the block ends, rolled back when it raises."""
    with engine.connect().execution_options(writing=True) as connection, connection.begin():
        yield connection


def stand_back(engine: Engine) -> None:
    """Let others write before one's own next transaction, for work in the background that makes many in a row.

    SQLite's writers form no queue: who begins again at once keeps out those who look every millisecond, and texts that
    come in would wait for the whole of the work instead of a part.
    """
    if engine.dialect.name == "sqlite":
        time.sleep(_STAND_BACK_S)


@contextmanager
def writing_on(where: Engine | Connection) -> Iterator[Connection]:
    """A transaction that writes: the caller's own where they give its connection, else one as `writing` makes.

    For acts that a form or a key may do together with more, all of it or nothing: a spent token, a line in a log.
    """
    if isinstance(where, Connection):
        yield where
        return
    with writing(where) as connection:
        yield connection


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """One transaction that only reads, on one consistent view."""
    with engine.connect() as connection, connection.begin():
        yield connection


def is_sqlite(connection: Connection) -> bool:
    return connection.dialect.name == "sqlite"
