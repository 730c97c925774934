"""A house full of things that people wrote, each word of them hostile: for tests that open every page there is.

`WRITTEN` names every column that holds words of a person. `spread` fills each with `HOSTILE` and a mark of its own, so
that a test can say which column stood on which page. A column whose name says that it holds words must be in `WRITTEN`
or in `OURS` (words of our own, keys and the like): `unsorted` lists those that are in neither.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, Table, insert, select, update

from gateway.database import reading, writing
from gateway.service import Service
from gateway.tables import (
    Alert,
    Base,
    Broadcast,
    BroadcastEvent,
    CannedAnswer,
    Departure,
    PickupPoint,
    Report,
    ReportEntry,
    ReportTrend,
    SavedSegment,
    Sender,
    UnmatchedPlace,
)
from segments import parse, to_json, to_text
from tests.console.objects import an_event
from tests.gateway.conftest import a_text

HOSTILE = "=cmd|' /C calc'!A0<script>alert(1)</script><img src=x onerror=alert(1)>'\"--; DROP TABLE x;{{7*7}}\u202egnp"
"""A formula, HTML, SQL, a template, an attribute's end and an override of direction. Line breaks where they may be."""

WRITTEN: dict[str, tuple[str, ...]] = {
    "affinities": ("names",),
    "alerts": ("reason",),
    "broadcast_events": ("note",),
    "broadcasts": ("name", "texts", "state_reason"),
    "canned_answers": ("title", "texts"),
    "consent_entries": ("words",),
    "events": ("name", "names", "venue"),
    "inbound_texts": ("body",),
    "inbox_entries": ("text",),
    "members": ("name",),
    "outbound_texts": ("body",),
    "pickup_points": ("name", "names", "landmarks"),
    "report_entries": ("text",),
    "report_trends": ("term",),
    "reports": ("text", "place"),
    "saved_segments": ("name",),
    "staff": ("name",),
    "unmatched_places": ("words", "near"),
}
OURS = {
    # keys, which have letters and digits alone
    "api_keys.name", "carrier_states.name", "counters.name", "heartbeats.name", "revisions.name", "member_terms.term",
    "member_bits.name",
    # files of places and seats, which an admin loads at a terminal; the sample's texts are understood by them
    "constituencies.name", "constituencies.names", "places.name", "places.names",
    # written by the gateway: why it did something
    "carrier_states.halt_reason", "consent_entries.reason", "hook_endpoints.disabled_reason", "inbound_texts.reason",
    "outbound_texts.reason", "schedule_fires.note", "pickup_asks.place", "member_imports.file_name",
    "api_acts.body", "text_hours.texts", "overrides.value", "report_trends.examples",
}  # fmt: skip
_WORDS = {"name", "names", "title", "words", "text", "texts", "body", "note", "venue", "near", "reason", "term",
          "examples", "place", "landmarks", "file_name", "halt_reason", "disabled_reason", "state_reason",
          "value"}  # fmt: skip


def unsorted() -> list[str]:
    """Columns of words that nobody has said anything about."""
    every = {f"{table.name}.{column.name}" for table in Base.metadata.sorted_tables for column in table.columns}
    written = {f"{table}.{column}" for table, columns in WRITTEN.items() for column in columns}
    words = {one for one in every if one.partition(".")[2] in _WORDS}
    return sorted((words - written - OURS) | ((written | OURS) - every))


def fill(engine: Engine, service: Service, city: str, number: str, where: tuple[float, float]) -> None:
    """Make one of everything that belongs to a city, by somebody who texts from a number and by staff."""

    def says(body: str, after_s: int) -> None:
        service.record([a_text(body, number, received_at=now + timedelta(seconds=after_s))])

    now = datetime.now(UTC) - timedelta(minutes=5)
    asked = "what about the speech then friends ?"  # before the report, which would take it for more about itself
    for seconds, body in enumerate((f"JOIN Sana {city} students", asked, "REPORT no water at gate 3")):
        says(body, seconds)
    with writing(engine) as connection:
        sender = connection.execute(select(Sender.id).where(Sender.key == number)).scalar_one()
        staff = Base.metadata.tables["staff"]
        amna = connection.execute(select(staff.c.id).where(staff.c.login == "amna")).scalar()
        event = an_event(connection, f"{city}-rally", *where)
        point = _made(
            connection,
            PickupPoint,
            event_id=event,
            name="x",
            names={"en": "x"},
            aliases=[],
            city=city.title(),
            lat=where[0],
            lon=where[1],
            landmarks={"en": "x"},
        )
        _made(connection, Departure, pickup_point_id=point, leaves_at=now + timedelta(hours=20), seats=40)
        report = connection.execute(select(Report.id).where(Report.sender_id == sender)).scalars().first()
        place = {"lat": where[0], "lon": where[1], "place": "x", "event_key": f"{city}-rally", "urgency": 3}
        connection.execute(update(Report.__table__).where(Report.id == report).values(place))
        _made(connection, ReportEntry, report_id=report, kind="note", by="amna", text="x", at=now)
        rule = parse(f"city:{city}")
        broadcast = _made(
            connection,
            Broadcast,
            key=f"to-{city}",
            name="x",
            rule=to_text(rule),
            rule_json=to_json(rule),
            texts={"en": "x"},
            created_by="omar",
            created_at=now,
            state="paused",
            state_reason="x",
        )
        _made(connection, BroadcastEvent, broadcast_id=broadcast, what="paused", by="amna", note="x", at=now)
        connection.execute(insert(Alert).values(kind="broadcast", broadcast_id=broadcast, reason="x", raised_at=now))
        entry = Base.metadata.tables["inbox_entries"]
        connection.execute(entry.insert().values(sender_id=sender, kind="note", by="amna", text="x", at=now))
        assert amna is not None


def fill_what_is_everybodys(engine: Engine) -> None:
    """Make what belongs to no city: answers kept ready, saved rules, trends, places that nobody knows."""
    now, rule = datetime.now(UTC), parse("city:lahore")
    with writing(engine) as connection:
        _made(connection, CannedAnswer, title="x", texts={"en": "x"}, changed_by="amna", changed_at=now)
        _made(connection, SavedSegment, name="x", folded="x", rule=to_text(rule), json=to_json(rule), saved_at=now)
        connection.execute(
            insert(UnmatchedPlace).values(key="x", words="x", near="x", times=3, first_asked_at=now, last_asked_at=now)
        )
        example = connection.execute(select(Report.event_key, Report.ref)).first()
        assert example is not None
        connection.execute(
            insert(ReportTrend).values(
                event_key=example.event_key,
                hour=now.replace(minute=0, second=0, microsecond=0),
                kind="word",
                term="x",
                before=0,
                now=9,
                examples=[example.ref],
                seen_at=now,
            )
        )


def _made(connection: Connection, table: Any, **values: Any) -> int:
    return int(connection.execute(insert(table.__table__).values(values).returning(table.__table__.c.id)).scalar_one())


def keys_of(engine: Engine) -> dict[str, set[tuple[Any, ...]]]:
    """The rows that there are, by table: what `spread` must leave alone."""
    with reading(engine) as connection:
        return {name: _keys(connection, Base.metadata.tables[name]) for name in WRITTEN}


def _keys(connection: Connection, table: Table) -> set[tuple[Any, ...]]:
    return {tuple(row) for row in connection.execute(select(*table.primary_key.columns))}


def spread(engine: Engine, mark: str, but: dict[str, set[tuple[Any, ...]]] | None = None) -> dict[str, str]:
    """Write hostile words into every column that people write; returns column by the mark that stands in it."""
    marks: dict[str, str] = {}
    with writing(engine) as connection:
        for name, columns in WRITTEN.items():
            table = Base.metadata.tables[name]
            for row, key in enumerate(sorted(_keys(connection, table) - (but or {}).get(name, set()), key=str)):
                values = {}
                for column in columns:
                    made = f"{mark}{len(marks)}z"
                    marks[made] = f"{name}.{column}"
                    values[column] = _hostile(table.c[column], made, row)
                same = [one == value for one, value in zip(table.primary_key.columns, key, strict=True)]
                connection.execute(update(table).where(*same).values(values))
    return marks


def _hostile(column: Any, mark: str, row: int) -> Any:
    whole = f"{mark}{HOSTILE}\n{mark}" if column.name in ("text", "body", "words") else f"{mark}{HOSTILE}"
    if column.name == "texts":  # the words of a template, whose form has made sure that it is one
        whole = whole.replace("{{7*7}}", "")
    if column.type.__class__.__name__ not in ("String", "Text"):
        return {"en": whole, "ur": whole}
    return whole[: column.type.length or None]


def marks_in(text: str, marks: dict[str, str]) -> Iterator[str]:
    """Yield the columns whose words stand in a text."""
    yield from (column for mark, column in marks.items() if mark in text)
