"""A bad or missing setting stops the start with one sentence that names it."""

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gateway.cli import app
from gateway.settings import Settings, SettingsError, load_settings

SID = "AC" + "1" * 32


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "mysql://x"),
        ("DATABASE_URL", "nonsense"),
        ("PUBLIC_BASE_URL", "jalsa.example"),
        ("PUBLIC_BASE_URL", "ftp://jalsa.example"),
        ("SHORT_CODE", "eighty"),
        ("SHORT_CODE", "0"),
        ("SHORT_CODE", "+"),
        ("SHORT_CODE", "+1234567890123456"),
        ("DEFAULT_REGION", "XX"),
        ("DEFAULT_LANGUAGE", "fr"),
        ("TIME_ZONE", "Asia/Nowhere"),
        ("PORT", "http"),
        ("LOG_FORMAT", "xml"),
        ("LOG_LEVEL", "loud"),
        ("CARRIER", "pigeon"),
        ("TWILIO_ACCOUNT_SID", "SK123"),
        ("TWILIO_API_BASE_URL", "localhost:1"),
        ("TWILIO_SHARED_KEYS", "onlykey"),
        ("VOCABULARY_FILES", "/no/such/file.toml"),
        ("TRIAGE_FILES", "/" + "long" * 100),
        ("PRICE_FILE", "/" + "long" * 100),
        ("SMPP_BINDS_FILE", "/" + "long" * 100),
        ("PORT", "0"),
        ("PORT", "-5"),
        ("SMPP_PORT", "65536"),
    ],
)
def test_a_bad_setting_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, value: str) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=name) as caught:
        load_settings()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [("HOST", "no such host"), ("HOST", "192.0.2.1"), ("CARRIER_ROUTES", "+92 pigeon")],
)
def test_a_setting_with_which_nothing_can_be_served_is_named_at_the_start(
    monkeypatch: pytest.MonkeyPatch, sqlite_template: Path, tmp_path: Path, name: str, value: str
) -> None:
    (tmp_path / "jalsa.db").write_bytes(sqlite_template.read_bytes())
    monkeypatch.chdir(tmp_path)
    given = {"DATABASE_URL": f"sqlite:///{tmp_path}/jalsa.db", "PUBLIC_BASE_URL": "https://jalsa.example"}
    for one, as_said in {**given, "TWILIO_ACCOUNT_SID": SID, "TWILIO_AUTH_TOKEN": "t", name: value}.items():
        monkeypatch.setenv(one, as_said)
    said = CliRunner().invoke(app, ["serve"])
    assert said.exit_code in (1, 2)
    [sentence] = said.stderr.splitlines()
    assert sentence.startswith(f"{name}: ")


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ({"TWILIO_ACCOUNT_SID": SID}, "TWILIO_AUTH_TOKEN"),
        ({"TWILIO_AUTH_TOKEN": "t"}, "TWILIO_ACCOUNT_SID"),
        ({"CARRIER": "twilio"}, "TWILIO_ACCOUNT_SID"),
        ({"CARRIER": "simulated", "PUBLIC_BASE_URL": "https://jalsa.example"}, "CARRIER"),
        ({"PUBLIC_BASE_URL": "https://jalsa.example"}, "CARRIER"),
    ],
)
def test_a_missing_setting_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, given: dict[str, str], missing: str
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=missing):
        load_settings()


def test_env_example_names_every_setting_with_a_comment_and_works_as_it_is(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    text = (Path(__file__).parents[2] / ".env.example").read_text()
    assert set(re.findall(r"^([A-Z_]+)=", text, re.MULTILINE)) == {name.upper() for name in Settings.model_fields}
    for block in text.split("\n\n")[1:]:
        assert block.startswith("#"), f"no comment: {block}"
    (tmp_path / ".env").write_text(text)
    monkeypatch.chdir(tmp_path)
    assert load_settings() == Settings(_env_file=None)


def test_a_secret_made_at_the_start_stays_and_only_we_can_read_it(tmp_path: Path) -> None:
    first, second = (load_settings(database_url=f"sqlite:///{tmp_path}/j.db", _env_file=None) for _ in "ab")
    assert first.key_for("refs") == second.key_for("refs") != first.key_for("cookies")
    assert (tmp_path / "secret_key").stat().st_mode & 0o077 == 0


def test_no_secret_shows_when_settings_are_printed() -> None:
    settings = load_settings(
        twilio_account_sid=SID, twilio_auth_token="hush-token", secret_key="hush-key", _env_file=None
    )
    assert "hush" not in repr(settings) + str(settings)
