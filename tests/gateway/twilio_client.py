"""A carrier for tests: posts forms as Twilio does, signed by the real SDK, to an application in this process."""

import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import urlencode
from xml.etree import ElementTree

import httpx
from fastapi.testclient import TestClient
from twilio.request_validator import RequestValidator

from gateway.app import create_app
from gateway.settings import Settings
from tests.gateway.conftest import ACCOUNT_SID, AUTH_TOKEN

SMS = "/webhooks/twilio/sms"
STATUS = "/webhooks/twilio/status"


def sid() -> str:
    return "SM" + uuid.uuid4().hex


def inbound(body: str, sender: str = "+923001234501", **others: str) -> dict[str, str]:
    """The fields of an inbound message webhook, as Twilio documents them."""
    message = others.pop("MessageSid", None) or sid()
    return {
        "ToCountry": "PK",
        "ToState": "",
        "SmsMessageSid": message,
        "NumMedia": "0",
        "ToCity": "",
        "FromZip": "",
        "SmsSid": message,
        "FromState": "",
        "SmsStatus": "received",
        "FromCity": "",
        "Body": body,
        "FromCountry": "PK",
        "To": "80022",
        "MessageSid": message,
        "AccountSid": ACCOUNT_SID,
        "From": sender,
        "ApiVersion": "2010-04-01",
    } | others


class Carrier:
    """Signs and posts."""

    def __init__(self, client: TestClient, base: str) -> None:
        self.client, self.base = client, base
        self.validator = RequestValidator(AUTH_TOKEN)

    def sign(self, path: str, fields: Mapping[str, str], algorithm: str | None = None) -> str:
        return str(self.validator.compute_signature(self.base + path, dict(fields), algorithm))

    def post(
        self, fields: Mapping[str, str], path: str = SMS, headers: Mapping[str, str] | None = None
    ) -> httpx.Response:
        signed = {"X-Twilio-Signature": self.sign(path, fields)}
        return self.raw(urlencode(fields).encode(), path, signed | dict(headers or {}))

    def raw(self, body: bytes, path: str = SMS, headers: Mapping[str, str | bytes] | None = None) -> httpx.Response:
        given: dict[str, str | bytes] = {"Content-Type": "application/x-www-form-urlencoded; charset=UTF-8"}
        given |= headers or {}
        return self.client.post(path, content=body, headers=given)

    def text(self, body: str, sender: str = "+923001234501", **others: str) -> str | None:
        """Text the gateway and return the words of the TwiML, None if it has none."""
        answer = self.post(inbound(body, sender, **others))
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"].startswith("text/xml")
        message = ElementTree.fromstring(answer.text).find("Message")
        return None if message is None else message.text


@contextmanager
def carrier_for(settings: Settings) -> Iterator[Carrier]:
    """A started application and a carrier in front of it."""
    with TestClient(create_app(settings), base_url="http://inside.test") as client:
        yield Carrier(client, settings.public_base_url)
