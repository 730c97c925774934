"""New members by city."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, func, select

from gateway.tables import Member, Place
from gateway.tables.members import EVERY_MEMBER

_members, _places = Member.__table__, Place.__table__


@dataclass(frozen=True, slots=True)
class CityJoins:
    """Who joined in one city; `names` maps a language to its name, "" to the usual one; None: they named no city."""

    city: str | None
    names: Mapping[str, str]
    joins: int


def joins_by_city(
    connection: Connection, since: datetime, whose: ColumnElement[bool] | None = None, shown: int = 8
) -> tuple[list[CityJoins], int]:
    """Return the cities with most members since a moment (aware UTC), and how many joined in all cities together.

    :param whose: a condition on `members`
    """
    joined = func.count().label("joins")
    query = select(_members.c.city_id, joined).where(_members.c.joined_at >= since, EVERY_MEMBER)
    if whose is not None:
        query = query.where(whose)
    rows = connection.execute(query.group_by(_members.c.city_id).order_by(joined.desc(), _members.c.city_id)).all()
    top = rows[:shown]
    ids = [row.city_id for row in top if row.city_id is not None]
    places = {
        row.id: row
        for row in connection.execute(
            select(_places.c.id, _places.c.key, _places.c.name, _places.c.names).where(_places.c.id.in_(ids))
        )
    }
    cities = [
        CityJoins(place.key, {"": place.name, **place.names}, row.joins)
        if (place := places.get(row.city_id))
        else CityJoins(None, {}, row.joins)
        for row in top
    ]
    return cities, sum(row.joins for row in rows)
