"""The minute and the hour (UTC) that a moment lies in, as SQL that groups a million rows quickly on both databases."""

from typing import Any

from sqlalchemy import FunctionElement
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.elements import ColumnElement

from gateway.tables.base import UtcDateTime


class _Begun(FunctionElement[Any]):
    name = "begun"
    type = UtcDateTime()
    inherit_cache = True


class minute_of(_Begun):  # noqa: N801 - it stands in queries as a function does
    """The minute in which a moment lies."""

    inherit_cache = True


class hour_of(_Begun):  # noqa: N801
    """The hour in which a moment lies."""

    inherit_cache = True


def _moment(element: Any, compiler: Any, options: Any) -> str:
    [clause] = element.clauses
    told: str = compiler.process(clause, **options)
    return told


@compiles(minute_of, "sqlite")
def _minute_sqlite(element: ColumnElement[Any], compiler: Any, **options: Any) -> str:
    return f"substr({_moment(element, compiler, options)}, 1, 16) || ':00.000000'"


@compiles(hour_of, "sqlite")
def _hour_sqlite(element: ColumnElement[Any], compiler: Any, **options: Any) -> str:
    return f"substr({_moment(element, compiler, options)}, 1, 13) || ':00:00.000000'"


@compiles(minute_of, "postgresql")
def _minute_postgresql(element: ColumnElement[Any], compiler: Any, **options: Any) -> str:
    return f"date_trunc('minute', {_moment(element, compiler, options)}, 'UTC')"


@compiles(hour_of, "postgresql")
def _hour_postgresql(element: ColumnElement[Any], compiler: Any, **options: Any) -> str:
    return f"date_trunc('hour', {_moment(element, compiler, options)}, 'UTC')"
