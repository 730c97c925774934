"""`jalsa segments`: who would get a broadcast, and rules saved under a name."""

import getpass
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from sqlalchemy import Connection

from gateway.audience.counting import count_by_reason
from gateway.audience.rules import Audience, read_audience
from gateway.audience.saved import SegmentNameError, all_segments, find_segment, save_segment
from gateway.commands.shared import AsJson, console, ready_engine, settings_or_stop, show, show_one, stop
from gateway.database import reading, writing
from gateway.places.current import current_directory
from gateway.places.directory import Directory
from gateway.settings import Settings
from segments import RuleError, describe, to_json

app = typer.Typer(help="Audiences: who would get a broadcast.", no_args_is_help=True)

RuleText = Annotated[str, typer.Argument(metavar="RULE", help="Such as 'city:lahore & affinity:students'.")]


@app.command("count")
def count_segment(
    rule: Annotated[str | None, typer.Argument(metavar="RULE", help="Such as 'city:lahore & !reachable'.")] = None,
    saved: Annotated[str | None, typer.Option(help="Count the saved segment of this name.")] = None,
    top: Annotated[int, typer.Option(min=1, max=1000, help="How many cities to name.")] = 10,
    as_json: AsJson = False,
) -> None:
    """Say whom a rule means, how many can be texted, and who is left out and why."""
    if (rule is None) == (saved is None):
        stop("Give either a rule or --saved with a name.", 2)
    settings = settings_or_stop()
    with ready_engine(settings) as engine, reading(engine) as connection:
        directory = current_directory(connection)
        audience = audience_or_stop(rule or _saved_rule(connection, saved or ""), directory, settings)
        found = count_by_reason(connection, audience, directory.place_keys)
    cities = {_city_name(city, directory): number for city, number in list(found.by_city.items())[:top]}
    other = found.recipients - sum(cities.values())
    said: dict[str, Any] = {
        "rule": audience.text,
        "sentence": audience.sentence,
        "sentence_ur": describe(audience.rule, audience.atlas, "ur"),
        "remarks": [str(one) for one in audience.remarks],
        "matched": found.matched,
        "recipients": found.recipients,
        "left_out": dict(found.left_out),
        "abroad": dict(found.abroad),
        "by_language": dict(found.by_language),
        "by_city": cities | ({"other cities": other} if other else {}),
    }
    if as_json:
        show_one(said, True)
        return
    for line in (said["sentence"], said["sentence_ur"], *map(str, audience.remarks)):
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    rows: list[tuple[str, int]] = [("recipients", found.recipients)]
    rows += [(f"  in {language}", number) for language, number in said["by_language"].items()]
    rows += [(f"  {city}", number) for city, number in said["by_city"].items()]
    rows += [(f"left out: {reason}", number) for reason, number in found.left_out.items()]
    rows += [(f"  of them {code}", number) for code, number in found.abroad.items()]
    rows += [("members who fit the rule", found.matched)]
    width = max(len(label) for label, _ in rows)
    for label, number in rows:
        console.print(f"{label.ljust(width)}  {number:>12,}", markup=False, highlight=False)


@app.command("save")
def save(
    name: Annotated[str, typer.Argument(help="What to call it.")],
    rule: RuleText,
    replace: Annotated[bool, typer.Option("--replace", help="Change the rule of a name that is taken.")] = False,
    as_json: AsJson = False,
) -> None:
    """Keep a rule under a name."""
    settings = settings_or_stop()
    with ready_engine(settings) as engine, writing(engine) as connection:
        audience = audience_or_stop(rule, current_directory(connection), settings)
        try:
            save_segment(connection, name, audience, getpass.getuser(), audience.now, replace=replace)
        except SegmentNameError as error:
            stop(str(error))
    show_one({"name": name, "rule": audience.text, "json": to_json(audience.rule)}, as_json)


@app.command("list")
def list_segments(as_json: AsJson = False) -> None:
    """List the saved segments."""
    settings = settings_or_stop()
    with ready_engine(settings) as engine, reading(engine) as connection:
        rows = [
            {"name": one.name, "rule": one.rule, "saved_by": one.saved_by, "saved_at": one.saved_at}
            for one in all_segments(connection)
        ]
    show(rows, ("name", "rule", "saved_by", "saved_at"), as_json, "No segment is saved yet.")


def audience_or_stop(rule: str, directory: Directory, settings: Settings) -> Audience:
    """Return the audience of a rule as of now; stops with the fault and where it lies."""
    try:
        return read_audience(
            rule,
            directory,
            datetime.now(UTC),
            zone=settings.zone,
            default_language=settings.default_language,
            prefixes=settings.text_prefixes,
        )
    except RuleError as error:
        stop(str(error))


def _saved_rule(connection: Connection, name: str) -> str:
    found = find_segment(connection, name)
    if found is None:
        names = ", ".join(one.name for one in all_segments(connection)) or "none yet"
        stop(f"No segment is called “{name}”. Saved are: {names}.")
    return found.rule


def _city_name(key: str | None, directory: Directory) -> str:
    if key is None:
        return "no city"
    place = directory.places[key]
    return f"{place.name} ({place.context})" if key != place.name.casefold() and place.context else place.name
