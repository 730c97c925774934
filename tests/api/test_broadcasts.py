"""A broadcast from draft to account over the API, by two keys; and its progress as events."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, func, select, update

from gateway.api import progress, streams
from gateway.api.keys import revoke_key
from gateway.api.scopes import Scope
from gateway.broadcasts.account import close_what_is_done
from gateway.broadcasts.plan import plan_begun
from gateway.broadcasts.terms import broadcast_terms
from gateway.database import reading, writing
from gateway.settings import Settings
from gateway.tables import Broadcast, OutboundText
from tests.api.conftest import Program, Programs, Texting

DRAFT = {"name": "Rally", "rule": "city:lahore", "texts": {"en": "Dear {name}, come to Minar at 5"}}


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"second_person_above": 1, "sending_hours": "00:00-23:59"})


@pytest.fixture
def members(text: Texting) -> None:
    for at, name in enumerate(("Ali", "Sana", "Bilal")):
        text(f"JOIN {name} Lahore", sender=f"+92300123450{at}")
    text("JOIN Hina Multan", sender="+923001234509")


def previewed(app: Program, **changes: Any) -> tuple[str, str]:
    key = app.post("/broadcasts", DRAFT | changes).json()["key"]
    return key, app.post(f"/broadcasts/{key}/preview").json()["digest"]


def test_from_draft_to_account_by_two_keys(
    program: Programs, members: None, engine: Engine, settings: Settings
) -> None:
    drafter, approver = program("drafter"), program("approver")
    made = drafter.post("/broadcasts", DRAFT)
    assert made.status_code == 201 and made.headers["Location"].endswith("/api/v1/broadcasts/rally")
    shown = drafter.post("/broadcasts/rally/preview").json()
    assert shown["numbers"]["recipients"] == 3 and shown["second_person"] and not shown["approved"]
    digest = {"digest": shown["digest"]}
    alone = drafter.post("/broadcasts/rally/approve", digest)
    assert alone.status_code == 409 and "another person" in alone.json()["detail"]
    assert approver.post("/broadcasts/rally/approve", {"digest": "0" * 64}).status_code == 409
    assert drafter.post("/broadcasts/rally/start").status_code == 409
    assert approver.post("/broadcasts/rally/approve", digest).json()["state"] == "approved"
    started = drafter.post("/broadcasts/rally/start", key="start")
    assert started.json()["state"] == "planning"
    assert drafter.post("/broadcasts/rally/start", key="start").headers["Idempotency-Replayed"] == "true"
    assert drafter.post("/broadcasts/rally/start").status_code == 409
    plan_begun(engine, broadcast_terms(settings), lambda: datetime.now(UTC))
    assert drafter.post("/broadcasts/rally/pause", {"reason": "wait"}).json() == {
        "key": "rally", "state": "paused", "reason": "wait"}  # fmt: skip
    assert drafter.post("/broadcasts/rally/resume").json()["state"] == "sending"
    assert drafter.post("/broadcasts/rally/cancel", {}).json()["state"] == "cancelled"
    account = drafter.get("/broadcasts/rally/account").json()
    assert account["recipients"] == 3 and account["adds_up"]
    said = [(one["what"], one["by"]) for one in drafter.get("/broadcasts/rally/history").json()]
    assert ("drafted", "key:drafter") in said and ("approved", "key:approver") in said
    with reading(engine) as connection:
        texts = select(func.count()).select_from(OutboundText).where(OutboundText.kind == "broadcast")
        assert connection.execute(texts).scalar_one() == 3
    [listed] = drafter.get("/broadcasts").json()["items"]
    assert listed["approved_by"] == "key:approver" and listed["recipients"] == 3


def test_approving_is_a_scope_of_its_own_and_a_small_one_needs_no_second(program: Programs, members: None) -> None:
    both = program("both")
    key, digest = previewed(both, rule="city:multan")
    writer = program("writer", [Scope.BROADCASTS_READ, Scope.BROADCASTS_WRITE])
    assert writer.post(f"/broadcasts/{key}/approve", {"digest": digest}).status_code == 403
    assert both.post(f"/broadcasts/{key}/approve", {"digest": digest}).json()["state"] == "approved"


def test_a_revoked_key_decides_nothing(program: Programs, members: None, engine: Engine) -> None:
    previewed(program("app"), rule="city:multan")
    with writing(engine) as connection:
        from gateway.broadcasts.moves import BroadcastError, may_decide

        revoke_key(connection, "app", datetime.now(UTC))
        with pytest.raises(BroadcastError):
            may_decide(connection, "key:app")


def test_a_change_takes_the_approval_back(app: Program, members: None) -> None:
    key, digest = previewed(app, rule="city:multan")
    app.post(f"/broadcasts/{key}/approve", {"digest": digest})
    changed = app.patch(f"/broadcasts/{key}", {"texts": {"en": "Come at 6"}}).json()
    assert changed["state"] == "draft" and changed["approved_by"] == "" and changed["rule"] == "city:multan"
    assert app.post(f"/broadcasts/{key}/start").status_code == 409


@pytest.mark.parametrize(
    ("given", "pointer"),
    [
        ({"rule": "city:nowhereville"}, "/rule"),
        ({"texts": {}}, "/texts"),
        ({"texts": {"en": "Dear {nmae}"}}, "/texts/en"),
        ({"hours": "9 to 5"}, "/hours"),
        ({"hours": "23:59-24:00"}, "/hours"),  # when the house sends nothing
        ({"quiet_days": 366}, "/quiet_days"),
        ({"validity_minutes": 0}, "/validity_minutes"),
        ({"name": "!"}, "/name"),
        ({"colour": "red"}, "/colour"),
    ],
)
def test_a_faulty_draft_is_told_which_field(app: Program, given: dict[str, Any], pointer: str) -> None:
    answer = app.post("/broadcasts", DRAFT | given)
    assert answer.status_code == 422 and answer.json()["errors"][0]["pointer"] == pointer, answer.text


def test_schedules(app: Program, members: None) -> None:
    key, digest = previewed(app, rule="city:multan")
    later = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    assert app.post(f"/broadcasts/{key}/schedule", {"at": later}).status_code == 409
    app.post(f"/broadcasts/{key}/approve", {"digest": digest})
    wrong: list[tuple[dict[str, Any], str]] = [
        ({}, "/at"), ({"at": later, "cron": "0 18 * * *"}, "/at"), ({"cron": "at six"}, "/cron"),
        ({"at": "2020-01-01T00:00:00Z"}, "/at"), ({"at": later, "zone": "Mars/Base"}, "/zone"),
        ({"at": later, "event": "none"}, "/event"), ({"at": "2026-12-01T10:00:00"}, "/at"),
    ]  # fmt: skip
    for given, pointer in wrong:
        answer = app.post(f"/broadcasts/{key}/schedule", given)
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer), given
    assert app.post(f"/broadcasts/{key}/schedule", {"cron": "0 18 * * fri"}).json()["state"] == "scheduled"
    assert app.post(f"/broadcasts/{key}/unschedule").json()["state"] == "approved"


def test_a_bound_key_texts_and_sees_its_own_city_alone(program: Programs, members: None) -> None:
    everywhere, multan = program("everywhere"), program("multan", cities=["multan"])
    previewed(everywhere, name="Elsewhere")
    previewed(everywhere, name="Mixed", rule="city:multan | city:lahore")
    made = multan.post("/broadcasts", DRAFT | {"name": "Ours", "rule": "city:lahore | reachable"}).json()
    assert multan.post("/broadcasts/ours/preview").json()["numbers"]["recipients"] == 1
    assert "city:multan" in made["rule"]
    assert [one["key"] for one in multan.get("/broadcasts").json()["items"]] == ["ours"]
    for path in ("elsewhere", "elsewhere/account", "elsewhere/history", "mixed", "elsewhere/progress"):
        assert multan.get(f"/broadcasts/{path}").status_code == 404, path
    assert multan.post("/broadcasts/elsewhere/preview").status_code == 404
    assert multan.post("/broadcasts/elsewhere/cancel").status_code == 404
    assert multan.patch("/broadcasts/elsewhere", {"name": "Mine"}).status_code == 404
    assert multan.patch("/broadcasts/ours", {"rule": "all"}).json()["rule"].count("city:multan") == 1


# Progress -------------------------------------------------------------------------------------------------------------


def events(lines: Iterator[str]) -> Iterator[tuple[str, str, Any]]:
    """Yield name, id and data of each event."""
    event: dict[str, str] = {}
    for line in lines:
        if not line and event:
            yield event.get("event", ""), event.get("id", ""), json.loads(event["data"]) if "data" in event else None
            event = {}
        elif line and not line.startswith(":"):
            name, _, value = line.partition(": ")
            event[name] = value


@pytest.fixture
def sending(program: Programs, members: None, engine: Engine, settings: Settings) -> Program:
    """A program whose broadcast `rally` has been planned."""
    drafter, approver = program("drafter"), program("approver")
    _, digest = previewed(drafter)
    approver.post("/broadcasts/rally/approve", {"digest": digest})
    drafter.post("/broadcasts/rally/start")
    plan_begun(engine, broadcast_terms(settings), lambda: datetime.now(UTC))
    return drafter


def _become(engine: Engine, state: str, count: int, **values: Any) -> None:
    with writing(engine) as connection:
        waiting = select(OutboundText.id).where(OutboundText.kind == "broadcast", OutboundText.state == "queued")
        ids = list(connection.execute(waiting.order_by(OutboundText.id).limit(count)).scalars())
        changed = {"state": state, "attempts": 1, "lane": None} | values
        connection.execute(update(OutboundText).where(OutboundText.id.in_(ids)).values(changed))


def test_progress_tells_each_change_and_ends(sending: Program, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = [
        lambda: _become(engine, "delivered", 1),
        lambda: _become(engine, "failed", 1, reason="unreachable", error_code="30003"),
        lambda: _become(engine, "suppressed", 1, reason="stopped"),
        lambda: close_what_is_done(engine, datetime.now(UTC)),
    ]
    look = progress._look

    def looking(call: Any, key: str) -> Any:
        found = look(call, key)
        if steps:
            steps.pop(0)()  # between this look and the next one something happens
        return found

    monkeypatch.setattr(progress, "_look", looking)
    monkeypatch.setattr(progress, "LOOK_EVERY_S", 0.01)
    answer = sending.get("/broadcasts/rally/progress")
    assert answer.headers["Content-Type"].startswith("text/event-stream")
    told = list(events(iter(answer.text.splitlines())))
    assert [one[0] for one in told] == ["progress"] * 5 + ["end"]
    counts = [one[2] for one in told[:-1]]
    assert [(one["waiting"], one["delivered"]) for one in counts] == [(3, 0), (2, 1), (1, 1), (0, 1), (0, 1)]
    assert counts[-1]["failed"] == {"unreachable (30003)": 1} and counts[-1]["suppressed"] == {"stopped": 1}
    assert counts[-1]["state"] == "done" and counts[-1]["whole"] and counts[-1]["planned"] == 3
    assert len({one[1] for one in told[:-1]}) == 5
    headers = sending.headers | {"Last-Event-ID": told[-2][1]}
    again = sending.http.get("/api/v1/broadcasts/rally/progress", headers=headers)
    assert [one[0] for one in events(iter(again.text.splitlines()))] == ["end"]


def test_progress_beats_while_nothing_changes_and_ends_when_the_key_is_revoked(
    sending: Program, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "LOOK_EVERY_S", 0.01)
    monkeypatch.setattr(progress, "HEARTBEAT_S", 0.0)
    look, looks = progress._look, []

    def looking(call: Any, key: str) -> Any:
        looks.append(key)
        if len(looks) == 3:
            with writing(engine) as connection:
                revoke_key(connection, "drafter", datetime.now(UTC))
        return look(call, key)

    monkeypatch.setattr(progress, "_look", looking)
    lines = sending.get("/broadcasts/rally/progress").text.splitlines()
    assert lines.count(": still here") >= 1
    assert [one[0] for one in events(iter(lines))] == ["progress"]
    assert len(looks) == 3


def test_streams_are_counted_and_given_back(sending: Program, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "OF_ONE_KEY", 0)
    refused = sending.get("/broadcasts/rally/progress")
    assert refused.status_code == 429 and "Retry-After" in refused.headers
    monkeypatch.setattr(streams, "OF_ONE_KEY", 1)
    with writing(engine) as connection:
        connection.execute(update(Broadcast).values(state="cancelled"))
        connection.execute(update(OutboundText).where(OutboundText.kind == "broadcast").values(state="cancelled"))
    for _ in range(3):
        assert sending.get("/broadcasts/rally/progress").status_code == 200
