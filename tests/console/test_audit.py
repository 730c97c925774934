"""The audit log: nobody changes it unnoticed, and two who write at once leave no gap."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from sqlalchemy import Connection, Engine, delete, select, text, update
from sqlalchemy.exc import DatabaseError
from typer.testing import CliRunner

from gateway.accounts import audit
from gateway.cli import app
from gateway.database import is_sqlite, reading, writing
from gateway.tables import AuditEntry, AuditHead

NOW = datetime(2026, 11, 22, 21, 0, 0, 123456, tzinfo=UTC)
_entries = AuditEntry.__table__


@pytest.fixture
def log(engine: Engine) -> Engine:
    for number in range(6):
        with writing(engine) as connection:
            audit.record(
                connection, "amna", "staff.role", f"staff:{number}", {"from": "field", "to": "ملتان", "n": 1}, NOW
            )
    return engine


def _problems(engine: Engine, noted: audit.Head | None = None) -> list[str]:
    with reading(engine) as connection:
        return audit.verify(connection, noted)


def test_an_untouched_log_holds(log: Engine) -> None:
    assert _problems(log) == []
    with reading(log) as connection:
        [newest, *_] = audit.lines(connection, limit=1)
    assert (newest.seq, newest.subject, newest.at, newest.detail["to"]) == (6, "staff:5", NOW, "ملتان")


@pytest.mark.parametrize("statement", ["UPDATE audit_entries SET subject = 'x'", "DELETE FROM audit_entries"])
def test_the_database_itself_refuses_to_change_a_line(log: Engine, statement: str) -> None:
    with pytest.raises(DatabaseError, match="append-only"), writing(log) as connection:
        connection.execute(text(statement))
    assert _problems(log) == []


def _unguarded(connection: Connection) -> None:
    """What somebody with the database's own password could do."""
    if is_sqlite(connection):
        for act in ("update", "delete"):
            connection.execute(text(f"DROP TRIGGER audit_entries_no_{act}"))
    else:
        connection.execute(text("ALTER TABLE audit_entries DISABLE TRIGGER ALL"))


@pytest.mark.parametrize("column", ["subject", "detail", "by", "action", "at"])
def test_a_changed_line_shows(log: Engine, column: str) -> None:
    with writing(log) as connection:
        _unguarded(connection)
        value = NOW.replace(microsecond=123457) if column == "at" else "{}"
        connection.execute(update(_entries).where(_entries.c.seq == 3).values({column: value}))
    assert _problems(log) == ["Line 3 was changed after it was written."]


def test_lines_cut_off_at_the_end_show(log: Engine) -> None:
    with writing(log) as connection:
        _unguarded(connection)
        connection.execute(delete(_entries).where(_entries.c.seq > 4))
    assert _problems(log) == ["The log ends at line 4, but 6 were written."]


def test_a_missing_line_shows(log: Engine) -> None:
    with writing(log) as connection:
        _unguarded(connection)
        connection.execute(delete(_entries).where(_entries.c.seq == 2))
    assert _problems(log) == ["Line 2 missing."]


def test_two_swapped_lines_show(log: Engine) -> None:
    with writing(log) as connection:
        _unguarded(connection)
        for old, new in ((2, 99), (3, 2), (99, 3)):
            connection.execute(update(_entries).where(_entries.c.seq == old).values(seq=new))
    assert len(_problems(log)) >= 2


def test_a_log_that_was_rewritten_as_a_whole_shows_against_a_noted_head(log: Engine) -> None:
    with reading(log) as connection:
        noted = audit.head(connection)
    assert _problems(log, noted) == []
    with writing(log) as connection:
        _unguarded(connection)
        connection.execute(delete(_entries))
        connection.execute(update(AuditHead.__table__).values(seq=0, hash="0" * 64))
        for number in range(6):
            audit.record(connection, "amna", "staff.role", f"staff:{number}", {"to": "admin"}, NOW)
    assert _problems(log) == []
    assert _problems(log, noted) == ["Line 6 is not the one that was noted."]


def test_many_writers_at_once_leave_one_chain_without_gaps(engine: Engine) -> None:
    def write(number: int) -> None:
        with writing(engine) as connection:
            audit.record(connection, f"writer{number}", "test", "x", {}, NOW)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(40)))
    assert _problems(engine) == []
    with reading(engine) as connection:
        assert connection.execute(select(_entries.c.seq).order_by(_entries.c.seq)).scalars().all() == list(range(1, 41))


def test_a_line_that_is_rolled_back_leaves_no_gap(log: Engine) -> None:
    with pytest.raises(ZeroDivisionError), writing(log) as connection:
        audit.record(connection, "amna", "x", "y", {}, NOW)
        1 / 0  # noqa: B018
    with writing(log) as connection:
        audit.record(connection, "amna", "x", "y", {}, NOW)
    assert _problems(log) == []


def test_phone_numbers_are_masked_on_the_way_in(log: Engine) -> None:
    with writing(log) as connection:
        audit.record(connection, "amna", "x", "+923001234567", {"reason": "he called from 0300 1234567"}, NOW)
    with reading(log) as connection:
        assert "1234567" not in str(connection.execute(select(_entries)).all())


def test_the_command_says_so_and_ends_with_one(log: Engine, database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    held = CliRunner().invoke(app, ["audit", "verify"])
    assert held.exit_code == 0 and "6 lines" in held.output
    head = held.output.split("Its head: ")[1].strip()
    assert CliRunner().invoke(app, ["audit", "verify", "--head", head]).exit_code == 0
    assert CliRunner().invoke(app, ["audit", "verify", "--head", f"6:{'a' * 64}"]).exit_code == 1
    assert '"subject": "staff:5"' in CliRunner().invoke(app, ["audit", "list", "--json"]).output
    with writing(log) as connection:
        _unguarded(connection)
        connection.execute(update(_entries).where(_entries.c.seq == 3).values(by="somebody"))
    broken = CliRunner().invoke(app, ["audit", "verify"])
    assert broken.exit_code == 1 and "Line 3 was changed" in broken.output
