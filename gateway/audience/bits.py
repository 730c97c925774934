"""The members as columns of bits, which any audience rule is counted from: see docs/decisions/0009.

A block holds the members of 65,536 sender ids. Members that have changed since their block was written stand in
`member_changes`; whoever reads leaves them out of their blocks and reads their rows instead, so a count is exact at any
moment. The changes are read before the blocks: what is folded in between is in a block by then, and is nowhere twice.
"""

import json
import sys
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import BigInteger, Connection, Select, TextClause, cast, func, select, text

from gateway.audience.rules import Audience
from gateway.database import is_sqlite
from gateway.tables import MemberBits, MemberBitsState, MemberChange
from segments.atlas import LANGUAGES
from segments.bits import Bits, Column, Mask, bits_of, mask_of, unpacked
from segments.masks import LANGUAGE_CODES, OTHER_LANGUAGE, REACHABLE, Block, Question, question_sql

BLOCK = 65_536
FORM = f"1 {','.join(LANGUAGES)}"
"""What the columns mean; a change of `COLUMNS` or of `BLOCK` is a new number."""
STANDINGS: Mapping[int, str] = {2: "stopped", 3: "no consent", 4: "dead number"}
MOST_CHANGED = 100_000
"""With more changes than this, reading their rows would take longer than counting without bits."""
THERE = "there"
_AT_ONCE = 16  # blocks in memory

_bits, _state, _changes = MemberBits.__table__.c, MemberBitsState.__table__.c, MemberChange.__table__.c
_EVERY_PLACE = (1 << BLOCK) - 1
_STANDING = f"""CASE WHEN m.reachable THEN {REACHABLE} WHEN s.consent = 'stopped' THEN 2
    WHEN s.consent <> 'joined' THEN 3 ELSE 4 END"""
_LANGUAGE = "CASE {} WHEN m.language IS NULL THEN 0 ELSE {} END".format(
    " ".join(f"WHEN m.language = '{code}' THEN {number}" for code, number in LANGUAGE_CODES.items()), OTHER_LANGUAGE
)
COLUMNS: Mapping[str, tuple[str, str]] = {
    "standing": (_STANDING, _STANDING),
    "language": (_LANGUAGE, _LANGUAGE),
    "city": ("coalesce(m.city_id, 0)",) * 2,
    "seat": ("coalesce(m.constituency_id, 0)",) * 2,
    "provincial": ("coalesce(m.provincial_id, 0)",) * 2,
    "affinities": ("m.affinities",) * 2,
    "joined": (
        "CAST(strftime('%s', substr(m.joined_at, 1, 16)) AS INTEGER) / 60",  # whole seconds would be rounded
        "floor(extract(epoch FROM m.joined_at) / 60)::int8",
    ),
    "seen": (
        "coalesce(max(CAST(strftime('%s', m.seen_on) AS INTEGER) / 86400 + 1, 1), 0)",
        "coalesce(greatest(m.seen_on - date '1969-12-31', CASE WHEN m.seen_on IS NOT NULL THEN 1 END), 0)",
    ),
    "referred": ("m.referrer_id IS NOT NULL", "(m.referrer_id IS NOT NULL)::int"),
    # The first four digits of the number, which hold any country's calling code (ITU-T E.164) and "+1876".
    "country": (
        "CASE WHEN s.key GLOB '+[0-9][0-9][0-9][0-9]*' THEN CAST(substr(s.key, 2, 4) AS INTEGER) ELSE 0 END",
        "CASE WHEN s.key ~ '^[+][0-9]{4}' THEN substr(s.key, 2, 4)::int ELSE 0 END",
    ),
}
"""What is kept of a member, as SQLite and as PostgreSQL say it: whole numbers, 0 for nothing on file."""


def rows_sql(sqlite: bool, condition: str, names: Sequence[str] = tuple(COLUMNS)) -> TextClause:
    """Return the select of sender ids and columns of the members under a condition on `m` and `s`, by rising id."""
    said = ", ".join(["m.sender_id", *(COLUMNS[name][0 if sqlite else 1] for name in names)])
    return text(
        f"SELECT {said} FROM members m JOIN senders s ON s.id = m.sender_id "  # noqa: S608 - our own words
        f"WHERE {condition} ORDER BY m.sender_id"
    )


def rows_of(connection: Connection, ids: Sequence[int], names: Sequence[str] = tuple(COLUMNS)) -> Sequence[Any]:
    """Return the rows, as `rows_sql` has them, of those of some senders who are members."""
    sqlite = is_sqlite(connection)
    wanted = rows_sql(sqlite, f"m.sender_id IN ({listed(sqlite)})", names)
    return connection.execute(wanted, {"ids": json.dumps(list(ids))}).all()


def listed(sqlite: bool) -> str:
    """Return the select of the numbers in the parameter `ids`, a JSON list: the same statement for any number."""
    return (
        "SELECT value FROM json_each(:ids)" if sqlite else "SELECT json_array_elements_text(CAST(:ids AS json))::int8"
    )


@dataclass
class _Answers:
    """Who answers a question, asked of the tables once, a bit for every sender id."""

    connection: Connection
    audience: Audience
    found: dict[Question, bytearray] = field(default_factory=dict)

    def of(self, question: Question) -> bytearray:
        if question not in self.found:
            audience = self.audience
            ids = _ids(self.connection, question_sql(question, audience.columns, audience.atlas, audience.now))
            answer = bytearray(max(ids, default=0) // 8 + 1)
            for one in ids:
                answer[one >> 3] |= 1 << (one & 7)
            self.found[question] = answer
        return self.found[question]

    def in_block(self, first: int) -> Callable[[Question], Mask]:
        return lambda question: int.from_bytes(self.of(question)[first // 8 : (first + BLOCK) // 8], "little")

    def among(self, members: Sequence[int]) -> Callable[[Question], Mask]:
        def answer(question: Question) -> Mask:
            found = self.of(question)
            end = len(found) * 8
            places = (at for at, one in enumerate(members) if one < end and found[one >> 3] >> (one & 7) & 1)
            return mask_of(places, -(-len(members) // 8) * 8)

        return answer


def _ids(connection: Connection, wanted: Select[Any]) -> Sequence[int]:
    """Return the ids that a select finds, as one value: neither the driver nor SQLAlchemy handles each."""
    inner = wanted.subquery()
    (one,) = inner.c
    if is_sqlite(connection):
        listed = connection.execute(select(func.group_concat(one))).scalar()
        return list(map(int, listed.split(","))) if listed else ()
    packed = connection.execute(select(func.string_agg(func.int8send(cast(one, BigInteger)), b""))).scalar()
    ids = array("q", bytes(packed or b""))
    if sys.byteorder == "little":
        ids.byteswap()
    return ids


@dataclass(frozen=True)
class Bitwise:
    """The members of one moment, ready to be read block by block; made by `open_bits`.

    `changed` are the sender ids whose blocks are old, in order; those of them that are members stand in `rows`.
    """

    connection: Connection
    answers: _Answers
    changed: Sequence[int]
    rows: Sequence[Any]
    names: Sequence[str]

    def blocks(self, after_id: int = 0) -> Iterator[tuple[Block, Sequence[int] | int]]:
        """Yield every member once, in blocks: first those that changed (with their sender ids by place), then the
        others (with the sender id at place 0). Blocks that lie wholly below `after_id` are left out."""
        if self.rows:
            yield self._changed_block()
        connection = self.connection
        behind = (_bits.name == THERE, _bits.block >= after_id // BLOCK)
        numbers = list(connection.execute(select(_bits.block).where(*behind).order_by(_bits.block)).scalars())
        for at in range(0, len(numbers), _AT_ONCE):
            some = numbers[at : at + _AT_ONCE]
            held: dict[int, dict[str, bytes]] = {number: {} for number in some}
            for block, name, bits in self._kept(some[0], some[-1]):
                held.setdefault(block, {})[name] = bits
            for block, columns in sorted((block, columns) for block, columns in held.items() if columns):
                yield self._block(block, columns), block * BLOCK

    def _kept(self, first: int, last: int) -> Iterable[tuple[int, str, bytes]]:
        """Return the columns that are read of the blocks from one to another."""
        wanted = (
            select(_bits.block, _bits.name, _bits.bits)
            .where(_bits.block >= first, _bits.block <= last)
            .where(_bits.name.in_([THERE, *self.names]))
        )
        if is_sqlite(self.connection):
            return self.connection.execute(wanted).all()
        # As bytes and not as the hexadecimal digits of text, which takes a quarter of the time.
        said = wanted.compile(self.connection, compile_kwargs={"literal_binds": True})
        raw: Any = self.connection.connection.driver_connection
        with raw.cursor(binary=True) as cursor:
            found: list[tuple[int, str, bytes]] = cursor.execute(str(said)).fetchall()
        return found

    def _changed_block(self) -> tuple[Block, Sequence[int]]:
        ids, *values = zip(*self.rows, strict=True)
        everyone = (1 << len(ids)) - 1
        columns = {name: Column(bits_of(column), everyone) for name, column in zip(self.names, values, strict=True)}
        return Block(everyone, columns.__getitem__, _remembered(self.answers.among(ids))), ids

    def _block(self, block: int, columns: Mapping[str, bytes]) -> Block:
        first = block * BLOCK
        here = self.changed[bisect_left(self.changed, first) : bisect_left(self.changed, first + BLOCK)]
        (there,) = unpacked(columns[THERE], _EVERY_PLACE, BLOCK) or (0,)
        everyone = there ^ (there & mask_of((one - first for one in here), BLOCK))

        def column(name: str) -> Column:
            bits: Bits = unpacked(columns[name], there, BLOCK)
            return Column(bits, everyone)

        return Block(everyone, _remembered(column), _remembered(self.answers.in_block(first)))


def _remembered(ask: Callable[[Any], Any]) -> Callable[[Any], Any]:
    known: dict[Any, Any] = {}

    def remembered(key: Any) -> Any:
        if key not in known:
            known[key] = ask(key)
        return known[key]

    return remembered


def open_bits(connection: Connection, audience: Audience, names: Sequence[str]) -> Bitwise | None:
    """Return the members' bits for reading some columns; None where there are none yet, or too much has changed.

    What is read is as of this moment or, for members that change while it is read, as of a moment later.
    """
    state = connection.execute(select(_state.form, _state.whole)).first()
    if state is None or not state.whole or state.form != FORM:
        return None
    found = connection.execute(select(_changes.sender_id).limit(MOST_CHANGED + 1)).scalars().all()
    if len(found) > MOST_CHANGED:
        return None
    changed = sorted(set(found))
    rows = rows_of(connection, changed, names) if changed else []
    return Bitwise(connection, _Answers(connection, audience), changed, rows, names)
