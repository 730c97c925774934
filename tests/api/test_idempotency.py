"""Every POST acts once: sent again, sent twice at the same moment, and after a crash between act and answer."""

import threading
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, func, select, update

from gateway.api import idempotency, segments
from gateway.api.idempotency import forget_old
from gateway.api.scopes import Scope
from gateway.database import reading, writing
from gateway.tables import ApiAct, SavedSegment
from tests.api.conftest import Program, Programs

RULE = {"name": "Students", "rule": "affinity:students"}


def saved(engine: Engine) -> int:
    with reading(engine) as connection:
        return connection.execute(select(func.count()).select_from(SavedSegment)).scalar_one()


def test_a_post_without_a_key_is_refused(app: Program, engine: Engine) -> None:
    for header in ({}, {"Idempotency-Key": " "}, {"Idempotency-Key": "x" * 256}):
        answer = app.http.post("/api/v1/segments", json=RULE, headers=app.headers | header)
        assert answer.status_code == 400 and answer.json()["errors"][0]["header"] == "Idempotency-Key"
    assert saved(engine) == 0


def test_the_same_again_is_answered_alike_and_does_nothing(app: Program, engine: Engine) -> None:
    first = app.post("/segments", RULE, key="once")
    again = app.post("/segments", {"rule": RULE["rule"], "name": RULE["name"]}, key="once")
    assert first.status_code == again.status_code == 201
    assert first.content == again.content
    assert "Idempotency-Replayed" not in first.headers and again.headers["Idempotency-Replayed"] == "true"
    assert saved(engine) == 1


def test_a_key_holds_for_one_request_of_one_program(program: Programs, engine: Engine) -> None:
    app, other = program("app"), program("other")
    assert app.post("/segments", RULE, key="once").status_code == 201
    for changed in (RULE | {"name": "Others"}, RULE | {"replace": True}):
        answer = app.post("/segments", changed, key="once")
        assert answer.status_code == 422 and answer.json()["type"].endswith("#problem-key-used")
    assert app.post("/members/lookup", {"phone": "03001234567"}, key="once").status_code == 422
    assert other.post("/segments", RULE | {"name": "Theirs"}, key="once").status_code == 201
    assert saved(engine) == 2


def test_a_refused_request_leaves_its_key_free(app: Program, engine: Engine) -> None:
    assert app.post("/segments", RULE | {"rule": "city:nowhereville"}, key="once").status_code == 422
    assert app.post("/segments", RULE, key="once").status_code == 201


def test_a_replay_needs_the_scope_too(program: Programs, engine: Engine) -> None:
    app = program("app")
    assert app.post("/segments", RULE, key="once").status_code == 201
    narrow = program("narrow", [Scope.MEMBERS_READ])
    assert narrow.post("/segments", RULE, key="once").status_code == 403


def _at_once(act: Callable[[], Any], times: int) -> list[Any]:
    """Run `act` in so many threads that begin together."""
    gate, answers = threading.Barrier(times), []

    def run() -> None:
        gate.wait()
        answers.append(act())

    threads = [threading.Thread(target=run) for _ in range(times)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return answers


def test_of_many_at_the_same_moment_one_acts(app: Program, engine: Engine) -> None:
    app.get("/segments/count", rule="all")  # the places are read
    answers = _at_once(lambda: app.post("/segments", RULE, key="once"), 6)
    assert [one.status_code for one in answers] == [201] * 6
    assert len({one.content for one in answers}) == 1
    assert sum("Idempotency-Replayed" not in one.headers for one in answers) == 1
    assert saved(engine) == 1


def test_a_crash_between_act_and_answer_leaves_nothing_and_the_next_try_acts(
    app: Program, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = segments.save_segment

    def dies(*args: Any, **others: Any) -> None:
        real(*args, **others)
        raise KeyError("the power fails here")

    monkeypatch.setattr(segments, "save_segment", dies)
    assert app.post("/segments", RULE, key="once").status_code == 500
    assert saved(engine) == 0
    monkeypatch.setattr(segments, "save_segment", real)
    assert app.post("/segments", RULE, key="once").status_code == 201
    assert saved(engine) == 1


def test_a_crash_after_the_commit_is_answered_from_what_was_kept(
    app: Program, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = idempotency._answer

    def dies(*args: Any, **others: Any) -> Any:
        raise KeyError("the power fails before the answer leaves")

    monkeypatch.setattr(idempotency, "_answer", dies)
    assert app.post("/segments", RULE, key="once").status_code == 500
    monkeypatch.setattr(idempotency, "_answer", real)
    answer = app.post("/segments", RULE, key="once")
    assert answer.status_code == 201 and answer.headers["Idempotency-Replayed"] == "true"
    assert saved(engine) == 1


def test_who_waits_too_long_for_the_same_request_is_told(
    app: Program, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(idempotency, "_WAIT", "50ms")
    app.post("/segments", RULE | {"name": "Warm"})
    with writing(engine) as connection:
        row = {"key_id": 1, "idempotency_key": "held", "fingerprint": "-", "created_at": datetime.now(UTC)}
        connection.execute(ApiAct.__table__.insert(), row)
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("PRAGMA busy_timeout=1")
            pytest.skip("SQLite has one writer: whoever waits is told 503, as tests/gateway/test_unavailable.py shows")
        answer = app.post("/segments", RULE, key="held")
    assert answer.status_code == 409 and answer.headers["Retry-After"]


def test_what_was_done_is_forgotten_after_a_day(app: Program, engine: Engine) -> None:
    now = datetime.now(UTC)
    app.post("/segments", RULE, key=str(uuid.uuid4()))
    app.post("/segments", RULE | {"name": "Old"}, key="old")
    with writing(engine) as connection:
        old = ApiAct.idempotency_key == "old"
        connection.execute(update(ApiAct).where(old).values(created_at=now - timedelta(hours=24, seconds=1)))
    assert forget_old(engine, now) == 1
    assert forget_old(engine, now) == 0
