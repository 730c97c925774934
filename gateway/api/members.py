"""`/members`: how people are filed. They join by text alone; imports with proof of consent are the command line's."""

from datetime import date, datetime
from typing import Annotated, Any

from fastapi import Depends, Query, Response
from pydantic import BaseModel, Field
from sqlalchemy import ColumnElement, Connection

from gateway.api.access import Call, allowed
from gateway.api.areas import member_condition
from gateway.api.idempotency import Posted, posting
from gateway.api.paging import Page, Paged, page_of, question_of
from gateway.api.problems import invalid, not_found
from gateway.api.routes import resource
from gateway.api.scopes import Scope
from gateway.api.shapes import LANGUAGE, Given, Id, PlaceName, SeatName, rule_problem
from gateway.database import reading
from gateway.members.listing import changes_of, consent_of, find_member, list_members, member_id_of
from gateway.places.directory import Directory
from gateway.rules.phone_numbers import MemberNumberError, read_member_number
from segments import RuleError

router = resource("members")
Reader = Annotated[Call, Depends(allowed(Scope.MEMBERS_READ))]


class MemberShown(BaseModel):
    """A person who texted JOIN. `phone` is masked without the scope phones:read."""

    id: int
    phone: str = Field(examples=["+92300•••4567"])
    name: str
    city: PlaceName | None
    constituency: SeatName | None
    provincial_constituency: SeatName | None
    affinities: list[str] = Field(examples=[["students"]])
    language: str | None = Field(description=LANGUAGE)
    consent: str = Field(description="joined or stopped", examples=["joined"])
    reachable: bool = Field(description="Consent stands, and the number is not known to be dead.")
    joined_at: datetime
    seen_on: date | None = Field(description="The day of their last text, in the movement's time zone.")
    updated_at: datetime


class ConsentShown(BaseModel):
    """One line of the record of consent, without the person's words."""

    action: str
    scope: str
    carrier: str
    given_at: datetime


class ChangeShown(BaseModel):
    field: str
    old: str
    new: str
    changed_at: datetime


class MemberStory(MemberShown):
    """A member with the record of their consent and of how they were filed before."""

    consent_ledger: list[ConsentShown]
    changes: list[ChangeShown]


class MemberFilters(Paged):
    rule: str | None = Field(
        default=None,
        min_length=1,
        max_length=4000,
        description="An audience rule: only members whom it means (docs/segments.md).",
        examples=["city:lahore & affinity:students"],
    )


class PhoneAsked(Given):
    phone: str = Field(min_length=3, max_length=40, examples=["0300 1234567"])


class MemberFound(BaseModel):
    id: int
    address: str = Field(description="Where the member is to be read.")


@router.get("", response_model=Page[MemberShown], summary="List members")
def list_them(call: Reader, filters: Annotated[MemberFilters, Query()], response: Response) -> Any:
    """Members by the order in which their phones first texted; who joins meanwhile comes at the end."""
    question = question_of("members", call.caller.login, filters)
    after = call.context.cursors.read(question, filters.cursor) if filters.cursor else 0
    with reading(call.engine) as connection:
        directory = call.context.directory(connection)
        condition = _condition(call, connection, filters.rule or "all")
        rows = list_members(connection, condition, int(after), filters.limit + 1)
    return page_of(
        rows,
        filters,
        lambda row: shown_member(call, row, directory),
        lambda row: call.context.cursors.write(question, row.sender_id),
        f"{call.context.address}/members",
        response,
    )


@router.get("/{member_id:int}", response_model=MemberStory, summary="Show a member")
def show(call: Reader, member_id: Id) -> Any:
    """How one person is filed, and the record of their consent."""
    with reading(call.engine) as connection:
        directory = call.context.directory(connection)
        row = find_member(connection, member_id, _condition(call, connection))
        if row is None:
            raise not_found(f"There is no member {member_id}.")
        ledger = [
            {"action": one.action, "scope": one.scope, "carrier": one.carrier, "given_at": one.given_at}
            for one in consent_of(connection, member_id)
        ]
        changes = [
            {"field": one.field, "old": one.old, "new": one.new, "changed_at": one.changed_at}
            for one in changes_of(connection, member_id)
        ]
    return shown_member(call, row, directory) | {"consent_ledger": ledger, "changes": changes}


@router.post("/lookup", response_model=MemberFound, summary="Find a member by phone number")
def look_up(
    call: Annotated[Posted, Depends(posting(Scope.MEMBERS_READ, Scope.PHONES_READ))], asked: PhoneAsked
) -> Response:
    """The number stands in the body, so that it is in no log of addresses. Changes nothing."""
    try:
        key = read_member_number(asked.phone, call.settings.default_region)
    except MemberNumberError as error:
        raise invalid(str(error), "/phone") from None

    def act(connection: Connection) -> MemberFound:
        found = member_id_of(connection, key)
        if found is None or find_member(connection, found, _condition(call, connection)) is None:
            raise not_found("No member has that number.")
        return MemberFound(id=found, address=f"{call.context.address}/members/{found}")

    return call.once(act)


def _condition(call: Call, connection: Connection, rule: str = "all") -> ColumnElement[bool] | None:
    """Return the condition of a rule within the caller's areas; None where there is neither."""
    try:
        return member_condition(call.context, connection, call.caller, rule)
    except RuleError as error:
        raise rule_problem(error, parameter="rule") from None


def shown_member(call: Call, row: Any, directory: Directory) -> dict[str, Any]:
    return {
        "id": row.sender_id,
        "phone": call.phone(row.key),
        "name": row.name,
        "city": place_of(directory, row.city_id),
        "constituency": _seat(directory, row.constituency_id),
        "provincial_constituency": _seat(directory, row.provincial_id),
        "affinities": [group.key for group in directory.groups.of(row.affinities)],
        "language": row.language,
        "consent": row.consent,
        "reachable": row.reachable,
        "joined_at": row.joined_at,
        "seen_on": row.seen_on,
        "updated_at": row.updated_at,
    }


def place_of(directory: Directory, place_id: int | None) -> dict[str, str] | None:
    key = directory.place_keys.get(place_id or 0)
    return {"key": key, "name": directory.places[key].name} if key else None


def _seat(directory: Directory, seat_id: int | None) -> dict[str, Any] | None:
    key = directory.seat_keys.get(seat_id or 0)
    return {"code": key[0], "delimitation": key[1], "name": directory.seats[key].name} if key else None
