"""Who is told of reports that wait, of which, when and in what order, on both databases."""

from datetime import datetime, timedelta

from sqlalchemy import insert, select, update

from gateway.database import reading, writing
from gateway.places.store import bump
from gateway.reports import queue as desk
from gateway.reports.escalation import escalate, find_due, take_due
from gateway.reports.staff import set_duty
from gateway.rules.report_escalation import WAITING_STEPS
from gateway.rules.report_life import WAITING
from gateway.service import Service, utc_now
from gateway.tables import OutboundText, Report, Sender, Staff
from tests.gateway.conftest import Texting
from tests.reports.test_conversation import entries, ref_in, started
from tests.reports.test_desk import older, phone
from tests.reports.test_field import BILAL, CHIEF, SANA, staffed

__all__ = ["staffed"]


def on_duty(service: Service, *people: tuple[str, str | None]) -> None:
    """Add field staff (login, phone) who are on duty."""
    now = utc_now()
    with writing(service.engine) as connection:
        for login, number in people:
            row = {"login": login, "role": "field", "phone": number, "password_hash": "x", "created_at": now}
            added = connection.execute(insert(Staff.__table__).values(row).returning(Staff.id)).scalar_one()
            set_duty(connection, added, now, on_duty=True)
        bump(connection, "staff")
    service.reference.look_again()


def told(service: Service, ref: str, step: str) -> str:
    """Return whom the timeline names for a step."""
    [line] = [text for kind, _, text in entries(service, ref) if kind == "page" and text.startswith(f"{step}: ")]
    return line.partition(": ")[2]


def solved_and_not(service: Service, text: Texting, ref: str) -> None:
    with writing(service.engine) as connection:
        desk.move(connection, ref, "resolved", "chief", "", utc_now(), service.notifier)
    assert "open again" in (text("NO") or "")


def test_a_step_that_was_due_before_a_report_was_solved_is_not_taken_after_it_is_opened_again(
    staffed: Service, text: Texting
) -> None:
    """Its state is the same, its waiting is another one."""
    ref = ref_in(text("REPORT speaker broken at block C"))
    solved_and_not(staffed, text, ref)
    later = utc_now() + timedelta(minutes=25)
    with reading(staffed.engine) as connection:
        due = find_due(connection, WAITING_STEPS, WAITING, later)
    assert len(due) == 1
    solved_and_not(staffed, text, ref)
    with writing(staffed.engine) as connection:
        assert not take_due(connection, due, staffed.notifier, later)
    assert escalate(staffed.engine, staffed.notifier, utc_now() + timedelta(minutes=1)) == 0


def test_what_is_opened_again_has_not_waited_since_it_came(staffed: Service, text: Texting) -> None:
    ref = ref_in(text("REPORT speaker broken at block C"))
    older(staffed, ref, hours=5)
    solved_and_not(staffed, text, ref)
    assert escalate(staffed.engine, staffed.notifier, utc_now() + timedelta(minutes=19)) == 0
    assert escalate(staffed.engine, staffed.notifier, utc_now() + timedelta(minutes=21)) == 1


def test_looking_at_a_report_does_not_make_it_wait_anew(staffed: Service, text: Texting) -> None:
    ref = ref_in(text("REPORT speaker broken at block C"))
    older(staffed, ref, minutes=25)
    with writing(staffed.engine) as connection:
        desk.move(connection, ref, "acknowledged", "chief", "", utc_now(), staffed.notifier)
    assert escalate(staffed.engine, staffed.notifier, utc_now()) == 1


def test_what_is_in_hand_and_does_not_move_climbs(staffed: Service, text: Texting) -> None:
    ref = ref_in(text("REPORT a man fainted at gate 2"))
    text(f"TAKE {ref}", BILAL)
    now = utc_now()
    assert escalate(staffed.engine, staffed.notifier, now + timedelta(minutes=9)) == 0
    before = len(started(staffed, CHIEF))
    assert escalate(staffed.engine, staffed.notifier, now + timedelta(minutes=11)) == 1
    assert told(staffed, ref, "stuck organiser") == "chief"
    assert len(started(staffed, CHIEF)) == before + 1


def test_three_of_the_field_are_told_and_each_of_them_is_reached(staffed: Service, text: Texting) -> None:
    """Who has no phone, or texted STOP, would otherwise stand on the timeline as told, in the place of another."""
    ref = ref_in(text("REPORT speaker broken at block C"))
    text("STOP", BILAL)
    on_duty(
        staffed, ("nophone", None), ("daud", "+923001230011"), ("ehsan", "+923001230012"), ("faiz", "+923001230013")
    )
    assert escalate(staffed.engine, staffed.notifier, utc_now() + timedelta(minutes=21)) == 1
    assert told(staffed, ref, "field") == "sana, daud, ehsan"
    assert [len(started(staffed, one)) for one in (BILAL, SANA, "+923001230011", "+923001230013")] == [0, 1, 1, 0]


def test_a_list_names_the_most_urgent_first_then_the_oldest(staffed: Service, text: Texting) -> None:
    at_once = "REPORT a man fainted at gate {}"
    sound = [ref_in(text(f"REPORT speaker broken at block {letter}", phone(n))) for n, letter in enumerate("BCD")]
    hurt = [ref_in(text(at_once.format(n), phone(10 + n))) for n in range(1, 3)]
    for number, ref in enumerate(sound):
        older(staffed, ref, minutes=70 + number)
    for number, ref in enumerate(hurt):
        older(staffed, ref, minutes=3 + number)
    before = len(started(staffed, CHIEF))
    assert escalate(staffed.engine, staffed.notifier, utc_now()) == 10
    [words] = started(staffed, CHIEF)[before:]
    said = [words.index(ref) for ref in (*hurt[::-1], *sound[::-1])]
    assert said == sorted(said)


def held_for(service: Service, number: str, since: datetime) -> set[bool]:
    """Return whether texts to a phone that were put in the outbox at a time wait until morning."""
    with reading(service.engine) as connection:
        rows = connection.execute(
            select(OutboundText.not_before)
            .join(Sender, Sender.id == OutboundText.sender_id)
            .where(Sender.key == number, OutboundText.created_at == since)
        )
        return {row.not_before > since + timedelta(hours=1) for row in rows}


def test_at_night_who_is_off_duty_is_woken_for_medical_only(staffed: Service, text: Texting) -> None:
    night = utc_now().replace(hour=22)  # three in the morning in Karachi
    number = 0

    def woken(words: str, many: int) -> bool:
        nonlocal night, number
        night += timedelta(seconds=1)
        for _ in range(many):
            number += 1
            ref_in(text(f"REPORT {words} at gate {number}", phone(number)))
        with writing(staffed.engine) as connection:
            connection.execute(update(Report).values(opened_at=night - timedelta(minutes=70)))
        escalate(staffed.engine, staffed.notifier, night)
        [held] = held_for(staffed, CHIEF, night)
        return not held

    assert woken("a man fainted", 1)
    assert not woken("speaker broken", 1)
    assert woken("a man fainted", 4), "as a list"
    assert not woken("speaker broken", 4), "as a list"
