"""Pick-up points over HTTP, on both databases: table, one point, its buses, import, demand, unknown places, export."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine, func, insert, select

from gateway.accounts.areas import Areas
from gateway.database import reading, writing
from gateway.places.store import bump
from gateway.settings import Settings
from gateway.tables import (
    AuditEntry,
    Departure,
    OutboundText,
    PickupAsk,
    PickupPoint,
    Place,
    SeatHold,
    SeatWait,
    UnmatchedPlace,
)
from tests.console.client import Browser, enter, make_staff
from tests.gateway.pickups.conftest import add_event, add_point
from tests.numbers.rows import add_senders

HOSTILE = '=HYPERLINK("x")<script>alert(1)</script>\u202e\'; DROP TABLE events'
NOW = datetime.now(UTC)
LIST = "/console/pickups"


@pytest.fixture
def event(engine: Engine) -> int:
    return add_event(engine)


@pytest.fixture
def point(engine: Engine, event: int) -> int:
    made = add_point(engine, event, "Liberty", 31.5102, 74.3441, seats=50, marshal="+923001112223")
    leaves = (NOW + timedelta(hours=2)).replace(second=0, microsecond=0)  # as files and forms write it
    with writing(engine) as connection:
        connection.execute(Departure.__table__.update().values(leaves_at=leaves))
    return made


@pytest.fixture
def held(engine: Engine, point: int) -> list[int]:
    """Three people with a seat each on the point's bus; the third texted STOP since."""
    senders = add_senders(engine, 3, NOW)
    with writing(engine) as connection:
        bus = connection.execute(select(Departure.id).where(Departure.pickup_point_id == point)).scalar_one()
        rows = [
            {"departure_id": bus, "sender_id": one, "seats": 1, "state": "held", "held_at": NOW,
             "until": NOW + timedelta(hours=1)}
            for one in senders
        ]  # fmt: skip
        connection.execute(insert(SeatHold), rows)
        connection.execute(Departure.__table__.update().values(held=3))
        connection.exec_driver_sql(f"UPDATE senders SET consent = 'stopped' WHERE id = {senders[2]}")
    return senders


def _one(engine: Engine, query: Any) -> Any:
    with reading(engine) as connection:
        return connection.execute(query).one()


def _count(engine: Engine, table: Any) -> int:
    with reading(engine) as connection:
        return int(connection.execute(select(func.count()).select_from(table)).scalar_one())


def test_the_table_shows_points_with_seats_and_states(
    as_organiser: Browser, engine: Engine, event: int, point: int
) -> None:
    add_point(engine, event, HOSTILE, 31.52, 74.35, state="closed")
    page = as_organiser.get(LIST)
    assert page.status_code == 200
    assert "Liberty" in page.text and 'max="50"' in page.text and ">closed<" in page.text
    assert "<script>alert" not in page.text and "&lt;script&gt;" in page.text and ' style="' not in page.text
    assert "+92300" not in page.text
    assert "Liberty" not in as_organiser.get(f"{LIST}?state=closed").text.partition('id="pick-table"')[2]
    assert "Liberty" in as_organiser.get(f"{LIST}?q=libe").text.partition('id="pick-table"')[2]
    assert "No point fits" in as_organiser.get(f"{LIST}?q=nowhere&city=Lahore").text


def test_empty_pages_say_what_to_do_next(as_organiser: Browser, engine: Engine) -> None:
    for path, words in ((LIST, "jalsa events add"), (f"{LIST}/demand", "No event"), (f"{LIST}/new", "No event"),
                        (f"{LIST}/import", "No event"), (f"{LIST}/unmatched", "Every place was known")):  # fmt: skip
        assert words in as_organiser.get(path).text
    add_event(engine)
    assert "Import them from a CSV" in as_organiser.get(LIST).text


def test_one_point_closed_tells_each_holder_once(
    as_organiser: Browser, engine: Engine, point: int, held: list[int]
) -> None:
    path = f"{LIST}/{point}"
    assert "+92•••••2223" in as_organiser.get(path).text or "2223" in as_organiser.get(path).text
    fields = {**as_organiser.form(f"{path}/state"), "state": "closed"}
    first = as_organiser.post(f"{path}/state", fields)
    again = as_organiser.post(f"{path}/state", fields)
    assert first.status_code == again.status_code == 303
    assert _count(engine, OutboundText) == 2, "one each; the third texted STOP"
    assert "already; nothing happened twice" in as_organiser.follow(again).text
    assert _one(engine, select(PickupPoint.state)).state == "closed"
    line = _one(engine, select(AuditEntry.__table__).where(AuditEntry.action == "pickup.state"))
    assert (line.by, line.subject) == ("omar", f"pickup:{point}")
    fields = {**as_organiser.form(f"{path}/state", as_organiser.get(path)), "state": "open"}
    as_organiser.post(f"{path}/state", fields)
    assert _one(engine, select(PickupPoint.state)).state == "open"


def test_moving_needs_a_position_and_says_so(
    as_organiser: Browser, engine: Engine, point: int, held: list[int]
) -> None:
    path = f"{LIST}/{point}"
    as_organiser.get(path)
    refused = as_organiser.submit(f"{path}/move", to="somewhere", landmark="gate")
    assert refused.status_code == 422 and "no position" in refused.text and 'value="somewhere"' in refused.text
    done = as_organiser.submit(f"{path}/move", to="https://maps.google.com/?q=31.5200,74.3500")
    assert "2 people are told" in as_organiser.follow(done).text.replace("<bdi>", "").replace("</bdi>", "")
    moved = _one(engine, select(PickupPoint.lat, PickupPoint.lon, PickupPoint.state))
    assert tuple(moved) == (31.52, 74.35, "moved")


def test_a_bus_is_late_counted_and_gone(as_organiser: Browser, engine: Engine, point: int, held: list[int]) -> None:
    bus = _one(engine, select(Departure.id)).id
    path = f"{LIST}/{point}"
    for what, number in (("late", "20"), ("count", "45"), ("left", "")):
        as_organiser.get(path)
        fields = {**as_organiser.form(f"{path}/buses/{bus}"), "what": what, "number": number}
        assert as_organiser.post(f"{path}/buses/{bus}", fields).status_code == 303
    row = _one(engine, select(Departure.__table__))
    assert (row.late_minutes, row.boarded, row.left_at is not None) == (20, 45, True)
    assert _count(engine, OutboundText) == 2, "both holders are told of the delay"


@pytest.mark.parametrize(
    ("what", "number"), [("late", "601"), ("late", "-1"), ("late", "soon"), ("count", ""), ("fly", "1")]
)
def test_a_number_that_is_none_changes_nothing(
    as_organiser: Browser, engine: Engine, point: int, what: str, number: str
) -> None:
    bus = _one(engine, select(Departure.id)).id
    path = f"{LIST}/{point}"
    as_organiser.get(path)
    fields = {**as_organiser.form(f"{path}/buses/{bus}"), "what": what, "number": number}
    assert as_organiser.post(f"{path}/buses/{bus}", fields).status_code == 422
    assert _one(engine, select(Departure.late_minutes)).late_minutes == 0


def test_a_bus_of_another_point_is_not_this_ones(as_organiser: Browser, engine: Engine, event: int, point: int) -> None:
    other = add_point(engine, event, "Other", 31.53, 74.35, seats=5)
    bus = _one(engine, select(Departure.id).where(Departure.pickup_point_id == other)).id
    mine = _one(engine, select(Departure.id).where(Departure.pickup_point_id == point)).id
    path = f"{LIST}/{point}"
    as_organiser.get(path)
    fields = {**as_organiser.form(f"{path}/buses/{mine}"), "what": "late", "number": "5"}
    assert as_organiser.post(f"{path}/buses/{bus}", fields).status_code == 404


def test_field_staff_only_see(as_field: Browser, as_organiser: Browser, point: int) -> None:
    page = as_field.get(f"{LIST}/{point}").text
    assert "Liberty" in page and '<form method="post" action="/console/pickups' not in page
    for path in (f"{LIST}/new", f"{LIST}/import", f"{LIST}/export.csv", f"{LIST}/{point}/edit"):
        assert as_field.get(path).status_code == 403
    as_field.get("/console/account")
    csrf = {"_form": as_field.form("/console/sign-out")["_form"]}
    for path in ("state", "move", "edit", "buses/1"):
        assert as_field.post(f"{LIST}/{point}/{path}", csrf).status_code == 403


def test_another_citys_points_do_not_exist(
    console: FastAPI, engine: Engine, settings: Settings, event: int, point: int
) -> None:
    make_staff(engine, settings, "mina", "organiser", areas=Areas.of(["multan"]))
    fort = add_point(engine, event, "Multan Fort", 30.2, 71.47, seats=40, city="Multan")
    mina = enter(Browser(console), engine, "mina")
    page = mina.get(LIST).text
    assert "Multan Fort" in page and "Liberty" not in page
    for path in ("", "/edit", "/live"):
        assert mina.get(f"{LIST}/{point}{path}").status_code == 404
    mina.get(f"{LIST}/{fort}")
    fields = {**mina.form(f"{LIST}/{fort}/state"), "state": "closed"}
    assert mina.post(f"{LIST}/{point}/state", fields).status_code == 404
    assert "Liberty" not in mina.get(f"{LIST}/demand").text
    assert "Liberty" not in mina.get(f"{LIST}/export.csv").text
    mina.get(f"{LIST}/new?event=rally")
    refused = mina.submit(f"{LIST}/new", name="Mine", city="Lahore", position="31.55,74.35")
    assert refused.status_code == 422 and "outside your areas" in refused.text
    mina.get(f"{LIST}/{fort}/edit")
    assert mina.submit(f"{LIST}/{fort}/edit", city="Lahore").status_code == 422
    refused = _import(mina, "name,city,lat,lon\nX,Lahore,31.55,74.35\n")
    assert refused.status_code == 422 and "outside your areas" in refused.text


def test_a_point_is_added_and_changed(as_organiser: Browser, engine: Engine, event: int) -> None:
    as_organiser.get(f"{LIST}/new?event=rally")
    wrong = as_organiser.submit(
        f"{LIST}/new", name="Gate", city="Lahore", position="31.55,74.35", departures="tea time"
    )
    assert wrong.status_code == 422 and "is no time" in wrong.text and 'value="Gate"' in wrong.text
    fields = {"name": HOSTILE, "city": "Lahore", "position": "31.55,74.35", "departures": _clock(3), "seats": "40",
              "marshal": "0300 1112223"}  # fmt: skip
    done = as_organiser.submit(f"{LIST}/new", **fields)
    assert done.status_code == 303, done.text
    row = _one(engine, select(PickupPoint.__table__))
    assert (row.name, row.marshal) == (HOSTILE, "+923001112223")
    as_organiser.get(f"{LIST}/new?event=rally")
    assert "already" in as_organiser.submit(f"{LIST}/new", **fields).text
    path = f"{LIST}/{row.id}/edit"
    as_organiser.get(path)
    assert as_organiser.submit(path, name="New Gate", seats="45", aliases="ng|n gate").status_code == 303
    row = _one(engine, select(PickupPoint.__table__))
    assert (row.name, row.aliases, row.marshal, row.lat) == ("New Gate", ["ng", "n gate"], "+923001112223", 31.55)
    assert _one(engine, select(Departure.seats)).seats == 45
    as_organiser.get(path)
    as_organiser.submit(path, no_marshal="1")
    assert _one(engine, select(PickupPoint.marshal)).marshal is None


def test_a_bus_cannot_be_made_smaller_than_what_is_held(
    as_organiser: Browser, engine: Engine, point: int, held: list[int]
) -> None:
    path = f"{LIST}/{point}/edit"
    as_organiser.get(path)
    refused = as_organiser.submit(path, seats="2")
    assert refused.status_code == 422 and "<bdi>3</bdi> are held" in refused.text
    assert _one(engine, select(Departure.seats)).seats == 50


def _clock(hours: int) -> str:
    from zoneinfo import ZoneInfo

    return f"{(NOW + timedelta(hours=hours)).astimezone(ZoneInfo('Asia/Karachi')):%Y-%m-%d %H:%M}"


def _import(browser: Browser, content: str | bytes) -> Any:
    browser.get(f"{LIST}/import")
    fields = browser.form(f"{LIST}/import") | {"event": "rally"}
    raw = content.encode() if isinstance(content, str) else content
    sent = {"origin": browser.address, "sec-fetch-site": "same-origin"}
    browser.last = browser.http.post(
        f"{LIST}/import", data=fields, files={"file": ("points.csv", raw, "text/csv")}, headers=sent
    )
    return browser.last


def test_an_import_is_previewed_then_done_once(
    as_organiser: Browser, engine: Engine, point: int, held: list[int]
) -> None:
    quoted = HOSTILE.replace('"', '""')
    content = "name,city,lat,lon,seats,departures,stars\nLiberty,Lahore,31.5200,74.3441,,,5\n"
    content += f'"{quoted}",Lahore,31.53,74.36,40,{_clock(2)},3\n'
    page = _import(as_organiser, content)
    assert page.status_code == 200, page.text
    text = page.text.replace("<bdi>", "").replace("</bdi>", "")
    assert "3 seats are held here, and an import tells nobody" in text
    assert "31.5102" in text and "stars" in text and "&lt;script&gt;" in text
    assert _count(engine, PickupPoint) == 1, "nothing is written by a preview"
    fields = as_organiser.form(f"{LIST}/import/do")
    first, again = as_organiser.post(f"{LIST}/import/do", fields), as_organiser.post(f"{LIST}/import/do", fields)
    assert first.status_code == again.status_code == 303
    assert _count(engine, PickupPoint) == 2
    row = _one(engine, select(PickupPoint.__table__).where(PickupPoint.name == "Liberty"))
    assert (row.marshal, row.lat) == ("+923001112223", 31.52), "what the file has no column for stays"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("name,city,lat,lon\nGate,Lahore,74.35,31.55\n", "look swapped"),
        ("name,city\nGate,Lahore\n", "<bdi>lat, lon</bdi> are missing"),
        ("", "empty"),
        (b"name,city,lat,lon\nK\xe4,Lahore,31.5,74.3\n", "not UTF-8"),
    ],
)
def test_a_bad_file_is_named_by_line_and_nothing_is_written(
    as_organiser: Browser, engine: Engine, event: int, content: str | bytes, words: str
) -> None:
    page = _import(as_organiser, content)
    assert page.status_code == 422 and words in page.text and "Nothing is imported" in page.text
    assert _count(engine, PickupPoint) == 0


def test_what_is_exported_imports_again_as_it_was(as_organiser: Browser, engine: Engine, event: int) -> None:
    add_point(
        engine, event, HOSTILE, 31.52, 74.35, seats=40, aliases=["@home", "b"], landmarks={"": "-gate", "ur": "دروازہ"}
    )
    written = as_organiser.get(f"{LIST}/export.csv?event=rally")
    assert written.headers["content-type"].startswith("text/csv")
    assert "'=HYPERLINK" in written.text and "\n=" not in written.text and "+92" not in written.text
    page = _import(as_organiser, written.content)
    assert page.status_code == 200, page.text
    # Seconds of a bus's time are not written, so the test's bus is another one; everything else is the same.
    assert ">name<" not in page.text and ">aliases<" not in page.text and ">landmarks<" not in page.text


def test_demand_tells_where_people_asked_from(as_organiser: Browser, engine: Engine, event: int, point: int) -> None:
    with writing(engine) as connection:
        for metres in (5_000, 7_000):
            connection.execute(
                insert(PickupAsk).values(
                    event_id=event, place=HOSTILE, lat=31.6, lon=74.4, nearest_id=point, offered_id=point,
                    metres=metres, asked_at=NOW,
                )
            )  # fmt: skip
    page = as_organiser.get(f"{LIST}/demand").text.replace("<bdi>", "").replace("</bdi>", "")
    assert "6.0 km" in page and "&lt;script&gt;" in page and "Liberty" in page


@pytest.fixture
def unknown(engine: Engine) -> Callable[[str, str], None]:
    def add(words: str, near: str) -> None:
        with writing(engine) as connection:
            connection.execute(
                insert(UnmatchedPlace).values(
                    key=words.lower()[:80], words=words[:80], near=near, times=3, first_asked_at=NOW, last_asked_at=NOW
                )
            )

    return add


def test_an_unknown_place_becomes_a_name_of_a_known_one(
    as_organiser: Browser, console: FastAPI, engine: Engine, point: int, unknown: Callable[[str, str], None]
) -> None:
    unknown("wapda grid", "Lahore")
    assert "wapda grid" in as_organiser.get(f"{LIST}/unmatched").text
    page = as_organiser.submit(f"{LIST}/unmatched/choose", q="libert")
    assert page.status_code == 200 and f'value="pickup:{point}"' in page.text
    assert "wapda" not in str(page.url)
    nothing = as_organiser.submit(f"{LIST}/unmatched/alias", place="nowhere")
    assert nothing.status_code == 422
    done = as_organiser.submit(f"{LIST}/unmatched/alias", place=f"pickup:{point}")
    assert "means" in as_organiser.follow(done).text
    assert _one(engine, select(PickupPoint.aliases)).aliases == ["wapda grid"]
    assert "Every place was known" in as_organiser.get(f"{LIST}/unmatched").text


def test_an_unknown_place_becomes_a_place_of_its_own(
    as_organiser: Browser, engine: Engine, point: int, unknown: Callable[[str, str], None]
) -> None:
    unknown(HOSTILE, "")
    as_organiser.get(f"{LIST}/unmatched")
    page = as_organiser.submit(f"{LIST}/unmatched/choose")
    assert "&lt;script&gt;" in page.text and "<script>alert" not in page.text
    assert as_organiser.submit(f"{LIST}/unmatched/place", at="here").status_code == 422
    assert as_organiser.submit(f"{LIST}/unmatched/place", at="31.52,74.33", city="Lahore").status_code == 303
    assert _one(engine, select(Place.lat).where(Place.source == "staff")).lat == 31.52


def test_unknown_places_of_other_cities_are_not_theirs(
    console: FastAPI, engine: Engine, settings: Settings, point: int, unknown: Callable[[str, str], None]
) -> None:
    make_staff(engine, settings, "mina", "organiser", areas=Areas.of(["multan"]))
    unknown("old mill", "Lahore")
    unknown("new mill", "Multan")
    mina = enter(Browser(console), engine, "mina")
    page = mina.get(f"{LIST}/unmatched").text
    assert "new mill" in page and "old mill" not in page
    fields = mina.form(f"{LIST}/unmatched/choose") | {"key": "old mill"}
    assert mina.post(f"{LIST}/unmatched/choose", fields).status_code == 404
    page = mina.submit(f"{LIST}/unmatched/choose", q="liberty").text
    assert f"pickup:{point}" not in page


def test_who_waits_is_masked(as_field: Browser, engine: Engine, point: int) -> None:
    [one] = add_senders(engine, 1, NOW)
    with writing(engine) as connection:
        connection.execute(insert(SeatWait).values(sender_id=one, pickup_point_id=point, asked_at=NOW))
        bump(connection, "pickups")
    page = as_field.get(f"{LIST}/{point}").text
    assert "+923000000000" not in page and "not yet" in page
