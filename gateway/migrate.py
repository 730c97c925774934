"""Bring a database to this version's tables, and fill in the base data."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine

from gateway.accounts import audit
from gateway.database import writing
from gateway.places.store import load_base


def alembic_config(connection: Connection | None = None) -> Config:
    """Return Alembic's configuration; with a connection it migrates that one."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent.parent / "migrations"))
    if connection is not None:
        config.attributes["connection"] = connection
    return config


def migrate(engine: Engine, region: str) -> None:
    """Run every migration that is missing, then add base places, seats and groups of a region that are missing.

    The audit log's head is sealed by the run that brings seals in, and never by a later one: to remove the seal would
    else be a way to have a forged log sealed.
    """
    with engine.connect() as connection:
        before = MigrationContext.configure(connection).get_current_revision()
        sealed_already = before is not None and audit.has_seals(connection)
    with engine.connect() as connection:
        command.upgrade(alembic_config(connection), "head")
    with writing(engine) as connection:
        load_base(connection, region)
        if not sealed_already:
            audit.seal_head(connection)


def behind(connection: Connection) -> str | None:
    """Return a sentence if the database is not at this version's tables, else None."""
    newest = ScriptDirectory.from_config(alembic_config()).get_current_head()
    current = MigrationContext.configure(connection).get_current_revision()
    return (
        None if current == newest else f"The database is at {current or 'nothing'}, not at {newest}: run jalsa migrate."
    )
