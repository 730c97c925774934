"""The queue, clusters, escalation and what staff change, on both databases."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from gateway.database import reading, writing
from gateway.reports import queue as desk
from gateway.reports.clusters import propose_clusters, proposed
from gateway.reports.escalation import escalate, find_due, take_due
from gateway.reports.moves import UnknownReport, hold, move_row
from gateway.reports.similar import Compared, same_thing
from gateway.reports.staff import set_duty
from gateway.reports.ticks import close_silent, run_all
from gateway.reports.trends import current_trends, find_trends, rising
from gateway.rules.report_escalation import WAITING_STEPS, due_steps
from gateway.rules.report_life import WAITING, MoveRefused
from gateway.service import Service, utc_now
from gateway.tables import OutboundText, Report, Sender
from tests.gateway.conftest import Texting
from tests.reports.test_conversation import entries, ref_in, report, started
from tests.reports.test_field import BILAL, CHIEF, SANA, staffed

__all__ = ["staffed"]


def phone(number: int) -> str:
    return f"+92300555{number:04}"


def older(service: Service, ref: str, **age: float) -> None:
    with writing(service.engine) as connection:
        row = hold(connection, ref)
        at = row.opened_at - timedelta(**age)
        connection.execute(
            update(Report).where(Report.id == row.id).values(opened_at=at, updated_at=at, last_text_at=at)
        )


def test_the_queue_shows_the_most_urgent_first_and_no_number(service: Service, text: Texting) -> None:
    low = ref_in(text("REPORT speaker broken at block C", phone(1)))
    high = ref_in(text("REPORT a man fainted at gate 2", phone(2)))
    with reading(service.engine) as connection:
        rows = desk.queue(connection)
        assert [row["ref"] for row in rows] == [high, low]
        assert "+92" not in str(rows)
        assert [row["ref"] for row in desk.queue(connection, desk.Filters(categories=["sound"]))] == [low]
        assert [row["ref"] for row in desk.queue(connection, desk.Filters(place="gate"))] == [high]
        with pytest.raises(ValueError, match="no 'lost in space'"):
            desk.queue(connection, desk.Filters(states=["lost in space"]))


def test_a_story_tells_everything_but_the_number(staffed: Service, text: Texting) -> None:
    ref = ref_in(text("REPORT a man fainted at gate 2", phone(2)))
    with reading(staffed.engine) as connection:
        told = desk.story(connection, ref)
        with pytest.raises(UnknownReport):
            desk.story(connection, "2222")
    assert told["because"][0] == "faint* +5"
    assert told["proposals"][0]["login"] == "sana"  # the skill
    assert [line["kind"] for line in told["timeline"]] == ["received", "page"]
    assert phone(2) not in str(told)


def test_assigning_tells_the_person_and_the_reporter(staffed: Service, text: Texting) -> None:
    ref = ref_in(text("REPORT speaker broken at block C"))
    now = utc_now()
    with writing(staffed.engine) as connection:
        desk.assign(connection, ref, "sana", "chief", now, staffed.notifier)
    assert report(staffed, ref).state == "assigned"
    assert any(ref in body for body in started(staffed, SANA))
    assert "Sana is on it" in started(staffed)[0]
    with writing(staffed.engine) as connection, pytest.raises(MoveRefused):
        desk.move(connection, ref, "closed", "chief", "", now, staffed.notifier)


def test_corrections_make_the_confusion_table(service: Service, text: Texting) -> None:
    ref = ref_in(text("REPORT the tent is sinking in the rain"))
    judged = report(service, ref).category
    now = utc_now()
    with writing(service.engine) as connection:
        assert desk.confusion(connection)["reports"] == 0
        desk.correct(connection, ref, "chief", now, category="crush", urgency=3)
        told = desk.confusion(connection)
        with pytest.raises(MoveRefused, match="no category"):
            desk.correct(connection, ref, "chief", now, category="rain")
    assert (told["reports"], told["right"], told["table"][judged]["crush"]) == (1, 0.0, 1)
    assert (f"category: {judged} -> crush") in [said for _, _, said in entries(service, ref)]


def test_many_phones_of_one_problem_are_proposed_counted_and_answered_once(service: Service, text: Texting) -> None:
    refs = [ref_in(text(f"REPORT no drinking water at gate 3 {'!' * n}", phone(n))) for n in range(4)]
    apart = [
        ref_in(text("REPORT no drinking water at gate 7", phone(8))),
        ref_in(text("REPORT toilets are filthy at gate 3", phone(9))),
    ]
    now = utc_now()
    assert propose_clusters(service.engine, now) == 3
    assert propose_clusters(service.engine, now) == 0
    with reading(service.engine) as connection:
        [group] = proposed(connection)
    assert (group["ref"], group["witnesses"]) == (refs[0], 4)
    assert {other["ref"] for other in group["others"]} == set(refs[1:])
    assert report(service, refs[0]).urgency == 2  # three phones make it more urgent
    assert all(report(service, ref).state == "received" for ref in refs + apart)  # nothing merged by itself
    with writing(service.engine) as connection:
        desk.merge(connection, refs[1], refs[0], "chief", now, service.notifier)
        desk.merge(connection, refs[2], refs[0], "chief", now, service.notifier)
        desk.split(connection, refs[3], "chief", now, service.notifier)
        for other in apart:
            with pytest.raises(MoveRefused):
                desk.merge(connection, other, refs[0], "chief", now, service.notifier)
        desk.move(connection, refs[0], "resolved", "chief", "tanker came", now, service.notifier)
    assert [len(started(service, phone(n))) for n in (0, 1, 2, 3)] == [1, 1, 1, 0]
    assert report(service, refs[0]).witnesses == 3
    assert "open again" in (text("NO", phone(1)) or "")  # a duplicate's NO opens the parent
    assert report(service, refs[0]).state == "reopened"


def test_a_new_witness_of_what_was_solved_opens_it_again(service: Service, text: Texting) -> None:
    first = ref_in(text("REPORT no drinking water at gate 3", phone(1)))
    now = utc_now()
    with writing(service.engine) as connection:
        desk.move(connection, first, "resolved", "chief", "", now, service.notifier)
    second = ref_in(text("REPORT still no drinking water at gate 3", phone(2)))
    with writing(service.engine) as connection:
        desk.merge(connection, second, first, "chief", utc_now(), service.notifier)
    assert report(service, first).state == "reopened"


def test_escalation_climbs_once_whoever_ticks(staffed: Service, text: Texting) -> None:
    ref = ref_in(text("REPORT a man fainted at gate 2"))
    before = len(started(staffed, CHIEF))
    now = utc_now()
    assert escalate(staffed.engine, staffed.notifier, now + timedelta(seconds=30)) == 0
    later = now + timedelta(minutes=3)
    assert escalate(staffed.engine, staffed.notifier, later) == 2
    assert escalate(Service(staffed.settings).engine, staffed.notifier, later) == 0
    assert len(started(staffed, CHIEF)) == before + 1
    assert "waits for 3 min" in started(staffed, CHIEF)[-1]
    text(f"TAKE {ref}", BILAL)
    assert escalate(staffed.engine, staffed.notifier, later + timedelta(minutes=5)) == 0


def test_a_step_is_taken_once_by_those_who_saw_it_due_at_the_same_time(staffed: Service, text: Texting) -> None:
    ref = ref_in(text("REPORT speaker broken at block C"))
    later = utc_now() + timedelta(minutes=25)
    with reading(staffed.engine) as connection:
        due = find_due(connection, WAITING_STEPS, WAITING, later)
    taken = []
    for _ in range(2):  # both have looked before either wrote
        with writing(staffed.engine) as connection:
            taken.append(len(take_due(connection, due, staffed.notifier, later)))
    assert taken == [1, 0]
    assert [line[0] for line in entries(staffed, ref)].count("page") == 1
    with reading(staffed.engine) as connection:
        due = find_due(connection, WAITING_STEPS, WAITING, later + timedelta(minutes=40))
    assert len(due) == 1
    text(f"TAKE {ref}", BILAL)
    with writing(staffed.engine) as connection:  # somebody took it between the look and the step
        assert not take_due(connection, due, staffed.notifier, later)


@pytest.mark.parametrize("many", [3, 4])
def test_many_late_at_once_are_one_list(staffed: Service, text: Texting, many: int) -> None:
    refs = [ref_in(text(f"REPORT a man fainted at gate {n}", phone(n))) for n in range(1, many + 1)]
    before = len(started(staffed, CHIEF))
    later = utc_now() + timedelta(minutes=3)
    assert escalate(staffed.engine, staffed.notifier, later) == 2 * many
    assert escalate(staffed.engine, staffed.notifier, later) == 0
    told = started(staffed, CHIEF)[before:]
    assert len(told) == (many if many == 3 else 1)
    assert all(any(ref in one for one in told) for ref in refs)
    assert ("4 iReports wait too long" in told[0]) == (many == 4)
    for ref in refs:  # the timeline says who was told, however they were
        assert [line[0] for line in entries(staffed, ref)].count("page") == 3


def test_reopened_reports_climb_again(staffed: Service, text: Texting) -> None:
    ref = ref_in(text("REPORT a man fainted at gate 2"))
    escalate(staffed.engine, staffed.notifier, utc_now() + timedelta(minutes=3))
    with writing(staffed.engine) as connection:
        desk.move(connection, ref, "resolved", "chief", "", utc_now(), staffed.notifier)
    text("NO")
    assert escalate(staffed.engine, staffed.notifier, utc_now() + timedelta(minutes=3)) == 2


def test_silence_closes_after_a_day(service: Service, text: Texting) -> None:
    ref = ref_in(text("REPORT speaker broken at block C"))
    now = utc_now()
    with writing(service.engine) as connection:
        desk.move(connection, ref, "resolved", "chief", "", now, service.notifier)
    assert close_silent(service.engine, service.notifier, now + timedelta(hours=23)) == 0
    assert close_silent(service.engine, service.notifier, now + timedelta(hours=25)) == 1
    assert entries(service, ref)[-1] == ("move", "clock", "no answer")


def test_quiet_hours_hold_back_what_can_wait_and_never_medical(service: Service, text: Texting) -> None:
    slow = ref_in(text("REPORT speaker broken at block C", phone(1)))
    hurt = ref_in(text("REPORT a man fainted at gate 2", phone(2)))
    night = utc_now().replace(hour=22)  # three in the morning in Karachi
    with writing(service.engine) as connection:
        for ref in (slow, hurt):
            desk.reply(connection, ref, "on the way", "chief", night, service.notifier)
        rows = connection.execute(
            select(OutboundText.not_before).where(OutboundText.kind == "report").order_by(OutboundText.id)
        ).all()
    assert [(row.not_before - night) > timedelta(hours=1) for row in rows] == [True, False]


def test_staff_on_duty_are_told_at_night_and_others_in_the_morning(staffed: Service, text: Texting) -> None:
    ref = ref_in(text("REPORT speaker broken at block C"))
    night = utc_now().replace(hour=22)  # three in the morning in Karachi
    with writing(staffed.engine) as connection:
        desk.assign(connection, ref, "sana", "chief", night, staffed.notifier)
        desk.assign(connection, ref, "chief", "sana", night, staffed.notifier)
        waits = {
            row.key: row.not_before > night + timedelta(hours=1)
            for row in connection.execute(
                select(Sender.key, OutboundText.not_before).join(OutboundText, OutboundText.sender_id == Sender.id)
            )
            if row.key in (SANA, CHIEF)
        }
    assert waits == {SANA: False, CHIEF: True}


def test_the_reporter_is_told_once_however_often_it_is_handed_on(staffed: Service, text: Texting) -> None:
    ref = ref_in(text("REPORT speaker broken at block C"))
    for login in ("sana", "bilal", "sana"):
        with writing(staffed.engine) as connection:
            desk.assign(connection, ref, login, "chief", utc_now(), staffed.notifier)
    assert len(started(staffed)) == 1


def test_a_word_that_rises_is_shown_with_examples(service: Service, text: Texting) -> None:
    old = [ref_in(text(f"REPORT speaker broken at block {letter}", phone(n))) for n, letter in enumerate("BCDEF")]
    for ref in old:
        older(service, ref, minutes=80)
    new = [ref_in(text(f"REPORT snake seen near block {letter}", phone(50 + n))) for n, letter in enumerate("BCDEFGH")]
    now = utc_now()
    assert find_trends(service.engine, now) >= 1
    assert find_trends(service.engine, now) >= 1  # again changes nothing
    with reading(service.engine) as connection:
        alerts = {(one["kind"], one["term"]): one for one in current_trends(connection, now)}
    assert alerts[("word", "snake")]["now"] == 7
    assert {one["ref"] for one in alerts[("word", "snake")]["examples"]} <= set(new)
    assert ("word", "speaker") not in alerts


def test_what_is_as_usual_at_this_hour_does_not_rise(service: Service, text: Texting) -> None:
    yesterday = [ref_in(text(f"REPORT bus full near block {letter}", phone(n))) for n, letter in enumerate("BCDEFG")]
    for ref in yesterday:
        older(service, ref, hours=24, minutes=30)
    for n, letter in enumerate("BCDEFGH"):
        text(f"REPORT bus full near block {letter}", phone(50 + n))
        text(f"REPORT snake seen near gate {n}", phone(70 + n))
    now = utc_now()
    find_trends(service.engine, now)
    with reading(service.engine) as connection:
        rising_now = {one["term"]: one["before"] for one in current_trends(connection, now)}
    assert rising_now["snake"] == 0
    assert "bus" not in rising_now and "full" not in rising_now


def test_the_same_words_of_two_categories_are_not_one_thing() -> None:
    one = Compared(1, "water", "spot:gate 3", None, None, "no drinking water at gate 3", utc_now())
    assert same_thing(one, replace(one, id=2)) is not None
    assert same_thing(one, replace(one, id=2, category="medical")) is None


def test_one_phone_makes_no_trend() -> None:
    assert rising({}, {("word", "snake"): 4}) == []
    assert [one.term for one in rising({("word", "snake"): 2}, {("word", "snake"): 12})] == ["snake"]
    assert rising({("word", "water"): 100}, {("word", "water"): 120}) == []


def test_all_ticks_run_on_an_empty_table(service: Service) -> None:
    run_all(service.engine, service.notifier, utc_now())
    with reading(service.engine) as connection:
        assert connection.execute(select(func.count()).select_from(Report)).scalar_one() == 0


def test_nothing_is_due_for_praise_or_what_is_solved() -> None:
    now = utc_now()
    long_ago = now - timedelta(days=2)
    assert due_steps("received", 0, long_ago, long_ago, now) == []
    assert due_steps("resolved", 3, long_ago, long_ago, now) == []
    assert [step.role for step in due_steps("received", 3, long_ago, long_ago, now)] == ["field", "organiser", "admin"]


def test_duty_is_known_to_the_next_text(staffed: Service, text: Texting) -> None:
    with writing(staffed.engine) as connection:
        person = next(one for one in staffed.reference().staff.values() if one.login == "bilal")
        set_duty(connection, person.id, utc_now(), on_duty=False)
    staffed.reference.look_again()
    assert staffed.reference().staff[BILAL].on_duty is False


@pytest.mark.parametrize("to", ["assigned", "in_progress"])
def test_a_report_in_hand_is_somebodys(service: Service, text: Texting, to: str) -> None:
    ref = ref_in(text("REPORT no water at gate 3"))
    with writing(service.engine) as connection, pytest.raises(MoveRefused, match="needs somebody"):
        move_row(connection, hold(connection, ref), to, "ali", "", utc_now(), service.notifier)
