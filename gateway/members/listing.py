"""Members as a list and one by one, for pages and programs: how they are filed, and what consent they gave."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, select

from gateway.tables import ConsentEntry, Filing, Member, Sender

_members, _senders = Member.__table__, Sender.__table__


def list_members(
    connection: Connection, condition: ColumnElement[bool] | None, after_id: int, limit: int
) -> Sequence[Row[Any]]:
    """Return members by rising sender id, `limit` at most, with `key`, `consent` and `number_state` of their sender.

    :param condition: on the columns of members, such as an `Audience`'s; None for everyone
    :param after_id: the last id of the page before; 0 for the first
    """
    query = (
        select(_members, _senders.c.key, _senders.c.consent, _senders.c.number_state, _senders.c.last_seen_at)
        .join_from(_members, _senders, _senders.c.id == _members.c.sender_id)
        .where(_members.c.sender_id > after_id, _senders.c.id > after_id)  # of both: see `counting.recipients`
        .order_by(_members.c.sender_id)
        .limit(limit)
    )
    return connection.execute(query if condition is None else query.where(condition)).all()


def find_member(
    connection: Connection, sender_id: int, condition: ColumnElement[bool] | None = None
) -> Row[Any] | None:
    """Return one member as `list_members` does; None if there is none, or not within the condition."""
    mine = _members.c.sender_id == sender_id
    found = list_members(connection, mine if condition is None else mine & condition, sender_id - 1, 1)
    return found[0] if found else None


def member_id_of(connection: Connection, key: str) -> int | None:
    """Return the id of the member with that number (E.164), or None."""
    query = select(_members.c.sender_id).join_from(_members, _senders, _senders.c.id == _members.c.sender_id)
    return connection.execute(query.where(_senders.c.key == key)).scalar()


def consent_of(connection: Connection, sender_id: int) -> Sequence[Row[Any]]:
    """Return a member's record of consent, the oldest first."""
    mine = ConsentEntry.sender_id == sender_id
    return connection.execute(select(ConsentEntry.__table__).where(mine).order_by(ConsentEntry.id)).all()


def changes_of(connection: Connection, sender_id: int) -> Sequence[Row[Any]]:
    """Return how a member's filing changed, the oldest first."""
    mine = Filing.sender_id == sender_id
    return connection.execute(select(Filing.__table__).where(mine).order_by(Filing.id)).all()
