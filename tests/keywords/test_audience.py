"""Who sends decides which words are commands; our own number may be typed in front."""

import pytest

from keywords import parse

FIELD = frozenset({"field"})
MARSHAL = frozenset({"marshal"})


@pytest.mark.parametrize(
    ("text", "name", "argument"),
    [
        ("TAKE 4F2K", "TAKE", "4F2K"),
        ("done 4f2k", "DONE", "4f2k"),
        ("done", "DONE", ""),
        ("PASS 4F2K Ali", "PASS", "4F2K Ali"),
        (
            "note 4F2K tanker is coming at 5, talked to the driver",
            "NOTE",
            "4F2K tanker is coming at 5, talked to the driver",
        ),
        ("mine", "MINE", ""),
        ("next", "NEXT", ""),
        ("off", "OFF", ""),
        ("on", "ON", ""),
        ("ho gaya 4F2K", "DONE", "4F2K"),
        ("JOIN Lahore", "JOIN", "Lahore"),
    ],
)
def test_words_of_field_staff(text: str, name: str, argument: str) -> None:
    command = parse(text, audience=FIELD)
    assert (command.name, command.argument) == (name, argument)


@pytest.mark.parametrize(
    ("text", "name", "argument"),
    [
        ("FULL", "FULL", ""),
        ("full kalma chowk", "FULL", "kalma chowk"),
        ("open", "OPEN", ""),
        ("LATE 20", "LATE", "20"),
        ("late 20 min", "LATE", "20 min"),
        ("left", "LEFT", ""),
        ("COUNT 45", "COUNT", "45"),
        ("بھر گئی", "FULL", ""),
    ],
)
def test_words_of_marshals(text: str, name: str, argument: str) -> None:
    command = parse(text, audience=MARSHAL)
    assert (command.name, command.argument) == (name, argument)


@pytest.mark.parametrize("text", ["TAKE 4F2K", "done", "next", "off", "FULL", "late 20", "left", "COUNT 45", "ho gaya"])
def test_to_everyone_else_they_are_ordinary_text(text: str) -> None:
    assert parse(text).name is None


@pytest.mark.parametrize("text", ["full", "late 20"])
def test_field_staff_are_no_marshals(text: str) -> None:
    assert parse(text, audience=FIELD).name is None


@pytest.mark.parametrize("text", ["on my way", "next week milte hain", "off hai aaj", "take care of it please"])
def test_staff_chat_too(text: str) -> None:
    assert parse(text, audience=FIELD).name is None


@pytest.mark.parametrize(
    ("text", "name", "argument"),
    [
        ("80022 JOIN Lahore", "JOIN", "Lahore"),
        ("80022: STOP", "STOP", ""),
        ("AoA 80022 join", "JOIN", ""),
        ("JOIN 80022 Lahore", "JOIN", "Lahore"),
        ("JOIN Lahore 80022", "JOIN", "Lahore"),
        ("STOP 80022", "STOP", ""),
    ],
)
def test_the_short_code_is_no_part_of_the_text(text: str, name: str, argument: str) -> None:
    command = parse(text, short_code="80022")
    assert (command.name, command.argument) == (name, argument)
    assert command.scope in ("", "all")


def test_another_number_is_a_topic() -> None:
    command = parse("STOP 12345", short_code="80022")
    assert (command.name, command.argument, command.scope) == ("STOP", "12345", "topic")


@pytest.mark.parametrize("text", ["CANCEL", "cancel please", "منسوخ"])
def test_cancel_is_stop_except_for_who_holds_a_seat(text: str) -> None:
    assert parse(text).name == "STOP"
    assert parse(text, audience=frozenset({"seat-holder"})).name == "CANCEL"


@pytest.mark.parametrize("text", ["STOP", "cancel all messages", "unsubscribe"])
def test_a_seat_holder_can_still_stop(text: str) -> None:
    assert parse(text, audience=frozenset({"seat-holder"})).name == "STOP"
