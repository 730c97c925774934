"""Who is texted, when, in which order and how fast."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import insert, update
from sqlalchemy.exc import IntegrityError

from gateway.database import writing
from gateway.rules.pace import Pace
from gateway.rules.sending_hours import SendingHours
from gateway.tables import BroadcastTopic, OutboundText, Sender, TopicStop
from tests.outbox.conftest import Outbox


def test_a_broadcast_reaches_everyone_once(outbox: Outbox) -> None:
    people = outbox.people(600)
    broadcast = outbox.broadcast()
    assert outbox.put(people, broadcast_id=broadcast) == 600
    assert outbox.steps() == 600
    assert outbox.states() == {"sent": 600}
    assert sorted(outbox.sent_numbers()) == [f"+92300{at:07d}" for at in range(600)]
    assert len({row.carrier_id for row in outbox.texts()}) == 600


def test_one_broadcast_has_one_text_for_a_person(outbox: Outbox) -> None:
    people = outbox.people(3)
    broadcast = outbox.broadcast()
    assert outbox.put(people, broadcast_id=broadcast) == 3
    assert outbox.put(people, broadcast_id=broadcast) == 0
    with pytest.raises(IntegrityError), writing(outbox.engine) as connection:
        [one, *_] = outbox.texts()
        row = {**one._mapping, "id": None}
        row.pop("id")
        connection.execute(insert(OutboundText.__table__), row)
    assert len(outbox.texts()) == 3


@pytest.mark.parametrize("kind", ["broadcast", "reminder", "report", "test", "reply", "confirmation"])
def test_consent_decides_for_each_kind(outbox: Outbox, kind: str) -> None:
    joined, stranger, stopped, dead = (outbox.people(1, consent, first)[0] for consent, first in (
        ("joined", 1), ("none", 2), ("stopped", 3), ("joined", 4)
    ))  # fmt: skip
    outbox.set_sender(dead, number_state="dead")
    gone = outbox.people(1, "joined", 5)[0]
    outbox.put([joined, stranger, stopped, dead, gone], kind)
    outbox.set_sender(gone, key="erased:" + "0" * 60)
    outbox.steps()
    kept = {row.sender_id: row.reason for row in outbox.texts() if row.state == "suppressed"}
    started = {joined}
    started |= {stranger} if kind not in ("broadcast", "reminder") else set()
    started |= {stopped} if kind in ("reply", "confirmation") else set()
    started |= {dead} if kind == "confirmation" else set()
    assert {row.sender_id for row in outbox.texts() if row.state == "sent"} == started
    assert set(kept) == {joined, stranger, stopped, dead, gone} - started
    assert kept[gone] == "erased"
    reasons = {stranger: "no consent", stopped: "stopped", dead: "dead number", gone: "erased"}
    assert all(reason == reasons[one] for one, reason in kept.items())


def test_a_stop_after_a_reply_was_written_keeps_the_reply_back(outbox: Outbox) -> None:
    [one] = outbox.people(1)
    outbox.put([one], "reply")
    outbox.clock.forward(seconds=1)
    outbox.stop(one)
    outbox.put([one], "reply", body="HELP is answered after STOP", not_before=outbox.clock.now)
    outbox.clock.forward(seconds=1)
    outbox.put([one], "reply", body="and this")
    outbox.steps()
    assert [row.state for row in outbox.texts()] == ["suppressed", "suppressed", "sent"]
    assert outbox.texts()[0].reason == "stopped"


def test_stop_of_a_topic_keeps_back_its_broadcasts_only(outbox: Outbox) -> None:
    people = outbox.people(2)
    lahore, karachi = outbox.broadcast("lahore"), outbox.broadcast("karachi")
    with writing(outbox.engine) as connection:
        for broadcast, topic in ((lahore, "city:lahore"), (lahore, "affinity:students"), (karachi, "city:karachi")):
            connection.execute(insert(BroadcastTopic.__table__), {"broadcast_id": broadcast, "topic": topic})
        left = {"sender_id": people[0], "topic": "city:lahore", "stopped_at": outbox.clock.now}
        connection.execute(insert(TopicStop.__table__), left)
    outbox.put(people, broadcast_id=lahore)
    outbox.put(people, broadcast_id=karachi)
    outbox.steps()
    assert [(row.state, row.reason) for row in outbox.texts()] == [
        ("suppressed", "left this topic"), ("sent", None), ("sent", None), ("sent", None),
    ]  # fmt: skip


def test_the_urgent_goes_first(outbox: Outbox) -> None:
    people = outbox.people(40)
    outbox.put(people[:10], "broadcast", broadcast_id=outbox.broadcast())
    outbox.put(people[10:20], "report")
    outbox.put(people[20:30], "reply")
    outbox.put(people[30:], "confirmation")
    outbox.steps(worker=outbox.another("small", in_flight=10))
    kinds = [int(number[-2:]) // 10 for number in outbox.sent_numbers()]
    assert kinds == [3] * 10 + [2] * 10 + [1] * 10 + [0] * 10


def test_two_broadcasts_at_once_share(outbox: Outbox) -> None:
    people = outbox.people(200)
    first, second = outbox.broadcast("one"), outbox.broadcast("two")
    outbox.put(people, broadcast_id=first)
    outbox.put(people, broadcast_id=second)
    outbox.step(outbox.another("small", in_flight=50))
    counts = [sum(row.state == "sent" for row in outbox.texts() if row.broadcast_id == one) for one in (first, second)]
    assert counts == [25, 25]


def test_nothing_leaves_before_its_time_or_after_it(outbox: Outbox) -> None:
    early, late, now = outbox.people(3)
    noon = outbox.clock.now
    outbox.put([early], "report", not_before=noon + timedelta(minutes=5))
    outbox.put([late], "report", expires_at=noon)
    outbox.put([now], "report", expires_at=noon + timedelta(minutes=1))
    outbox.steps()
    assert [row.state for row in outbox.texts()] == ["queued", "expired", "sent"]
    outbox.clock.forward(minutes=5)
    outbox.steps()
    assert [row.state for row in outbox.texts()] == ["sent", "expired", "sent"]


def test_each_recipient_has_hours_of_their_own_place(outbox: Outbox) -> None:
    karachi, london, nowhere, answer = ([one] for one in outbox.people(4))
    broadcast = outbox.broadcast()
    outbox.put(karachi, broadcast_id=broadcast, zone="Asia/Karachi")
    outbox.put(london, broadcast_id=broadcast, zone="Europe/London")
    outbox.put(nowhere, broadcast_id=broadcast, zone="Not/AZone")
    outbox.put(answer, "report", zone="Europe/London")
    worker = outbox.another("careful", hours=SendingHours.read("09:00-21:00"))
    outbox.clock.now = datetime(2026, 3, 2, 7, 0, tzinfo=UTC)  # noon in Karachi, 7 in London
    outbox.steps(worker=worker)
    assert [row.state for row in outbox.texts()] == ["sent", "queued", "sent", "sent"]
    outbox.clock.now = datetime(2026, 3, 2, 8, 59, 59, tzinfo=UTC)
    assert outbox.steps(worker=worker) == 0
    outbox.clock.now = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
    outbox.steps(worker=worker)
    assert outbox.texts()[1].state == "sent"


@pytest.mark.parametrize("state", ["draft", "approved", "scheduled", "paused"])
def test_a_broadcast_that_does_not_send_waits_and_others_pass(outbox: Outbox, state: str) -> None:
    people = outbox.people(300)
    held, free = outbox.broadcast("held", state), outbox.broadcast("free")
    outbox.put(people, broadcast_id=held)
    outbox.put(people, broadcast_id=free)
    outbox.steps()
    assert outbox.states() == {"queued": 300, "sent": 300}
    outbox.set_state(held, "sending")
    outbox.steps()
    assert outbox.states() == {"sent": 600}


def test_a_pause_holds_from_the_next_claim_and_a_cancel_ends_it(outbox: Outbox) -> None:
    broadcast = outbox.broadcast()
    outbox.put(outbox.people(300), broadcast_id=broadcast)
    worker = outbox.another("small", in_flight=50)
    outbox.step(worker)
    outbox.set_state(broadcast, "paused")
    assert outbox.steps(worker=worker) == 0
    outbox.set_state(broadcast, "sending")
    outbox.step(worker)
    outbox.set_state(broadcast, "cancelled")
    outbox.steps(worker=worker)
    assert outbox.states() == {"sent": 100, "cancelled": 200}
    assert {row.reason for row in outbox.texts() if row.state == "cancelled"} == {"the broadcast was cancelled"}


def test_the_pace_counts_parts_and_is_shared(outbox: Outbox) -> None:
    people = outbox.people(400)
    outbox.put(people, broadcast_id=outbox.broadcast(), body="a" * 200)  # two parts
    pace = {"simulated": Pace(40, 10)}
    workers = [outbox.another(name, paces=pace) for name in ("one", "two")]
    at: list[datetime] = []
    for _ in range(200):  # 10 seconds
        for worker in workers:
            outbox.step(worker)
        at += [outbox.clock.now] * (len(outbox.carrier.taken) - len(at))
        outbox.clock.forward(milliseconds=50)
    assert 10 + 40 * 10 - 10 <= 2 * len(at) <= 10 + 40 * 10
    for second in range(9):
        begin = at[0] + timedelta(seconds=second)
        assert 2 * sum(begin <= moment < begin + timedelta(seconds=1) for moment in at) <= 10 + 40


def test_a_text_longer_than_the_burst_still_leaves(outbox: Outbox) -> None:
    outbox.put(outbox.people(2), "report", body="ا" * 800)  # 12 parts
    outbox.worker = outbox.another("slow", paces={"simulated": Pace(5, 10)})
    for _ in range(4):
        outbox.steps()
        outbox.clock.forward(seconds=2)
    assert outbox.states() == {"sent": 2}


def test_a_sender_who_is_just_being_recorded_is_taken_next_time(outbox: Outbox) -> None:
    if outbox.engine.dialect.name != "postgresql":
        pytest.skip("SQLite has one writer at a time")
    people = outbox.people(2)
    outbox.put(people, "report")
    with writing(outbox.engine) as connection:
        connection.execute(update(Sender).where(Sender.id == people[0]).values(consent="stopped"))
        outbox.steps()
        assert [row.state for row in outbox.texts()] == ["queued", "sent"]
    outbox.steps()
    assert [row.state for row in outbox.texts()] == ["suppressed", "sent"]


def test_an_address_that_is_no_number_is_kept_back_at_once(outbox: Outbox) -> None:
    [one] = outbox.people(1, "none")
    outbox.set_sender(one, key="BANKALERT")
    outbox.put([one], "report")
    [row] = outbox.texts()
    assert (row.state, row.reason) == ("suppressed", "not a number that can be texted")
