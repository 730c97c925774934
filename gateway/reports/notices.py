"""Texts that reports start: to the reporter and to staff, put in the outbox in the transaction that causes them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, select
from sqlalchemy.dialects import postgresql, sqlite

from gateway.database import is_sqlite
from gateway.outbox.enqueue import NewText, enqueue
from gateway.replies.catalogue import Catalogue
from gateway.rules.carrier_routes import Route
from gateway.rules.conversation import Reply
from gateway.rules.report_staff import StaffMember
from gateway.rules.sending_hours import SendingHours, next_allowed
from gateway.tables import Sender

_senders = Sender.__table__


@dataclass(frozen=True)
class Notifier:
    """How texts about reports are worded and when they may leave."""

    catalogue: Catalogue
    routes: Sequence[Route]
    hours: SendingHours
    zone: ZoneInfo
    default_language: str = "en"

    def tell_reporter(
        self, connection: Connection, sender_id: int, reply: Reply, now: datetime, *, urgent: bool, language: str = ""
    ) -> bool:
        """Tell a reporter something of their report; not who texted STOP. Quiet hours hold back all but `urgent`.

        Returns whether a text was put in the outbox.
        """
        row = connection.execute(
            select(_senders.c.key, _senders.c.language, _senders.c.consent).where(_senders.c.id == sender_id)
        ).one()
        if row.consent == "stopped" or not row.key.startswith("+"):
            return False
        said_in = row.language or language or self.default_language
        self._enqueue(connection, sender_id, row.key, reply, said_in, now, urgent)
        return True

    def tell_staff(
        self, connection: Connection, staff: Iterable[StaffMember], reply: Reply, now: datetime, *, urgent: bool
    ) -> int:
        """Text some of the staff; who is on duty is never held back by quiet hours. Returns how many have a phone."""
        reached = [one for one in staff if one.phone]
        senders = _senders_of(connection, [one.phone for one in reached if one.phone], now)
        told = 0
        for one in reached:
            sender = senders[one.phone or ""]
            if sender.consent == "stopped":
                continue
            said_in = sender.language or self.default_language
            self._enqueue(connection, sender.id, sender.key, reply, said_in, now, urgent or one.on_duty)
            told += 1
        return told

    def _enqueue(
        self,
        connection: Connection,
        sender_id: int,
        number: str,
        reply: Reply,
        language: str,
        now: datetime,
        urgent: bool,
    ) -> None:
        text = NewText(
            kind="report",
            sender_id=sender_id,
            number=number,
            body=self.catalogue.render(reply, language),
            language=language,
            wording=reply.wording,
            not_before=next_allowed(now, self.hours, self.zone, urgent=urgent),
        )
        enqueue(connection, [text], self.routes, now)


def _senders_of(connection: Connection, phones: Sequence[str], now: datetime) -> Mapping[str, Any]:
    """Return the rows of staff's phones; one that never texted us gets a row."""
    if not phones:
        return {}
    wanted = select(_senders.c.id, _senders.c.key, _senders.c.language, _senders.c.consent).where(
        _senders.c.key.in_(phones)
    )
    known = {row.key: row for row in connection.execute(wanted)}
    missing = [phone for phone in phones if phone not in known]
    if missing:
        dialect: Any = sqlite if is_sqlite(connection) else postgresql
        fresh = [{"key": phone, "first_seen_at": now, "last_seen_at": now} for phone in missing]
        connection.execute(dialect.insert(_senders).on_conflict_do_nothing(), fresh)
        known.update((row.key, row) for row in connection.execute(wanted))
    return known
