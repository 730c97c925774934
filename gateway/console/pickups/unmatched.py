"""Places that people named and nobody knew, and making one of them a name of a place that is known."""

from fastapi import APIRouter, Depends, Request, Response

from gateway.accounts import audit
from gateway.accounts.viewer import Permission, Viewer
from gateway.console.access import NotFound, allowed
from gateway.console.forms import Form, form_of
from gateway.console.pickups.shared import PATH, city_names, lies_within, utc_now
from gateway.console.shell import console_of, leave, page
from gateway.database import reading
from gateway.pickups.position import read_position
from gateway.pickups.search import places_like
from gateway.pickups.unmatched import make_alias, make_place, unmatched_places
from segments import Place

router = APIRouter(prefix=f"{PATH}/unmatched")
_SEES = allowed(Permission.SEE_PICKUPS)
_EDITS = allowed(Permission.EDIT_PICKUPS)


@router.get("")
def unknown(request: Request, viewer: Viewer = Depends(_SEES)) -> Response:
    """The places that nobody knew, the most asked about first."""
    with reading(console_of(request).engine) as connection:
        rows = unmatched_places(connection, near=city_names(connection, viewer.areas))
    return page(request, "pickups/unmatched.html", rows=rows)


@router.post("/choose")
def choose(request: Request, viewer: Viewer = Depends(_EDITS), form: Form = Depends(form_of)) -> Response:
    """Search for the place that is meant. A POST, because people's words do not belong in an address."""
    return _choose(request, viewer, form)


def _choose(request: Request, viewer: Viewer, form: Form, problem: str = "", status: int = 200) -> Response:
    cities = _cities(request, viewer)
    row = _row(request, form.text("key", 80), cities)
    sought = form.text("q", 80) or row["words"]
    pickups = console_of(request).service.reference().pickups
    found = places_like(sought, pickups, row["near"] or None, lambda place: _theirs(place, cities))
    typed = {"at": form.text("at", 300), "city": form.text("city", 120) or row["near"]}
    values = {"row": row, "q": sought, "found": found, "typed": typed, "problem": problem}
    return page(request, "pickups/alias.html", status, **values)


@router.post("/alias")
def alias(request: Request, viewer: Viewer = Depends(_EDITS), form: Form = Depends(form_of)) -> Response:
    """Make the words a name of the place chosen; every process knows it within two seconds."""
    cities = _cities(request, viewer)
    row = _row(request, form.text("key", 80), cities)
    place = console_of(request).service.reference().pickups.places.get(form.text("place", 120))
    if place is None or not _theirs(place, cities):
        return _choose(request, viewer, form, "pickups.choose_one", 422)
    now = utc_now()
    with form.acting() as connection:
        form.leads_to(f"{PATH}/unmatched")
        try:
            make_alias(connection, row["words"], place.key)
        except LookupError:
            raise NotFound from None
        audit.record(connection, viewer.login, "place.alias", f"place:{place.key}", {"words": row["words"]}, now)
    return leave(request, f"{PATH}/unmatched", "pickups.alias_made", words=row["words"], place=place.name)


@router.post("/place")
def new_place(request: Request, viewer: Viewer = Depends(_EDITS), form: Form = Depends(form_of)) -> Response:
    """Make the words a place of its own, at a position."""
    cities = _cities(request, viewer)
    row = _row(request, form.text("key", 80), cities)
    written, city = form.text("at", 300), form.text("city", 120)
    position = read_position(written) or read_position(f"geo:{written}")
    if position is None:
        return _choose(request, viewer, form, "pickups.wrong_position", 422)
    if not lies_within(city, cities):
        return _choose(request, viewer, form, "pickups.not_your_city", 422)
    now = utc_now()
    with form.acting() as connection:
        form.leads_to(f"{PATH}/unmatched")
        key = make_place(connection, row["words"], *position, city, now)
        audit.record(connection, viewer.login, "place.add", f"place:{key}", {"city": city}, now)
    return leave(request, f"{PATH}/unmatched", "pickups.place_made", words=row["words"])


def _cities(request: Request, viewer: Viewer) -> list[str] | None:
    with reading(console_of(request).engine) as connection:
        return city_names(connection, viewer.areas)


def _row(request: Request, key: str, cities: list[str] | None) -> dict[str, str]:
    """:raises NotFound: it has been dealt with, or lies elsewhere"""
    with reading(console_of(request).engine) as connection:
        rows = unmatched_places(connection, 10_000, cities)
    found = next((row for row in rows if row["key"] == key), None)
    if found is None:
        raise NotFound
    return found


def _theirs(place: Place, cities: list[str] | None) -> bool:
    return lies_within(place.city or place.name, cities)
