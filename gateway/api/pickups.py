"""`/events` and `/pickups`: rallies and where their buses leave."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import Depends, Query, Response
from pydantic import BaseModel, Field
from sqlalchemy import ColumnElement, Connection

from faults import fault
from gateway.api.access import Call, allowed
from gateway.api.areas import events_of, points_of
from gateway.api.idempotency import Posted, posting
from gateway.api.paging import Page, Paged, page_of, question_of
from gateway.api.problems import FieldError, Problem, invalid, not_found
from gateway.api.routes import resource
from gateway.api.scopes import Scope
from gateway.api.shapes import Given, Id
from gateway.database import reading
from gateway.pickups.csv_file import left_out
from gateway.pickups.desk import move_point, points_now, set_state
from gateway.pickups.from_file import read_for_event, unknown_cities
from gateway.pickups.listing import buses_of, list_events, list_points
from gateway.pickups.loading import import_points, next_event
from gateway.tables import PickupPoint
from segments.csv_files import FileProblem, RowProblem, decode, sorted_out

events = resource("events")
router = resource("pickups")
Reader = Annotated[Call, Depends(allowed(Scope.PICKUPS_READ))]
Writer = Annotated[Posted, Depends(posting(Scope.PICKUPS_WRITE))]
_points = PickupPoint.__table__.c
_MOST_FAULTS = 100


class EventShown(BaseModel):
    """A rally."""

    key: str = Field(examples=["lahore-2026-12-06"])
    name: str
    names: dict[str, str] = Field(description="By language.")
    venue: str
    lat: float
    lon: float
    zone: str = Field(examples=["Asia/Karachi"])
    doors_at: datetime
    ends_at: datetime


class DepartureShown(BaseModel):
    """One bus. `seats` null: nobody counts them."""

    leaves_at: datetime
    late_minutes: int
    seats: int | None
    held: int
    boarded: int | None
    left_at: datetime | None


class PointShown(BaseModel):
    """A place where buses of one event leave. `marshal` is masked without the scope phones:read."""

    id: int
    event: str
    name: str
    names: dict[str, str]
    city: str
    lat: float
    lon: float
    landmarks: dict[str, str]
    state: str = Field(description="open, full, closed or moved (open at another position than planned).")
    marshal: str | None
    opens_at: datetime | None
    closes_at: datetime | None
    departures: list[DepartureShown]


class PointFilters(Paged):
    event: str | None = Field(
        default=None, min_length=1, max_length=60, description="An event's key; the next event when left out."
    )
    state: Literal["open", "full", "closed", "moved"] | None = None


class StateGiven(Given):
    state: Literal["open", "full", "closed"]


class PositionGiven(Given):
    lat: float = Field(ge=-90, le=90, examples=[31.5925])
    lon: float = Field(ge=-180, le=180, examples=[74.3095])
    landmark: str = Field(default="", max_length=120, description="How to recognise the new place.")


class PointChanged(BaseModel):
    id: int
    state: str
    told: int = Field(description="How many who hold a seat there were texted.")


class ImportAsked(BaseModel):
    model_config = {"extra": "forbid"}

    event: str | None = Field(default=None, min_length=1, max_length=60, description="An event's key; else the next.")


class ImportDone(BaseModel):
    event: str
    added: int
    changed: int
    untouched: list[str] = Field(description="Points of the event that the file does not name; they stay.")
    columns_left_out: list[str]
    unknown_cities: list[str] = Field(description="Cities that are not in the gazetteer.")


@events.get("", response_model=Page[EventShown], summary="List events")
def list_rallies(call: Reader, filters: Annotated[Paged, Query()], response: Response) -> Any:
    """Rallies, the one made last first."""
    question = question_of("events", call.caller.login, filters)
    before = call.context.cursors.read(question, filters.cursor) if filters.cursor else None
    with reading(call.engine) as connection:
        within = [events_of(call.caller)] if call.caller.bound else []
        rows = list_events(connection, before, filters.limit + 1, *within)
    kept = ("key", "name", "names", "venue", "lat", "lon", "zone", "doors_at", "ends_at")
    return page_of(
        rows,
        filters,
        lambda row: {name: getattr(row, name) for name in kept},
        lambda row: call.context.cursors.write(question, row.id),
        f"{call.context.address}/events",
        response,
    )


@router.get("", response_model=Page[PointShown], summary="List pick-up points")
def list_them(call: Reader, filters: Annotated[PointFilters, Query()], response: Response) -> Any:
    """The points of an event with their buses."""
    question = question_of("pickups", call.caller.login, filters)
    after = call.context.cursors.read(question, filters.cursor) if filters.cursor else 0
    with reading(call.engine) as connection:
        rally = next_event(connection, filters.event, call.context.clock())
        if rally is None and filters.event:
            raise not_found("There is no event of that key.")
        conditions = [_points.event_id == (rally.id if rally else -1), *_within(call)]
        conditions += [_points.state == filters.state] if filters.state else []
        rows = list_points(connection, *conditions, after_id=int(after), limit=filters.limit + 1)
        buses = buses_of(connection, [row.id for row in rows])
    return page_of(
        rows,
        filters,
        lambda row: _shown(call, row, buses.get(row.id, ())),
        lambda row: call.context.cursors.write(question, row.id),
        f"{call.context.address}/pickups",
        response,
    )


@router.get("/{point_id:int}", response_model=PointShown, summary="Show a pick-up point")
def show(call: Reader, point_id: Id) -> Any:
    """One point with its buses."""
    with reading(call.engine) as connection:
        row = _find(call, connection, point_id)
        return _shown(call, row, buses_of(connection, [row.id]).get(row.id, ()))


@router.post("/{point_id:int}/state", response_model=PointChanged, summary="Open, fill or close a point")
def change_state(call: Writer, point_id: Id, given: StateGiven) -> Response:
    """Closing ends the promises there and tells everyone who holds a seat, once."""

    def act(connection: Connection) -> PointChanged:
        _find(call, connection, point_id)
        now = call.context.clock()
        pickups = points_now(connection, call.settings, now)
        try:
            told = set_state(connection, point_id, given.state, pickups, now, call.settings.default_language)
        except LookupError:
            raise Problem(409, "The point's event is over.") from None
        return PointChanged(id=point_id, state=given.state, told=told)

    return call.once(act)


@router.post("/{point_id:int}/move", response_model=PointChanged, summary="Move a point")
def move(call: Writer, point_id: Id, given: PositionGiven) -> Response:
    """Tells everyone who holds a seat there, once. Moving it to where it is tells nobody."""

    def act(connection: Connection) -> PointChanged:
        before = _find(call, connection, point_id)
        now = call.context.clock()
        pickups = points_now(connection, call.settings, now)
        language = call.settings.default_language
        try:
            told = move_point(connection, point_id, given.lat, given.lon, given.landmark, pickups, now, language)
        except LookupError:
            raise Problem(409, "The point's event is over.") from None
        same = (before.lat, before.lon) == (given.lat, given.lon)
        return PointChanged(id=point_id, state=before.state if same else "moved", told=told)

    return call.once(act)


@router.post(
    "/import",
    response_model=ImportDone,
    summary="Import points from CSV",
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"text/csv": {"schema": {"type": "string"},
                                     "example": "name,city,lat,lon\nMinar,Lahore,31.5925,74.3095\n"}},
        }
    },
)  # fmt: skip
def import_csv(call: Writer, asked: Annotated[ImportAsked, Query()]) -> Response:
    """Columns name, city, lat, lon; more in docs/pickups.md. One bad row, and nothing is loaded: every one is named by
    line and column. Points known by city and name are changed."""
    if call.caller.bound:
        raise Problem(403, "A key that is bound to areas imports no points: they might lie elsewhere.")
    if (known := call.done()) is not None:
        return known
    try:
        lines = decode(call.request.state.body).splitlines()
    except FileProblem as problem:
        raise invalid(str(problem), "") from None
    if faulty := next((number for number, line in enumerate(lines, 1) if "\0" in line), 0):
        raise _faults([RowProblem(faulty, "", fault("row.nul", "There is a NUL sign: leave it out."))])
    with reading(call.engine) as connection:
        rally = next_event(connection, asked.event, call.context.clock())
        if rally is None:
            raise not_found("There is no event of that key." if asked.event else "There is no event to come.")
        directory = call.context.directory(connection)
    # Nobody waits for this: the database is locked for the loading alone.
    points, problems = sorted_out(  # type: ignore[type-var]
        read_for_event(lines, rally, directory, call.settings.default_region)
    )
    if problems:
        raise _faults(problems)
    if not points:
        raise invalid("There are no rows in the file.", "")

    def act(connection: Connection) -> ImportDone:
        done = import_points(connection, rally.id, points)
        if isinstance(done, list):
            raise _faults(done)
        return ImportDone(
            event=rally.key,
            added=done.added,
            changed=done.changed,
            untouched=list(done.untouched),
            columns_left_out=list(left_out(lines)),
            unknown_cities=unknown_cities(directory, points),
        )

    return call.once(act)


def _faults(problems: list[RowProblem]) -> Problem:
    errors = [FieldError(line=one.line, column=one.column, detail=one.sentence) for one in problems[:_MOST_FAULTS]]
    said = f"{len(problems)} problems; nothing was loaded. Mend them and import again."
    return Problem(422, said, errors=errors)


def _within(call: Call) -> list[ColumnElement[bool]]:
    return [points_of(call.caller)] if call.caller.bound else []


def _find(call: Call, connection: Connection, point_id: int) -> Any:
    found = list_points(connection, _points.id == point_id, *_within(call), limit=1)
    if not found:
        raise not_found(f"There is no pick-up point {point_id}.")
    return found[0]


def _shown(call: Call, row: Any, buses: Any) -> dict[str, Any]:
    kept = ("id", "event", "name", "names", "city", "lat", "lon", "landmarks", "state", "opens_at", "closes_at")
    of_bus = ("leaves_at", "late_minutes", "seats", "held", "boarded", "left_at")
    return {name: getattr(row, name) for name in kept} | {
        "marshal": call.phone(row.marshal),
        "departures": [{name: getattr(bus, name) for name in of_bus} for bus in buses],
    }
