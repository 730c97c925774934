"""Who is called for danger, who is told of a move and how often, on both databases."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, insert, select, update

from gateway.database import reading, writing
from gateway.places.store import bump
from gateway.reports import queue as desk
from gateway.reports.moves import answer_fixed, hold
from gateway.reports.paging import page_rest
from gateway.reports.ticks import close_silent
from gateway.rules.report_life import MoveRefused
from gateway.rules.report_staff import StaffMember, named, propose
from gateway.rules.report_talk import Sorting
from gateway.service import Service, utc_now
from gateway.tables import OutboundText, Report, Staff
from tests.gateway.conftest import Texting
from tests.reports.test_conversation import entries, ref_in, report, resolve, started
from tests.reports.test_desk import older, phone
from tests.reports.test_field import BILAL, CHIEF, SANA, assignee, staffed

__all__ = ["staffed"]
FAINTED = "REPORT a man fainted at gate {}"


def called(service: Service, ref: str) -> str:
    [line] = [text for kind, _, text in entries(service, ref) if kind == "page"]
    return line


def test_who_texted_stop_is_not_called_and_somebody_else_is(staffed: Service, text: Texting) -> None:
    text("STOP", BILAL)
    staffed.reference.look_again()
    assert called(staffed, ref_in(text(FAINTED.format(1), phone(1)))) == "sana, chief"
    now = utc_now()
    with writing(staffed.engine) as connection:
        row = {"login": "amna", "role": "admin", "phone": "+923001230009", "password_hash": "x", "created_at": now}
        connection.execute(insert(Staff.__table__).values(row))
        bump(connection, "staff")
    text("STOP", SANA)
    text("STOP", CHIEF)
    staffed.reference.look_again()
    assert called(staffed, ref_in(text(FAINTED.format(2), phone(2)))) == "amna"
    assert started(staffed, BILAL) == []
    assert len(started(staffed, "+923001230009")) == 1


def test_the_list_of_a_flood_leads_with_the_worst_and_holds_danger_only(staffed: Service, text: Texting) -> None:
    refs = [ref_in(text(FAINTED.format(n), phone(n))) for n in range(12)][6:]
    for ref, changed in zip(refs, ({"kind": "praise"}, {"urgency": 1}, *[{"urgency": 2}] * 3), strict=False):
        with writing(staffed.engine) as connection:
            connection.execute(update(Report).where(Report.ref == ref).values(**changed))
    assert page_rest(staffed.engine, utc_now(), staffed.notifier) == 4
    words = started(staffed, SANA)[-1]
    assert words.index(refs[5]) < words.index(refs[2])
    assert refs[0] not in words and refs[1] not in words


def test_an_erased_reporter_is_told_nothing(staffed: Service, text: Texting) -> None:
    ref = ref_in(text("REPORT speaker broken at block C"))
    text("ERASE")
    text("YES")
    resolve(staffed, ref)
    with reading(staffed.engine) as connection:
        texts = select(func.count()).select_from(OutboundText).where(OutboundText.kind == "report")
        assert connection.execute(texts).scalar_one() == 0


def test_staff_who_stopped_are_given_work_and_no_text(staffed: Service, text: Texting) -> None:
    ref = ref_in(text("REPORT speaker broken at block C"))
    text("STOP", SANA)
    with writing(staffed.engine) as connection:
        desk.assign(connection, ref, "sana", "chief", utc_now(), staffed.notifier)
    assert (assignee(staffed, ref), started(staffed, SANA)) == ("sana", [])


def test_who_takes_it_themselves_is_not_told_that_they_have_it(staffed: Service, text: Texting) -> None:
    ref = ref_in(text("REPORT speaker broken at block C"))
    text(f"TAKE {ref}", BILAL)
    assert started(staffed, BILAL) == []


def test_what_is_opened_again_is_nobodys(staffed: Service, text: Texting) -> None:
    ref = ref_in(text("REPORT speaker broken at block C"))
    text(f"TAKE {ref}", BILAL)
    text(f"DONE {ref}", BILAL)
    text("NO")
    assert (report(staffed, ref).state, assignee(staffed, ref)) == ("reopened", None)
    assert ref in (text("NEXT", SANA) or "")


def test_a_reporter_of_several_duplicates_is_told_once_by_the_first_ref(service: Service, text: Texting) -> None:
    first = ref_in(text("REPORT no drinking water at gate 3", phone(1)))
    theirs = []
    for _ in range(2):
        theirs.append(ref_in(text("REPORT no drinking water at gate 3", phone(2))))
        older(service, theirs[-1], minutes=15)
    now = utc_now()
    with writing(service.engine) as connection:
        for ref in theirs:
            desk.merge(connection, ref, first, "chief", now, service.notifier)
        desk.move(connection, first, "resolved", "chief", "", now, service.notifier)
    [words] = started(service, phone(2))
    assert theirs[0] in words and theirs[1] not in words
    assert len(started(service, phone(1))) == 1


def test_yes_of_a_duplicate_closes_nothing_for_others_and_a_split_one_has_no_parent(
    service: Service, text: Texting
) -> None:
    first, second = (ref_in(text("REPORT no drinking water at gate 3", phone(n))) for n in range(2))
    with writing(service.engine) as connection:
        desk.merge(connection, second, first, "chief", utc_now(), service.notifier)
        with pytest.raises(MoveRefused, match="merge it"):
            desk.move(connection, first, "duplicate", "chief", "", utc_now(), service.notifier)
    resolve(service, first)
    assert "closed" in (text("YES", phone(1)) or "")
    assert report(service, first).state == "resolved", "its own reporter has not said so"
    with writing(service.engine) as connection:
        desk.split(connection, second, "chief", utc_now(), service.notifier)
    row = report(service, second)
    assert (row.state, row.parent_id) == ("reopened", None)


def test_erased_words_are_in_no_table_of_confusion(service: Service, text: Texting) -> None:
    ref = ref_in(text("REPORT the tent is sinking in the rain"))
    with writing(service.engine) as connection:
        desk.correct(connection, ref, "chief", utc_now(), category="crush")
        assert desk.confusion(connection)["reports"] == 1
    text("ERASE")
    text("YES")
    with reading(service.engine) as connection:
        assert desk.confusion(connection)["reports"] == 0


ALI = StaffMember(1, "ali", "Ali", "field", "+92300", True)


def test_a_whole_name_is_meant_before_a_part_of_one() -> None:
    raza = replace(ALI, id=2, login="raza", name="Ali Raza")
    assert named("Ali", [raza, ALI]) == [ALI]
    assert named("ali", [raza]) == [raza]
    assert named("ali", [raza, replace(raza, id=3, login="other", name="Ali Khan")]) != [raza]


def test_area_skill_and_load_decide_who_is_proposed() -> None:
    skilled = replace(ALI, id=2, skills=("sound",))
    here = replace(ALI, id=3, areas=("gate 3",))
    elsewhere = replace(ALI, id=4, areas=("gate 7",))
    people = [ALI, elsewhere, skilled, here]

    def order(sorting: Sorting, staff: list[StaffMember]) -> list[int]:
        return [one.person.id for one in propose(sorting, staff)]

    assert order(Sorting("sound", place="gate 3"), people) == [3, 2, 1, 4]
    assert order(Sorting("medical", place="gate 3", pages=True), [here, replace(skilled, skills=("medical",))]) == [
        2,
        3,
    ]
    assert order(Sorting("sound", place="gate 3"), [replace(here, load=3), ALI]) == [1, 3]
    assert order(Sorting("sound"), [replace(here, on_duty=False), replace(ALI, role="organiser"), skilled]) == [2]


def test_what_is_given_back_says_so(staffed: Service, text: Texting) -> None:
    ref = ref_in(text("REPORT speaker broken at block C"))
    text(f"TAKE {ref}", BILAL)
    text(f"PASS {ref}", BILAL)
    assert entries(staffed, ref)[-1] == ("note", "bilal", "given back")


def test_a_ref_by_text_is_that_of_this_event(staffed: Service, text: Texting) -> None:
    """Refs are unique within an event; one of a later event has the higher id."""
    ref = ref_in(text("REPORT speaker broken at block C"))
    with writing(staffed.engine) as connection:
        ours = connection.execute(select(Report.__table__)).one()._asdict()
        there = ours | {"id": ours["id"] + 1, "event_key": "another"}
        connection.execute(insert(Report.__table__).values(there))
    for words in (f"TAKE {ref}", f"NOTE {ref} no fuse", f"DONE {ref}"):
        text(words, BILAL)
    text("NO")
    with reading(staffed.engine) as connection:
        states = connection.execute(select(Report.event_key, Report.state).order_by(Report.id)).all()
    assert [tuple(row) for row in states] == [(ours["event_key"], "reopened"), ("another", "received")]


def test_only_what_is_solved_closes_in_silence(service: Service, text: Texting) -> None:
    older(service, ref_in(text("REPORT speaker broken at block C")), hours=50)
    assert close_silent(service.engine, service.notifier, utc_now()) == 0


@pytest.mark.parametrize(("fixed", "state"), [(True, "closed"), (False, "reopened")])
def test_an_answer_that_comes_as_silence_closes_it_is_heard(
    service: Service, text: Texting, fixed: bool, state: str
) -> None:
    ref = ref_in(text("REPORT speaker broken at block C"))
    resolve(service, ref)
    now = utc_now() + timedelta(hours=25)
    assert close_silent(service.engine, service.notifier, now) == 1
    with writing(service.engine) as connection:
        answer_fixed(connection, hold(connection, ref), fixed, "my answer", now, service.notifier)
    assert report(service, ref).state == state
    assert entries(service, ref)[-1][1:] == ("reporter", "my answer")


def test_what_staff_put_right_is_not_judged_anew(service: Service, text: Texting) -> None:
    ref = ref_in(text("REPORT speaker broken at block C"))
    with writing(service.engine) as connection:
        desk.correct(connection, ref, "chief", utc_now(), category="transport")
    text("now a man has fainted here")
    row = report(service, ref)
    assert (row.category, row.judged["category"]) == ("medical", "sound")


def test_erase_takes_the_words_out_of_what_staff_were_texted_and_what_staff_wrote(
    staffed: Service, text: Texting
) -> None:
    ref = ref_in(text("REPORT Sana fainted at gate 3"))
    other = ref_in(text("REPORT speaker broken at block C", phone(1)))
    text(f"NOTE {other} my own fuse", BILAL)
    with writing(staffed.engine) as connection:
        connection.execute(update(OutboundText).values(state="sent"))
    for phone_number in ("+923001234501", BILAL):
        text("ERASE", phone_number)
        text("YES", phone_number)
    assert started(staffed, SANA) == [ref]
    assert entries(staffed, other) == [("received", "reporter", "speaker broken at block C"), ("note", "bilal", "")]


def test_erased_words_do_not_leave_in_what_waits_for_staff(staffed: Service, text: Texting) -> None:
    ref = ref_in(text("REPORT Sana fainted at gate 3"))
    with reading(staffed.engine) as connection:
        waiting = select(OutboundText.body).where(OutboundText.state == "queued")
        assert any("fainted" in body for body in connection.execute(waiting).scalars())
    text("ERASE")
    text("YES")
    with reading(staffed.engine) as connection:
        left = connection.execute(select(OutboundText.body, OutboundText.parts).where(OutboundText.state == "queued"))
        assert {tuple(row) for row in left} == {(ref, 1)}
