"""The first page over HTTP, on both databases: what each role sees, of which areas, and what an empty one says."""

from datetime import UTC, datetime, timedelta

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine, event, insert

from gateway.accounts.areas import Areas
from gateway.console.now import FRAGMENTS
from gateway.database import writing
from gateway.heartbeat import beat
from gateway.numbers.hours import count_hours
from gateway.settings import Settings
from gateway.tables import Alert, Broadcast, BroadcastPlan, CarrierState, Departure, Report
from tests.console.client import Browser, enter, make_staff
from tests.gateway.pickups.conftest import add_event, add_point
from tests.numbers.rows import add_members, add_senders, place_id, text_out, texts_in, texts_out

HOSTILE = "<script>alert(1)</script>\u202e\"'=1+1;DROP TABLE"
NOW = datetime.now(UTC)


def look(browser: Browser) -> str:
    """The first page as it is now: numbers that were kept from signing in are forgotten."""
    state = browser.http.app.state  # type: ignore[attr-defined]
    if hasattr(state, "now_numbers"):
        del state.now_numbers
    return browser.get("/console/").text


def _report(engine: Engine, sender: int, urgency: int, **others: object) -> None:
    with writing(engine) as connection:
        row = {
            "event_key": "", "ref": f"R{urgency}{sender}", "sender_id": sender, "text": "no water", "urgency": urgency,
            "opened_at": NOW, "updated_at": NOW,
        }  # fmt: skip
        connection.execute(insert(Report).values(**(row | others)))


@pytest.fixture
def busy(engine: Engine) -> list[int]:
    """A rally day: texts of members of Lahore and Multan, reports, points, a broadcast, a carrier in trouble."""
    senders = add_senders(engine, 10, NOW)
    lahore, multan = place_id(engine, "lahore"), place_id(engine, "multan")
    add_members(engine, senders[:7], lahore, NOW)
    add_members(engine, senders[7:9], multan, NOW)
    texts_in(engine, [(one, NOW - timedelta(minutes=10)) for one in senders])
    texts_in(engine, [(one, NOW - timedelta(days=3)) for one in senders])
    texts_out(engine, [text_out(one, attempted_at=NOW - timedelta(minutes=5), state="failed") for one in senders], NOW)
    count_hours(engine, NOW)
    _report(engine, senders[0], 3, lat=31.55, lon=74.35)
    _report(engine, senders[8], 1, lat=30.2, lon=71.47)
    rally = add_event(engine)
    point = add_point(engine, rally, HOSTILE, 31.52, 74.35, seats=50)
    add_point(engine, rally, "Multan Fort", 30.2, 71.47, seats=40, city="Multan")
    with writing(engine) as connection:
        connection.execute(Departure.__table__.update().where(Departure.pickup_point_id == point).values(held=45))
        made = insert(Broadcast).values(key="b1", name=HOSTILE, state="sending", begun_at=NOW).returning(Broadcast.id)
        broadcast = connection.execute(made).scalar_one()
        connection.execute(insert(BroadcastPlan).values(broadcast_id=broadcast, as_of=NOW, planned=100, planned_at=NOW))
        connection.execute(insert(CarrierState).values(name="twilio", halted_at=NOW, halt_reason="no credit"))
        connection.execute(
            insert(Alert).values(kind="broadcast", broadcast_id=broadcast, reason=HOSTILE, raised_at=NOW)
        )
    texts_out(
        engine,
        [
            text_out(one, state="queued", attempts=0, lane=f"4|{broadcast}|*|", not_before=NOW, broadcast_id=broadcast)
            for one in senders
        ],
        NOW,
    )
    return senders


def test_an_organiser_sees_what_happens(as_organiser: Browser, busy: list[int]) -> None:
    page = look(as_organiser)
    assert "10 came in and 10 went out in the last hour" in page.replace("\u2068", "").replace("\u2069", "")
    assert "<bdi>Lahore</bdi>" in page and "<bdi>Multan</bdi>" in page
    assert 'value="45" max="50"' in page
    assert 'value="90" max="100"' in page, "90 of 100 texts of the broadcast have left"
    assert "no credit" in page and "halted" in page
    assert "No worker has been at work yet" in page
    assert "Most texts come on" in page
    assert "Emergency" in page


def test_hostile_names_travel_unharmed(as_organiser: Browser, busy: list[int]) -> None:
    page = look(as_organiser)
    assert "<script>alert" not in page
    assert page.count("&lt;script&gt;alert(1)&lt;/script&gt;\u202e") >= 3
    assert "style=" not in page


def test_field_staff_see_reports_and_points_only(as_field: Browser, busy: list[int]) -> None:
    page = look(as_field)
    assert "Emergency" in page and 'max="50"' in page
    for theirs in ("came in", "<bdi>Lahore</bdi>", "no credit", 'max="100"', "Most texts", "worker", "now-h-carriers"):
        assert theirs not in page


def test_an_organiser_of_one_city_counts_nobody_elsewhere(
    console: FastAPI, engine: Engine, settings: Settings, busy: list[int]
) -> None:
    make_staff(engine, settings, "mina", "organiser", areas=Areas.of(["multan"]))
    page = look(enter(Browser(console), engine, "mina")).replace("\u2068", "").replace("\u2069", "")
    assert "2 came in and 2 went out" in page
    assert "<bdi>Multan</bdi>" in page and "<bdi>Lahore</bdi>" not in page
    assert "Emergency" not in page and "Normal" in page
    assert "Multan Fort" in page and 'max="50"' not in page
    assert 'max="100"' not in page, "a broadcast tells how many members there are elsewhere"


def test_an_organiser_of_a_city_where_nothing_happens_sees_nothing_of_others(
    console: FastAPI, engine: Engine, settings: Settings, as_admin: Browser, busy: list[int]
) -> None:
    make_staff(engine, settings, "kiran", "organiser", areas=Areas.of(["karachi"]))
    kiran = enter(Browser(console), engine, "kiran")
    everything = look(as_admin)
    page = kiran.get("/console/").text  # what was kept for the admin a moment ago is not hers
    empty = ("No text in the last hour", "No report is open", "No broadcast is running", "Nobody has joined today",
             "The first hours are counted")  # fmt: skip
    for words in empty:
        assert words in page and words not in everything, words
    for theirs in ("&lt;script&gt;", "Multan Fort", "<bdi>Lahore</bdi>", "<bdi>Multan</bdi>", "Most texts come on"):
        assert theirs in everything and theirs not in page, theirs


def test_empty_pages_say_what_to_do_next(as_organiser: Browser) -> None:
    page = look(as_organiser)
    for words in (
        "No text in the last hour", "No report is open", "No event is coming", "No broadcast is running",
        "Nobody has joined today", "No text waits to leave", "The first hours are counted",
    ):  # fmt: skip
        assert words in page


def test_an_event_without_points_leads_to_the_import(as_organiser: Browser, engine: Engine) -> None:
    add_event(engine)
    assert "/console/pickups/import" in look(as_organiser)


def test_a_worker_and_a_clock_that_are_at_work_are_no_trouble(as_admin: Browser, engine: Engine) -> None:
    for kind in ("worker", "clock"):
        beat(engine, kind, "here", datetime.now(UTC))
    assert "at work yet" not in look(as_admin)
    beat(engine, "worker", "here", datetime.now(UTC) - timedelta(minutes=5))
    page = look(as_admin)
    assert "No worker has been at work since" in page and "No clock" not in page


def test_many_viewers_cost_one_look(as_organiser: Browser, as_admin: Browser, engine: Engine, busy: list[int]) -> None:
    as_organiser.get("/console/")
    asked: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda *given: asked.append(given[2]))
    service = as_admin.http.app.state.service
    event.listen(service.engine, "before_cursor_execute", lambda *given: asked.append(given[2]))
    for _ in range(5):
        as_admin.get("/console/")
    assert asked, "sessions are looked at each time"
    assert not [one for one in asked if "inbound_texts" in one or "outbound_texts" in one or "departures" in one]


def test_every_fragment_is_on_the_page(as_organiser: Browser) -> None:
    page = look(as_organiser)
    assert all(f'id="now-{name}"' in page for name in FRAGMENTS)
    assert 'data-live="/console/live"' in page
