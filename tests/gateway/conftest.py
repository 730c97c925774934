"""A whole gateway for a test: settings, service, and a way to text it."""

import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest

from gateway.carriers.received import Answer, ReceivedText
from gateway.service import Service
from gateway.settings import Settings, load_settings

ACCOUNT_SID = "AC" + "1" * 32
AUTH_TOKEN = "token-for-tests-only"

Texting = Callable[..., str | None]


def settings_for(database_url: str, **others: object) -> Settings:
    given: dict[str, object] = {
        "database_url": database_url,
        "public_base_url": "https://jalsa.example",
        "twilio_account_sid": ACCOUNT_SID,
        "twilio_auth_token": AUTH_TOKEN,
        "secret_key": "secret-for-tests-only",
        "_env_file": None,
    }
    return load_settings(**given | others)


@pytest.fixture
def settings(database_url: str) -> Settings:
    return settings_for(database_url)


@pytest.fixture
def service(settings: Settings) -> Iterator[Service]:
    made = Service(settings)
    yield made
    made.close()


def a_text(body: str, sender: str = "+923001234501", **others: object) -> ReceivedText:
    given = {
        "carrier": "twilio",
        "carrier_id": "SM" + uuid.uuid4().hex,
        "from_number": sender,
        "to_number": "80022",
        "body": body,
        "received_at": datetime.now(UTC),
    }
    return ReceivedText(**given | others)  # type: ignore[arg-type]


@pytest.fixture
def text(service: Service) -> Texting:
    """Text the gateway as one phone and return the words of the answer, or None."""

    def send(body: str, sender: str = "+923001234501", **others: object) -> str | None:
        [answer] = service.record([a_text(body, sender, **others)])
        assert isinstance(answer, Answer)
        return answer.body

    return send
