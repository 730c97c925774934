"""How full each point is, live and after: asked, offered, held, boarded; and where people ask far from any point."""

from typing import Any

from sqlalchemy import ColumnElement, Connection, Integer, cast, func, select

from gateway.tables import Departure, PickupAsk, PickupPoint, SeatHold, SeatWait

FAR_WALK_M = 1_500
"""Farther than this is more than a quarter of an hour on foot: no point is near."""

_asks, _points, _buses = PickupAsk.__table__, PickupPoint.__table__, Departure.__table__
_holds, _waits = SeatHold.__table__, SeatWait.__table__


def load_of(connection: Connection, event_id: int, which: ColumnElement[bool] | None = None) -> list[dict[str, Any]]:
    """Return a row per point, the most asked about first.

    asked: texts to which it is the nearest point of all, full or not; offered: texts that it was the answer to; held:
    seats promised and not given back, also those of buses that have left; boarded: what marshals counted; waiting:
    people to be told when a seat is free; seats: None where nobody counts them.

    :param which: a condition on `pickup_points`
    """
    wanted = _points.c.event_id == event_id
    if which is not None:
        wanted = wanted & which
    mine = select(_points.c.id).where(wanted)
    asked = _counted(connection, _asks.c.nearest_id, event_id)
    offered = _counted(connection, _asks.c.offered_id, event_id)
    kept = _holds.c.state.in_(("held", "travelled", "lapsed"))
    held = _pairs(
        connection,
        select(_buses.c.pickup_point_id, func.sum(_holds.c.seats))
        .join(_holds, _holds.c.departure_id == _buses.c.id)
        .where(kept, _buses.c.pickup_point_id.in_(mine))
        .group_by(_buses.c.pickup_point_id),
    )
    waiting = _pairs(
        connection,
        select(_waits.c.pickup_point_id, func.count())
        .where(_waits.c.told_at.is_(None), _waits.c.pickup_point_id.in_(mine))
        .group_by(_waits.c.pickup_point_id),
    )
    counts = {
        row.pickup_point_id: row
        for row in connection.execute(
            select(
                _buses.c.pickup_point_id,
                func.sum(_buses.c.seats).label("seats"),
                func.sum(_buses.c.boarded).label("boarded"),
            )
            .where(_buses.c.pickup_point_id.in_(mine))
            .group_by(_buses.c.pickup_point_id)
        )
    }
    rows = [
        {
            "id": point.id,
            "point": point.name,
            "city": point.city,
            "state": point.state,
            "asked": asked.get(point.id, 0),
            "offered": offered.get(point.id, 0),
            "held": held.get(point.id, 0),
            "boarded": int(counts[point.id].boarded or 0) if point.id in counts else 0,
            "seats": counts[point.id].seats if point.id in counts else None,
            "waiting": waiting.get(point.id, 0),
        }
        for point in connection.execute(select(_points).where(wanted).order_by(_points.c.id))
    ]
    return sorted(rows, key=lambda row: (-row["asked"], row["id"]))


def far_demand(
    connection: Connection, event_id: int, limit: int = 20, which: ColumnElement[bool] | None = None
) -> list[dict[str, Any]]:
    """Return the places most asked about from which people would walk far, or from which nothing was in reach.

    `metres` is the mean of what they would walk, None where no point could be offered. Pasted positions are put
    together by squares of some kilometre.

    :param which: a condition on `pickup_points`: then only asks whose nearest point of all is one of these
    """
    square_lat, square_lon = cast(func.round(_asks.c.lat * 100), Integer), cast(func.round(_asks.c.lon * 100), Integer)
    far = _asks.c.offered_id.is_(None) | (_asks.c.metres > FAR_WALK_M)
    mine = (_asks.c.event_id == event_id) | _asks.c.event_id.is_(None)
    if which is not None:
        mine = mine & _asks.c.nearest_id.in_(select(_points.c.id).where(which))
    rows = connection.execute(
        select(
            _asks.c.place,
            square_lat.label("lat"),
            square_lon.label("lon"),
            func.count().label("asked"),
            func.count(_asks.c.offered_id).label("offered"),
            func.avg(_asks.c.metres).label("metres"),
        )
        .where(mine, far)
        .group_by(_asks.c.place, square_lat, square_lon)
        .order_by(func.count().desc(), _asks.c.place)
        .limit(limit)
    )
    return [
        {
            "place": row.place or f"{row.lat / 100:.2f},{row.lon / 100:.2f}",
            "asked": row.asked,
            "without_offer": row.asked - row.offered,
            "metres": round(row.metres) if row.metres is not None else None,
            "lat": row.lat / 100,
            "lon": row.lon / 100,
        }
        for row in rows
    ]


def _counted(connection: Connection, column: Any, event_id: int) -> dict[int, int]:
    wanted = (_asks.c.event_id == event_id) & column.is_not(None)
    return _pairs(connection, select(column, func.count()).where(wanted).group_by(column))


def _pairs(connection: Connection, query: Any) -> dict[int, int]:
    return {row[0]: int(row[1]) for row in connection.execute(query)}
