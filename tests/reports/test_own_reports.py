"""A few people's own reports are found by who they are, however many reports an event has."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, select

from gateway import pipeline
from gateway.bulk import insert_rows
from gateway.database import make_engine, reading, writing
from gateway.pipeline import Pipeline
from gateway.reports.talks import own_reports
from gateway.tables import Report, Sender

NOW = datetime(2026, 11, 29, 9, 0, tzinfo=UTC)


def _senders(engine: Engine, count: int) -> list[int]:
    with writing(engine) as connection:
        rows = [{"key": f"+92300{n:07d}", "first_seen_at": NOW, "last_seen_at": NOW} for n in range(count)]
        insert_rows(connection, Sender.__table__, rows)
        return list(connection.execute(select(Sender.id).order_by(Sender.id)).scalars())


def _report(sender: int, ref: str, **others: Any) -> dict[str, Any]:
    made = {"event_key": "rally", "ref": ref, "sender_id": sender, "text": "no water", "judged": None, "because": []}
    return {**made, "opened_at": NOW, "updated_at": NOW, "last_text_at": NOW, **others}


def test_those_of_the_event_and_of_late_newest_first(engine: Engine) -> None:
    first, second, other = _senders(engine, 3)
    long_ago = NOW - timedelta(days=30)
    rows = [
        _report(first, "A1"),
        _report(first, "A2"),
        _report(first, "A3", event_key="another"),
        _report(first, "A4", opened_at=long_ago),
        _report(other, "A5"),
    ]
    with writing(engine) as connection:
        insert_rows(connection, Report.__table__, rows)
    with reading(engine) as connection:
        found = own_reports(Pipeline(connection), [first, second], "rally", NOW)()
    assert {sender: [one.ref for one in mine] for sender, mine in found.items()} == {first: ["A2", "A1"]}


def test_a_database_that_was_never_analysed_looks_them_up_by_sender(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both kinds once read every report of the event for each group of texts: a rally has tens of thousands."""
    by_key = make_engine(engine.url.render_as_string(hide_password=False), by_key=True)
    people = _senders(engine, 400)
    with writing(engine) as connection:
        insert_rows(connection, Report.__table__, [_report(one, f"R{one}{n}") for one in people for n in range(5)])
    asked: list[tuple[str, Any]] = []
    convert = pipeline._Ready.values

    def noted(self: Any, given: Any) -> Any:
        asked.append((self.sql, convert(self, given)))
        return asked[-1][1]

    monkeypatch.setattr(pipeline._Ready, "values", noted)
    with reading(by_key) as connection:
        assert len(own_reports(Pipeline(connection), people[:40], "rally", NOW)()) == 40
        statement, given = asked[-1]
        explain = "EXPLAIN QUERY PLAN " if engine.dialect.name == "sqlite" else "EXPLAIN "
        plan = "\n".join(str(row) for row in connection.exec_driver_sql(explain + statement, given))
    by_key.dispose()
    assert "ix_reports_sender" in plan, plan
    assert "event_key" not in plan, plan
