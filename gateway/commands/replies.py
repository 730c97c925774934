"""`jalsa replies`: what the number answers, per language, and the organisers' own words."""

import getpass
from datetime import UTC, datetime
from typing import Annotated

import typer

from gateway.commands.shared import AsJson, console, ready_engine, settings_or_stop, show, show_one, stop
from gateway.database import reading
from gateway.overrides import wordings
from gateway.overrides.in_force import read_in_force
from gateway.overrides.store import OverrideError, changing

app = typer.Typer(help="What the number answers, per language.", no_args_is_help=True)

Language = Annotated[str, typer.Argument(help="en, ur or ur-Latn.")]
Key = Annotated[str, typer.Argument(help="The reply's name, as `jalsa replies list` shows it.")]


@app.command("list")
def list_replies(
    language: Annotated[str | None, typer.Option(help="Only this language: en, ur or ur-Latn.")] = None,
    changed: Annotated[bool, typer.Option("--changed", help="Only those that organisers changed.")] = False,
    as_json: AsJson = False,
) -> None:
    """List the replies in force, their parts with usual values, and which version they are (0: built in)."""
    settings = settings_or_stop()
    with ready_engine(settings) as engine, reading(engine) as connection:
        held = read_in_force(connection, settings)
        try:
            found = wordings.list_wordings(held.catalogue, held.stored, language)
        except OverrideError as error:
            stop(str(error), 2)
    rows = [
        {"reply": one.key, "language": one.language, "version": one.version, "parts": one.parts, "text": one.text,
         "placeholders": list(one.placeholders)}
        for one in found
        if one.changed or not changed
    ]  # fmt: skip
    show(rows, ("reply", "language", "version", "parts", "text"), as_json, "No reply was changed.")


@app.command("set")
def set_reply(
    language: Language,
    key: Key,
    text: Annotated[str, typer.Argument(help="The new words; placeholders in braces stay.")],
    as_json: AsJson = False,
) -> None:
    """Change a reply. It is in force in every process within two seconds."""
    _change(language, key, text, as_json)


@app.command("reset")
def reset_reply(language: Language, key: Key, as_json: AsJson = False) -> None:
    """Go back to the built-in words of a reply."""
    _change(language, key, None, as_json)


def _change(language: str, key: str, text: str | None, as_json: bool) -> None:
    settings = settings_or_stop()
    with ready_engine(settings) as engine:
        try:
            with changing(engine) as connection:
                words = read_in_force(connection, settings).vocabulary
                now, by = datetime.now(UTC), getpass.getuser()
                made, judged = wordings.set_wording(connection, language, key, text, words, by, now)
        except OverrideError as error:
            stop(str(error))
    if as_json:
        parts = judged.parts if judged else None
        show_one({"reply": key, "language": language, "version": made.version, "parts": parts}, True)
        return
    for warning in judged.warnings if judged else ():
        console.print(str(warning), markup=False)
    console.print(f"{key} ({language}): {'saved' if judged else 'the built-in words are back'}.", markup=False)
