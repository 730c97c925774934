"""Keep the members' bits near the members' rows: build them once, then fold in what has changed.

A block is read and worked out outside any writing transaction, and written in a short one. That is safe because a
change that commits in between leaves a line in `member_changes` which is not among the lines taken away.
"""

import json
from array import array
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, delete, func, insert, select, text, update

from gateway.audience.bits import BLOCK, COLUMNS, FORM, THERE, rows_of, rows_sql
from gateway.database import is_sqlite, reading, writing
from gateway.tables import Member, MemberBits, MemberBitsState, MemberChange
from segments.bits import Bits, Mask, bits_of, mask_of, packed, rewritten, unpacked

FOLD_AT, FOLD_AT_PER_BLOCK = 5_000, 50
"""So many changes are worth writing blocks anew for; more where there are more blocks to write."""
_AT_MOST = 200_000  # changes in one go
_BUSY = timedelta(minutes=1)
_EVERY_PLACE = (1 << BLOCK) - 1

_bits, _state, _changes = MemberBits.__table__, MemberBitsState.__table__, MemberChange.__table__
_NAMES = tuple(COLUMNS)


class _Overtaken(Exception):
    """Another process writes the bits."""


def fold(engine: Engine, clock: Callable[[], datetime], *, at_least: int | None = None) -> int:
    """Build the bits if there are none, else fold in the changes if there are enough; returns how many were folded.

    Safe in any number of processes at once: one does the work.

    :param at_least: fold this many changes already; by default it goes by how many blocks there are
    """
    with reading(engine) as connection:
        state = connection.execute(select(_state)).first()
        if state is not None and state.busy_until is not None and state.busy_until > clock():
            return 0
        if state is not None and state.whole and state.form == FORM:
            if at_least is None:
                blocks = select(func.count()).select_from(_bits).where(_bits.c.name == THERE)
                at_least = FOLD_AT + FOLD_AT_PER_BLOCK * connection.execute(blocks).scalar_one()
            lines = connection.execute(select(_changes.c.id, _changes.c.sender_id).limit(_AT_MOST)).all()
            if len(lines) < max(at_least, 1):
                return 0
        else:
            lines = []
    version = state.version if state is not None else 0
    try:
        if state is None or not state.whole or state.form != FORM:
            _Writer(engine, clock, version).build(new=state is None)
            return 0
        return _Writer(engine, clock, version).fold(lines)
    except _Overtaken:
        return 0


class _Writer:
    """Writes under a version that it moves on with every write: whoever finds another one there has been overtaken."""

    def __init__(self, engine: Engine, clock: Callable[[], datetime], version: int) -> None:
        self.engine, self.clock, self.version = engine, clock, version

    def build(self, *, new: bool) -> None:
        with writing(self.engine) as connection:
            if new:
                first = {"id": 1, "form": FORM, "version": self.version, "whole": False}
                statement = text(
                    "INSERT INTO member_bits_state (id, form, version, whole) "
                    "VALUES (:id, :form, :version, :whole) ON CONFLICT DO NOTHING"
                )
                connection.execute(statement, first)
            self._take(connection, form=FORM, whole=False, busy=True)
            connection.execute(delete(_bits))
            # What stands there now is in the rows by now, and those are read from here on.
            connection.execute(delete(_changes))
            last = connection.execute(select(func.max(Member.sender_id))).scalar()
        for block in range((last or 0) // BLOCK + 1) if last is not None else ():
            with reading(self.engine) as connection:
                # Said of both, or PostgreSQL reads all senders from the first to the block's, for every block anew.
                condition = "m.sender_id >= :first AND m.sender_id < :after AND s.id >= :first AND s.id < :after"
                span = {"first": block * BLOCK, "after": (block + 1) * BLOCK}
                rows = connection.execute(rows_sql(is_sqlite(connection), condition), span).all()
            columns = _columns_of(rows, block * BLOCK) if rows else {}
            with writing(self.engine) as connection:
                self._take(connection, busy=True)
                self._write(connection, block, columns)
        with writing(self.engine) as connection:
            self._take(connection, whole=True)

    def fold(self, lines: Sequence[Any]) -> int:
        by_block: dict[int, list[Any]] = defaultdict(list)
        for line in lines:
            by_block[line.sender_id // BLOCK].append(line)
        for block, some in sorted(by_block.items()):
            with reading(self.engine) as connection:
                changed = sorted({line.sender_id for line in some})
                rows = rows_of(connection, changed)
                held = connection.execute(select(_bits.c.name, _bits.c.bits).where(_bits.c.block == block)).all()
            old = {name: bytes(bits) for name, bits in held}
            columns = _folded(old, changed, rows, block * BLOCK)
            with writing(self.engine) as connection:
                self._take(connection, busy=True)
                self._write(connection, block, columns, old)
                _forget(connection, [line.id for line in some])
        with writing(self.engine) as connection:
            self._take(connection)
        return len(lines)

    def _take(self, connection: Connection, *, busy: bool = False, **values: Any) -> None:
        """Move the version on, or find that somebody else did."""
        until = self.clock() + _BUSY if busy else None
        mine = update(_state).where(_state.c.version == self.version)
        moved = connection.execute(mine.values(version=self.version + 1, busy_until=until, **values))
        if moved.rowcount != 1:
            raise _Overtaken
        self.version += 1

    @staticmethod
    def _write(
        connection: Connection, block: int, columns: Mapping[str, bytes], old: Mapping[str, bytes] | None = None
    ) -> None:
        old = old or {}
        new = {name: bits for name, bits in columns.items() if old.get(name) != bits}
        if stale := [name for name in old if name in new or name not in columns]:
            connection.execute(delete(_bits).where(_bits.c.block == block, _bits.c.name.in_(stale)))
        if new:
            connection.execute(
                insert(_bits), [{"block": block, "name": name, "bits": bits} for name, bits in new.items()]
            )


def _forget(connection: Connection, ids: Sequence[int]) -> None:
    given = (
        "SELECT value FROM json_each(:ids)" if is_sqlite(connection) else "SELECT json_array_elements_text(:ids)::int8"
    )
    connection.execute(text(f"DELETE FROM member_changes WHERE id IN ({given})"), {"ids": json.dumps(ids)})  # noqa: S608


def _columns_of(rows: Sequence[Any], first: int) -> dict[str, bytes]:
    """Return the columns of a block from the rows of all its members."""
    ids, *columns = zip(*rows, strict=True)
    places = [one - first for one in ids]
    everyone = mask_of(places, BLOCK)
    made = {THERE: packed((everyone,), _EVERY_PLACE, BLOCK)}
    runs = _runs(places)
    for name, values in zip(_NAMES, columns, strict=True):
        spread = array("Q", bytes(8 * BLOCK))
        held = array("Q", values)
        for start, end, at in runs:
            spread[start:end] = held[at : at + end - start]
        made[name] = packed(bits_of(spread), everyone, BLOCK)
    return made


def _runs(places: Sequence[int]) -> list[tuple[int, int, int]]:
    """Return the runs of places that follow each other: first, behind the last, and where the first stands."""
    starts = [at for at, place in enumerate(places) if not at or places[at - 1] != place - 1]
    ends = [*starts[1:], len(places)]
    return [(places[at], places[at] + end - at, at) for at, end in zip(starts, ends, strict=True)]


def _folded(old: Mapping[str, bytes], changed: Sequence[int], rows: Sequence[Any], first: int) -> dict[str, bytes]:
    """Return the columns of a block with the changed members as they are now; {} when nobody is left in it."""
    there: Mask = (unpacked(old[THERE], _EVERY_PLACE, BLOCK) or (0,))[0] if old else 0
    gone = mask_of((one - first for one in changed), BLOCK)
    everyone = (there ^ (there & gone)) | mask_of((row[0] - first for row in rows), BLOCK)
    if not everyone:
        return {}
    made = {THERE: packed((everyone,), _EVERY_PLACE, BLOCK)}
    for at, name in enumerate(_NAMES, 1):
        bits: Bits = unpacked(old[name], there, BLOCK) if old else ()
        values = {row[0] - first: row[at] for row in rows}  # of whom is gone, `packed` drops the place
        made[name] = packed(rewritten(bits, values, BLOCK), everyone, BLOCK)
    return made
