"""Marshals' words, and the texts that they start."""

from collections.abc import Callable
from datetime import timedelta

from sqlalchemy import Engine, select, update

from gateway.database import reading, writing
from gateway.pickups.desk import end_promises, move_point, points_now, set_state, tell_waiting
from gateway.pickups.load import far_demand, load_of
from gateway.service import Service, utc_now
from gateway.settings import Settings
from gateway.tables import Departure, OutboundText, PickupPoint, SeatHold, Sender
from tests.gateway.conftest import Texting
from tests.gateway.pickups.conftest import add_point, column

MARSHAL = "+923331112222"
SITTER = "+923001234501"
OTHER = "+923001234502"
STARTED = select(OutboundText.body).where(OutboundText.inbound_id.is_(None)).order_by(OutboundText.id)


def test_full_and_open_count_for_the_marshals_own_point_only(engine: Engine, rally: int, text: Texting) -> None:
    add_point(engine, rally, "Clock Tower", 31.50, 74.33, marshal=MARSHAL)
    add_point(engine, rally, "Bird Market", 31.52, 74.33)
    assert text("FULL", MARSHAL) == "Clock Tower: full. Nobody else is sent to you. OPEN takes people again."
    assert (text("WHERE clock tower") or "").startswith("Bird Market")
    assert text("OPEN", MARSHAL) == "Clock Tower: open again."
    assert (text("WHERE clock tower") or "").startswith("Clock Tower")
    text("FULL", OTHER)
    assert column(engine, select(PickupPoint.state)) == ["open", "open"]


def test_late_tells_everyone_with_a_seat_once(engine: Engine, rally: int, text: Texting) -> None:
    add_point(engine, rally, "Clock Tower", 31.50, 74.33, seats=9, marshal=MARSHAL)
    for phone in (SITTER, OTHER):
        text("WHERE clock tower", phone)
        text("SEAT", phone)
    [before] = column(engine, select(Departure.leaves_at))
    assert "told" in (text("LATE 20 min", MARSHAL) or "")
    assert "told before" in (text("LATE 20", MARSHAL) or "")
    told = column(engine, STARTED)
    assert len(told) == 2 and all(one.startswith("Your bus from Clock Tower is late") for one in told)
    text("LATE 35", MARSHAL)
    assert len(column(engine, STARTED)) == 4
    assert column(engine, select(SeatHold.until).distinct()) == [before + timedelta(minutes=25)]
    assert "minutes" in (text("LATE", MARSHAL) or "")


def test_those_who_stopped_are_not_told(engine: Engine, rally: int, text: Texting) -> None:
    add_point(engine, rally, "Clock Tower", 31.50, 74.33, seats=9, marshal=MARSHAL)
    text("WHERE clock tower", SITTER)
    text("SEAT", SITTER)
    text("STOP", SITTER)
    text("LATE 20", MARSHAL)
    assert column(engine, STARTED) == []


def test_left_ends_the_bus_and_count_is_what_sat_on_it(engine: Engine, rally: int, text: Texting) -> None:
    point = add_point(engine, rally, "Clock Tower", 31.50, 74.33, seats=50, marshal=MARSHAL, buses=(20, 90))
    text("WHERE clock tower", SITTER)
    text("SEAT 2", SITTER)
    assert " on bus " in (text("COUNT 45", MARSHAL) or "")
    assert "has left" in (text("LEFT", MARSHAL) or "")
    assert column(engine, select(SeatHold.state)) == ["travelled"]
    assert column(engine, select(Departure.boarded).order_by(Departure.leaves_at)) == [45, None]
    # The next seat is on the next bus.
    text("WHERE clock tower", OTHER)
    text("SEAT", OTHER)
    assert column(engine, select(Departure.held).order_by(Departure.leaves_at)) == [2, 1]
    with reading(engine) as connection:
        [row] = load_of(connection, rally)
    expected = {"id": point, "asked": 2, "offered": 2, "held": 3, "boarded": 45, "seats": 100, "waiting": 0}
    assert {key: row[key] for key in expected} == expected


def test_people_on_the_bus_leave_no_seat_to_promise(engine: Engine, rally: int, text: Texting) -> None:
    add_point(engine, rally, "Clock Tower", 31.50, 74.33, seats=50, marshal=MARSHAL)
    text("COUNT 50", MARSHAL)
    assert (text("WHERE clock tower") or "").startswith("Every bus near Clock Tower is full")
    text("COUNT 49", MARSHAL)
    assert (text("WHERE clock tower") or "").startswith("Clock Tower")
    assert "Only 1 left" in (text("SEAT 2") or "")


def test_a_marshal_of_two_points_is_asked_which(engine: Engine, rally: int, text: Texting) -> None:
    add_point(engine, rally, "Clock Tower", 31.50, 74.33, marshal=MARSHAL)
    add_point(engine, rally, "Bird Market", 31.52, 74.33, marshal=MARSHAL)
    assert "2 Bird Market" in (text("FULL", MARSHAL) or "")
    assert (text("2", MARSHAL) or "").startswith("Bird Market: full")
    assert (text("FULL clock", MARSHAL) or "").startswith("Clock Tower: full")
    assert column(engine, select(PickupPoint.state).order_by(PickupPoint.id)) == ["full", "full"]


def test_those_who_wait_are_told_once_when_seats_are_free(
    engine: Engine, rally: int, text: Texting, settings: Settings
) -> None:
    add_point(engine, rally, "Clock Tower", 31.50, 74.33, seats=1)
    for phone in (SITTER, OTHER):
        text("WHERE clock tower", phone)
    text("SEAT", SITTER)
    assert "full" in (text("SEAT", OTHER) or "")
    assert tell_waiting(engine, settings, utc_now()) == 0
    text("CANCEL", SITTER)
    assert tell_waiting(engine, settings, utc_now()) == 1
    assert tell_waiting(engine, settings, utc_now()) == 0
    [told] = column(engine, STARTED)
    assert told.startswith("Seats are free again at Clock Tower")
    assert "1 seat(s) yours: Clock Tower" in (text("SEAT", OTHER) or "")


def test_a_promise_ends_at_the_stated_time(
    engine: Engine, rally: int, text: Texting, settings: Settings, held: Callable[[], list[int]]
) -> None:
    add_point(engine, rally, "Clock Tower", 31.50, 74.33, seats=1)
    text("WHERE clock tower", SITTER)
    text("SEAT", SITTER)
    text("WHERE clock tower", OTHER)
    text("SEAT", OTHER)
    with writing(engine) as connection:
        connection.execute(update(SeatHold).values(until=utc_now() - timedelta(seconds=1)))
    assert end_promises(engine, utc_now()) == 1
    assert held() == [0]
    assert tell_waiting(engine, settings, utc_now()) == 1
    assert "1 seat(s) yours" in (text("SEAT", OTHER) or "")


def test_a_promise_that_is_over_is_no_hindrance_before_the_clock_comes_by(
    engine: Engine, rally: int, text: Texting, held: Callable[[], list[int]]
) -> None:
    add_point(engine, rally, "Clock Tower", 31.50, 74.33, seats=1)
    for phone in (SITTER, OTHER):
        text("WHERE clock tower", phone)
    text("SEAT", SITTER)
    with writing(engine) as connection:
        connection.execute(update(SeatHold).values(until=utc_now() - timedelta(seconds=1)))
    assert "1 seat(s) yours" in (text("SEAT", OTHER) or "")
    assert held() == [1]


def test_a_moved_point_tells_its_seat_holders_once(
    engine: Engine, rally: int, service: Service, text: Texting, settings: Settings
) -> None:
    point = add_point(engine, rally, "Clock Tower", 31.50, 74.33, seats=5, landmarks={"": "old gate"})
    text("WHERE clock tower", SITTER)
    text("SEAT", SITTER)
    for expected in (1, 0):
        with writing(engine) as connection:
            pickups = points_now(connection, settings, utc_now())
            assert move_point(connection, point, 31.55, 74.35, "new gate", pickups, utc_now(), "en") == expected
    [told] = column(engine, STARTED)
    assert told.startswith("Your bus now leaves from a new place: Clock Tower (new gate)")
    fresh = Service(settings)
    assert fresh.reference().pickups.points[point].lat == 31.55
    fresh.close()


def test_a_closed_point_tells_its_seat_holders_and_frees_them(
    engine: Engine, rally: int, text: Texting, settings: Settings, held: Callable[[], list[int]]
) -> None:
    point = add_point(engine, rally, "Clock Tower", 31.50, 74.33, seats=5)
    text("WHERE clock tower", SITTER)
    text("SEAT", SITTER)
    with writing(engine) as connection:
        pickups = points_now(connection, settings, utc_now())
        assert set_state(connection, point, "closed", pickups, utc_now(), "en") == 1
    assert held() == [0]
    assert (text("WHERE clock tower") or "").startswith("There is no open pick-up point")


def test_erase_gives_the_seat_back_and_leaves_no_trace_of_who_held_it(
    engine: Engine, rally: int, text: Texting, held: Callable[[], list[int]]
) -> None:
    add_point(engine, rally, "Clock Tower", 31.50, 74.33, seats=5)
    text("WHERE clock tower")
    text("SEAT 2")
    assert held() == [2]
    text("ERASE")
    text("YES")
    assert held() == [0]
    assert column(engine, select(SeatHold.id)) == []
    assert all(key.startswith("erased:") for key in column(engine, select(Sender.key)))


def test_demand_far_from_any_point_is_listed(engine: Engine, rally: int, text: Texting) -> None:
    add_point(engine, rally, "Clock Tower", 31.50, 74.33)
    text("WHERE 31.5300,74.3300")
    text("WHERE 31.5301,74.3301", OTHER)
    text("WHERE 31.5010,74.3300", OTHER)
    text("WHERE 28.0000,70.0000", OTHER)
    with reading(engine) as connection:
        far = far_demand(connection, rally)
    assert [(one["place"], one["asked"], one["without_offer"], one["metres"]) for one in far] == [
        ("31.53,74.33", 2, 0, 3342),
        ("28.00,70.00", 1, 1, None),
    ]
