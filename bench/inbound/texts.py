"""The texts of the load, and the signed requests that carry them.

The mix, by share: JOIN 35 %, WHERE 20 %, REPORT 15 %, HELP 5 %, ME 3 %, STOP 2 %, and 20 % that is no command; English,
Roman Urdu and Urdu in every part of it.
"""

import random
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

from gateway.carriers.twilio.signature import SIGNATURE_HEADER, Signatures

PATH = "/webhooks/twilio/sms"
ACCOUNT_SID = "AC" + "5" * 32
AUTH_TOKEN = "token-of-the-bench"
SHORT_CODE = "80022"

_CITIES = ("Lahore", "Karachi", "Peshawar", "Multan", "Faisalabad", "Quetta", "Sialkot", "Gujranwala", "Hyderabad")
_URDU_CITIES = ("لاہور", "کراچی", "پشاور", "ملتان", "فیصل آباد", "کوئٹہ", "سیالکوٹ")
_NAMES = ("Ali Raza", "Ayesha Khan", "Bilal", "Sana Malik", "Usman Tariq", "Hina", "Kamran Shah", "Zainab")
_URDU_NAMES = ("علی رضا", "عائشہ خان", "بلال", "ثنا", "عثمان", "زینب")
_GROUPS = ("students", "women", "youth", "lawyers", "")
_TROUBLE = (
    "no water at gate 3 and people are fainting",
    "bus did not come, we are waiting since 8",
    "stage ke paas bheer bohat zyada hai, log gir rahe hain",
    "pani khatam ho gaya hai gate 2 par",
)
_URDU_TROUBLE = ("گیٹ نمبر 3 پر پانی ختم ہو گیا ہے", "بس ابھی تک نہیں آئی، لوگ انتظار کر رہے ہیں")
_CHATTER = (
    "Hello, what is this number?",
    "thanks a lot, see you tomorrow",
    "bhai kal match dekha tha kya zabardast tha",
    "ammi keh rahi hain khana kha lo",
    "السلام علیکم، کیا حال ہے",
    "آج موسم بہت اچھا ہے",
    "👍",
)


def _join(pick: random.Random) -> str:
    if pick.random() < 0.3:
        return f"جوائن {pick.choice(_URDU_NAMES)} {pick.choice(_URDU_CITIES)}"
    seat = f" NA-{pick.randint(1, 266)}" if pick.random() < 0.3 else ""
    word = pick.choice(("JOIN", "join", "Join", "shamil"))
    return f"{word} {pick.choice(_NAMES)} {pick.choice(_CITIES)}{seat} {pick.choice(_GROUPS)}".strip()


def _where(pick: random.Random) -> str:
    script = pick.random()
    if script < 0.3:
        return f"کہاں {pick.choice(_URDU_CITIES)}"
    return f"{pick.choice(('WHERE', 'where', 'kahan'))} {pick.choice(_CITIES)}"


def _report(pick: random.Random) -> str:
    if pick.random() < 0.3:
        return f"رپورٹ {pick.choice(_URDU_TROUBLE)}"
    return f"{pick.choice(('REPORT', 'report'))} {pick.choice(_TROUBLE)}"


_MIX = (
    ("JOIN", 35, _join),
    ("WHERE", 20, _where),
    ("REPORT", 15, _report),
    ("HELP", 5, lambda pick: pick.choice(("HELP", "madad", "مدد"))),
    ("ME", 3, lambda pick: "ME"),
    ("STOP", 2, lambda pick: pick.choice(("STOP", "stop", "بند کرو"))),
    ("", 20, lambda pick: pick.choice(_CHATTER)),
)


@dataclass(frozen=True, slots=True)
class Sent:
    """One text of the load, as it is to be found on record."""

    sid: str
    sender: str
    kind: str
    """The command that it is written as; "" for chatter."""
    body: str


def make_texts(count: int, senders: Sequence[str], seed: int) -> list[Sent]:
    """Return `count` texts from random ones of `senders`, each with a message id of its own."""
    pick = random.Random(seed)
    kinds = pick.choices(_MIX, weights=[share for _, share, _ in _MIX], k=count)
    return [
        Sent(f"SM{uuid.UUID(int=pick.getrandbits(128)).hex}", pick.choice(senders), kind, write(pick))
        for kind, _, write in kinds
    ]


def numbers(count: int, first: int = 0) -> list[str]:
    """Return made-up Pakistani mobile numbers."""
    return [f"+92300{number:07d}" for number in range(first, first + count)]


def make_requests(texts: Sequence[Sent], base_url: str) -> list[bytes]:
    """Return the whole HTTP/1.1 request of every text, with the fields that Twilio sends, signed."""
    signatures = Signatures(base_url, AUTH_TOKEN)
    host = urlsplit(base_url).netloc
    return [_request(text, signatures, host) for text in texts]


def _request(text: Sent, signatures: Signatures, host: str) -> bytes:
    fields = {
        "ToCountry": "PK",
        "ToState": "",
        "SmsMessageSid": text.sid,
        "NumMedia": "0",
        "ToCity": "",
        "FromZip": "",
        "SmsSid": text.sid,
        "FromState": "",
        "SmsStatus": "received",
        "FromCity": "",
        "Body": text.body,
        "FromCountry": "PK",
        "To": SHORT_CODE,
        "ToZip": "",
        "NumSegments": "1",
        "MessageSid": text.sid,
        "AccountSid": ACCOUNT_SID,
        "From": text.sender,
        "ApiVersion": "2010-04-01",
    }
    body = urlencode(fields).encode()
    head = (
        f"POST {PATH} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: TwilioProxy/1.1\r\nAccept: */*\r\n"
        f"Content-Type: application/x-www-form-urlencoded; charset=utf-8\r\nContent-Length: {len(body)}\r\n"
        f"{SIGNATURE_HEADER}: {signatures.sign(PATH, fields)}\r\n\r\n"
    )
    return head.encode() + body
