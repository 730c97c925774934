"""Rows that travel as one document are stored and read as SQLAlchemy stores and reads them."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import Connection, Engine, func, insert, select

from gateway.bulk import among, insert_rows, update_rows, values
from gateway.database import writing
from gateway.tables import InboundText, Sender

SENDERS, TEXTS = Sender.__table__, InboundText.__table__
NOON = datetime(2026, 3, 1, 12, 0, tzinfo=timezone(timedelta(hours=5)))
ODD = [
    'it\'s "quoted" \\ back',
    "نمبر ۳ 👍🏽",
    "line\r\nbreak\ttab",
    "",
    "$[0] %s :name",
    "\u2028\u200f",
    "null",
    "007",
]


def a_sender(key: str, **others: object) -> dict[str, object]:
    return {"key": key, "first_seen_at": NOON, "last_seen_at": NOON, **others}


def an_id(connection: Connection, key: str = "+923001234501") -> int:
    return int(insert_rows(connection, SENDERS, [a_sender(key)], returning=("id",))[0].id)


def a_row(sender: int, number: int, body: str, **others: object) -> dict[str, object]:
    given = {"carrier": "twilio", "carrier_id": f"SM{number}", "sender_id": sender, "to_number": "80022", "body": body}
    return given | {"flagged": bool(number % 2), "received_at": NOON, "media": None, "reason": ""} | others


def test_a_row_is_what_sqlalchemy_would_have_stored(engine: Engine) -> None:
    with writing(engine) as connection:
        sender = an_id(connection)
        for number, body in enumerate(ODD):
            media = [{"url": body, "size": 2**61}] if number % 2 else None
            moment = NOON + timedelta(microseconds=number)
            plain = a_row(sender, number, body, media=media, received_at=moment)
            connection.execute(insert(TEXTS), [plain])
            insert_rows(connection, TEXTS, [plain | {"carrier_id": f"SM{number}-bulk"}])
        compared = [column for column in TEXTS.c if column.name not in ("id", "carrier_id")]
        raw = [func.length(TEXTS.c.body), TEXTS.c.media.is_(None), TEXTS.c.received_at]
        for number, body in enumerate(ODD):
            mine, theirs = (
                connection.execute(select(*compared, *raw).where(TEXTS.c.carrier_id == name)).one()
                for name in (f"SM{number}-bulk", f"SM{number}")
            )
            assert mine == theirs
            assert mine.body == body
            same = select(func.count(TEXTS.c.received_at.distinct())).where(TEXTS.c.carrier_id.like(f"SM{number}%"))
            assert connection.execute(same).scalar() == 1  # also to the letter, where a time is kept as letters


def test_returning_names_every_inserted_row(engine: Engine) -> None:
    with writing(engine) as connection:
        sender = an_id(connection)
        rows = insert_rows(
            connection, TEXTS, [a_row(sender, n, str(n)) for n in range(700)], returning=("id", "carrier_id")
        )
        stored = connection.execute(select(TEXTS.c.carrier_id, TEXTS.c.id)).all()
    assert len(rows) == 700
    assert {(row.carrier_id, row.id) for row in rows} == {(row.carrier_id, row.id) for row in stored}


def test_a_row_on_record_is_skipped_or_updated_as_asked(engine: Engine) -> None:
    with writing(engine) as connection:
        first = an_id(connection)
        twice = [a_sender("+923001234501", language="ur"), a_sender("+923001234502", language="en")]
        assert len(insert_rows(connection, SENDERS, twice, returning=("id",), or_ignore=True)) == 1
        languages = select(SENDERS.c.key, SENDERS.c.language).order_by(SENDERS.c.key)
        assert [row.language for row in connection.execute(languages)] == [None, "en"]
        insert_rows(connection, SENDERS, twice, or_update={"key": ("language",)})
        assert [row.language for row in connection.execute(languages)] == ["ur", "en"]
        assert connection.execute(select(SENDERS.c.id).where(SENDERS.c.key == "+923001234501")).scalar() == first


def test_update_rows_changes_those_rows_alone(engine: Engine) -> None:
    with writing(engine) as connection:
        ids = [an_id(connection, f"+92300123450{n}") for n in range(4)]
        later = NOON + timedelta(hours=1)
        changed = [
            {"id": ids[1], "question_data": {"options": ["ا", None, 1]}, "misses": 7, "last_seen_at": later},
            {"id": ids[3], "question_data": None, "misses": 2, "last_seen_at": later},
        ]
        update_rows(connection, SENDERS, changed)
        columns = (SENDERS.c.question_data, SENDERS.c.misses, SENDERS.c.last_seen_at)
        rows = connection.execute(select(*columns).order_by(SENDERS.c.id)).all()
    assert [tuple(row) for row in rows] == [
        (None, 0, NOON),
        ({"options": ["ا", None, 1]}, 7, later),
        (None, 0, NOON),
        (None, 2, later),
    ]


def test_among_finds_exactly_the_listed(engine: Engine) -> None:
    with writing(engine) as connection:
        for key in ("a,b", 'c"d', "e", "f"):
            an_id(connection, key)
        found = select(SENDERS.c.key).where(among(SENDERS.c.key, "keys")).order_by(SENDERS.c.id)
        assert connection.execute(found, {"keys": values(["a,b", 'c"d', "f", "g"])}).scalars().all() == [
            "a,b",
            'c"d',
            "f",
        ]
        assert connection.execute(found, {"keys": values([])}).all() == []


def test_among_finds_numbers_too(engine: Engine) -> None:
    with writing(engine) as connection:
        ids = [an_id(connection, key) for key in ("a", "b", "c")]
        found = select(SENDERS.c.key).where(among(SENDERS.c.id, "ids")).order_by(SENDERS.c.id)
        wanted = {"ids": values([ids[0], ids[2], 2**40])}
        assert connection.execute(found, wanted).scalars().all() == ["a", "c"]
        assert connection.execute(found, {"ids": values([])}).all() == []


def test_a_time_without_a_zone_is_refused(engine: Engine) -> None:
    with writing(engine) as connection, pytest.raises(ValueError, match="zone"):
        insert_rows(connection, SENDERS, [a_sender("x") | {"last_seen_at": datetime(2026, 1, 1)}])  # noqa: DTZ001


def test_times_come_back_in_utc(engine: Engine) -> None:
    with writing(engine) as connection:
        an_id(connection)
        assert connection.execute(select(SENDERS.c.first_seen_at)).scalar() == NOON.astimezone(UTC)


def test_among_looks_up_an_index_instead_of_every_row(engine: Engine) -> None:
    with writing(engine) as connection:
        insert_rows(connection, SENDERS, [a_sender(f"+92300{n:07d}") for n in range(5_000)])
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("ANALYZE senders")
        explain = "EXPLAIN QUERY PLAN " if connection.dialect.name == "sqlite" else "EXPLAIN "
        wanted = select(SENDERS.c.id).where(among(SENDERS.c.key, "keys"))
        text = str(wanted.compile(connection, compile_kwargs={"render_postcompile": True}))
        marker = "?" if connection.dialect.name == "sqlite" else text[text.index("%(keys)s") :][: len("%(keys)s")]
        plan = connection.exec_driver_sql(explain + text.replace(marker, "'[\"+923000000001\"]'")).all()
    said = " ".join(str(row) for row in plan).lower()
    assert "search senders using covering index" in said or "index cond" in said, said
