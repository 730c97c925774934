"""`jalsa broadcast`: draft, look, approve, start, stop and account for broadcasts from a terminal.

Whoever has this shell may act for any login (--as): the console and the API ask for a password or a key instead.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from sqlalchemy import Engine, select

from gateway.broadcasts import moves, trial
from gateway.broadcasts.account import Account, account_of
from gateway.broadcasts.drafts import BroadcastError, Draft, change_draft, draft_of, find, list_broadcasts, new_draft
from gateway.broadcasts.history import history_of, next_start
from gateway.broadcasts.preview import make_preview
from gateway.broadcasts.schedules import When, moment_in, schedule, unschedule
from gateway.broadcasts.terms import BroadcastTerms, broadcast_terms
from gateway.commands.shared import AsJson, console, in_force, ready_engine, settings_or_stop, show, show_one, stop
from gateway.database import reading, writing
from gateway.places.current import current_directory
from gateway.rules.broadcast_life import BroadcastState
from gateway.tables import Event
from segments import RuleError

app = typer.Typer(help="Broadcasts: the right people, once, at a known price.", no_args_is_help=True)

Key = Annotated[str, typer.Argument(help="The broadcast's key, as `jalsa broadcast list` shows it.")]
By = Annotated[str, typer.Option("--as", envvar="JALSA_LOGIN", help="The staff login that acts.")]
Reason = Annotated[str, typer.Option(help="Why, for the history.")]
Text = Annotated[str | None, typer.Option(help="The words; {name} and {city} are filled in.")]


@contextmanager
def _desk() -> Iterator[tuple[Engine, BroadcastTerms]]:
    """A ready database and what broadcasts stand on; a refused move ends the command with its sentence."""
    settings = settings_or_stop()
    with ready_engine(settings) as engine:
        try:
            terms = broadcast_terms(in_force(engine, settings).settings)
        except ValueError as error:
            stop(str(error), 2)
        try:
            yield engine, terms
        except (BroadcastError, RuleError) as error:
            stop(str(error))


@app.command("draft")
def draft(
    rule: Annotated[str | None, typer.Option(help="The audience, such as 'city:lahore & affinity:students'.")] = None,
    by: By = "",
    name: Annotated[str | None, typer.Option(help="What to call it.")] = None,
    en: Text = None,
    ur: Text = None,
    ur_latn: Text = None,
    urgent: Annotated[bool | None, typer.Option(help="Before other broadcasts.")] = None,
    hours: Annotated[str | None, typer.Option(help="Narrower sending hours, such as 10:00-18:00.")] = None,
    quiet_days: Annotated[int | None, typer.Option(help="Leave out who had a broadcast within so many days.")] = None,
    valid_minutes: Annotated[int | None, typer.Option(help="How long after the start a text is of use.")] = None,
    change: Annotated[str | None, typer.Option(help="Change the draft of this key; it loses its approval.")] = None,
    as_json: AsJson = False,
) -> None:
    """Write a draft, or change one. Nothing is sent."""
    with _desk() as (engine, terms), writing(engine) as connection:
        now = datetime.now(UTC)
        moves.may_decide(connection, by)
        old = draft_of(find(connection, change)) if change else Draft("", "", {})
        given = {"en": en, "ur": ur, "ur-Latn": ur_latn}
        new = Draft(
            name=old.name if name is None else name,
            rule=old.rule if rule is None else rule,
            texts={language: text for language, text in {**old.texts, **_given(given)}.items() if text},
            defaults=old.defaults,
            urgent=old.urgent if urgent is None else urgent,
            hours=old.hours if hours is None else hours,
            quiet_days=old.quiet_days if quiet_days is None else quiet_days,
            validity_minutes=old.validity_minutes if valid_minutes is None else valid_minutes or None,
        )
        directory = current_directory(connection)
        if change:
            change_draft(connection, change, new, directory, terms, by, now)
        key = change or new_draft(connection, new, directory, terms, by, now)
        row = find(connection, key)
    show_one({"key": key, "name": row.name, "state": row.state, "rule": row.rule, "texts": row.texts}, as_json)


@app.command("list")
def list_all(as_json: AsJson = False) -> None:
    """List the broadcasts, newest first."""
    with _desk() as (engine, _), reading(engine) as connection:
        rows = [
            {"key": row.key, "name": row.name, "state": row.state, "reason": row.state_reason, "begun_at": row.begun_at}
            for row in list_broadcasts(connection)
        ]
    show(rows, ("key", "name", "state", "reason", "begun_at"), as_json, "No broadcasts yet: jalsa broadcast draft")


@app.command("preview")
def preview(key: Key, as_json: AsJson = False) -> None:
    """Count and price it, write ten examples, and give the digest that approval needs."""
    with _desk() as (engine, terms):
        shown = make_preview(engine, key, terms, datetime.now(UTC))
    if as_json:
        show_one(shown, True)
        return
    for line in _preview_lines(shown, terms):
        console.print(line, markup=False, highlight=False, soft_wrap=True)


@app.command("ask")
def ask(
    key: Key,
    digest: Annotated[str, typer.Option(help="The digest of the preview you looked at.")],
    by: By = "",
    as_json: AsJson = False,
) -> None:
    """Ask the others to approve it as previewed; they see it in the console."""
    with _desk() as (engine, _):
        moves.ask_approval(engine, key, digest, by, datetime.now(UTC))
        _say(engine, key, as_json)


@app.command("approve")
def approve(
    key: Key,
    digest: Annotated[str, typer.Option(help="The digest of the preview you looked at.")],
    by: By = "",
    as_json: AsJson = False,
) -> None:
    """Let it go exactly as previewed. Large ones need another person than the one who drafted it."""
    with _desk() as (engine, terms):
        moves.approve(engine, key, digest, by, terms, datetime.now(UTC))
        _say(engine, key, as_json)


@app.command("schedule")
def set_schedule(
    key: Key,
    by: By = "",
    at: Annotated[str | None, typer.Option(help="Once, at this time on the zone's clock: 2026-03-06 18:00.")] = None,
    cron: Annotated[str | None, typer.Option(help="Again and again, as in crontab: '0 18 * * fri'.")] = None,
    zone: Annotated[str | None, typer.Option(help="A time zone such as Asia/Karachi; TIME_ZONE otherwise.")] = None,
    event: Annotated[str | None, typer.Option(help="Take the time zone of the event of this key.")] = None,
    off: Annotated[bool, typer.Option("--off", help="Take its schedule away; it stays approved.")] = False,
    as_json: AsJson = False,
) -> None:
    """Let an approved broadcast start by itself."""
    now = datetime.now(UTC)
    if [off, at is not None, cron is not None].count(True) != 1:
        stop("Give one of --at, --cron and --off.", 2)
    with _desk() as (engine, terms):
        if off:
            unschedule(engine, key, by, now)
        else:
            clock = _zone(engine, zone, event, terms)
            schedule(engine, key, When(clock.key, moment_in(at, clock) if at else None, cron or ""), by, now)
        _say(engine, key, as_json)


@app.command("start")
def start(key: Key, by: By = "", as_json: AsJson = False) -> None:
    """Begin an approved broadcast. Its first texts are in the outbox when this returns."""
    with _desk() as (engine, terms):
        moves.start(engine, key, by, terms, datetime.now(UTC))
        _say(engine, key, as_json)


@app.command("pause")
def pause(key: Key, by: By = "", reason: Reason = "", as_json: AsJson = False) -> None:
    """Hold it: nothing more of it is started from the next claim on."""
    with _desk() as (engine, _):
        moves.pause(engine, key, by, datetime.now(UTC), reason)
        _say(engine, key, as_json)


@app.command("resume")
def resume(key: Key, by: By = "", as_json: AsJson = False) -> None:
    """Go on where it stopped."""
    with _desk() as (engine, terms):
        moves.resume(engine, key, by, terms, datetime.now(UTC))
        _say(engine, key, as_json)


@app.command("cancel")
def cancel(key: Key, by: By = "", reason: Reason = "", as_json: AsJson = False) -> None:
    """End it for good: what has not left is cancelled."""
    with _desk() as (engine, _):
        moves.cancel(engine, key, by, datetime.now(UTC), reason)
        _say(engine, key, as_json)


@app.command("test")
def test(
    key: Key,
    by: By = "",
    city: Annotated[str, typer.Option(help="What stands for {city}.")] = "",
    as_json: AsJson = False,
) -> None:
    """Send every language's text to your own phone, the one of your login."""
    with _desk() as (engine, terms):
        sent = trial.send_test(engine, key, by, terms, datetime.now(UTC), city)
    show_one({"key": key, "texts": sent, "to": by}, as_json)


@app.command("account")
def account(key: Key, as_json: AsJson = False) -> None:
    """Say what became of every recipient."""
    with _desk() as (engine, _), reading(engine) as connection:
        found = account_of(connection, key)
    if as_json:
        show_one(found.as_dict(), True)
    else:
        _print_account(found)


@app.command("history")
def history(key: Key, as_json: AsJson = False) -> None:
    """Say who did what and when, and when its schedules struck."""
    with _desk() as (engine, _), reading(engine) as connection:
        row = find(connection, key)
        rows = [asdict(line) for line in history_of(connection, row.id)]
    show(rows, ("at", "what", "by", "note"), as_json, "Nothing happened yet.")


@app.command("watch")
def watch(
    key: Key,
    every: Annotated[float, typer.Option(min=0.5, help="Seconds between looks.")] = 1.0,
    as_json: AsJson = False,
) -> None:
    """Follow it with a progress bar until it is done; with --json a line of JSON for each look."""
    with _desk() as (engine, _):
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, console=console, disable=as_json) as progress:
            task = progress.add_task(key)
            while True:
                with reading(engine) as connection:
                    found = account_of(connection, key)
                total = found.recipients if found.planned_whole else max(found.approved, found.recipients)
                progress.update(task, completed=found.ended, total=total, description=f"{key}: {found.state}")
                if as_json:
                    print(_line(found), flush=True)
                over = found.state in (BroadcastState.DONE, BroadcastState.CANCELLED)
                if (over and not found.waiting and not found.on_the_way) or not found.recipients:
                    break
                time.sleep(every)
    if not as_json:
        _print_account(found)


def _line(found: Account) -> str:
    import json

    return json.dumps(found.as_dict(), ensure_ascii=False)


def _given(texts: dict[str, str | None]) -> dict[str, str]:
    return {language: text for language, text in texts.items() if text is not None}


def _say(engine: Engine, key: str, as_json: bool) -> None:
    with reading(engine) as connection:
        row = find(connection, key)
        planned = next_start(connection, row.id)
    said: dict[str, Any] = {"key": key, "state": row.state, "reason": row.state_reason}
    show_one(said | ({"next_at": planned.next_at} if planned else {}), as_json)


def _zone(engine: Engine, zone: str | None, event: str | None, terms: BroadcastTerms) -> ZoneInfo:
    if event:
        with reading(engine) as connection:
            found = connection.execute(select(Event.zone).where(Event.key == event)).scalar()
        if found is None:
            stop(f"There is no event {event!r}.")
        return ZoneInfo(found)
    try:
        return ZoneInfo(zone) if zone else terms.zone
    except (KeyError, ValueError, OSError):
        stop(f"There is no time zone {zone!r}; write one such as Asia/Karachi.", 2)


def _preview_lines(shown: dict[str, Any], terms: BroadcastTerms) -> Iterator[str]:
    numbers, when = shown["numbers"], shown["when"]
    yield numbers["sentence"]
    yield f"recipients  {numbers['recipients']:,} of {numbers['matched']:,} members who fit the rule"
    for reason, count in numbers["left_out"].items():
        yield f"  left out: {reason}  {count:,}"
    for code, count in numbers.get("abroad", {}).items():
        yield f"    number of {code}, not in ALLOWED_PREFIXES  {count:,}"
    for language, count in numbers["by_language"].items():
        yield f"  read {language}  {count:,}"
    if numbers["in_another_language"]:
        yield f"  have no text in their own language and get another  {numbers['in_another_language']:,}"
    for one in numbers["by_encoding"]:
        yield (
            f"text {one['language']} in {one['encoding']}: {one['recipients']:,} texts of {one['min']} to {one['max']} "
            f"parts, {one['parts']:,} parts"
        )
    if numbers["names_shortened"]:
        yield f"names shortened or left out, because they would add a part  {numbers['names_shortened']:,}"
    for one in numbers["by_price"]:
        price = f"{one['per_part']} a part, {one['cost']}" if one["per_part"] is not None else "no price on file"
        yield f"{one['carrier']} {one['prefix']}: {one['parts']:,} parts, {price} {numbers['currency']}".rstrip()
    if numbers["cost"] is not None:
        yield f"together  {numbers['cost']} {numbers['currency']}"
    for one in shown["letters"]:
        costly = ", ".join(
            f"“{each['letter']}”" + (f" (write “{each['replacement']}”)" if each["replacement"] is not None else "")
            for each in one["letters"]
        )
        yield f"{one['language']}: {costly} make it {one['parts']} parts instead of {one['parts_without']}"
    yield f"first text {_local(when['first_text'], terms)}, last {_local(when['last_text'], terms)} {when['zone']}"
    if when["starts_in_quiet_hours"]:
        yield "WARNING: it is quiet hours now, so it begins when they end"
    if when["ends_in_quiet_hours"]:
        yield "WARNING: it would not end before quiet hours; what is left waits until they are over"
    for one in shown["samples"]:
        yield f"  [{one['language']}, {one['parts']}] {one['text']}"
    if shown["second_person"]:
        yield "another person than the one who drafted it must approve"
    yield f"digest  {shown['digest']}"


def _local(written: str, terms: BroadcastTerms) -> str:
    return f"{datetime.fromisoformat(written).astimezone(terms.zone):%F %H:%M:%S}"


def _print_account(found: Account) -> None:
    rows: list[tuple[str, int]] = [("recipients", found.recipients), ("delivered", found.delivered)]
    rows += [("sent, no receipt yet", found.sent)]
    rows += [(f"failed: {reason}", count) for reason, count in found.failed.items()]
    rows += [(f"not sent: {reason}", count) for reason, count in found.suppressed.items()]
    rows += [("uncertain", found.uncertain), ("on the way", found.on_the_way), ("waiting", found.waiting)]
    width = max(len(label) for label, _ in rows)
    why = f" ({found.reason})" if found.reason else ""
    console.print(f"{found.name}: {found.state}{why}", markup=False, highlight=False, soft_wrap=True)
    for label, count in rows:
        console.print(f"{label.ljust(width)}  {count:>12,}", markup=False, highlight=False)
    if not found.adds_up:
        console.print("These do not add up: please report it.", style="red")
