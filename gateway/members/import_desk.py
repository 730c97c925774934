"""Files of members that wait for a yes: kept sealed, carried out once, and gone after a day."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, insert, select, update

from gateway.database import reading, writing
from gateway.members.import_rows import ImportRow
from gateway.members.importing import REFUSED, VERDICTS, ImportTerms, Judged, chunks, judge, write_rows
from gateway.tables import MemberImport
from segments.csv_files import RowProblem

KEPT_FOR = timedelta(hours=24)
SHOWN = 100
_imports = MemberImport.__table__


class ImportGone(LookupError):
    """There is no such file any more, or it is somebody else's."""


@dataclass
class Preview:
    """What a file would do: how many rows of each verdict, and the first of each to look at."""

    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(VERDICTS, 0))
    shown: dict[str, list[Judged]] = field(default_factory=lambda: {verdict: [] for verdict in VERDICTS})

    def add(self, judged: Iterable[Judged]) -> None:
        refused: set[int] = set()
        for one in judged:
            again = one.verdict == REFUSED and one.line in refused  # a row may have several faults
            if one.verdict == REFUSED:
                refused.add(one.line)
            self.counts[one.verdict] += not again
            if len(self.shown[one.verdict]) < SHOWN:
                self.shown[one.verdict].append(one)


def preview(connection: Connection, rows: Iterable[ImportRow | RowProblem], terms: ImportTerms) -> Preview:
    """Return what a file would do now; nothing is written."""
    made = Preview()
    for chunk in chunks(rows):
        made.add(judge(connection, chunk, terms))
    return made


def keep(connection: Connection, key: str, file_name: str, sealed: str, by: str, now: datetime) -> None:
    """Keep a file until its yes. `sealed` is its text, sealed by the caller; `key` is hard to guess."""
    plain = "".join(sign for sign in file_name if sign.isprintable())[-120:]
    row = {"key": key, "file_name": plain, "content": sealed, "state": "waiting", "created_by": by, "created_at": now}
    connection.execute(insert(_imports), row)


def find(connection: Connection, key: str, by: str, *, hold: bool = False) -> Any:
    """Return the row of a file; only whoever brought it may see it.

    :raises ImportGone: there is none
    """
    wanted = select(_imports).where(_imports.c.key == key, _imports.c.created_by == by)
    row = connection.execute(wanted.with_for_update() if hold else wanted).first()
    if row is None:
        raise ImportGone(key)
    return row


def drop(connection: Connection, key: str, by: str, now: datetime) -> None:
    """Forget a file whose yes will not come.

    :raises ImportGone: there is none
    """
    row = find(connection, key, by, hold=True)
    if row.state == "waiting":
        _end(connection, row.id, "dropped", now)


def drop_old(engine: Engine, now: datetime) -> int:
    """Forget the files that nobody said yes to for a day; returns how many."""
    with writing(engine) as connection:
        old = _imports.c.content.is_not(None) & (_imports.c.created_at < now - KEPT_FOR)
        ended = update(_imports).where(old).values(state="dropped", content=None, ended_at=now)
        return int(connection.execute(ended).rowcount)


def carry_out(
    engine: Engine, key: str, by: str, rows: Iterable[ImportRow | RowProblem], terms: ImportTerms, now: datetime
) -> Mapping[str, int]:
    """Write the rows of a file, a chunk in each transaction, and return how many of each verdict there were.

    Said twice, at once or later, each row is written once: the file's row is held and says how far it is. Cut off, it
    goes on where it was.

    :raises ImportGone: there is no such file, or it was dropped
    """
    for chunk in chunks(rows):
        with writing(engine) as connection:
            held = find(connection, key, by, hold=True)
            if held.state == "done":
                return dict(held.counts)
            if held.content is None:
                raise ImportGone(key)
            rest = [row for row in chunk if row.line > held.applied_to]
            if not rest:
                continue
            counts: Counter[str] = Counter(held.counts or {})
            counts[REFUSED] += len({row.line for row in rest if isinstance(row, RowProblem)})
            good = [row for row in rest if isinstance(row, ImportRow)]
            counts.update(one.verdict for one in write_rows(connection, good, terms, now))
            written = {"state": "running", "applied_to": max(row.line for row in rest), "counts": dict(counts)}
            connection.execute(update(_imports).where(_imports.c.id == held.id).values(written))
    with writing(engine) as connection:
        held = find(connection, key, by, hold=True)
        if held.state != "done":
            _end(connection, held.id, "done", now)
        return dict(held.counts or {})


def latest(engine: Engine, by: str, most: int = 10) -> list[Any]:
    """Return the files that somebody brought, newest first."""
    with reading(engine) as connection:
        mine = select(_imports).where(_imports.c.created_by == by).order_by(_imports.c.id.desc()).limit(most)
        return list(connection.execute(mine))


def lines_of(text: str) -> Iterator[str]:
    """Yield the lines of a kept file with their ends, so that a cell that has one stays whole."""
    yield from text.splitlines(keepends=True)


def _end(connection: Connection, number: int, state: str, now: datetime) -> None:
    connection.execute(update(_imports).where(_imports.c.id == number).values(state=state, content=None, ended_at=now))
