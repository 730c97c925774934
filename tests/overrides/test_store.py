"""Versions of what organisers change: kept, taken back, and never overwritten unseen."""

import threading
from datetime import UTC, datetime

import pytest
from sqlalchemy import Engine, select

from gateway.accounts.audit_check import verify
from gateway.database import reading
from gateway.overrides.store import Outdated, OverrideError, changing, current, find, history, lately, put, version_of
from gateway.tables import AuditEntry

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def test_each_change_is_a_version_and_the_highest_is_in_force(engine: Engine) -> None:
    for value in ("a", "b", None):
        with changing(engine) as connection:
            put(connection, "reply", "en/replies/help", value, "amna", NOW)
    with reading(engine) as connection:
        assert [one.value for one in history(connection, "reply", "en/replies/help")] == [None, "b", "a"]
        assert current(connection)["reply", "en/replies/help"].version == 3
        assert version_of(connection, "reply", "en/replies/help", 2).value == "b"
        assert [one.version for _, one in lately(connection)] == [3, 2, 1]
        with pytest.raises(OverrideError, match="no version 9"):
            version_of(connection, "reply", "en/replies/help", 9)


def test_the_same_value_again_adds_no_version(engine: Engine) -> None:
    for _ in range(2):
        with changing(engine) as connection:
            assert put(connection, "setting", "sending_hours", "08:00-20:00", "amna", NOW).version == 1
    with changing(engine) as connection:
        assert put(connection, "setting", "carrier_routes", None, "amna", NOW).version == 0
        assert find(connection, "setting", "carrier_routes") is None


def test_nobody_overwrites_what_they_have_not_seen(engine: Engine) -> None:
    with changing(engine) as connection:
        put(connection, "setting", "sending_hours", "08:00-20:00", "amna", NOW, seen=0)
    with pytest.raises(Outdated, match="by amna"), changing(engine) as connection:
        put(connection, "setting", "sending_hours", "10:00-20:00", "bilal", NOW, seen=0)


def test_two_at_once_make_two_versions(engine: Engine) -> None:
    start = threading.Barrier(4)

    def change(number: int) -> None:
        start.wait()
        with changing(engine) as connection:
            put(connection, "setting", "second_person_above", number, "amna", NOW)

    threads = [threading.Thread(target=change, args=(number,)) for number in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    with reading(engine) as connection:
        versions = history(connection, "setting", "second_person_above")
        assert [one.version for one in versions] == [4, 3, 2, 1]
        assert {one.value for one in versions} == {0, 1, 2, 3}


def test_the_audit_log_says_what_was_and_what_is_but_no_secret(engine: Engine) -> None:
    for kind, key, value in (("setting", "sending_hours", "08:00-20:00"), ("secret", "smpp_password", "sealed-thing")):
        with changing(engine) as connection:
            put(connection, kind, key, value, "amna", NOW)
    with reading(engine) as connection:
        rows = connection.execute(select(AuditEntry.action, AuditEntry.subject, AuditEntry.detail)).all()
        assert verify(connection).findings == ()
    assert [row.action for row in rows] == ["setting.changed", "secret.changed"]
    assert "08:00-20:00" in str(rows[0].detail)
    assert "sealed-thing" not in str(rows)
