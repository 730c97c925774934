"""What Twilio posts and what it reads: inbound forms, receipts, and the messages of a TwiML answer.

Fields and their order as in Twilio's pages "Messaging webhooks" (inbound) and "Track outbound message status".
"""

import secrets
import xml.etree.ElementTree as ET
from dataclasses import dataclass

from gateway.rules.message_parts import count_parts
from gateway.rules.phone_numbers import read_sender

API_VERSION = "2010-04-01"


class BadAnswer(ValueError):
    """The gateway's answer is not TwiML."""


@dataclass(frozen=True, slots=True)
class TwimlMessage:
    """One message that TwiML asks for; `status_callback` is an absolute URL or empty."""

    body: str
    status_callback: str = ""


def new_sid() -> str:
    """Return a message id in Twilio's form: SM and 32 hex digits."""
    return "SM" + secrets.token_hex(16)


def inbound_form(*, sid: str, account_sid: str, sender: str, recipient: str, body: str, region: str) -> dict[str, str]:
    """Return the form that Twilio posts for a text from `sender` (E.164) to our number.

    :param region: ISO 3166 code of the country that `recipient` belongs to
    """
    return {
        "ToCountry": region,
        "ToState": "",
        "SmsMessageSid": sid,
        "NumMedia": "0",
        "ToCity": "",
        "FromZip": "",
        "SmsSid": sid,
        "FromState": "",
        "SmsStatus": "received",
        "FromCity": "",
        "Body": body,
        "FromCountry": read_sender(sender, region).region or "",
        "To": recipient,
        "ToZip": "",
        "NumSegments": str(max(1, count_parts(body).parts)),
        "MessageSid": sid,
        "AccountSid": account_sid,
        "From": sender,
        "ApiVersion": API_VERSION,
    }


def receipt_form(
    *, sid: str, account_sid: str, sender: str, recipient: str, status: str, error_code: str = ""
) -> dict[str, str]:
    """Return the form that Twilio posts when a message's status changes."""
    form = {
        "SmsSid": sid,
        "SmsStatus": status,
        "MessageStatus": status,
        "To": recipient,
        "MessageSid": sid,
        "AccountSid": account_sid,
        "From": sender,
        "ApiVersion": API_VERSION,
    }
    return form | {"ErrorCode": error_code} if error_code else form


def read_twiml(document: str) -> list[TwimlMessage]:
    """Return the messages of a TwiML response, in order.

    :raises BadAnswer: the document is not TwiML
    """
    try:
        # The document comes from our own webhook, and expat neither loads what it names nor grows without end.
        response = ET.fromstring(document)  # noqa: S314
    except ET.ParseError as error:
        raise BadAnswer(f"the answer is not XML ({error})") from None
    if response.tag != "Response":
        raise BadAnswer("the answer is not a TwiML Response")
    return [
        TwimlMessage(_words(message), message.get("statusCallback") or message.get("action") or "")
        for message in response.findall("Message")
    ]


def _words(message: ET.Element) -> str:
    body = message.find("Body")
    return (message.text if body is None else body.text) or ""
