"""Texts that pick-up points start: a late bus, a moved point, seats that are free again. Rows of the outbox."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select

from gateway.pickups.answer import clock, said_name
from gateway.pickups.pickups import Pickups
from gateway.replies.catalogue import LANGUAGES, load_catalogue
from gateway.rules.conversation import Reply
from gateway.rules.message_parts import cheapest, count_parts
from gateway.tables import OutboundText, SeatHold, Sender

KIND = "pickup"
_senders, _holds = Sender.__table__, SeatHold.__table__


def tell(
    connection: Connection, people: Sequence[Any], reply: Reply | Callable[[Any], Reply], now: datetime, language: str
) -> int:
    """Queue one text to each of these people, in their own language; returns how many.

    Once-ness is the caller's: it calls in the transaction in which what it tells of changed.

    :param people: rows of senders with `id`, `language` and `consent`; those who texted STOP get nothing
    :param language: for those whose language is not known
    """
    catalogue = load_catalogue()
    rows = []
    for person in people:
        if person.consent == "stopped":
            continue
        spoken = person.language if person.language in LANGUAGES else language
        one = reply(person) if callable(reply) else reply
        body = cheapest(catalogue.render(one, spoken))
        parts = count_parts(body)
        rows.append(
            {
                "kind": KIND,
                "sender_id": person.id,
                "wording": one.wording,
                "language": spoken,
                "body": body,
                "encoding": parts.encoding,
                "parts": max(1, parts.parts),
                "state": "queued",
                "created_at": now,
                "state_at": now,
            }
        )
    if rows:
        connection.execute(insert(OutboundText), rows)
    return len(rows)


def tell_late(
    connection: Connection, bus_id: int, point_id: int, leaves: datetime, pickups: Pickups, now: datetime, language: str
) -> int:
    """Tell everyone with a seat on a bus when it leaves now."""
    point = pickups.points.get(point_id)
    if point is None:
        return 0
    reply = Reply("bus_late", {"point": said_name(point), "time": clock(leaves, now, pickups, point)})
    return tell(connection, holders(connection, [bus_id]), reply, now, language)


def holders(connection: Connection, bus_ids: Sequence[int]) -> Sequence[Any]:
    """Return everyone who holds a seat on one of these buses."""
    columns = (_senders.c.id, _senders.c.key, _senders.c.language, _senders.c.consent, _holds.c.departure_id)
    joined = _senders.join(_holds, _holds.c.sender_id == _senders.c.id)
    running = (_holds.c.state == "held") & _holds.c.departure_id.in_(bus_ids)
    return connection.execute(select(*columns).select_from(joined).where(running).order_by(_senders.c.id)).all()
