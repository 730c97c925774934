"""What every command shares: settings, a database that is ready, and printing for people or for scripts."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.table import Table
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from gateway.database import make_engine, reading
from gateway.migrate import behind
from gateway.outbox.setup import carriers_from, routes_from
from gateway.overrides.in_force import InForce, read_in_force
from gateway.settings import Settings, SettingsError, load_settings

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]

console = Console()
complaints = Console(stderr=True)


def stop(sentence: str, code: int = 1) -> NoReturn:
    """End the command with one sentence on standard error."""
    complaints.print(sentence, style="red", markup=False, highlight=False, soft_wrap=True)
    raise typer.Exit(code)


def settings_or_stop() -> Settings:
    try:
        return load_settings()
    except SettingsError as error:
        stop(str(error), 2)


def check_carriers(settings: Settings) -> None:
    """Stop with one sentence where a carrier's own settings file is wrong, or the routes name none of them."""
    try:
        carriers_from(settings)
        routes_from(settings)
    except SettingsError as error:
        stop(str(error), 2)
    except ValueError as error:
        stop(f"CARRIER_ROUTES: {error}.", 2)


@contextmanager
def ready_engine(settings: Settings) -> Iterator[Engine]:
    """An engine on a database that answers and is migrated; stops with one sentence otherwise."""
    engine = make_engine(settings.database_url, audit_key=settings.audit_key)
    try:
        try:
            with reading(engine) as connection:
                problem = behind(connection)
        except (SQLAlchemyError, OSError) as error:
            stop(f"DATABASE_URL: the database does not answer ({type(error).__name__}).")
        if problem:
            stop(problem)
        yield engine
    finally:
        engine.dispose()


def in_force(engine: Engine, settings: Settings) -> InForce:
    """Return the settings and replies with what organisers have changed."""
    with reading(engine) as connection:
        return read_in_force(connection, settings)


def show(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], as_json: bool, empty: str) -> None:
    """Print rows as a table, or as a JSON list; `empty` is the sentence when there are none."""
    if as_json:
        print(json.dumps([dict(row) for row in rows], default=_plain, ensure_ascii=False, indent=1))
        return
    if not rows:
        console.print(empty)
        return
    table = Table(*columns, header_style="bold")
    for row in rows:
        table.add_row(*(_told(row.get(column)) for column in columns))
    console.print(table)


def show_one(row: Mapping[str, Any], as_json: bool) -> None:
    """Print one thing, a line for each field, or as a JSON object."""
    if as_json:
        print(json.dumps(dict(row), default=_plain, ensure_ascii=False, indent=1))
        return
    width = max(len(key) for key in row)
    for key, value in row.items():
        console.print(f"{key.ljust(width)}  {_told(value)}", markup=False, highlight=False)


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _told(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    if isinstance(value, list | tuple):
        return ", ".join(str(one) for one in value)
    return str(value)
