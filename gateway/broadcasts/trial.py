"""A test send: the texts of a draft to one phone of one's own, before anyone else has them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, select
from sqlalchemy.dialects import postgresql, sqlite

from faults import Term, fault
from gateway.broadcasts.drafts import BroadcastError, draft_of, find, note
from gateway.broadcasts.moves import may_decide
from gateway.broadcasts.terms import BroadcastTerms
from gateway.broadcasts.words import Words
from gateway.database import is_sqlite, writing_on
from gateway.outbox.enqueue import NewText, enqueue
from gateway.places.current import current_directory
from gateway.rules.broadcast_life import CHANGEABLE
from gateway.rules.carrier_routes import Route
from gateway.tables import Sender


def send_test(
    where: Engine | Connection, key: str, by: str, terms: BroadcastTerms, now: datetime, city: str = ""
) -> int:
    """Send every language's text to the phone of the login `by`, with their own name; returns how many texts.

    :param city: what stands for {city}; the default of each language otherwise
    :raises BroadcastError: the login has no phone, the broadcast has begun, or the phone texted STOP
    """
    with writing_on(where) as connection:
        staff = may_decide(connection, by)
        if not getattr(staff, "phone", None):
            raise BroadcastError(
                fault("broadcast.no_phone", "{by} has no phone on file: jalsa staff add … --phone.", by=by)
            )
        row = find(connection, key)
        if row.state not in CHANGEABLE:
            raise BroadcastError(
                fault(
                    "broadcast.test_begun",
                    "“{name}” is {state}: a test is for what has not begun.",
                    name=row.name,
                    state=Term("broadcast_state", row.state),
                )
            )
        draft = draft_of(row)
        words = Words(draft, current_directory(connection), terms.default_language)
        sender_id = _sender(connection, staff.phone, now)
        texts = [
            NewText("test", sender_id, staff.phone, words.written(language, staff.name, city).body, language=language,
                    wording=f"test:{row.id}")
            for language in draft.texts
        ]  # fmt: skip
        sent = enqueue(connection, texts, terms.routes, now)
        note(connection, row.id, "tested", by, now, str(fault("broadcast.note_tested", "{sent} texts", sent=sent)))
    return sent


def send_to_own_phone(
    connection: Connection, number: str, body: str, routes: Sequence[Route], now: datetime, carrier: str = ""
) -> int:
    """Queue a text to a phone of one's own, to see that a carrier works, in a writing transaction; returns how many.

    :param carrier: the one that must send it; the route's otherwise
    :raises BroadcastError: the phone texted STOP
    """
    text = NewText("test", _sender(connection, number, now), number, body, wording="test", carrier=carrier)
    return enqueue(connection, [text], routes, now)


def _sender(connection: Connection, number: str, now: datetime) -> int:
    """Return the sender's id of a number; one that never texted us gets a row without consent to anything."""
    dialect: Any = sqlite if is_sqlite(connection) else postgresql
    fresh = {"key": number, "consent": "none", "first_seen_at": now, "last_seen_at": now}
    connection.execute(dialect.insert(Sender.__table__).values(fresh).on_conflict_do_nothing())
    row = connection.execute(select(Sender.id, Sender.consent).where(Sender.key == number)).one()
    if row.consent == "stopped":
        raise BroadcastError(fault("broadcast.test_stopped", "That phone has texted STOP, so it gets no test either."))
    return int(row.id)
