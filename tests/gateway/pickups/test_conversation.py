"""WHERE to a seat and back, by text, on both databases."""

from collections.abc import Callable

import pytest
from sqlalchemy import Engine, select

from gateway.tables import PickupAsk, SeatHold, SeatWait, Sender, UnmatchedPlace
from tests.gateway.conftest import Texting
from tests.gateway.pickups.conftest import add_event, add_point, column

Held = Callable[[], list[int]]


def test_the_nearest_point_is_given_with_everything_needed(engine: Engine, rally: int, text: Texting) -> None:
    add_point(engine, rally, "Far Gate", 31.60, 74.40)
    near = add_point(engine, rally, "Clock Tower", 31.505, 74.33, landmarks={"": "opposite the post office"})
    answer = text("WHERE 31.5000, 74.3300")
    assert answer
    assert "Clock Tower (opposite the post office)" in answer
    assert "550 m north of you" in answer
    assert "Leaves " in answer and "SEAT" in answer
    assert "https://jalsa.example/p/" in answer
    assert column(engine, select(PickupAsk.offered_id)) == [near]


def test_a_point_of_the_same_name_as_a_place_beside_it_is_no_tie(engine: Engine, rally: int, text: Texting) -> None:
    first = add_point(engine, rally, "Purana Bagh", 31.50, 74.33)
    add_event(engine, "later", ends_at=_days(9), doors_at=_days(8))
    add_point(engine, 2, "Purana Bagh", 31.5001, 74.3301)
    answer = text("WHERE purana bagh")
    assert answer and answer.startswith("Purana Bagh: right there")
    assert column(engine, select(PickupAsk.offered_id)) == [first]


def test_two_places_of_one_name_far_apart_are_asked_about(engine: Engine, rally: int, text: Texting) -> None:
    add_point(engine, rally, "Nawa Chowk", 31.50, 74.33)
    add_point(engine, rally, "Nawa Chowk", 33.70, 73.05, city="Islamabad")
    asked = text("WHERE nawa chowk")
    assert asked and "1 Nawa Chowk (Lahore)" in asked and "2 Nawa Chowk (Islamabad)" in asked
    chosen = text("2")
    assert chosen and chosen.startswith("Nawa Chowk: right there")


def test_more_gives_the_next_two_and_a_number_chooses(engine: Engine, rally: int, text: Texting) -> None:
    for number, name in enumerate(("Alpha Gate", "Bravo Gate", "Charlie Gate", "Delta Gate")):
        add_point(engine, rally, name, 31.50 + number / 100, 74.33, seats=5)
    first = text("WHERE 31.5,74.33")
    # One decimal is no pasted position: the place is unknown, and asking goes on.
    assert first and "We do not know" in first
    first = text("31.5001, 74.3301")
    assert first and first.startswith("Alpha Gate")
    more = text("MORE")
    assert more and "2 Bravo Gate" in more and "3 Charlie Gate" in more and "Delta" not in more
    chosen = text("3")
    assert chosen and chosen.startswith("Charlie Gate")
    seat = text("SEAT 2")
    assert seat and "2 seat(s) yours: Charlie Gate" in seat
    assert (text("MORE") or "").startswith("4 Delta Gate")
    assert text("MORE") == "There is no other open pick-up point near you."


def test_seats_are_held_changed_and_freed(engine: Engine, rally: int, text: Texting, held: Held) -> None:
    add_point(engine, rally, "Clock Tower", 31.50, 74.33, seats=4)
    text("WHERE clock tower")
    assert "1 seat(s) yours" in (text("YES") or "")
    assert held() == [1]
    assert "3 seat(s) yours" in (text("SEAT 3") or "")
    assert held() == [3]
    assert "3 seat(s) yours" in (text("seat") or "")
    assert "Only 4 left" in (text("SEAT 5") or "")
    assert held() == [3]
    assert text("CANCEL") == "Your seat at Clock Tower is free for others. To get no more texts at all, text STOP."
    assert held() == [0]
    assert column(engine, select(SeatHold.state)) == ["freed", "freed"]


def test_cancel_without_a_seat_is_stop(engine: Engine, rally: int, text: Texting) -> None:
    add_point(engine, rally, "Clock Tower", 31.50, 74.33, seats=4)
    assert (text("CANCEL") or "").startswith("You are out")
    assert column(engine, select(Sender.consent)) == ["stopped"]


def test_seat_and_cancel_in_one_group_do_not_opt_out(engine: Engine, rally: int, service: object, held: Held) -> None:
    from tests.gateway.conftest import a_text

    add_point(engine, rally, "Clock Tower", 31.50, 74.33, seats=4)
    answers = service.record([a_text(body) for body in ("WHERE clock tower", "SEAT 2", "cancel")])  # type: ignore[attr-defined]
    assert "is free for others" in answers[-1].body
    assert held() == [0]
    assert column(engine, select(Sender.consent)) == ["none"]


def test_a_full_point_is_passed_over_and_those_who_ask_wait(
    engine: Engine, rally: int, text: Texting, held: Held
) -> None:
    add_point(engine, rally, "Clock Tower", 31.50, 74.33, seats=2)
    add_point(engine, rally, "Bird Market", 31.52, 74.33, seats=2)
    for phone in ("+923001234501", "+923001234502", "+923001234503"):
        assert (text("WHERE clock tower", phone) or "").startswith("Clock Tower")
    assert "2 seat(s)" in (text("SEAT 2", "+923001234501") or "")
    late = text("SEAT", "+923001234502")
    assert late and late.startswith("Clock Tower is full. Next: Bird Market")
    assert held() == [2, 0]
    assert len(column(engine, select(SeatWait.sender_id))) == 1
    assert "1 seat(s) yours: Bird Market" in (text("YES", "+923001234502") or "")
    # A seat found elsewhere ends the waiting.
    assert column(engine, select(SeatWait.sender_id)) == []
    assert (text("WHERE clock tower", "+923001234503") or "").startswith("Bird Market: 2.2 km north of Clock Tower")


def test_an_unknown_place_is_kept_and_near_spellings_are_given(engine: Engine, rally: int, text: Texting) -> None:
    add_point(engine, rally, "Kalandri Chowrangi", 31.50, 74.33)
    answer = text("WHERE qwxz vbnm")
    assert answer and "We do not know" in answer
    text("WHERE Qwxz  VBNM!", "+923001234502")
    assert column(engine, select(UnmatchedPlace.key)) == ["qwxz vbnm"]
    assert column(engine, select(UnmatchedPlace.times)) == [2]


def test_where_is_answered_in_a_sentence(engine: Engine, rally: int, text: Texting) -> None:
    add_point(engine, rally, "Purana Bagh", 31.50, 74.33, names={"ur": "پرانا باغ"})
    for sentence in ("main purana bagh me hun bhai", "I am at Purana Bagh", "میں پرانا باغ میں ہوں"):
        text("WHERE")
        assert "SEAT" in (text(sentence) or ""), sentence
    assert len(column(engine, select(PickupAsk.offered_id))) == 3


def test_a_place_among_other_words_is_asked_about(engine: Engine, rally: int, text: Texting) -> None:
    add_point(engine, rally, "Purana Bagh", 31.50, 74.33)
    text("WHERE")
    asked = text("we stand in Purana Bagh near the blue canal bridge") or ""
    assert "1 Purana Bagh" in asked
    assert column(engine, select(PickupAsk.offered_id)) == []
    assert (text("1") or "").startswith("Purana Bagh: right there")


def test_a_question_after_a_place_that_only_the_gazetteer_knows(engine: Engine, rally: int, text: Texting) -> None:
    add_point(engine, rally, "Purana Bagh", 31.50, 74.33)
    add_point(engine, rally, "Nawa Chowk", 31.52, 74.33)
    add_point(engine, rally, "Nawa Chowk", 33.70, 73.05, city="Islamabad")
    for number, asked in enumerate(("Purana Bagh kahan hai?", "where is purana bagh", "kidhar hai purana bagh")):
        assert (text(asked, f"+92300123451{number}") or "").startswith("Purana Bagh: ")
    assert "1 Nawa Chowk (Lahore)" in (text("where is nawa chowk") or "")
    assert "BAND" in (text("msgs band karo purana bagh kahan hai", "+923001234540") or "")
    for number, other in enumerate(("where is my money", "Purana kahan hai ye banda", "mera bhai kahan hai")):
        assert "jalsa.example/p/" not in (text(other, f"+92300123453{number}") or "")


def test_a_place_beside_the_bus_is_asked_for_without_a_question_word(engine: Engine, rally: int, text: Texting) -> None:
    add_point(engine, rally, "Purana Bagh", 31.50, 74.33, names={"ur": "پرانا باغ"})
    asked = [
        "bus purana bagh", "purana bagh ka point", "purana bagh se kab niklegi bus", "which bus from purana bagh",
        "main purana bagh se hoon bus kahan milegi", "پرانا باغ بس",
    ]  # fmt: skip
    for number, one in enumerate(asked):
        assert "jalsa.example/p/" in (text(one, f"+92300123455{number}") or ""), one
    others = [
        "bus nahi aayi purana bagh", "bus ka driver purana bagh ka hai", "bus", "purana bagh", "bus purani hai",
        "purana bagh bus service bekar hai",
    ]  # fmt: skip
    for number, one in enumerate(others):
        assert "jalsa.example/p/" not in (text(one, f"+92300123456{number}") or ""), one


@pytest.mark.parametrize(
    "asked",
    [
        "where can i get on the bus in purana bagh please", "what time is the bus from purana bagh",
        "when does the bus leave purana bagh", "is there a bus from purana bagh?", "bus timing purana bagh",
        "how do i get to the rally from purana bagh", "mujhe purana bagh se bus chahiye",
        "purana bagh se jalsa kaise jaun", "main purana bagh se ana chahta hun bus?", "پرانا باغ سے بس کب جائے گی",
    ],
)  # fmt: skip
def test_a_question_about_the_ride_from_a_place(engine: Engine, rally: int, text: Texting, asked: str) -> None:
    add_point(engine, rally, "Purana Bagh", 31.50, 74.33, names={"ur": "پرانا باغ"})
    assert "jalsa.example/p/" in (text(asked) or "")


@pytest.mark.parametrize(
    ("asked", "keyword"),
    [
        ("when is the rally", "WHERE"),
        ("i want to go to the rally", "WHERE"),
        ("rally ka time kya hai", "KAHAN"),
        ("bus kab chalegi?", "KAHAN"),
        ("main jalsay mein aana chahta hun", "KAHAN"),
        ("جلسہ کب ہے", "کہاں"),
    ],
)
def test_a_question_about_the_ride_without_a_place_is_answered_as_where_alone(
    engine: Engine, rally: int, text: Texting, asked: str, keyword: str
) -> None:
    add_point(engine, rally, "Clock Tower", 31.55, 74.34)
    expected = text(keyword, "+923001234599")
    assert expected and text(asked) == expected
    text("JOIN Ali Lahore", "+923001234598")
    assert "Clock Tower" in (text(asked, "+923001234598") or "")


@pytest.mark.parametrize(
    "other",
    [
        "bas kab tak", "gari kab theek hogi", "bas karo kab tak", "how was the rally in the news",
        "when will the bus company pay", "bus driver ko kab pakra", "need a new van for my shop",
        "jalsa bohat acha tha",
    ],
)  # fmt: skip
def test_other_words_beside_the_bus_ask_for_nothing(engine: Engine, rally: int, text: Texting, other: str) -> None:
    add_point(engine, rally, "Clock Tower", 31.55, 74.34)
    answer = text(other) or ""
    assert "Where are you" not in answer and "Aap kahan" not in answer and "Clock Tower" not in answer


def test_where_alone_asks_or_uses_the_members_city(engine: Engine, rally: int, text: Texting) -> None:
    add_point(engine, rally, "Clock Tower", 31.55, 74.34)
    assert (text("WHERE") or "").startswith("Where are you?")
    assert (text("clock tower") or "").startswith("Clock Tower: right there")
    text("JOIN Sana Lahore", "+923001234502")
    assert (text("WHERE", "+923001234502") or "").startswith("Clock Tower")


def test_a_short_link_is_asked_about(engine: Engine, rally: int, text: Texting) -> None:
    add_point(engine, rally, "Clock Tower", 31.55, 74.34)
    assert (text("https://maps.app.goo.gl/AbCdEf123") or "").startswith("We cannot open that link")
    assert (text("clock tower") or "").startswith("Clock Tower")
    link = "https://www.google.com/maps/place/X/@31.9,74.9,17z/data=!3m1!4b1!4m5!3m4!1s0x0:0x0!8m2!3d31.5501!4d74.3401"
    assert (text(f"WHERE {link}") or "").startswith("Clock Tower: right there")


def test_the_members_event_is_the_next_one_in_reach(engine: Engine, rally: int, text: Texting) -> None:
    add_point(engine, rally, "Clock Tower", 31.55, 74.34)
    other = add_event(engine, "south", doors_at=_days(2), ends_at=_days(3))
    add_point(engine, other, "Harbour Gate", 24.86, 67.01, city="Karachi", buses=(3000,))
    assert (text("WHERE 31.5500,74.3400") or "").startswith("Clock Tower")
    assert (text("WHERE 24.8600,67.0100") or "").startswith("Harbour Gate")
    assert (text("WHERE 28.0000,70.0000") or "").startswith("There is no open pick-up point")


def _days(count: int):  # type: ignore[no-untyped-def]
    from datetime import timedelta

    from tests.gateway.pickups.conftest import NOW

    return NOW + timedelta(days=count)
