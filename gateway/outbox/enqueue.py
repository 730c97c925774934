"""Put texts in the outbox, in the caller's own transaction: a text exists exactly when what caused it is committed."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

from sqlalchemy import Connection

from gateway.bulk import Packed, count_inserted, insert_rows, pack
from gateway.rules.carrier_routes import Route, route_of
from gateway.rules.delivery_status import TextState
from gateway.rules.lanes import KINDS, lane_for
from gateway.rules.message_parts import MessageParts, cheapest_parts
from gateway.tables import OutboundText

_texts = OutboundText.__table__
_OFTEN_SHARED = (
    "kind", "inbound_id", "broadcast_id", "wording", "not_before", "expires_at", "created_at", "state_at",
)  # fmt: skip
"""Columns that are the same in all texts of a broadcast: they travel once for a chunk."""


class _Row(NamedTuple):
    """What is written of a text; a tuple, because dictionaries of a chunk are slower to walk through than to make."""

    kind: str
    sender_id: int
    inbound_id: int | None
    broadcast_id: int | None
    wording: str
    language: str
    body: str
    encoding: str
    parts: int
    state: TextState
    reason: str | None
    lane: str | None
    not_before: datetime
    expires_at: datetime | None
    created_at: datetime
    state_at: datetime


class NewText(NamedTuple):
    """One text to one sender. `kind` is one of `rules.lanes.KINDS`; `number` is the sender's key (E.164).

    `carrier` is set where only that carrier may send it, such as a reply to the short code of one. `zone` is the IANA
    time zone of the recipient's sending hours. `suppressed` is the reason where a rule already keeps the text back: it
    is then only put on record, so that an account adds up. Times are aware. `counted` is what `cheapest_parts(body)`
    returns, where the caller has counted already.
    """

    kind: str
    sender_id: int
    number: str
    body: str
    language: str = "en"
    wording: str = ""
    zone: str = ""
    broadcast_id: int | None = None
    inbound_id: int | None = None
    not_before: datetime | None = None
    expires_at: datetime | None = None
    suppressed: str = ""
    carrier: str = ""
    counted: MessageParts | None = None


def pack_texts(kind: str, texts: Sequence[NewText], routes: Sequence[Route], now: datetime) -> Packed:
    """Make texts ready for `enqueue_packed`; at least one.

    :param kind: of the database, the dialect's name
    :param now: aware UTC
    :raises ValueError: a kind that is none, an empty text, or one whose `counted` is of another text
    """
    rows = [_row(text, routes, now) for text in texts]
    columns = dict(zip(_Row._fields, zip(*rows, strict=True), strict=True))
    first = {name: columns[name][0] for name in _OFTEN_SHARED}
    shared = {name: value for name, value in first.items() if columns[name].count(value) == len(rows)}
    return pack(_texts, kind, {name: values for name, values in columns.items() if name not in shared}, shared)


def enqueue_packed(connection: Connection, packed: Packed) -> int:
    """Put texts that were made ready in the outbox; otherwise as `enqueue`."""
    return count_inserted(connection, packed)


def enqueue(connection: Connection, texts: Iterable[NewText], routes: Sequence[Route], now: datetime) -> int:
    """Put texts in the outbox and return how many are new: one that a broadcast already has for a sender stays single.

    :param connection: a writing transaction of the caller's; nothing leaves before it commits
    :param now: aware UTC
    :raises ValueError: as `pack_texts`
    """
    new = list(texts)
    return enqueue_packed(connection, pack_texts(connection.dialect.name, new, routes, now)) if new else 0


def enqueue_one(connection: Connection, text: NewText, routes: Sequence[Route], now: datetime) -> int:
    """Put one text in the outbox and return its id; otherwise as `enqueue`."""
    [row] = insert_rows(connection, _texts, [_row(text, routes, now)._asdict()], returning=("id",))
    return int(row.id)


@lru_cache(maxsize=4_096)
def _counted(body: str) -> MessageParts:
    return cheapest_parts(body)


@lru_cache(maxsize=1_024)
def _lane(kind: str, broadcast_id: int | None, route: str, zone: str) -> str:
    return str(lane_for(kind, broadcast_id, route, zone))


def _row(text: NewText, routes: Sequence[Route], now: datetime) -> _Row:
    if text.kind not in KINDS:
        raise ValueError(f"There is no kind of text {text.kind!r}.")
    reason = text.suppressed or ("" if text.number.startswith("+") else "not a number that can be texted")
    if not text.body and not reason:
        raise ValueError("An empty text cannot be sent.")
    counted = text.counted or _counted(text.body)
    if text.counted and text.counted.text != text.body:
        raise ValueError("What was counted is another text than the one to send.")
    waiting = not reason
    route = f"={text.carrier}" if text.carrier or not waiting else route_of(text.number, routes).prefix
    return _Row(
        kind=text.kind,
        sender_id=text.sender_id,
        inbound_id=text.inbound_id,
        broadcast_id=text.broadcast_id,
        wording=text.wording,
        language=text.language,
        body=counted.text,
        encoding=counted.encoding,
        parts=max(1, counted.parts),
        state=TextState.QUEUED if waiting else TextState.SUPPRESSED,
        reason=reason[:160] or None,
        lane=_lane(text.kind, text.broadcast_id, route, text.zone) if waiting else None,
        not_before=max(now, text.not_before or now),
        expires_at=text.expires_at,
        created_at=now,
        state_at=now,
    )
