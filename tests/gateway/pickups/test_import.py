"""A CSV of points: every bad row is named, nothing is half-loaded, and what people hold survives."""

import json
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, select, update
from typer.testing import CliRunner

from gateway.app import create_app
from gateway.cli import app
from gateway.database import writing
from gateway.pickups.csv_file import EventDay, PointRow, read_points
from gateway.settings import Settings
from gateway.tables import Departure, PickupPoint
from segments.csv_files import RowProblem
from tests.gateway.conftest import Texting
from tests.gateway.pickups.conftest import add_point, column

DAY = EventDay(
    datetime(2026, 12, 6, 9, 0, tzinfo=UTC), datetime(2026, 12, 6, 15, 0, tzinfo=UTC), ZoneInfo("Asia/Karachi")
)
HOME = {"Lahore": (31.558, 74.3507)}


def read(*lines: str, heading: str = "name,city,lat,lon") -> tuple[list[PointRow], list[RowProblem]]:
    phone: Callable[[str], str | None] = lambda written: written if written.startswith("+") else None  # noqa: E731
    found = list(read_points([heading, *lines], DAY, HOME.get, phone))
    return [one for one in found if isinstance(one, PointRow)], [one for one in found if isinstance(one, RowProblem)]


@pytest.mark.parametrize(
    ("line", "column", "words"),
    [
        ("Gate,Lahore,74.35,31.55", "lat", "swapped"),
        ("Gate,Lahore,24.86,67.01", "lat", "1,0"),
        ("Gate,Lahore,0,0", "lat", "unknown"),
        ("Gate,Lahore,north,74.3", "lat", "not a number"),
        ("Gate,Lahore,131.5,74.3", "lat", "swapped"),
        (",Lahore,31.5,74.3", "name", "empty"),
        ("Gate,,31.5,74.3", "city", "empty"),
        ("Gate,Lahore,31.5", "lon", "empty"),
        ("Gate,Lahore,31.5,74.3,5,6", "", "6 values"),
    ],
)
def test_a_bad_row_is_named(line: str, column: str, words: str) -> None:
    good, problems = read("Other,Lahore,31.52,74.35", line)
    assert [one.name for one in good] == ["Other"]
    assert (problems[0].line, problems[0].column) == (3, column)
    assert words in problems[0].sentence


def test_a_city_that_nobody_knows_is_where_most_of_its_points_are() -> None:
    lines = [f"Stop {number},Newtown,10.{number:02d},20.{number:02d}" for number in range(8)]
    good, problems = read(*lines, "Astray,Newtown,18.0,20.0", "Turned,Newtown,20.03,10.03")
    assert len(good) == 8
    assert [(one.line, "swapped" in one.sentence) for one in problems] == [(10, False), (11, True)]


def test_doubles_by_name_and_by_spot() -> None:
    _, problems = read(
        "Kalma Chowk,Lahore,31.5044,74.3318", "kalma  chowk,Lahore,31.5100,74.3318", "Other,Lahore,31.50441,74.3318",
        "Kalma Chowk,Multan,30.2,71.47",
    )  # fmt: skip
    assert [(one.line, one.column) for one in problems] == [(3, "name"), (4, "lat")]


def test_everything_that_a_row_can_say() -> None:
    heading = "name,name_ur,city,lat,lon,landmark,landmark_ur,departures,seats,marshal,opens,state,aliases,depot"
    line = (
        "Gate,پھاٹک,Lahore,31.5,74.3,by the bank,بینک,08:00|2026-12-05 21:30,50|40,+923331112222,7:00 am,open,G1|G 2,x"
    )
    [row], problems = read(line, heading=heading)
    assert problems == []
    assert row.names == {"ur": "پھاٹک"} and row.landmarks == {"": "by the bank", "ur": "بینک"}
    assert row.buses == (
        (datetime(2026, 12, 6, 3, 0, tzinfo=UTC), 50),
        (datetime(2026, 12, 5, 16, 30, tzinfo=UTC), 40),
    )
    assert row.opens_at == datetime(2026, 12, 6, 2, 0, tzinfo=UTC)
    assert row.marshal == "+923331112222" and row.aliases == ("G1", "G 2")


@pytest.mark.parametrize(
    ("cells", "column"),
    [
        ("25:00,5,,", "departures"),
        ("08:00|08:00,5,,", "departures"),
        ("2026-12-07 08:00,5,,", "departures"),
        ("08:00,many,,", "seats"),
        ("08:00|09:00,1|2|3,,", "seats"),
        (",5,,", "seats"),
        ("08:00,5,someone,", "marshal"),
        ("08:00,5,,shut", "state"),
    ],
)
def test_bad_times_seats_phones_and_states(cells: str, column: str) -> None:
    _, problems = read(f"Gate,Lahore,31.5,74.3,{cells}", heading="name,city,lat,lon,departures,seats,marshal,state")
    assert [one.column for one in problems] == [column]


@pytest.fixture
def jalsa(database_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., str]:
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("SECRET_KEY", "secret-for-tests-only")
    monkeypatch.chdir(tmp_path)

    def run(*words: str, fails: bool = False) -> str:
        result = CliRunner().invoke(app, list(words), env=dict(os.environ))
        assert (result.exit_code != 0) is fails, result.output
        return result.output

    return run


def test_import_load_and_alias_from_the_command_line(
    jalsa: Callable[..., str], engine: Engine, tmp_path: Path, text: Texting
) -> None:
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    jalsa("pickups", "import", __file__, fails=True)
    jalsa("events", "add", "rally", "--name", "Rally", "--at", "31.5,74.3", "--doors", f"{tomorrow:%Y-%m-%d} 14:00")
    jalsa("events", "add", "rally", "--name", "Again", "--at", "31.5,74.3", "--doors", "2030-01-01 14:00", fails=True)
    file = tmp_path / "points.csv"
    good = "name,city,lat,lon,departures,seats\nClock Tower,Lahore,31.50,74.33,08:00,40\n"
    file.write_text(good + "Bird Market,Lahore,74.33,31.52,,\n")
    said = jalsa("pickups", "import", str(file), fails=True)
    assert "line 3, lat" in said and "nothing was loaded" in said
    assert column(engine, select(PickupPoint.name)) == []
    file.write_text(good + "Bird Market,Lahore,31.52,74.33,,\n")
    assert "2 points added" in jalsa("pickups", "import", str(file))
    assert "0 points added, 2 changed" in jalsa("pickups", "import", str(file))
    assert len(json.loads(jalsa("pickups", "list", "--json"))) == 2
    assert "We do not know" in (text("WHERE ghanta ghar") or "")
    assert json.loads(jalsa("places", "unmatched", "--json"))[0]["words"] == "ghanta ghar"
    jalsa("places", "alias", "ghanta ghar", "Clock Tower")
    assert json.loads(jalsa("places", "unmatched", "--json")) == []
    assert column(engine, select(PickupPoint.aliases).where(PickupPoint.name == "Clock Tower")) == [["ghanta ghar"]]
    jalsa("places", "alias", "wapda grid", "--at", "31.523,74.331", "--city", "Lahore")
    loaded = json.loads(jalsa("pickups", "load", "--json"))
    assert len(loaded[0]["points"]) == 2


def test_seats_that_are_held_survive_an_import(
    jalsa: Callable[..., str], engine: Engine, rally: int, tmp_path: Path
) -> None:
    add_point(engine, rally, "Clock Tower", 31.50, 74.33, seats=10)
    with writing(engine) as connection:
        connection.execute(update(Departure).values(held=4, leaves_at=datetime(2030, 1, 1, 3, 0, tzinfo=UTC)))
        connection.exec_driver_sql("UPDATE events SET doors_at = '2030-01-01 09:00', ends_at = '2030-01-01 20:00'")
    file = tmp_path / "points.csv"
    row = "name,city,lat,lon,departures,seats\nClock Tower,Lahore,31.50,74.33,{},{}\n"
    file.write_text(row.format("08:00", 3))
    assert "4 are held" in jalsa("pickups", "import", str(file), fails=True)
    file.write_text(row.format("09:00", 30))
    assert "4 seats on it are held" in jalsa("pickups", "import", str(file), fails=True)
    file.write_text(row.format("08:00", 5))
    jalsa("pickups", "import", str(file))
    assert column(engine, select(Departure.seats)) == [5]
    assert column(engine, select(Departure.held)) == [4]


def test_a_short_link_leads_to_the_point(engine: Engine, rally: int, settings: Settings) -> None:
    add_point(engine, rally, "Clock Tower", 31.50, 74.33)
    with TestClient(create_app(settings)) as client:
        found = client.get("/p/1", follow_redirects=False)
        assert found.status_code == 302
        assert "destination=31.500000%2C74.330000" in found.headers["location"]
        for wrong in ("/p/2", "/p/zzzzzzzzzz", "/p/-1", "/p/%C3%A9", "/p/99999999999999999999"):
            assert client.get(wrong, follow_redirects=False).status_code == 404
