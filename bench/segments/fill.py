"""Fill a migrated database with made-up members by the database's own means, the same ones on SQLite and PostgreSQL.

Who is who follows from the member's number by arithmetic alone, so both databases hold the same people. Seats are
equally large, as the law wants them, and a member's city is the one that the seat's district is named for: the largest
cities hold a twentieth of all members. Numbers lie in a range that Pakistan has not given out.
"""

from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, Engine, Index, text
from sqlalchemy.schema import CreateIndex, DropIndex

from gateway.database import is_sqlite, reading, writing
from gateway.places.directory import Directory
from gateway.places.store import read_directory
from gateway.tables import Member, Sender

DAYS_OF_JOINING = 400
_CHUNK = 500_000


def _roll(salt: int) -> str:
    """Return an expression for 24 bits that look random and follow from the member's number and a salt alone.

    Squaring is what makes two salts of one member unlike: sums and products alone would go up together.
    """
    mixed = f"(((n + {salt}) * 2654435761 & 4294967295) % 2147483647)"
    return f"(({mixed} * {mixed} % 2147483647) >> 7)"


def _moment(days_before: str, now: datetime, sqlite: bool) -> str:
    epoch = int(now.timestamp())
    seconds = f"({epoch} - ({days_before}) * 86400 - {_roll(77)} % 86400)"
    if sqlite:
        return f"strftime('%Y-%m-%d %H:%M:%S', {seconds}, 'unixepoch') || '.000000'"
    return f"to_timestamp({seconds})"


def _day(days_before: str, now: datetime, sqlite: bool) -> str:
    if sqlite:
        return f"date({int(now.timestamp())} - ({days_before}) * 86400, 'unixepoch')"
    return f"date '{now:%Y-%m-%d}' - ({days_before})::int"


def _texts_sql(now: datetime, sqlite: bool) -> str:
    return f"""
        INSERT INTO inbound_texts (carrier, carrier_id, sender_id, to_number, body, command, reason, flagged,
                                   received_at)
        SELECT 'simulated', 'W' || n, n, '80022', '', 'WHERE', '', {"0" if sqlite else "false"},
               {_moment(f"{_roll(14)} % 90", now, sqlite)}
        FROM numbers WHERE {_roll(15)} % 100 < 3"""


def _reports_sql(now: datetime, sqlite: bool) -> str:
    at = _moment(f"{_roll(16)} % 90", now, sqlite)
    return f"""
        INSERT INTO reports (event_key, ref, sender_id, state, text, opened_at, updated_at)
        SELECT '', 'R' || n, n, 'received', '', {at}, {at} FROM numbers WHERE {_roll(17)} % 200 = 0"""


def _holds_sql(now: datetime, sqlite: bool) -> str:
    at = _moment(f"{_roll(18)} % 90", now, sqlite)
    return f"""
        INSERT INTO seat_holds (departure_id, sender_id, seats, state, held_at, until)
        SELECT (SELECT min(id) FROM departures), n, 1,
               CASE WHEN {_roll(19)} % 2 = 0 THEN 'held' ELSE 'travelled' END, {at}, {at}
        FROM numbers WHERE {_roll(20)} % 100 = 0"""


def _senders_sql(now: datetime, sqlite: bool) -> str:
    roll = f"({_roll(5)} % 100)"
    stopped = f"({_roll(6)} % 100 < 6)"
    dead = f"({_roll(7)} % 100 < 3)"
    return f"""
        INSERT INTO senders (id, key, language, consent, misses, replies, number_state, first_seen_at, last_seen_at)
        SELECT n,
               CASE WHEN {_roll(8)} % 100 < 1 THEN '+97199' ELSE '+92399' END || substr('00000000' || n, -8),
               CASE WHEN {roll} < 45 THEN 'ur' WHEN {roll} < 80 THEN 'ur-Latn' WHEN {roll} < 95 THEN 'en' END,
               CASE WHEN {stopped} THEN 'stopped' ELSE 'joined' END, 0, 0,
               CASE WHEN {dead} THEN 'dead' ELSE 'alive' END,
               {_moment(f"{_roll(9)} % {DAYS_OF_JOINING}", now, sqlite)},
               {_moment(f"{_roll(10)} % {DAYS_OF_JOINING}", now, sqlite)}
        FROM numbers"""


def _members_sql(now: datetime, sqlite: bool) -> str:
    stopped = f"({_roll(6)} % 100 < 6)"
    dead = f"({_roll(7)} % 100 < 3)"
    true, false = ("1", "0") if sqlite else ("true", "false")
    roll = f"({_roll(5)} % 100)"
    return f"""
        INSERT INTO members (sender_id, name, city_id, constituency_id, affinities, language, reachable, joined_at,
                             seen_on, referrer_id, updated_at)
        SELECT n, 'Member ' || n, CASE WHEN {_roll(11)} % 20 > 0 THEN city_id END, seat_id,
               {_roll(2)} & {_roll(3)} & {_roll(4)} & 2047,
               CASE WHEN {roll} < 45 THEN 'ur' WHEN {roll} < 80 THEN 'ur-Latn' WHEN {roll} < 95 THEN 'en' END,
               CASE WHEN {stopped} OR {dead} THEN {false} ELSE {true} END,
               {_moment(f"{_roll(9)} % {DAYS_OF_JOINING}", now, sqlite)},
               {_day(f"{_roll(10)} % {DAYS_OF_JOINING}", now, sqlite)},
               CASE WHEN {_roll(12)} % 20 = 0 AND n > 1 THEN 1 + {_roll(13)} % (n - 1) END,
               {_moment("0", now, sqlite)}
        FROM numbers LEFT JOIN bench_seats ON bench_seats.number = {_roll(1)} % {{seats}}"""


def _numbers(first: int, last: int, sqlite: bool) -> str:
    if sqlite:
        return f"WITH RECURSIVE numbers(n) AS (SELECT {first} UNION ALL SELECT n + 1 FROM numbers WHERE n < {last})"
    return f"WITH numbers AS (SELECT n FROM generate_series({first}::bigint, {last}::bigint) AS n)"


def fill(engine: Engine, members: int, now: datetime) -> dict[str, float]:
    """Add `members` members to an empty, migrated database with base places; returns seconds by step.

    :param now: aware UTC; joining and last texts are spread over the 400 days before it
    """
    seconds: dict[str, float] = {}
    started = datetime.now(UTC)

    def lap(step: str) -> None:
        nonlocal started
        seconds[step] = round((datetime.now(UTC) - started) / timedelta(seconds=1), 1)
        started = datetime.now(UTC)

    with reading(engine) as connection:
        sqlite, directory = is_sqlite(connection), read_directory(connection)
    indexes = [index for table in (Member, Sender) for index in table.__table__.indexes]
    if sqlite:
        _loosen(engine)
    with writing(engine) as connection:
        seats = _lay_out_seats(connection, directory)
        for index in indexes:
            connection.execute(DropIndex(index))
    for first in range(1, members + 1, _CHUNK):
        last = min(first + _CHUNK - 1, members)
        numbers = _numbers(first, last, sqlite)
        with writing(engine) as connection:
            if not sqlite:  # half of the time would go into foreign keys of rows that this file makes itself
                connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
            for sql in (
                _senders_sql(now, sqlite),
                _members_sql(now, sqlite).replace("{seats}", str(seats)),
                _texts_sql(now, sqlite),
                _reports_sql(now, sqlite),
                _holds_sql(now, sqlite),
            ):
                # WITH stands before INSERT on both.
                connection.exec_driver_sql(f"{numbers} {sql}" if sqlite else f"{numbers} {sql}".replace("%", "%%"))
    lap("rows")
    for index in indexes:
        _make(engine, index)
    lap("indexes")
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        # A count needs the visibility map on PostgreSQL, which VACUUM writes; autovacuum does it in real life.
        for statement in (
            ("ANALYZE",) if sqlite else ("VACUUM ANALYZE senders, members, inbound_texts, reports, seat_holds",)
        ):
            connection.exec_driver_sql(statement)
    lap("analyze")
    return seconds


def _make(engine: Engine, index: Index) -> None:
    with writing(engine) as connection:
        connection.execute(CreateIndex(index))


def _loosen(engine: Engine) -> None:
    """A throw-away file needs no durability while it is filled."""
    with engine.connect() as connection:
        raw = connection.connection.driver_connection
        assert raw is not None
        connection.rollback()
        raw.execute("PRAGMA synchronous=OFF")
        raw.execute("PRAGMA foreign_keys=OFF")


def _lay_out_seats(connection: Connection, directory: Directory) -> int:
    """Number the national seats of today, each with the city that its district is named for."""
    connection.execute(text("CREATE TABLE bench_seats (number INTEGER PRIMARY KEY, seat_id BIGINT, city_id BIGINT)"))
    rows = []
    for key, seat in directory.seats.items():
        if directory.is_provincial(seat) or key[1] != directory.register.current:
            continue
        places = [place for name in seat.districts if (place := directory.place_named(name))]
        place = next((place for place in places if place.kind == "city"), places[0] if places else None)
        rows.append(
            {
                "number": len(rows),
                "seat_id": directory.seat_ids[key],
                "city_id": directory.place_ids[place.key] if place else None,
            }
        )
    connection.execute(text("INSERT INTO bench_seats VALUES (:number, :seat_id, :city_id)"), rows)
    return len(rows)
