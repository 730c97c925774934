"""`jalsa replies` and `jalsa vocabulary` as a user runs them, and an account that is used from the next start on."""

import json
from datetime import UTC, datetime

import pytest
from sqlalchemy import Engine, select
from typer.testing import CliRunner

from gateway.cli import app
from gateway.database import reading, writing
from gateway.overrides.carrier_account import account_fields, forget_account, set_account, settings_at_start
from gateway.overrides.store import OverrideError, changing, current
from gateway.settings import Settings, load_settings
from gateway.tables import Override

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.fixture
def jalsa(database_url: str, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("SECRET_KEY", "secret-for-tests-only")
    return CliRunner()


def test_replies_are_listed_set_and_reset(jalsa: CliRunner) -> None:
    refused = jalsa.invoke(app, ["replies", "set", "en", "joined", "Welcome!"])
    assert refused.exit_code == 1
    assert "{filed}" in refused.output
    assert jalsa.invoke(app, ["replies", "set", "en", "erase_kept", "Nothing was taken away."]).exit_code == 0
    changed = json.loads(jalsa.invoke(app, ["replies", "list", "--changed", "--json"]).stdout)
    assert [(one["reply"], one["version"], one["text"]) for one in changed] == [
        ("erase_kept", 1, "Nothing was taken away.")
    ]
    assert jalsa.invoke(app, ["replies", "reset", "en", "erase_kept"]).exit_code == 0
    assert json.loads(jalsa.invoke(app, ["replies", "list", "--changed", "--json"]).stdout) == []


def test_words_are_added_tried_and_removed(jalsa: CliRunner) -> None:
    assert jalsa.invoke(app, ["vocabulary", "add", "JOIN", "ral jao"]).exit_code == 0
    tried = json.loads(jalsa.invoke(app, ["vocabulary", "try", "ral jao Sana Lahore", "--json"]).stdout)
    assert (tried["command"], tried["argument"]) == ("JOIN", "Sana Lahore")
    refused = jalsa.invoke(app, ["vocabulary", "remove", "STOP", "stop"])
    assert refused.exit_code == 1
    assert "cannot be removed" in refused.output
    assert jalsa.invoke(app, ["vocabulary", "remove", "JOIN", "ral jao"]).exit_code == 0
    tried = json.loads(jalsa.invoke(app, ["vocabulary", "try", "ral jao Sana Lahore", "--json"]).stdout)
    assert tried["command"] == ""


def bare(database_url: str, key: str = "secret-for-tests-only", **others: object) -> Settings:
    return load_settings(database_url=database_url, secret_key=key, _env_file=None, **others)


def test_an_account_is_sealed_and_used_from_the_next_start_on(engine: Engine, database_url: str) -> None:
    running = bare(database_url)
    account = {"twilio_account_sid": "AC" + "2" * 32, "twilio_auth_token": "hush-42"}
    with pytest.raises(OverrideError, match="TWILIO_AUTH_TOKEN"), changing(engine) as connection:
        set_account(connection, running, "twilio", account | {"twilio_auth_token": ""}, "amna", NOW)
    with changing(engine) as connection:
        assert set_account(connection, running, "twilio", account, "amna", NOW)
    with reading(engine) as connection:
        stored = current(connection)
        assert "hush-42" not in str(connection.execute(select(Override.value)).all())
    assert {one.state for one in account_fields(running, stored, "twilio")} == {"waiting", "none"}
    started = settings_at_start(running)
    assert (started.first_carrier, started.auth_token) == ("twilio", "hush-42")
    assert {one.state for one in account_fields(started, stored, "twilio")} == {"stored", "none"}
    with changing(engine) as connection:  # an empty secret keeps the one that is there
        set_account(connection, started, "twilio", account | {"twilio_auth_token": ""}, "amna", NOW)
    assert settings_at_start(running).auth_token == "hush-42"
    other_key = settings_at_start(bare(database_url, "another-secret"))
    assert other_key.first_carrier == "simulated"
    with changing(engine) as connection:
        forget_account(connection, running, "twilio", "amna", NOW)
    assert settings_at_start(running).first_carrier == "simulated"


def test_what_the_environment_says_wins(engine: Engine, database_url: str) -> None:
    account = {"twilio_account_sid": "AC" + "2" * 32, "twilio_auth_token": "hush-42"}
    with changing(engine) as connection:
        set_account(connection, bare(database_url), "twilio", account, "amna", NOW)
    said = bare(database_url, twilio_account_sid="AC" + "3" * 32, twilio_auth_token="theirs")
    assert settings_at_start(said).auth_token == "theirs"
    with pytest.raises(OverrideError, match="set by the environment"), writing(engine) as connection:
        set_account(connection, said, "twilio", account, "amna", NOW)
