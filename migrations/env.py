"""Alembic's entry: the same migrations for SQLite and PostgreSQL, each in one transaction."""

from typing import Literal

import sqlalchemy as sa
from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlalchemy import Connection

from gateway.database import make_engine
from gateway.settings import load_settings
from gateway.tables import Base
from gateway.tables.base import UtcDateTime


def _render(kind: str, item: object, _autogen: AutogenContext) -> str | Literal[False]:
    """Write our own column types as plain SQLAlchemy: a migration must not import code that will change."""
    if kind == "type" and isinstance(item, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    if kind == "type" and isinstance(item, sa.JSON):
        return 'sa.JSON().with_variant(postgresql.JSONB(), "postgresql")'
    return False


def _migrate(connection: Connection) -> None:
    """Migrate. SQLite changes a table by writing it anew, which foreign keys would stop (SQLite, "Making Other Kinds Of
    Table Schema Changes"); a pragma holds only outside a transaction, so it goes to the driver's connection."""
    driver = connection.connection.driver_connection if connection.dialect.name == "sqlite" else None
    if driver is None:
        _run(connection)
        return
    driver.execute("PRAGMA foreign_keys=OFF")
    try:
        _run(connection)
    finally:
        driver.execute("PRAGMA foreign_keys=ON")


def _run(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_as_batch=connection.dialect.name == "sqlite",
        compare_type=True,
        render_item=_render,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()


given = context.config.attributes.get("connection")
if given is not None:
    _migrate(given)
else:
    engine = make_engine(context.config.get_main_option("sqlalchemy.url") or load_settings().database_url)
    with engine.connect() as connection:
        _migrate(connection)
    engine.dispose()
