"""Reference data has numbers: whoever changes a kind of it counts it up, and every process then loads it anew."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, select, update
from sqlalchemy.dialects import postgresql, sqlite

from gateway.database import is_sqlite
from gateway.tables import Revision


def bump(connection: Connection, name: str) -> None:
    """Say that a kind of reference data has changed; every process reloads it within two seconds."""
    dialect: Any = sqlite if is_sqlite(connection) else postgresql
    connection.execute(dialect.insert(Revision.__table__).values(name=name, number=0).on_conflict_do_nothing())
    connection.execute(update(Revision).where(Revision.name == name).values(number=Revision.number + 1))
    connection.execution_options(**{f"changed_{name}": True})


def changed_here(connection: Connection, name: str) -> bool:
    """Whether this connection has itself changed this kind, in a transaction that may yet be rolled back."""
    return bool(connection.get_execution_options().get(f"changed_{name}"))


def revisions(connection: Connection) -> Mapping[str, int]:
    """Return the number of every kind of reference data."""
    return {row.name: row.number for row in connection.execute(select(Revision.name, Revision.number))}
