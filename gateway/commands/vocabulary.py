"""`jalsa vocabulary`: which words people may text, as files and organisers have them."""

import getpass
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

import typer

from gateway.commands.shared import AsJson, console, ready_engine, settings_or_stop, show, show_one, stop
from gateway.database import reading
from gateway.overrides import vocabulary
from gateway.overrides.in_force import read_in_force
from gateway.overrides.store import OverrideError, changing
from gateway.places.store import read_directory
from keywords import WordChange

app = typer.Typer(help="Which words people may text for each command.", no_args_is_help=True)

Command = Annotated[str, typer.Argument(help="The command, such as JOIN.")]
Word = Annotated[str, typer.Argument(help="The word or phrase, as people type it.")]
Language = Annotated[str, typer.Option(help="Whose word it is: en, ur or ur-Latn.")]


@app.command("list")
def list_words(command: Annotated[str | None, typer.Argument()] = None, as_json: AsJson = False) -> None:
    """List the words of a command, or of all: built-in, added and removed ones."""
    settings = settings_or_stop()
    with ready_engine(settings) as engine, reading(engine) as connection:
        held = read_in_force(connection, settings)
    try:
        found = vocabulary.spellings(held.files, held.stored, command)
    except OverrideError as error:
        stop(str(error), 2)
    rows = [
        {"command": one.command, "language": one.language, "word": one.written, "weak": one.weak, "state": one.state}
        for one in found
    ]
    show(rows, ("command", "language", "word", "weak", "state"), as_json, "No words.")


@app.command("add")
def add(
    command: Command,
    word: Word,
    language: Language = "en",
    weak: Annotated[bool, typer.Option("--weak", help="An everyday word too (docs/vocabulary.md).")] = False,
    as_json: AsJson = False,
) -> None:
    """Let people text another word for a command; one that was removed comes back."""
    _change(WordChange(word, command, language, weak), False, as_json)


@app.command("remove")
def remove(command: Command, word: Word, language: Language = "en", as_json: AsJson = False) -> None:
    """Take a word out. The words of STOP, START and HELP stay."""
    _change(WordChange(word, command, language), True, as_json)


def _change(change: WordChange, removed: bool, as_json: bool) -> None:
    settings = settings_or_stop()
    now, by = datetime.now(UTC), getpass.getuser()
    with ready_engine(settings) as engine:
        try:
            with changing(engine) as connection:
                held = read_in_force(connection, settings)
                if removed:
                    made = vocabulary.remove_word(connection, held.files, held.stored, held.catalogue, change, by, now)
                else:
                    directory = read_directory(connection)
                    made = vocabulary.add_word(connection, held.files, held.stored, change, directory, by, now)
        except OverrideError as error:
            stop(str(error))
    if as_json:
        show_one({"command": change.command, "word": change.written, "version": made.version}, True)
        return
    said = f"does not mean {change.command} any more" if removed else f"means {change.command}"
    console.print(f"{change.written!r} {said}.", markup=False)


@app.command("try")
def try_words(text: Annotated[str, typer.Argument(help="What somebody might text.")], as_json: AsJson = False) -> None:
    """Show how a text is read now, and why."""
    settings = settings_or_stop()
    with ready_engine(settings) as engine, reading(engine) as connection:
        held = read_in_force(connection, settings)
    show_one(asdict(vocabulary.try_text(text, held.vocabulary, settings.short_code)), as_json)
