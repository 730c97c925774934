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

_ID = re.compile(rb"\bid:\s*([^\s]{1,64})", re.IGNORECASE)
_STAT = re.compile(rb"\bstat:\s*([A-Za-z]{1,12})", re.IGNORECASE)
_ERR = re.compile(rb"\berr:\s*([0-9A-Za-z]{1,20})", re.IGNORECASE)
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
    return deliver.esm_class & ESM_TYPE_MASK in (ESM_RECEIPT, ESM_INTERMEDIATE)


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
        status = stat[1].decode("ascii").upper() if stat else "UNKNOWN"
    error = _ERR.search(deliver.words)
    code = error[1].decode("ascii") if error else ""
    return SmppReceipt(message_id[:64], status, "" if not code.strip("0") else code, from_smpp(status))
