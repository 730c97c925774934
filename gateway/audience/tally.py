"""Count an audience over the members' bits."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection

from gateway.audience.bits import STANDINGS, Bitwise, open_bits
from gateway.audience.rules import Audience
from segments.bits import Column, Mask, places_in
from segments.masks import LANGUAGE_CODES, REACHABLE, Block, columns_read, mask
from segments.sql import demands_a_seat

_LANGUAGE_OF: Mapping[int, str] = {number: code for code, number in LANGUAGE_CODES.items()}
_DIGITS = 4  # of a number that the column of countries holds


@dataclass
class Tally:
    """`fitting` members fit the rule, can be reached and left none of its groups; `recipients` of them are in a country
    that is texted. `abroad` splits "wrong country" by how numbers begin. Languages by code (None: the default one) and
    cities by id (None: no city) are of the recipients."""

    fitting: int = 0
    recipients: int = 0
    left_out: Mapping[str, int] = field(default_factory=dict)
    abroad: Mapping[str, int] = field(default_factory=dict)
    by_language: Mapping[str | None, int] = field(default_factory=dict)
    by_city: Mapping[int | None, int] = field(default_factory=dict)


def read_bits(connection: Connection, audience: Audience, *, home: bool = True) -> Bitwise | None:
    """Return the members' bits for `tally`; None where the rows are to be counted: the indexes find the members of a
    seat sooner, or there are no bits.

    :param home: as for `tally`
    """
    if demands_a_seat(audience.rule) or not all(map(_is_told_by_digits, audience.prefixes)):
        return None
    parts = {"language", "city", "country"} if home else set[str]()
    return open_bits(connection, audience, sorted({"standing"} | parts | columns_read(audience.rule)))


def tally(read: Bitwise, audience: Audience, *, home: bool = True) -> Tally:
    """Return the count of an audience with its parts.

    :param home: False: the number `fitting` alone
    """
    result, reasons = Tally(), Counter[str]()
    languages, cities, countries = Counter[str | None](), Counter[int | None](), Counter[str]()
    for block, _ in read.blocks():
        fits = _mask(block, audience, heed_stops=False)
        if not fits:
            continue
        standing = block.column("standing")
        reached = fits & standing.among([REACHABLE])
        stays = reached & _mask(block, audience, heed_stops=True) if reached else 0
        result.fitting += stays.bit_count()
        if not home:
            continue
        for value, number in standing.counts(fits ^ reached):
            reasons[STANDINGS[value]] += number
        country = block.column("country")
        texted = stays & _at_home(country, audience.prefixes)
        for value, number in country.counts(stays ^ texted):
            countries[f"+{value}" if value else ""] += number
        reasons["left the group"] += (reached ^ stays).bit_count()
        reasons["wrong country"] += (stays ^ texted).bit_count()
        result.recipients += texted.bit_count()
        for value, number in block.column("language").counts(texted):
            languages[_LANGUAGE_OF.get(value)] += number
        for value, number in block.column("city").counts(texted):
            cities[value or None] += number
    result.left_out, result.abroad = reasons, countries
    result.by_language, result.by_city = languages, cities
    return result


def candidates(connection: Connection, audience: Audience, after_id: int) -> Iterator[int] | None:
    """Return the sender ids behind one, rising, among which the recipients are: few more than those; None without bits.

    Members whose bits are old are all among them, so whoever reads their rows must ask the rule once more.
    """
    read = open_bits(connection, audience, sorted({"standing"} | columns_read(audience.rule)))
    return _found(read, audience, after_id) if read else None


def _found(read: Bitwise, audience: Audience, after_id: int) -> Iterator[int]:
    waiting = [one for one in reversed(read.changed) if one > after_id]
    for block, first in read.blocks(after_id):
        if isinstance(first, Sequence):
            continue
        wanted = _mask(block, audience, heed_stops=True) & block.column("standing").among([REACHABLE])
        for place in places_in(wanted):
            one = first + place
            if one <= after_id:
                continue
            while waiting and waiting[-1] < one:
                yield waiting.pop()
            yield one
    yield from reversed(waiting)


def _mask(block: Block, audience: Audience, *, heed_stops: bool) -> Mask:
    return mask(audience.rule, block, audience.columns, audience.atlas, audience.now, heed_stops=heed_stops)


def _is_told_by_digits(prefix: str) -> bool:
    return prefix.startswith("+") and prefix[1:].isdecimal() and len(prefix) <= 1 + _DIGITS


def _at_home(country: Column, prefixes: Sequence[str]) -> Mask:
    """Return whose number begins with one of the prefixes; with none given, everyone's does."""
    if not prefixes:
        return country.everyone
    found = 0
    for prefix in prefixes:
        open_digits = 10 ** (_DIGITS - (len(prefix) - 1))
        lowest = int(prefix[1:]) * open_digits
        since = country.at_least(lowest)
        found |= since ^ (since & country.at_least(lowest + open_digits))
    return found
