"""From draft to account, through the real outbox worker and a simulated carrier."""

from datetime import timedelta

import pytest
from sqlalchemy import insert, select, update

from gateway.broadcasts import moves
from gateway.broadcasts.drafts import BroadcastError, Draft, change_draft
from gateway.database import reading, writing
from gateway.outbox.uncertain import expire_leases
from gateway.tables import Alert, Broadcast, BroadcastPlan, BroadcastTopic, Member, OutboundText, TopicStop
from tests.broadcasts.conftest import TEXTS, Desk


def test_a_broadcast_from_draft_to_done(desk: Desk) -> None:
    desk.members(3)
    desk.members(2, first=100, language="ur", name="")
    desk.members(4, first=200, city="karachi")
    key = desk.draft()
    shown = desk.preview(key)["numbers"]
    assert (shown["recipients"], shown["by_language"], shown["parts"]) == (5, {"en": 3, "ur": 2}, 5)
    assert shown["cost"] == "9.25"
    desk.approve(key)
    desk.start(key)
    assert desk.row(key).state == "planning"
    desk.plan()
    assert desk.row(key).state == "sending"
    desk.outbox.steps()
    assert desk.close() == 1
    assert desk.row(key).state == "done"
    bodies = sorted(one.text.body for one in desk.outbox.carrier.taken)
    assert bodies == ["Dear Ali, come to Minar at 5"] * 3 + ["ساتھی، پانچ بجے مینار آئیں"] * 2
    found = desk.account(key)
    assert (found.recipients, found.sent, found.adds_up, found.ended) == (5, 5, True, 5)


def test_the_first_texts_are_there_when_start_returns(desk: Desk) -> None:
    desk.members(3)
    desk.begin()
    assert desk.outbox.states() == {"queued": 3}


def test_nobody_is_planned_twice_and_who_joins_later_is_not_in_it(desk: Desk) -> None:
    desk.members(5)
    key = desk.begin()
    late = desk.members(2, first=50, joined_at=desk.now + timedelta(seconds=1))
    with writing(desk.engine) as connection:  # as if the process had died before the cursor was written
        connection.execute(update(BroadcastPlan).values(after_id=0))
    desk.plan()
    assert desk.outbox.states() == {"queued": 5}
    assert not {row.sender_id for row in desk.outbox.texts()} & set(late)
    assert desk.account(key).recipients == 5


def test_approval_is_of_what_was_seen(desk: Desk) -> None:
    desk.members(3)
    key = desk.draft()
    with pytest.raises(BroadcastError, match="not previewed"):
        moves.approve(desk.engine, key, "x", "bilal", desk.terms, desk.now)
    seen = desk.preview(key)["digest"]
    desk.members(1, first=50)
    desk.preview(key)
    with pytest.raises(BroadcastError, match="no longer what you looked at"):
        moves.approve(desk.engine, key, seen, "bilal", desk.terms, desk.now)
    desk.approve(key)
    assert desk.row(key).state == "approved"


def test_a_changed_draft_loses_its_approval(desk: Desk) -> None:
    desk.members(3)
    key = desk.draft()
    desk.approve(key)
    changed = Draft("Rally", "city:lahore", TEXTS | {"en": "Stay at home"})
    with writing(desk.engine) as connection:
        change_draft(connection, key, changed, desk.directory, desk.terms, "sana", desk.now)
    with pytest.raises(BroadcastError, match="cannot become planning"):
        desk.start(key)
    assert desk.outbox.texts() == []


def test_words_changed_behind_the_approval_do_not_start(desk: Desk) -> None:
    desk.members(3)
    key = desk.draft()
    desk.approve(key)
    with writing(desk.engine) as connection:
        connection.execute(update(Broadcast).where(Broadcast.key == key).values(texts={"en": "Something else"}))
    with pytest.raises(BroadcastError, match="not approved as it stands"):
        desk.start(key)


@pytest.mark.parametrize(("by", "sentence"), [("sana", "another person"), ("munshi", "field staff"), ("x", "no login")])
def test_who_may_not_approve_a_large_one(desk: Desk, by: str, sentence: str) -> None:
    desk.set_terms(second_person_above=2)
    desk.members(3)
    key = desk.draft()
    with pytest.raises(BroadcastError, match=sentence):
        desk.approve(key, by)
    desk.approve(key, "bilal")


def test_one_person_may_approve_a_small_one(desk: Desk) -> None:
    desk.set_terms(second_person_above=3)
    desk.members(3)
    desk.approve(desk.draft(), "sana")


def test_a_broadcast_to_nobody_is_not_approved(desk: Desk) -> None:
    with pytest.raises(BroadcastError, match="Nobody would get"):
        desk.approve(desk.draft())


def test_pause_holds_and_resume_goes_on(desk: Desk) -> None:
    desk.members(20)
    key = desk.begin()
    few = desk.outbox.another("few", in_flight=5)
    desk.outbox.step(few)
    moves.pause(desk.engine, key, "bilal", desk.now)
    desk.plan()
    assert desk.outbox.steps() == 0
    assert len(desk.outbox.carrier.taken) == 5
    moves.resume(desk.engine, key, "bilal", desk.terms, desk.now)
    desk.plan()
    desk.outbox.steps()
    desk.close()
    assert (desk.row(key).state, desk.account(key).sent) == ("done", 20)
    assert len(set(desk.outbox.sent_numbers())) == 20


def test_cancel_ends_it_and_the_account_still_adds_up(desk: Desk) -> None:
    desk.members(20)
    key = desk.begin()
    desk.outbox.step(desk.outbox.another("few", in_flight=5))
    moves.cancel(desk.engine, key, "bilal", desk.now)
    desk.outbox.steps()
    found = desk.account(key)
    assert len(desk.outbox.carrier.taken) == 5
    assert (found.sent, found.suppressed, found.adds_up) == (5, {"the broadcast was cancelled": 15}, True)
    with pytest.raises(BroadcastError, match="cancelled and cannot become"):
        moves.cancel(desk.engine, key, "bilal", desk.now)


def test_nobody_is_texted_again_within_the_days_of_the_draft(desk: Desk) -> None:
    ids = desk.members(3)
    desk.begin(name="First")
    desk.outbox.steps()
    desk.members(2, first=100)
    desk.later(days=2)
    key = desk.begin(name="Second", quiet_days=3)
    desk.plan()
    desk.outbox.steps()
    found = desk.account(key)
    assert (found.recipients, found.sent, found.suppressed) == (5, 2, {"texted too lately": 3})
    kept = {row.sender_id for row in desk.outbox.texts() if row.state == "suppressed"}
    assert kept == set(ids)
    desk.later(days=2)
    key = desk.begin(name="Third", quiet_days=3)
    desk.plan()
    desk.outbox.steps()
    assert desk.account(key).suppressed == {"texted too lately": 2}


def test_who_leaves_the_group_on_the_way_gets_nothing_more(desk: Desk) -> None:
    ids = desk.members(3)
    key = desk.begin()
    with writing(desk.engine) as connection:
        connection.execute(insert(TopicStop), {"sender_id": ids[0], "topic": "city:lahore", "stopped_at": desk.now})
    desk.plan()
    desk.outbox.steps()
    assert desk.account(key).suppressed == {"left this topic": 1}
    assert [row.topic for row in desk.outbox.rows(BroadcastTopic)] == ["city:lahore"]


def test_a_text_whose_time_has_passed_does_not_leave(desk: Desk) -> None:
    desk.members(3)
    key = desk.begin(validity_minutes=30)
    desk.later(minutes=31)
    desk.outbox.steps()
    found = desk.account(key)
    assert (found.sent, found.suppressed, found.adds_up) == (0, {"its time had passed": 3}, True)


def test_own_hours_hold_and_urgent_goes_first(desk: Desk) -> None:
    desk.members(3)  # it is 12:00 in Karachi
    desk.begin(name="Evening", hours="18:00-20:00")
    assert desk.outbox.steps() == 0
    desk.later(hours=6)
    desk.begin(name="Urgent", urgent=True, texts={"en": "Now"})
    desk.outbox.step(desk.outbox.another("few", in_flight=3))
    assert {one.text.body for one in desk.outbox.carrier.taken} == {"Now"}
    desk.outbox.steps()
    assert len(desk.outbox.carrier.taken) == 6


def test_the_account_adds_up_whatever_the_carrier_does(desk: Desk) -> None:
    ids = desk.members(60)
    key = desk.begin()
    codes = dict.fromkeys(ids[:5], 21610) | dict.fromkeys(ids[5:9], 30005) | dict.fromkeys(ids[9:12], 21614)
    numbers = tuple((desk.key_of(one), code) for one, code in codes.items())
    desk.outbox.network(codes=numbers, lost_answers=0.3, seed=7)
    desk.outbox.stop(ids[20])
    desk.outbox.carrier.capabilities = type(desk.outbox.carrier.capabilities)(looks=False)
    desk.plan()
    desk.outbox.steps()
    with writing(desk.engine) as connection:
        sent = connection.execute(select(OutboundText.id).where(OutboundText.state == "sent").limit(10)).scalars()
        mine = OutboundText.id.in_(list(sent))
        connection.execute(update(OutboundText).where(mine).values(state="delivered"))
    found = desk.account(key)
    assert found.recipients == 60
    assert found.adds_up
    assert found.waiting == found.on_the_way == 0
    assert found.delivered == 10
    assert found.uncertain > 3
    assert sum(found.failed.values()) == 7
    assert found.suppressed["stopped"] == 1
    assert sum(found.suppressed.values()) == 6
    desk.close()
    assert desk.row(key).state == "done"
    with writing(desk.engine) as connection:  # one that is lost is seen at once
        connection.execute(update(BroadcastPlan).values(planned=61))
    assert not desk.account(key).adds_up


def test_an_attempt_without_result_is_not_done(desk: Desk) -> None:
    desk.members(2)
    key = desk.begin()
    desk.plan()
    with writing(desk.engine) as connection:
        connection.execute(
            update(OutboundText).values(
                state="attempted", attempts=1, attempted_at=desk.now, lease_until=desk.now, claimed_by="gone"
            )
        )
    assert desk.close() == 0
    assert desk.account(key).on_the_way == 2
    desk.later(minutes=1)
    expire_leases(desk.engine, desk.outbox.clock)
    assert desk.close() == 1
    assert desk.account(key).uncertain == 2


def test_a_late_retry_opens_it_again(desk: Desk) -> None:
    ids = desk.members(2)
    key = desk.begin()
    desk.plan()
    desk.outbox.steps()
    desk.close()
    with writing(desk.engine) as connection:
        again = OutboundText.sender_id == ids[0]
        connection.execute(update(OutboundText).where(again).values(state="queued", not_before=desk.now))
    desk.close()
    assert desk.row(key).state == "sending"
    desk.outbox.steps()
    desk.close()
    assert desk.row(key).state == "done"


def test_one_unlike_the_past_begins_paused(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.rules.broadcast_alarm.ALWAYS_ORDINARY", 5)
    desk.set_terms(second_person_above=5)
    desk.members(2)
    desk.begin(name="Small")
    desk.plan()
    desk.members(20, first=100)
    key = desk.begin(name="Huge")
    assert (desk.row(key).state, desk.row(key).alarm) == ("paused", "rate")
    assert [row.kind for row in desk.outbox.rows(Alert)] == ["paused"]
    assert len(desk.outbox.texts()) == 2
    with pytest.raises(BroadcastError, match="another person"):
        moves.resume(desk.engine, key, "sana", desk.terms, desk.now)
    moves.resume(desk.engine, key, "bilal", desk.terms, desk.now)
    desk.plan()
    assert desk.account(key).recipients == 22
    with reading(desk.engine) as connection:
        assert connection.execute(select(Alert.cleared_at)).scalar_one() == desk.now


def test_the_daily_cap_pauses_and_tomorrow_is_another_day(desk: Desk) -> None:
    desk.set_terms(daily_cap=5)
    desk.members(4)
    assert desk.row(desk.begin(name="Morning")).alarm == ""
    key = desk.begin(name="Noon")
    assert (desk.row(key).state, desk.row(key).alarm) == ("paused", "cap")
    desk.later(days=1)
    assert desk.row(desk.begin(name="Next day")).alarm == ""


def test_an_audience_that_grew_since_approval_pauses(desk: Desk) -> None:
    desk.members(10)
    key = desk.draft()
    desk.approve(key)
    desk.members(12, first=100)
    desk.start(key)
    assert (desk.row(key).state, desk.row(key).alarm) == ("paused", "grown")
    assert desk.outbox.steps() == 0


def test_members_who_stopped_are_in_no_plan(desk: Desk) -> None:
    ids = desk.members(3)
    with writing(desk.engine) as connection:
        connection.execute(update(Member).where(Member.sender_id == ids[0]).values(reachable=False))
    key = desk.begin()
    desk.plan()
    assert desk.account(key).recipients == 2
