"""`jalsa reports`: what people reported, and what is done about it."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from aiohttp import ClientError
from sqlalchemy import Connection

from gateway.carriers.twilio.media import MediaRefused, fetch
from gateway.commands.shared import AsJson, console, in_force, ready_engine, settings_or_stop, show, show_one, stop
from gateway.database import reading, writing
from gateway.reports import queue as desk
from gateway.reports.clusters import proposed
from gateway.reports.moves import UnknownReport
from gateway.reports.notices import Notifier
from gateway.reports.setup import notifier_from
from gateway.reports.staff import read_staff, set_duty
from gateway.reports.trends import current_trends
from gateway.reports.triage import CATEGORIES, TriageError, load_triage
from gateway.rules.refs import read_ref
from gateway.rules.report_life import MoveRefused
from gateway.rules.report_staff import StaffMember

app = typer.Typer(help="iReports.", no_args_is_help=True)

Ref = Annotated[str, typer.Argument(help="The report's ref, such as 4F2C.")]
By = Annotated[str, typer.Option("--by", help="Your login, for the timeline.")]


def _ref(typed: str) -> str:
    ref = read_ref(typed)
    if ref is None:
        stop(f"{typed!r} is no ref: a sign is wrong or missing.")
    return ref


@contextmanager
def _changing() -> Iterator[tuple[Connection, Notifier, datetime]]:
    """A writing transaction; what is refused ends the command with its sentence."""
    settings = settings_or_stop()
    with ready_engine(settings) as engine:
        held = in_force(engine, settings)
        try:
            with writing(engine) as connection:
                yield connection, notifier_from(held.settings, held.catalogue), datetime.now(UTC)
        except (MoveRefused, UnknownReport) as error:
            stop(str(error.args[0]))


@contextmanager
def _looking() -> Iterator[Connection]:
    with ready_engine(settings_or_stop()) as engine, reading(engine) as connection:
        yield connection


@app.command("list")
def list_reports(
    state: Annotated[
        list[str] | None, typer.Option(help="Only those in this state; may be given more than once.")
    ] = None,
    category: Annotated[list[str] | None, typer.Option(help="Only this category.")] = None,
    place: Annotated[str, typer.Option(help="Only places with these letters.")] = "",
    assignee: Annotated[str, typer.Option(help="Only those of this login.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 100,
    as_json: AsJson = False,
) -> None:
    """List iReports of any state, the newest first."""
    filters = desk.Filters(
        states=state or (), categories=category or (), place=place, assignee=assignee, newest_first=True, limit=limit
    )
    _show_queue(filters, as_json)


@app.command("queue")
def show_queue(
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 50,
    as_json: AsJson = False,
) -> None:
    """List what is open, the most urgent first."""
    _show_queue(desk.Filters(limit=limit), as_json)


def _show_queue(filters: desk.Filters, as_json: bool) -> None:
    with _looking() as connection:
        try:
            rows = desk.queue(connection, filters)
        except ValueError as error:
            stop(str(error))
    columns = ("ref", "state", "urgency", "category", "place", "text", "witnesses", "assignee", "opened")
    show(rows, columns, as_json, "No reports yet.")


@app.command("show")
def show_report(ref: Ref, as_json: AsJson = False) -> None:
    """Show one iReport with its timeline, the words that decided, and who should see to it."""
    with _looking() as connection:
        try:
            told = desk.story(connection, _ref(ref))
        except UnknownReport as error:
            stop(str(error.args[0]))
    if as_json:
        show_one(told, True)
        return
    timeline = told.pop("timeline")
    told["proposals"] = [f"{one['login']} ({one['why']})" for one in told["proposals"]]
    for name in ("proposed", "proposed_into"):
        told[name] = [f"{one['ref']} ({one['why']})" for one in told[name]]
    for name in ("id", "sender_id", "seen", "merged"):
        told.pop(name)
    show_one(told, False)
    show(timeline, ("at", "by", "kind", "state", "text", "photos"), False, "")


@app.command("assign")
def assign(ref: Ref, login: Annotated[str, typer.Argument(help="Whose it is to be.")], by: By = "console") -> None:
    """Give an iReport to one of the staff; they and the reporter are told."""
    with _changing() as (connection, notifier, now):
        desk.assign(connection, _ref(ref), login, by, now, notifier)
    console.print(f"{ref} is {login}'s.")


@app.command("resolve")
def resolve(ref: Ref, note: Annotated[str, typer.Option(help="What was done.")] = "", by: By = "console") -> None:
    """Mark an iReport solved; everyone who reported it is asked whether it is."""
    _move(ref, "resolved", note, by)


@app.command("move")
def move(
    ref: Ref,
    to: Annotated[str, typer.Argument(help="acknowledged, resolved, closed, reopened, not_actionable ...")],
    note: Annotated[str, typer.Option(help="Why.")] = "",
    by: By = "console",
) -> None:
    """Move an iReport to another state, if the table of moves has it."""
    _move(ref, to, note, by)


def _move(ref: str, to: str, note: str, by: str) -> None:
    with _changing() as (connection, notifier, now):
        desk.move(connection, _ref(ref), to, by, note, now, notifier)
    console.print(f"{ref} is {to}.")


@app.command("reply")
def reply(ref: Ref, text: Annotated[str, typer.Argument(help="Your words.")], by: By = "console") -> None:
    """Text the reporter, and those of its duplicates."""
    with _changing() as (connection, notifier, now):
        told = desk.reply(connection, _ref(ref), text, by, now, notifier)
    console.print(f"In the outbox for {told}.")


@app.command("merge")
def merge(
    ref: Ref, into: Annotated[str, typer.Argument(help="The report it is the same as.")], by: By = "console"
) -> None:
    """Make one iReport the duplicate of another."""
    with _changing() as (connection, notifier, now):
        desk.merge(connection, _ref(ref), _ref(into), by, now, notifier)
    console.print(f"{ref} is now a duplicate of {into}.")


@app.command("split")
def split(ref: Ref, by: By = "console") -> None:
    """Take a duplicate out again, or refuse the proposal that it is one."""
    with _changing() as (connection, notifier, now):
        desk.split(connection, _ref(ref), by, now, notifier)
    console.print(f"{ref} stands on its own.")


@app.command("correct")
def correct(
    ref: Ref,
    category: Annotated[str | None, typer.Option(help=", ".join(CATEGORIES))] = None,
    kind: Annotated[str | None, typer.Option(help="help, complaint, praise or noise")] = None,
    urgency: Annotated[int | None, typer.Option(help="0 low to 3 emergency")] = None,
    place: Annotated[str | None, typer.Option()] = None,
    by: By = "console",
) -> None:
    """Put right what triage made of an iReport; `jalsa reports confusion` counts it."""
    with _changing() as (connection, _, now):
        desk.correct(connection, _ref(ref), by, now, category=category, kind=kind, urgency=urgency, place=place)
    console.print(f"{ref} is put right.")


@app.command("confusion")
def confusion(
    field: Annotated[str, typer.Option(help="category, kind or urgency")] = "category", as_json: AsJson = False
) -> None:
    """Show what triage said (rows) against what staff left it at (columns)."""
    with _looking() as connection:
        try:
            told = desk.confusion(connection, field)
        except ValueError as error:
            stop(str(error))
    if as_json:
        show_one(told, True)
        return
    rows = [{"triage said": judged} | counted for judged, counted in told["table"].items() if any(counted.values())]
    show(rows, tuple(rows[0]) if rows else (), False, "Staff have dealt with no report yet.")
    if told["right"] is not None:
        console.print(f"{told['right']:.1%} of {told['reports']} right.")


@app.command("clusters")
def clusters(as_json: AsJson = False) -> None:
    """List reports that seem to be about one thing; nothing is merged before you say `jalsa reports merge`."""
    with _looking() as connection:
        groups = proposed(connection)
    rows = groups if as_json else [one | {"others": [other["ref"] for other in one["others"]]} for one in groups]
    show(rows, ("ref", "category", "place", "witnesses", "text", "others"), as_json, "Nothing to merge.")


@app.command("trends")
def trends(as_json: AsJson = False) -> None:
    """List words and places that rise against the hour before."""
    with _looking() as connection:
        rows = current_trends(connection, datetime.now(UTC))
    shown = rows if as_json else [one | {"examples": [e["ref"] for e in one["examples"]]} for one in rows]
    show(shown, ("kind", "term", "before", "now", "examples"), as_json, "Nothing rises.")


@app.command("triage")
def triage(
    text: Annotated[str, typer.Argument(help="What somebody might report.")],
    file: Annotated[list[Path] | None, typer.Option(help="Also these rules, before they go into TRIAGE_FILES.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show what triage makes of a text, and the words that decided."""
    try:
        verdict = load_triage(*settings_or_stop().triage_files, *(file or ())).judge(text)
    except TriageError as error:
        stop(str(error))
    show_one(
        {
            "category": verdict.category,
            "kind": verdict.kind,
            "urgency": verdict.urgency,
            "calls somebody": verdict.pages,
            "spot": verdict.spot,
            "because": list(verdict.because),
        },
        as_json,
    )


@app.command("photo")
def photo(
    ref: Ref,
    out: Annotated[Path, typer.Option(help="The file to write.")],
    number: Annotated[int, typer.Option(min=1, help="Which of its pictures.")] = 1,
) -> None:
    """Fetch a picture that was sent with an iReport, from the carrier's own host only."""
    settings = settings_or_stop()
    with _looking() as connection:
        try:
            timeline = desk.story(connection, _ref(ref))["timeline"]
        except UnknownReport as error:
            stop(str(error.args[0]))
    links = [link for line in timeline for link in line["photos"]]
    if len(links) < number:
        stop(f"{ref} has {len(links)} pictures.")
    try:
        found = asyncio.run(fetch(links[number - 1], settings.account_sid, settings.auth_token))
    except MediaRefused as error:
        stop(str(error))
    except (ClientError, TimeoutError) as error:
        stop(f"The picture could not be fetched ({type(error).__name__}).")
    out.write_bytes(found.data)
    console.print(f"{out}: {found.content_type}, {len(found.data)} bytes.", markup=False)


@app.command("duty")
def duty(
    login: Annotated[str, typer.Argument(help="Whose; left out, everybody is listed.")] = "",
    on: Annotated[bool | None, typer.Option("--on/--off", help="On duty or off.")] = None,
    area: Annotated[list[str] | None, typer.Option(help="A place of theirs; replaces the areas they have.")] = None,
    skill: Annotated[list[str] | None, typer.Option(help="A category they know; replaces their skills.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show or change whether one of the staff is on duty, where, and for what; and whether our texts reach them."""
    if not login:
        if on is not None or area or skill:
            stop("Say whose duty is to change.")
        with _looking() as connection:
            people = [_on_duty(one) for one in read_staff(connection, loads=True).values()]
        columns = ("login", "on duty", "areas", "skills", "in hand", "texts")
        show(people, columns, as_json, "No staff yet: jalsa staff add LOGIN --role field")
        return
    with _changing() as (connection, _, now):
        found = [one for one in read_staff(connection).values() if one.login == login]
        if not found:
            raise MoveRefused(f"There is no staff login {login!r}.")
        if odd := set(skill or ()) - set(CATEGORIES):
            raise MoveRefused(f"There is no category {min(odd)!r}; there are {', '.join(CATEGORIES)}.")
        changed = {"on_duty": on, "areas": area, "skills": skill}
        changed = {name: value for name, value in changed.items() if value is not None}
        if changed:
            set_duty(connection, found[0].id, now, **changed)
        [person] = [one for one in read_staff(connection, loads=True).values() if one.login == login]
    show_one(_on_duty(person), as_json)


def _on_duty(person: StaffMember) -> dict[str, object]:
    texts = "reach them" if person.reached else "none: this phone texted STOP" if person.stopped else "none: no phone"
    return {
        "login": person.login,
        "on duty": person.on_duty,
        "areas": list(person.areas),
        "skills": list(person.skills),
        "in hand": person.load,
        "texts": texts,
    }
