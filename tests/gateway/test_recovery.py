"""A file whose log is being recovered, because a writer was killed, is waited for: nobody is told that it is locked."""

import threading
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import text

from gateway.database import make_engine, writing

WRITERS = 4


def _together(act: Callable[[], None]) -> None:
    threads = [threading.Thread(target=act) for _ in range(WRITERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)


def test_writers_wait_while_one_of_them_recovers_the_log(tmp_path: Path) -> None:
    engine = make_engine(f"sqlite:///{tmp_path / 'jalsa.db'}")
    with writing(engine) as connection:
        connection.execute(text("CREATE TABLE lines (words TEXT)"))
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_autocheckpoint=0")
        for _ in range(10):  # a long log, so that recovering it takes a while
            connection.exec_driver_sql("INSERT INTO lines VALUES (?)", [("x" * 3_000,)] * 1_000)
            connection.commit()
    ready = threading.Barrier(WRITERS)

    def connect() -> None:
        with engine.connect() as connection:
            connection.execute(text("SELECT 1 FROM lines LIMIT 1"))
            ready.wait(30)

    _together(connect)  # connecting recovers a log too, and by SQLite's own waiting
    # A writer that is killed between the two copies of the index's header (sqlite.org/walformat.html, 2.1) leaves them
    # different; whoever comes next makes the index anew from the log.
    with (tmp_path / "jalsa.db-shm").open("r+b") as index:
        index.seek(8)
        index.write(b"\xff" * 4)
    refused: list[BaseException] = []

    def write() -> None:
        ready.wait(30)
        try:
            with writing(engine) as connection:
                connection.execute(text("INSERT INTO lines VALUES ('mine')"))
        except Exception as error:
            refused.append(error)

    _together(write)
    assert refused == []
    with engine.connect() as connection:
        written = connection.execute(text("SELECT count(*) FROM lines WHERE words = 'mine'")).scalar_one()
    assert written == WRITERS
    engine.dispose()
