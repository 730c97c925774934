"""Areas as conditions of queries, on both databases: nobody sees, counts or texts what lies elsewhere."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import Connection, Engine, insert, select, update
from typer.testing import CliRunner

from gateway.accounts import staff
from gateway.accounts.areas import EVERYWHERE, Areas, seat_of_text, seat_text
from gateway.accounts.staff import StaffRefused
from gateway.cli import app
from gateway.database import reading, writing
from gateway.places.store import read_directory
from gateway.tables import Constituency, Event, Member, PickupPoint, Report
from tests.console.objects import a_member, a_report, an_event, place_id

LAHORE = Areas.of(["lahore"])
IN_LAHORE, IN_MULTAN = {"lat": 31.52, "lon": 74.35}, {"lat": 30.2, "lon": 71.47}


def test_no_areas_are_everywhere() -> None:
    assert EVERYWHERE.everywhere and EVERYWHERE.covers_city("multan") and EVERYWHERE.covers_seat("NA-1@2024")
    assert LAHORE.covers_city("lahore") and not LAHORE.covers_city("multan") and not LAHORE.covers_city(None)
    assert not LAHORE.covers_seat("NA-130@2024")


def test_a_seat_is_written_as_in_rules() -> None:
    assert seat_of_text(seat_text("NA-130", 2024)) == ("NA-130", 2024)
    assert seat_of_text("Chittagong-9") == ("Chittagong-9", 0)
    with pytest.raises(ValueError, match="NA-130@2024"):
        seat_of_text("NA-130@year")


def test_members_are_found_by_city_or_by_either_seat(engine: Engine) -> None:
    with writing(engine) as connection:
        lahore, multan = (
            a_member(connection, "lahore", "+923001110001"),
            a_member(connection, "multan", "+923001110002"),
        )
        nowhere = a_member(connection, "multan", "+923001110003")
        connection.execute(update(Member).where(Member.sender_id == nowhere).values(city_id=None))
        seat = connection.execute(
            select(Constituency.id).where(Constituency.code == "NA-130", Constituency.delimitation == 2024)
        ).scalar_one()
        connection.execute(update(Member).where(Member.sender_id == multan).values(constituency_id=seat))

        def within(areas: Areas) -> set[int]:
            return set(connection.execute(select(Member.sender_id).where(areas.members())).scalars())

        assert within(EVERYWHERE) == {lahore, multan, nowhere}
        assert within(LAHORE) == {lahore}
        assert within(Areas.of(seats=["NA-130@2024"])) == {multan}
        assert within(Areas.of(seats=["NA-130@2018"])) == set()
        assert within(Areas.of(["lahore"], ["NA-130@2024"])) == {lahore, multan}


def _seen(connection: Connection, areas: Areas) -> set[str]:
    return set(connection.execute(select(Report.ref).where(areas.reports())).scalars())


def test_a_report_belongs_to_where_it_happens_not_to_where_its_sender_is_from(engine: Engine) -> None:
    with writing(engine) as connection:
        from_multan = a_member(connection, "multan", "+923001110001")
        from_lahore = a_member(connection, "lahore", "+923001110002")
        stranger = a_member(connection, "lahore", "+923001110003")
        connection.execute(update(Member).where(Member.sender_id == stranger).values(city_id=None))
        an_event(connection, "lahore-rally", **IN_LAHORE)
        an_event(connection, "multan-rally", **IN_MULTAN)
        a_report(connection, "POS1", from_multan, **IN_LAHORE)
        a_report(connection, "POS2", from_lahore, **IN_MULTAN)
        a_report(connection, "PLC1", from_multan, place_key="place:lahore", place="Lahore")
        a_report(connection, "PLC2", from_lahore, place_key="place:multan", place="Multan")
        a_report(connection, "RLY1", from_multan, event_key="lahore-rally", place_key="spot:gate 3")
        a_report(connection, "RLY2", from_lahore, event_key="multan-rally", place_key="spot:gate 3")
        a_report(connection, "HOM1", from_lahore)
        a_report(connection, "HOM2", from_multan)
        a_report(connection, "NONE", stranger)
        assert _seen(connection, LAHORE) == {"POS1", "PLC1", "RLY1", "HOM1", "NONE"}
        assert _seen(connection, Areas.of(["multan"])) == {"POS2", "PLC2", "RLY2", "HOM2", "NONE"}
        assert len(_seen(connection, EVERYWHERE)) == 9


def test_points_and_rallies_of_a_city(engine: Engine) -> None:
    with writing(engine) as connection:
        lahore = an_event(connection, "lahore-rally", **IN_LAHORE)
        multan = an_event(connection, "multan-rally", **IN_MULTAN)
        point = {"names": {}, "aliases": [], "landmarks": {}, **IN_LAHORE}
        connection.execute(
            insert(PickupPoint.__table__),
            [
                {"event_id": lahore, "name": "A", "city": "LAHORE", **point},
                {"event_id": lahore, "name": "B", "city": "Kasur", **point},
            ],
        )

        def points(areas: Areas) -> set[str]:
            return set(connection.execute(select(PickupPoint.name).where(areas.points())).scalars())

        def events(areas: Areas) -> set[int]:
            return set(connection.execute(select(Event.id).where(areas.events())).scalars())

        assert (points(LAHORE), points(EVERYWHERE), points(Areas.of(seats=["NA-130@2024"]))) == (
            {"A"},
            {"A", "B"},
            set(),
        )
        assert (events(LAHORE), events(Areas.of(["kasur"])), events(EVERYWHERE)) == (
            {lahore},
            {lahore},
            {lahore, multan},
        )


def test_areas_are_read_as_people_write_them(engine: Engine) -> None:
    with reading(engine) as connection:
        directory = read_directory(connection)
        areas = staff.read_area_names(directory, ["لاہور", "Lahor"], ["na 130", "NA-130@2018"])
        assert areas == Areas.of(["lahore"], ["NA-130@2024", "NA-130@2018"])
        assert staff.area_names(connection, areas) == ["Lahore", "NA-130@2018", "NA-130@2024"]
    for cities, seats in ((["Atlantis"], []), ([], ["NA-999"]), ([], ["NA-130@year"])):
        with pytest.raises(StaffRefused):
            staff.read_area_names(directory, cities, seats)


def test_the_last_admin_stays(engine: Engine) -> None:
    now = datetime.now(UTC)
    with writing(engine) as connection:
        for login in ("amna", "bushra"):
            staff.add_staff(
                connection, login=login, role="admin", by="test", now=now, region="PK", password="violet-anchor-mango"
            )
        staff.disable(connection, "amna", "bushra", now)
        for change in (
            lambda: staff.disable(connection, "bushra", "amna", now),
            lambda: staff.change_role(connection, "bushra", "field", "amna", now),
        ):
            with pytest.raises(StaffRefused, match="last admin"):
                change()


def test_the_command_line_has_the_same_rules(
    engine: Engine, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)

    def jalsa(*words: str, fails: bool = False) -> str:
        done = CliRunner().invoke(app, ["staff", *words])
        assert done.exit_code == int(fails), done.output
        return done.output

    assert "password" in jalsa("add", "Amna", "--role", "admin", "--name", "Amna Khan")
    assert "taken" in jalsa("add", "amna", "--role", "field", fails=True)
    assert "no city" in jalsa("add", "bilal", "--role", "field", "--city", "Atlantis", fails=True)
    jalsa("add", "bilal", "--role", "organiser", "--city", "Lahore", "--seat", "NA-130", "--phone", "0300 1234567")
    listed = jalsa("list", "--json")
    assert "NA-130@2024" in listed and "1234567" not in listed
    jalsa("areas", "bilal", "--city", "Multan")
    jalsa("role", "bilal", "field")
    assert "last admin" in jalsa("disable", "amna", fails=True)
    jalsa("disable", "bilal")
    jalsa("enable", "bilal")
    assert "-" in jalsa("reset-password", "bilal")
    jalsa("reset-second-factor", "bilal")
    assert "There is no login" in jalsa("role", "nobody", "field", fails=True)
    with reading(engine) as connection:
        from gateway.accounts import audit

        actions = [line.action for line in audit.lines(connection)]
    assert actions == [
        "staff.second_factor_reset", "staff.password_reset", "staff.enabled", "staff.disabled", "staff.role",
        "staff.areas", "staff.added", "staff.added",
    ]  # fmt: skip
    with reading(engine) as connection:
        assert place_id(connection, "multan")
