"""What an iReport looks like in requests and answers."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, Field

from gateway.api.shapes import Given
from gateway.reports.queue import MOST_REPLY
from gateway.reports.triage import CATEGORIES, KINDS
from gateway.rules.report_life import DUPLICATE, STATES

Some = Field(max_length=20)
if TYPE_CHECKING:  # a type checker takes no literals that are made from a table
    State = str
    Category = str
    Kind = str
    NextState = str
else:
    State, Category, Kind = Literal[STATES], Literal[tuple(CATEGORIES)], Literal[tuple(KINDS)]
    NextState = Literal[tuple(state for state in STATES if state != DUPLICATE)]
Urgency = Annotated[int, Field(ge=0, le=3)]
States = Annotated[list[State], Some]
Categories = Annotated[list[Category], Some]
Kinds = Annotated[list[Kind], Some]
Urgencies = Annotated[list[Urgency], Some]


class ReportShown(BaseModel):
    """Trouble that was reported by text. Numbers in `text` are masked without the scope phones:read."""

    ref: str = Field(examples=["4F2C"])
    event: str = Field(description="The key of its event; empty where there was none.")
    state: str = Field(description=", ".join(STATES))
    category: str = Field(description=", ".join(CATEGORIES))
    kind: str = Field(description=", ".join(KINDS))
    urgency: int = Field(description="0 low to 3 emergency.")
    place: str
    lat: float | None
    lon: float | None
    text: str
    because: list[str] = Field(description="The words that decided what it is.")
    witnesses: int = Field(description="Phones that reported it.")
    photos: int
    assignee: str | None = Field(description="The login of whose it is.")
    opened_at: datetime
    updated_at: datetime


class EntryShown(BaseModel):
    at: datetime
    by: str = Field(description="reporter, clock, or a login; key:NAME for an API key.")
    kind: str
    state: str | None
    text: str


class DuplicateProposed(BaseModel):
    ref: str
    why: str


class PersonProposed(BaseModel):
    login: str
    name: str
    why: str


class ReportStory(ReportShown):
    """All about one report. `phone` is always masked: staff answer through the gateway."""

    phone: str
    judged: dict[str, Any] | None = Field(description="What triage had said.")
    parent: str | None = Field(description="The ref of which it is the duplicate.")
    duplicates: list[str]
    proposed: list[DuplicateProposed] = Field(description="Reports that may be about the same.")
    may_become: list[str]
    proposals: list[PersonProposed] = Field(description="Who should see to it, the best first.")
    timeline: list[EntryShown]


class ReportChanged(BaseModel):
    ref: str
    event: str
    state: str
    assignee: str | None


class ReportAnswered(BaseModel):
    ref: str
    told: int = Field(description="How many phones were texted.")


class MoveGiven(Given):
    to: NextState
    note: str = Field(
        default="", max_length=300, description="Why, or what was done; a solved one's reporter reads it."
    )


class AssignGiven(Given):
    login: str = Field(min_length=1, max_length=60, examples=["sana"])


class NoteGiven(Given):
    text: str = Field(min_length=1, max_length=2000)


class ReplyGiven(Given):
    text: str = Field(min_length=1, max_length=MOST_REPLY, examples=["Water is on its way to gate 3."])


class MergeGiven(Given):
    into: str = Field(min_length=1, max_length=60, examples=["4F2C"], description="The ref that stays.")


class CorrectionGiven(Given):
    """Fields that are left out stay."""

    category: Category | None = None
    kind: Kind | None = None
    urgency: Urgency | None = None
    place: str | None = Field(default=None, max_length=120)
