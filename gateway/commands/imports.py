"""`jalsa places import` and `jalsa constituencies import`: anyone's country from CSV, whole or not at all."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from rich.progress import Progress
from sqlalchemy import Connection, select
from sqlalchemy.dialects import postgresql, sqlite

from gateway.commands.shared import AsJson, complaints, console, ready_engine, settings_or_stop, show, stop
from gateway.database import is_sqlite, reading, writing
from gateway.places.store import bump, place_row, read_directory, seat_row
from gateway.tables import Constituency, Place
from segments.csv_files import FileProblem, RowProblem, decode, read_constituencies, read_places, sorted_out

places_app = typer.Typer(help="Cities, neighbourhoods and landmarks.", no_args_is_help=True)
constituencies_app = typer.Typer(help="Seats of a delimitation.", no_args_is_help=True)

File = Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="A CSV file, UTF-8.")]

_CHUNK = 500
_T = TypeVar("_T")


def read_file(path: Path) -> list[str]:
    """Return the lines of a CSV file; stops with one sentence when its encoding cannot be read."""
    try:
        return decode(path.read_bytes()).splitlines()
    except FileProblem as problem:
        stop(f"{path.name}: {problem}")


def with_progress(lines: Sequence[str], what: str) -> Iterator[str]:
    """Yield the lines behind a progress bar on standard error."""
    with Progress(console=complaints, transient=True) as progress:
        task = progress.add_task(what, total=len(lines))
        for line in lines:
            yield line
            progress.advance(task)


def only_if_whole(name: str, read: Iterable[_T | RowProblem]) -> list[_T]:
    """Return the rows when all are good; else name every bad one by line and stop, with nothing loaded."""
    good, problems = sorted_out(read)  # type: ignore[type-var]
    if problems:
        for problem in problems:
            complaints.print(f"{name}: {problem}", markup=False, highlight=False, soft_wrap=True)
        stop(f"{name}: {len(problems)} problems; nothing was loaded. Mend them and import again.")
    if not good:
        stop(f"{name}: there are no rows in it.")
    return good


@places_app.command("import")
def import_places(file: File) -> None:
    """Load places from a CSV: columns name, lat, lon; more are optional (docs/places.md). Known keys are updated."""
    settings = settings_or_stop()
    with ready_engine(settings) as engine:
        with reading(engine) as connection:
            known = read_directory(connection).gazetteer.places
        cities = {
            place.name: (place.lat, place.lon) for place in known if place.lat is not None and place.lon is not None
        }
        lines = read_file(file)
        places = only_if_whole(file.name, read_places(with_progress(lines, "Reading places"), cities))
        rows = [place_row(place, "import") for place in places]
        with writing(engine) as connection:
            added = _upsert(connection, Place, rows, ("key",))
            bump(connection, "places")
    console.print(f"{len(rows)} places loaded, {added} of them new.")


@constituencies_app.command("import")
def import_constituencies(file: File) -> None:
    """Load seats from a CSV: columns code, name; more are optional (docs/places.md). Known seats are updated."""
    settings = settings_or_stop()
    with ready_engine(settings) as engine:
        lines = read_file(file)
        seats = only_if_whole(file.name, read_constituencies(with_progress(lines, "Reading constituencies")))
        rows = [seat_row(seat, "import", settings.default_region) for seat in seats]
        with writing(engine) as connection:
            added = _upsert(connection, Constituency, rows, ("code", "delimitation"))
            bump(connection, "places")
    console.print(f"{len(rows)} constituencies loaded, {added} of them new.")


def _upsert(connection: Connection, table: Any, rows: list[dict[str, Any]], key: tuple[str, ...]) -> int:
    """Insert rows, updating those whose key is known; returns how many were new."""
    columns = [getattr(table, name) for name in key]
    known = {tuple(row) for row in connection.execute(select(*columns))}
    dialect: Any = sqlite if is_sqlite(connection) else postgresql
    statement = dialect.insert(table.__table__)
    changed = {name: statement.excluded[name] for name in rows[0] if name not in key}
    statement = statement.on_conflict_do_update(index_elements=list(key), set_=changed)
    with Progress(console=complaints, transient=True) as progress:
        task = progress.add_task("Loading", total=len(rows))
        for first in range(0, len(rows), _CHUNK):
            chunk = rows[first : first + _CHUNK]
            connection.execute(statement, chunk)
            progress.advance(task, len(chunk))
    return sum(tuple(row[name] for name in key) not in known for row in rows)


def _list(table: Any, columns: tuple[str, ...]) -> Callable[[Connection], list[Mapping[str, Any]]]:
    def read(connection: Connection) -> list[Mapping[str, Any]]:
        wanted = [getattr(table, name) for name in columns]
        return [dict(row._mapping) for row in connection.execute(select(*wanted).order_by(table.id))]

    return read


@places_app.command("list")
def list_places(as_json: AsJson = False) -> None:
    """List the places on file."""
    columns = ("key", "name", "kind", "city", "district", "lat", "lon", "source")
    with ready_engine(settings_or_stop()) as engine, reading(engine) as connection:
        show(_list(Place, columns)(connection), columns, as_json, "No places: jalsa migrate fills in the base.")


@constituencies_app.command("list")
def list_constituencies(as_json: AsJson = False) -> None:
    """List the seats on file."""
    columns = ("code", "delimitation", "tier", "name", "districts", "province", "source")
    with ready_engine(settings_or_stop()) as engine, reading(engine) as connection:
        show(_list(Constituency, columns)(connection), columns, as_json, "No seats on file.")
