"""`jalsa events`, `jalsa pickups` and what `jalsa places` does with unknown places."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer
from rich.progress import Progress
from sqlalchemy import Connection, select

from gateway.commands.imports import File, only_if_whole, places_app, read_file
from gateway.commands.shared import AsJson, complaints, console, ready_engine, settings_or_stop, show, stop
from gateway.database import reading, writing
from gateway.pickups.csv_file import left_out
from gateway.pickups.desk import move_point, points_now, set_state
from gateway.pickups.events import EventRefused, read_event
from gateway.pickups.events import add_event as add_event_to
from gateway.pickups.from_file import read_for_event, unknown_cities
from gateway.pickups.load import far_demand, load_of
from gateway.pickups.loading import import_points, next_event
from gateway.pickups.pickups import find_place
from gateway.pickups.position import read_position
from gateway.pickups.store import read_pickups
from gateway.pickups.unmatched import make_alias, make_place, unmatched_places
from gateway.places.store import read_directory
from gateway.rules.phone_numbers import mask
from gateway.tables import Departure, Event, PickupPoint

app = typer.Typer(help="Pick-up points of an event.", no_args_is_help=True)
events_app = typer.Typer(help="Rallies and meetings.", no_args_is_help=True)

EventKey = Annotated[str | None, typer.Option("--event", help="The event's key; the next event when left out.")]


def _now() -> datetime:
    return datetime.now(UTC)


def _event_or_stop(connection: Connection, key: str | None) -> Any:
    event = next_event(connection, key, _now())
    if event is None:
        stop(f"There is no event {key!r}." if key else "There is no event to come. Make one with jalsa events add.")
    return event


def _position_or_stop(written: str) -> tuple[float, float]:
    position = read_position(written) or read_position(f"geo:{written.strip()}")
    if position is None:
        stop(f"{written!r} is no position. Write it as 31.5497,74.3436 or paste a map link.")
    return position


@events_app.command("add")
def add_event(
    key: Annotated[str, typer.Argument(help="A short name for commands and links, such as lahore-2026-12-06.")],
    name: Annotated[str, typer.Option(help="What people call it.")],
    at: Annotated[str, typer.Option(help="Where: lat,lon or a map link.")],
    doors: Annotated[str, typer.Option(help="When it begins, in the event's own time: 2026-12-06 14:00.")],
    venue: Annotated[str, typer.Option(help="The place's name.")] = "",
    ends: Annotated[str, typer.Option(help="When it ends; six hours after it begins when left out.")] = "",
    zone: Annotated[str, typer.Option(help="Time zone; TIME_ZONE when left out.")] = "",
    name_ur: Annotated[str, typer.Option(help="Its name in Urdu.")] = "",
) -> None:
    """Make an event, to which pick-up points are then imported."""
    settings = settings_or_stop()
    written = {
        "key": key, "name": name, "name_ur": name_ur, "venue": venue, "at": at, "doors": doors, "ends": ends,
        "zone": zone,
    }  # fmt: skip
    try:
        event = read_event(written, settings.time_zone)
        with ready_engine(settings) as engine, writing(engine) as connection:
            add_event_to(connection, event)
    except EventRefused as refused:
        stop(f"{'KEY' if refused.field == 'key' else '--' + refused.field}: {refused}")
    begins = event.doors_at.astimezone(ZoneInfo(event.zone))
    console.print(f"{key}: {begins:%Y-%m-%d %H:%M} {event.zone}.", markup=False)


@events_app.command("list")
def list_events(as_json: AsJson = False) -> None:
    """List events, the next one last."""
    settings = settings_or_stop()
    with ready_engine(settings) as engine, reading(engine) as connection:
        rows = [
            {
                "key": row.key,
                "name": row.name,
                "venue": row.venue,
                "doors": row.doors_at.astimezone(ZoneInfo(row.zone)),
                "ends": row.ends_at.astimezone(ZoneInfo(row.zone)),
                "zone": row.zone,
            }
            for row in connection.execute(select(Event.__table__).order_by(Event.doors_at.desc()))
        ]
    show(rows, ("key", "name", "venue", "doors", "ends", "zone"), as_json, "No events yet.")


@app.command("import")
def import_file(file: File, event: EventKey = None) -> None:
    """Load pick-up points from a CSV: columns name, city, lat, lon; more are optional (docs/pickups.md).

    Every bad row is named, and then nothing is loaded. Points known by city and name are changed.
    """
    settings = settings_or_stop()
    lines = read_file(file)
    with ready_engine(settings) as engine:
        with reading(engine) as connection:
            rally = _event_or_stop(connection, event)
            directory = read_directory(connection)
        with Progress(console=complaints, transient=True) as progress:
            reading_rows = progress.add_task("Reading", total=max(1, len(lines) - 1))
            region = settings.default_region
            read = read_for_event(lines, rally, directory, region, lambda: progress.advance(reading_rows))
        points = only_if_whole(file.name, read)
        with writing(engine) as connection, Progress(console=complaints, transient=True) as progress:
            loading = progress.add_task("Loading", total=len(points))
            done = import_points(connection, rally.id, points, lambda: progress.advance(loading))
        if isinstance(done, list):
            only_if_whole(file.name, done)
            return
    if ignored := left_out(lines):
        console.print(f"Columns that were not read: {', '.join(ignored)}.", markup=False)
    if unknown := unknown_cities(directory, points):
        console.print(f"Cities not in the gazetteer: {', '.join(unknown)}.", markup=False)
    console.print(f"{rally.key}: {done.added} points added, {done.changed} changed.", markup=False)
    if done.untouched:
        console.print(f"{len(done.untouched)} points of this event are not in the file and stay as they are.")


@app.command("list")
def list_points(event: EventKey = None, as_json: AsJson = False) -> None:
    """List the points of an event with their buses."""
    settings = settings_or_stop()
    with ready_engine(settings) as engine, reading(engine) as connection:
        rally = _event_or_stop(connection, event)
        zone = ZoneInfo(rally.zone)
        mine = select(PickupPoint.__table__).where(PickupPoint.event_id == rally.id).order_by(PickupPoint.id)
        points = connection.execute(mine).all()
        buses: dict[int, list[str]] = {}
        ids = select(PickupPoint.id).where(PickupPoint.event_id == rally.id)
        leaving = select(Departure.__table__).where(Departure.pickup_point_id.in_(ids)).order_by(Departure.leaves_at)
        for bus in connection.execute(leaving):
            said = f"{(bus.leaves_at + timedelta(minutes=bus.late_minutes)).astimezone(zone):%d/%m %H:%M}"
            said += f" {bus.held}/{bus.seats}" if bus.seats is not None else f" {bus.held}"
            buses.setdefault(bus.pickup_point_id, []).append(said + (" left" if bus.left_at else ""))
    rows = [
        {
            "id": point.id,
            "name": point.name,
            "city": point.city,
            "state": point.state,
            "position": f"{point.lat:.5f},{point.lon:.5f}",
            "marshal": mask(point.marshal) if point.marshal else None,
            "buses": buses.get(point.id, []),
        }
        for point in points
    ]
    show(rows, ("id", "name", "city", "state", "position", "marshal", "buses"), as_json, "No points yet.")


@app.command("state")
def change_state(
    point: Annotated[int, typer.Argument(help="The point's id, as jalsa pickups list shows it.")],
    state: Annotated[str, typer.Argument(help="open, full or closed.")],
) -> None:
    """Open, fill or close a point. Closing tells everyone who holds a seat there."""
    if state not in ("open", "full", "closed"):
        stop(f"STATE: {state!r} is none of open, full, closed. A point is moved with jalsa pickups move.")
    settings = settings_or_stop()
    with ready_engine(settings) as engine, writing(engine) as connection:
        pickups = points_now(connection, settings, _now())
        try:
            told = set_state(connection, point, state, pickups, _now(), settings.default_language)
        except LookupError:
            stop(f"There is no point {point} of an event to come.")
    console.print(f"Point {point} is {state}; {told} people told.")


@app.command("move")
def move(
    point: Annotated[int, typer.Argument(help="The point's id, as jalsa pickups list shows it.")],
    to: Annotated[str, typer.Argument(help="Where to: lat,lon or a map link.")],
    landmark: Annotated[str, typer.Option(help="How to recognise the new place.")] = "",
) -> None:
    """Move a point and tell everyone who holds a seat there, once."""
    settings = settings_or_stop()
    lat, lon = _position_or_stop(to)
    with ready_engine(settings) as engine, writing(engine) as connection:
        pickups = points_now(connection, settings, _now())
        try:
            told = move_point(connection, point, lat, lon, landmark, pickups, _now(), settings.default_language)
        except LookupError:
            stop(f"There is no point {point} of an event to come.")
    console.print(f"Point {point} is at {lat:.5f},{lon:.5f}; {told} people told.")


@app.command("load")
def show_load(event: EventKey = None, as_json: AsJson = False) -> None:
    """Show how full each point is: asked, offered, held, boarded; and where no point is near."""
    settings = settings_or_stop()
    with ready_engine(settings) as engine, reading(engine) as connection:
        rally = _event_or_stop(connection, event)
        rows, far = load_of(connection, rally.id), far_demand(connection, rally.id)
    if as_json:
        show([{"points": rows, "far": far}], (), True, "")
        return
    columns = ("id", "point", "city", "state", "asked", "offered", "held", "boarded", "seats", "waiting")
    show(rows, columns, False, "No points yet.")
    if far:
        console.print("Asked about far from any point:")
        show(far, ("place", "asked", "without_offer", "metres"), False, "")


@places_app.command("unmatched")
def show_unmatched(as_json: AsJson = False) -> None:
    """List the places that people named and nobody knew, the most asked about first."""
    settings = settings_or_stop()
    with ready_engine(settings) as engine, reading(engine) as connection:
        rows = unmatched_places(connection)
    show(rows, ("words", "times", "near", "last"), as_json, "Every place was known.")


@places_app.command("alias")
def alias(
    words: Annotated[str, typer.Argument(help="What people write.")],
    place: Annotated[str, typer.Argument(help="The place they mean: its name or key.")] = "",
    at: Annotated[str, typer.Option(help="Instead of a place: lat,lon or a map link of a place not known yet.")] = "",
    city: Annotated[str, typer.Option(help="The city of a new place.")] = "",
) -> None:
    """Make an unknown spelling a name of a known place, or a place of its own; the next asker gets it."""
    if bool(place) == bool(at):
        stop("Name the place that is meant, or give its position with --at.")
    settings = settings_or_stop()
    with ready_engine(settings) as engine, writing(engine) as connection:
        if at:
            lat, lon = _position_or_stop(at)
            made = make_place(connection, words, lat, lon, city, _now())
            console.print(f"“{words}” is a place of its own now ({made}).", markup=False)
            return
        pickups = read_pickups(connection, read_directory(connection), _now(), settings.zone)
        meant = pickups.places.get(place)
        if meant is None:
            match = find_place(place, pickups, city or None)
            if match.is_tie:
                known = zip(match.choices, match.alternatives, strict=True)
                named = ", ".join(f"{one.key} ({label})" for one, label in known)
                stop(f"Several places are called {place!r}. Use a key: {named}.")
            meant = match.place
        if meant is None:
            stop(f"No place {place!r} is known. Give its position with --at.")
        make_alias(connection, words, meant.key)
    console.print(f"“{words}” means {meant.name} now.", markup=False)
