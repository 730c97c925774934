"""Showing a member's number in full: asked for with a reason, limited, and written down."""

from datetime import datetime, timedelta

from sqlalchemy import Connection, select

from gateway.accounts import audit
from gateway.accounts.limits import TooOften, try_once
from gateway.accounts.viewer import Permission, Viewer, may
from gateway.tables import Member, Sender

MOST_PER_HOUR = 30
_MOST_REASON = 160
_senders, _members = Sender.__table__, Member.__table__


class RevealRefused(Exception):
    """The number is not shown; `reason` is a key of the wording."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def reveal_phone(connection: Connection, viewer: Viewer, sender_id: int, reason: str, now: datetime) -> str:
    """Return the number of a sender, in the caller's writing transaction, which must be committed.

    :param reason: why, in the viewer's own words; stands in the audit log
    :raises RevealRefused: "not_allowed", "no_reason", "unknown" (also when outside the viewer's areas) or "too_often"
    """
    if not may(viewer, Permission.REVEAL_PHONES):
        raise RevealRefused("not_allowed")
    reason = " ".join(reason.split())[:_MOST_REASON]
    if len(reason) < 3:
        raise RevealRefused("no_reason")
    found = select(_senders.c.key).where(_senders.c.id == sender_id, _senders.c.key.not_like("erased:%"))
    if not viewer.areas.everywhere:
        found = found.where(_senders.c.id.in_(select(_members.c.sender_id).where(viewer.areas.members())))
    key = connection.execute(found).scalar()
    if key is None:
        raise RevealRefused("unknown")
    try:
        try_once(connection, f"reveal:{viewer.id}", now, most=MOST_PER_HOUR, per=timedelta(hours=1))
    except TooOften:
        raise RevealRefused("too_often") from None
    audit.record(connection, viewer.login, "member.phone_shown", f"sender:{sender_id}", {"reason": reason}, now)
    return str(key)
