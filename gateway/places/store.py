"""Places, seats and groups between the database and the values that decisions are made of."""

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from importlib import resources
from typing import Any

from sqlalchemy import Connection, func, insert, select

from gateway.places.affinities import MAX_AFFINITIES, Group, Groups
from gateway.places.directory import Directory, seat_key
from gateway.revisions import bump, revisions
from gateway.tables import Affinity, Constituency, Place
from segments import (
    Constituency as Seat,
)
from segments import (
    ConstituencyRegister,
    Gazetteer,
    default_gazetteer,
    default_register,
    places_of_country,
)
from segments import Place as Spot
from segments.own_data import PAKISTAN_HOUSES

__all__ = ["bump", "load_base", "place_row", "read_directory", "revisions", "seat_row"]

_NATIONAL_HOUSE = {"PK": "NA"}
_LEAST_POPULATION = 15_000


def load_base(connection: Connection, region: str) -> tuple[int, int, int]:
    """Fill in the base places, seats and groups of a region that are not there yet; returns how many of each.

    Rows that organisers have changed or added stay as they are.

    :param region: ISO 3166-1 alpha-2; Pakistan has seats of its own, other countries start with their cities
    """
    places = (
        default_gazetteer().places if region == "PK" else places_of_country(region, least_population=_LEAST_POPULATION)
    )
    seats = default_register().constituencies if region == "PK" else ()
    counts = (
        _add(connection, Place, [place_row(place, "base") for place in places], ("key",)),
        _add(connection, Constituency, [seat_row(seat, "base", region) for seat in seats], ("code", "delimitation")),
        _add_groups(connection),
    )
    if any(counts):
        bump(connection, "places")
    return counts


def _add(connection: Connection, table: Any, rows: Sequence[Mapping[str, Any]], key: tuple[str, ...]) -> int:
    columns = [getattr(table, name) for name in key]
    known = {tuple(row) for row in connection.execute(select(*columns))}
    fresh = [row for row in rows if tuple(row[name] for name in key) not in known]
    if fresh:
        connection.execute(insert(table.__table__), fresh)
    return len(fresh)


def _add_groups(connection: Connection) -> int:
    text = (resources.files("gateway.places") / "affinities.toml").read_text(encoding="utf-8")
    known = set(connection.execute(select(Affinity.key)).scalars())
    top = connection.execute(select(func.max(Affinity.bit))).scalar()
    bit = -1 if top is None else int(top)
    rows = []
    for entry in tomllib.loads(text)["affinity"]:
        if entry["key"] not in known and bit + 1 < MAX_AFFINITIES and not known:
            bit += 1
            rows.append({**entry, "bit": bit})
    if rows:
        connection.execute(insert(Affinity.__table__), rows)
    return len(rows)


def place_row(place: Spot, source: str) -> dict[str, Any]:
    """Return the columns of a place."""
    return {
        "key": place.key,
        "name": place.name,
        "kind": place.kind,
        "city": place.city or "",
        "district": place.district or "",
        "province": place.province or "",
        "country": place.country or "",
        "lat": place.lat,
        "lon": place.lon,
        "population": place.population,
        "names": dict(place.names),
        "aliases": list(place.aliases),
        "source": source,
    }


def seat_row(seat: Seat, source: str, region: str) -> dict[str, Any]:
    """Return the columns of a seat; `tier` is national for the main house, and where codes have no letters."""
    main = _NATIONAL_HOUSE.get(region, "")
    return {
        "code": seat.code,
        "delimitation": seat.delimitation or 0,
        "tier": "national" if not main or seat.house in (main, "") else "provincial",
        "name": seat.name,
        "area": seat.area,
        "ordinal": seat.ordinal,
        "districts": list(seat.districts),
        "province": seat.province or "",
        "names": dict(seat.names),
        "aliases": list(seat.aliases),
        "source": source,
    }


def read_directory(connection: Connection) -> Directory:
    """Return everything on file as one immutable value; costs some 50 ms for a country."""
    place_rows = connection.execute(select(Place.__table__).order_by(Place.id)).all()
    seat_rows = connection.execute(select(Constituency.__table__).order_by(Constituency.id)).all()
    groups = [
        Group(row.key, row.bit, row.names, tuple(row.aliases)) for row in connection.execute(select(Affinity.__table__))
    ]
    places = {row.id: _spot(row) for row in place_rows}
    seats = {row.id: _seat(row) for row in seat_rows}
    gazetteer = Gazetteer(places.values())
    provincial = frozenset(seats[row.id].house for row in seat_rows if row.tier == "provincial")
    return Directory(
        gazetteer=gazetteer,
        register=_register(seats.values(), gazetteer, provincial),
        groups=Groups(groups),
        places={place.key: place for place in places.values()},
        seats={seat_key(seat): seat for seat in seats.values()},
        place_ids={place.key: number for number, place in places.items()},
        seat_ids={seat_key(seat): number for number, seat in seats.items()},
        place_keys={number: place.key for number, place in places.items()},
        seat_keys={number: seat_key(seat) for number, seat in seats.items()},
        provincial_houses=provincial,
    )


def _register(seats: Iterable[Seat], gazetteer: Gazetteer, provincial: frozenset[str]) -> ConstituencyRegister:
    all_seats = list(seats)
    spellings: dict[str, list[str]] = {}
    for place in gazetteer:
        if place.kind in ("city", "district"):
            spellings.setdefault(place.name, []).extend((*place.names.values(), *place.aliases))
    houses = sorted({seat.house for seat in all_seats if seat.house})
    main = next((house for house in houses if house not in provincial), None)
    return ConstituencyRegister(
        all_seats,
        houses={house: PAKISTAN_HOUSES.get(house, ()) for house in houses},
        spellings=spellings,
        main_house=main,
        current=max((seat.delimitation or 0 for seat in all_seats), default=0) or None,
    )


def _spot(row: Any) -> Spot:
    return Spot(
        key=row.key,
        name=row.name,
        kind=row.kind,
        names=row.names,
        aliases=tuple(row.aliases),
        city=row.city or None,
        district=row.district or None,
        province=row.province or None,
        country=row.country or None,
        lat=row.lat,
        lon=row.lon,
        population=row.population,
    )


def _seat(row: Any) -> Seat:
    return Seat(
        code=row.code,
        name=row.name,
        delimitation=row.delimitation or None,
        area=row.area,
        ordinal=row.ordinal,
        districts=tuple(row.districts),
        province=row.province or None,
        names=row.names,
        aliases=tuple(row.aliases),
    )
