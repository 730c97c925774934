"""The cities and seats that one of the staff is bound to, as a value and as conditions of queries.

A member belongs to the areas when their city or either of their seats is among them. A report belongs to the city that
its position lies in; without a position to the city of its known place, then to that of its rally, then to that of who
sent it. A report that belongs nowhere is everybody's: better seen twice than by nobody.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, case, exists, false, func, literal, or_, select, true

from gateway.tables import Constituency, Event, Member, PickupPoint, Place, Report

_members, _places, _seats = Member.__table__.c, Place.__table__.c, Constituency.__table__.c
_reports, _points, _events = Report.__table__.c, PickupPoint.__table__.c, Event.__table__.c
_CITY_KINDS = ("city", "district")
_CITY_REACH = 0.27  # degrees, some 30 km: how far a city reaches around its middle


def seat_text(code: str, delimitation: int | None) -> str:
    """Return a seat's key as rules write it: `NA-130@2024`; without a year where the data names none."""
    return f"{code}@{delimitation}" if delimitation else code


def seat_of_text(key: str) -> tuple[str, int]:
    """Return code and delimitation of a seat's key, such as ("NA-130", 2024).

    :raises ValueError: it is none
    """
    code, _, year = key.partition("@")
    if not code or (year and not (year.isascii() and year.isdecimal() and len(year) <= 4)):
        raise ValueError(f"{key!r} is no seat: write it as NA-130@2024.")
    return code, int(year or 0)


@dataclass(frozen=True, slots=True)
class Areas:
    """Keys of places (cities) and of seats; both empty: everywhere."""

    cities: frozenset[str] = frozenset()
    seats: frozenset[str] = frozenset()

    @classmethod
    def of(cls, cities: Iterable[str] = (), seats: Iterable[str] = ()) -> "Areas":
        return cls(frozenset(cities), frozenset(seats))

    @property
    def everywhere(self) -> bool:
        return not self.cities and not self.seats

    def covers_city(self, key: str | None) -> bool:
        return self.everywhere or key in self.cities

    def covers_seat(self, key: str | None) -> bool:
        return self.everywhere or key in self.seats

    def members(self) -> ColumnElement[bool]:
        """Condition on `members`: those who are filed in these areas."""
        return self.filed(_members.city_id, _members.constituency_id, _members.provincial_id)

    def filed(self, city_id: ColumnElement[int | None], *seat_ids: ColumnElement[int | None]) -> ColumnElement[bool]:
        """Condition on columns that hold ids of a city and of seats."""
        if self.everywhere:
            return true()
        tests: list[ColumnElement[bool]] = []
        if self.cities:
            tests.append(city_id.in_(select(_places.id).where(_places.key.in_(sorted(self.cities)))))
        if self.seats:
            wanted = select(_seats.id).where(
                or_(*(and_(_seats.code == code, _seats.delimitation == year) for code, year in self._seats()))
            )
            tests += [seat_id.in_(wanted) for seat_id in seat_ids]
        return or_(*tests)

    def points(self) -> ColumnElement[bool]:
        """Condition on `pickup_points`: those in these cities. Points have no seat, so seats alone see none."""
        if self.everywhere:
            return true()
        if not self.cities:
            return false()
        names = select(func.lower(_places.name)).where(_places.key.in_(sorted(self.cities)))
        return func.lower(_points.city).in_(names)

    def events(self) -> ColumnElement[bool]:
        """Condition on `events`: rallies that lie in these cities, or have a pick-up point there."""
        if self.everywhere:
            return true()
        lying = self._near(_events.lat, _events.lon)
        leaving = exists().where(_points.event_id == _events.id, self.points())
        return or_(lying, leaving)

    def reports(self) -> ColumnElement[bool]:
        """Condition on `reports`; see the head of this module."""
        if self.everywhere:
            return true()
        named = func.substr(_reports.place_key, len("place:") + 1)
        towns = select(func.lower(_places.name)).where(_places.key.in_(sorted(self.cities)))
        in_named = exists().where(
            _places.key == named, or_(_places.key.in_(sorted(self.cities)), func.lower(_places.city).in_(towns))
        )
        rally = select(_events.id).where(_events.key == _reports.event_key)
        at_rally = exists(rally.where(self._near(_events.lat, _events.lon)))
        filed = select(_members.sender_id).where(_members.sender_id == _reports.sender_id)
        somewhere = or_(_members.city_id.is_not(None), _members.constituency_id.is_not(None))
        return case(
            (_reports.lat.is_not(None), self._near(_reports.lat, _reports.lon)),
            (_reports.place_key.startswith("place:"), in_named),
            (exists(rally), at_rally),
            (exists(filed.where(somewhere)), exists(filed.where(self.members()))),
            else_=true(),
        )

    def _near(self, lat: ColumnElement[float | None], lon: ColumnElement[float | None]) -> ColumnElement[bool]:
        """Whether a position lies in one of the cities: its nearest middle within reach is one of theirs.

        Only that: seats have no borders on file, so a position is in a seat when it is near the city of its districts.
        """
        if not self.cities:
            return literal(False)
        return exists().where(
            _places.key.in_(sorted(self.cities)),
            _places.lat.between(lat - _CITY_REACH, lat + _CITY_REACH),
            _places.lon.between(lon - _CITY_REACH, lon + _CITY_REACH),
        )

    def _seats(self) -> list[tuple[str, int]]:
        return [seat_of_text(key) for key in sorted(self.seats)]


EVERYWHERE = Areas()
