"""What the members' pages share: addresses that tell nothing, names of what people are filed under."""

import json
from typing import Any

from fastapi import Request
from sqlalchemy import Connection

from gateway.accounts.areas import seat_text
from gateway.accounts.seal import SealBroken, sealer_from
from gateway.accounts.viewer import Viewer
from gateway.console.access import NotFound
from gateway.console.shell import console_of, visit_of
from gateway.members.import_rows import Covers
from gateway.members.search import is_visible
from gateway.places.directory import Directory
from gateway.rules.conversation import SeatKey
from gateway.rules.opaque_ids import OpaqueIds

PATH = "/console/members"


def opaque_ids(request: Request) -> OpaqueIds:
    return OpaqueIds(console_of(request).settings.key_for("people in addresses"))


def address_of(request: Request, sender_id: int) -> str:
    """Return the address of a person's page."""
    return f"{PATH}/{opaque_ids(request).hide(sender_id)}"


def person_of(request: Request, written: str, viewer: Viewer, connection: Connection) -> int:
    """Return whom an address means.

    :raises NotFound: nobody, or nobody whom the viewer may see
    """
    sender_id = opaque_ids(request).read(written)
    if sender_id is None:
        raise NotFound
    areas = viewer.areas
    if not is_visible(connection, sender_id, areas.members(), everyone=areas.everywhere):
        raise NotFound
    return sender_id


def sealed(request: Request, value: dict[str, Any]) -> str:
    """Return a value for an address in which nobody reads it: what is searched for may be a name."""
    text = json.dumps({one: what for one, what in value.items() if what}, separators=(",", ":"))
    return sealer_from(console_of(request).settings).seal(text).rstrip("=")


def unsealed(request: Request, written: str) -> dict[str, Any]:
    """Return what was sealed; empty for anything else."""
    try:
        found = json.loads(sealer_from(console_of(request).settings).open(written + "=" * (-len(written) % 4)))
    except (SealBroken, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def directory_of(request: Request) -> Directory:
    return console_of(request).service.reference().directory


def place_name(request: Request, key: str | None) -> str:
    """Return a place's name in the language of the page."""
    return console_of(request).places.of_key(key, visit_of(request).language)


def covering(viewer: Viewer) -> Covers:
    """Return whether a filing lies in the viewer's areas."""

    def covers(city: str | None, *seats: SeatKey | None) -> bool:
        areas = viewer.areas
        return (
            areas.everywhere or city in areas.cities or any(seat_text(*seat) in areas.seats for seat in seats if seat)
        )

    return covers
