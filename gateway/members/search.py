"""Find members by words of their name, the last digits of their number, and their city, a page at a time.

What it costs: every search is led by an index. The rarest of the words leads (each counted up to `_COUNTED`), so a page
of "muhammad raza" costs no more than a page of "raza"; the beginning of a word leads only where it stands alone or is
rarer. Without words the newest members come first, by city where one is given.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, exists, func, select, tuple_

from gateway.members.terms import LAST_DIGITS, LONGEST_TERM
from gateway.rules.phone_numbers import mask
from gateway.tables import Member, MemberTerm, Sender
from gateway.tables.members import EVERY_MEMBER
from orthography import words

PAGE = 25
_COUNTED = 2_000
_MOST_WORDS = 4
_LAST = "\U0010ffff"
# A number with digits hidden, as pages show it ("+92300•••4501") or as people retype that ("92300...4501").
_MASKED = re.compile(r"([+\d][+\d -]*)?\s*(?:[•*…]+|\.{2,}|(?<=\d)[xX]{2,}(?=\s*\d))\s*")
_LEAST_FRONT = 4

_members, _senders, _terms = Member.__table__, Sender.__table__, MemberTerm.__table__


class SearchError(ValueError):
    """What was typed cannot be searched for; the text is a key of the wording."""


@dataclass(frozen=True, slots=True)
class Search:
    """What is looked for: folded words, the last one perhaps only begun; last digits of the number; a city's id; and
    the digits that it begins with, country and all."""

    words: tuple[str, ...] = ()
    digits: str = ""
    city_id: int | None = None
    front: str = ""


@dataclass(frozen=True, slots=True)
class FoundMember:
    """One line of the list. `phone` is masked; `city_id` and the seats are rows of `places` and `constituencies`."""

    sender_id: int
    name: str
    phone: str
    city_id: int | None
    constituency_id: int | None
    affinities: int
    consent: str
    reachable: bool
    joined_at: datetime


@dataclass(frozen=True, slots=True)
class MemberPage:
    """`after` leads to the next page; None on the last."""

    members: Sequence[FoundMember]
    after: tuple[str, int] | None


def read_search(typed: str, city_id: int | None = None) -> Search:
    """Return the search that typed words mean: digits are the end of a number, all else words of a name. Of a number
    with a hidden middle the front counts too, where it is written with its country (one that begins with 0 is not).

    :raises SearchError: "too_few_digits" (fewer than two) or "too_many_digits" (a whole number is looked up, not found)
    """
    names: list[str] = []
    digits = ""
    hidden = _MASKED.search(typed)
    for word in words(_MASKED.sub(" ", typed)):
        if word.isdecimal():
            digits += word
        elif len(names) < _MOST_WORDS:
            names.append(word[:LONGEST_TERM])
    if len(digits) == 1 or (hidden and hidden[1] and not digits):
        raise SearchError("too_few_digits")
    if len(digits) > 6:
        raise SearchError("too_many_digits")
    front = "".join(word for word in words(hidden[1] or "") if word.isdecimal()) if hidden and digits else ""
    return Search(tuple(names), digits, city_id, "" if front.startswith("0") or len(front) < _LEAST_FRONT else front)


def is_masked(typed: str) -> bool:
    """Whether somebody typed a number of which digits are hidden."""
    return _MASKED.search(typed) is not None


def find_members(
    connection: Connection,
    search: Search,
    visible: ColumnElement[bool],
    after: tuple[str, int] | None = None,
    limit: int = PAGE,
) -> MemberPage:
    """Return a page of the members that fit, without whole numbers.

    :param visible: a condition on `members`: those whom the reader may see
    :param after: where the page before ended
    """
    tests = _tests(search)
    if not tests:
        rows = _newest(connection, search, visible, after, limit + 1)
    else:
        lead = _lead(connection, tests)
        rows = _led(connection, search, lead, [test for test in tests if test is not lead], visible, after, limit + 1)
    shown = rows[:limit]
    more = (shown[-1].term, shown[-1].sender_id) if len(rows) > limit else None
    return MemberPage([_found(row) for row in shown], more)


@dataclass(frozen=True, slots=True)
class _Test:
    """Terms from `first` up to, not including, `past`; `exact` where that is one term."""

    first: str
    past: str
    exact: bool

    def on(self, term: ColumnElement[str]) -> ColumnElement[bool]:
        return term == self.first if self.exact else and_(term >= self.first, term < self.past)


def _tests(search: Search) -> list[_Test]:
    found = [_Test(word, word, True) for word in search.words[:-1]]
    if search.words:
        found.append(_Test(search.words[-1], search.words[-1] + _LAST, False))
    if len(search.digits) >= LAST_DIGITS:
        tail = f"#{search.digits[-LAST_DIGITS:]}"
        found.append(_Test(tail, tail, True))
    elif search.digits and not found:
        found.append(_Test("#", "$", False))  # two or three digits alone: any ending, looked through
    return found


def _lead(connection: Connection, tests: Sequence[_Test]) -> _Test:
    if len(tests) == 1:
        return tests[0]

    def size(test: _Test) -> tuple[int, bool]:
        some = select(_terms.c.sender_id).where(test.on(_terms.c.term)).limit(_COUNTED).subquery()
        return connection.execute(select(func.count()).select_from(some)).scalar_one(), not test.exact

    return min(tests, key=size)


def _columns(term: Any) -> Select[Any]:
    return select(
        term.label("term"), _members.c.sender_id, _members.c.name, _members.c.city_id, _members.c.constituency_id,
        _members.c.affinities, _members.c.reachable, _members.c.joined_at, _senders.c.key, _senders.c.consent,
    )  # fmt: skip


def _newest(
    connection: Connection, search: Search, visible: ColumnElement[bool], after: tuple[str, int] | None, limit: int
) -> Sequence[Row[Any]]:
    query = (
        _columns(func.coalesce("", ""))
        .select_from(_members.join(_senders, _senders.c.id == _members.c.sender_id))
        .where(visible)
        .order_by(_members.c.sender_id.desc())
        .limit(limit)
    )
    if search.city_id is not None:
        query = query.where(_members.c.city_id == search.city_id, EVERY_MEMBER)
    if after:
        query = query.where(_members.c.sender_id < after[1], _senders.c.id < after[1])
    return connection.execute(query).all()


def _led(
    connection: Connection,
    search: Search,
    lead: _Test,
    others: Sequence[_Test],
    visible: ColumnElement[bool],
    after: tuple[str, int] | None,
    limit: int,
) -> Sequence[Row[Any]]:
    query = (
        _columns(_terms.c.term)
        .select_from(
            _terms.join(_members, _members.c.sender_id == _terms.c.sender_id).join(
                _senders, _senders.c.id == _terms.c.sender_id
            )
        )
        .where(lead.on(_terms.c.term), visible)
        .order_by(_terms.c.term, _terms.c.sender_id)
        .limit(limit)
    )
    if not lead.exact:  # who has two words that begin so is shown once, at the first
        twin = _terms.alias()
        query = query.where(
            ~exists().where(
                twin.c.sender_id == _terms.c.sender_id, twin.c.term >= lead.first, twin.c.term < _terms.c.term
            )
        )
    for test in others:
        other = _terms.alias()
        query = query.where(exists().where(other.c.sender_id == _terms.c.sender_id, test.on(other.c.term)))
    if search.digits:
        query = query.where(_senders.c.key.like(f"+{search.front}%{search.digits}"))
    if search.city_id is not None:
        query = query.where(_members.c.city_id == search.city_id)
    if after:
        query = query.where(tuple_(_terms.c.term, _terms.c.sender_id) > tuple_(*after))
    return connection.execute(query).all()


def _found(row: Row[Any]) -> FoundMember:
    return FoundMember(
        sender_id=row.sender_id,
        name=row.name,
        phone=mask(row.key),
        city_id=row.city_id,
        constituency_id=row.constituency_id,
        affinities=row.affinities,
        consent=row.consent,
        reachable=row.reachable,
        joined_at=row.joined_at,
    )


def sender_of(connection: Connection, key: str) -> int | None:
    """Return the sender of a whole number (E.164); None if nobody ever texted from it."""
    return connection.execute(select(_senders.c.id).where(_senders.c.key == key)).scalar()


def is_visible(connection: Connection, sender_id: int, visible: ColumnElement[bool], *, everyone: bool) -> bool:
    """Whether a reader may see a sender: a member who fits `visible`; who is no member, only with `everyone`."""
    found = select(_members.c.sender_id).where(_members.c.sender_id == sender_id)
    if connection.execute(found.where(visible)).first():
        return True
    known = connection.execute(select(_senders.c.key).where(_senders.c.id == sender_id)).scalar()
    return everyone and known is not None and connection.execute(found).first() is None
