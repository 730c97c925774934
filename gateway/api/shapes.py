"""Values that several answers share."""

import re
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import Path
from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field

from gateway.api.problems import invalid
from segments import RuleError

Id = Annotated[int, Path(ge=1, le=2**63 - 1)]
_FIRST, _LAST = datetime(1970, 1, 2, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC)
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d(:\d\d(\.\d{1,9})?)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
LANGUAGE = "`en`, `ur` or `ur-Latn`"


def _read_moment(written: object) -> datetime:
    """Read RFC 3339, and keep the time within what databases take: nothing of ours lies outside."""
    if not isinstance(written, str) or not _MOMENT.fullmatch(written):
        raise ValueError("It is a time with its offset, such as 2026-12-04T18:00:00+05:00 (in an address, + is %2B).")
    try:
        moment = datetime.fromisoformat(written.replace("z", "Z").replace("t", "T"))
    except ValueError:
        raise ValueError("There is no such time: look at the date, the hour and the offset.") from None
    return min(max(moment, _FIRST), _LAST)


def _read_flag(written: object) -> object:
    if written not in ("true", "false", True, False):
        raise ValueError("It is true or false.")
    return written


Moment = Annotated[AwareDatetime, BeforeValidator(_read_moment)]
Flag = Annotated[bool, BeforeValidator(_read_flag)]


class Given(BaseModel):
    """A body: a field that we do not know is a mistake, not to be passed over."""

    model_config = ConfigDict(extra="forbid", strict=True, str_strip_whitespace=True)


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
