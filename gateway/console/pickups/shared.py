"""What every page of pick-up points needs: which event, which points are the viewer's, and the map."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode, urlsplit

from fastapi import Request, Response
from sqlalchemy import ColumnElement, Connection, select

from gateway.accounts.areas import Areas
from gateway.accounts.viewer import Viewer
from gateway.console.access import NotFound
from gateway.console.reports.leaflet import leaflet_address
from gateway.console.shell import CONTENT_POLICY, console_of, data_json, told, visit_of
from gateway.pickups.overview import PointSeen, events_to_come, point_seen
from gateway.tables import Place
from segments.csv_files import RowProblem

PATH = "/console/pickups"


class Refused(Exception):
    """Raised inside a form's transaction, so that nothing of it stays; `problems` are said on the page."""

    def __init__(self, problems: Sequence[RowProblem]) -> None:
        super().__init__(str(len(problems)))
        self.problems = list(problems)

    def by_field(self, request: Request) -> dict[str, str]:
        return {one.column: told(request, one.fault) for one in self.problems}


def within(viewer: Viewer) -> ColumnElement[bool] | None:
    """Return the condition on `pickup_points` that a viewer's areas make; None for everywhere."""
    return None if viewer.areas.everywhere else viewer.areas.points()


def events_of(connection: Connection, viewer: Viewer, now: datetime) -> Sequence[Any]:
    """Return the events to come that lie in the viewer's areas, the next one first."""
    return events_to_come(connection, now, None if viewer.areas.everywhere else viewer.areas.events())


def chosen_event(request: Request, events: Sequence[Any]) -> Any:
    """Return the event that the address names, else the next one; None when there is none at all.

    :raises NotFound: it names one that is over, unknown or elsewhere
    """
    key = request.query_params.get("event", "")
    if not key:
        return events[0] if events else None
    found = next((event for event in events if event.key == key), None)
    if found is None:
        raise NotFound
    return found


def find_point(connection: Connection, viewer: Viewer, point_id: int) -> PointSeen:
    """:raises NotFound: there is no such point, or it lies elsewhere"""
    try:
        return point_seen(connection, point_id, within(viewer))
    except LookupError:
        raise NotFound from None


def city_names(connection: Connection, areas: Areas) -> list[str] | None:
    """Return the names of the cities that one is bound to; None for everywhere."""
    if areas.everywhere:
        return None
    return list(connection.execute(select(Place.name).where(Place.key.in_(sorted(areas.cities)))).scalars())


def lies_within(city: str, cities: Sequence[str] | None) -> bool:
    """Whether a city's name is one of those that one is bound to, as `Areas.points` compares them."""
    return cities is None or city.lower() in {name.lower() for name in cities}


def shown_name(request: Request, names: Any, name: str) -> str:
    return str(names.get(visit_of(request).language) or name)


def address(path: str, **query: str) -> str:
    """Return an address with those parameters that are not empty."""
    given = {name: value for name, value in query.items() if value}
    return f"{path}?{urlencode(given)}" if given else path


def map_values(request: Request, points: Sequence[PointSeen], now: datetime) -> dict[str, Any]:
    """Return what templates need for the map: dots, tiles, and where Leaflet is."""
    settings = console_of(request).settings
    dots = [
        {
            "name": shown_name(request, one.names, one.name),
            "lat": one.lat,
            "lon": one.lon,
            "state": one.state,
            "full": bool(one.seats(now)) and one.taken(now) >= (one.seats(now) or 0),
            "href": f"{PATH}/{one.id}",
        }
        for one in points
    ]
    return {
        "dots": data_json(dots),
        "tiles": settings.map_tiles_url,
        "credit": settings.map_tiles_credit,
        "leaflet": {"js": leaflet_address("leaflet.js"), "css": leaflet_address("leaflet.css")},
    }


def with_tiles(request: Request, answer: Response) -> Response:
    """Let a page with a map ask the one other host that its tiles come from, where the setting names one."""
    if tiles := console_of(request).settings.map_tiles_url:
        parts = urlsplit(tiles)
        answer.headers["Content-Security-Policy"] = CONTENT_POLICY.format(tiles=f" {parts.scheme}://{parts.netloc}")
    return answer


def utc_now() -> datetime:
    return datetime.now(UTC)
