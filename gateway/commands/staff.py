"""`jalsa staff`: console logins."""

import secrets
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated

import typer
from pwdlib import PasswordHash
from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError

from gateway.commands.shared import AsJson, ready_engine, settings_or_stop, show, show_one, stop
from gateway.database import reading, writing
from gateway.places.store import bump
from gateway.rules.phone_numbers import MemberNumberError, mask, read_member_number
from gateway.tables import Staff

app = typer.Typer(help="People who work for the movement.", no_args_is_help=True)

MIN_PASSWORD_LENGTH = 12  # NIST SP 800-63B asks for eight at least


class Role(StrEnum):
    ADMIN = "admin"
    ORGANISER = "organiser"
    FIELD = "field"


@app.command("add")
def add_staff(
    login: Annotated[str, typer.Argument(help="The name to sign in with.")],
    role: Annotated[Role, typer.Option(help="What they may do.")],
    name: Annotated[str, typer.Option(help="Their name, as others see it.")] = "",
    phone: Annotated[str, typer.Option(help="Their phone, for field commands by text.")] = "",
    password: Annotated[
        str, typer.Option(envvar="JALSA_STAFF_PASSWORD", help="Better left out: one is made and shown once.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Add a login. Without a password one is made and shown once."""
    settings = settings_or_stop()
    login = login.strip().lower()
    if not login or len(login) > 60 or not all(sign.isalnum() or sign in "._@-" for sign in login):
        stop("The login may have letters, digits and . _ @ -, up to 60 of them.")
    if password and len(password) < MIN_PASSWORD_LENGTH:
        stop(f"The password needs at least {MIN_PASSWORD_LENGTH} letters.")
    try:
        number = read_member_number(phone, settings.default_region) if phone else None
    except MemberNumberError as error:
        stop(f"--phone: {error}")
    made = "" if password else secrets.token_urlsafe(15)
    row = {
        "login": login,
        "name": name.strip()[:80],
        "role": role.value,
        "phone": number,
        "password_hash": PasswordHash.recommended().hash(password or made),
        "active": True,
        "created_at": datetime.now(UTC),
    }
    with ready_engine(settings) as engine:
        try:
            with writing(engine) as connection:
                connection.execute(insert(Staff.__table__), row)
                bump(connection, "staff")
        except IntegrityError:
            stop("That login or phone is taken.")
    shown = {"login": login, "role": role.value, "phone": mask(number) if number else ""}
    if made:
        shown["password"] = made
    show_one(shown, as_json)


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
                "phone": mask(row.phone) if row.phone else "",
                "active": row.active,
            }
            for row in connection.execute(select(Staff.__table__).order_by(Staff.login))
        ]
    show(
        rows, ("login", "name", "role", "phone", "active"), as_json, "No staff yet: jalsa staff add LOGIN --role admin"
    )
