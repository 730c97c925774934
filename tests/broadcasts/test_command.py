"""`jalsa broadcast` from draft to account."""

import json
from typing import Any

import pytest
from typer.testing import CliRunner

from gateway.cli import app
from gateway.outbox.setup import utc_now
from tests.broadcasts.conftest import Desk


@pytest.fixture
def run(desk: Desk, database_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> Any:
    prices = tmp_path / "prices.toml"
    prices.write_text('currency = "PKR"\n[[price]]\nprefix = "+92"\nper_part = 1.85\n')
    for name, value in {"DATABASE_URL": database_url, "CARRIER": "simulated", "PRICE_FILE": str(prices)}.items():
        monkeypatch.setenv(name, value)
    desk.outbox.clock.now = utc_now()

    def jalsa(*words: str, code: int = 0, as_json: bool = True) -> Any:
        done = CliRunner().invoke(app, ["broadcast", *words, *(["--json"] if as_json else [])])
        assert done.exit_code == code, done.output
        return json.loads(done.stdout) if as_json and code == 0 else done.output

    return jalsa


def test_from_draft_to_account(run: Any, desk: Desk) -> None:
    desk.members(4)
    made = run(
        "draft", "--as", "sana", "--name", "Rally ‘26", "--rule", "city:lahore", "--en", "Dear {name}, come at 5"
    )
    key = made["key"]
    shown = run("preview", key)
    assert (shown["numbers"]["recipients"], shown["numbers"]["cost"]) == (4, "7.4")
    said = run("preview", key, as_json=False)
    assert "together  7.4 PKR" in said
    assert shown["digest"] in said
    assert "There is no login 'nobody'" in run("approve", key, "--digest", shown["digest"], "--as", "nobody", code=1)
    assert run("approve", key, "--digest", shown["digest"], "--as", "bilal")["state"] == "approved"
    assert run("test", key, "--as", "sana")["texts"] == 1
    assert "field staff" in run("start", key, "--as", "munshi", code=1)
    assert run("start", key, "--as", "sana")["state"] == "planning"
    assert run("pause", key, "--as", "sana", "--reason", "wrong day")["reason"] == "wrong day"
    assert run("resume", key, "--as", "bilal")["state"] == "planning"
    desk.later(seconds=60)
    desk.plan()
    desk.outbox.steps()
    desk.close()
    account = run("account", key)
    assert (account["state"], account["sent"], account["adds_up"]) == ("done", 4, True)
    assert "done" in run("watch", key, as_json=False)
    assert [line["what"] for line in run("history", key)] == [
        "drafted", "approved", "tested", "started", "paused", "resumed",
    ]  # fmt: skip
    assert [row["key"] for row in run("list")] == [key]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--rule", "city:lahore", "--en", "Dear {nam}"], "There is no {nam}"),
        (["--rule", "city:nowhereville", "--en", "Hello"], "nowhereville"),
        (["--rule", "city:lahore"], "at least one language"),
        (["--rule", "city:lahore", "--en", "x" * 2_000], "10 are the most"),
        (["--rule", "city:lahore", "--en", "Hello", "--hours", "late"], "Sending hours are written like"),
    ],
)
def test_a_bad_draft_gets_a_sentence(run: Any, words: list[str], sentence: str) -> None:
    assert sentence in run("draft", "--as", "sana", "--name", "Bad", *words, code=1)
    assert run("list") == []


def test_a_schedule_is_set_on_the_clock_of_the_place(run: Any, desk: Desk) -> None:
    desk.members(2)
    key = run("draft", "--as", "sana", "--name", "Weekly", "--rule", "city:lahore", "--en", "Come")["key"]
    run("approve", key, "--digest", run("preview", key)["digest"], "--as", "bilal")
    set_to = run("schedule", key, "--as", "sana", "--at", "2099-03-06 18:00")
    assert set_to["next_at"] == "2099-03-06T13:00:00+00:00"
    assert run("schedule", key, "--as", "sana", "--cron", "0 18 * * fri")["state"] == "scheduled"
    assert run("schedule", key, "--as", "sana", "--off")["state"] == "approved"
    assert "no time zone" in run("schedule", key, "--at", "2099-03-06 18:00", "--zone", "Mars", code=2)
