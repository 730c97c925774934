"""Console logins: adding, changing and disabling them. The command line and the staff pages share these rules.

Every change takes the caller's writing transaction, who does it (a login) and `now` (aware UTC), is in the audit log,
and ends the sessions of whom it concerns. The last active admin cannot be disabled or given another role.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from gateway.accounts import audit
from gateway.accounts.areas import Areas, seat_of_text, seat_text
from gateway.accounts.passwords import check_password, hash_password, made_password
from gateway.accounts.second_factor import set_second_factor
from gateway.accounts.sessions import end_sessions, read_areas, set_areas
from gateway.accounts.viewer import ADMIN, ROLES
from gateway.database import is_sqlite
from gateway.places.directory import Directory
from gateway.places.store import bump
from gateway.rules.phone_numbers import MemberNumberError, mask, read_member_number
from gateway.tables import Constituency, Place, Staff

_staff, _places, _seats = Staff.__table__, Place.__table__, Constituency.__table__
_MOST_LOGIN, _MOST_NAME = 60, 80


class StaffRefused(ValueError):
    """The change cannot be made; the text is one English sentence, `reason` a key of the wording, `field` which one."""

    def __init__(self, reason: str, sentence: str, field: str = "") -> None:
        super().__init__(sentence)
        self.reason, self.field = reason, field


@dataclass(frozen=True, slots=True)
class StaffRow:
    """One login as lists show it. `phone` is masked."""

    id: int
    login: str
    name: str
    role: str
    phone: str
    active: bool
    second_factor: bool
    must_change_password: bool
    areas: Areas
    created_at: datetime


def all_staff(connection: Connection) -> list[StaffRow]:
    """Return every login by name."""
    rows = connection.execute(select(_staff).order_by(_staff.c.active.desc(), _staff.c.login)).all()
    return [_shown(connection, row) for row in rows]


def find_staff(connection: Connection, login: str) -> StaffRow:
    """:raises StaffRefused: there is no such login"""
    row = connection.execute(select(_staff).where(_staff.c.login == login.strip().lower())).first()
    if row is None:
        raise StaffRefused("unknown", f"There is no login {login!r}.", "login")
    return _shown(connection, row)


def _shown(connection: Connection, row: Any) -> StaffRow:
    return StaffRow(
        id=row.id,
        login=row.login,
        name=row.name,
        role=row.role,
        phone=mask(row.phone) if row.phone else "",
        active=row.active,
        second_factor=row.second_factor is not None,
        must_change_password=row.must_change_password,
        areas=read_areas(connection, row.id),
        created_at=row.created_at,
    )


def add_staff(
    connection: Connection,
    *,
    login: str,
    role: str,
    by: str,
    now: datetime,
    region: str,
    name: str = "",
    phone: str = "",
    areas: Areas | None = None,
    password: str = "",
) -> tuple[int, str]:
    """Add a login; returns its id and its password if one was made, to be shown once and changed at first sign-in.

    Hashing takes a moment, and is done before the caller's transaction writes anything.

    :raises StaffRefused: a field that cannot be taken, or a login or phone that is taken
    :raises PasswordRefused: the given password
    """
    login, name = login.strip().lower(), " ".join(name.split())
    check_login(login)
    _check_role(role)
    if len(name) > _MOST_NAME or not name.isprintable():
        raise StaffRefused("name", f"The name may have {_MOST_NAME} plain letters.", "name")
    number = _read_phone(phone, region)
    if password:
        check_password(password, login, name)
    made = "" if password else made_password()
    hashed = hash_password(password or made)
    try:
        with connection.begin_nested():
            staff_id = connection.execute(
                insert(_staff)
                .values(
                    login=login, name=name, role=role, phone=number, password_hash=hashed, active=True,
                    created_at=now, must_change_password=bool(made),
                )
                .returning(_staff.c.id)
            ).scalar_one()  # fmt: skip
    except IntegrityError:
        raise StaffRefused("taken", "That login or phone is taken.", "login") from None
    areas = areas or Areas()
    set_areas(connection, staff_id, areas)
    bump(connection, "staff")
    audit.record(connection, by, "staff.added", f"staff:{login}", {"role": role, **area_detail(areas)}, now)
    return staff_id, made


def check_login(login: str) -> None:
    """:raises StaffRefused: it has signs that a login may not have"""
    if login == "new":  # the address of the page that adds one
        raise StaffRefused("taken", "That login is taken.", "login")
    if not login or len(login) > _MOST_LOGIN or not all(sign.isalnum() or sign in "._@-" for sign in login):
        raise StaffRefused("login", "The login may have letters, digits and . _ @ -, up to 60 of them.", "login")


def change_role(connection: Connection, login: str, role: str, by: str, now: datetime) -> None:
    _check_role(role)
    row = _hold(connection, login)
    if row.role == role:
        return
    _keep_an_admin(connection, row, stays=role == ADMIN)
    connection.execute(update(_staff).where(_staff.c.id == row.id).values(role=role))
    _changed(connection, row, by, "staff.role", {"from": row.role, "to": role}, now)


def change_areas(connection: Connection, login: str, areas: Areas, by: str, now: datetime) -> None:
    """Bind to cities and seats (none: everywhere); their sessions go on, and see only these from the next page on."""
    row = _hold(connection, login)
    if read_areas(connection, row.id) == areas:
        return
    set_areas(connection, row.id, areas)
    bump(connection, "staff")
    audit.record(connection, by, "staff.areas", f"staff:{row.login}", area_detail(areas), now)


def disable(connection: Connection, login: str, by: str, now: datetime) -> None:
    row = _hold(connection, login)
    if not row.active:
        return
    _keep_an_admin(connection, row, stays=False)
    connection.execute(update(_staff).where(_staff.c.id == row.id).values(active=False))
    _changed(connection, row, by, "staff.disabled", {}, now)


def enable(connection: Connection, login: str, by: str, now: datetime) -> None:
    row = _hold(connection, login)
    if row.active:
        return
    connection.execute(update(_staff).where(_staff.c.id == row.id).values(active=True))
    _changed(connection, row, by, "staff.enabled", {}, now)


def reset_password(connection: Connection, login: str, by: str, now: datetime) -> str:
    """Return a made password, shown once, that has to be changed at the next sign-in."""
    row = _hold(connection, login)
    made = made_password()
    connection.execute(
        update(_staff).where(_staff.c.id == row.id).values(password_hash=hash_password(made), must_change_password=True)
    )
    _changed(connection, row, by, "staff.password_reset", {}, now)
    return made


def reset_second_factor(connection: Connection, login: str, by: str, now: datetime) -> None:
    """Remove the second factor and its recovery codes; admins and organisers set up a new one at the next sign-in.

    The password is made anew by `reset_password`, not here: who finds a password alone must not get in.
    """
    row = _hold(connection, login)
    set_second_factor(connection, row.id, None)
    _changed(connection, row, by, "staff.second_factor_reset", {}, now)


def read_area_names(directory: Directory, cities: Iterable[str], seats: Iterable[str]) -> Areas:
    """Return the areas that typed names mean, such as "Lahore" and "NA-130" (of the current delimitation).

    :raises StaffRefused: a name that is no city or seat on file
    """
    keys, codes = set(), set()
    for typed in cities:
        place = directory.places.get(typed) or directory.place_named(typed)
        if place is None or place.kind not in ("city", "district"):
            raise StaffRefused("city_unknown", f"There is no city {typed!r} on file.", "cities")
        keys.add(place.key)
    for typed in seats:
        try:
            wanted = seat_of_text(typed.upper()) if "@" in typed else None
        except ValueError as error:
            raise StaffRefused("seat_unknown", str(error), "seats") from None
        seat = directory.seats.get(wanted) if wanted else directory.seat_named(typed)
        if seat is None:
            raise StaffRefused("seat_unknown", f"There is no seat {typed!r} on file.", "seats")
        codes.add(seat_text(seat.code, seat.delimitation))
    return Areas.of(keys, codes)


def area_names(connection: Connection, areas: Areas) -> list[str]:
    """Return the cities by name, then the seats, for people to read."""
    named = select(_places.c.name).where(_places.c.key.in_(sorted(areas.cities))).order_by(_places.c.name)
    return [*connection.execute(named).scalars(), *sorted(areas.seats)]


def area_detail(areas: Areas) -> dict[str, Any]:
    return {"cities": sorted(areas.cities), "seats": sorted(areas.seats)}


def _read_phone(phone: str, region: str) -> str | None:
    try:
        return read_member_number(phone, region) if phone.strip() else None
    except MemberNumberError as error:
        raise StaffRefused("phone", str(error), "phone") from None


def _check_role(role: str) -> None:
    if role not in ROLES:
        raise StaffRefused("role", f"There is no role {role!r}; there are {', '.join(ROLES)}.", "role")


def _hold(connection: Connection, login: str) -> Any:
    query = select(_staff).where(_staff.c.login == login.strip().lower())
    row = connection.execute(query if is_sqlite(connection) else query.with_for_update()).first()
    if row is None:
        raise StaffRefused("unknown", f"There is no login {login!r}.", "login")
    return row


def _keep_an_admin(connection: Connection, row: Any, *, stays: bool) -> None:
    if row.role != ADMIN or stays or not row.active:
        return
    admins = select(_staff.c.id).where(_staff.c.role == ADMIN, _staff.c.active).order_by(_staff.c.id)
    # Locked, so that two admins cannot disable each other at the same moment.
    held = connection.execute(admins if is_sqlite(connection) else admins.with_for_update()).all()
    if [one.id for one in held] == [row.id]:
        raise StaffRefused("last_admin", "This is the last admin who can sign in; make another one first.", "role")


def _changed(connection: Connection, row: Any, by: str, action: str, detail: dict[str, Any], now: datetime) -> None:
    end_sessions(connection, row.id, now)
    bump(connection, "staff")
    audit.record(connection, by, action, f"staff:{row.login}", detail, now)


def any_staff(connection: Connection) -> bool:
    """Whether there is a login at all."""
    return bool(connection.execute(select(func.count()).select_from(_staff)).scalar_one())


__all__ = [
    "StaffRefused", "StaffRow", "add_staff", "all_staff", "any_staff", "area_names", "change_areas", "change_role",
    "check_login", "disable", "enable", "find_staff", "read_area_names", "reset_password", "reset_second_factor",
]  # fmt: skip
