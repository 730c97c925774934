"""Texts that left or wait to leave as a list, for pages and programs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, select

from gateway.tables import Broadcast, OutboundText, Sender

_texts, _senders, _broadcasts = OutboundText.__table__, Sender.__table__, Broadcast.__table__


@dataclass(frozen=True, slots=True)
class OutboundFilters:
    """What to show; empty shows everything. Times are aware and of the making; `until` itself is left out.

    `within` is a condition on `outbound_texts`, such as the areas of who asks.
    """

    sender_id: int | None = None
    kind: str = ""
    state: str = ""
    broadcast: str = ""
    since: datetime | None = None
    until: datetime | None = None
    within: ColumnElement[bool] | None = None


def list_outbound(
    connection: Connection, filters: OutboundFilters, before_id: int | None, limit: int
) -> Sequence[Row[Any]]:
    """Return texts, the newest first, with the `key` of their phone and `broadcast`, the key of theirs."""
    query = (
        select(_texts, _senders.c.key, _broadcasts.c.key.label("broadcast"))
        .join_from(_texts, _senders, _senders.c.id == _texts.c.sender_id)
        .outerjoin(_broadcasts, _broadcasts.c.id == _texts.c.broadcast_id)
    )
    of_broadcast = select(_broadcasts.c.id).where(_broadcasts.c.key == filters.broadcast).scalar_subquery()
    conditions = [
        None if before_id is None else _texts.c.id < before_id,
        None if filters.sender_id is None else _texts.c.sender_id == filters.sender_id,
        _texts.c.kind == filters.kind if filters.kind else None,
        _texts.c.state == filters.state if filters.state else None,
        _texts.c.broadcast_id == of_broadcast if filters.broadcast else None,
        None if filters.since is None else _texts.c.created_at >= filters.since,
        None if filters.until is None else _texts.c.created_at < filters.until,
        filters.within,
    ]
    query = query.where(*(one for one in conditions if one is not None))
    return connection.execute(query.order_by(_texts.c.id.desc()).limit(limit)).all()
