"""The inbox: what no command took is read, answered, handed over and made a report of, each once."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import ColumnElement, func, insert, select, true, update

from gateway.database import reading, writing
from gateway.inbound.erase import erase_by_staff
from gateway.inbox import answers, desk
from gateway.inbox.desk import InboxRefused
from gateway.inbox.make_report import ReportMaker, make_report
from gateway.inbox.threads import (
    Thread,
    count_threads,
    find_thread,
    list_threads,
    mark_read,
    read_entries,
    visible_threads,
)
from gateway.members.search import sender_of
from gateway.members.talk import IN, read_talk
from gateway.outbox.claim import KEPT_BACK
from gateway.places.store import read_directory
from gateway.rules.inbox_replies import leaves_at
from gateway.rules.sending_hours import SendingHours
from gateway.service import Service, utc_now
from gateway.tables import InboxEntry, InboxThread, Member, OutboundText, Report, ReportEntry, Sender, Staff
from tests.gateway.conftest import Texting

PHONE = "+923001234501"


def threads(service: Service, view: str = "waiting", bounds: ColumnElement[bool] | None = None) -> list[Thread]:
    with reading(service.engine) as connection:
        return list(list_threads(connection, view, bounds, mine=0).threads)


def sender(service: Service, key: str = PHONE) -> int:
    with reading(service.engine) as connection:
        return sender_of(connection, key) or 0


def staffed(service: Service, *logins: str, role: str = "organiser") -> list[int]:
    with writing(service.engine) as connection:
        for login in logins:
            row = {"login": login, "name": login.title(), "role": role, "password_hash": "-", "created_at": utc_now()}
            connection.execute(insert(Staff), row)
        rows = connection.execute(select(Staff.id).where(Staff.login.in_(logins)).order_by(Staff.id))
        return list(rows.scalars())


def reply(service: Service, words: str = "At 5.", once: str = "a", **others: Any) -> Any:
    given: dict[str, Any] = {"seen": 0, "now": utc_now(), "by": "sana"} | others
    now, by = given.pop("now"), given.pop("by")
    with writing(service.engine) as connection:
        one = given.pop("sender_id", None) or sender(service)
        return desk.reply(connection, one, words, by, now, service.notifier, once=once, **given)


def sent(service: Service, kind: str = "answer") -> list[Any]:
    with reading(service.engine) as connection:
        return list(connection.execute(select(OutboundText.__table__).where(OutboundText.kind == kind)))


def test_only_what_no_command_took_is_in_the_inbox(service: Service, text: Texting) -> None:
    text("JOIN Ali Lahore")
    text("REPORT no water at gate 3", "+923001234502")
    assert threads(service) == []
    text("When does the speech begin?")
    text("can I bring my children?")
    text("JOIN Sana", "+923001234503")
    text("xyzzy town", "+923001234503")  # an answer to "which city?" that we cannot read
    found = threads(service)
    assert [(one.name, one.words, one.state) for one in found] == [
        ("Sana", "xyzzy town", "unread"),
        ("Ali", "can I bring my children?", "unread"),
    ]
    assert found[1].phone == "+92300•••4501"
    with reading(service.engine) as connection:
        talk = read_talk(connection, found[1].sender_id)
    said = [line.body for line in talk.lines if line.side == IN]
    assert said == ["JOIN Ali Lahore", "When does the speech begin?", "can I bring my children?"]
    assert [line.command for line in talk.lines if line.side == IN] == ["JOIN", "", ""]


def test_a_talk_is_read_in_pages_that_leave_nothing_out(service: Service, text: Texting) -> None:
    for number in range(9):
        text(f"question {number} ?")
    one, seen, before = sender(service), [], None
    with reading(service.engine) as connection:
        whole = read_talk(connection, one, limit=100).lines
        for _ in range(20):
            page = read_talk(connection, one, before, limit=3)
            seen = [*page.lines, *seen]
            before = page.before
            if before is None:
                break
    assert seen == list(whole)
    assert sum(line.side == IN for line in whole) == 9


def test_views_count_what_they_list(service: Service, text: Texting) -> None:
    [sana] = staffed(service, "sana")
    for number in range(4):
        text("hello there friends ?", f"+92300123450{number}")
    ids = [one.sender_id for one in threads(service)]
    with writing(service.engine) as connection:
        newest = {one.sender_id: one.last_inbound_id for one in threads(service)}
        assert mark_read(connection, ids[0], newest[ids[0]])
        assert not mark_read(connection, ids[1], newest[ids[1]] - 1)  # a newer text came
        desk.hand_over(connection, ids[2], sana, "bilal", utc_now(), expected=None, once="h")
    reply(service, sender_id=ids[3])
    with reading(service.engine) as connection:
        counts = count_threads(connection, None, sana)
        for view in counts:
            assert len(list_threads(connection, view, None, sana).threads) == counts[view], view
    assert counts == {
        "waiting": 3, "unread": 1, "open": 2, "answered": 1, "handed": 1, "mine": 1, "closed": 0, "all": 4
    }  # fmt: skip


def test_pages_of_threads(service: Service, text: Texting) -> None:
    for number in range(7):
        text("hello there friends ?", f"+92300123450{number}")
    seen: list[int] = []
    after = None
    with reading(service.engine) as connection:
        for _ in range(3):
            page = list_threads(connection, "all", None, 0, after, limit=3)
            seen += [one.sender_id for one in page.threads]
            after = page.after
    assert (len(seen), len(set(seen)), after) == (7, 7, None)


def test_readers_with_bounds_see_only_members_of_theirs(service: Service, text: Texting) -> None:
    text("JOIN Ali Lahore", "+923001234501")
    text("JOIN Sana Multan", "+923001234502")
    for number in (1, 2, 3):
        text("what time is it there ?", f"+92300123450{number}")
    with reading(service.engine) as connection:
        lahore = Member.city_id == read_directory(connection).place_ids["lahore"]
    bounds = visible_threads(lahore, everyone=False)
    assert [one.name for one in threads(service, bounds=bounds)] == ["Ali"]
    with reading(service.engine) as connection:
        assert count_threads(connection, bounds, 0)["all"] == 1
        assert find_thread(connection, sender(service, "+923001234503"), bounds) is None
        assert find_thread(connection, sender(service, "+923001234501"), bounds) is not None
    assert len(threads(service, bounds=visible_threads(true(), everyone=True))) == 3


def test_a_reply_leaves_once_however_often_the_form_is_sent(service: Service, text: Texting) -> None:
    text("When does the speech begin?")
    assert reply(service, "At 5, insha'Allah.") is not None
    assert reply(service, "At 5, insha'Allah.") is None
    [row] = sent(service)
    assert (row.body, row.state, row.wording) == ("At 5, insha'Allah.", "queued", "inbox")
    assert [one.state for one in threads(service, "answered")] == ["answered"]
    text("and where do we park?")
    assert [one.state for one in threads(service)] == ["unread"]


def test_two_replies_at_once_are_one_and_a_refusal(service: Service, text: Texting) -> None:
    text("When does the speech begin?")
    ended: list[str] = []

    def write(by: str) -> None:
        try:
            reply(service, f"{by} says 5", once=by, by=by)
            ended.append("sent")
        except InboxRefused as error:
            ended.append(f"{error.reason} {error.who}")

    both = [threading.Thread(target=write, args=(by,)) for by in ("sana", "bilal")]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert len(sent(service)) == 1
    assert sorted(one.split()[0] for one in ended) == ["answered_meanwhile", "sent"]


def test_nobody_who_stopped_gets_a_reply(service: Service, text: Texting) -> None:
    text("JOIN Ali Lahore")
    text("When does the speech begin?")
    reply(service)
    text("STOP")
    with pytest.raises(InboxRefused, match="stopped"):
        reply(service, once="b")
    text("but why ??? tell me friends")
    with pytest.raises(InboxRefused, match="stopped"):
        reply(service, once="c")
    # What was queued before the STOP is kept back by the outbox's own test.
    with reading(service.engine) as connection:
        [why] = connection.execute(
            select(KEPT_BACK).select_from(OutboundText).where(OutboundText.kind == "answer")
        ).one()
    assert why == "stopped"


def test_what_cannot_be_sent_is_refused(service: Service, text: Texting) -> None:
    text("When does the speech begin?")
    for words, why in (("  \n ", "empty"), ("x" * 1_500, "too_long")):
        with pytest.raises(InboxRefused, match=why):
            reply(service, words)
    with pytest.raises(InboxRefused, match="unknown"):
        reply(service, sender_id=999_999)
    with writing(service.engine) as connection:
        connection.execute(update(Sender).values(number_state="dead"))
    with pytest.raises(InboxRefused, match="dead"):
        reply(service)
    assert sent(service) == []


def test_who_asked_is_answered_at_night_and_later_it_waits_for_morning() -> None:
    from datetime import UTC, datetime
    from zoneinfo import ZoneInfo

    hours, zone = SendingHours.read("09:00-21:00"), ZoneInfo("Asia/Karachi")
    night = datetime(2026, 3, 2, 20, 0, tzinfo=UTC)  # one in the morning
    morning = datetime(2026, 3, 3, 4, 0, tzinfo=UTC)
    assert leaves_at(night, night - timedelta(hours=23, minutes=59), hours, zone) == night
    assert leaves_at(night, night - timedelta(hours=24), hours, zone) == morning
    assert leaves_at(night, None, hours, zone) == morning


def test_two_who_take_a_thread_at_once_are_told_apart(service: Service, text: Texting) -> None:
    people = staffed(service, "sana", "bilal")
    [munshi] = staffed(service, "munshi", role="field")
    text("When does the speech begin?")
    one, ended = sender(service), []

    def take(to: int) -> None:
        try:
            with writing(service.engine) as connection:
                desk.hand_over(connection, one, to, "x", utc_now(), expected=None, once=str(to))
            ended.append("taken")
        except InboxRefused as error:
            ended.append(f"{error.reason} {error.who}")

    both = [threading.Thread(target=take, args=(to,)) for to in people]
    for each in both:
        each.start()
    for each in both:
        each.join()
    [thread] = threads(service)
    assert sorted(ended) == ["taken", f"taken_meanwhile {thread.assignee}"]
    with writing(service.engine) as connection, pytest.raises(InboxRefused, match="no_colleague"):
        desk.hand_over(connection, one, munshi, "x", utc_now(), expected=thread.assignee_id, once="f")


def test_a_thread_is_closed_only_with_its_newest_text_read(service: Service, text: Texting) -> None:
    text("When does the speech begin?")
    [thread] = threads(service)
    text("and where do we park?")
    with writing(service.engine) as connection:
        with pytest.raises(InboxRefused, match="text_meanwhile"):
            desk.close(connection, thread.sender_id, "sana", utc_now(), once="c", seen_text=thread.last_inbound_id)
        [now] = list_threads(connection, "all", None, 0).threads
        desk.close(connection, thread.sender_id, "sana", utc_now(), once="c", seen_text=now.last_inbound_id)
        desk.note(connection, thread.sender_id, "spoke by phone", "sana", utc_now(), once="n")
    assert threads(service) == []
    assert len(threads(service, "closed")) == 1
    text("hello again friends ?")
    assert len(threads(service)) == 1


def maker(service: Service) -> ReportMaker:
    reference = service.reference()
    refs = iter(service.recorder.refs(3))
    return ReportMaker(reference.sorter, reference.pickups.event_key, lambda: next(refs), service.notifier)


def test_a_report_is_made_as_if_they_had_texted_the_word(service: Service, text: Texting) -> None:
    staffed(service, "sana")
    text("my child is lost somewhere near the big stage")
    [thread] = threads(service)
    made = maker(service)
    for _ in range(2):
        with writing(service.engine) as connection:
            ref = make_report(connection, thread.sender_id, thread.last_inbound_id, "sana", utc_now(), made, once="r")
    with reading(service.engine) as connection:
        [report] = connection.execute(select(Report.__table__)).all()
        assert connection.execute(select(func.count()).select_from(InboxEntry)).scalar_one() == 1
        [line] = [one for one in read_talk(connection, thread.sender_id).lines if one.report]
    assert (report.ref, report.text, report.state) == (ref, "my child is lost somewhere near the big stage", "received")
    assert line.report == ref
    [told] = sent(service, "report")
    assert ref in told.body
    with writing(service.engine) as connection, pytest.raises(InboxRefused, match="unknown"):
        make_report(connection, thread.sender_id, 999_999, "sana", utc_now(), made, once="x")


def test_what_became_a_report_by_yes_is_not_made_one_again(service: Service, text: Texting) -> None:
    text("someone fainted near stage")
    text("yes")
    [thread] = threads(service)
    with reading(service.engine) as connection:
        [report] = connection.execute(select(Report.__table__)).all()
        [entry] = read_entries(connection, thread.sender_id)
        theirs = {one.body: one.report for one in read_talk(connection, thread.sender_id).lines if one.side == IN}
    assert (entry.kind, entry.by, entry.text) == ("report", "reporter", report.ref)
    assert theirs == {"someone fainted near stage": report.ref, "yes": ""}
    with writing(service.engine) as connection:
        made = maker(service)
        ref = make_report(connection, thread.sender_id, thread.last_inbound_id, "sana", utc_now(), made, once="r")
    assert ref == report.ref
    with reading(service.engine) as connection:
        assert connection.execute(select(func.count()).select_from(Report)).scalar_one() == 1


def test_yes_after_staff_have_made_the_report_tells_it_once(service: Service, text: Texting) -> None:
    text("someone fainted near stage", media=({"url": "https://api.twilio.com/media/ME1", "type": "image/jpeg"},))
    [thread] = threads(service)
    with writing(service.engine) as connection:
        made = maker(service)
        ref = make_report(connection, thread.sender_id, thread.last_inbound_id, "sana", utc_now(), made, once="r")
    assert ref in (text("yes") or "")
    with reading(service.engine) as connection:
        [report] = connection.execute(select(Report.__table__)).all()
        said = connection.execute(select(ReportEntry.text).where(ReportEntry.by == "reporter")).scalars().all()
    assert (report.media, sorted(said)) == (1, ["someone fainted near stage", "yes"])


def test_answers_are_kept_and_filled(service: Service) -> None:
    now = utc_now()
    with writing(service.engine) as connection:
        texts = {"en": "Dear {name}, at 5 in {city}.", "ur": "{name}، پانچ بجے"}
        answers.save_answer(connection, "When", texts, "sana", now)
        [one] = answers.list_answers(connection)
        assert answers.filled(one, "en", "en", "Ali {name}", "") == "Dear Ali {name}, at 5 in your city."
        assert answers.filled(one, "ur-Latn", "en", "", "Lahore") == "Dear friend, at 5 in Lahore."
        for title, given, why in (
            ("", texts, "no_title"),
            ("Where", {"en": "  "}, "no_words"),
            ("Where", {"en": "at {place}"}, "bad_words"),
            ("When", texts, "title_taken"),
        ):
            with pytest.raises(answers.AnswerRefused, match=why):
                answers.save_answer(connection, title, given, "sana", now)
        answers.save_answer(connection, "When?", texts, "sana", now, number=one.id, version=one.version)
        with pytest.raises(answers.AnswerRefused, match="changed_meanwhile"):
            answers.save_answer(connection, "When!", texts, "bilal", now, number=one.id, version=one.version)
        assert not answers.drop_answer(connection, one.id, one.version)
        assert answers.drop_answer(connection, one.id, one.version + 1)


def test_erase_takes_the_thread_along(service: Service, text: Texting) -> None:
    text("When does the speech begin?")
    reply(service)
    with writing(service.engine) as connection:
        erase_by_staff(connection, sender(service), b"k" * 32, utc_now())
        assert connection.execute(select(func.count()).select_from(InboxThread)).scalar_one() == 0
        assert connection.execute(select(OutboundText.body).where(OutboundText.kind == "answer")).scalar() == ""
