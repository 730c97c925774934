"""STEPS: walking directions in a text of their own, asked for while no transaction is open."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import Connection, Engine, delete, select, update

from gateway.database import is_sqlite, reading, writing
from gateway.outbox.enqueue import NewText, enqueue
from gateway.overrides.in_force import catalogue_of
from gateway.pickups.answer import cut, link_to, said_distance, said_name
from gateway.pickups.desk import points_now
from gateway.pickups.pickups import Pickups
from gateway.pickups.points import Near, Point
from gateway.pickups.walking.router import Router, RouterDown
from gateway.pickups.walking.routes import Step
from gateway.pickups.where import described
from gateway.rules.conversation import Listed, Plain, Reply, Value, Word
from gateway.rules.geography import bearing, distance
from gateway.settings import Settings
from gateway.tables import Sender, WalkRequest

log = structlog.get_logger()
_walks, _senders = WalkRequest.__table__, Sender.__table__
_AT_ONCE = 20
_TRIES = 2
_AGAIN = timedelta(seconds=30)
MOST_PARTS = 2


def steps_reply(steps: Sequence[Step], point: Point, pickups: Pickups) -> Reply:
    """Return the turns as a reply of at most two parts: streets go first when it is too long, then the last turns."""
    name, brief = said_name(point), cut(said_name(point), 24)

    def said(turns: Sequence[Step], *, streets: bool) -> Value:
        left_out = ["..."] if len(turns) < len(steps) else []
        return Listed((*(_turn(step, streets) for step in turns), *left_out))

    whole: dict[str, Value] = {
        "point": name,
        "steps": said(steps, streets=True),
        "link": Plain(link_to(point, pickups)),
    }
    shorter = [{"point": brief, "steps": said(steps[:count], streets=False)} for count in range(len(steps), 0, -1)]
    return Reply("steps_text", whole, tuple(shorter), MOST_PARTS)


def _turn(step: Step, streets: bool) -> Value:
    near = Near(_NOWHERE, step.metres, 0.0)
    values: dict[str, Value] = {"distance": said_distance(near), "street": cut(step.street, 30)}
    return Word(f"turn_{step.turn}_street" if streets and step.street else f"turn_{step.turn}", values)


def answer_walks(engine: Engine, settings: Settings, router: Router, now: datetime) -> int:
    """Answer the STEPS that wait; one that cannot be routed twice is answered with the landmark. Returns how many."""
    with reading(engine) as connection:
        if connection.execute(select(_walks.c.id).where(_walks.c.due_at <= now).limit(1)).first() is None:
            return 0
        pickups = points_now(connection, settings, now)
    with writing(engine) as connection:
        due = select(_walks).where(_walks.c.due_at <= now).order_by(_walks.c.id).limit(_AT_ONCE)
        rows = connection.execute(due if is_sqlite(connection) else due.with_for_update(skip_locked=True)).all()
        ids = [row.id for row in rows]
        claimed = update(_walks).where(_walks.c.id.in_(ids)).values(due_at=now + _AGAIN, tries=_walks.c.tries + 1)
        connection.execute(claimed)
    replies = [(row, reply) for row in rows if (reply := _reply(row, pickups, router)) is not None]
    with writing(engine) as connection:
        return sum(_answer(connection, row, reply, pickups, now) for row, reply in replies)


def _reply(row: Any, pickups: Pickups, router: Router) -> Reply | None:
    """Ask the router; None when it is to be asked again later."""
    point = pickups.points.get(row.pickup_point_id)
    if point is None:
        return Reply("where_no_more")
    try:
        return steps_reply(router.route((row.lat, row.lon), (point.lat, point.lon)), point, pickups)
    except RouterDown as error:
        log.info("walk_not_routed", reason=str(error), tries=row.tries + 1)
    if row.tries + 1 < _TRIES:
        return None
    metres = distance(row.lat, row.lon, point.lat, point.lon)
    return described(point, Near(point, metres, bearing(row.lat, row.lon, point.lat, point.lon)), pickups)


def _answer(connection: Connection, row: Any, reply: Reply, pickups: Pickups, now: datetime) -> int:
    """Take the request away and queue the text in one transaction: whoever takes it away writes the text."""
    if connection.execute(delete(_walks).where(_walks.c.id == row.id)).rowcount != 1:
        return 0
    person = connection.execute(select(_senders.c.key).where(_senders.c.id == row.sender_id)).one()
    body = catalogue_of(connection).render(reply, row.language)
    text = NewText("reply", row.sender_id, person.key, body, row.language, reply.wording)
    return enqueue(connection, [text], pickups.routes, now)


_NOWHERE = Point(0, 0, "", "", 0.0, 0.0)
