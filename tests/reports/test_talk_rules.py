"""Pure rules of talk and of likeness: what continues a report, what an addition changes, what may be one problem."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from gateway.reports.similar import Compared, best_head, same_thing
from gateway.rules.report_talk import ANSWER_WITHIN, CONTINUES, RecentReport, Sorting, raised, same_matter

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


def about(category: str, place: str = "", urgency: int = 1) -> Sorting:
    return Sorting(category, urgency=urgency, place=place, place_key=place, pages=category in ("medical", "crush"))


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        (about("water", "gate 3"), about("water", "gate 3"), True),
        (about("water", "gate 3"), about("water"), True),
        (about("water"), about("water", "gate 3"), True),
        (about("water", "gate 3"), about("other"), True),
        (about("other"), about("medical"), True),
        (about("water", "gate 3"), about("water", "gate 4"), False),  # a second tap, and another walk
        (about("water", "gate 3"), about("toilets", "gate 3"), False),  # other hands are needed
        (about("water"), about("toilets"), False),
        (about("water", "gate 3"), about("toilets", "gate 4"), False),
        (about("other", "gate 3"), about("other", "gate 4"), False),
    ],
)
def test_a_second_report_continues_the_first_unless_category_or_place_differ(
    first: Sorting, second: Sorting, same: bool
) -> None:
    assert same_matter(first, second) is same
    assert same_matter(second, first) is same


def test_an_addition_raises_and_never_lowers() -> None:
    assert raised(about("water", "gate 3", 2), about("water", urgency=1)) is None
    worse = raised(about("water", "gate 3", 2), about("medical", urgency=2))
    assert worse
    assert (worse.category, worse.urgency, worse.place, worse.pages) == ("medical", 2, "gate 3", True)
    milder = raised(about("other", "", 3), about("toilets", "gate 3", 1))
    assert milder
    assert (milder.category, milder.urgency, milder.place) == ("toilets", 3, "gate 3")
    assert raised(about("medical", urgency=3), about("water", urgency=1)) is None


def test_how_long_a_report_goes_on_and_a_question_waits() -> None:
    one = RecentReport("4F2C", "received", about("water"), NOW, NOW, NOW)
    assert one.continues(NOW + CONTINUES - timedelta(seconds=1))
    assert not one.continues(NOW + CONTINUES)
    solved = replace(one, state="resolved")
    assert not solved.continues(NOW)
    assert solved.awaits_answer(NOW + ANSWER_WITHIN - timedelta(seconds=1))
    assert not solved.awaits_answer(NOW + ANSWER_WITHIN)
    assert not one.awaits_answer(NOW)


def compared(number: int, category: str, place: str, text: str, minutes: float = 0, **at: float) -> Compared:
    return Compared(
        number, category, place, at.get("lat"), at.get("lon"), text, NOW + timedelta(minutes=minutes)
    )  # fmt: skip


ONE = compared(1, "water", "spot:gate 3", "no water at gate 3")


@pytest.mark.parametrize(
    ("other", "same"),
    [
        (compared(2, "water", "spot:gate 3", "water finished gate 3", 5), True),
        (compared(2, "water", "spot:gate 3", "water finished gate 3", 59), True),
        (compared(2, "water", "spot:gate 3", "water finished gate 3", 61), False),
        (compared(2, "water", "spot:gate 4", "no water at gate 3"), False),  # the very words, and another place
        (compared(2, "toilets", "spot:gate 3", "no water at gate 3"), False),
        (compared(2, "water", "", "no water at gate 3"), True),
        (compared(2, "water", "", "lunch is late"), False),
    ],
)
def test_what_may_be_one_problem(other: Compared, same: bool) -> None:
    assert (same_thing(ONE, other) is not None) is same
    assert (best_head(other, [ONE]) is not None) is same


def test_two_named_places_are_one_only_when_they_are_near() -> None:
    here = compared(1, "water", "place:a", "no water", lat=31.5, lon=74.3)
    near = compared(2, "water", "place:b", "no water", lat=31.5, lon=74.3035)
    far = compared(3, "water", "place:c", "no water", lat=31.5, lon=74.31)
    assert same_thing(here, near)
    assert not same_thing(here, far)


@pytest.mark.parametrize("category", ["praise", "information", "other"])
def test_what_needs_no_hands_is_never_gathered(category: str) -> None:
    assert not same_thing(
        compared(1, category, "spot:stage", "well done"), compared(2, category, "spot:stage", "well done")
    )
