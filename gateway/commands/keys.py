"""`jalsa keys`: keys for programs that use /api/v1."""

import getpass
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from gateway.accounts import audit
from gateway.accounts.areas import seat_text
from gateway.api.keys import KeyProblem, add_key, all_keys, give_owner, revoke_key
from gateway.api.scopes import MEANING, read_scopes
from gateway.commands.shared import AsJson, complaints, ready_engine, settings_or_stop, show, show_one, stop
from gateway.database import reading, writing
from gateway.places.directory import Directory, seat_key
from gateway.places.store import read_directory

Owner = Annotated[str, typer.Option("--as", envvar="JALSA_LOGIN", help="The staff login whose key it is.")]

app = typer.Typer(help="Keys for programs that use /api/v1.", no_args_is_help=True)


@app.command("add")
def add(
    name: Annotated[str, typer.Argument(help="What to call it; it acts as the login key:NAME.")],
    owner: Owner = "",
    scope: Annotated[list[str] | None, typer.Option(help="What it may do; give it once for each.")] = None,
    city: Annotated[list[str] | None, typer.Option(help="Bind it to this city; may be given more than once.")] = None,
    seat: Annotated[list[str] | None, typer.Option(help="Bind it to this seat, such as NA-130.")] = None,
    expires: Annotated[int | None, typer.Option(min=1, max=3650, help="Days until it ends by itself.")] = None,
    as_json: AsJson = False,
) -> None:
    """Make a key. Its token is shown once: only a hash of it is kept. It may no more than its owner, the person behind
    whatever it does."""
    if not owner:
        stop("--as: name the staff login whose key it is; jalsa staff add makes one.", 2)
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
                connection, name, scopes, owner, now, by=getpass.getuser(), cities=cities, seats=seats, expires_at=ends
            )
        except KeyProblem as error:
            stop(str(error), 2)
        detail = {"owner": owner, "scopes": list(scopes), "areas": [*cities, *seats], "user": getpass.getuser()}
        audit.record(connection, "command", "key.added", f"key:{name}", detail, now)
    show_one(
        {"name": name, "acts as": f"key:{name}", "owner": owner, "scopes": list(scopes),
         "areas": [*cities, *seats] or "everywhere", "expires": ends, "token": token},
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
    columns = ("name", "owner", "scopes", "areas", "expires", "last_used", "revoked")
    show(rows, columns, as_json, "No keys yet: jalsa keys add NAME --as LOGIN --scope members:read")


@app.command("own")
def own(name: Annotated[str, typer.Argument(help="The key's name.")], owner: Owner = "") -> None:
    """Say whose a key is that was made before keys had owners."""
    with ready_engine(settings_or_stop()) as engine, writing(engine) as connection:
        try:
            give_owner(connection, name, owner)
        except KeyProblem as error:
            stop(str(error), 2)
        detail = {"owner": owner, "user": getpass.getuser()}
        audit.record(connection, "command", "key.owned", f"key:{name}", detail, datetime.now(UTC))
    complaints.print(f"{name} belongs to {owner}.", markup=False)


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
