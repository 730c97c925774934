"""What rises: told by phones and not by texts, of this hour, with its own examples, on both databases."""

from datetime import timedelta

from sqlalchemy import update

from gateway.database import reading, writing
from gateway.reports.trends import current_trends, find_trends
from gateway.service import Service, utc_now
from gateway.tables import Report
from tests.gateway.conftest import Texting
from tests.reports.test_conversation import ref_in
from tests.reports.test_desk import older, phone


def rising(service: Service, **later: float) -> dict[tuple[str, str], tuple[int, int, list[str]]]:
    """Return (before, now, refs of examples) by kind and term."""
    with reading(service.engine) as connection:
        return {
            (one["kind"], one["term"]): (one["before"], one["now"], [example["ref"] for example in one["examples"]])
            for one in current_trends(connection, utc_now() + timedelta(**later))
        }


def snakes(text: Texting, first: int, many: int) -> list[str]:
    return [ref_in(text(f"REPORT snake seen at gate {n}", phone(n))) for n in range(first, first + many)]


def test_one_phone_that_tells_five_times_makes_no_trend(service: Service, text: Texting) -> None:
    for number in range(5):
        older(service, ref_in(text(f"REPORT snake seen at gate {number}")), minutes=11)
    assert find_trends(service.engine, utc_now()) == 0
    older(service, snakes(text, 1, 1)[0], minutes=1)
    assert find_trends(service.engine, utc_now()) == 0


def test_examples_are_the_last_three_that_tell_of_it(service: Service, text: Texting) -> None:
    refs = snakes(text, 1, 6)
    text("REPORT speaker broken at block C", phone(90))
    find_trends(service.engine, utc_now())
    assert rising(service)["word", "snake"] == (0, 6, refs[-3:])


def test_a_place_that_many_tell_of_rises(service: Service, text: Texting) -> None:
    words = ("no water", "toilets filthy", "speaker broken", "a child is lost", "a fight", "bus full")
    refs = [ref_in(text(f"REPORT {what} at gate 3", phone(n))) for n, what in enumerate(words)]
    find_trends(service.engine, utc_now())
    assert rising(service)["place", "gate 3"] == (0, 6, refs[-3:])


def test_noise_makes_no_trend(service: Service, text: Texting) -> None:
    snakes(text, 1, 6)
    with writing(service.engine) as connection:
        connection.execute(update(Report).values(kind="noise"))
    assert find_trends(service.engine, utc_now()) == 0


def test_an_alert_is_over_after_an_hour(service: Service, text: Texting) -> None:
    snakes(text, 1, 6)
    find_trends(service.engine, utc_now())
    assert rising(service, minutes=59)
    assert not rising(service, minutes=61)


def test_before_is_the_greater_of_the_hour_before_and_of_yesterday_not_both(service: Service, text: Texting) -> None:
    for age, ref in zip((80, 24 * 60 + 30), snakes(text, 1, 2), strict=True):
        older(service, ref, minutes=age)
    snakes(text, 3, 8)
    find_trends(service.engine, utc_now())
    assert rising(service)["word", "snake"][:2] == (1, 8)
