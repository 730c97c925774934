"""Reserve report refs in blocks, so that a group of texts needs no extra statement for each report."""

from collections import deque
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Engine, update
from sqlalchemy.dialects import postgresql, sqlite

from gateway.database import is_sqlite, writing
from gateway.rules.refs import ref_for
from gateway.tables import Counter

BLOCK = 256


class RefSupply:
    """Refs of one event for one process. A block that is lost in a crash leaves numbers unused, never used twice."""

    def __init__(self, engine: Engine, key: bytes) -> None:
        """`key` is the secret of the permutation that makes refs hard to guess."""
        self._engine, self._key = engine, key
        self._event = ""
        self._stock: deque[str] = deque()

    def for_event(self, event_key: str) -> "RefSupply":
        """Switch to another event's series; refs in stock are dropped."""
        if event_key != self._event:
            self._event = event_key
            self._stock.clear()
        return self

    def take(self, count: int) -> Sequence[str]:
        """Return `count` refs that nobody else is given, in a transaction of its own when the stock is low."""
        while len(self._stock) < count:
            first = self._reserve()
            key = self._key + self._event.encode()
            self._stock.extend(ref_for(number, key) for number in range(first, first + BLOCK))
        return [self._stock.popleft() for _ in range(count)]

    def give_back(self, refs: Iterable[str]) -> None:
        """Take back refs that no committed text used."""
        self._stock.extendleft(refs)

    def _reserve(self) -> int:
        counters = Counter.__table__
        name = f"report-ref:{self._event}"
        with writing(self._engine) as connection:
            dialect: Any = sqlite if is_sqlite(connection) else postgresql
            connection.execute(dialect.insert(counters).values(name=name, next=0).on_conflict_do_nothing())
            statement = update(counters).where(counters.c.name == name).values(next=counters.c.next + BLOCK)
            return int(connection.execute(statement.returning(counters.c.next)).scalar_one()) - BLOCK
