"""Texts that were perhaps sent: found at the carrier, or proven absent by two spaced looks, or shown to a person.

Never sent again on a guess. After proof of absence a text goes back to the queue, bound to the same carrier.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from prometheus_client import Counter
from sqlalchemy import ColumnElement, Connection, Engine, TextClause, or_, select, text, update

from gateway.carriers.base import Carrier, Found, LookFailed, TextToFind
from gateway.database import reading, writing
from gateway.outbox.claim import Clock
from gateway.rules.delivery_status import TextState, forward
from gateway.rules.lanes import Lane
from gateway.rules.retry import LOOKS
from gateway.tables import OutboundText, Sender
from gateway.tables.texts import OPEN_TEXTS

log = structlog.get_logger()
_texts, _senders = OutboundText.__table__, Sender.__table__
_resolved = Counter("jalsa_outbox_uncertain_total", "Uncertain texts by what became of them", ["became"])

AT_ONCE = 50
LOOK_LEASE = timedelta(seconds=60)
CHANGING = timedelta(minutes=2)
"""For so long after an account was changed some worker may still send by the old one."""


@dataclass(frozen=True, slots=True)
class Doubtful:
    """An uncertain text that this worker looks for now."""

    find: TextToFind
    carrier: str
    looks: int
    lane: str | None
    expires_at: datetime | None


def expire_leases(engine: Engine, clock: Clock) -> int:
    """Turn attempts whose worker gave no result in time to uncertain; the first look follows. Returns how many."""
    attempted = text(OPEN_TEXTS), _texts.c.state == "attempted"
    if not _any_before(engine, clock, *attempted):
        return 0
    with writing(engine) as connection:
        now = clock(connection)
        silent = (
            update(_texts)
            .where(*attempted, _texts.c.lease_until < now)
            .values(
                state="uncertain",
                reason="the worker ended before the carrier's answer was recorded",
                lease_until=now + LOOKS[0],
                looks=0,
                state_at=now,
                claimed_by=None,
            )
        )
        count = int(connection.execute(silent).rowcount)
    if count:
        log.warning("leases_expired", texts=count)
    return count


def doubtful_texts(
    engine: Engine, carriers: Sequence[str], clock: Clock, since: Mapping[str, datetime] | None = None
) -> list[Doubtful]:
    """Take up to `AT_ONCE` uncertain texts whose look is due and whose carrier can look.

    :param since: from when on (aware UTC) a carrier's account is the one we have: what was sent by another one is not
        in its list, and must not be taken for absent. Such texts stay uncertain until a receipt or a person says more.
    """
    uncertain = text(OPEN_TEXTS), _texts.c.state == "uncertain", _texts.c.carrier.in_(carriers)
    if not carriers or not _any_before(engine, clock, *uncertain):
        return []
    with writing(engine) as connection:
        now = clock(connection)
        due = (
            select(_texts, _senders.c.key.label("number"))
            .select_from(_texts.join(_senders, _senders.c.id == _texts.c.sender_id))
            .where(*uncertain, _texts.c.lease_until <= now)
            .where(
                *(
                    or_(_texts.c.carrier != carrier, _texts.c.attempted_at >= changed + CHANGING)
                    for carrier, changed in (since or {}).items()
                )
            )
            .order_by(_texts.c.lease_until)
            .limit(AT_ONCE)
            .with_for_update(of=[_texts], skip_locked=True, key_share=True)
        )
        rows = connection.execute(due).all()
        if rows:
            mine = _texts.c.id.in_([row.id for row in rows])
            connection.execute(update(_texts).where(mine).values(lease_until=now + LOOK_LEASE))
    return [
        Doubtful(
            TextToFind(row.id, row.number, row.body, row.attempted_at), row.carrier, row.looks, row.lane, row.expires_at
        )
        for row in rows
    ]


def _any_before(engine: Engine, clock: Clock, *which: ColumnElement[bool] | TextClause) -> bool:
    """Whether the lease of any of these texts is over: looked at first, so that an idle worker keeps nobody from
    writing."""
    with reading(engine) as connection:
        over = select(_texts.c.id).where(*which, _texts.c.lease_until <= clock(connection))
        return connection.execute(over.limit(1)).first() is not None


async def look_for(carriers: Mapping[str, Carrier], texts: Sequence[Doubtful]) -> dict[int, Sequence[Found] | None]:
    """Ask the carriers; None for a text that could not be looked for now."""

    async def one(text: Doubtful) -> Sequence[Found] | None:
        try:
            return await carriers[text.carrier].look(text.find)
        except LookFailed as error:
            log.info("look_failed", carrier=text.carrier, text=text.find.id, error=str(error))
            return None

    found = await asyncio.gather(*(one(text) for text in texts))
    return {text.find.id: messages for text, messages in zip(texts, found, strict=True)}


def record_looks(
    engine: Engine, texts: Sequence[Doubtful], looked: Mapping[int, Sequence[Found] | None], clock: Clock
) -> int:
    """Record what the looks found; returns how many texts are resolved."""
    resolved = 0
    with writing(engine) as connection:
        now = clock(connection)
        known = _known_elsewhere(connection, looked)
        for text in texts:
            messages = looked[text.find.id]
            if messages is None:
                continue
            mine = next((one for one in messages if known.get(one.carrier_id, text.find.id) == text.find.id), None)
            if mine:
                known[mine.carrier_id] = text.find.id
                resolved += _found(connection, text, mine, now)
            else:
                resolved += _absent(connection, text, now)
    return resolved


def _known_elsewhere(connection: Connection, looked: Mapping[int, Sequence[Found] | None]) -> dict[str, int]:
    """Return which text each message already belongs to: the same words twice to one person are two messages."""
    ids = {one.carrier_id for messages in looked.values() for one in messages or ()}
    if not ids:
        return {}
    rows = connection.execute(select(_texts.c.carrier_id, _texts.c.id).where(_texts.c.carrier_id.in_(ids)))
    return {row.carrier_id: row.id for row in rows}


def _found(connection: Connection, text: Doubtful, message: Found, now: datetime) -> int:
    state = forward(TextState.UNCERTAIN, message.state) or TextState.SENT
    code = message.error_code or None
    values: dict[str, Any] = {"state": state, "carrier_id": message.carrier_id, "error_code": code}
    return _resolve(connection, text, values | {"reason": None, "lease_until": None}, "sent", now)


def _absent(connection: Connection, text: Doubtful, now: datetime) -> int:
    if text.looks + 1 < len(LOOKS):
        later = {"looks": text.looks + 1, "lease_until": now + LOOKS[1] - LOOKS[0]}
        connection.execute(_uncertain(text).values(later))
        return 0
    values: dict[str, Any] = {"looks": text.looks + 1, "lease_until": None}
    if text.expires_at is not None and text.expires_at <= now:
        values |= {"state": "failed", "reason": "the carrier never had it, and its time has passed"}
        return _resolve(connection, text, values, "failed", now)
    lane = Lane.read(text.lane or "4|0|*|")._replace(route=f"={text.carrier}")
    values |= {"state": "queued", "not_before": now, "lane": str(lane), "reason": None, "error_code": None}
    return _resolve(connection, text, values, "queued", now)


def resolve_by_hand(engine: Engine, text_id: int, *, sent: bool, now: datetime) -> bool:
    """Record what a person saw at the carrier; False where the text is not uncertain. `now` is aware UTC.

    One that is certainly not there goes back to the queue, for the same carrier, where consent is tested again.
    """
    with writing(engine) as connection:
        held = select(_texts.c.lane, _texts.c.carrier).where(_texts.c.id == text_id, _texts.c.state == "uncertain")
        row = connection.execute(held.with_for_update()).first()
        if row is None:
            return False
        lane = Lane.read(row.lane or "4|0|*|")._replace(route=f"={row.carrier}")
        again = {"state": "queued", "not_before": now, "lane": str(lane), "reason": None, "error_code": None}
        values: dict[str, Any] = {"state": "sent", "reason": "seen at the carrier by a person"} if sent else again
        ended = update(_texts).where(_texts.c.id == text_id).values(values | {"lease_until": None, "state_at": now})
        connection.execute(ended)
    _resolved.labels("sent" if sent else "queued").inc()
    return True


def _resolve(connection: Connection, text: Doubtful, values: dict[str, Any], became: str, now: datetime) -> int:
    moved = int(connection.execute(_uncertain(text).values(values | {"state_at": now})).rowcount)
    if moved:
        _resolved.labels(became).inc()
    return moved


def _uncertain(text: Doubtful) -> Any:
    return update(_texts).where(_texts.c.id == text.find.id, _texts.c.state == "uncertain")
