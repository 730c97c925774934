"""`/segments`: audience rules, counted and saved."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import Depends, Query, Response
from pydantic import BaseModel, Field
from sqlalchemy import Connection

from gateway.api.access import Call, allowed
from gateway.api.areas import audience_for
from gateway.api.idempotency import Posted, posting
from gateway.api.paging import Page, Paged, page_of, question_of
from gateway.api.problems import invalid, not_found
from gateway.api.routes import resource
from gateway.api.scopes import Scope
from gateway.api.shapes import Given, rule_problem
from gateway.audience.counting import count_by_reason
from gateway.audience.saved import SegmentNameError, all_segments, find_segment, save_segment
from gateway.database import reading
from segments import RuleError

router = resource("segments")
Reader = Annotated[Call, Depends(allowed(Scope.SEGMENTS_READ))]
RULE = "city:lahore & affinity:students"


class SegmentShown(BaseModel):
    """A rule that was saved under a name."""

    name: str
    rule: str = Field(examples=[RULE])
    saved_by: str
    saved_at: datetime


class SegmentAsked(BaseModel):
    """Either a rule or the name of a saved one."""

    model_config = {"extra": "forbid"}

    rule: str | None = Field(default=None, min_length=1, max_length=4000, examples=[RULE])
    saved: str | None = Field(default=None, min_length=1, max_length=80, examples=["Students of Lahore"])


class SegmentCount(BaseModel):
    """How many an audience is. `matched` = `recipients` + all of `left_out`."""

    rule: str = Field(description="The rule with its names as they are on file, within the key's areas.")
    sentence: str
    remarks: list[str] = Field(description="How names were understood that were not spelt as on file.")
    matched: int
    recipients: int = Field(description="Who can be texted.")
    left_out: dict[str, int] = Field(description="Who cannot, by reason.", examples=[{"stopped": 3}])
    abroad: dict[str, int] = Field(
        description="Who is of a country that is not texted (ALLOWED_PREFIXES), by calling code.", examples=[{"+44": 2}]
    )
    by_language: dict[str, int]
    by_city: dict[str, int] = Field(description="Recipients by the key of their city; an empty key: no city on file.")


class SegmentGiven(Given):
    name: str = Field(min_length=1, max_length=80, examples=["Students of Lahore"])
    rule: str = Field(min_length=1, max_length=4000, examples=[RULE])
    replace: bool = Field(default=False, description="Change the rule of a name that is taken.")


@router.get("", response_model=Page[SegmentShown], summary="List saved segments")
def list_them(call: Reader, filters: Annotated[Paged, Query()], response: Response) -> Any:
    """Saved rules by name."""
    question = question_of("segments", call.caller.login, filters)
    after = call.context.cursors.read(question, filters.cursor) if filters.cursor else ""
    with reading(call.engine) as connection:
        found = all_segments(connection, after=str(after), limit=filters.limit + 1)
    return page_of(
        found,
        filters,
        lambda one: {"name": one.name, "rule": one.rule, "saved_by": one.saved_by, "saved_at": one.saved_at},
        lambda one: call.context.cursors.write(question, one.folded),
        f"{call.context.address}/segments",
        response,
    )


@router.get("/count", response_model=SegmentCount, summary="Count an audience")
def count(call: Reader, asked: Annotated[SegmentAsked, Query()]) -> Any:
    """How many members a rule means, how many of them can be texted, and who is left out and why."""
    if (asked.rule is None) == (asked.saved is None):
        raise invalid("Give either a rule or the name of a saved one.", parameter="rule")
    with reading(call.engine) as connection:
        rule = asked.rule
        if rule is None:
            saved = find_segment(connection, asked.saved or "")
            if saved is None:
                raise not_found("No segment is saved under that name.")
            rule = saved.rule
        try:
            audience = audience_for(call.context, connection, call.caller, rule)
        except RuleError as error:
            raise rule_problem(error, parameter="rule") from None
        found = count_by_reason(connection, audience, call.context.directory(connection).place_keys)
    return {
        "rule": audience.text,
        "sentence": audience.sentence,
        "remarks": [str(one) for one in audience.remarks],
        "matched": found.matched,
        "recipients": found.recipients,
        "left_out": dict(found.left_out),
        "abroad": dict(found.abroad),
        "by_language": dict(found.by_language),
        "by_city": {city or "": number for city, number in found.by_city.items()},
    }


@router.post("", response_model=SegmentShown, status_code=201, summary="Save a segment")
def save(call: Annotated[Posted, Depends(posting(Scope.SEGMENTS_WRITE))], given: SegmentGiven) -> Response:
    """Keep a rule under a name."""

    def act(connection: Connection) -> SegmentShown:
        try:
            audience = call.context.audience(connection, given.rule)
            now = call.context.clock()
            save_segment(connection, given.name, audience, call.caller.login, now, replace=given.replace)
        except RuleError as error:
            raise rule_problem(error, pointer="/rule") from None
        except SegmentNameError as error:
            raise invalid(str(error), "/name") from None
        kept = find_segment(connection, given.name)
        assert kept is not None
        return SegmentShown(name=kept.name, rule=kept.rule, saved_by=kept.saved_by, saved_at=kept.saved_at)

    return call.once(act, status=201)
