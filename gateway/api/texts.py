"""`/texts`: what people texted and what was texted to them."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import Depends, Query, Response
from pydantic import BaseModel, Field
from sqlalchemy import ColumnElement, Connection, select

from gateway.api.access import Call, allowed
from gateway.api.areas import member_condition
from gateway.api.paging import Page, Paged, page_of, question_of
from gateway.api.routes import resource
from gateway.api.scopes import Scope
from gateway.api.shapes import Flag, Moment
from gateway.database import reading
from gateway.inbound.listing import InboundFilters, list_inbound
from gateway.outbox.listing import OutboundFilters, list_outbound
from gateway.tables import InboundText, Member, OutboundText

router = resource("texts")
Reader = Annotated[Call, Depends(allowed(Scope.TEXTS_READ))]
MemberId = Annotated[int, Field(ge=1, le=2**63 - 1)]


class TextIn(BaseModel):
    """A text that reached us. Numbers, in `body` too, are masked without the scope phones:read."""

    id: int
    phone: str | None
    member: int = Field(description="The sender's id, which is the member's if they joined.")
    to: str = Field(examples=["80022"])
    body: str
    pictures: int
    command: str | None = Field(description="What it was taken for.", examples=["JOIN"])
    reason: str = Field(description="The words that decided.")
    flagged: bool = Field(description="It could not be decided, was kept and answered with help.")
    carrier: str
    received_at: datetime


class TextOut(BaseModel):
    """A text to a phone. Numbers, in `body` too, are masked without the scope phones:read."""

    id: int
    phone: str | None
    member: int
    kind: str = Field(examples=["broadcast"])
    in_answer_to: int | None = Field(description="The id of the text in that it answers.")
    broadcast: str | None
    language: str
    body: str
    encoding: str
    parts: int
    state: str = Field(examples=["delivered"])
    reason: str | None
    error_code: str | None
    carrier: str | None
    attempts: int
    created_at: datetime
    state_at: datetime
    not_before: datetime | None
    expires_at: datetime | None


class InFilters(Paged):
    member: MemberId | None = Field(default=None, description="Only of this sender.")
    command: str | None = Field(default=None, min_length=1, max_length=12, examples=["REPORT"])
    flagged: Flag | None = None
    since: Moment | None = Field(default=None, description="Received from this time on, with its zone.")
    until: Moment | None = Field(default=None, description="Received before this time.")


class OutFilters(Paged):
    member: MemberId | None = Field(default=None, description="Only to this phone.")
    kind: str | None = Field(default=None, min_length=1, max_length=12, examples=["broadcast"])
    state: str | None = Field(default=None, min_length=1, max_length=12, examples=["uncertain"])
    broadcast: str | None = Field(default=None, min_length=1, max_length=60, description="A broadcast's key.")
    since: Moment | None = Field(default=None, description="Made from this time on, with its zone.")
    until: Moment | None = Field(default=None, description="Made before this time.")


@router.get("/in", response_model=Page[TextIn], summary="List texts in")
def list_in(call: Reader, filters: Annotated[InFilters, Query()], response: Response) -> Any:
    """Texts that reached us, the newest first."""
    question = question_of("texts/in", call.caller.login, filters)
    before = call.context.cursors.read(question, filters.cursor) if filters.cursor else None
    with reading(call.engine) as connection:
        wanted = InboundFilters(
            filters.member, filters.command or "", filters.flagged, filters.since, filters.until,
            _within(call, connection, InboundText.__table__.c.sender_id),
        )  # fmt: skip
        rows = list_inbound(connection, wanted, before, filters.limit + 1)

    def shown(row: Any) -> dict[str, Any]:
        return {
            "id": row.id,
            "phone": call.phone(row.key),
            "member": row.sender_id,
            "to": row.to_number,
            "body": call.words(row.body),
            "pictures": len(row.media or ()),
            "command": row.command,
            "reason": call.words(row.reason),
            "flagged": row.flagged,
            "carrier": row.carrier,
            "received_at": row.received_at,
        }

    address = f"{call.context.address}/texts/in"
    return page_of(rows, filters, shown, lambda row: call.context.cursors.write(question, row.id), address, response)


@router.get("/out", response_model=Page[TextOut], summary="List texts out")
def list_out(call: Reader, filters: Annotated[OutFilters, Query()], response: Response) -> Any:
    """Texts that left or wait to leave, the newest first."""
    question = question_of("texts/out", call.caller.login, filters)
    before = call.context.cursors.read(question, filters.cursor) if filters.cursor else None
    with reading(call.engine) as connection:
        wanted = OutboundFilters(
            filters.member, filters.kind or "", filters.state or "", filters.broadcast or "", filters.since,
            filters.until, _within(call, connection, OutboundText.__table__.c.sender_id),
        )  # fmt: skip
        rows = list_outbound(connection, wanted, before, filters.limit + 1)

    def shown(row: Any) -> dict[str, Any]:
        kept = ("id", "kind", "broadcast", "language", "encoding", "parts", "state", "reason", "error_code", "carrier",
                "attempts", "created_at", "state_at", "not_before", "expires_at")  # fmt: skip
        return {name: getattr(row, name) for name in kept} | {
            "phone": call.phone(row.key),
            "member": row.sender_id,
            "in_answer_to": row.inbound_id,
            "body": call.words(row.body),
        }

    address = f"{call.context.address}/texts/out"
    return page_of(rows, filters, shown, lambda row: call.context.cursors.write(question, row.id), address, response)


def _within(call: Call, connection: Connection, sender_id: ColumnElement[int]) -> ColumnElement[bool] | None:
    """Who is bound to areas sees the texts of members there; senders who never joined are nobody's area."""
    condition = member_condition(call.context, connection, call.caller)
    return None if condition is None else sender_id.in_(select(Member.sender_id).where(condition))
