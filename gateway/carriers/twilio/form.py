"""A form as Twilio posts it: read strictly, checked against what Twilio can send.

The signature is an HMAC over keys and values run together without delimiters (Twilio docs, "Webhooks security"), so a
signature that was seen once fits other cuts of the same letters: a text whose body holds `STOPFrom+92…MessageSid…` can
be cut into a STOP from somebody else. Keys are signed in order, so every such cut leaves the true message id, or the
true sender, in a field behind the one that it forges, or breaks a field's own form; all are refused here.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from urllib.parse import unquote_to_bytes

from gateway.carriers.received import ReceivedText

MAX_BODY_BYTES = 64 * 1024
MAX_FIELDS = 200
MAX_TEXT_LENGTH = 4_096  # Twilio's own limit is 1,600; WhatsApp and RCS may carry more
MAX_MEDIA = 10  # Twilio docs, "Messaging webhooks": up to ten media files

_KEY = re.compile(r"[A-Z][A-Za-z0-9]{0,63}\Z")
_MESSAGE_SID = re.compile(r"(?:SM|MM)[0-9a-fA-F]{32}\Z")
_ADDRESS = re.compile(r"(?:[a-z]{2,12}:)?[+A-Za-z0-9][A-Za-z0-9 _.:@&'#*()-]{0,127}\Z")
_BURIED_SID = re.compile(r"MessageSid(?:SM|MM)[0-9a-fA-F]{32}|AccountSidAC[0-9a-fA-F]{32}")
# The true "From" and its number: inside a later value, or the end of a later key with the number for its value.
_BURIED_SENDER = re.compile(r"From(?:[a-z]{2,12}:)?(?:\+?[0-9]{5}|[A-Z]{2}\.[0-9A-Za-z]{5})")
_STATUS = re.compile(r"[a-z_-]{1,20}\Z")
_ERROR_CODE = re.compile(r"[0-9A-Za-z]{0,20}\Z")
_USUAL = frozenset(
    [
        "AccountSid", "ApiVersion", "Body", "From", "FromCity", "FromCountry", "FromState", "FromZip", "MessageSid",
        "MessagingServiceSid", "NumMedia", "NumSegments", "SmsMessageSid", "SmsSid", "SmsStatus", "To", "ToCity",
        "ToCountry", "ToState", "ToZip",
    ]
)  # fmt: skip


class BadForm(ValueError):
    """Twilio cannot have sent this; the message names the field and what is wrong with it."""


def read_form(body: bytes) -> dict[str, str]:
    """Return the fields of an application/x-www-form-urlencoded body.

    :raises BadForm: too large, not UTF-8, a key twice, a key without a name, or too many fields
    """
    if len(body) > MAX_BODY_BYTES:
        raise BadForm(f"The form is larger than {MAX_BODY_BYTES} bytes.")
    try:
        pieces = body.decode().replace("+", " ").split("&") if body else []
        if len(pieces) > MAX_FIELDS:
            raise BadForm(f"The form has more than {MAX_FIELDS} fields.")
        fields: dict[str, str] = {}
        for piece in pieces:
            if not piece:
                continue
            key, _, value = piece.partition("=")
            if "%" in piece:
                key, value = unquote_to_bytes(key).decode(), unquote_to_bytes(value).decode()
            if key not in _USUAL and not _KEY.match(key):
                raise BadForm("A field's name is not one that Twilio sends.")
            if key in fields:
                raise BadForm(f"The field {key} stands twice.")
            fields[key] = value
    except UnicodeDecodeError:
        raise BadForm("The form is not UTF-8.") from None
    return fields


def read_text(fields: Mapping[str, str], account_sid: str, received_at: datetime) -> ReceivedText:
    """Return the text that an inbound webhook carries. A missing Body is an empty text (a picture alone).

    :param received_at: aware UTC
    :raises BadForm: a required field is missing or malformed, the account is another, or the form was cut anew
    """
    carrier_id = _required(fields, "MessageSid", _MESSAGE_SID)
    _check_account(fields, account_sid)
    sender = _required(fields, "From", _ADDRESS)
    recipient = _required(fields, "To", _ADDRESS)
    for twin in ("SmsMessageSid", "SmsSid"):
        if fields.get(twin, carrier_id) != carrier_id:
            raise BadForm(f"{twin} is not the MessageSid.")
    _check_not_cut_anew(fields)
    body = fields.get("Body", "")
    if len(body) > MAX_TEXT_LENGTH:
        raise BadForm(f"Body is longer than {MAX_TEXT_LENGTH} letters.")
    return ReceivedText(
        carrier="twilio",
        carrier_id=carrier_id,
        from_number=sender,
        to_number=recipient,
        body=_keepable(body),
        received_at=received_at,
        media=_media(fields),
        opt_out_type=fields.get("OptOutType") if fields.get("OptOutType") in ("STOP", "START", "HELP") else None,
    )


def read_receipt(fields: Mapping[str, str], account_sid: str) -> tuple[str, str, str]:
    """Return (message SID, status, error code or "") of a status callback.

    :raises BadForm: as for `read_text`
    """
    carrier_id = _required(fields, "MessageSid", _MESSAGE_SID)
    _check_account(fields, account_sid)
    _check_not_cut_anew(fields)
    status = fields.get("MessageStatus") or fields.get("SmsStatus") or ""
    if not _STATUS.match(status):
        raise BadForm("MessageStatus is missing or malformed.")
    code = fields.get("ErrorCode", "")
    if not _ERROR_CODE.match(code):
        raise BadForm("ErrorCode is malformed.")
    return carrier_id, status, code


def _required(fields: Mapping[str, str], name: str, form: re.Pattern[str]) -> str:
    value = fields.get(name)
    if value is None:
        raise BadForm(f"{name} is missing.")
    if not form.match(value):
        raise BadForm(f"{name} is malformed.")
    return value


def _check_account(fields: Mapping[str, str], account_sid: str) -> None:
    if fields.get("AccountSid") != account_sid:
        raise BadForm("AccountSid is missing or not ours.")


def _check_not_cut_anew(fields: Mapping[str, str]) -> None:
    for name, value in fields.items():
        if name == "Body":
            continue
        if len(value) >= 44 and _BURIED_SID.search(value):
            raise BadForm(f"{name} holds another message's id.")
        if name > "From" and "From" in (signed := name[1:] + value) and _BURIED_SENDER.search(signed):
            raise BadForm(f"{name} holds another message's sender.")


def _media(fields: Mapping[str, str]) -> tuple[Mapping[str, str], ...]:
    count = fields.get("NumMedia", "0")
    if not (count.isascii() and count.isdigit() and len(count) <= 3):
        raise BadForm("NumMedia is not a number.")
    return tuple(
        {"url": _keepable(url), "type": _keepable(fields.get(f"MediaContentType{at}", ""))}
        for at in range(min(int(count), MAX_MEDIA))
        if (url := fields.get(f"MediaUrl{at}"))
    )


def _keepable(value: str) -> str:
    """PostgreSQL cannot keep a NUL; a phone cannot mean one."""
    return value.replace("\x00", "\ufffd")
