"""`jalsa affinities`: the groups that organisers define."""

from typing import Annotated

import typer
from sqlalchemy import func, select

from gateway.commands.shared import AsJson, console, ready_engine, settings_or_stop, show, stop
from gateway.database import reading, writing
from gateway.places.groups import GroupRefused, save_group
from gateway.tables import Affinity, Member

app = typer.Typer(help="The groups that members belong to, such as students or lawyers.", no_args_is_help=True)

_OPTIONS = {"key": "KEY", "names": "--name", "aliases": "--alias"}


@app.command("set")
def set_affinity(
    key: Annotated[str, typer.Argument(help="A short name in Latin letters, such as students.")],
    name: Annotated[list[str], typer.Option(help="What it is called: en=students, ur=طلبہ, ur-Latn=talaba.")] = [],  # noqa: B006 - typer reads it
    alias: Annotated[list[str], typer.Option(help="Another way to type it; may be given several times.")] = [],  # noqa: B006
) -> None:
    """Add a group, or change what a known one is called and how it is typed. Its members stay in it."""
    names = dict(one.partition("=")[::2] for one in name)
    with ready_engine(settings_or_stop()) as engine, writing(engine) as connection:
        try:
            group = save_group(connection, key, names, alias, keep=True).group
        except GroupRefused as refused:
            stop(f"{_OPTIONS[refused.field]}: {refused}")
    console.print(f"{key}: {', '.join([*group.names.values(), *group.aliases])}", markup=False)


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
