"""The points of an event as a table and a map, live; one point; the export."""

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Request, Response

from gateway.accounts.viewer import Permission, Viewer
from gateway.console.access import NotFound, allowed
from gateway.console.live import Topic, stream
from gateway.console.pickups.shared import (
    PATH,
    address,
    chosen_event,
    events_of,
    find_point,
    map_values,
    utc_now,
    with_tiles,
    within,
)
from gateway.console.shell import console_of, page, render
from gateway.database import reading
from gateway.pickups.csv_file import STATES
from gateway.pickups.export import points_csv
from gateway.pickups.overview import PointSeen, live_mark, points_seen, who_waits
from orthography import words

router = APIRouter(prefix=PATH)
_SEES = allowed(Permission.SEE_PICKUPS)
_EDITS = allowed(Permission.EDIT_PICKUPS)
_TOPIC = Topic("pickups", live_mark)


@router.get("")
def all_points(request: Request, viewer: Viewer = Depends(_SEES)) -> Response:
    """The points of one event; filters stand in the address."""
    values = _list_values(request, viewer)
    return with_tiles(
        request, page(request, "pickups/list.html", **values, **map_values(request, values["points"], values["at"]))
    )


@router.get("/live")
def all_points_live(request: Request, viewer: Viewer = Depends(_SEES)) -> Response:
    """The table as seats, states and buses change."""

    def fragments() -> Mapping[str, str]:
        return {"pick-table": render(request, "pickups/_table.html", **_list_values(request, viewer))}

    return stream(request, viewer, _TOPIC, fragments)


@router.get("/export.csv")
def export(request: Request, viewer: Viewer = Depends(_EDITS)) -> Response:
    """The points of an event in the columns of an import; marshals' phones stay here."""
    with reading(console_of(request).engine) as connection:
        event = chosen_event(request, events_of(connection, viewer, utc_now()))
        if event is None:
            raise NotFound
        written = points_csv(points_seen(connection, event.id, within(viewer)), ZoneInfo(event.zone))
    # The mark at its beginning tells spreadsheets that it is UTF-8.
    return Response(
        "\ufeff" + written,
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="pickups-{event.key}.csv"'},
    )


@router.get("/{point_id}")
def one_point(point_id: int, request: Request, viewer: Viewer = Depends(_SEES)) -> Response:
    """One point: where it is, its buses, who waits, and what can be done."""
    return point_page(request, viewer, point_id)


@router.get("/{point_id}/live")
def one_point_live(point_id: int, request: Request, viewer: Viewer = Depends(_SEES)) -> Response:
    _one_values(request, viewer, point_id)  # one that is not theirs has no stream

    def fragments() -> Mapping[str, str]:
        return {"pick-buses": render(request, "pickups/_buses.html", **_one_values(request, viewer, point_id))}

    return stream(request, viewer, _TOPIC, fragments)


def point_page(
    request: Request, viewer: Viewer, point_id: int, status: int = 200, problem: str = "", **typed: str
) -> Response:
    """Return a point's page; `problem` is the wording of what was wrong with the form that was sent."""
    values = _one_values(request, viewer, point_id)
    dots = map_values(request, [values["point"]], values["at"])
    return with_tiles(
        request, page(request, "pickups/one.html", status, problem=problem, typed=typed, **values, **dots)
    )


def _one_values(request: Request, viewer: Viewer, point_id: int) -> dict[str, Any]:
    now = utc_now()
    with reading(console_of(request).engine) as connection:
        point = find_point(connection, viewer, point_id)
        events = events_of(connection, viewer, now)
        waits = who_waits(connection, point_id)
    event = next((one for one in events if one.id == point.event_id), None)
    return {"point": point, "event": event, "waits": waits, "at": now}


def _list_values(request: Request, viewer: Viewer) -> dict[str, Any]:
    now, asked = utc_now(), request.query_params
    city, state, sought = asked.get("city", ""), asked.get("state", ""), asked.get("q", "")[:60]
    with reading(console_of(request).engine) as connection:
        events = events_of(connection, viewer, now)
        event = chosen_event(request, events)
        every = points_seen(connection, event.id, within(viewer)) if event else []
    points = [one for one in every if _wanted(one, city, state, sought)]
    return {
        "events": events,
        "event": event,
        "points": points,
        "of": len(every),
        "cities": sorted({one.city for one in every}),
        "states": STATES,
        "city": city,
        "state": state,
        "q": sought,
        "at": now,
        "live": address(f"{PATH}/live", event=event.key if event else "", city=city, state=state, q=sought),
    }


def _wanted(point: PointSeen, city: str, state: str, sought: str) -> bool:
    if (city and point.city != city) or (state and point.state != state):
        return False
    names = [words(name) for name in (point.name, *point.names.values(), *point.aliases)]
    typed = words(sought)
    return not typed or any(all(any(one.startswith(word) for one in name) for word in typed) for name in names)
