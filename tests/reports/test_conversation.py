"""What a reporter gets, text by text, on both databases."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from gateway.database import reading, writing
from gateway.reports.clusters import merge
from gateway.reports.moves import hold, move_row
from gateway.rules.refs import read_ref
from gateway.service import Service, utc_now
from gateway.tables import InboundText, OutboundText, Report, ReportEntry, Sender
from tests.gateway.conftest import Texting, a_text

OTHER = "+923001234777"


def ref_in(answer: str | None) -> str:
    found = [ref for word in (answer or "").replace(":", " ").split() if (ref := read_ref(word))]
    assert found, answer
    return found[0]


def report(service: Service, ref: str) -> Any:
    with reading(service.engine) as connection:
        return connection.execute(select(Report.__table__).where(Report.ref == ref)).one()


def entries(service: Service, ref: str) -> list[tuple[str, str, str]]:
    with reading(service.engine) as connection:
        rows = connection.execute(
            select(ReportEntry.kind, ReportEntry.by, ReportEntry.text)
            .join(Report, Report.id == ReportEntry.report_id)
            .where(Report.ref == ref)
            .order_by(ReportEntry.id)
        )
        return [tuple(row) for row in rows]


def resolve(service: Service, ref: str, note: str = "") -> None:
    with writing(service.engine) as connection:
        row = hold(connection, ref)
        move_row(connection, row, "resolved", "sana", note, utc_now(), service.notifier)


def started(service: Service, to: str = "+923001234501") -> list[str]:
    with reading(service.engine) as connection:
        rows = connection.execute(
            select(OutboundText.body)
            .join(Sender, Sender.id == OutboundText.sender_id)
            .where(OutboundText.kind == "report", Sender.key == to)
            .order_by(OutboundText.id)
        )
        return [row.body for row in rows]


def test_the_answer_says_what_was_understood_where_and_what_happens_next(text: Texting) -> None:
    answer = text("REPORT no water at gate 3") or ""
    assert "water and food, gate 3" in answer
    assert "We text you when somebody is on it" in answer
    assert f"STATUS {ref_in(answer)}" in answer


def test_more_text_within_ten_minutes_continues_the_report(service: Service, text: Texting) -> None:
    ref = ref_in(text("REPORT no water at gate 3"))
    assert text("also the tanker driver has left") == f"Added to iReport {ref}."
    assert [kind for kind, _, _ in entries(service, ref)] == ["received", "more"]


def test_a_second_report_of_the_same_is_answered_with_the_ref(service: Service, text: Texting) -> None:
    ref = ref_in(text("REPORT no water at gate 3"))
    for more in ("REPORT still no water at gate 3", "REPORT no water here, children are crying", "and it is very hot"):
        assert text(more) == f"Added to iReport {ref}."


def test_an_answering_machine_is_not_kept_talking(service: Service, text: Texting) -> None:
    ref = ref_in(text("REPORT no water at gate 3"))
    answers = [text(f"I am driving and answer later {n}") for n in range(20)]
    assert answers[:5] == [f"Added to iReport {ref}."] * 5
    assert set(answers[5:]) == {None}
    assert len(entries(service, ref)) == 21  # kept all the same


def test_who_texted_stop_may_add_and_gets_no_news_by_themselves(service: Service, text: Texting) -> None:
    ref = ref_in(text("REPORT no water at gate 3"))
    text("STOP")
    assert text("REPORT still no water at gate 3") == f"Added to iReport {ref}."
    resolve(service, ref, "tanker came")
    assert started(service) == []


def test_after_ten_minutes_it_does_not(service: Service, text: Texting) -> None:
    ref = ref_in(text("REPORT no water at gate 3"))
    with writing(service.engine) as connection:
        old = report(service, ref).opened_at - timedelta(minutes=11)
        connection.execute(Report.__table__.update().values(last_text_at=old))
    assert "did not understand" in (text("the tanker driver") or "")


def test_another_command_is_not_swallowed(service: Service, text: Texting) -> None:
    ref = ref_in(text("REPORT no water at gate 3"))
    assert "You are in" in (text("JOIN Ali Lahore") or "")
    text("still nobody here")
    assert [kind for kind, _, _ in entries(service, ref)] == ["received", "more"]


def test_two_texts_of_one_group_are_one_report(service: Service) -> None:
    answers = service.record([a_text("REPORT no water at gate 3"), a_text("children are thirsty")])
    ref = ref_in(answers[0].body if answers[0] else None)
    assert [text for _, _, text in entries(service, ref)] == ["no water at gate 3", "children are thirsty"]


def test_a_second_report_of_another_matter_is_another(service: Service, text: Texting) -> None:
    first = ref_in(text("REPORT no water at gate 3"))
    second = ref_in(text("REPORT toilets are filthy at gate 3"))
    third = ref_in(text("REPORT no water at gate 5"))
    again = text("REPORT no water, gate 5")
    assert len({first, second, third}) == 3
    assert again == f"Added to iReport {third}."


def test_an_addition_that_is_worse_raises_the_report(service: Service, text: Texting) -> None:
    ref = ref_in(text("REPORT no water at gate 3"))
    answer = text("a man has fainted now") or ""
    assert "medical" in answer
    row = report(service, ref)
    assert (row.category, row.urgency, row.place) == ("medical", 3, "gate 3")


def test_a_report_without_words_asks_and_keeps_the_ref(service: Service, text: Texting) -> None:
    ref = ref_in(text("REPORT"))
    assert ref_in(text("REPORT")) == ref
    answer = text("no water at gate 3") or ""
    assert ref_in(answer) == ref
    assert "water and food" in answer
    assert report(service, ref).text == "no water at gate 3"


def test_stop_inside_a_report_is_stop(service: Service, text: Texting) -> None:
    ref = ref_in(text("REPORT no water at gate 3"))
    assert "no more texts" in (text("STOP") or "")
    assert [kind for kind, _, _ in entries(service, ref)] == ["received"]
    resolve(service, ref)
    assert started(service) == []


def test_stop_them_is_more_of_the_report(service: Service, text: Texting) -> None:
    ref = ref_in(text("REPORT fight near the stage"))
    text("please make them stop they have sticks and are beating people")
    assert [kind for kind, by, _ in entries(service, ref) if by == "reporter"] == ["received", "more"]


def test_what_may_be_a_wish_for_no_more_texts_is_no_part_of_a_report(service: Service, text: Texting) -> None:
    ref = ref_in(text("REPORT no water at gate 3"))
    for wish in ("sto p it", "unsubscrib me now please", "no more pls stop it"):
        text(wish)
    assert [kind for kind, by, _ in entries(service, ref) if by == "reporter"] == ["received"]


def test_thirty_reports_of_one_phone_are_kept_and_grouped(service: Service, text: Texting) -> None:
    for number in range(30):
        text(f"REPORT no water at gate {number + 1}")
    with reading(service.engine) as connection:
        opened = connection.execute(select(Report.ref)).all()
        kept = connection.execute(select(ReportEntry.text).where(ReportEntry.by == "reporter")).all()
    assert len(opened) == 5
    assert {row.text for row in kept} == {f"no water at gate {number + 1}" for number in range(30)}


def test_the_reporter_sees_more_than_a_stranger(text: Texting) -> None:
    ref = ref_in(text("REPORT no water at gate 3"))
    assert "water and food, gate 3" in (text(f"STATUS {ref}") or "")
    public = text(f"STATUS {ref}", OTHER) or ""
    assert "received" in public
    assert "water" not in public
    assert "gate" not in public


def test_guessing_refs_ends_soon(text: Texting) -> None:
    ref = ref_in(text("REPORT no water at gate 3"))
    answers = [text("STATUS 9999", OTHER) for _ in range(10)]
    assert all("know no iReport" in (answer or "") for answer in answers)
    assert "in an hour" in (text(f"STATUS {ref}", OTHER) or "")
    assert text(f"STATUS {ref}", OTHER) is None
    assert "received" in (text(f"STATUS {ref}") or "")


@pytest.mark.parametrize("asked_for", ["its own", "9999"])
def test_guesses_in_one_group_count_as_those_that_come_one_by_one(
    service: Service, text: Texting, asked_for: str
) -> None:
    ref = ref_in(text("REPORT no water at gate 3"))
    guess = f"STATUS {ref if asked_for == 'its own' else asked_for}"
    answers = [one.body or "" for one in service.record([a_text(guess, OTHER) for _ in range(12)]) if one]
    assert ["in an hour" in one for one in answers] == [False] * 10 + [True, False]


def test_who_guessed_long_ago_may_ask_again(service: Service, text: Texting) -> None:
    ref = ref_in(text("REPORT no water at gate 3"))
    for _ in range(11):
        text("STATUS 9999", OTHER)
    with writing(service.engine) as connection:
        connection.execute(update(InboundText).values(received_at=utc_now() - timedelta(minutes=61)))
    assert "received" in (text(f"STATUS {ref}", OTHER) or "")


def test_a_ref_of_another_event_is_none_of_this_one(service: Service, text: Texting) -> None:
    ref = ref_in(text("REPORT no water at gate 3"))
    with writing(service.engine) as connection:
        connection.execute(update(Report).values(event_key="another"))
    assert "know no iReport" in (text(f"STATUS {ref}", OTHER) or "")
    assert "know no iReport" in (text(f"STATUS {ref}") or "")


def test_a_duplicate_is_as_far_as_its_parent(service: Service, text: Texting) -> None:
    first, second = ref_in(text("REPORT no water at gate 3")), ref_in(text("REPORT no water at gate 3", OTHER))
    with writing(service.engine) as connection:
        merge(connection, second, first, "sana", utc_now(), service.notifier)
    resolve(service, first)
    for phone in (OTHER, "+923001234778"):
        assert "fixed since" in (text(f"STATUS {second}", phone) or ""), phone


@pytest.mark.parametrize(
    ("answer", "state", "said"),
    [
        ("YES", "closed", "closed"),
        ("thank you, well done", "closed", "closed"),
        ("NO", "reopened", "open again"),
        ("no still no water", "reopened", "open again"),
        ("nahi", "reopened", "open again"),
    ],
)
def test_the_answer_to_fixed(service: Service, text: Texting, answer: str, state: str, said: str) -> None:
    ref = ref_in(text("REPORT no water at gate 3"))
    resolve(service, ref, "tanker came")
    [asked] = started(service)
    assert "tanker came" in asked
    assert "YES or NO" in asked
    assert said in (text(answer) or "")
    assert report(service, ref).state == state
    assert entries(service, ref)[-1][1] == "reporter"


def test_yes_without_a_question_is_no_answer(service: Service, text: Texting) -> None:
    text("REPORT no water at gate 3")
    assert "closed" not in (text("YES") or "")


def test_yes_of_someone_stopped_is_start(service: Service, text: Texting) -> None:
    ref = ref_in(text("REPORT no water at gate 3"))
    text("STOP")
    resolve(service, ref)
    assert "text us again" in (text("YES") or "")
    assert report(service, ref).state == "resolved"


@pytest.mark.parametrize(
    ("answer", "state", "consent"),
    [("NO", "reopened", "stopped"), ("nahi", "reopened", "stopped"), ("haan", "closed", "stopped"),
     ("YES", "resolved", "joined")],
)  # fmt: skip
def test_who_stopped_after_being_asked_is_heard_and_stays_stopped(
    service: Service, text: Texting, answer: str, state: str, consent: str
) -> None:
    """A bare YES is on the carriers' list of words that mean START, so it is that; silence closes the report."""
    text("JOIN Ali Lahore")
    ref = ref_in(text("REPORT no water at gate 3"))
    resolve(service, ref)
    text("STOP")
    told = len(started(service))
    assert text(answer)
    assert report(service, ref).state == state
    with reading(service.engine) as connection:
        assert connection.execute(select(Sender.consent)).scalar_one() == consent
    assert len(started(service)) == told


def test_pictures_alone_are_a_report(service: Service, text: Texting) -> None:
    ref = ref_in(text("REPORT", media=({"url": "https://api.twilio.com/x", "type": "image/jpeg"},)))
    row = report(service, ref)
    assert (row.text, row.media) == ("", 1)


def test_erase_takes_the_words_out_of_the_report(service: Service, text: Texting) -> None:
    ref = ref_in(text("REPORT Sana fainted at gate 3"))
    text("ERASE")
    text("YES")
    row = report(service, ref)
    assert (row.text, row.place) == ("", "")
    assert all(not said for _, by, said in entries(service, ref) if by == "reporter")


ASKS_BACK = ("Is somebody in danger?", "koi khatre mein", "کوئی خطرے میں")


def opened(service: Service) -> list[Any]:
    with reading(service.engine) as connection:
        return list(connection.execute(select(Report.__table__).order_by(Report.id)))


def asks_back(answer: str | None) -> bool:
    return any(words in (answer or "") for words in ASKS_BACK)


@pytest.mark.parametrize(
    ("danger", "yes", "category"),
    [
        ("someone fainted near stage", "YES", "medical"),
        ("koi behosh ho gaya hai", "haan", "medical"),
        ("ایک آدمی بے ہوش ہے", "ہاں", "medical"),
        ("stampede at gate 2, people are falling", "yes please", "crush"),
        ("bacha gum ho gaya", "ji", "lost"),
        ("someone fainted near stage", "REPORT", "medical"),
    ],
)
def test_a_danger_without_a_keyword_is_asked_about_and_yes_makes_it_a_report(
    service: Service, text: Texting, danger: str, yes: str, category: str
) -> None:
    assert asks_back(text(danger))
    assert opened(service) == []
    answer = text(yes)
    [row] = opened(service)
    assert (row.category, row.text, row.ref) == (category, danger, ref_in(answer))
    assert [kind for kind, by, _ in entries(service, row.ref) if by == "reporter"] == ["received"]
    text("YES")
    assert len(opened(service)) == 1


@pytest.mark.parametrize(
    ("danger", "yes", "answer"),
    [
        ("koi behosh ho gaya hai gate 3 par", "haan stage", "Aap ki iReport"),
        ("koi behosh ho gaya hai gate 3 par", "YES", "Aap ki iReport"),
        ("someone fainted near stage", "haan", "Aap ki iReport"),
        ("someone fainted near stage", "yes", "Your iReport"),
    ],
)
def test_yes_is_answered_in_the_language_of_the_question(text: Texting, danger: str, yes: str, answer: str) -> None:
    text(danger)
    assert answer in (text(yes) or "")


def test_a_question_that_is_no_longer_open_tells_no_language(service: Service, text: Texting) -> None:
    text("koi behosh ho gaya hai gate 3 par")
    with writing(service.engine) as connection:
        connection.execute(update(Sender).values(question_expires_at=utc_now() - timedelta(seconds=1)))
    assert "Your iReport" in (text("REPORT no water") or "")


def test_yes_with_more_words_is_yes_and_they_belong_to_the_report(service: Service, text: Texting) -> None:
    text("my mother is not breathing")
    text("yes she is near stage")
    [row] = opened(service)
    assert (row.category, row.place) == ("medical", "stage")
    assert row.text == "my mother is not breathing\nyes she is near stage"


def test_yes_and_no_in_urdu_among_other_words(service: Service, text: Texting) -> None:
    text("ایک آدمی بے ہوش ہے")
    text("جی نہیں")
    assert opened(service) == []
    text("ایک آدمی بے ہوش ہے", OTHER)
    text("ہاں گیٹ 3 پر", OTHER)
    [row] = opened(service)
    assert (row.category, row.place) == ("medical", "gate 3")


@pytest.mark.parametrize(("said", "state"), [("نہیں ابھی تک نہیں", "reopened"), ("ہاں ہو گیا", "closed")])
def test_fixed_is_answered_in_urdu(service: Service, text: Texting, said: str, state: str) -> None:
    ref = ref_in(text("شکایت گیٹ 3 پر پانی نہیں"))
    resolve(service, ref)
    text(said)
    assert report(service, ref).state == state


def test_what_was_said_before_the_answer_is_kept(service: Service, text: Texting) -> None:
    text("someone fainted")
    text("someone is dying near gate 2")
    text("yes")
    [row] = opened(service)
    assert (row.text, row.place) == ("someone fainted\nsomeone is dying near gate 2", "gate 2")


PHOTO = {"url": "https://api.twilio.com/media/ME1", "type": "image/jpeg"}


def lines(service: Service, ref: str) -> list[tuple[str, str, str | None, int]]:
    """Return a timeline's kinds and words, with the words and pictures of the texts that they came with."""
    texts = InboundText.__table__
    with reading(service.engine) as connection:
        rows = connection.execute(
            select(ReportEntry.kind, ReportEntry.text, texts.c.body, texts.c.media)
            .join(Report, Report.id == ReportEntry.report_id)
            .outerjoin(texts, texts.c.id == ReportEntry.inbound_id)
            .where(Report.ref == ref, ReportEntry.by == "reporter")
            .order_by(ReportEntry.id)
        )
        return [(row.kind, row.text, row.body, len(row.media or ())) for row in rows]


@pytest.mark.parametrize("yes", ["yes", "REPORT"])
def test_pictures_of_what_was_asked_about_belong_to_the_report(service: Service, text: Texting, yes: str) -> None:
    text("someone fainted", media=(PHOTO,))
    text("someone is dying near gate 2", media=(PHOTO, PHOTO))
    text(yes, media=(PHOTO,))
    [row] = opened(service)
    assert (row.text, row.media) == ("someone fainted\nsomeone is dying near gate 2", 4)
    assert lines(service, row.ref) == [
        ("received", "someone fainted", "someone fainted", 1),
        ("more", "someone is dying near gate 2", "someone is dying near gate 2", 2),
        ("more", "", yes, 1),
    ]


def test_a_danger_told_while_a_report_is_open_is_more_of_it_with_its_pictures(service: Service, text: Texting) -> None:
    with_group = [
        a_text("someone fainted near stage", OTHER, media=(PHOTO,)),
        a_text("yes she is not breathing", OTHER),
    ]
    answers = service.record(with_group)  # in one transaction: neither has a row when it is decided
    assert asks_back(answers[0].body if answers[0] else "")
    [row] = opened(service)
    assert (row.media, [line[1:] for line in lines(service, row.ref)]) == (
        1,
        [
            ("someone fainted near stage", "someone fainted near stage", 1),
            ("yes she is not breathing", "yes she is not breathing", 0),
        ],
    )


@pytest.mark.parametrize(
    "no", ["no", "ji nahi", "نہیں", "ok", "where are you all", "HELP", "ha ha ha", "g 9 markaz", "ji kya?"]
)
def test_anything_but_yes_opens_nothing(service: Service, text: Texting, no: str) -> None:
    assert asks_back(text("someone fainted"))
    text(no)
    assert opened(service) == []


def test_after_no_a_later_yes_is_none(service: Service, text: Texting) -> None:
    text("someone fainted")
    text("no")
    text("yes")
    assert opened(service) == []


def test_no_machine_is_kept_talking_by_it_and_a_question_that_is_not_put_is_not_open(
    service: Service, text: Texting
) -> None:
    answers = [text(f"I am at the hospital with an emergency and answer later {n}") for n in range(6)]
    assert [asks_back(one) for one in answers] == [True, True, False, False, False, False]
    assert answers[2:] == [None] * 4
    text("yes")
    [row] = opened(service)
    assert row.text.count("answer later") == 2


@pytest.mark.parametrize("question", ["JOIN Ali", "WHERE", "ERASE"])
def test_a_danger_is_no_answer_to_another_question(service: Service, text: Texting, question: str) -> None:
    text(question)
    assert asks_back(text("someone fainted near gate 3"))
    text("yes")
    [row] = opened(service)
    assert (row.category, row.place) == ("medical", "gate 3")


@pytest.mark.parametrize("question", ["JOIN Ali", "WHERE"])
def test_a_hospital_may_be_a_place(text: Texting, question: str) -> None:
    text(question)
    assert not asks_back(text("Zeenat hospital"))


@pytest.mark.parametrize(
    "harmless", ["hello", "kal milte hain", "no electricity here since morning", "stop it now", "Zeenat hospital"]
)
def test_other_texts_get_the_usual_help(text: Texting, harmless: str) -> None:
    assert not asks_back(text(harmless))
