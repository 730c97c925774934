"""Texts that pick-up points start: a late bus, a moved point, seats that are free again. They go by the outbox."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from gateway.outbox.enqueue import NewText, enqueue
from gateway.overrides.in_force import catalogue_of
from gateway.pickups.answer import clock, said_name
from gateway.pickups.pickups import Pickups
from gateway.replies.catalogue import LANGUAGES
from gateway.rules.conversation import Reply
from gateway.tables import SeatHold, Sender

KIND = "pickup"
_senders, _holds = Sender.__table__, SeatHold.__table__


def tell(
    connection: Connection, people: Sequence[Any], reply: Reply, pickups: Pickups, now: datetime, language: str
) -> int:
    """Queue one text to each of these people, in their own language; returns how many.

    Once-ness is the caller's: it calls in the transaction in which what it tells of changed.

    :param people: rows of senders with `id`, `key`, `language` and `consent`; those who texted STOP get nothing
    :param language: for those whose language is not known
    """
    said: dict[str, str] = {}
    texts = []
    for person in people:
        if person.consent == "stopped":
            continue
        spoken = person.language if person.language in LANGUAGES else language
        if spoken not in said:
            said[spoken] = catalogue_of(connection).render(reply, spoken)
        texts.append(NewText(KIND, person.id, person.key, said[spoken], spoken, reply.wording))
    return enqueue(connection, texts, pickups.routes, now)


def tell_late(
    connection: Connection, bus_id: int, point_id: int, leaves: datetime, pickups: Pickups, now: datetime, language: str
) -> int:
    """Tell everyone with a seat on a bus when it leaves now."""
    point = pickups.points.get(point_id)
    if point is None:
        return 0
    reply = Reply("bus_late", {"point": said_name(point), "time": clock(leaves, now, pickups, point)})
    return tell(connection, holders(connection, [bus_id]), reply, pickups, now, language)


def holders(connection: Connection, bus_ids: Sequence[int]) -> Sequence[Any]:
    """Return everyone who holds a seat on one of these buses."""
    columns = (_senders.c.id, _senders.c.key, _senders.c.language, _senders.c.consent, _holds.c.departure_id)
    joined = _senders.join(_holds, _holds.c.sender_id == _senders.c.id)
    running = (_holds.c.state == "held") & _holds.c.departure_id.in_(bus_ids)
    return connection.execute(select(*columns).select_from(joined).where(running).order_by(_senders.c.id)).all()
