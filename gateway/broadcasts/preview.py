"""What a broadcast would do, shown before anyone lets it go: every recipient's text is written and counted."""

import random
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Engine, update

from faults import Term, fault
from gateway.audience.counting import Recipient, count_by_reason, recipients
from gateway.audience.rules import Audience
from gateway.broadcasts.drafts import BroadcastError, Draft, audience_of, digest_of, draft_of, find, hours_of
from gateway.broadcasts.terms import BroadcastTerms
from gateway.broadcasts.words import Words, written_plainly, zone_of_number
from gateway.database import reading, writing
from gateway.places.current import current_directory
from gateway.rules.broadcast_life import CHANGEABLE
from gateway.rules.carrier_routes import route_of
from gateway.rules.dear_letters import dear_letters
from gateway.rules.prices import total
from gateway.rules.sending_hours import finish_time, next_allowed
from gateway.rules.templates import LONGEST
from gateway.tables import Broadcast

CHUNK = 5_000
SAMPLES = 10


@dataclass
class _Counted:
    """Recipients who get one language's text, by its encoding."""

    recipients: int = 0
    fewest: int = 0
    most: int = 0
    parts: int = 0

    def add(self, parts: int) -> None:
        self.recipients += 1
        self.fewest = min(self.fewest, parts) if self.fewest else parts
        self.most = max(self.most, parts)
        self.parts += parts


def every_recipient(connection: Connection, audience: Audience, as_of: datetime, *, many: bool) -> Iterator[Recipient]:
    """Yield the recipients by rising sender id, a chunk in memory at a time."""
    after_id = 0
    while chunk := recipients(connection, audience, after_id, CHUNK, joined_by=as_of, many=many):
        yield from chunk
        after_id = chunk[-1].sender_id


def make_preview(engine: Engine, key: str, terms: BroadcastTerms, now: datetime, start: datetime | None = None) -> Any:
    """Work out and keep the preview of a broadcast that has not begun, and return it as plain values for JSON.

    :param start: when it would start (aware); `now` otherwise
    :raises BroadcastError: there is no such broadcast, or it has begun, or changed meanwhile
    :raises RuleError: its rule names what is no longer on file
    """
    shown = work_out_preview(engine, key, terms, now, start)
    with writing(engine) as connection:
        return keep_preview(connection, key, shown, now)


def work_out_preview(
    engine: Engine, key: str, terms: BroadcastTerms, now: datetime, start: datetime | None = None
) -> dict[str, Any]:
    """Return what `make_preview` keeps; this is the long part, and locks nothing.

    :raises BroadcastError, RuleError: as there
    """
    with reading(engine) as connection:
        row = find(connection, key)
        if row.state not in CHANGEABLE:
            raise BroadcastError(
                fault(
                    "broadcast.in_account",
                    "“{name}” is {state}: its numbers are in its account.",
                    name=row.name,
                    state=Term("broadcast_state", row.state),
                )
            )
        draft = draft_of(row)
        numbers, samples = _count(connection, draft, terms, now)
    return {
        "numbers": numbers,
        "draft_digest": draft.digest,
        "digest": digest_of([draft.digest, numbers]),
        "letters": _letters(draft),
        "samples": samples,
        "when": _when(draft, numbers["parts_by_zone"], terms, start or now),
        "second_person": numbers["recipients"] > terms.second_person_above,
    }


def keep_preview(connection: Connection, key: str, shown: dict[str, Any], now: datetime) -> dict[str, Any]:
    """Keep what was worked out, in the caller's writing transaction, and return it with whether it is approved.

    :raises BroadcastError: the draft was changed meanwhile
    """
    row = find(connection, key)
    if draft_of(row).digest != shown["draft_digest"]:
        raise BroadcastError(
            fault(
                "broadcast.changed_while_counted",
                "“{name}” was changed while it was counted: look again.",
                name=row.name,
            )
        )
    if row.approved_digest and row.approved_digest != shown["digest"]:
        # The approval stands on the numbers that were approved, so those stay what is kept.
        return shown | {"approved": False, "approved_numbers": row.preview["numbers"]}
    mine = (Broadcast.id == row.id) & Broadcast.state.in_(CHANGEABLE)
    connection.execute(update(Broadcast).where(mine).values(preview=shown, previewed_at=now, digest=shown["digest"]))
    return shown | {"approved": bool(row.approved_digest)}


def _count(
    connection: Connection, draft: Draft, terms: BroadcastTerms, now: datetime
) -> tuple[dict[str, Any], list[dict[str, str]]]:
    directory = current_directory(connection)
    audience = audience_of(draft.rule, directory, terms, now)
    counted = count_by_reason(connection, audience, directory.place_keys)
    words = Words(draft, directory, terms.default_language)
    by_language: dict[str, _Counted] = {}
    by_encoding: dict[tuple[str, str], _Counted] = {}
    by_price: Counter[tuple[str, str, Decimal | None]] = Counter()
    texts_by_price: Counter[tuple[str, str, Decimal | None]] = Counter()
    priced: dict[str, tuple[str, str, Decimal | None]] = {}
    telling = _telling(terms)
    by_zone: Counter[str] = Counter()
    other_language = shortened = 0
    draw = random.Random(draft.digest)  # noqa: S311 - ten examples, the same whenever the draft is the same
    samples: list[dict[str, str]] = []
    for at, recipient in enumerate(every_recipient(connection, audience, now, many=counted.recipients > CHUNK)):
        language, text = words.of(recipient)
        parts = text.counted.parts
        by_language.setdefault(recipient.language, _Counted()).add(parts)
        by_encoding.setdefault((language, text.counted.encoding), _Counted()).add(parts)
        other_language += language != recipient.language
        shortened += text.shortened
        beginning = recipient.key[:telling]
        price = priced.get(beginning) or priced.setdefault(beginning, price_of(beginning, terms))
        by_price[price] += parts
        texts_by_price[price] += 1
        by_zone[zone_of_number(recipient.key, terms.zone.key)] += parts
        place = at if at < SAMPLES else draw.randrange(at + 1)
        if place < SAMPLES:
            sample = {"language": language, "text": text.body, "parts": str(parts)}
            samples[place : place + 1] = [sample]
    if longest := [str(one.most) for one in by_encoding.values() if one.most > LONGEST]:
        too_long = fault(
            "broadcast.longest",
            "With the longest name of a city a text takes {parts} parts; {most} are the most.",
            parts=longest[0],
            most=LONGEST,
        )
        raise BroadcastError(too_long)
    rows = [(parts, price[2]) for price, parts in sorted(by_price.items(), key=str)]
    cost = total(rows) if terms.prices.currency else None
    numbers = {
        "rule": audience.text,
        "sentence": audience.sentence,
        "matched": counted.matched,
        "recipients": sum(one.recipients for one in by_language.values()),
        "left_out": dict(counted.left_out),
        "abroad": dict(counted.abroad),
        "parts_by_zone": dict(sorted(by_zone.items())),
        "by_language": {language: one.recipients for language, one in sorted(by_language.items())},
        "in_another_language": other_language,
        "names_shortened": shortened,
        "parts": sum(one.parts for one in by_encoding.values()),
        "by_encoding": [
            {"language": language, "encoding": encoding, "recipients": one.recipients,
             "min": one.fewest, "max": one.most, "parts": one.parts}
            for (language, encoding), one in sorted(by_encoding.items())
        ],
        "currency": terms.prices.currency,
        "cost": None if cost is None else str(cost.normalize() + 0),
        "by_price": [
            {"carrier": carrier, "prefix": prefix, "texts": texts_by_price[carrier, prefix, each], "parts": parts,
             "per_part": None if each is None else str(each),
             "cost": None if each is None else str((each * parts).normalize() + 0)}
            for (carrier, prefix, each), parts in sorted(by_price.items(), key=str)
        ],
    }  # fmt: skip
    return numbers, samples


def _telling(terms: BroadcastTerms) -> int:
    """Return how many signs of a number tell its route and its price."""
    prefixes = [one.prefix for one in terms.prices.prices] + [one.prefix for one in terms.routes] + [*terms.prefixes]
    return max((len(prefix) for prefix in prefixes), default=1)


def price_of(number: str, terms: BroadcastTerms) -> tuple[str, str, Decimal | None]:
    """Return the carrier that texts to numbers beginning so go through, the prefix that sets their price, and the price
    of a part; None where none is on file."""
    carrier = route_of(number, terms.routes).carriers[0]
    price = terms.prices.of(carrier, number)
    if price is None:
        return carrier, next((prefix for prefix in terms.prefixes if number.startswith(prefix)), "*"), None
    return carrier, price.prefix, price.per_part


def _letters(draft: Draft) -> list[dict[str, Any]]:
    """Return the letters that make a text dearer than its cheap twin, with what could stand there and what it saves."""
    found = []
    for language, text in sorted(draft.texts.items()):
        dear = dear_letters(text, partial(_plainly, language))
        if dear is None:
            continue
        found.append(
            {
                "language": language,
                "letters": [
                    {"letter": one.letter, "position": one.position, "name": one.name, "replacement": one.replacement}
                    for one in dear.letters[:20]
                ],
                "parts": dear.parts,
                "parts_without": dear.parts_without,
            }
        )
    return found


def _plainly(language: str, words: str) -> str:
    return written_plainly(words, language).body


def _when(draft: Draft, parts: Mapping[str, int], terms: BroadcastTerms, start: datetime) -> dict[str, Any]:
    """Return when it would begin and end, resting in the quiet hours of where its recipients live."""
    hours = hours_of(draft, terms.hours)
    zones = {ZoneInfo(zone): count for zone, count in parts.items()} or {terms.zone: 0}
    begins = min(next_allowed(start, hours, zone) for zone in zones)
    ends = finish_time(start, zones, terms.parts_per_second, hours)
    return {
        "zone": terms.zone.key,
        "start": start.isoformat(),
        "first_text": begins.isoformat(),
        "last_text": ends.isoformat(),
        "parts_per_second": terms.parts_per_second,
        "starts_in_quiet_hours": begins > start,
        "ends_in_quiet_hours": ends > begins + timedelta(seconds=sum(zones.values()) / terms.parts_per_second),
    }
