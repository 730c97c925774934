"""A database that is locked or gone: 503, nothing half-done, and the carrier's retry succeeds with one effect."""

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select

from gateway import database
from gateway.database import make_engine, reading
from gateway.tables import InboundText, Member
from tests.gateway.conftest import settings_for
from tests.gateway.twilio_client import carrier_for, inbound


def test_a_locked_database_answers_503_and_the_retry_has_one_effect(
    sqlite_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "_BUSY_TIMEOUT_MS", 200)
    path = tmp_path / "jalsa.db"
    path.write_bytes(sqlite_template.read_bytes())
    other = sqlite3.connect(path, isolation_level=None)
    with carrier_for(settings_for(f"sqlite:///{path}")) as carrier:
        carrier.text("HELP")
        other.execute("BEGIN IMMEDIATE")
        fields = inbound("JOIN Ali Lahore")
        answer = carrier.post(fields)
        assert answer.status_code == 503
        assert answer.headers["retry-after"]
        other.execute("ROLLBACK")
        assert carrier.post(fields).status_code == 200
        assert carrier.post(fields).status_code == 200
    engine = make_engine(f"sqlite:///{path}")
    with reading(engine) as connection:
        assert connection.execute(select(func.count()).select_from(Member)).scalar_one() == 1
        assert connection.execute(select(func.count()).select_from(InboundText)).scalar_one() == 2
    engine.dispose()
    other.close()


def test_a_database_that_drops_its_connections_is_met_again(engine: Engine, database_url: str) -> None:
    if not database_url.startswith("postgresql"):
        return
    with carrier_for(settings_for(database_url)) as carrier:
        carrier.text("JOIN Ali Lahore")
        with engine.connect() as connection:
            connection.exec_driver_sql(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
                "AND pid <> pg_backend_pid()"
            )
        fields = inbound("JOIN Sana Karachi", "+923001234509")
        assert {carrier.post(fields).status_code for _ in range(3)} <= {200, 503}
        assert carrier.post(fields).status_code == 200
    with reading(engine) as connection:
        assert connection.execute(select(func.count()).select_from(Member)).scalar_one() == 2


def test_a_database_that_is_gone_answers_503(tmp_path: Path) -> None:
    url = "postgresql://nobody:nothing@127.0.0.1:9/none?connect_timeout=1"
    with carrier_for(settings_for(url)) as carrier:
        assert carrier.post(inbound("JOIN Ali Lahore")).status_code == 503
        assert carrier.client.get("/readyz").status_code == 503
        assert carrier.client.get("/healthz").status_code == 200
