"""Values that several answers share."""

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import Path
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from gateway.api.problems import invalid
from segments import RuleError

Id = Annotated[int, Path(ge=1, le=2**63 - 1)]
_FIRST, _LAST = datetime(1970, 1, 2, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC)
LANGUAGE = "`en`, `ur` or `ur-Latn`"


def _storable(moment: datetime) -> datetime:
    """Keep a time within what databases take: nothing of ours lies outside."""
    return min(max(moment, _FIRST), _LAST)


Moment = Annotated[AwareDatetime, AfterValidator(_storable)]


class Given(BaseModel):
    """A body: a field that we do not know is a mistake, not to be passed over."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


class Nothing(Given):
    """No fields; may be left out."""


class Reason(Given):
    """Why, for the history; may be left out."""

    reason: str = Field(default="", max_length=160, examples=["the venue has changed"])


class PlaceName(BaseModel):
    key: str = Field(examples=["lahore"])
    name: str = Field(examples=["Lahore"])


class SeatName(BaseModel):
    code: str = Field(examples=["NA-130"])
    delimitation: int = Field(description="The year of the delimitation; 0 where there is one only.", examples=[2024])
    name: str


def rule_problem(error: RuleError, *, pointer: str | None = None, parameter: str | None = None) -> Any:
    """Return the 422 of a bad rule, with the column where the fault lies."""
    detail = f"{error.sentence} {error.remedy}".strip()
    more = {"column": error.column} if error.column else {}
    return invalid(detail, pointer, parameter=parameter, **more)
