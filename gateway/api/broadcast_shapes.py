"""What a broadcast looks like in requests and answers."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, Field

from gateway.api.shapes import Given, Moment

_TEXTS = {"en": "Dear {name}, come to Minar at 5", "ur": "{name}، پانچ بجے مینار آئیں"}
Text = Annotated[str, Field(max_length=2000)]
Texts = Annotated[
    dict[str, Text],
    Field(
        min_length=1,
        max_length=3,
        description="A text for each language (`en`, `ur`, `ur-Latn`), with `{name}` and `{city}` to be filled in.",
        examples=[_TEXTS],
    ),
]
Defaults = Annotated[
    dict[str, dict[str, Annotated[str, Field(max_length=80)]]],
    Field(
        max_length=3,
        description="By language, the words for a `name` or `city` that is not known.",
        examples=[{"en": {"name": "friend"}}],
    ),
]
Hours = Annotated[
    str, Field(max_length=20, description="Narrower sending hours; empty: the house's.", examples=["10:00-18:00"])
]
QuietDays = Annotated[int, Field(ge=0, le=365, description="Leave out who had a broadcast within so many days.")]
Validity = Annotated[int, Field(ge=1, le=10_080, description="Minutes for which a text is of use after the start.")]
Name = Annotated[str, Field(min_length=1, max_length=120, examples=["Rally of Friday"])]
RuleText = Annotated[str, Field(min_length=1, max_length=4000, examples=["city:lahore & affinity:students"])]


class DraftGiven(Given):
    """What a broadcast says to whom."""

    name: Name
    rule: RuleText
    texts: Texts
    defaults: Defaults = Field(default_factory=dict)
    urgent: bool = Field(default=False, description="Goes before other broadcasts.")
    hours: Hours = ""
    quiet_days: QuietDays = 0
    validity_minutes: Validity | None = None


class DraftChanges(Given):
    """Fields of a draft to be changed; those left out stay as they are."""

    name: Name = ""
    rule: RuleText = ""
    texts: Texts = Field(default_factory=dict)
    defaults: Defaults = Field(default_factory=dict)
    urgent: bool = False
    hours: Hours = ""
    quiet_days: QuietDays = 0
    validity_minutes: Validity | None = None


class DigestGiven(Given):
    digest: str = Field(
        min_length=64, max_length=64, pattern="^[0-9a-f]{64}$", description="Of the preview that was looked at."
    )


class ScheduleGiven(Given):
    at: Moment | None = Field(
        default=None, description="Once, at this time with its offset.", examples=["2026-12-04T18:00:00+05:00"]
    )
    cron: str = Field(
        default="", max_length=80, description="Again and again, as in crontab.", examples=["0 18 * * fri"]
    )
    zone: str = Field(default="", max_length=40, description="Whose clock `cron` is on; else the house's.")
    event: str = Field(default="", max_length=60, description="Take the clock of the event of this key.")


class BroadcastMoved(BaseModel):
    """Where a broadcast stands after a move."""

    key: str
    state: str = Field(
        description="draft, approved, scheduled, planning, sending, paused, done or cancelled.", examples=["approved"]
    )
    reason: str


class BroadcastShown(BroadcastMoved):
    name: str
    rule: str = Field(description="With its names as they are on file, within the areas of whoever drafted it.")
    texts: dict[str, str]
    defaults: dict[str, dict[str, str]]
    urgent: bool
    hours: str
    quiet_days: int
    validity_minutes: int | None
    digest: str = Field(description="Of the preview that is kept; empty: not previewed as it stands.")
    recipients: int | None = Field(description="As previewed; null: not previewed as it stands.")
    created_by: str
    created_at: datetime | None
    approved_by: str
    approved_at: datetime | None
    begun_at: datetime | None
    ended_at: datetime | None


class PreviewShown(BaseModel):
    """What it would do. `digest` binds draft and numbers: approval names it."""

    digest: str
    approved: bool = Field(description="Whether it is approved on these numbers or others.")
    second_person: bool = Field(description="Whether another person than the one who drafted must approve.")
    numbers: dict[str, Any] = Field(
        description="recipients, left_out, by_language, parts, by_encoding, cost, by_price and more; docs/broadcasts.md"
    )
    letters: list[dict[str, Any]] = Field(description="Letters that make a text dearer, with a cheap replacement.")
    when: dict[str, Any] = Field(description="First and last text, the pace, and whether quiet hours come between.")
    samples: list[dict[str, str]] = Field(description="Ten texts as they would go out.")


class AccountShown(BaseModel):
    """When done, recipients = delivered + sent + failed + suppressed + uncertain, to the last one."""

    key: str
    name: str
    state: str
    reason: str
    approved: int = Field(description="Recipients as approved.")
    planned_whole: bool
    recipients: int
    delivered: int
    sent: int = Field(description="Without a receipt yet.")
    failed: dict[str, int]
    suppressed: dict[str, int]
    uncertain: int
    waiting: int
    on_the_way: int
    parts: int
    ended: int
    adds_up: bool


class HistoryShown(BaseModel):
    at: datetime
    what: str
    by: str
    note: str


def shown_broadcast(row: Any) -> dict[str, Any]:
    """Return a row of broadcasts as the API shows it."""
    same = (
        "key", "state", "name", "rule", "urgent", "hours", "quiet_days", "validity_minutes", "digest", "created_by",
        "created_at", "approved_by", "approved_at", "begun_at", "ended_at",
    )  # fmt: skip
    numbers: Mapping[str, Any] = (row.preview or {}).get("numbers") or {}
    return {name: getattr(row, name) for name in same} | {
        "reason": row.state_reason,
        "texts": row.texts or {},
        "defaults": row.defaults or {},
        "recipients": numbers.get("recipients"),
    }
