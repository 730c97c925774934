"""What a carrier's answer means for the text, for the number and for everything else that is being sent.

Sources: Twilio's "Error and Warning Dictionary" (a page per code) and its advice that a 429 was never processed
(20429); SMPP 3.4 table 5-2 (command_status); RFC 9110 section 15 (HTTP). Twilio warns that it may split codes, so a
code without a row fails the text alone and says its number; nothing is retried on a guess.
"""

from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple


class Outcome(StrEnum):
    """What becomes of the text."""

    ACCEPTED = "accepted"  # the carrier has it
    REQUEUE = "requeue"  # certainly not sent, and not the text's fault: again, with backoff
    RETRY_ONCE = "retry_once"  # failed for a cause that may pass: once more, later
    UNCERTAIN = "uncertain"  # perhaps sent: never again without proof of absence
    FAILED = "failed"  # never again
    EXPIRED = "expired"  # its validity ran out at the carrier
    SUPPRESSED = "suppressed"  # the recipient does not want it


class Effect(StrEnum):
    """What else follows."""

    NONE = "none"
    OPT_OUT = "opt_out"  # record a STOP for this number
    FLAG_NUMBER = "flag_number"  # text it no more: the number is dead or no mobile
    SPIKE_PAUSES = "spike_pauses"  # one is normal; many in a short time pause the broadcast
    PAUSE = "pause"  # pause the broadcast and tell staff: the next text would fare the same
    HALT = "halt"  # stop all sending through this carrier and alert: the account itself is refused


class CodeRule(NamedTuple):
    """One row: a carrier's code, what follows, and the reason in words for the account of a broadcast."""

    code: str
    outcome: Outcome
    effect: Effect
    reason: str


O, E = Outcome, Effect  # noqa: E741 - the tables below are read as columns

_TWILIO_ROWS: tuple[tuple[Outcome, Effect, dict[int, str]], ...] = (
    (O.SUPPRESSED, E.OPT_OUT, {
        21610: "stopped: the carrier has a STOP from this number",
        63014: "stopped: the recipient blocked this sender",
    }),
    (O.FAILED, E.FLAG_NUMBER, {
        21211: "not a phone number",
        21214: "number cannot be reached",
        21217: "not a phone number",
        21265: "number is a short code",
        21268: "number is a premium number",
        21401: "not a phone number",
        21407: "number cannot receive texts",
        21614: "not a mobile number",
        21635: "number is a landline",
        30005: "number does not exist or is no longer in use",
        30006: "landline, or a network that cannot be reached",
    }),
    (O.RETRY_ONCE, E.NONE, {
        21619: "the carrier could not record the text",
        30003: "phone was off or out of reach",
        30008: "the network gave no reason",
        30017: "the recipient's network was congested",
        30020: "the carrier failed inside",
        30021: "the carrier failed inside",
        63009: "the channel failed inside",
        63010: "the carrier failed inside",
        63012: "the channel failed inside",
        63023: "the channel gave no reason",
    }),
    (O.REQUEUE, E.NONE, {
        429: "sent faster than the carrier takes",
        20429: "sent faster than the carrier takes",
        21730: "the carrier is under maintenance",
        30022: "sent faster than the network takes",
        63017: "sent faster than the carrier takes",
        63018: "sent faster than the channel takes",
    }),
    (O.UNCERTAIN, E.NONE, {
        20500: "the carrier failed while taking the text",
        20503: "the carrier was not available while taking the text",
        30410: "the network did not answer the carrier in time",
    }),
    (O.EXPIRED, E.NONE, {30036: "its validity ran out in the carrier's queue"}),
    (O.FAILED, E.SPIKE_PAUSES, {
        21215: "sending to this country is not switched on",
        21219: "a trial account may text only verified numbers",
        21408: "sending to this country is not switched on",
        21606: "our number cannot text this destination",
        21607: "a trial account may text only from its trial number",
        21608: "a trial account may text only verified numbers",
        21612: "our number cannot reach this destination",
        30004: "blocked by the recipient or the network",
        30007: "filtered as unwanted by the carrier or the network",
        30018: "the network wants our sender name registered first",
        30024: "our number is not set up with this network",
        30027: "daily limit of one network reached",
        63013: "against the channel's policy",
        63026: "marked as spam by the channel",
        63032: "the channel limits texts to this person",
    }),
    (O.REQUEUE, E.PAUSE, {
        21210: "our number is not verified",
        21212: "our number is not valid",
        21601: "our number cannot send texts",
        21603: "no number to send from",
        21609: "the address for receipts is not valid",
        21611: "the carrier's queue for our number is full",
        21616: "our number is in the account twice",
        21624: "the validity period is not allowed",
        21626: "the receipts asked for are not valid",
        21659: "our number is not of this carrier",
        21660: "our number belongs to another account",
        21661: "our number cannot send texts",
        21701: "the messaging service does not exist",
        21703: "the messaging service has no number",
        21705: "the messaging service is not valid",
        30001: "the carrier's queue is full",
        30012: "the validity period is too short",
        30013: "the validity period is too long",
        30023: "daily limit reached",
        30032: "our toll-free number is not verified",
        30034: "our number is not registered",
        63001: "the channel refused our credentials",
        63002: "our address on the channel does not exist",
        63007: "our address on the channel does not exist",
        63008: "the channel is set up wrongly",
        63020: "the channel's business account is refused",
        63022: "our certificate for the channel is not valid",
        63038: "daily limit of the account reached",
        63039: "the channel warns that we are sending too much",
    }),
    (O.REQUEUE, E.HALT, {
        10001: "the carrier's account is not active",
        20003: "the carrier refused our credentials",
        20005: "the carrier's account is not active",
        20008: "test credentials cannot send",
        20403: "the carrier refused our credentials",
        20404: "the carrier does not know our account",
        30002: "the carrier's account is suspended",
    }),
    (O.ACCEPTED, E.NONE, {
        30025: "half of a network's daily limit is used",
        30026: "70 % of a network's daily limit is used",
    }),
    (O.FAILED, E.NONE, {
        14107: "too many replies to one number",
        21266: "number is our own",
        21267: "a trial account may not send from a name",
        21602: "text is empty",
        21604: "no number to send to",
        21605: "text is too long",
        21617: "text is too long",
        21618: "text cannot be sent as written",
        21620: "picture address is not valid",
        21621: "our number cannot send pictures",
        21622: "the account cannot send pictures",
        21623: "too many pictures",
        21627: "the highest price is not a number",
        21652: "subject is too long",
        21653: "more recipients than allowed",
        21654: "template is missing",
        21655: "template is not valid",
        21656: "template's values are not valid",
        30009: "a part of an incoming text was lost",
        30010: "dearer than the highest price allowed",
        30011: "number cannot receive pictures",
        30014: "number is not valid for this text",
        30015: "channel is not supported",
        30016: "our address and the number are of different channels",
        30019: "larger than the network allows",
        30028: "asked in a way the carrier does not know",
        30029: "asked in a way the carrier does not know",
        30030: "asked in a way the carrier does not know",
        30031: "asked in a way the carrier does not know",
        30453: "could not be delivered",
        63003: "number is not on this channel",
        63005: "the channel does not take this content",
        63006: "content cannot be put in the channel's form",
        63011: "the carrier could not read the request",
        63015: "number has not joined the channel's sandbox",
        63016: "outside the channel's 24 hours for free text",
        63019: "picture could not be fetched",
        63021: "the channel does not take this content",
        63024: "number is not valid on this channel",
        63025: "picture exists already",
        63027: "template does not exist in this language",
        63028: "template has another number of values",
        63029: "template could not be fetched by the recipient",
        63030: "the channel does not know one of the values",
        63031: "number is our own",
        63033: "the channel keeps texts from this person",
        63034: "picture is too large",
        63035: "the channel's sender is not launched yet",
        63036: "number cannot be reached on this channel",
        63037: "picture could not be uploaded",
        63040: "template was refused",
        63041: "template is paused",
    }),
)  # fmt: skip

# Codes that sending a text never brings; here so that an account can still say what was heard.
_TWILIO_RANGES = ((range(21200, 21264), "a phone call"), (range(21613, 21652), "the account's paperwork"))

# SMPP 3.4 5.1.3: an error in the answer means that the SMSC did not take the text, so nothing here is uncertain.
_SMPP_ROWS: tuple[tuple[Outcome, Effect, dict[int, str]], ...] = (
    (O.ACCEPTED, E.NONE, {0x00: "accepted"}),
    (O.REQUEUE, E.NONE, {
        0x04: "the connection was not bound",
        0x05: "the connection was bound already",
        0x14: "the SMSC's queue is full",
        0x58: "sent faster than the SMSC takes",
    }),
    (O.RETRY_ONCE, E.NONE, {
        0x08: "the SMSC failed inside",
        0x45: "the SMSC could not submit the text",
        0x64: "the recipient's phone could not take it now",
        0xFE: "could not be delivered",
        0xFF: "the SMSC gave no reason",
    }),
    (O.FAILED, E.FLAG_NUMBER, {0x0B: "not a phone number"}),
    (O.REQUEUE, E.HALT, {
        0x0D: "the SMSC refused the connection",
        0x0E: "the SMSC refused our password",
        0x0F: "the SMSC does not know our system id",
        0x53: "the SMSC does not know our system type",
    }),
    (O.REQUEUE, E.PAUSE, {
        0x0A: "our number or sender name is not valid",
        0x15: "the service type is not valid",
        0x48: "the type of our number is not valid",
        0x49: "the numbering plan of our number is not valid",
        0x50: "the type of the recipient's number is set wrongly",
        0x51: "the numbering plan of the recipient's number is set wrongly",
        0x62: "the validity period is not allowed",
    }),
    (O.FAILED, E.SPIKE_PAUSES, {
        0x44: "the SMSC does not let us text this number",
        0x66: "refused by the recipient's network",
    }),
    (O.FAILED, E.NONE, {
        0x01: "a part is too long",
        0x02: "the SMSC could not read the request",
        0x03: "the SMSC does not know the request",
        0x06: "the priority is not allowed",
        0x07: "the receipt asked for is not allowed",
        0x0C: "the SMSC does not know this text",
        0x11: "could not be called back",
        0x13: "could not be replaced",
        0x33: "wrong number of recipients",
        0x34: "the SMSC does not know this list",
        0x40: "the kind of recipient is not valid",
        0x42: "could not be replaced",
        0x43: "the kind of text is not allowed",
        0x54: "could not be replaced",
        0x55: "wrong number of texts",
        0x61: "the time to send is not valid",
        0x63: "the ready-made text does not exist",
        0x65: "refused for good by the recipient's phone",
        0x67: "could not be looked up",
        0xC0: "the SMSC could not read the request",
        0xC1: "the SMSC does not allow part of the request",
        0xC2: "the SMSC could not read the request",
        0xC3: "the SMSC misses part of the request",
        0xC4: "the SMSC could not read the request",
    }),
)  # fmt: skip

_HTTP_ROWS: tuple[tuple[Outcome, Effect, dict[int, str]], ...] = (
    (O.REQUEUE, E.NONE, {425: "the carrier asks to send it again", 429: "sent faster than the carrier takes"}),
    (O.UNCERTAIN, E.NONE, {
        408: "the carrier waited too long for the request",
        409: "the carrier says that it has this text already",
    }),
    (O.REQUEUE, E.HALT, {
        401: "the carrier refused our credentials",
        402: "the carrier's account has no money left",
        403: "the carrier refused our credentials",
        407: "the carrier refused our credentials",
    }),
    (O.REQUEUE, E.PAUSE, {
        404: "the carrier's address is wrong",
        405: "the carrier does not take this method",
        406: "the carrier cannot answer in the form asked for",
        410: "the carrier's address is gone",
        415: "the carrier does not take this form of request",
        421: "the carrier's address is wrong",
    }),
)  # fmt: skip

_NOT_CONNECTED = CodeRule("not connected", O.REQUEUE, E.NONE, "the carrier could not be reached")
_NO_ANSWER = CodeRule("no answer", O.UNCERTAIN, E.NONE, "the carrier gave no answer")


def _table(name: str, rows: tuple[tuple[Outcome, Effect, dict[int, str]], ...]) -> MappingProxyType[int, CodeRule]:
    table: dict[int, CodeRule] = {}
    for outcome, effect, reasons in rows:
        for code, reason in reasons.items():
            if code in table:
                raise ValueError(f"{name} {code} has two rows.")
            shown = f"0x{code:02X}" if name == "SMPP" else str(code)
            table[code] = CodeRule(f"{name} {shown}", outcome, effect, reason)
    return MappingProxyType(table)


TWILIO = _table("Twilio", _TWILIO_ROWS)
SMPP = _table("SMPP", _SMPP_ROWS)
HTTP = _table("HTTP", _HTTP_ROWS)


def twilio_rule(code: int | str | None) -> CodeRule:
    """Return the row of a Twilio error code, as the API or a receipt gives it; every code has one, none too."""
    shown = str(code or "").strip()[:20]
    if not shown:
        return CodeRule("Twilio", O.FAILED, E.NONE, "the carrier gave no reason")
    if not (shown.isascii() and shown.isdigit()):
        return CodeRule(f"Twilio {shown}", O.FAILED, E.SPIKE_PAUSES, _unknown(shown))
    number = int(shown)
    if rule := TWILIO.get(number):
        return rule
    reason = _unknown(shown)
    for codes, about in _TWILIO_RANGES:
        if number in codes:
            reason = f"the carrier answered as if this were {about} (error {number})"
    return CodeRule(f"Twilio {number}", O.FAILED, E.SPIKE_PAUSES, reason)


def smpp_rule(command_status: int) -> CodeRule:
    """Return the row of an SMPP command_status; those reserved for vendors fail the text and pause on a spike."""
    return SMPP.get(command_status) or CodeRule(
        f"SMPP 0x{command_status:02X}", O.FAILED, E.SPIKE_PAUSES, _unknown(f"0x{command_status:X}")
    )


def http_rule(status: int | None, *, connected: bool = True) -> CodeRule:
    """Return what an HTTP answer without a code of the carrier's own means; `status` is None where none came.

    `connected` is False only where the request certainly never left (name not found, connection refused, TLS failed).
    """
    if status is None:
        return _NO_ANSWER if connected else _NOT_CONNECTED
    if rule := HTTP.get(status):
        return rule
    code = f"HTTP {status}"
    if 200 <= status < 300:
        return CodeRule(code, O.ACCEPTED, E.NONE, "accepted")
    if 300 <= status < 400:
        return CodeRule(code, O.REQUEUE, E.PAUSE, "the carrier's address has moved")
    if 400 <= status < 500:
        return CodeRule(code, O.FAILED, E.SPIKE_PAUSES, f"the carrier refused it (HTTP {status})")
    return CodeRule(code, O.UNCERTAIN, E.NONE, f"the carrier failed while taking the text (HTTP {status})")


def _unknown(code: int | str) -> str:
    return f"the carrier refused it (error {str(code)[:20]})"
