"""SMPP's protocol data units, over smpplib's classes.

Of smpplib we use the mandatory fields only: its reader of optional ones trusts the library's idea of their length and
refuses those that it does not know, which vendors send every day.
"""

import struct
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from smpplib import command

HEADER = 16
LONGEST = 64 * 1024

BIND_TRANSCEIVER, BIND_TRANSCEIVER_RESP = 0x09, 0x80000009
SUBMIT_SM, SUBMIT_SM_RESP = 0x04, 0x80000004
DELIVER_SM, DELIVER_SM_RESP = 0x05, 0x80000005
ENQUIRE_LINK, ENQUIRE_LINK_RESP = 0x15, 0x80000015
UNBIND, UNBIND_RESP = 0x06, 0x80000006
GENERIC_NACK = 0x80000000
RESPONSE = 0x80000000

TLV_RECEIPTED_MESSAGE_ID, TLV_MESSAGE_STATE, TLV_MESSAGE_PAYLOAD = 0x001E, 0x0427, 0x0424
TLV_SAR_REF, TLV_SAR_TOTAL, TLV_SAR_NUMBER = 0x020C, 0x020E, 0x020F

ESM_UDHI, ESM_TYPE_MASK, ESM_RECEIPT, ESM_INTERMEDIATE = 0x40, 0x3C, 0x04, 0x20
STATUS_OK, STATUS_INVALID_COMMAND, STATUS_TRY_AGAIN, STATUS_REJECTED = 0x00, 0x03, 0x64, 0x65


class BadPdu(ValueError):
    """The octets are no PDU of SMPP 3.4."""


@dataclass(frozen=True, slots=True)
class Header:
    length: int
    command_id: int
    status: int
    sequence: int


@dataclass(frozen=True, slots=True)
class Deliver:
    """A deliver_sm: a person's text, a part of one, or a receipt. `words` are as they came, any header first."""

    source: str
    source_ton: int
    destination: str
    esm_class: int
    data_coding: int
    words: bytes
    tlvs: dict[int, bytes] = field(default_factory=dict)


def read_header(data: bytes) -> Header:
    """:raises BadPdu: a length that no PDU has"""
    header = Header(*struct.unpack(">LLLL", data[:HEADER]))
    if not HEADER <= header.length <= LONGEST:
        raise BadPdu(f"a length of {header.length}")
    return header


def bare(command_id: int, sequence: int, status: int = STATUS_OK) -> bytes:
    """Return a PDU without a body: enquire_link, unbind, their answers, generic_nack."""
    return struct.pack(">LLLL", HEADER, command_id, status, sequence)


def bind_transceiver(sequence: int, system_id: str, password: str, system_type: str) -> bytes:
    return _generate(
        "bind_transceiver", sequence, system_id=system_id, password=password, system_type=system_type, addr_ton=0,
        addr_npi=0, address_range="",
    )  # fmt: skip


def submit_sm(
    sequence: int,
    *,
    source: tuple[int, int, str],
    number: str,
    words: bytes,
    data_coding: int,
    header: bool,
    receipt: bool,
    validity: timedelta | None,
) -> bytes:
    """Return one part to send. `source` is type of number, numbering plan and address; `number` is E.164."""
    return _generate(
        "submit_sm", sequence, service_type="", source_addr_ton=source[0], source_addr_npi=source[1],
        source_addr=source[2], dest_addr_ton=1, dest_addr_npi=1, destination_addr=number.removeprefix("+"),
        esm_class=ESM_UDHI if header else 0, protocol_id=0, priority_flag=0, schedule_delivery_time="",
        validity_period=relative(validity), registered_delivery=1 if receipt else 0, replace_if_present_flag=0,
        data_coding=data_coding, sm_default_msg_id=0, short_message=words,
    )  # fmt: skip


def deliver_sm_resp(sequence: int, status: int) -> bytes:
    return struct.pack(">LLLL", HEADER + 1, DELIVER_SM_RESP, status, sequence) + b"\x00"


def relative(validity: timedelta | None) -> str:
    """Return a relative time of SMPP 3.4 7.1.1.2: at least a second, at most 30 days; empty for the SMSC's own."""
    if validity is None:
        return ""
    seconds = max(1, min(int(validity.total_seconds()), 30 * 86_400))
    days, rest = divmod(seconds, 86_400)
    return f"0000{days:02d}{rest // 3600:02d}{rest // 60 % 60:02d}{rest % 60:02d}000R"


def read_message_id(body: bytes) -> str:
    """Return the id of a submit_sm_resp; empty where the body is missing, as it may be in a refusal."""
    return body.partition(b"\x00")[0].decode("latin-1")


def read_deliver(data: bytes) -> Deliver:
    """:raises BadPdu: a field runs past the end"""
    pdu = _Deliver("deliver_sm", sequence=0)
    try:
        pdu.parse(data)
        words = pdu.short_message or b""
        if len(words) < (pdu.sm_length or 0):
            raise BadPdu("the text is shorter than it says")
        source, destination = pdu.source_addr.decode("latin-1"), pdu.destination_addr.decode("latin-1")
        # An element may run past the end where a vendor counts wrongly; what was read before it stands.
        payload = pdu.tlvs.get(TLV_MESSAGE_PAYLOAD, b"")
        return Deliver(
            source, pdu.source_addr_ton, destination, pdu.esm_class, pdu.data_coding, words or payload, pdu.tlvs
        )
    except (struct.error, AttributeError, TypeError, IndexError, KeyError) as error:
        raise BadPdu(type(error).__name__) from None


class _Deliver(command.DeliverSM):  # type: ignore[misc]
    """smpplib's deliver_sm with our own reader of optional fields."""

    def __init__(self, *arguments: Any, **fields: Any) -> None:
        self.tlvs: dict[int, bytes] = {}
        super().__init__(*arguments, **fields)

    def parse_optional_params(self, data: bytes) -> None:
        at = 0
        while at + 4 <= len(data):
            tag, length = struct.unpack(">HH", data[at : at + 4])
            if at + 4 + length > len(data):
                return
            self.tlvs[tag] = data[at + 4 : at + 4 + length]
            at += 4 + length


def _generate(name: str, sequence: int, **fields: Any) -> bytes:
    pdu = command.factory(name, sequence=sequence, **fields)
    pdu.sequence = sequence
    for key, value in fields.items():
        setattr(pdu, key, value)
    data: bytes = pdu.generate()
    return data
