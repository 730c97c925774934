"""What is known of a person's own reports while they text us, and what became of sorting a report."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.rules.report_life import OPEN, RESOLVED

CONTINUES = timedelta(minutes=10)
"""More text from the same person within this time belongs to the same report."""
MOST_AN_HOUR = 5
"""Reports that one phone may open in an hour; what comes after is kept with the newest that fits."""
MOST_STATUS_AN_HOUR = 10
"""Refs of other people's reports that one phone may ask for in an hour: a ref has four signs and could be guessed."""
ANSWER_WITHIN = timedelta(hours=24)
"""How long "fixed?" waits for its YES or NO."""


@dataclass(frozen=True, slots=True)
class Sorting:
    """What a report is about: see `reports.triage`. `urgency` is 0 to 3; `place_key` is empty without a place."""

    category: str = "other"
    kind: str = "help"
    urgency: int = 1
    because: tuple[str, ...] = ()
    place: str = ""
    place_key: str = ""
    lat: float | None = None
    lon: float | None = None
    pages: bool = False
    """Somebody is called at once."""


@dataclass(frozen=True, slots=True)
class RecentReport:
    """One of the sender's own reports of late. `state` is its parent's while it is a duplicate."""

    ref: str
    state: str
    sorting: Sorting
    opened_at: datetime
    last_text_at: datetime
    updated_at: datetime
    empty: bool = False

    @property
    def is_open(self) -> bool:
        return self.state in OPEN

    def continues(self, now: datetime) -> bool:
        return self.is_open and now - self.last_text_at < CONTINUES

    def awaits_answer(self, now: datetime) -> bool:
        """Whether we have said that it is solved and asked whether it is."""
        return self.state == RESOLVED and now - self.updated_at < ANSWER_WITHIN


def newest(reports: Iterable[RecentReport]) -> RecentReport | None:
    return max(reports, key=lambda one: one.last_text_at, default=None)


def opened_of_late(reports: Iterable[RecentReport], now: datetime) -> int:
    return sum(now - one.opened_at < timedelta(hours=1) for one in reports)


def same_matter(one: Sorting, other: Sorting) -> bool:
    """Whether two texts of one person can be about one thing: no different category and no different place."""
    categories = {one.category, other.category} - {"other"}
    places = {one.place_key, other.place_key} - {""}
    return len(categories) < 2 and len(places) < 2


def raised(old: Sorting, new: Sorting) -> Sorting | None:
    """Return the sorting that an addition leads to, or None if it changes nothing: it only ever raises.

    More danger takes over category and urgency; a report without category or place gets that of the addition.
    """
    more_urgent = new.urgency > old.urgency and new.category not in ("other", "praise", "information")
    takes_over = (new.pages and not old.pages) or old.category == "other" != new.category or more_urgent
    place = new if new.place_key and not old.place_key else old
    if not takes_over and place is old:
        return None
    main = new if takes_over else old
    return Sorting(
        category=main.category,
        kind=main.kind,
        urgency=max(old.urgency, new.urgency) if takes_over else old.urgency,
        because=main.because,
        place=place.place,
        place_key=place.place_key,
        lat=place.lat,
        lon=place.lon,
        pages=new.pages or old.pages,
    )
