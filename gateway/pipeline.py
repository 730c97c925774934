"""Statements that travel together: many to PostgreSQL in one flight, and none through SQLAlchemy's own execution.

A group of texts is some thirty short statements. What each costs is less the database's work than the way there and
back and the bookkeeping around it, and that is paid for every group however small it is. Here a statement waits until
somebody wants rows of it or of a later one; then all that wait are sent, and PostgreSQL works on the first while the
last is still being sent (PostgreSQL documentation, "Pipeline Mode" of libpq). SQLite runs them one after the other.

Statements are compiled once, by SQLAlchemy, and their values and rows are converted by its own types.
"""

from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from types import TracebackType
from typing import Any, Self, Unpack

from sqlalchemy import Connection, Dialect, Table
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.compiler import SQLCompiler

from gateway.bulk import InsertOptions, Rows, insertion, update_packed

Parameters = Mapping[str, Any]

PLANNED_EACH_TIME = "planned_each_time"
"""An execution option for a statement that must not keep its plan on PostgreSQL: while the table is nearly empty, the
cheapest way is one that reads all of it.
"""


class Found:
    """The rows of a statement, which is sent once they are asked for."""

    __slots__ = ("_pipeline", "_rows")

    def __init__(self, pipeline: "Pipeline | None", rows: Sequence[Any] | None = None) -> None:
        self._pipeline, self._rows = pipeline, rows

    def all(self) -> Sequence[Any]:
        """Return the rows, with their columns by name.

        :raises sqlalchemy.exc.DBAPIError: this statement, or one that waited before it, has failed
        :raises RuntimeError: asked once more after that
        """
        if self._pipeline is not None:
            self._pipeline.send()
        if self._rows is None:
            raise RuntimeError("What this statement was sent with has failed, and the transaction with it.")
        return self._rows

    def come(self, rows: Sequence[Any]) -> None:
        self._pipeline, self._rows = None, rows


class Pipeline:
    """The statements of one transaction that nobody has wanted rows of yet; they run in the order they were given.

    Whoever has a statement of their own to execute takes `connection`, which sends what waits first.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._waiting: list[tuple[_Ready, Parameters, Found]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        """Send what waits, unless the transaction is to be rolled back anyway."""
        if kind is None:
            self.send()

    @property
    def connection(self) -> Connection:
        """The transaction's connection, after all that waited was sent."""
        self.send()
        return self._connection

    @property
    def kind(self) -> str:
        """The database: "sqlite" or "postgresql"."""
        return self._connection.dialect.name

    def run(self, statement: Any, parameters: Parameters) -> Found:
        """Let a statement wait; its rows come when they are asked for.

        :param statement: one that is made once, at a module's top or by a cached function: its compiled form is kept
        """
        found = Found(self)
        self._waiting.append((_ready(statement, self._connection.dialect), parameters, found))
        return found

    def insert(self, table: Table, rows: Rows, **how: Unpack[InsertOptions]) -> Found:
        """Let rows wait to be inserted; otherwise as `bulk.insert_rows`."""
        if not rows:
            return Found(None, ())
        return self.run(*insertion(table, self.kind, rows, **how))

    def update(self, table: Table, rows: Rows) -> None:
        """Let rows wait to be written; otherwise as `bulk.update_rows`."""
        if rows:
            self.run(*update_packed(table, self.kind, rows))

    def send(self) -> None:
        """Send all that waits and take its rows.

        :raises sqlalchemy.exc.DBAPIError: the first statement that failed; those behind it did not run
        """
        waiting, self._waiting = self._waiting, []
        if not waiting:
            return
        dialect = self._connection.dialect
        driver: Any = self._connection.connection.driver_connection
        try:
            if dialect.name == "sqlite":
                for ready, given, found in waiting:
                    found.come(ready.rows(driver.execute(ready.sql, ready.values(given))))
            else:
                _fly(driver, waiting)
        except dialect.loaded_dbapi.Error as error:
            raise self._told(error, driver) from error

    def _told(self, error: Exception, driver: Any) -> BaseException:
        """Return a driver's error in the words that SQLAlchemy's callers know."""
        dialect = self._connection.dialect
        lost = dialect.is_disconnect(error, driver, None)  # type: ignore[arg-type]
        if lost:
            self._connection.invalidate(error)
        base = dialect.loaded_dbapi.Error
        return DBAPIError.instance(
            None, None, error, base, hide_parameters=True, connection_invalidated=lost, dialect=dialect
        )


def _fly(driver: Any, waiting: "Sequence[tuple[_Ready, Parameters, Found]]") -> None:
    if len(waiting) == 1:  # a pipeline of one costs more than none
        ready, given, found = waiting[0]
        found.come(ready.rows(driver.execute(ready.sql, ready.values(given), prepare=ready.prepare)))
        return
    with driver.pipeline():
        cursors = [driver.execute(ready.sql, ready.values(given), prepare=ready.prepare) for ready, given, _ in waiting]
    for (ready, _, found), cursor in zip(waiting, cursors, strict=True):
        found.come(ready.rows(cursor))


class _Ready:
    """A statement, compiled for one database, with what converts its values and rows."""

    def __init__(self, statement: Any, dialect: Dialect) -> None:
        """:raises ValueError: a statement whose text or fixed values would not be the same each time"""
        compiled: SQLCompiler = statement.compile(dialect=dialect)
        made_each_time = [one for one in compiled.insert_prefetch if not getattr(one.default, "is_scalar", False)]
        if (
            compiled.post_compile_params
            or compiled.literal_execute_params
            or made_each_time
            or compiled.update_prefetch
        ):
            raise ValueError("A statement that is not the same each time cannot be kept.")
        self.sql = str(compiled)
        self.prepare = False if statement.get_execution_options().get(PLANNED_EACH_TIME) else None
        self._dialect = dialect
        self._order = compiled.positiontup
        self._converts = {
            name: convert
            for bind, name in compiled.bind_names.items()
            if (convert := bind.type.dialect_impl(dialect).bind_processor(dialect))
        }
        fixed = {name: bind.value for bind, name in compiled.bind_names.items() if not bind.required}
        defaults: dict[str, Any] = {one.key: one.default.arg for one in compiled.insert_prefetch}  # type: ignore[union-attr]
        self._fixed = self._converted({**fixed, **defaults})
        self._columns = tuple(statement.exported_columns)  # none of a statement that returns no rows
        self._row = _row_type([one.key or "_" for one in self._columns])
        self._reads: Sequence[tuple[int, Callable[[Any], Any]]] | None = None

    def values(self, given: Parameters) -> Any:
        """Return the parameters in the form that the driver wants."""
        named = {**self._fixed, **self._converted(given)}
        return named if self._order is None else tuple([named[name] for name in self._order])

    def rows(self, cursor: Any) -> Sequence[Any]:
        """Return what a statement that was executed has found."""
        if not self._columns:
            return ()
        if self._reads is None:
            self._reads = self._readers(cursor.description)
        make, raw = self._row._make, cursor.fetchall()
        if not self._reads:
            return [make(row) for row in raw]
        rows = []
        for row in raw:
            read = list(row)
            for at, convert in self._reads:
                read[at] = convert(read[at])
            rows.append(make(read))
        return rows

    def _converted(self, given: Parameters) -> dict[str, Any]:
        converts = self._converts
        return {name: converts[name](value) if name in converts else value for name, value in given.items()}

    def _readers(self, description: Sequence[Sequence[Any]]) -> Sequence[tuple[int, Callable[[Any], Any]]]:
        dialect = self._dialect
        return [
            (at, convert)
            for at, (one, told) in enumerate(zip(self._columns, description, strict=True))
            if (convert := one.type.dialect_impl(dialect).result_processor(dialect, told[1]))
        ]


def _row_type(names: Sequence[str]) -> Any:
    return namedtuple("Row", names, rename=True)  # its fields are not known before


@lru_cache(maxsize=2_048)
def _ready(statement: Any, dialect: Dialect) -> _Ready:
    return _Ready(statement, dialect)
