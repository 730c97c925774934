"""CSV imports from the command line: whole or not at all, every bad row named."""

from pathlib import Path

import pytest
from sqlalchemy import Engine, select
from typer.testing import CliRunner

from gateway.cli import app
from gateway.database import reading
from gateway.places.store import read_directory
from gateway.tables import Constituency, Place


@pytest.fixture
def jalsa(database_url: str, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    monkeypatch.setenv("DATABASE_URL", database_url)
    return CliRunner()


def test_places_are_loaded_and_found(jalsa: CliRunner, engine: Engine, tmp_path: Path) -> None:
    file = tmp_path / "areas.csv"
    file.write_text(
        "name,lat,lon,city,name_ur,aliases\nBagh Colony,31.51,74.35,Lahore,باغ کالونی,bagh clny|baghkalony\n"
    )
    for _ in range(2):
        done = jalsa.invoke(app, ["places", "import", str(file)])
        assert done.exit_code == 0, done.output
    with reading(engine) as connection:
        directory = read_directory(connection)
        assert len(connection.execute(select(Place).where(Place.source == "import")).all()) == 1
    for spelling in ("bagh colony", "باغ کالونی", "Baghkalony"):
        found = directory.place_named(spelling)
        assert found is not None
        assert found.name == "Bagh Colony"


def test_every_bad_row_is_named_and_nothing_is_half_loaded(jalsa: CliRunner, engine: Engine, tmp_path: Path) -> None:
    file = tmp_path / "areas.csv"
    file.write_text(
        "name,lat,lon,city\nGood Place,31.5,74.3,Lahore\nSwapped,74.3,31.5,Lahore\n"
        ",31.5,74.3,Lahore\nNowhere,abc,74.3,Lahore\n"
    )
    done = jalsa.invoke(app, ["places", "import", str(file)])
    assert done.exit_code == 1
    for line in (3, 4, 5):
        assert f"line {line}" in done.output
    with reading(engine) as connection:
        assert connection.execute(select(Place).where(Place.source == "import")).all() == []


def test_constituencies_of_another_delimitation(jalsa: CliRunner, engine: Engine, tmp_path: Path) -> None:
    file = tmp_path / "seats.csv"
    file.write_text("code,name,delimitation,district\nNA-1,Old Chitral,2013,Chitral\n")
    done = jalsa.invoke(app, ["constituencies", "import", str(file)])
    assert done.exit_code == 0, done.output
    with reading(engine) as connection:
        years = connection.execute(select(Constituency.delimitation).where(Constituency.code == "NA-1")).scalars().all()
    assert sorted(years) == [2013, 2018, 2024]


def test_organisers_define_their_own_groups(jalsa: CliRunner, engine: Engine) -> None:
    def said(*words: str) -> str:
        done = jalsa.invoke(app, list(words))
        assert done.exit_code == 0, done.output
        return done.output

    said("affinities", "set", "nurses-union", "--name", "en=nurses union", "--name", "ur=نرسز", "--alias", "nu")
    assert "nurses union" in said("text", "--from", "+923001234501", "JOIN Ali Lahore nurses union")
    assert "نرسز" in said("text", "--from", "+923001234502", "شامل علی لاہور نرسز")
    assert '"members": 2' in said("affinities", "list", "--json")
    assert "nurses union" in said("text", "--from", "+923001234501", "STOP nurses union")
    assert '"consent": "joined"' in said("members", "show", "+923001234501", "--json")
    taken = jalsa.invoke(app, ["affinities", "set", "other", "--alias", "nu"])
    assert taken.exit_code == 1
    assert "nurses-union" in taken.output


def test_a_file_that_is_no_utf8_is_one_sentence(jalsa: CliRunner, tmp_path: Path) -> None:
    file = tmp_path / "areas.csv"
    file.write_bytes("name,lat,lon\nLahoré,1,2\n".encode("latin-1"))
    done = jalsa.invoke(app, ["places", "import", str(file)])
    assert done.exit_code == 1
    assert "UTF-8" in done.output
