"""What staff do to a point while people wait there: open, fill, close, move; a bus late, gone, counted."""

from collections.abc import Callable, Mapping
from datetime import datetime

from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy import Connection

from gateway.accounts import audit
from gateway.accounts.viewer import Permission, Viewer
from gateway.console.access import NotFound, allowed
from gateway.console.forms import Form, form_of
from gateway.console.pickups.shared import PATH, find_point, utc_now
from gateway.console.pickups.table import point_page
from gateway.console.shell import console_of, leave
from gateway.pickups.applied import count_boarded, set_late, set_left
from gateway.pickups.desk import move_point, points_now, set_state
from gateway.pickups.effects import CountBoarded, SetLate, SetLeft
from gateway.pickups.marshals import LONGEST_DELAY, MOST_PEOPLE
from gateway.pickups.pickups import Pickups
from gateway.pickups.position import read_position

router = APIRouter(prefix=PATH)
_EDITS = allowed(Permission.EDIT_PICKUPS)
_BY_HAND = ("open", "full", "closed")


@router.post("/{point_id}/state")
def change_state(
    point_id: int, request: Request, viewer: Viewer = Depends(_EDITS), form: Form = Depends(form_of)
) -> Response:
    """Open, fill or close; closing ends the promises there and tells each holder once."""
    state = form.text("state", 10)
    if state not in _BY_HAND:
        return point_page(request, viewer, point_id, 422, "pickups.wrong_state")

    def act(connection: Connection, pickups: Pickups, now: datetime) -> int:
        language = console_of(request).settings.default_language
        return set_state(connection, point_id, state, pickups, now, language)

    return _done(request, viewer, form, point_id, act, "pickup.state", {"state": state}, f"pickups.is_{state}")


@router.post("/{point_id}/move")
def move(point_id: int, request: Request, viewer: Viewer = Depends(_EDITS), form: Form = Depends(form_of)) -> Response:
    """Move a point and tell everyone who holds a seat there, once."""
    written, landmark = form.text("to", 300), form.text("landmark", 120)
    position = read_position(written) or read_position(f"geo:{written}")
    if position is None:
        return point_page(request, viewer, point_id, 422, "pickups.wrong_position", to=written, landmark=landmark)
    lat, lon = position

    def act(connection: Connection, pickups: Pickups, now: datetime) -> int:
        language = console_of(request).settings.default_language
        return move_point(connection, point_id, lat, lon, landmark, pickups, now, language)

    detail = {"lat": lat, "lon": lon}
    return _done(request, viewer, form, point_id, act, "pickup.move", detail, "pickups.is_moved")


@router.post("/{point_id}/buses/{bus_id}")
def change_bus(
    point_id: int, bus_id: int, request: Request, viewer: Viewer = Depends(_EDITS), form: Form = Depends(form_of)
) -> Response:
    """Say of a bus what a marshal says by text: LATE with minutes, LEFT, COUNT with people."""
    what, number = form.text("what", 10), form.number("number")
    most = {"late": LONGEST_DELAY, "count": MOST_PEOPLE, "left": 0}.get(what)
    if most is None or (what != "left" and (number is None or not 0 <= number <= most)):
        return point_page(request, viewer, point_id, 422, "pickups.wrong_number")
    amount = number or 0

    def act(connection: Connection, pickups: Pickups, now: datetime) -> int:
        if bus_id not in {bus.id for bus in find_point(connection, viewer, point_id).buses}:
            raise NotFound
        if what == "late":
            language = console_of(request).settings.default_language
            set_late(connection, [SetLate(bus_id, amount)], pickups, now, language)
        elif what == "left":
            set_left(connection, [SetLeft(bus_id)], now)
        else:
            count_boarded(connection, [CountBoarded(bus_id, amount)])
        return 0

    detail = {"bus": bus_id, "what": what, "number": amount}
    return _done(request, viewer, form, point_id, act, "pickup.bus", detail, f"pickups.did_{what}")


def _done(
    request: Request,
    viewer: Viewer,
    form: Form,
    point_id: int,
    act: Callable[[Connection, Pickups, datetime], int],
    action: str,
    detail: Mapping[str, object],
    said: str,
) -> Response:
    """Do it once, put it in the audit log, and say how many were told."""
    settings, now, path = console_of(request).settings, utc_now(), f"{PATH}/{point_id}"
    try:
        with form.acting() as connection:
            form.leads_to(path)
            find_point(connection, viewer, point_id)
            told = act(connection, points_now(connection, settings, now), now)
            audit.record(connection, viewer.login, action, f"pickup:{point_id}", {**detail, "told": told}, now)
    except LookupError:
        return leave(request, path, "pickups.over", "bad")
    return leave(request, path, said, n=told)
