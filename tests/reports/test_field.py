"""The commands of field staff, from a registered phone only."""

from typing import Any

import pytest
from sqlalchemy import insert, select

from gateway.database import reading, writing
from gateway.places.store import bump
from gateway.reports import queue as desk
from gateway.reports.staff import set_duty
from gateway.service import Service, utc_now
from gateway.tables import Report, Staff
from tests.gateway.conftest import Texting
from tests.reports.test_conversation import entries, ref_in, report, started

BILAL, SANA, CHIEF = "+923001230001", "+923001230002", "+923001230003"


@pytest.fixture
def staffed(service: Service) -> Service:
    people = (
        ("bilal", "Bilal Khan", "field", BILAL),
        ("sana", "Sana Mir", "field", SANA),
        ("chief", "", "organiser", CHIEF),
    )
    now = utc_now()
    with writing(service.engine) as connection:
        for login, name, role, phone in people:
            row = {"login": login, "name": name, "role": role, "phone": phone, "password_hash": "x", "created_at": now}
            number = connection.execute(insert(Staff.__table__).values(row).returning(Staff.id)).scalar_one()
            if role == "field":
                set_duty(connection, number, now, on_duty=True, skills=["medical"] if login == "sana" else [])
        bump(connection, "staff")
    service.reference.look_again()
    return service


def assignee(service: Service, ref: str) -> str | None:
    with reading(service.engine) as connection:
        found: Any = connection.execute(
            select(Staff.login).join(Report, Report.assignee_id == Staff.id).where(Report.ref == ref)
        ).scalar()
    return found


def test_take_done_and_the_reporter_is_told_once_each(staffed: Service, text: Texting) -> None:
    ref = ref_in(text("REPORT speaker broken at block C"))
    assert "is yours" in (text(f"TAKE {ref}", BILAL) or "")
    assert (report(staffed, ref).state, assignee(staffed, ref)) == ("in_progress", "bilal")
    assert "is yours already" in (text(f"TAKE {ref}", BILAL) or "")
    assert "is with Bilal Khan" in (text(f"TAKE {ref}", SANA) or "")
    assert "marked fixed" in (text(f"DONE {ref} generator back", BILAL) or "")
    told = started(staffed)
    assert len(told) == 2
    assert "Bilal is on it" in told[0]
    assert "Khan" not in told[0]
    assert "generator back" in told[1]


def test_from_any_other_phone_they_are_ordinary_text(staffed: Service, text: Texting) -> None:
    ref = ref_in(text("REPORT speaker broken at block C"))
    for words in (f"TAKE {ref}", f"DONE {ref}", "MINE", "NEXT", "OFF", "ON"):
        text(words, "+923009990000")
    assert report(staffed, ref).state == "received"


def test_two_take_it_in_one_group_and_one_has_it(staffed: Service, text: Texting) -> None:
    from tests.gateway.conftest import a_text

    ref = ref_in(text("REPORT speaker broken at block C"))
    answers = staffed.record([a_text(f"TAKE {ref}", SANA), a_text(f"take {ref}", BILAL)])
    assert ["is yours" in (one.body or "") for one in answers if one] == [True, False]
    assert assignee(staffed, ref) == "sana"


def test_pass_by_name_and_back_to_the_queue(staffed: Service, text: Texting) -> None:
    ref = ref_in(text("REPORT speaker broken at block C"))
    text(f"TAKE {ref}", BILAL)
    assert "passed to Sana Mir" in (text(f"PASS {ref} sana", BILAL) or "")
    assert (report(staffed, ref).state, assignee(staffed, ref)) == ("assigned", "sana")
    assert any(ref in body and "DONE" in body for body in started(staffed, SANA))
    assert 'know no "nobody"' in (text(f"PASS {ref} nobody", SANA) or "")
    assert "back in the queue" in (text(f"PASS {ref}", SANA) or "")
    assert (report(staffed, ref).state, assignee(staffed, ref)) == ("acknowledged", None)


def test_note_mine_next(staffed: Service, text: Texting) -> None:
    low = ref_in(text("REPORT speaker broken at block C"))
    high = ref_in(text("REPORT a man fainted at gate 2", "+923001234502"))
    assert high in (text("NEXT", BILAL) or "")
    text(f"TAKE {high}", BILAL)
    assert high in (text("MINE", BILAL) or "")
    assert low in (text("NEXT", BILAL) or "")
    assert "Noted" in (text(f"NOTE {high} ambulance on the way", BILAL) or "")
    assert entries(staffed, high)[-1][1:] == ("bilal", "ambulance on the way")
    assert "have no iReport" in (text("MINE", SANA) or "")


def test_done_without_a_ref_means_the_only_one_in_hand(staffed: Service, text: Texting) -> None:
    ref = ref_in(text("REPORT speaker broken at block C"))
    assert "Which iReport" in (text("DONE", BILAL) or "")
    text(f"TAKE {ref}", BILAL)
    text("DONE generator back", BILAL)
    assert report(staffed, ref).state == "resolved"


def test_a_mistyped_ref_is_refused(staffed: Service, text: Texting) -> None:
    ref = ref_in(text("REPORT speaker broken at block C"))
    text(f"TAKE {ref}", BILAL)
    wrong = ref[:-1] + ("2" if ref[-1] != "2" else "3")
    assert "know no iReport" in (text(f"DONE {wrong}", BILAL) or "")
    assert report(staffed, ref).state == "in_progress"


def test_medical_calls_staff_on_duty_and_the_organiser(staffed: Service, text: Texting) -> None:
    assert "being called now" in (text("REPORT a man fainted at gate 2") or "")
    assert all("fainted at gate 2" in started(staffed, phone)[0] for phone in (BILAL, SANA, CHIEF))
    assert "OFF duty" in (text("OFF", BILAL) or "").replace("off", "OFF")
    staffed.reference.look_again()
    text("REPORT people are being crushed at gate 5", "+923001234502")
    assert len(started(staffed, BILAL)) == 1
    assert len(started(staffed, SANA)) == 2


def test_a_flood_of_pages_becomes_one_list(staffed: Service, text: Texting) -> None:
    from gateway.reports.paging import page_rest

    for number in range(20):
        text(f"REPORT a man fainted at gate {number + 1}", f"+9230012345{number:02}")
    assert len(started(staffed, SANA)) == 6
    assert page_rest(staffed.engine, utc_now(), staffed.notifier) == 14
    assert page_rest(staffed.engine, utc_now(), staffed.notifier) == 0
    assert "14 urgent iReports" in started(staffed, SANA)[-1]


def test_a_report_that_becomes_medical_calls_staff_in_the_same_moment(staffed: Service, text: Texting) -> None:
    ref = ref_in(text("REPORT speaker broken at block C"))
    assert not [body for body in started(staffed, CHIEF) if ref in body]
    text("now a man has fainted here")
    assert len([body for body in started(staffed, CHIEF) if ref in body]) == 1


def test_another_of_the_staff_may_finish_it_and_the_timeline_says_who(staffed: Service, text: Texting) -> None:
    ref = ref_in(text("REPORT speaker broken at block C"))
    text(f"TAKE {ref}", BILAL)
    assert "marked fixed" in (text(f"DONE {ref} generator back", SANA) or "")
    assert (report(staffed, ref).state, assignee(staffed, ref)) == ("resolved", "bilal")
    assert entries(staffed, ref)[-1] == ("move", "sana", "generator back")
    assert "cannot be done now" in (text(f"TAKE {ref}", BILAL) or ""), "it is solved until the reporter says no"


def test_done_and_pass_from_a_phone_that_is_not_staffs_change_nothing(staffed: Service, text: Texting) -> None:
    ref = ref_in(text("REPORT speaker broken at block C"))
    text(f"TAKE {ref}", BILAL)
    before, told = report(staffed, ref), len(started(staffed))
    for words in (f"DONE {ref}", f"DONE {ref} all well", f"PASS {ref} sana", f"PASS {ref}", f"NOTE {ref} I am staff"):
        text(words, "+923009990000")
    assert report(staffed, ref) == before
    assert [by for _, by, _ in entries(staffed, ref)] == ["reporter", "bilal"]
    assert len(started(staffed)) == told


def test_it_is_passed_to_nobody_off_duty_and_not_to_oneself(staffed: Service, text: Texting) -> None:
    ref = ref_in(text("REPORT speaker broken at block C"))
    text(f"TAKE {ref}", BILAL)
    assert 'know no "bilal"' in (text(f"PASS {ref} bilal", BILAL) or "")
    text("OFF", SANA)
    refused = text(f"PASS {ref} sana", BILAL) or ""
    assert 'know no "sana"' in refused and "Sana Mir" not in refused
    assert (report(staffed, ref).state, assignee(staffed, ref)) == ("in_progress", "bilal")


def test_off_duty_lists_what_is_still_theirs(staffed: Service, text: Texting) -> None:
    ref = ref_in(text("REPORT speaker broken at block C"))
    text(f"TAKE {ref}", BILAL)
    assert f"Still yours: {ref}" in (text("OFF", BILAL) or "")


def test_done_with_two_in_hand_asks_which_and_a_note_goes_where_its_ref_says(staffed: Service, text: Texting) -> None:
    refs = [ref_in(text(words, phone)) for words, phone in (
        ("REPORT speaker broken at block C", "+923001234511"), ("REPORT toilets filthy at gate 5", "+923001234512"),
        ("REPORT no water at gate 7", "+923001234513"),
    )]  # fmt: skip
    for ref in refs[:2]:
        text(f"TAKE {ref}", BILAL)
    assert "Which iReport" in (text("DONE generator back", BILAL) or "")
    assert [report(staffed, ref).state for ref in refs] == ["in_progress", "in_progress", "received"]
    assert refs[2] in (text(f"NOTE {refs[2]} tanker is late", BILAL) or "")
    assert entries(staffed, refs[2])[-1] == ("note", "bilal", "tanker is late")


def test_what_is_a_duplicate_is_not_done_by_text(staffed: Service, text: Texting) -> None:
    first, second = (ref_in(text("REPORT no water at gate 3", f"+92300123451{n}")) for n in range(2))
    with writing(staffed.engine) as connection:
        desk.merge(connection, second, first, "chief", utc_now(), staffed.notifier)
    for words in (f"TAKE {second}", f"DONE {second}", f"PASS {second} sana"):
        assert "cannot be done now" in (text(words, BILAL) or ""), words
    assert report(staffed, second).state == "duplicate"


def test_next_offers_ones_own_area_then_ones_own_skill_then_the_oldest(staffed: Service, text: Texting) -> None:
    oldest = ref_in(text("REPORT speaker broken at block C", "+923001234511"))
    skilled = ref_in(text("REPORT toilets filthy at gate 5", "+923001234512"))
    near = ref_in(text("REPORT speaker broken at gate 7", "+923001234513"))
    people = staffed.reference().staff

    def offered(**duty: Any) -> str:
        with writing(staffed.engine) as connection:
            set_duty(connection, people[BILAL].id, utc_now(), **duty)
        staffed.reference.look_again()
        return ref_in(text("NEXT", BILAL))

    assert len({report(staffed, ref).urgency for ref in (oldest, skilled, near)}) == 1
    assert offered() == oldest
    assert offered(skills=["toilets"]) == skilled
    assert offered(areas=["gate 7"]) == near


def test_a_timeline_only_grows(staffed: Service, text: Texting) -> None:
    ref = ref_in(text("REPORT speaker broken at block C"))
    seen = entries(staffed, ref)
    for words, phone in (
        ("it is still broken", "+923001234501"), (f"TAKE {ref}", BILAL), (f"NOTE {ref} no fuse", BILAL),
        (f"PASS {ref}", BILAL), (f"TAKE {ref}", SANA), (f"DONE {ref} new fuse", SANA), ("NO", "+923001234501"),
        (f"DONE {ref}", SANA), ("YES", "+923001234501"),
    ):  # fmt: skip
        text(words, phone)
        now = entries(staffed, ref)
        assert now[: len(seen)] == seen and len(now) > len(seen), words
        seen = now
    assert report(staffed, ref).state == "closed"
    assert {by for _, by, _ in seen} == {"reporter", "bilal", "sana"}
