"""`jalsa keys`: keys for programs that use /api/v1."""

import getpass
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from gateway.accounts import audit
from gateway.accounts.areas import seat_text
from gateway.api.keys import KeyProblem, add_key, all_keys, revoke_key
from gateway.api.scopes import MEANING, read_scopes
from gateway.commands.shared import AsJson, complaints, ready_engine, settings_or_stop, show, show_one, stop
from gateway.database import reading, writing
from gateway.places.directory import Directory, seat_key
from gateway.places.store import read_directory

app = typer.Typer(help="Keys for programs that use /api/v1.", no_args_is_help=True)


@app.command("add")
def add(
    name: Annotated[str, typer.Argument(help="What to call it; it acts as the login key:NAME.")],
    scope: Annotated[list[str] | None, typer.Option(help="What it may do; give it once for each.")] = None,
    city: Annotated[list[str] | None, typer.Option(help="Bind it to this city; may be given more than once.")] = None,
    seat: Annotated[list[str] | None, typer.Option(help="Bind it to this seat, such as NA-130.")] = None,
    expires: Annotated[int | None, typer.Option(min=1, max=3650, help="Days until it ends by itself.")] = None,
    as_json: AsJson = False,
) -> None:
    """Make a key. Its token is shown once: only a hash of it is kept."""
    try:
        scopes = read_scopes(scope or [])
    except ValueError as error:
        stop(f"--scope: {error}", 2)
    now = datetime.now(UTC)
    ends = now + timedelta(days=expires) if expires else None
    with ready_engine(settings_or_stop()) as engine, writing(engine) as connection:
        directory = read_directory(connection)
        cities, seats = [_city(directory, one) for one in city or ()], [_seat(directory, one) for one in seat or ()]
        try:
            token = add_key(
                connection, name, scopes, getpass.getuser(), now, cities=cities, seats=seats, expires_at=ends
            )
        except KeyProblem as error:
            stop(str(error), 2)
        detail = {"scopes": list(scopes), "areas": [*cities, *seats], "user": getpass.getuser()}
        audit.record(connection, "command", "key.added", f"key:{name}", detail, now)
    show_one(
        {"name": name, "acts as": f"key:{name}", "scopes": list(scopes), "areas": [*cities, *seats] or "everywhere",
         "expires": ends, "token": token},
        as_json,
    )  # fmt: skip
    if not as_json:
        complaints.print("Keep the token now: it is not shown again.")


def _city(directory: Directory, written: str) -> str:
    place = directory.places.get(written) or directory.place_named(written)
    if place is None:
        stop(f"--city: there is no place {written!r} on file.", 2)
    return directory.city_of(place).key


def _seat(directory: Directory, written: str) -> str:
    seat = directory.seat_named(written)
    if seat is None:
        stop(f"--seat: there is no seat {written!r} on file.", 2)
    return seat_text(*seat_key(seat))


@app.command("list")
def list_keys(as_json: AsJson = False) -> None:
    """List the keys: what each may do, when it was used last, whether it still holds."""
    with ready_engine(settings_or_stop()) as engine, reading(engine) as connection:
        rows = all_keys(connection)
    columns = ("name", "scopes", "areas", "expires", "last_used", "revoked")
    show(rows, columns, as_json, "No keys yet: jalsa keys add NAME --scope members:read")


@app.command("revoke")
def revoke(name: Annotated[str, typer.Argument(help="The key's name.")]) -> None:
    """End a key at once and for good."""
    with ready_engine(settings_or_stop()) as engine, writing(engine) as connection:
        try:
            revoke_key(connection, name, datetime.now(UTC))
        except KeyProblem as error:
            stop(str(error))
        audit.record(
            connection, "command", "key.revoked", f"key:{name}", {"user": getpass.getuser()}, datetime.now(UTC)
        )
    complaints.print(f"{name} opens nothing any more.", markup=False)


@app.command("scopes")
def list_scopes(as_json: AsJson = False) -> None:
    """List the scopes and what each opens."""
    show([{"scope": scope.value, "opens": said} for scope, said in MEANING.items()], ("scope", "opens"), as_json, "")
