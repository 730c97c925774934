"""Texts and members on file as plain rows, thousands in a moment."""

import uuid
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, select, text

from gateway.bulk import insert_rows
from gateway.database import writing
from gateway.tables import InboundText, Member, OutboundText, Place, Sender


def place_id(engine: Engine, key: str) -> int:
    with writing(engine) as connection:
        return int(connection.execute(select(Place.id).where(Place.key == key)).scalar_one())


def add_senders(engine: Engine, count: int, at: datetime) -> list[int]:
    rows = [
        {"key": f"+92300{number:07}", "consent": "joined", "first_seen_at": at, "last_seen_at": at}
        for number in range(count)
    ]
    with writing(engine) as connection:
        insert_rows(connection, Sender.__table__, rows)
        return list(connection.execute(select(Sender.id).order_by(Sender.id)).scalars())


def add_members(engine: Engine, senders: Iterable[int], city: int | None, joined_at: datetime) -> None:
    rows = [{"sender_id": one, "city_id": city, "joined_at": joined_at, "updated_at": joined_at} for one in senders]
    with writing(engine) as connection:
        insert_rows(connection, Member.__table__, rows)


def texts_in(engine: Engine, whens: Iterable[tuple[int, datetime]]) -> None:
    """Put texts on file: (sender, when)."""
    rows = [
        {
            "carrier": "twilio", "carrier_id": uuid.uuid4().hex, "sender_id": sender, "to_number": "80022",
            "body": "x", "reason": "", "flagged": False, "received_at": when,
        }
        for sender, when in whens
    ]  # fmt: skip
    with writing(engine) as connection:
        insert_rows(connection, InboundText.__table__, rows)


def text_out(sender: int, **others: Any) -> dict[str, Any]:
    given: Mapping[str, Any] = {
        "kind": "broadcast", "sender_id": sender, "inbound_id": None, "body": "x", "encoding": "GSM-7", "parts": 1,
        "state": "sent", "carrier": "twilio", "lane": None, "not_before": None, "attempts": 1, "attempted_at": None,
        "broadcast_id": None,
    }  # fmt: skip
    return {**given, **others}


def texts_out(engine: Engine, rows: Iterable[Mapping[str, Any]], at: datetime) -> None:
    with writing(engine) as connection:
        insert_rows(
            connection,
            OutboundText.__table__,
            [
                {**row, "created_at": at, "state_at": at, "wording": "", "language": "en", "retried": False, "looks": 0}
                for row in rows
            ],
        )


def reply_to_all(engine: Engine, at: datetime) -> None:
    """Answer every text on file in the webhook's own response."""
    with writing(engine) as connection:
        ids = connection.execute(select(InboundText.id, InboundText.sender_id)).all()
    rows = [text_out(row.sender_id, kind="reply", inbound_id=row.id, state="answered", attempts=0) for row in ids]
    texts_out(engine, rows, at)


def analyse(engine: Engine) -> None:
    with writing(engine) as connection:
        connection.execute(text("ANALYZE"))
