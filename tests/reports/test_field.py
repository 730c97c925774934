"""The commands of field staff, from a registered phone only."""

from typing import Any

import pytest
from sqlalchemy import insert, select

from gateway.database import reading, writing
from gateway.places.store import bump
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
