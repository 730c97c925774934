"""No phone number, name, text, signature or token in any line that any part of the gateway writes."""

import logging
from collections.abc import Iterator

import pytest
import structlog
from sqlalchemy import Engine

from gateway.logs import set_up_logs
from gateway.settings import Settings
from tests.gateway.conftest import AUTH_TOKEN, settings_for
from tests.gateway.twilio_client import Carrier, carrier_for, inbound

CANARIES = {
    "number": "3009998877",
    "name": "Zarmina",
    "words": "pomegranate",
    "token": AUTH_TOKEN,
    "secret": "secret-for-tests-only",
}


@pytest.fixture(params=["console", "json"])
def talkative(
    request: pytest.FixtureRequest, database_url: str, capfd: pytest.CaptureFixture[str]
) -> Iterator[tuple[Carrier, Settings]]:
    settings = settings_for(database_url, log_format=request.param, log_level="debug")
    with carrier_for(settings) as carrier:
        yield carrier, settings


def test_no_canary_in_any_output(
    talkative: tuple[Carrier, Settings],
    engine: Engine,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    carrier, _settings = talkative
    sender = "+92" + CANARIES["number"]
    signature = ""
    for body in ("JOIN Zarmina Lahore", "REPORT pomegranate at gate 3", "pomegranate", "STOP", "WHERE pomegranate"):
        fields = inbound(body, sender)
        signature = carrier.sign("/webhooks/twilio/sms", fields)
        assert carrier.post(fields).status_code == 200
    carrier.raw(b"Body=pomegranate&From=%2B92" + CANARIES["number"].encode())

    # A handler that fails on the text itself, and a database that fails on it, must not quote it.
    def broken(*_: object) -> None:
        raise ValueError(f"cannot handle pomegranate of {sender} Zarmina")

    monkeypatch.setattr("gateway.inbound.conclusion.decide", broken)
    assert carrier.text("JOIN Zarmina pomegranate", sender) is not None
    monkeypatch.setattr("gateway.inbound.outcomes.carry_out", broken)
    carrier.post(inbound("JOIN Zarmina pomegranate", sender))
    structlog.get_logger("gateway.any").warning("number_seen", phone=sender)
    logging.getLogger("some.library").warning("calling %s", sender)
    written = "".join(capfd.readouterr())
    assert "webhook_refused" in written
    assert "decision_failed" in written
    assert "number_seen" in written
    found = {what for what, canary in (CANARIES | {"signature": signature}).items() if canary in written}
    assert found == set()


def test_numbers_are_masked_as_agreed(capfd: pytest.CaptureFixture[str]) -> None:
    set_up_logs(settings_for("sqlite:///:memory:", log_format="json"))
    structlog.get_logger("gateway").info("seen", phone="+923001234567")
    assert "+92300•••4567" in capfd.readouterr().err.encode().decode("unicode_escape")
