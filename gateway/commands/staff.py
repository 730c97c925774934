"""`jalsa staff`: console logins. The rules are those of the staff pages (`gateway.accounts.staff`)."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated

import typer
from sqlalchemy import Connection, Engine

from gateway.accounts import staff
from gateway.accounts.areas import Areas
from gateway.accounts.passwords import PasswordRefused
from gateway.accounts.staff import StaffRefused, StaffRow
from gateway.commands.shared import AsJson, console, ready_engine, settings_or_stop, show, show_one, stop
from gateway.database import reading, writing
from gateway.places.store import read_directory

app = typer.Typer(help="People who work for the movement, and what they may do.", no_args_is_help=True)
_BY = "command"


class Role(StrEnum):
    ADMIN = "admin"
    ORGANISER = "organiser"
    FIELD = "field"


Login = Annotated[str, typer.Argument(help="The name they sign in with.")]
Cities = Annotated[list[str] | None, typer.Option("--city", help="A city they are bound to; may be repeated.")]
Seats = Annotated[list[str] | None, typer.Option("--seat", help="A seat they are bound to, such as NA-130@2024.")]


@app.command("add")
def add_staff(
    login: Login,
    role: Annotated[Role, typer.Option(help="What they may do.")],
    name: Annotated[str, typer.Option(help="Their name, as others see it.")] = "",
    phone: Annotated[str, typer.Option(help="Their phone, for field commands by text.")] = "",
    city: Cities = None,
    seat: Seats = None,
    password: Annotated[
        str, typer.Option(envvar="JALSA_STAFF_PASSWORD", help="Better left out: one is made and shown once.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Add a login. Without a password one is made and shown once, and has to be changed at the first sign-in."""
    settings = settings_or_stop()
    with ready_engine(settings) as engine, _refusing():
        areas = _areas(engine, city, seat)
        with writing(engine) as connection:
            _, made = staff.add_staff(
                connection,
                login=login,
                role=role.value,
                by=_BY,
                now=datetime.now(UTC),
                region=settings.default_region,
                name=name,
                phone=phone,
                areas=areas,
                password=password,
            )
        row = _row(engine, login)
    shown = {"login": row.login, "role": row.role, "phone": row.phone}
    if made:
        shown["password"] = made
    show_one(shown, as_json)
    if not as_json:
        console.print(f"Sign in at {settings.public_base_url}/console/", highlight=False, soft_wrap=True)


@app.command("list")
def list_staff(as_json: AsJson = False) -> None:
    """List the logins."""
    settings = settings_or_stop()
    with ready_engine(settings) as engine, reading(engine) as connection:
        rows = [
            {
                "login": row.login,
                "name": row.name,
                "role": row.role,
                "areas": staff.area_names(connection, row.areas),
                "phone": row.phone,
                "second factor": row.second_factor,
                "active": row.active,
            }
            for row in staff.all_staff(connection)
        ]
    columns = ("login", "name", "role", "areas", "phone", "second factor", "active")
    show(rows, columns, as_json, "No staff yet: jalsa staff add LOGIN --role admin")


@app.command("role")
def change_role(login: Login, role: Annotated[Role, typer.Argument(help="Their new role.")]) -> None:
    """Change somebody's role; they are signed out everywhere."""
    _change(lambda connection, now: staff.change_role(connection, login, role.value, _BY, now))
    console.print(f"{login} is {role.value}.", markup=False)


@app.command("areas")
def change_areas(login: Login, city: Cities = None, seat: Seats = None) -> None:
    """Bind somebody to cities and seats; with neither they see everything again."""
    settings = settings_or_stop()
    with ready_engine(settings) as engine, _refusing():
        areas = _areas(engine, city, seat)
        with writing(engine) as connection:
            staff.change_areas(connection, login, areas, _BY, datetime.now(UTC))
            named = staff.area_names(connection, areas)
    console.print(f"{login}: {', '.join(named) or 'everywhere'}.", markup=False)


@app.command("disable")
def disable(login: Login) -> None:
    """Let somebody sign in no more; they are signed out everywhere."""
    _change(lambda connection, now: staff.disable(connection, login, _BY, now))
    console.print(f"{login} can sign in no more.", markup=False)


@app.command("enable")
def enable(login: Login) -> None:
    """Let somebody sign in again."""
    _change(lambda connection, now: staff.enable(connection, login, _BY, now))
    console.print(f"{login} can sign in again.", markup=False)


@app.command("reset-password")
def reset_password(login: Login, as_json: AsJson = False) -> None:
    """Make somebody a new password, shown once; it has to be changed at the next sign-in."""
    made: list[str] = []
    _change(lambda connection, now: made.append(staff.reset_password(connection, login, _BY, now)))
    show_one({"login": login, "password": made[0]}, as_json)


@app.command("reset-second-factor")
def reset_second_factor(login: Login) -> None:
    """Remove somebody's second factor, when their phone and recovery codes are lost."""
    _change(lambda connection, now: staff.reset_second_factor(connection, login, _BY, now))
    console.print(f"{login} sets up a second factor at the next sign-in.", markup=False)


def _change(act: Callable[[Connection, datetime], None]) -> None:
    with ready_engine(settings_or_stop()) as engine, _refusing(), writing(engine) as connection:
        act(connection, datetime.now(UTC))


def _row(engine: Engine, login: str) -> StaffRow:
    with reading(engine) as connection:
        return staff.find_staff(connection, login)


def _areas(engine: Engine, cities: list[str] | None, seats: list[str] | None) -> Areas:
    if not cities and not seats:
        return Areas()
    with reading(engine) as connection:
        directory = read_directory(connection)
    return staff.read_area_names(directory, cities or (), seats or ())


@contextmanager
def _refusing() -> Iterator[None]:
    try:
        yield
    except (StaffRefused, PasswordRefused) as refused:
        stop(str(refused))
