"""`jalsa members`: one person's filing, and how many there are."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer
from sqlalchemy import Connection, func, select

from gateway.commands.shared import AsJson, ready_engine, settings_or_stop, show, show_one, stop
from gateway.database import reading
from gateway.places.directory import Directory
from gateway.places.store import read_directory
from gateway.rules.phone_numbers import MemberNumberError, mask, read_member_number
from gateway.tables import ConsentEntry, Filing, Member, Place, Sender

app = typer.Typer(help="People who have joined.", no_args_is_help=True)

REACHED_WITHIN = timedelta(days=90)


@app.command("show")
def show_member(phone: Annotated[str, typer.Argument(help="Their phone number.")], as_json: AsJson = False) -> None:
    """Show how one phone is filed, its consent, and what changed."""
    settings = settings_or_stop()
    try:
        key = read_member_number(phone, settings.default_region)
    except MemberNumberError as error:
        stop(str(error))
    with ready_engine(settings) as engine, reading(engine) as connection:
        found = member_story(connection, read_directory(connection), key)
    if found is None:
        stop(f"Nobody has texted from {mask(key)}.")
    show_one(found, as_json)


def member_story(connection: Connection, directory: Directory, key: str) -> dict[str, Any] | None:
    """Return what is on record about a sender's key, or None."""
    sender = connection.execute(select(Sender.__table__).where(Sender.key == key)).first()
    if sender is None:
        return None
    member = connection.execute(select(Member.__table__).where(Member.sender_id == sender.id)).first()
    entries = connection.execute(
        select(ConsentEntry.__table__).where(ConsentEntry.sender_id == sender.id).order_by(ConsentEntry.id)
    )
    changes = connection.execute(select(Filing.__table__).where(Filing.sender_id == sender.id).order_by(Filing.id))
    story: dict[str, Any] = {
        "phone": sender.key,
        "consent": sender.consent,
        "language": sender.language,
        "first_seen": sender.first_seen_at,
        "last_seen": sender.last_seen_at,
    }
    if member:
        place = directory.places.get(directory.place_keys.get(member.city_id, ""))
        seat, provincial = (
            directory.seat_keys.get(number) for number in (member.constituency_id, member.provincial_id)
        )
        story |= {
            "name": member.name,
            "city": place.name if place else None,
            "constituency": seat[0] if seat else None,
            "delimitation": seat[1] if seat else None,
            "provincial_constituency": provincial[0] if provincial else None,
            "affinities": [group.key for group in directory.groups.of(member.affinities)],
            "joined": member.joined_at,
            "reachable": member.reachable,
        }
    story["consent_ledger"] = [
        f"{entry.given_at:%Y-%m-%d %H:%M} {entry.action} {entry.scope}: {entry.words}" for entry in entries
    ]
    story["changes"] = [f"{row.changed_at:%Y-%m-%d %H:%M} {row.field}: {row.old} -> {row.new}" for row in changes]
    return story


@app.command("count")
def count_members(as_json: AsJson = False) -> None:
    """Count members: claimed, reachable and verified apart, and by city."""
    settings = settings_or_stop()
    with ready_engine(settings) as engine, reading(engine) as connection:
        totals = member_totals(connection, datetime.now(UTC))
        cities = connection.execute(
            select(Place.name, func.count())
            .select_from(Member.__table__.outerjoin(Place.__table__, Member.city_id == Place.id))
            .group_by(Place.name)
            .order_by(func.count().desc(), Place.name)
        ).all()
    by_city = {name or "(not given)": number for name, number in cities}
    if as_json:
        show_one(totals | {"cities": by_city}, as_json=True)
        return
    show_one(totals, as_json=False)
    show([{"city": name, "members": number} for name, number in by_city.items()], ("city", "members"), False, "")


def member_totals(connection: Connection, now: datetime) -> dict[str, int]:
    """Count members in the three ways that must never be mixed up.

    claimed: everyone who ever texted JOIN and was not erased; verified: those whose consent stands now and whose number
    is not known to be dead; reachable: of these, those a text was delivered to in the last 90 days. `now` aware UTC.
    """
    joined = Member.__table__.join(Sender.__table__, Sender.id == Member.sender_id)
    stands = (Sender.consent == "joined") & (Sender.number_state != "dead")
    row = connection.execute(
        select(
            func.count().label("claimed"),
            func.count().filter(stands).label("verified"),
            func.count().filter(stands & (Sender.delivered_at >= now - REACHED_WITHIN)).label("reachable"),
            func.count().filter(Sender.consent == "stopped").label("stopped"),
        ).select_from(joined)
    ).one()
    return dict(row._mapping)
