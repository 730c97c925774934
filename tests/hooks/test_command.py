"""`jalsa hooks` as an organiser runs it."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from gateway.cli import app
from tests.hooks.receiver import Receiver


@pytest.fixture
def jalsa(database_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    monkeypatch.chdir(tmp_path)
    for name, value in {
        "DATABASE_URL": database_url, "SECRET_KEY": "secret-for-tests-only", "PUBLIC_BASE_URL": "http://127.0.0.1:8000",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)

    def run(*words: str, code: int = 0) -> str:
        result = CliRunner().invoke(app, list(words))
        assert result.exit_code == code, result.output
        return str(result.output)

    return run


def test_from_adding_to_removing(jalsa: Any, receiver: Receiver) -> None:
    made = json.loads(jalsa("hooks", "add", receiver.url + "?token=abc", "--event", "report.*", "--json"))
    assert "204" in jalsa("hooks", "test", str(made["id"]))
    assert receiver.valid(made["secret"]) == [True]
    [listed] = json.loads(jalsa("hooks", "list", "--json"))
    assert "abc" not in listed["url"]
    assert listed["health"] == "well"
    [sent] = json.loads(jalsa("hooks", "deliveries", "--json"))
    assert (sent["event"], sent["state"], sent["answer"]) == ("hook.test", "delivered", 204)
    assert "1 will be sent again" in jalsa("hooks", "resend", str(sent["id"]))
    fresh = json.loads(jalsa("hooks", "rotate-secret", str(made["id"]), "--json"))["secret"]
    jalsa("hooks", "test", str(made["id"]))
    assert receiver.valid(fresh)[-1] is receiver.valid(made["secret"])[-1] is True
    assert "is off" in jalsa("hooks", "disable", "1")
    assert "by " in json.loads(jalsa("hooks", "list", "--json"))[0]["health"]
    assert "1 that waited" in jalsa("hooks", "enable", "1")
    receiver.answering = lambda *_: (500, {}, b"")
    assert "HTTP 500" in jalsa("hooks", "test", "1", code=1)
    jalsa("hooks", "remove", "1")
    assert json.loads(jalsa("hooks", "list", "--json")) == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("add", "https://example.org/", "--event", "member.left"), "--event: There is no event 'member.left'"),
        (("add", "https://example.org/"), "Name at least one event"),
        (("add", "http://example.org/", "--event", "*"), "https://"),
        (("add", "https://10.0.0.1/", "--event", "*"), "HOOK_NETWORKS"),
        (("add", "https://169.254.169.254/latest", "--event", "*"), "HOOK_NETWORKS"),
        (("test", "7"), "There is no endpoint 7"),
        (("remove", "7"), "There is no endpoint 7"),
        (("enable", "7"), "There is no endpoint 7"),
        (("rotate-secret", "7"), "There is no endpoint 7"),
        (("resend", "7"), "There is no delivery 7"),
        (("resend",), "Name a delivery"),
        (("deliveries", "--state", "lost"), "--state"),
    ],
)
def test_bad_input_gets_a_sentence(jalsa: Any, words: tuple[str, ...], said: str) -> None:
    output = jalsa("hooks", *words, code=2 if words[0] in ("add", "deliveries") or words == ("resend",) else 1)
    assert said in " ".join(output.split())
