"""`jalsa outbox`: what waits, what is open, what needs a person."""

from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from sqlalchemy import func, select

from gateway.commands.shared import AsJson, console, ready_engine, settings_or_stop, show, stop
from gateway.database import reading
from gateway.outbox.consequences import lift_halt
from gateway.outbox.uncertain import resolve_by_hand
from gateway.rules.phone_numbers import mask
from gateway.tables import Alert, CarrierState, OutboundText, Sender

app = typer.Typer(help="Texts that we start: what waits, what is open, what needs a person.", no_args_is_help=True)

_texts, _senders = OutboundText.__table__, Sender.__table__


@app.command("status")
def status(as_json: AsJson = False) -> None:
    """Count the texts by state and reason, and show carriers that are in trouble and open alerts."""
    with ready_engine(settings_or_stop()) as engine, reading(engine) as connection:
        by = (_texts.c.state, func.coalesce(_texts.c.reason, "").label("reason"))
        counted = select(*by, func.count().label("texts")).group_by(*by).order_by(*by)
        texts = [dict(row._mapping) for row in connection.execute(counted)]
        carriers = [_carrier(row) for row in connection.execute(select(CarrierState.__table__))]
        alerts = connection.execute(select(Alert.__table__).where(Alert.cleared_at.is_(None)).order_by(Alert.id))
        raised = [dict(row._mapping) for row in alerts]
    if as_json:
        show([{"texts": texts, "carriers": carriers, "alerts": raised}], (), as_json, "")
        return
    show(texts, ("state", "reason", "texts"), False, "No text was ever sent.")
    show(carriers, ("name", "health"), False, "No carrier was used yet.")
    show(raised, ("id", "kind", "carrier", "broadcast_id", "reason", "raised_at"), False, "No alert is open.")


def _carrier(row: Any) -> dict[str, object]:
    health = "well"
    if row.halted_at is not None:
        health = f"halted since {row.halted_at:%Y-%m-%d %H:%M} UTC: {row.halt_reason}"
    elif row.failures:
        health = f"not reached {row.failures} times in a row"
    return {"name": row.name, "health": health}


@app.command("uncertain")
def list_uncertain(as_json: AsJson = False) -> None:
    """List the texts that were perhaps sent."""
    with ready_engine(settings_or_stop()) as engine, reading(engine) as connection:
        wanted = (
            select(
                _texts.c.id, _senders.c.key.label("number"), _texts.c.carrier, _texts.c.attempted_at, _texts.c.looks,
                _texts.c.reason,
            )
            .select_from(_texts.join(_senders, _senders.c.id == _texts.c.sender_id))
            .where(_texts.c.state == "uncertain")
            .order_by(_texts.c.attempted_at)
        )  # fmt: skip
        rows = [dict(row._mapping) | {"number": mask(row.number)} for row in connection.execute(wanted)]
    show(rows, ("id", "number", "carrier", "attempted_at", "looks", "reason"), as_json, "No text is uncertain.")


@app.command("resolve")
def resolve(
    text_id: Annotated[int, typer.Argument(help="The text's id, as `jalsa outbox uncertain` shows it.")],
    sent: Annotated[bool, typer.Option("--sent/--send-again", help="The carrier has it, or it certainly does not.")],
) -> None:
    """Say what you saw at the carrier of one uncertain text."""
    with ready_engine(settings_or_stop()) as engine:
        if not resolve_by_hand(engine, text_id, sent=sent, now=datetime.now(UTC)):
            stop(f"Text {text_id} is not uncertain.")
    console.print(f"Text {text_id} is {'sent' if sent else 'in the queue again'}.")


@app.command("lift")
def lift(carrier: Annotated[str, typer.Argument(help="The carrier's name, such as twilio.")]) -> None:
    """Let a halted carrier send again, once the cause is mended."""
    with ready_engine(settings_or_stop()) as engine:
        if not lift_halt(engine, carrier, datetime.now(UTC)):
            stop(f"{carrier} is not halted.")
    console.print(f"{carrier} sends again.")
