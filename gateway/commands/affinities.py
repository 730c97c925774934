"""`jalsa affinities`: the groups that organisers define."""

from typing import Annotated

import typer
from sqlalchemy import func, insert, select, update

from gateway.commands.shared import AsJson, console, ready_engine, settings_or_stop, show, stop
from gateway.database import reading, writing
from gateway.places.affinities import MAX_AFFINITIES, Group, Groups
from gateway.places.store import bump
from gateway.tables import Affinity, Member
from orthography import words

app = typer.Typer(help="The groups that members belong to, such as students or lawyers.", no_args_is_help=True)

_MAX_KEY_LENGTH = 40


@app.command("set")
def set_affinity(
    key: Annotated[str, typer.Argument(help="A short name in Latin letters, such as students.")],
    name: Annotated[list[str], typer.Option(help="What it is called: en=students, ur=طلبہ, ur-Latn=talaba.")] = [],  # noqa: B006 - typer reads it
    alias: Annotated[list[str], typer.Option(help="Another way to type it; may be given several times.")] = [],  # noqa: B006
) -> None:
    """Add a group, or change what a known one is called and how it is typed. Its members stay in it."""
    if not (key.isascii() and key.replace("-", "").isalnum() and key == key.lower() and len(key) <= _MAX_KEY_LENGTH):
        stop(f"KEY: write small Latin letters, digits and hyphens, up to {_MAX_KEY_LENGTH}.")
    names = dict(one.partition("=")[::2] for one in name)
    if any(language not in ("en", "ur", "ur-Latn") or not words(said) for language, said in names.items()):
        stop("--name: write it as en=students, ur=طلبہ or ur-Latn=talaba.")
    if not all(words(one) for one in alias):
        stop("--alias: an alias needs letters.")
    with ready_engine(settings_or_stop()) as engine, writing(engine) as connection:
        rows = {row.key: row for row in connection.execute(select(Affinity.__table__))}
        known = rows.get(key)
        # A bit is never given to another group, not even after its group is gone: old members still carry it.
        bit = known.bit if known else max((row.bit for row in rows.values()), default=-1) + 1
        if bit >= MAX_AFFINITIES:
            stop(f"There are {MAX_AFFINITIES} groups already; that is the most that there can be.")
        others = [Group(row.key, row.bit, row.names, tuple(row.aliases)) for row in rows.values() if row.key != key]
        merged = {**(known.names if known else {}), **names} or {"en": key}
        aliases = sorted({*(known.aliases if known else []), *alias})
        try:
            Groups([*others, Group(key, bit, merged, tuple(aliases))])
        except ValueError as error:
            stop(str(error))
        values = {"names": merged, "aliases": aliases}
        if known:
            connection.execute(update(Affinity).where(Affinity.key == key).values(values))
        else:
            connection.execute(insert(Affinity), {"key": key, "bit": bit, **values})
        bump(connection, "places")
    console.print(f"{key}: {', '.join([*merged.values(), *aliases])}", markup=False)


@app.command("list")
def list_affinities(as_json: AsJson = False) -> None:
    """List the groups, how they are typed, and how many members each has."""
    with ready_engine(settings_or_stop()) as engine, reading(engine) as connection:
        rows = []
        for row in connection.execute(select(Affinity.__table__).order_by(Affinity.bit)):
            held = select(func.count()).select_from(Member).where(Member.affinities.op("&")(1 << row.bit) != 0)
            rows.append(
                {
                    "key": row.key,
                    "names": list(row.names.values()),
                    "aliases": row.aliases,
                    "members": connection.execute(held).scalar_one(),
                }
            )
    show(rows, ("key", "names", "aliases", "members"), as_json, "No groups yet: jalsa affinities set students")
