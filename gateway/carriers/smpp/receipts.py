"""Delivery receipts as SMSCs write them: as text (SMPP 3.4 appendix B, with every vendor's own blanks) and as TLVs."""

import re
from dataclasses import dataclass

from gateway.carriers.smpp.pdus import (
    ESM_INTERMEDIATE,
    ESM_RECEIPT,
    ESM_TYPE_MASK,
    TLV_MESSAGE_STATE,
    TLV_RECEIPTED_MESSAGE_ID,
    Deliver,
)
from gateway.rules.delivery_status import TextState, from_smpp

# Not only as the appendix has them: "msgid = 12", "status:DELIVRD", "error: 001". What the text itself says comes last.
_ID = re.compile(rb"\b(?:(?:msg|message|sms)?[_ ]?id)\s*[:=]\s*([^\s,;]{1,64})", re.IGNORECASE)
_STAT = re.compile(rb"\bstat(?:us|e)?\s*[:=]\s*([A-Za-z]{1,20})", re.IGNORECASE)
_ERR = re.compile(rb"\berr(?:or)?(?:[_ ]?code)?\s*[:=]\s*([0-9A-Za-z]{1,20})", re.IGNORECASE)
_FULL_WORDS = {
    "DELIVERED": "DELIVRD", "UNDELIVERED": "UNDELIV", "UNDELIVERABLE": "UNDELIV", "REJECTED": "REJECTD",
    "ACCEPTED": "ACCEPTD", "ENROUTE": "ENROUTE",
}  # fmt: skip
_WORDS = (
    "SCHEDULED",
    "ENROUTE",
    "DELIVRD",
    "EXPIRED",
    "DELETED",
    "UNDELIV",
    "ACCEPTD",
    "UNKNOWN",
    "REJECTD",
    "SKIPPED",
)


@dataclass(frozen=True, slots=True)
class SmppReceipt:
    """`message_id` and `status` are the SMSC's own words; `error` is empty where nothing went wrong."""

    message_id: str
    status: str
    error: str
    state: TextState | None


def is_receipt(deliver: Deliver) -> bool:
    """Whether a deliver_sm is the SMSC's word about a text of ours instead of a person's text."""
    if deliver.esm_class & ESM_TYPE_MASK in (ESM_RECEIPT, ESM_INTERMEDIATE):
        return True
    # Some SMSCs leave the type at 0; no person's text has these two elements.
    return TLV_RECEIPTED_MESSAGE_ID in deliver.tlvs and TLV_MESSAGE_STATE in deliver.tlvs


def read_receipt(deliver: Deliver) -> SmppReceipt | None:
    """Return what a receipt says; None where it names no text. The TLVs count before the words."""
    given = deliver.tlvs.get(TLV_RECEIPTED_MESSAGE_ID, b"").partition(b"\x00")[0].strip()
    found = _ID.search(deliver.words)
    message_id = (given or (found[1] if found else b"")).decode("latin-1")
    if not message_id:
        return None
    number = deliver.tlvs.get(TLV_MESSAGE_STATE, b"")
    stat = _STAT.search(deliver.words)
    if len(number) == 1 and number[0] < len(_WORDS):
        status = _WORDS[number[0]]
    else:
        said = stat[1].decode("ascii").upper() if stat else "UNKNOWN"
        status = _FULL_WORDS.get(said, said)[:12]
    error = _ERR.search(deliver.words)
    code = error[1].decode("ascii") if error else ""
    return SmppReceipt(message_id[:64], status, "" if not code.strip("0") else code, from_smpp(status))
