"""`jalsa reports`: what people reported."""

from typing import Annotated

import typer
from sqlalchemy import select

from gateway.commands.shared import AsJson, ready_engine, settings_or_stop, show
from gateway.database import reading
from gateway.rules.phone_numbers import mask
from gateway.tables import Report, Sender

app = typer.Typer(help="iReports.", no_args_is_help=True)


@app.command("list")
def list_reports(
    state: Annotated[str | None, typer.Option(help="Only those in this state, such as received.")] = None,
    as_json: AsJson = False,
) -> None:
    """List iReports, the newest first."""
    settings = settings_or_stop()
    query = select(Report, Sender.key).join(Sender, Sender.id == Report.sender_id).order_by(Report.id.desc())
    if state:
        query = query.where(Report.state == state)
    with ready_engine(settings) as engine, reading(engine) as connection:
        rows = [
            {
                "ref": row.ref,
                "state": row.state,
                "text": row.text,
                "from": mask(row.key),
                "event": row.event_key,
                "opened": row.opened_at,
                "updated": row.updated_at,
            }
            for row in connection.execute(query)
        ]
    show(rows, ("ref", "state", "text", "from", "opened"), as_json, "No reports yet.")
