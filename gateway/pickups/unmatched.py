"""Places that nobody knew, and the one action that makes one of them a spelling of a known place."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from gateway.pickups.applied import unmatched_key
from gateway.pickups.store import REVISION
from gateway.places.store import bump
from gateway.tables import PickupPoint, Place, UnmatchedPlace

_unmatched, _places, _points = UnmatchedPlace.__table__, Place.__table__, PickupPoint.__table__


def unmatched_places(
    connection: Connection, limit: int = 100, near: Sequence[str] | None = None
) -> list[dict[str, Any]]:
    """Return the places that nobody knew and staff have not dealt with, the most asked about first.

    :param near: names of cities; then only what was first asked by their members, or by nobody's
    """
    open_ones = select(_unmatched).where(_unmatched.c.alias_of.is_(None))
    if near is not None:
        names = ["", *(name.lower() for name in near)]
        open_ones = open_ones.where(func.lower(_unmatched.c.near).in_(names))
    rows = connection.execute(open_ones.order_by(_unmatched.c.times.desc(), _unmatched.c.key).limit(limit))
    return [
        {
            "key": row.key,
            "words": row.words,
            "times": row.times,
            "near": row.near,
            "first": row.first_asked_at,
            "last": row.last_asked_at,
        }
        for row in rows
    ]


def make_alias(connection: Connection, words: str, place_key: str) -> None:
    """Make `words` a spelling of a place or pick-up point; every process knows it within two seconds.

    :param place_key: a place's key, or `pickup:` and a point's id
    :raises LookupError: there is no such place
    """
    if place_key.startswith("pickup:") and place_key[7:].isdecimal():
        table, mine, revision = _points, _points.c.id == int(place_key[7:]), REVISION
    else:
        table, mine, revision = _places, _places.c.key == place_key, "places"
    row = connection.execute(select(table.c.id, table.c.aliases).where(mine).with_for_update()).first()
    if row is None:
        raise LookupError(place_key)
    aliases = dict.fromkeys((*row.aliases, words.strip()[:80]))
    connection.execute(update(table).where(table.c.id == row.id).values(aliases=list(aliases)))
    _settle(connection, words, place_key)
    bump(connection, revision)


def make_place(connection: Connection, words: str, lat: float, lon: float, city: str, now: datetime) -> str:
    """Make `words` a place of its own at a position in WGS 84 degrees; returns its key."""
    key = f"staff-{now:%Y%m%d%H%M%S}-{unmatched_key(words).replace(' ', '-')}"[:120]
    row = {"key": key, "name": words.strip()[:80], "kind": "landmark", "city": city[:120], "lat": lat, "lon": lon}
    connection.execute(insert(_places).values(**row, names={}, aliases=[], source="staff"))
    _settle(connection, words, key)
    bump(connection, "places")
    return key


def _settle(connection: Connection, words: str, place_key: str) -> None:
    connection.execute(
        update(_unmatched).where(_unmatched.c.key == unmatched_key(words)).values(alias_of=place_key[:120])
    )
