"""How many an audience is, of whom, and who is left out and why; and its members in chunks, for planning."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnClause,
    ColumnElement,
    Connection,
    FromClause,
    Select,
    and_,
    case,
    func,
    literal_column,
    not_,
    or_,
    select,
    text,
)
from sqlalchemy.sql.visitors import replacement_traverse

from gateway.audience.bits import listed
from gateway.audience.rules import Audience
from gateway.audience.tally import Tally, candidates, read_bits, tally
from gateway.database import is_sqlite
from gateway.rules.countries import by_country
from gateway.tables import Member, Sender, TopicStop
from segments.atlas import LANGUAGES
from segments.rule import terms
from segments.sql import an_index_serves, demands_a_seat, reads_histories

_members = Member.__table__.c
_senders = Sender.__table__.c
_Split = Counter[tuple[int | None, str | None]]  # members by city id and language
_FEW = 100_000  # so many members are looked up one by one sooner than all senders are read

LEFT_OUT = ("stopped", "no consent", "dead number", "wrong country", "left the group")


@dataclass(frozen=True, slots=True)
class AudienceCount:
    """`matched` members fit the rule; `recipients` of them can be texted, and `left_out` says why the others cannot:
    the parts add up. `abroad` splits "wrong country" by calling code.
    `by_language` and `by_city` (a place's key; None: no city) split the recipients."""

    matched: int
    recipients: int
    left_out: Mapping[str, int] = field(default_factory=dict)
    abroad: Mapping[str, int] = field(default_factory=dict)
    by_language: Mapping[str, int] = field(default_factory=dict)
    by_city: Mapping[str | None, int] = field(default_factory=dict)


class Recipient(NamedTuple):
    """One member to be texted. `language` is the one they are answered in; `city` a place's key."""

    sender_id: int
    key: str
    language: str
    name: str
    city: str | None


def count(connection: Connection, audience: Audience) -> int:
    """Return how many reachable members an audience has who left none of its groups: the quick number.

    Numbers of other countries are still in it; `count_by_reason` takes them out.
    """
    if read := read_bits(connection, audience, home=False):
        return tally(read, audience, home=False).fitting
    _prepare(connection, audience)
    wanted = and_(_reachable(connection, audience), audience.condition(heed_stops=False))
    fitting = connection.execute(select(func.count()).select_from(Member.__table__).where(wanted)).scalar_one()
    return int(fitting) - _left(connection, audience).total()


def count_by_reason(connection: Connection, audience: Audience, place_keys: Mapping[int, str]) -> AudienceCount:
    """Return the count of an audience, split by language and city, and who is left out and why.

    People who sent ERASE are no longer on file and are in no number.
    """
    if read := read_bits(connection, audience):
        return _explained(tally(read, audience), audience, place_keys)
    _prepare(connection, audience)
    reachable = _reachable(connection, audience)
    split = _split(connection, reachable, audience.condition(heed_stops=False))
    fitting = split.total()
    left = _left(connection, audience)
    abroad = _abroad(connection, audience, few=fitting <= _FEW)
    split.subtract(left)
    split.subtract(abroad)
    unreachable = _unreachable(connection, audience)
    reasons = {**unreachable, "wrong country": abroad.total(), "left the group": left.total()}
    languages: Counter[str | None] = Counter()
    cities: Counter[int | None] = Counter()
    for (city, language), number in split.items():
        languages[language] += number
        cities[city] += number
    countries = _countries(connection, audience, few=fitting <= _FEW) if abroad.total() else {}
    return _explained(Tally(fitting, split.total(), reasons, countries, languages, cities), audience, place_keys)


def _explained(tally: Tally, audience: Audience, place_keys: Mapping[int, str]) -> AudienceCount:
    languages: Counter[str] = Counter()
    for language, number in tally.by_language.items():
        languages[language or audience.atlas.default_language] += number
    cities: Counter[str | None] = Counter()
    for city, number in tally.by_city.items():
        cities[place_keys.get(city) if city is not None else None] += number
    reasons = tally.left_out
    return AudienceCount(
        matched=tally.recipients + sum(reasons.values()),
        recipients=tally.recipients,
        left_out={reason: reasons[reason] for reason in LEFT_OUT if reasons.get(reason)},
        abroad=by_country(tally.abroad.items()),
        by_language={language: number for language, number in languages.most_common() if number},
        by_city={city: number for city, number in cities.most_common() if number},
    )


def recipients(
    connection: Connection, audience: Audience, after_id: int, limit: int, *, joined_by: datetime, many: bool = True
) -> Sequence[Recipient]:
    """Return the next recipients by rising sender id, for planning in chunks.

    :param after_id: the last id of the chunk before; 0 for the first
    :param joined_by: aware, fixed when planning starts: who joins later is not in this audience. The consent test of
        the outbox's claim leaves out who stops in between.
    :param many: walk the members in the order of their ids; False: find the few that there are by bits or an index
    """
    wanted = [_members.sender_id > after_id, _members.joined_at <= joined_by, audience.condition(heed_stops=True)]
    found = None if many or demands_a_seat(audience.rule) else candidates(connection, audience, after_id)
    if found is not None:
        rows: list[Any] = []
        while len(rows) < limit and (some := list(islice(found, limit))):
            rows += connection.execute(_people(audience, *wanted, _members.reachable, _listed(connection, some)))
        return _recipients(rows[:limit], audience)
    _prepare(connection, audience)
    if many and is_sqlite(connection):
        wanted = [_without_index(one) for one in wanted]
    reachable = _scanned(connection) if many else _reachable(connection, audience)
    # Said of both: joining in the order of ids, PostgreSQL would else read all numbers from the first to these.
    wanted.append(_senders.id > after_id)
    return _recipients(connection.execute(_people(audience, *wanted, reachable).limit(limit)).all(), audience)


def _without_index(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    """Return a condition on members in whose columns SQLite sees no index: walking them in the order of their ids, it
    would else find all that an index gives, a million it may be, and put them in order anew for every chunk."""

    def bare(element: Any, **_options: Any) -> Any:
        if (
            isinstance(element, ColumnClause)
            and element.table is Member.__table__
            and element is not _members.sender_id
        ):
            return literal_column(f"+members.{element.name}", element.type)
        return None

    return replacement_traverse(condition, {}, bare)


def _people(audience: Audience, *conditions: ColumnElement[bool]) -> Select[Any]:
    return (
        select(_members.sender_id, _senders.key, _members.language, _members.name, _members.city_id)
        .join_from(Member.__table__, Sender.__table__, _senders.id == _members.sender_id)
        .where(*conditions, *([_home(audience)] if audience.prefixes else []))
        .order_by(_members.sender_id)
    )


def _listed(connection: Connection, ids: Sequence[int]) -> ColumnElement[bool]:
    return _members.sender_id.in_(text(listed(is_sqlite(connection))).bindparams(ids=json.dumps(ids)))


def _recipients(rows: Iterable[Any], audience: Audience) -> list[Recipient]:
    keys = {number: key for key, number in audience.columns.place_ids.items()}
    default = audience.atlas.default_language
    return [
        Recipient(sender_id, key, language or default, name, keys.get(city_id))
        for sender_id, key, language, name, city_id in rows
    ]


def _prepare(connection: Connection, audience: Audience) -> None:
    if not is_sqlite(connection) and reads_histories(audience.rule):
        # Who has a history is held in memory once instead of looked up for every member; for this transaction alone.
        connection.execute(text("SET LOCAL work_mem = '256MB'"))


def _scanned(connection: Connection) -> ColumnElement[bool]:
    """Return "reachable" so that SQLite takes it for no reason to use a partial index."""
    return literal_column("+members.reachable") if is_sqlite(connection) else _members.reachable


def _reachable(connection: Connection, audience: Audience) -> ColumnElement[bool]:
    if not an_index_serves(audience.rule, audience.atlas):
        return _scanned(connection)
    # Written as the index's own condition: SQLite takes "reachable = 1" for another one, and leaves the index alone.
    return literal_column("members.reachable") if is_sqlite(connection) else _members.reachable


def _split(connection: Connection, *conditions: ColumnElement[bool], source: FromClause = Member.__table__) -> _Split:
    """Return how many members there are, by city and language.

    Languages are counted within a city's row: grouping by both would sort millions of rows on SQLite, where an index
    gives the cities in order.
    """
    languages = [func.count().filter(_members.language == code) for code in LANGUAGES]
    rows = connection.execute(
        select(_members.city_id, func.count(), *languages)
        .select_from(source)
        .where(*conditions)
        .group_by(_members.city_id)
    )
    split: _Split = Counter()
    for city, everyone, *speaking in rows:
        split.update({(city, code): number for code, number in zip(LANGUAGES, speaking, strict=True) if number})
        split[city, None] += everyone - sum(speaking)
    return split


def _left(connection: Connection, audience: Audience) -> _Split:
    """Return those who fit the rule only as one of a group that they left; found by way of the few who left one."""
    topics = sorted({topic for term in terms(audience.rule) for topic in audience.atlas.topics(term)})
    if not topics:
        return Counter()
    leavers = _members.sender_id.in_(select(TopicStop.sender_id).where(TopicStop.topic.in_(topics)))
    reachable = _scanned(connection)
    fitting = _split(connection, reachable, leavers, audience.condition(heed_stops=False))
    if fitting:
        fitting.subtract(_split(connection, reachable, leavers, audience.condition(heed_stops=True)))
    return fitting


def _home(audience: Audience) -> ColumnElement[bool]:
    return or_(*(_senders.key.startswith(prefix, autoescape=True) for prefix in audience.prefixes))


def _abroad(connection: Connection, audience: Audience, *, few: bool) -> _Split:
    """Return those whose number is of a country that is not texted."""
    if not audience.prefixes:
        return Counter()
    heeding = audience.condition(heed_stops=True)
    if few:
        both = Member.__table__.join(Sender.__table__, _senders.id == _members.sender_id)
        return _split(connection, _reachable(connection, audience), heeding, not_(_home(audience)), source=both)
    foreign = _foreign(connection, audience)
    return _split(connection, _scanned(connection), heeding, _members.sender_id.in_(select(_senders.id).where(foreign)))


def _foreign(connection: Connection, audience: Audience) -> ColumnElement[bool]:
    if is_sqlite(connection):  # where numbers are in order of their signs, those of a country are one range of an index
        return _between_prefixes(audience.prefixes)
    return not_(_home(audience))


def _countries(connection: Connection, audience: Audience, *, few: bool) -> dict[str, int]:
    """Return how many of `_abroad` have a number that begins with which four signs."""
    beginning = func.substr(_senders.key, 1, 4)
    foreign = not_(_home(audience)) if few else _foreign(connection, audience)
    reachable = _reachable(connection, audience) if few else _scanned(connection)
    rows = connection.execute(
        select(beginning, func.count())
        .join_from(Member.__table__, Sender.__table__, _senders.id == _members.sender_id)
        .where(reachable, audience.condition(heed_stops=True), foreign)
        .group_by(beginning)
    )
    return {str(row[0]): int(row[1]) for row in rows}


def _between_prefixes(prefixes: Sequence[str]) -> ColumnElement[bool]:
    """Return the condition that a number lies before, between or after the ranges of numbers with these prefixes, none
    of which begins another one."""
    gaps, before = [], None
    for prefix in sorted(prefixes):
        after = prefix[:-1] + chr(ord(prefix[-1]) + 1)
        gaps.append(_senders.key < prefix if before is None else and_(_senders.key >= before, _senders.key < prefix))
        before = after
    return or_(*gaps, _senders.key >= before)


def _unreachable(connection: Connection, audience: Audience) -> dict[str, int]:
    """Return the members who fit the rule and cannot be texted, by reason."""
    reason = case(
        (_senders.consent == "stopped", "stopped"), (_senders.consent != "joined", "no consent"), else_="dead number"
    )
    # As the index of the unreachable says it; see `_reachable`.
    unreachable = literal_column("NOT members.reachable") if is_sqlite(connection) else not_(_members.reachable)
    rows = connection.execute(
        select(reason, func.count())
        .join_from(Member.__table__, Sender.__table__, _senders.id == _members.sender_id)
        .where(unreachable, audience.condition(heed_stops=False))
        .group_by(reason)
    )
    return {str(row[0]): int(row[1]) for row in rows}
