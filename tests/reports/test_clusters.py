"""Whose phones make a report more urgent, what is proposed, and what staff may merge, on both databases."""

from typing import Any

import pytest
from sqlalchemy import select

from gateway.database import reading, writing
from gateway.reports import clusters
from gateway.reports import queue as desk
from gateway.reports.clusters import propose_clusters, proposed
from gateway.rules.report_life import MoveRefused
from gateway.service import Service, utc_now
from gateway.tables import ReportLink
from tests.gateway.conftest import Texting
from tests.reports.test_conversation import ref_in, report
from tests.reports.test_desk import older, phone

WATER = "REPORT no drinking water at gate 3"


def merge(service: Service, ref: str, into: str) -> None:
    with writing(service.engine) as connection:
        desk.merge(connection, ref, into, "chief", utc_now(), service.notifier)


def groups(service: Service) -> dict[str, list[str]]:
    with reading(service.engine) as connection:
        return {one["ref"]: [other["ref"] for other in one["others"]] for one in proposed(connection)}


def tick(service: Service) -> int:
    return propose_clusters(service.engine, utc_now())


def test_a_person_is_no_witness_of_their_own_report(service: Service, text: Texting) -> None:
    first = ref_in(text(WATER, phone(1)))
    older(service, first, minutes=20)
    again = ref_in(text(WATER, phone(1)))
    assert first != again
    assert tick(service) == 0
    merge(service, again, first)
    assert report(service, first).witnesses == 1


def test_a_phone_is_one_witness_however_often_it_tells(service: Service, text: Texting) -> None:
    first = ref_in(text(WATER, phone(1)))
    told = []
    for _ in range(3):
        told.append(ref_in(text(WATER, phone(2))))
        older(service, told[-1], minutes=15)
    for ref in told:
        merge(service, ref, first)
    row = report(service, first)
    assert (row.witnesses, row.urgency) == (2, 1)


def test_many_witnesses_raise_the_urgency_in_two_steps_and_never_lower_it(service: Service, text: Texting) -> None:
    first, *others = (ref_in(text(WATER, phone(n))) for n in range(3))
    tick(service)
    seen = [(report(service, first).witnesses, report(service, first).urgency)]
    for more in (range(3, 4), range(4, 9), range(9, 10), range(10, 12)):
        others += [ref_in(text(WATER, phone(n))) for n in more]
        tick(service)
        seen.append((report(service, first).witnesses, report(service, first).urgency))
    assert seen == [(3, 2), (4, 2), (9, 2), (10, 3), (12, 3)]
    with writing(service.engine) as connection:
        for ref in others[:9]:
            desk.split(connection, ref, "chief", utc_now(), service.notifier)
    assert (report(service, first).witnesses, report(service, first).urgency) == (3, 3)


def test_nothing_is_more_urgent_than_an_emergency(service: Service, text: Texting) -> None:
    first, *_ = (ref_in(text("REPORT a man fainted at gate 2", phone(n))) for n in range(3))
    assert tick(service) == 2
    assert (report(service, first).witnesses, report(service, first).urgency) == (3, 3)


def test_who_comes_later_joins_the_first_report_not_another_witness(service: Service, text: Texting) -> None:
    refs = [ref_in(text(WATER, phone(1)))]
    older(service, refs[0], minutes=30)
    for number, words in ((2, WATER), (3, "REPORT we are thirsty, water tank is empty at gate 3")):
        refs.append(ref_in(text(words, phone(number))))
        tick(service)
    assert groups(service) == {refs[0]: refs[1:]}


def test_what_was_solved_within_the_hour_gets_new_witnesses_proposed(service: Service, text: Texting) -> None:
    first = ref_in(text(WATER, phone(1)))
    tick(service)
    with writing(service.engine) as connection:
        desk.move(connection, first, "resolved", "chief", "", utc_now(), service.notifier)
    second = ref_in(text(WATER, phone(2)))
    assert tick(service) == 1
    assert groups(service) == {first: [second]}


def test_a_witness_from_before_it_was_solved_does_not_open_it_again(service: Service, text: Texting) -> None:
    first, second = (ref_in(text(WATER, phone(n))) for n in range(2))
    with writing(service.engine) as connection:
        desk.move(connection, first, "resolved", "chief", "", utc_now(), service.notifier)
    merge(service, second, first)
    assert report(service, first).state == "resolved"


def test_of_two_clocks_one_proposes(service: Service, text: Texting, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = (ref_in(text(WATER, phone(n))) for n in range(2))
    compare = clusters._proposals

    def slowly(*given: Any) -> list[dict[str, Any]]:
        found = compare(*given)
        monkeypatch.setattr(clusters, "_proposals", compare)
        assert tick(service) == 1
        with writing(service.engine) as connection:  # and somebody has decided meanwhile
            desk.refuse(connection, second, first, "chief", utc_now())
        return found

    monkeypatch.setattr(clusters, "_proposals", slowly)
    assert tick(service) == 0
    assert report(service, first).witnesses == 1
    assert groups(service) == {}


def test_every_new_report_is_compared_once(service: Service, text: Texting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clusters, "_AT_ONCE", 2)
    refs = [ref_in(text(WATER, phone(n))) for n in range(5)]
    assert [tick(service) for _ in range(4)] == [1, 2, 1, 0]
    assert groups(service) == {refs[0]: refs[1:]}


def test_what_is_done_with_is_proposed_no_longer(service: Service, text: Texting) -> None:
    first, second = (ref_in(text(WATER, phone(n))) for n in range(2))
    tick(service)
    assert groups(service) == {first: [second]}
    with writing(service.engine) as connection:
        desk.move(connection, second, "not_actionable", "chief", "", utc_now(), service.notifier)
    assert groups(service) == {}


def test_a_refused_proposal_is_no_witness_and_a_decided_one_stays(service: Service, text: Texting) -> None:
    first, second, third = (ref_in(text(WATER, phone(n))) for n in range(3))
    tick(service)
    merge(service, second, first)
    with writing(service.engine) as connection:
        for ref in (second, third):  # a form of a page that was open before they were decided
            desk.refuse(connection, ref, first, "sana", utc_now())
    assert report(service, first).witnesses == 2
    with reading(service.engine) as connection:
        links = connection.execute(select(ReportLink.state, ReportLink.by).order_by(ReportLink.report_id)).all()
    assert [tuple(link) for link in links] == [("accepted", "chief"), ("refused", "sana")]


def test_merges_that_would_make_a_ring_or_a_chain_are_refused(service: Service, text: Texting) -> None:
    first, second, third = (ref_in(text(WATER, phone(n))) for n in range(3))
    merge(service, second, first)
    for ref, into, why in (
        (first, first, "itself"), (third, second, "itself a duplicate"), (first, third, "duplicates of its own"),
        (second, third, "cannot become duplicate"),
    ):  # fmt: skip
        with pytest.raises(MoveRefused, match=why):
            merge(service, ref, into)
    assert [report(service, ref).state for ref in (first, second, third)] == ["received", "duplicate", "received"]


def test_other_places_are_merged_only_where_they_may_be_one(service: Service, text: Texting) -> None:
    near, far = ref_in(text(WATER, phone(1))), ref_in(text("REPORT no drinking water at gate 7", phone(2)))
    with pytest.raises(MoveRefused, match="not one problem"):
        merge(service, far, near)
    with writing(service.engine) as connection:
        desk.correct(connection, far, "chief", utc_now(), place="gate 3")
    merge(service, far, near)
    assert report(service, far).parent_id == report(service, near).id
