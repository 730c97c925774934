"""The row that all workers share about a carrier: read, locked and written here."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, update
from sqlalchemy.dialects import postgresql, sqlite

from gateway.database import is_sqlite
from gateway.rules.carrier_routes import Health
from gateway.tables import CarrierState

_states = CarrierState.__table__


def read_health(connection: Connection, names: Iterable[str]) -> dict[str, Health]:
    """Return every carrier's health; one that has no row yet is well."""
    rows = {row.name: _health(row) for row in connection.execute(select(_states))}
    return {name: rows.get(name, Health()) for name in names}


def hold_state(connection: Connection, name: str) -> tuple[Health, datetime | None]:
    """Return a carrier's health and `busy_until`, its row locked until the commit; made if it is missing."""
    held = select(_states).where(_states.c.name == name).with_for_update()
    row = connection.execute(held).first()
    if row is None:
        dialect: Any = sqlite if is_sqlite(connection) else postgresql
        connection.execute(dialect.insert(_states).values(name=name).on_conflict_do_nothing())
        row = connection.execute(held).one()
    return _health(row), row.busy_until


def write_health(connection: Connection, name: str, health: Health) -> None:
    connection.execute(
        update(_states)
        .where(_states.c.name == name)
        .values(failures=health.failures, probe_at=health.probe_at, held_until=health.held_until)
    )


def write_busy(connection: Connection, name: str, busy_until: datetime | None) -> None:
    connection.execute(update(_states).where(_states.c.name == name).values(busy_until=busy_until))


def _health(row: Any) -> Health:
    return Health(row.failures, row.probe_at, row.held_until, row.halted_at is not None)
