"""iReports, pick-up points and texts over the API."""

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, func, insert, select

from gateway.database import reading, writing
from gateway.rules.refs import read_ref
from gateway.tables import AuditEntry, Event, OutboundText, PickupPoint, Staff
from tests.api.conftest import Program, Programs, Texting

REPORTER = "+923001234501"


@pytest.fixture
def ref(text: Texting, engine: Engine) -> str:
    """The ref of a report, whose text holds somebody's number."""
    with writing(engine) as connection:
        now = datetime.now(UTC)
        connection.execute(
            insert(Staff), {"login": "sana", "role": "field", "password_hash": "-", "active": True, "created_at": now}
        )
    return _ref(text("REPORT no water at gate 3, call 03331234567"))


def _ref(answer: str | None) -> str:
    found = [read_ref(one) for one in re.findall(r"\b[0-9A-Z]{4,5}\b", answer or "")]
    return next(one for one in found if one)


def texts_to_reporters(engine: Engine) -> int:
    with reading(engine) as connection:
        mine = select(func.count()).select_from(OutboundText).where(OutboundText.kind == "report")
        return connection.execute(mine).scalar_one()


def test_a_report_from_open_to_solved(app: Program, ref: str, engine: Engine) -> None:
    [listed] = app.get("/reports", state="received").json()["items"]
    assert listed["ref"] == ref and listed["assignee"] is None
    assert app.post(f"/reports/{ref}/assign", {"login": "nobody"}).status_code == 409
    assert app.post(f"/reports/{ref}/assign", {"login": "sana"}, key="a").json() == {
        "ref": ref, "event": "", "state": "assigned", "assignee": "sana"}  # fmt: skip
    told = texts_to_reporters(engine)
    assert told == 1
    assert app.post(f"/reports/{ref}/assign", {"login": "sana"}, key="a").headers["Idempotency-Replayed"] == "true"
    assert texts_to_reporters(engine) == told
    app.post(f"/reports/{ref}/note", {"text": "the tanker is late"})
    assert app.post(f"/reports/{ref}/correct", {"urgency": 3, "place": "gate 3"}).status_code == 200
    answered = app.post(f"/reports/{ref.lower()}/reply", {"text": "Water is on its way."})
    assert answered.json() == {"ref": ref, "told": 1}
    assert app.post(f"/reports/{ref}/move", {"to": "closed"}).status_code == 409
    assert app.post(f"/reports/{ref}/move", {"to": "resolved", "note": "tanker came"}).json()["state"] == "resolved"
    story = app.get(f"/reports/{ref}").json()
    assert story["urgency"] == 3 and "closed" in story["may_become"]
    said = [(one["kind"], one["by"], one["text"]) for one in story["timeline"]]
    assert ("note", "key:app", "the tanker is late") in said and ("reply", "key:app", "Water is on its way.") in said
    assert texts_to_reporters(engine) == told + 2


def test_reports_are_merged_and_split(app: Program, ref: str, text: Texting) -> None:
    other = _ref(text("REPORT no water at gate 3 at all", sender="+923001234502"))
    assert app.post(f"/reports/{other}/merge", {"into": "ZZZZ"}).json()["errors"][0]["pointer"] == "/into"
    assert app.post(f"/reports/{other}/merge", {"into": other}).status_code == 409
    assert app.post(f"/reports/{other}/merge", {"into": ref}).json()["state"] == "duplicate"
    assert app.get(f"/reports/{ref}").json()["duplicates"] == [other]
    assert app.post(f"/reports/{other}/split").json()["state"] == "reopened"
    assert app.get("/reports/4F2C").status_code == app.get("/reports/hello").status_code == 404


def test_reports_are_paged_and_filtered(app: Program, text: Texting, engine: Engine) -> None:
    for at in range(3):
        text(f"REPORT no water at gate {at}", sender=f"+92300123451{at}")
    first = app.get("/reports", limit=2, unassigned="true", state=["received"]).json()
    rest = app.http.get(first["next"], headers=app.headers).json()
    assert len({one["ref"] for one in first["items"] + rest["items"]}) == 3 and rest["next"] is None
    assert app.get("/reports", state=["closed", "resolved"]).json()["items"] == []
    assert app.get("/reports", state="lost").json()["errors"][0]["parameter"] == "state"
    assert app.get("/reports", since="yesterday").json()["errors"][0]["parameter"] == "since"


def test_numbers_in_words_are_masked_without_the_scope(program: Programs, ref: str, text: Texting) -> None:
    whole = program("whole")
    masked = program("masked", [one for one in whole_scopes() if one != "phones:read"])
    for path in (f"/reports/{ref}", "/reports", "/texts/in", "/texts/out"):
        seen = json.dumps(masked.get(path).json())
        assert "3331234567" not in seen and "3001234501" not in seen, path
    assert "03331234567" in whole.get(f"/reports/{ref}").text
    assert REPORTER in whole.get("/texts/in").text


def whole_scopes() -> list[Any]:
    from gateway.api.scopes import Scope

    return list(Scope)


def test_texts_in_and_out(app: Program, text: Texting) -> None:
    text("JOIN Ali Lahore")
    text("REPORT no water at gate 3")
    text("JOIN Sana Multan", sender="+923001234502")
    inbound = app.get("/texts/in").json()["items"]
    assert [one["command"] for one in inbound] == ["JOIN", "REPORT", "JOIN"]
    member = inbound[-1]["member"]
    assert len(app.get("/texts/in", member=member, command="REPORT").json()["items"]) == 1
    outbound = app.get("/texts/out", member=member).json()["items"]
    assert {one["in_answer_to"] for one in outbound} == {one["id"] for one in inbound if one["member"] == member}
    ahead = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    assert app.get("/texts/in", since=ahead).json()["items"] == []
    assert {one["kind"] for one in app.get("/texts/out", until=ahead, kind="reply").json()["items"]} == {"reply"}
    first = app.get("/texts/in", limit=1).json()
    text("ME")
    assert app.http.get(first["next"], headers=app.headers).json()["items"][0]["id"] == inbound[1]["id"]


# Pick-up points -------------------------------------------------------------------------------------------------------

CSV = "name,city,lat,lon,departures,seats,marshal\nKalma Chowk,Lahore,31.5041,74.3319,08:00|08:30,50,03001234509\n"


@pytest.fixture
def rally(engine: Engine) -> str:
    now = datetime.now(UTC)
    with writing(engine) as connection:
        connection.execute(
            insert(Event),
            {"key": "rally", "name": "Rally", "names": {}, "venue": "Minar", "lat": 31.59, "lon": 74.31,
             "zone": "Asia/Karachi", "doors_at": now + timedelta(days=2), "ends_at": now + timedelta(days=3)},
        )  # fmt: skip
    return "rally"


def imported(app: Program, body: str | bytes, key: str | None = None, **params: Any) -> Any:
    headers = {"Content-Type": "text/csv"}
    return app.post("/pickups/import", key=key, headers=headers, content=body, params=params)


def test_points_are_imported_shown_closed_and_moved(app: Program, rally: str, engine: Engine) -> None:
    done = imported(app, CSV, key="once", event=rally)
    assert (done.json()["added"], done.json()["changed"]) == (1, 0), done.text
    assert imported(app, CSV, key="once", event=rally).headers["Idempotency-Replayed"] == "true"
    assert imported(app, CSV.encode("utf-16"), event=rally).json()["changed"] == 1
    [point] = app.get("/pickups").json()["items"]
    assert [one["seats"] for one in point["departures"]] == [50, 50] and point["marshal"] == "+923001234509"
    path = f"/pickups/{point['id']}"
    assert app.post(f"{path}/state", {"state": "gone"}).json()["errors"][0]["pointer"] == "/state"
    assert app.post(f"{path}/state", {"state": "full"}).json() == {"id": point["id"], "state": "full", "told": 0}
    assert app.get(path).json()["state"] == "full"
    assert app.post(f"{path}/move", {"lat": 31.51, "lon": 74.33, "landmark": "petrol pump"}).json()["state"] == "moved"
    assert app.post(f"{path}/move", {"lat": 91, "lon": 0}).status_code == 422
    assert app.get("/pickups", state="moved").json()["items"][0]["landmarks"] == {"": "petrol pump"}
    assert app.get("/events").json()["items"][0]["key"] == rally
    assert app.get("/pickups", event="none").status_code == 404
    with reading(engine) as connection:
        done_by = connection.execute(select(AuditEntry.action, AuditEntry.subject, AuditEntry.by)).all()
    assert ("pickups.change_state", f"pickups/{point['id']}", "key:app") in [tuple(one) for one in done_by]


@pytest.mark.parametrize(
    ("body", "line"),
    [
        (CSV + "Bad,Lahore,99,74.3,,,\nWorse,Lahore,31.5,x,,,\n", 3),
        (CSV + "Swapped,Lahore,74.33,31.50,,,\n", 3),
        (CSV.replace("Kalma", "Kal\0ma"), 2),
        ("name,city\nA,B\n", 1),
    ],
)
def test_a_faulty_file_is_told_line_by_line_and_loads_nothing(
    app: Program, rally: str, engine: Engine, body: str, line: int
) -> None:
    answer = imported(app, body)
    assert answer.status_code == 422 and answer.json()["errors"][0]["line"] == line, answer.text
    with reading(engine) as connection:
        assert connection.execute(select(func.count()).select_from(PickupPoint)).scalar_one() == 0


def test_other_faulty_files(app: Program, rally: str) -> None:
    assert imported(app, b"\xff\xfe\xfa").status_code == 422
    assert imported(app, "").status_code == 422
    assert imported(app, "x" * 2_100_000).status_code == 413
    assert app.post("/pickups/import", {"csv": CSV}).status_code == 415
    assert imported(app, CSV, event="none").status_code == 404


def test_a_bound_key_sees_points_and_reports_of_its_city(program: Programs, rally: str, text: Texting) -> None:
    app = program("app")
    imported(app, CSV + "Chowk Kumharan,Multan,30.2000,71.4700,,,\n")
    text("JOIN Ali Lahore")
    text("JOIN Hina Multan", sender="+923001234502")
    text("REPORT no bus near 30.1956,71.4753", sender="+923001234502")
    lahore, multan = program("lahore", cities=["lahore"]), program("multan", cities=["multan"])
    assert [one["city"] for one in multan.get("/pickups").json()["items"]] == ["Multan"]
    [other] = [one["id"] for one in app.get("/pickups").json()["items"] if one["city"] == "Lahore"]
    assert multan.get(f"/pickups/{other}").status_code == 404
    assert multan.post(f"/pickups/{other}/state", {"state": "closed"}).status_code == 404
    assert imported(multan, CSV).status_code == 403
    [report] = multan.get("/reports").json()["items"]
    assert lahore.get("/reports").json()["items"] == []
    assert lahore.get(f"/reports/{report['ref']}").status_code == 404
    assert lahore.post(f"/reports/{report['ref']}/note", {"text": "mine"}).status_code == 404
    assert {one["member"] for one in lahore.get("/texts/in").json()["items"]}.isdisjoint(
        {one["member"] for one in multan.get("/texts/in").json()["items"]}
    )
