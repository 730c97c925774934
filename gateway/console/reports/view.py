"""What the report pages share: whose reports a viewer sees, a report's address, refusals in words, and what a page of
the queue is asked for."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from urllib.parse import quote, urlencode

from fastapi import Request
from sqlalchemy import ColumnElement, or_

from gateway.accounts import staff
from gateway.accounts.viewer import Viewer
from gateway.console.shell import console_of, visit_of
from gateway.reports.listing import URGENCIES, After, Filters
from gateway.reports.triage import CATEGORIES, KINDS
from gateway.rules.report_life import IN_HAND, OPEN, STATES, WAITING, MoveRefused
from gateway.tables import Report

QUEUE = "/console/reports"
ROWS = 50
GROUPS: Mapping[str, Sequence[str]] = {
    "open": tuple(sorted(OPEN)),
    "waiting": tuple(sorted(WAITING)),
    "in_hand": tuple(sorted(IN_HAND)),
    "all": (),
} | {state: (state,) for state in STATES}


def within(viewer: Viewer) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions under which a viewer sees a report: their areas, and what is theirs to do."""
    if viewer.areas.everywhere:
        return ()
    return (or_(viewer.areas.reports(), Report.assignee_id == viewer.id),)


def address(ref: str, event: str | None, act: str = "") -> str:
    """Return a report's address; the event stands in it because refs are unique within one."""
    path = f"{QUEUE}/{quote(ref)}{'/' + act if act else ''}"
    return f"{path}?{urlencode({'event': event})}" if event and not act else path


def refused_words(request: Request, error: MoveRefused) -> str:
    """Return a refusal in the viewer's language, with states and categories named as on the page."""
    say, language = console_of(request).wording.say, visit_of(request).language
    if not error.key:
        return str(error)
    values = dict(error.values)
    for name, group in (("state", "state"), ("to", "state"), ("category", "category")):
        if name in values and (name != "category" or values[name] in CATEGORIES):
            values[name] = say(language, f"reports.{group}.{values[name]}")
    if error.key == "other_category":
        values["other"] = say(language, f"reports.category.{values['other']}")
    return say(language, f"reports.refused.{error.key}", **values)


def names(request: Request) -> Callable[[str, Sequence[str]], list[tuple[str, str]]]:
    """Return what templates make choices with: `names("state", [...])` are the values with their names."""
    say, language = console_of(request).wording.say, visit_of(request).language
    return lambda group, values: [(value, say(language, f"reports.{group}.{value}")) for value in values]


@dataclass(frozen=True)
class Asked:
    """A page of the queue as its address asks for it. `typed` are the fields of the form; `odd` what was no value."""

    filters: Filters
    typed: Mapping[str, str]
    pairs: Sequence[tuple[str, str]]
    odd: Sequence[str] = field(default_factory=tuple)

    def query(self, **changed: str) -> str:
        """Return the query of this page, with values changed, or taken out where they are empty."""
        kept = [pair for pair in self.pairs if pair[0] not in changed and pair[0] != "after"]
        return urlencode(kept + [(name, value) for name, value in changed.items() if value])

    def link(self, **changed: str) -> str:
        query = self.query(**changed)
        return f"{QUEUE}?{query}" if query else QUEUE


def read_asked(request: Request, viewer: Viewer) -> Asked:
    """Read the filters of an address. What is no value is left out and named: an old link still shows a page."""
    names = ("state", "category", "kind", "urgency", "place", "city", "who", "event", "after")
    asked = request.query_params
    given = {name: [one.strip()[:120] for one in asked.getlist(name) if one.strip()][:12] for name in names}
    odd: list[str] = []

    def known(name: str, there: Sequence[str]) -> list[str]:
        odd.extend(one for one in given[name] if one not in there)
        return [one for one in dict.fromkeys(given[name]) if one in there]

    def first(name: str) -> str:
        return given[name][0] if given[name] else ""

    groups = known("state", tuple(GROUPS)) or ["open"]
    states = tuple(sorted({state for group in groups for state in GROUPS[group]})) if "all" not in groups else ()
    who = first("who")
    conditions = list(within(viewer))
    city = first("city")
    if city:
        try:
            areas = staff.read_area_names(console_of(request).service.reference().directory, [city], [])
            conditions.append(areas.reports())
        except staff.StaffRefused:
            odd.append(city)
            city = ""
    open_only = bool(states) and set(states) <= OPEN
    filters = Filters(
        states=states,
        categories=tuple(known("category", CATEGORIES)),
        kinds=tuple(known("kind", KINDS)),
        urgencies=tuple(int(one) for one in known("urgency", [str(u) for u in URGENCIES])),
        place=first("place"),
        assignee=viewer.login if who == "mine" else who if who not in ("", "nobody") else "",
        unassigned=who == "nobody",
        event_key=first("event") or None,
        within=tuple(conditions),
        newest_first=not open_only,
        after=After.read(first("after")),
        limit=ROWS,
    )
    typed = {name: first(name) for name in given} | {"city": city}
    kept = {"state": groups if given["state"] else [], "category": filters.categories, "kind": filters.kinds,
            "urgency": [str(one) for one in filters.urgencies], "place": [filters.place], "city": [city],
            "who": [who], "event": [filters.event_key or ""]}  # fmt: skip
    pairs = [(name, value) for name, values in kept.items() for value in values if value]
    return Asked(filters, typed, pairs, tuple(odd))


def without_after(filters: Filters) -> Filters:
    return replace(filters, after=None)
