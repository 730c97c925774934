"""All that is on record about one person, but for the talk itself (`members.talk`)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, func, select

from gateway.members.listing import changes_of, consent_of
from gateway.members.rows import member_state
from gateway.places.directory import Directory
from gateway.rules.conversation import MemberState
from gateway.rules.phone_numbers import mask
from gateway.tables import Departure, Member, PickupPoint, Referral, Report, SeatHold, Sender, TopicStop

_members, _senders = Member.__table__, Sender.__table__
_MOST_REPORTS = 100
_MOST_BROUGHT = 20


@dataclass(frozen=True, slots=True)
class Brought:
    """A member whom this one brought."""

    sender_id: int
    name: str
    joined_at: datetime
    flagged: bool


@dataclass(frozen=True, slots=True)
class Story:
    """`phone` is masked. `member` is None for who never joined. Ledger, changes, reports, seats and topics are rows of
    their tables, the oldest first but for reports, of which the newest come first."""

    sender_id: int
    phone: str
    consent: str
    language: str | None
    number_state: str
    first_seen_at: datetime
    last_seen_at: datetime
    member: MemberState | None
    reachable: bool
    ledger: Sequence[Row[Any]]
    changes: Sequence[Row[Any]]
    reports: Sequence[Row[Any]]
    seats: Sequence[Row[Any]]
    topics: Sequence[Row[Any]]
    referrer: tuple[int, str] | None
    """Id and name of who brought them."""
    brought: Sequence[Brought]
    brought_in_all: int


def read_story(
    connection: Connection, sender_id: int, directory: Directory, visible: ColumnElement[bool] | None = None
) -> Story | None:
    """Return one person's story; None if there is nobody with that id.

    :param visible: a condition on `members`: whom the reader may see among those who brought or were brought
    """
    row = connection.execute(
        select(_senders, *(column for column in _members.c if column.name not in ("language", "sender_id")))
        .select_from(_senders.outerjoin(_members, _members.c.sender_id == _senders.c.id))
        .where(_senders.c.id == sender_id)
    ).first()
    if row is None or row.key.startswith("erased:"):
        return None
    reports: Any = connection.execute(
        select(Report.ref, Report.state, Report.category, Report.text, Report.opened_at)
        .where(Report.sender_id == sender_id)
        .order_by(Report.id.desc())
        .limit(_MOST_REPORTS)
    ).all()
    seats = connection.execute(
        select(SeatHold.__table__, Departure.leaves_at, PickupPoint.name.label("point"))
        .join(Departure, Departure.id == SeatHold.departure_id)
        .join(PickupPoint, PickupPoint.id == Departure.pickup_point_id)
        .where(SeatHold.sender_id == sender_id)
        .order_by(SeatHold.id)
    ).all()
    topics: Any = connection.execute(
        select(TopicStop.topic, TopicStop.stopped_at).where(TopicStop.sender_id == sender_id).order_by(TopicStop.topic)
    ).all()
    seen = [] if visible is None else [visible]
    brought = connection.execute(
        select(Referral.sender_id, Referral.joined_at, Referral.flagged, _members.c.name)
        .join(_members, _members.c.sender_id == Referral.sender_id)
        .where(Referral.referrer_id == sender_id, *seen)
        .order_by(Referral.joined_at.desc())
        .limit(_MOST_BROUGHT)
    )
    by = connection.execute(
        select(_members.c.sender_id, _members.c.name).where(_members.c.sender_id == row.referrer_id, *seen)
    ).first()
    counted = select(func.count()).where(Referral.referrer_id == sender_id)
    return Story(
        sender_id=sender_id,
        phone=mask(row.key),
        consent=row.consent,
        language=row.language,
        number_state=row.number_state,
        first_seen_at=row.first_seen_at,
        last_seen_at=row.last_seen_at,
        member=member_state(row, directory),
        reachable=bool(row.reachable),
        ledger=consent_of(connection, sender_id),
        changes=changes_of(connection, sender_id),
        reports=reports,
        seats=seats,
        topics=topics,
        referrer=(by.sender_id, by.name) if by else None,
        brought=[Brought(one.sender_id, one.name, one.joined_at, one.flagged) for one in brought],
        brought_in_all=connection.execute(counted).scalar_one(),
    )
