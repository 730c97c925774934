"""The usual ways to file members in groups, filled with the same people: a join table, and an array or JSON list."""

from sqlalchemy import Engine

from gateway.database import is_sqlite, writing

GROUPS = 11


def add_naive_tables(engine: Engine) -> None:
    """Add `naive_affinities` (a row per member and group) and `naive_members` (groups in an array, or in JSON)."""
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
        run("CREATE INDEX ix_naive_of_sender ON naive_affinities (sender_id)")
        run("CREATE INDEX ix_naive_city ON members (city_id)")
        groups = "SELECT {list}(bit) FROM ({bits}) AS bits WHERE (affinities >> bit) & 1 = 1"
        listed = groups.format(list="json_group_array" if sqlite else "array_agg", bits=bits)
        run(
            "CREATE TABLE naive_members AS "
            f"SELECT sender_id, city_id, constituency_id, reachable, ({listed}) AS groups FROM members"
        )
        run("CREATE INDEX ix_naive_members_city ON naive_members (city_id, constituency_id)")
        if not sqlite:
            run("CREATE INDEX ix_naive_members_groups ON naive_members USING gin (groups)")
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for table in ("naive_affinities", "naive_members"):
            connection.exec_driver_sql(f"ANALYZE {table}" if sqlite else f"VACUUM ANALYZE {table}")


def drop_naive_indexes(engine: Engine) -> None:
    """Take away what would help the measured way too."""
    with writing(engine) as connection:
        connection.exec_driver_sql("DROP INDEX ix_naive_city")


def join_table_sql(city: int, seat: int | None, bit: int) -> str:
    """Return the count of a city (and seat) and group as it is written over a join table."""
    seat_too = f" AND m.constituency_id = {seat}" if seat is not None else ""
    return (
        "SELECT count(*) FROM members m JOIN senders s ON s.id = m.sender_id "
        f"JOIN naive_affinities a ON a.sender_id = m.sender_id AND a.bit = {bit} "
        f"WHERE m.city_id = {city}{seat_too} AND s.consent = 'joined' AND s.number_state <> 'dead'"
    )


def array_sql(city: int, seat: int | None, bit: int, sqlite: bool) -> str:
    """Return the same count over an array with a GIN index, or over a JSON list on SQLite."""
    seat_too = f" AND constituency_id = {seat}" if seat is not None else ""
    inside = f"EXISTS (SELECT 1 FROM json_each(groups) WHERE value = {bit})" if sqlite else f"groups @> ARRAY[{bit}]"
    return f"SELECT count(*) FROM naive_members WHERE city_id = {city}{seat_too} AND reachable AND {inside}"
