"""Take a person off the record: by their own text, or by an admin at a screen. There is no second way."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, select, update

from gateway.hooks.events import NewEvent, emit
from gateway.members.erased import erased_key
from gateway.pickups.seat_rows import free_everything
from gateway.reports.effects import erase_reports
from gateway.tables import (
    ConsentEntry,
    Filing,
    InboundText,
    InboxEntry,
    InboxThread,
    Member,
    MemberTerm,
    OutboundText,
    Referral,
    SeatHold,
    SeatWait,
    Sender,
    TopicStop,
    WalkRequest,
)

_OWN: tuple[Any, ...] = (
    SeatHold, SeatWait, WalkRequest, ConsentEntry, Filing, TopicStop, MemberTerm, InboxEntry, InboxThread,
)  # fmt: skip


def erase_sender(
    connection: Connection, sender_id: int, key: str, secret: bytes, now: datetime, *, stopped: bool
) -> None:
    """Remove a person in the caller's transaction; the rows of texts stay as numbers, without words or phone.

    :param key: the sender's key, which the caller holds locked
    :param secret: the key of `erased_key`
    :param stopped: whether the hash that stays holds an opt-out
    """
    free_everything(connection, [sender_id], now)
    for table in _OWN:
        connection.execute(delete(table).where(table.sender_id == sender_id))
    connection.execute(update(Member).where(Member.referrer_id == sender_id).values(referrer_id=None))
    connection.execute(delete(Referral).where((Referral.sender_id == sender_id) | (Referral.referrer_id == sender_id)))
    connection.execute(delete(Member).where(Member.sender_id == sender_id))
    erase_reports(connection, sender_id)
    # The last answer names nobody, and a repeated webhook must get it again.
    named = (OutboundText.sender_id == sender_id) & (OutboundText.wording != "erased")
    connection.execute(update(OutboundText).where(named).values(body=""))
    connection.execute(update(InboundText).where(InboundText.sender_id == sender_id).values(body="", media=None))
    _leave_ghost(connection, sender_id, key, secret, stopped)


def erase_by_staff(connection: Connection, sender_id: int, secret: bytes, now: datetime) -> bool:
    """Remove a person at an admin's word, as their own ERASE would: they are left alone from then on.

    Returns whether there was anybody to remove; a second click finds nobody.
    """
    key = connection.execute(select(Sender.key).where(Sender.id == sender_id).with_for_update()).scalar()
    if key is None or key.startswith("erased:"):
        return False
    erase_sender(connection, sender_id, key, secret, now, stopped=True)
    emit(connection, [NewEvent("member.erased", sender_id)], now)
    return True


def _leave_ghost(connection: Connection, sender_id: int, key: str, secret: bytes, stopped: bool) -> None:
    """Turn the sender's row into the keyed hash; a number erased before, used, and erased again keeps one ghost."""
    ghost = erased_key(key, secret)
    consent = "stopped" if stopped else "none"
    older = connection.execute(select(Sender.id).where(Sender.key == ghost)).scalar()
    left = ghost
    if older is not None:
        connection.execute(update(Sender).where(Sender.id == older).values(consent=consent))
        left = f"{ghost[:60]}:{sender_id}"
    blank = dict.fromkeys(("question", "question_data", "question_expires_at", "language", "last_reply"))
    connection.execute(update(Sender).where(Sender.id == sender_id).values(key=left, consent=consent, **blank))
