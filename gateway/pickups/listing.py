"""Events and pick-up points as lists, for pages and programs."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, select

from gateway.tables import Departure, Event, PickupPoint

_events, _points, _buses = Event.__table__, PickupPoint.__table__, Departure.__table__


def list_events(
    connection: Connection, before_id: int | None, limit: int, *conditions: ColumnElement[bool]
) -> Sequence[Row[Any]]:
    """Return events, the one made last first; those with ids below `before_id`.

    :param conditions: on the columns of events
    """
    query = select(_events).where(*conditions).order_by(_events.c.id.desc()).limit(limit)
    return connection.execute(query if before_id is None else query.where(_events.c.id < before_id)).all()


def list_points(
    connection: Connection, *conditions: ColumnElement[bool], after_id: int = 0, limit: int | None = None
) -> Sequence[Row[Any]]:
    """Return points by rising id, with `event`, the key of theirs.

    :param conditions: on the columns of pickup_points
    """
    query = select(_points, _events.c.key.label("event")).join_from(
        _points, _events, _events.c.id == _points.c.event_id
    )
    query = query.where(_points.c.id > after_id, *conditions).order_by(_points.c.id)
    return connection.execute(query.limit(limit)).all()


def buses_of(connection: Connection, point_ids: Sequence[int]) -> Mapping[int, Sequence[Row[Any]]]:
    """Return the departures of points by the point's id, in order of time."""
    found: dict[int, list[Row[Any]]] = {}
    query = select(_buses).where(_buses.c.pickup_point_id.in_(point_ids)).order_by(_buses.c.leaves_at, _buses.c.id)
    for row in connection.execute(query):
        found.setdefault(row.pickup_point_id, []).append(row)
    return found
