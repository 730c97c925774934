"""What staff and the clock do with pick-up points: move, close, open, end promises, tell those who wait."""

from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import Connection, Engine, select, update

from gateway.database import reading, writing
from gateway.outbox.setup import routes_from
from gateway.pickups.answer import clock, landmark_of, link_to, said_name
from gateway.pickups.notices import holders, tell
from gateway.pickups.pickups import Pickups
from gateway.pickups.seat_rows import lapse
from gateway.pickups.store import REVISION, mark_changed, read_points
from gateway.places.store import bump
from gateway.rules.conversation import Plain, Reply, Value
from gateway.settings import Settings
from gateway.tables import Departure, PickupPoint, SeatHold, SeatWait, Sender

_points, _buses, _holds = PickupPoint.__table__, Departure.__table__, SeatHold.__table__
_waits, _senders = SeatWait.__table__, Sender.__table__
_AT_ONCE = 500


def points_now(connection: Connection, settings: Settings, now: datetime) -> Pickups:
    """Return what is needed to say things about points; no place can be looked up in it."""
    return with_settings(read_points(connection, now, settings.zone), settings)


def with_settings(pickups: Pickups, settings: Settings) -> Pickups:
    """Return the same with what settings say: where links lead, which carrier takes which texts."""
    return replace(
        pickups,
        link_base=f"{settings.public_base_url}/p/",
        routes=routes_from(settings),
        router=bool(settings.walking_router),
    )


def move_point(
    connection: Connection,
    point_id: int,
    lat: float,
    lon: float,
    landmark: str,
    pickups: Pickups,
    now: datetime,
    language: str,
) -> int:
    """Move a point and tell everyone who holds a seat there, once; returns how many were told.

    Moving it to where it is already changes nothing and tells nobody.

    :raises LookupError: there is no such point among the events to come
    """
    if point_id not in pickups.points:
        raise LookupError(point_id)
    buses = _coming(connection, point_id)
    row = connection.execute(select(_points).where(_points.c.id == point_id).with_for_update()).one()
    if (row.lat, row.lon) == (lat, lon):
        return 0
    landmarks = {"": landmark} if landmark else {}
    written = update(_points).where(_points.c.id == point_id)
    connection.execute(written.values(lat=lat, lon=lon, landmarks=landmarks, state="moved"))
    told = _tell_holders(connection, point_id, buses, "point_moved", pickups, now, language, (lat, lon, landmarks))
    bump(connection, REVISION)
    mark_changed(connection, [point_id], [])
    return told


def set_state(connection: Connection, point_id: int, state: str, pickups: Pickups, now: datetime, language: str) -> int:
    """Open, fill or close a point; closing it ends the promises there and tells each holder once.

    :returns: how many were told
    :raises LookupError: there is no such point among the events to come
    """
    if point_id not in pickups.points:
        raise LookupError(point_id)
    buses = _coming(connection, point_id)
    row = connection.execute(select(_points).where(_points.c.id == point_id).with_for_update()).one()
    told = 0
    if state == "closed" and row.state != "closed":
        told = _tell_holders(connection, point_id, buses, "point_closed", pickups, now, language)
        running = _holds.c.departure_id.in_(list(buses)) & (_holds.c.state == "held")
        connection.execute(update(_holds).where(running).values(state="freed", ended_at=now))
        connection.execute(update(_buses).where(_buses.c.id.in_(list(buses))).values(held=0))
    connection.execute(update(_points).where(_points.c.id == point_id).values(state=state))
    mark_changed(connection, [point_id], sorted(buses))
    return told


def _coming(connection: Connection, point_id: int) -> dict[int, datetime]:
    """Lock a point's buses that have not left; returns when each leaves."""
    mine = (_buses.c.pickup_point_id == point_id) & _buses.c.left_at.is_(None)
    rows = connection.execute(select(_buses).where(mine).order_by(_buses.c.id).with_for_update())
    return {row.id: row.leaves_at + timedelta(minutes=row.late_minutes) for row in rows}


def _tell_holders(
    connection: Connection,
    point_id: int,
    buses: dict[int, datetime],
    wording: str,
    pickups: Pickups,
    now: datetime,
    language: str,
    moved: tuple[float, float, dict[str, str]] | None = None,
) -> int:
    point = pickups.points[point_id]
    if moved:
        point = replace(point, lat=moved[0], lon=moved[1], landmarks=moved[2])
    told = 0
    for bus, leaves in sorted(buses.items()):
        values: dict[str, Value] = {
            "point": said_name(point),
            "landmark": landmark_of(point),
            "time": clock(leaves, now, pickups, point),
            "link": Plain(link_to(point, pickups)),
        }
        reply = Reply(wording, values, ({"landmark": ""},))
        told += tell(connection, holders(connection, [bus]), reply, pickups, now, language)
    return told


def end_promises(engine: Engine, now: datetime) -> int:
    """End the promises whose stated time is over, so that others get the seats; returns how many seats came free."""
    with reading(engine) as connection:
        if (
            connection.execute(select(_holds.c.id).where(_holds.c.state == "held", _holds.c.until <= now)).first()
            is None
        ):
            return 0
    with writing(engine) as connection:
        over = select(_holds.c.departure_id).where(_holds.c.state == "held", _holds.c.until <= now).distinct()
        buses = sorted(connection.execute(over).scalars())
        if not buses:
            return 0
        locked = select(_buses.c.id).where(_buses.c.id.in_(buses)).order_by(_buses.c.id).with_for_update()
        return sum(lapse(connection, list(connection.execute(locked).scalars()), now).values())


def tell_waiting(engine: Engine, settings: Settings, now: datetime) -> int:
    """Tell those who wait for a seat, once, where a point has seats again; returns how many were told.

    Safe to run on several machines at once: whoever marks a row as told first writes the text.
    """
    untold = select(_waits.c.pickup_point_id).where(_waits.c.told_at.is_(None)).distinct()
    with reading(engine) as connection:
        waited_for = set(connection.execute(untold).scalars())
        if not waited_for:
            return 0
    with writing(engine) as connection:
        pickups = points_now(connection, settings, now)
        told = 0
        for point_id in sorted(waited_for & pickups.points.keys()):
            point = pickups.points[point_id]
            bus = pickups.live.next_bus(point, now)
            if bus is None or not pickups.live.available(point, now):
                continue
            reply = Reply(
                "seat_again",
                {"point": said_name(point), "time": clock(pickups.live.leaves(bus), now, pickups, point)},
            )
            mine = (_waits.c.pickup_point_id == point_id) & _waits.c.told_at.is_(None)
            chosen = select(_waits.c.sender_id).where(mine).order_by(_waits.c.asked_at, _waits.c.sender_id)
            batch = list(connection.execute(chosen.limit(_AT_ONCE)).scalars())
            marked = update(_waits).where(mine, _waits.c.sender_id.in_(batch)).values(told_at=now)
            won = sorted(connection.execute(marked.returning(_waits.c.sender_id)).scalars())
            columns = (_senders.c.id, _senders.c.key, _senders.c.language, _senders.c.consent)
            people = connection.execute(select(*columns).where(_senders.c.id.in_(won)).order_by(_senders.c.id)).all()
            told += tell(connection, people, reply, pickups, now, settings.default_language)
        return told
