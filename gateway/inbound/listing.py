"""Texts that reached us as a list, for pages and programs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, select

from gateway.tables import InboundText, Sender

_texts, _senders = InboundText.__table__, Sender.__table__


@dataclass(frozen=True, slots=True)
class InboundFilters:
    """What to show; empty shows everything. Times are aware; `until` itself is left out.

    `within` is a condition on `inbound_texts`, such as the areas of who asks.
    """

    sender_id: int | None = None
    command: str = ""
    flagged: bool | None = None
    since: datetime | None = None
    until: datetime | None = None
    within: ColumnElement[bool] | None = None


def list_inbound(
    connection: Connection, filters: InboundFilters, before_id: int | None, limit: int
) -> Sequence[Row[Any]]:
    """Return texts, the newest first, with the `key` of their sender; those with ids below `before_id`."""
    query = select(_texts, _senders.c.key).join_from(_texts, _senders, _senders.c.id == _texts.c.sender_id)
    conditions = [
        None if before_id is None else _texts.c.id < before_id,
        None if filters.sender_id is None else _texts.c.sender_id == filters.sender_id,
        _texts.c.command == filters.command if filters.command else None,
        None if filters.flagged is None else _texts.c.flagged == filters.flagged,
        None if filters.since is None else _texts.c.received_at >= filters.since,
        None if filters.until is None else _texts.c.received_at < filters.until,
        filters.within,
    ]
    query = query.where(*(one for one in conditions if one is not None))
    return connection.execute(query.order_by(_texts.c.id.desc()).limit(limit)).all()
