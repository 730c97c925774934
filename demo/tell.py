"""Show what came of the morning, read from the database."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text
from sqlalchemy import Connection, Engine, func, select

from demo.check import filing
from demo.replay import Sent
from gateway.database import reading
from gateway.places.store import read_directory
from gateway.rules.phone_numbers import mask
from gateway.tables import ConsentEntry, InboundText, Member, OutboundText, Report, Sender


def tell(console: Console, engine: Engine, sent: Sequence[Sent], seconds: float) -> None:
    """Print who joined where, what was asked and answered, the reports opened, consent, and how long it took."""
    with reading(engine) as connection:
        console.print(_members(connection), _asked(connection), _reports(connection), _consent(connection))
    waits = sorted(one.seconds for one in sent)
    copies = sum(one.step.copies for one in sent)
    console.print(
        f"{len(sent)} texts ({copies} webhooks with the carrier's repeats) from "
        f"{len({one.step.number for one in sent})} phones in {seconds:.1f} s; "
        f"half were answered within {1000 * waits[len(waits) // 2]:.0f} ms, all within {1000 * waits[-1]:.0f} ms.",
        highlight=False,
    )


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", header_style="dim", expand=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _members(connection: Connection) -> Table:
    directory = read_directory(connection)
    places: dict[tuple[str, str], list[str]] = {}
    for member in connection.execute(select(Member.__table__).order_by(Member.sender_id)):
        filed = filing(member, directory)
        groups = f" ({filed['groups'].replace(' ', ', ')})" if filed["groups"] else ""
        places.setdefault((filed["city"] or "not said", filed["seat"]), []).append(
            (filed["name"] or "(no name)") + groups
        )
    table = _table("Who joined where", "City", "Seat", "Members")
    for (city, seat), names in sorted(places.items()):
        table.add_row(city, seat, ", ".join(names))
    return table


def _asked(connection: Connection) -> Table:
    table = _table("What was asked and answered", "Text", "Answer", "Parts")
    query = (
        select(InboundText.body, OutboundText.body.label("answer"), OutboundText.parts)
        .join_from(InboundText, OutboundText, OutboundText.inbound_id == InboundText.id)
        .where(InboundText.command.in_(("WHERE", "SEAT", "CANCEL", "STATUS")))
        .order_by(InboundText.id)
    )
    for row in connection.execute(query):
        table.add_row(Text(row.body), Text(row.answer), str(row.parts))
    return table


def _reports(connection: Connection) -> Table:
    table = _table("Reports opened", "Ref", "About", "Where", "State", "Report")
    for row in connection.execute(select(Report.__table__).order_by(Report.id)):
        table.add_row(row.ref, row.category, row.place, row.state, Text(row.text))
    return table


def _consent(connection: Connection) -> Table:
    table = _table("Consent", "", "Phones")
    states = connection.execute(select(Sender.consent, func.count()).group_by(Sender.consent).order_by(Sender.consent))
    said = {"joined": "members who get our texts", "stopped": "want no texts", "none": "texted, never joined"}
    for state, count in states:
        table.add_row(said.get(state, state), str(count))
    stops = (
        select(Sender.key, ConsentEntry.words)
        .join_from(ConsentEntry, Sender, Sender.id == ConsentEntry.sender_id)
        .where(ConsentEntry.action.in_(("stop", "stop-topic")))
        .order_by(ConsentEntry.id)
    )
    for key, words in connection.execute(stops):
        table.add_row(Text(f"“{words}”"), mask(key))
    return table
