"""Add a point or change one: the same fields, checks and words of remedy as a row of an import."""

import csv
import io
from typing import Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy import Connection

from faults import fault
from gateway.accounts import audit
from gateway.accounts.viewer import Permission, Viewer
from gateway.console.access import NotFound, allowed
from gateway.console.forms import Form, form_of
from gateway.console.pickups.shared import (
    PATH,
    Refused,
    chosen_event,
    city_names,
    events_of,
    find_point,
    lies_within,
    utc_now,
)
from gateway.console.shell import console_of, leave, page, told, visit_of
from gateway.database import reading
from gateway.pickups.csv_file import PointRow
from gateway.pickups.from_file import read_for_event
from gateway.pickups.loading import change_point, import_points, plan_import
from gateway.pickups.overview import PointSeen
from gateway.pickups.position import read_position
from segments.csv_files import RowProblem

router = APIRouter(prefix=PATH)
_EDITS = allowed(Permission.EDIT_PICKUPS)
FIELDS = (
    "name", "name_ur", "city", "landmark", "landmark_ur", "aliases", "departures", "seats", "opens", "closes",
    "marshal",
)  # fmt: skip


@router.get("/new")
def new_point(request: Request, viewer: Viewer = Depends(_EDITS)) -> Response:
    with reading(console_of(request).engine) as connection:
        event = chosen_event(request, events_of(connection, viewer, utc_now()))
    return _form(request, event, dict.fromkeys(FIELDS, "") | {"position": ""})


@router.post("/new")
def add_point(request: Request, viewer: Viewer = Depends(_EDITS), form: Form = Depends(form_of)) -> Response:
    """Add a point to an event, with its buses."""
    now = utc_now()
    typed = {name: form.text(name, 400) for name in (*FIELDS, "position", "event")}
    with reading(console_of(request).engine) as connection:
        events = events_of(connection, viewer, now)
        cities = city_names(connection, viewer.areas)
    event = next((one for one in events if one.key == typed["event"]), None)
    if event is None:
        raise NotFound
    position = read_position(typed["position"]) or read_position(f"geo:{typed['position']}")
    if position is None:
        return _form(request, event, typed, {"position": _say(request, "pickups.wrong_position")})
    row, problems = _read(request, event, typed, position, cities)
    if row is None:
        return _form(request, event, typed, problems)
    try:
        with form.acting() as connection:
            form.leads_to(f"{PATH}?event={event.key}")
            if _named(connection, event.id, row):
                raise Refused(
                    [
                        RowProblem(
                            2,
                            "name",
                            fault("point.known_already", "There is a point of this name in this city already."),
                        )
                    ]
                )
            done = import_points(connection, event.id, [row])
            if isinstance(done, list):
                raise Refused(done)
            audit.record(connection, viewer.login, "pickup.add", f"event:{event.key}", {"name": row.name}, now)
    except Refused as refused:
        return _form(request, event, typed, refused.by_field(request))
    return leave(request, f"{PATH}?event={event.key}", "pickups.added", name=row.name)


@router.get("/{point_id}/edit")
def edit_point(point_id: int, request: Request, viewer: Viewer = Depends(_EDITS)) -> Response:
    point, event = _found(request, viewer, point_id)
    return _form(request, event, _typed(point, ZoneInfo(event.zone)), point=point)


@router.post("/{point_id}/edit")
def change(
    point_id: int, request: Request, viewer: Viewer = Depends(_EDITS), form: Form = Depends(form_of)
) -> Response:
    """Change names, buses, hours and the marshal; to move or close is an act of its own, because it tells people."""
    point, event = _found(request, viewer, point_id)
    typed = {name: form.text(name, 400) for name in FIELDS}
    with reading(console_of(request).engine) as connection:
        cities = city_names(connection, viewer.areas)
    # The marshal's number is not shown, so an empty field leaves it; a tick takes it off.
    given = tuple(name for name in FIELDS if name != "marshal" or typed["marshal"] or form.ticked("no_marshal"))
    row, problems = _read(request, event, typed, (point.lat, point.lon), cities, given)
    if row is None:
        return _form(request, event, typed, problems, point)
    now = utc_now()
    try:
        with form.acting() as connection:
            form.leads_to(f"{PATH}/{point_id}")
            if found := change_point(connection, point_id, row):
                raise Refused(found)
            audit.record(connection, viewer.login, "pickup.change", f"pickup:{point_id}", {"name": row.name}, now)
    except Refused as refused:
        return _form(request, event, typed, refused.by_field(request), point)
    return leave(request, f"{PATH}/{point_id}", "pickups.changed")


def _found(request: Request, viewer: Viewer, point_id: int) -> tuple[PointSeen, Any]:
    with reading(console_of(request).engine) as connection:
        point = find_point(connection, viewer, point_id)
        events = events_of(connection, viewer, utc_now())
    event = next((one for one in events if one.id == point.event_id), None)
    if event is None:
        raise NotFound
    return point, event


def _named(connection: Connection, event_id: int, row: PointRow) -> bool:
    """Whether an event has a point of that city and name already: adding it would change it unseen."""
    plans = plan_import(connection, event_id, [row], ZoneInfo("UTC"))
    return any(isinstance(one, RowProblem) or one.act != "add" for one in plans)


def _read(
    request: Request,
    event: Any,
    typed: dict[str, str],
    position: tuple[float, float],
    cities: list[str] | None,
    fields: tuple[str, ...] = FIELDS,
) -> tuple[PointRow | None, dict[str, str]]:
    """Read the fields as one row of a file: what is wrong has the same words, by the field's name."""
    console = console_of(request)
    written = io.StringIO()
    rows = csv.writer(written)
    rows.writerow([*fields, "lat", "lon"])
    rows.writerow([" ".join(typed[name].split()) for name in fields] + [f"{part:.7f}" for part in position])
    directory = console.service.reference().directory
    read = read_for_event(written.getvalue().splitlines(), event, directory, console.settings.default_region)
    problems: dict[str, str] = {}
    problems |= {one.column or "name": told(request, one.fault) for one in read if isinstance(one, RowProblem)}
    if not lies_within(typed["city"], cities):
        problems["city"] = _say(request, "pickups.not_your_city")
    row = next((one for one in read if isinstance(one, PointRow)), None)
    return (None, problems) if problems or row is None else (row, {})


def _typed(point: PointSeen, zone: ZoneInfo) -> dict[str, str]:
    buses = [bus for bus in point.buses if bus.left_at is None]

    def at(moment: Any) -> str:
        return f"{moment.astimezone(zone):%Y-%m-%d %H:%M}" if moment else ""

    return {
        "name": point.name,
        "name_ur": point.names.get("ur", ""),
        "city": point.city,
        "landmark": point.landmarks.get("", ""),
        "landmark_ur": point.landmarks.get("ur", ""),
        "aliases": "|".join(point.aliases),
        "departures": "|".join(at(bus.planned_at) for bus in buses),
        "seats": "|".join("" if bus.seats is None else str(bus.seats) for bus in buses)
        if any(bus.seats is not None for bus in buses)
        else "",
        "opens": at(point.opens_at),
        "closes": at(point.closes_at),
        "marshal": "",
    }


def _form(
    request: Request,
    event: Any,
    typed: dict[str, str],
    problems: dict[str, str] | None = None,
    point: PointSeen | None = None,
) -> Response:
    known = {*FIELDS, "position"}
    shown = {("position" if name in ("lat", "lon") else name): words for name, words in (problems or {}).items()}
    other = next((words for name, words in shown.items() if name not in known), "")
    values = {"event": event, "typed": typed, "problems": shown, "problem": other, "point": point}
    return page(request, "pickups/edit.html", 422 if problems else 200, **values)


def _say(request: Request, key: str) -> str:
    return console_of(request).wording.say(visit_of(request).language, key)
