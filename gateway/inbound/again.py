"""Texts that an SMSC sends a second time because our "we have it" was lost with the connection.

SMPP gives a person's text no id. What comes soon after a new session began, from the same sender with the same words
as a text of an earlier session, is taken for that text, once; a person who texts the same words again within one
session is heard every time.
"""

from collections import OrderedDict
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import Engine, select

from gateway.carriers.received import ReceivedText
from gateway.database import reading
from gateway.rules.phone_numbers import read_sender
from gateway.tables import InboundText, Sender

_texts, _senders = InboundText.__table__, Sender.__table__

WINDOW = timedelta(minutes=10)
_REMEMBERED = 10_000


class SentAgain:
    """What this process has already recognised, so that each earlier text stands for one repeat at most."""

    def __init__(self, engine: Engine, region: str) -> None:
        self._engine, self._region = engine, region
        self._used: OrderedDict[tuple[datetime, str], None] = OrderedDict()

    def known_as(self, text: ReceivedText, session_began: datetime) -> ReceivedText:
        """Return the text, under the id of the one that it repeats where it repeats one."""
        if text.received_at > session_began + WINDOW:
            return text
        key = read_sender(text.from_number, self._region).key
        earlier = (
            select(_texts.c.carrier_id)
            .join(_senders, _senders.c.id == _texts.c.sender_id)
            .where(
                _senders.c.key == key,
                _texts.c.carrier == text.carrier,
                _texts.c.body == text.body,
                _texts.c.received_at >= session_began - WINDOW,
                _texts.c.received_at < session_began,
            )
            .order_by(_texts.c.received_at.desc())
        )
        with reading(self._engine) as connection:
            ids = [row.carrier_id for row in connection.execute(earlier)]
        for carrier_id in ids:
            if (session_began, carrier_id) not in self._used:
                self._used[session_began, carrier_id] = None
                if len(self._used) > _REMEMBERED:
                    self._used.popitem(last=False)
                return replace(text, carrier_id=carrier_id)
        return text
