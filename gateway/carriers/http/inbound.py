"""A carrier's request to us, read as the settings file describes: texts, parts of texts and delivery receipts."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import unquote_to_bytes

from gateway.carriers.coding import UTF8, decode, read_header
from gateway.carriers.http.answers import LONGEST_ID, own_id
from gateway.carriers.http.profile import Inbound, Profile, Receipts
from gateway.carriers.http.trees import NoTree, at_pointer, node_at, read_json, read_xml
from gateway.carriers.outcomes import rule_meaning
from gateway.carriers.received import ReceivedPart, ReceivedText
from gateway.rules.carrier_codes import CodeRule
from gateway.rules.delivery_status import TextState

MAX_BODY_BYTES = 64 * 1024
MAX_FIELDS = 200
MAX_ITEMS = 1_000
MAX_TEXT_LENGTH = 4_096

_CHARSET = re.compile(r"[A-Za-z0-9._:-]{1,40}\Z")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class BadRequest(ValueError):
    """The carrier's request cannot be read; the message says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Item:
    """One text or receipt as it came: fields by name as raw octets, or a tree of JSON or XML."""

    fields: Mapping[str, bytes]
    tree: Any = None

    def raw(self, name: str) -> bytes | None:
        if not name:
            return None
        if name.startswith("/"):
            value = at_pointer(self.tree, name)
            return None if value is None else value.encode("utf-8", "replace")
        return self.fields.get(name)

    def word(self, name: str) -> str:
        """Return a field that is no text of a person's: an id, a number, a status; "" where it is missing."""
        raw = self.raw(name)
        return "" if raw is None else _CONTROL.sub("", raw.decode("utf-8", "replace")).strip()


@dataclass(frozen=True, slots=True)
class HttpReceipt:
    """One receipt, in our words."""

    carrier_id: str
    text_id: int | None
    status: str
    error: str
    state: TextState | None
    rule: CodeRule | None


def read_items(query: bytes, content_type: str, body: bytes, pointer: str) -> list[Item]:
    """Return what one request carries; `pointer` leads to a list of items inside a JSON or XML body.

    :raises BadRequest: too large, a field twice, or a body that is not what its Content-Type says
    """
    if len(body) > MAX_BODY_BYTES:
        raise BadRequest(f"The body is larger than {MAX_BODY_BYTES} bytes.")
    fields = _pairs(query)
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "application/x-www-form-urlencoded":
        for name, value in _pairs(body).items():
            if fields.setdefault(name, value) != value:
                raise BadRequest(f"The field {name} stands twice.")
        return [Item(fields)]
    xml = kind in ("application/xml", "text/xml") or kind.endswith("+xml")
    if not (xml or kind == "application/json" or kind.endswith("+json")):
        return [Item(fields)]
    try:
        tree = read_xml(body) if xml else read_json(body)
    except NoTree:
        raise BadRequest(f"The body is no {'XML' if xml else 'JSON'}.") from None
    nodes = node_at(tree, pointer) if pointer else [tree]
    if xml and nodes is not None and not isinstance(nodes, list):
        nodes = [nodes]  # a list of one looks like an element of its own
    if not isinstance(nodes, list):
        raise BadRequest(f"There is no list at {pointer}.")
    if len(nodes) > MAX_ITEMS:
        raise BadRequest(f"More than {MAX_ITEMS} items in one request.")
    return [Item(fields, node) for node in nodes]


def _pairs(encoded: bytes) -> dict[str, bytes]:
    pieces = [piece for piece in encoded.split(b"&") if piece]
    if len(pieces) > MAX_FIELDS:
        raise BadRequest(f"More than {MAX_FIELDS} fields.")
    found: dict[str, bytes] = {}
    for piece in pieces:
        raw_name, _, raw_value = piece.partition(b"=")
        name = unquote_to_bytes(raw_name.replace(b"+", b" ")).decode("utf-8", "replace")
        value = unquote_to_bytes(raw_value.replace(b"+", b" "))
        if name in found:
            raise BadRequest(f"The field {name[:40]} stands twice.")
        found[name] = value
    return found


def read_text(inbound: Inbound, carrier: str, item: Item, received_at: datetime) -> ReceivedText | ReceivedPart:
    """Return the text of an item, or the part of one where its header says that it is a part.

    A carrier without ids: the id is a hash of sender, recipient, words and the carrier's own time, so that a repeated
    request is known; that is why the settings file must name the time then.

    :raises BadRequest: sender, recipient or text is missing or too long
    """
    sender, recipient = item.word(inbound.sender), item.word(inbound.recipient)
    data = item.raw(inbound.text)
    if not sender or not recipient or len(sender) > 128 or len(recipient) > 128:
        raise BadRequest(f"{inbound.sender} or {inbound.recipient} is missing or too long.")
    if data is None:
        raise BadRequest(f"{inbound.text} is missing.")
    charset, form = _charset(inbound, item)
    if form == "hex":
        data = _from_hex(data, inbound.text)
    concat = None
    if header := item.raw(inbound.udh):
        concat, _ = read_header(_header_octets(header))
    carrier_id = item.word(inbound.id)[: LONGEST_ID + 1]
    if len(carrier_id) > LONGEST_ID:
        raise BadRequest(f"{inbound.id} is too long.")
    if not carrier_id:
        carrier_id = derived_id(sender, recipient, data, item.word(inbound.time))
    if concat is not None:
        return ReceivedPart(
            carrier, sender[:40], recipient[:40], concat, charset, data, received_at, inbound.reply == "queue"
        )
    body = decode(data, charset)
    if len(body) > MAX_TEXT_LENGTH:
        raise BadRequest(f"{inbound.text} is longer than {MAX_TEXT_LENGTH} letters.")
    return ReceivedText(
        carrier=carrier,
        carrier_id=carrier_id,
        from_number=sender,
        to_number=recipient,
        body=body,
        received_at=received_at,
        queue_reply=inbound.reply == "queue",
    )


def derived_id(sender: str, recipient: str, data: bytes, time: str) -> str:
    """Return a stable id of a text whose carrier gives none."""
    digest = hashlib.blake2b(digest_size=24)
    for piece in (sender.encode(), recipient.encode(), data, time.encode()):
        digest.update(len(piece).to_bytes(4, "big") + piece)
    return "hash-" + digest.hexdigest()


def read_receipt(profile: Profile, receipts: Receipts, item: Item) -> HttpReceipt:
    """Return the receipt of an item. An unknown status is kept as it is and moves no text.

    :raises BadRequest: the status is missing, or neither our id nor the carrier's is there
    """
    status, error = item.word(receipts.status), item.word(receipts.error)
    given, carrier_id = item.word(receipts.text), item.word(receipts.id)[:LONGEST_ID]
    text_id = int(given) if given.isascii() and given.isdecimal() and len(given) < 19 else None
    if not status:
        raise BadRequest(f"{receipts.status} is missing.")
    if text_id is not None and not (profile.answer.gives_id and carrier_id):  # the address that we gave says it alone
        carrier_id = own_id(text_id)
    if not carrier_id:
        raise BadRequest(f"Neither {receipts.text} nor {receipts.id or 'an id'} says which text this is of.")
    state = receipts.statuses.get(status)
    meaning = receipts.errors.get(error)
    rule = rule_meaning(meaning, "HTTP", error) if meaning else None
    return HttpReceipt(carrier_id, text_id, status[:20], error[:20], TextState(state) if state else None, rule)


def _charset(inbound: Inbound, item: Item) -> tuple[str, str]:
    """Return the charset of an item's words and whether they are plain or in hex."""
    given = item.word(inbound.charset)
    if (coding := inbound.codings.get(given)) is not None:
        form, _, name = coding.rpartition(" ")
        return name, form or "plain"
    if item.tree is not None and inbound.text.startswith("/"):
        return (UTF8 if inbound.text_form == "plain" else inbound.charset_name), inbound.text_form
    name = given or inbound.charset_name
    return (name.lower() if _CHARSET.match(name) else UTF8), inbound.text_form


def _from_hex(data: bytes, name: str) -> bytes:
    try:
        return bytes.fromhex(data.decode("ascii"))
    except ValueError:
        raise BadRequest(f"{name} is no hex.") from None


def _header_octets(raw: bytes) -> bytes:
    """A header comes as raw octets (Kannel) or as hex (most others); a raw one begins with its own length."""
    if raw[0] + 1 == len(raw):
        return raw
    try:
        return bytes.fromhex(raw.decode("ascii").strip())
    except ValueError:
        return raw
