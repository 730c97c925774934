"""How a member stands on file, between the row and the value that decisions are made of."""

from collections.abc import Mapping
from typing import Any

from gateway.places.directory import Directory
from gateway.rules.conversation import MemberState


def member_state(row: Any, directory: Directory) -> MemberState | None:
    """Return what a row with a member's columns says; None where they are empty, as of a sender who never joined."""
    if row.joined_at is None:
        return None
    return MemberState(
        name=row.name,
        city=directory.place_keys.get(row.city_id),
        constituency=directory.seat_keys.get(row.constituency_id),
        provincial=directory.seat_keys.get(row.provincial_id),
        affinities=row.affinities,
        joined_at=row.joined_at,
        invite_code=row.invite_code,
        referrer_id=row.referrer_id,
    )


def filing_columns(member: MemberState, directory: Directory) -> dict[str, Any]:
    """Return the columns that say how a member is filed."""
    return {
        "name": member.name,
        "city_id": directory.place_ids.get(member.city) if member.city else None,
        "constituency_id": directory.seat_ids.get(member.constituency) if member.constituency else None,
        "provincial_id": directory.seat_ids.get(member.provincial) if member.provincial else None,
        "affinities": member.affinities,
    }


def filing_changes(before: MemberState, after: MemberState, directory: Directory) -> list[Mapping[str, str]]:
    """Return what differs, as rows of `Filing` without the sender: field, old and new."""
    groups = directory.groups
    fields = (
        ("name", before.name, after.name),
        ("city", before.city or "", after.city or ""),
        ("constituency", _seat(before.constituency), _seat(after.constituency)),
        ("provincial", _seat(before.provincial), _seat(after.provincial)),
        (
            "affinities",
            " ".join(group.key for group in groups.of(before.affinities)),
            " ".join(group.key for group in groups.of(after.affinities)),
        ),
    )
    return [{"field": name, "old": old[:160], "new": new[:160]} for name, old, new in fields if old != new]


def _seat(seat: tuple[str, int] | None) -> str:
    return f"{seat[0]} ({seat[1]})" if seat else ""
