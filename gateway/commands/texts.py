"""`jalsa text` and `jalsa texts`: text the number from a terminal, and read what came and went."""

import uuid
from datetime import UTC, datetime
from typing import Annotated

import typer
from sqlalchemy import select

from gateway.carriers.received import ReceivedText
from gateway.carriers.twilio.form import read_text
from gateway.commands.shared import AsJson, ready_engine, settings_or_stop, show, show_one, stop
from gateway.database import reading
from gateway.inbound.record import DatabaseUnavailable
from gateway.logs import set_up_logs
from gateway.rules.message_parts import count_parts
from gateway.rules.phone_numbers import mask
from gateway.service import Service
from gateway.settings import Settings
from gateway.tables import InboundText, OutboundText, Sender

app = typer.Typer(help="Texts in and out.", no_args_is_help=True)


def send_text(
    body: Annotated[str, typer.Argument(help="What the phone texts.")],
    sender: Annotated[str, typer.Option("--from", help="The phone that texts, such as +923001234567.")],
    as_json: AsJson = False,
) -> None:
    """Text the number as a phone would, and print the answer. Works beside a running gateway and without one."""
    settings = settings_or_stop()
    set_up_logs(settings)
    with ready_engine(settings):
        service = Service(settings)
        try:
            answer = service.record([_as_twilio_would(settings, sender, body)])[0]
        except DatabaseUnavailable:
            stop("The database is locked or gone; nothing was recorded.")
        finally:
            service.close()
    if answer is None:
        stop("The text could not be recorded.")
    parts = count_parts(answer.body) if answer.body else None
    if as_json:
        show_one(
            {"from": sender, "body": body, "reply": answer.body, "parts": parts.parts if parts else 0,
             "encoding": parts.encoding if parts else None},
            as_json=True,
        )  # fmt: skip
    else:
        print(answer.body or "(no answer)")


def _as_twilio_would(settings: Settings, sender: str, body: str) -> ReceivedText:
    fields = {
        "MessageSid": "SM" + uuid.uuid4().hex,
        "AccountSid": settings.account_sid,
        "From": sender,
        "To": settings.short_code,
        "Body": body,
    }
    return read_text(fields, settings.account_sid, datetime.now(UTC))


@app.command("list")
def list_texts(
    count: Annotated[int, typer.Option(help="How many, the newest first.")] = 50,
    reveal: Annotated[bool, typer.Option(help="Show whole phone numbers.")] = False,
    as_json: AsJson = False,
) -> None:
    """List the newest texts, with the command each was taken for and its answer."""
    settings = settings_or_stop()
    inbound, outbound, senders = InboundText.__table__, OutboundText.__table__, Sender.__table__
    query = (
        select(
            inbound.c.received_at,
            senders.c.key,
            inbound.c.body,
            inbound.c.command,
            outbound.c.body.label("reply"),
            outbound.c.parts,
            outbound.c.state,
            inbound.c.carrier_id,
            inbound.c.flagged,
        )
        .select_from(inbound.join(senders, senders.c.id == inbound.c.sender_id).outerjoin(
            outbound, outbound.c.inbound_id == inbound.c.id))
        .order_by(inbound.c.id.desc())
        .limit(count)
    )  # fmt: skip
    with ready_engine(settings) as engine, reading(engine) as connection:
        rows = [
            {
                "at": row.received_at,
                "from": row.key if reveal else mask(row.key),
                "text": row.body,
                "command": row.command,
                "reply": row.reply,
                "parts": row.parts,
                "state": row.state,
                "carrier_id": row.carrier_id,
                "flagged": row.flagged,
            }
            for row in connection.execute(query)
        ]
    show(rows, ("at", "from", "text", "command", "reply", "parts", "state"), as_json, "No texts yet.")
