"""The audit log: nobody changes it unnoticed, and two who write at once leave no gap."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from alembic import command
from click.testing import Result
from sqlalchemy import Connection, Engine, delete, insert, select, text, update
from sqlalchemy.exc import DatabaseError
from structlog.testing import capture_logs
from typer.testing import CliRunner

from gateway.accounts import audit, audit_check
from gateway.cli import app
from gateway.clock import audit_tick
from gateway.database import is_sqlite, make_engine, reading, writing
from gateway.migrate import alembic_config, migrate
from gateway.settings import Settings
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
        return [str(one) for one in audit_check.verify(connection, noted).findings]


def _as_somebody_else(engine: Engine, key: bytes = b"not the key of this installation") -> Engine:
    """The same database through an engine with another key: what one can do who has its password and our code."""
    return engine.execution_options(audit_key=key)


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
    assert _problems(log) == ["Line 3 was changed after it was written, or written without the key."]


def test_lines_cut_off_at_the_end_show(log: Engine) -> None:
    with writing(log) as connection:
        _unguarded(connection)
        connection.execute(delete(_entries).where(_entries.c.seq > 4))
    assert _problems(log) == ["Lines 5 to 6 were cut off: the head says that the log had come so far."]


def test_a_missing_line_shows(log: Engine) -> None:
    with writing(log) as connection:
        _unguarded(connection)
        connection.execute(delete(_entries).where(_entries.c.seq == 2))
    assert _problems(log) == ["Line 2 was taken out."]


def test_two_swapped_lines_show(log: Engine) -> None:
    with writing(log) as connection:
        _unguarded(connection)
        for old, new in ((2, 99), (3, 2), (99, 3)):
            connection.execute(update(_entries).where(_entries.c.seq == old).values(seq=new))
    assert len(_problems(log)) >= 2


def _written_anew(engine: Engine, until: int = 6) -> None:
    """Write the whole log anew, head and all, as the code itself would."""
    with writing(engine) as connection:
        _unguarded(connection)
        connection.execute(delete(_entries))
        connection.execute(update(AuditHead.__table__).values(seq=0, hash=audit.NONE, seal=None))
        for number in range(until):
            audit.record(connection, "amna", "staff.role", f"staff:{number}", {"to": "admin"}, NOW)


def test_nobody_without_the_key_writes_the_log_anew(log: Engine) -> None:
    _written_anew(_as_somebody_else(log))
    assert _problems(log) == [
        "No line fits SECRET_KEY: it is not the secret that the log was written with, or all of it is forged."
    ]


@pytest.mark.parametrize("changed", [3, 6])
def test_nobody_without_the_key_changes_a_line_and_all_after_it(log: Engine, changed: int) -> None:
    """A forger who hashes every line from the changed one on, and the head, without the key: as version 1, or 2."""
    for version in (audit.UNKEYED, audit.KEYED):
        with writing(log) as connection:
            _unguarded(connection) if version == audit.UNKEYED else None
            rows = [dict(row) for row in connection.execute(select(_entries).order_by(_entries.c.seq)).mappings()]
            previous = rows[changed - 2]["hash"]
            for row in rows[changed - 1 :]:
                row |= {"version": version, "previous": previous, "by": "nobody"}
                row["hash"] = previous = audit.line_hash(row, b"guessed")
                connection.execute(update(_entries).where(_entries.c.seq == row["seq"]).values(row))
            connection.execute(update(AuditHead.__table__).values(hash=previous))
        lines = f"Line {changed} was" if changed == 6 else f"Lines {changed} to 6 were"
        why = "without a key, though" if version == audit.UNKEYED else "without the key"
        said = _problems(log)
        assert len(said) == 2 and said[0].startswith(lines) and why in said[0]
        assert said[1] == "The head was not written with this installation's key."


def test_a_tail_that_is_cut_off_with_its_head_shows(log: Engine) -> None:
    with writing(log) as connection:
        _unguarded(connection)
        connection.execute(delete(_entries).where(_entries.c.seq > 4))
        left = connection.execute(select(_entries.c.hash).where(_entries.c.seq == 4)).scalar_one()
        connection.execute(update(AuditHead.__table__).values(seq=4, hash=left))
    assert _problems(log) == ["The head was not written with this installation's key."]
    with writing(log) as connection:
        connection.execute(update(AuditHead.__table__).values(seal=None))
    assert _problems(log) == ["The head carries no seal, though there are lines."]
    with writing(log) as connection:
        connection.execute(delete(AuditHead.__table__))
    assert _problems(log) == ["The head was taken out."]


def test_an_older_state_that_was_put_back_shows_against_a_noted_head(log: Engine) -> None:
    with reading(log) as connection:
        older = connection.execute(select(AuditHead.__table__)).mappings().one()
    with writing(log) as connection:
        audit.record(connection, "amna", "member.phone_shown", "sender:1", {}, NOW)
        noted = audit.head(connection)
    assert _problems(log, noted) == []
    with writing(log) as connection:
        _unguarded(connection)
        connection.execute(delete(_entries).where(_entries.c.seq > older["seq"]))
        connection.execute(update(AuditHead.__table__).values(dict(older)))
    assert _problems(log) == []  # all of it was once true: only a note from outside tells
    assert _problems(log, noted) == ["Line 7 is not the one that was noted."]


def _as_of_old(engine: Engine, many: int) -> None:
    """Write lines as they were written before they had a key."""
    previous = audit.NONE
    with writing(engine) as connection:
        for seq in range(1, many + 1):
            row = {"seq": seq, "at": NOW, "by": "amna", "action": "x", "subject": "y", "detail": "{}"}
            row |= {"previous": previous, "version": audit.UNKEYED}
            previous = audit.line_hash(row, b"")
            connection.execute(insert(_entries), row | {"hash": previous})
        connection.execute(update(AuditHead.__table__).values(seq=many, hash=previous, seal=None))


def test_lines_of_before_the_key_still_hold_and_are_held_by_the_first_with_one(engine: Engine) -> None:
    _as_of_old(engine, 3)
    assert _problems(engine) == ["The head carries no seal, though there are lines."]
    with writing(engine) as connection:
        audit.record(connection, "amna", "x", "y", {}, NOW)
    with reading(engine) as connection:
        verdict = audit_check.verify(connection)
    assert (verdict.findings, verdict.unkeyed) == ((), 3)
    with writing(engine) as connection:
        _unguarded(connection)
        row = dict(connection.execute(select(_entries).where(_entries.c.seq == 3)).mappings().one()) | {"by": "nobody"}
        row["hash"] = audit.line_hash(row, b"")
        connection.execute(update(_entries).where(_entries.c.seq == 3).values(row))
    assert _problems(engine) == ["Line 4 was written after another line than the one before."]


def test_migrating_seals_an_old_log_once_and_no_forged_one_later(engine: Engine) -> None:
    _as_of_old(engine, 3)
    with engine.connect() as connection:
        command.downgrade(alembic_config(connection), "0018")
    migrate(engine, "PK")
    assert _problems(engine) == []
    with writing(engine) as connection:
        _unguarded(connection)
        connection.execute(delete(_entries))
    _as_of_old(engine, 5)
    migrate(engine, "PK")
    assert _problems(engine) == ["The head carries no seal, though there are lines."]


def test_an_empty_log_of_a_new_database_holds_and_its_head_is_sealed(engine: Engine) -> None:
    assert _problems(engine) == []
    with writing(engine) as connection:
        connection.execute(update(AuditHead.__table__).values(seal="0" * 64))
    assert _problems(engine) == ["The head was not written with this installation's key."]


def test_no_line_is_written_without_a_key(database_url: str) -> None:
    bare = make_engine(database_url)
    with pytest.raises(RuntimeError, match="no key"), writing(bare) as connection:
        audit.record(connection, "amna", "x", "y", {}, NOW)
    bare.dispose()


def test_the_clock_notes_the_head_in_the_log_of_the_process(log: Engine, settings: Settings) -> None:
    with reading(log) as connection:
        head = str(audit.head(connection))
    with capture_logs() as said:
        audit_tick(log, settings)
    assert [(one["event"], one["head"]) for one in said] == [("audit_head", head)]


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
    monkeypatch.setenv("SECRET_KEY", "secret-for-tests-only")

    def verify(*more: str) -> Result:
        return CliRunner().invoke(app, ["audit", "verify", *more])

    held = verify()
    assert held.exit_code == 0 and "6 lines" in held.output and "no key" not in held.output
    head = held.output.split("Its head: ")[1].strip()
    assert verify("--head", head).exit_code == 0
    assert verify("--head", f"6:{'a' * 64}").exit_code == 1
    assert verify("--head", "6").exit_code == 2
    told = json.loads(verify("--json").output)
    assert told == {"holds": True, "lines": 6, "head": head, "unkeyed": 0, "problems": []}
    assert '"subject": "staff:5"' in CliRunner().invoke(app, ["audit", "list", "--json"]).output
    with writing(log) as connection:
        _unguarded(connection)
        connection.execute(update(_entries).where(_entries.c.seq.in_((3, 4))).values(by="somebody"))
    broken = verify()
    assert broken.exit_code == 1 and "Lines 3 to 4 were changed" in broken.output
    as_json = verify("--json")
    [problem] = json.loads(as_json.output)["problems"]
    assert as_json.exit_code == 1 and (problem["kind"], problem["from"], problem["to"]) == ("changed", 3, 4)
    monkeypatch.setenv("SECRET_KEY", "another")
    assert "No line fits SECRET_KEY" in verify().output
