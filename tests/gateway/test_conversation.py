"""Whole conversations by text, on both databases: what people text and what they and the database get."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, func, select, update

from gateway.database import reading, writing
from gateway.places.store import read_directory
from gateway.tables import (
    ConsentEntry,
    Filing,
    InboundText,
    Member,
    OutboundText,
    Referral,
    Report,
    ReportEntry,
    Sender,
    TopicStop,
)
from tests.gateway.conftest import Texting

ALI, SANA, OMAR = "+923001234501", "+923001234502", "+923001234503"


def filed(engine: Engine, sender: str = ALI) -> dict[str, Any]:
    """How a phone is filed, in words."""
    with reading(engine) as connection:
        directory = read_directory(connection)
        row = connection.execute(
            select(Member, Sender.consent).join(Sender, Sender.id == Member.sender_id).where(Sender.key == sender)
        ).one()
    return {
        "name": row.name,
        "city": directory.place_keys.get(row.city_id),
        "seat": directory.seat_keys.get(row.constituency_id),
        "provincial": directory.seat_keys.get(row.provincial_id),
        "groups": {group.key for group in directory.groups.of(row.affinities)},
        "consent": row.consent,
        "reachable": row.reachable,
    }


def count(engine: Engine, table: Any) -> int:
    with reading(engine) as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()


# JOIN -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        "JOIN Ali Khan Lahore NA-130 students women",
        "join students Lahore NA-130 women Ali Khan",
        "JOIN women, NA-130, Ali Khan, lahore, students",
        "JOIN.Ali.Khan.LHR.na130.student.khawateen",
        "Join Ali Khan from Lahore\nNA 130\nstudents women",
    ],
)
def test_join_files_in_any_order(text: Texting, engine: Engine, body: str) -> None:
    text(body)
    assert filed(engine) == {
        "name": "Ali Khan",
        "city": "lahore",
        "seat": ("NA-130", 2024),
        "provincial": None,
        "groups": {"students", "women"},
        "consent": "joined",
        "reachable": True,
    }


def test_join_in_urdu(text: Texting, engine: Engine) -> None:
    assert "لاہور" in (text("شامل علی خان لاہور این اے ۱۳۰ طلبہ") or "")
    assert (filed(engine)["name"], filed(engine)["seat"]) == ("علی خان", ("NA-130", 2024))
    assert filed(engine)["groups"] == {"students"}


def test_a_national_and_a_provincial_seat(text: Texting, engine: Engine) -> None:
    text("JOIN Ali Lahore NA-130")
    text("CITY PP-173")
    seats = filed(engine)
    assert (seats["seat"], seats["provincial"]) == (("NA-130", 2024), ("PP-173", 2024))


def test_the_city_is_asked_and_the_next_text_is_the_answer(text: Texting, engine: Engine) -> None:
    assert "Which city" in (text("JOIN Ali") or "")
    assert filed(engine)["consent"] == "joined"
    assert "Lahore" in (text("lahor") or "")
    assert filed(engine)["city"] == "lahore"
    assert (text("Karachi") or "").startswith("Sorry"), "the question is answered: a later place is no answer"


def test_a_command_in_the_middle_of_a_question_wins(text: Texting, engine: Engine) -> None:
    text("JOIN Ali")
    assert "iReport" in (text("REPORT no water at gate 3") or "")
    text("STOP")
    assert filed(engine)["consent"] == "stopped"
    assert "Lahore" not in (text("Lahore") or "")


@pytest.mark.parametrize("answer", ["stopp it", "please stop", "STOP", "band karo", "unsubscribe", "بند کرو"])
def test_nothing_that_looks_like_stop_is_taken_as_an_answer(text: Texting, engine: Engine, answer: str) -> None:
    text("REPORT")
    text(answer)
    with reading(engine) as connection:
        assert connection.execute(select(Report.text)).scalar_one() == ""


def test_a_question_expires(text: Texting, engine: Engine) -> None:
    text("JOIN Ali")
    with writing(engine) as connection:
        connection.execute(update(Sender).values(question_expires_at=datetime.now(UTC) - timedelta(seconds=1)))
    text("Lahore")
    assert filed(engine)["city"] is None


def test_an_unknown_city_is_asked_again_but_not_for_ever(text: Texting) -> None:
    text("JOIN Ali")
    assert "We do not know" in (text("Qwrtzxy") or "")
    assert "We do not know" in (text("Qwrtzxy again") or "")
    text("Qwrtzxy and again")
    assert "We do not know" not in (text("Qwrtzxy at last") or "")


def test_joining_again_updates_instead_of_doubling(text: Texting, engine: Engine) -> None:
    text("JOIN Ali Lahore students")
    text("JOIN Ali Khan Karachi")
    assert count(engine, Member) == 1
    assert (filed(engine)["name"], filed(engine)["city"]) == ("Ali Khan", "karachi")
    assert filed(engine)["groups"] == {"students"}


def test_moving_keeps_the_history(text: Texting, engine: Engine) -> None:
    text("JOIN Ali Lahore NA-130")
    text("CITY Karachi")
    assert (filed(engine)["city"], filed(engine)["seat"]) == ("karachi", None)
    with reading(engine) as connection:
        changes = {(row.field, row.old, row.new) for row in connection.execute(select(Filing.__table__))}
    assert changes >= {("city", "lahore", "karachi"), ("constituency", "NA-130 (2024)", "")}


@pytest.mark.parametrize(("answer", "city", "seat"), [("1", "chitral", ("NA-1", 2024)), ("2", "lahore", None)])
def test_a_seat_in_another_city_is_asked_back(
    text: Texting, engine: Engine, answer: str, city: str, seat: tuple[str, int] | None
) -> None:
    question = text("JOIN Ali Lahore NA-1")
    assert "Chitral" in (question or "")
    assert "Lahore" in (question or "")
    text(answer)
    assert (filed(engine)["city"].split("-")[0], filed(engine)["seat"]) == (city, seat)


def test_a_seat_that_is_not_there_is_refused_kindly(text: Texting, engine: Engine) -> None:
    answer = text("JOIN Ali Lahore NA-299") or ""
    assert "NA-266" in answer
    assert (filed(engine)["city"], filed(engine)["seat"]) == ("lahore", None)


def test_groups_are_joined_and_left(text: Texting, engine: Engine) -> None:
    text("JOIN Ali Lahore")
    text("GROUP students, lawyers")
    text("GROUP -students")
    assert filed(engine)["groups"] == {"lawyers"}
    assert "There are" in (text("GROUP astronauts") or "")
    assert filed(engine)["groups"] == {"lawyers"}


# Consent --------------------------------------------------------------------------------------------------------


def test_one_confirmation_and_the_ledger(text: Texting, engine: Engine) -> None:
    text("JOIN Ali Lahore")
    assert "no more texts" in (text("Stop.") or "")
    assert text("STOP") is None
    assert "back" in (text("START") or "")
    assert filed(engine)["reachable"] is True
    with reading(engine) as connection:
        ledger = connection.execute(select(ConsentEntry.__table__).order_by(ConsentEntry.id)).all()
    assert [(row.action, row.words) for row in ledger] == [
        ("join", "JOIN Ali Lahore"), ("stop", "Stop."), ("stop", "STOP"), ("start", "START"),
    ]  # fmt: skip
    assert all(row.carrier_id.startswith("SM") and row.wording for row in ledger[:2])


def test_stop_from_someone_who_never_joined_holds(text: Texting, engine: Engine) -> None:
    assert "no more texts" in (text("STOP") or "")
    with reading(engine) as connection:
        assert connection.execute(select(Sender.consent)).scalar_one() == "stopped"


def test_only_start_words_and_join_restore_consent(text: Texting, engine: Engine) -> None:
    text("JOIN Ali Lahore")
    for body in (
        "STOP",
        "HELP",
        "REPORT no water at gate 3",
        "WHERE Lahore",
        "ME",
        "hello",
        "CITY Karachi",
        "GROUP women",
    ):
        text(body)
        assert filed(engine)["consent"] == "stopped", body
    text("JOIN")
    assert filed(engine)["consent"] == "joined"


def test_the_three_meanings_of_yes(text: Texting, engine: Engine) -> None:
    text("JOIN Ali Lahore")
    assert (text("YES") or "").startswith("Sorry"), "nothing was asked, nothing is stopped"
    text("STOP")
    assert "back" in (text("YES") or ""), "stopped and asked nothing: START"
    text("STOP")
    text("REPORT")
    text("YES")
    assert filed(engine)["consent"] == "stopped", "asked something else: not START"
    text("START")
    text("ERASE")
    assert "gone" in (text("YES") or ""), "asked: the answer"


def test_stop_with_a_topic_leaves_that_topic_only(text: Texting, engine: Engine) -> None:
    text("JOIN Ali Lahore students")
    answer = text("STOP LAHORE") or ""
    assert "Lahore" in answer
    assert "STOP alone" in answer
    assert filed(engine)["consent"] == "joined"
    with reading(engine) as connection:
        assert connection.execute(select(TopicStop.topic)).scalars().all() == ["city:lahore"]


def test_stop_with_any_place_on_file_leaves_that_topic_only(text: Texting, engine: Engine) -> None:
    text("JOIN Ali Lahore")
    text("STOP Kamalia")
    text("stop everybody laughing")
    assert filed(engine)["consent"] == "joined"
    with reading(engine) as connection:
        assert connection.execute(select(TopicStop.topic)).scalars().all() == ["city:kamalia-toba-tek-singh"]


def test_stop_with_an_unknown_number_stops_everything(text: Texting, engine: Engine) -> None:
    text("JOIN Ali Lahore")
    text("STOP 12345")
    assert filed(engine)["consent"] == "stopped"


# ERASE ----------------------------------------------------------------------------------------------------------


def test_erase_leaves_nothing_but_a_hash_that_keeps_the_opt_out(text: Texting, engine: Engine) -> None:
    text("JOIN Zarmina Lahore", SANA)
    code = (text("INVITE", SANA) or "").split("REF ")[1][:4]
    text(f"JOIN Ali Lahore REF {code}")
    text("REPORT pomegranate sellers block gate 3", SANA)
    text("ERASE", SANA)
    assert "gone" in (text("YES", SANA) or "")
    with reading(engine) as connection:
        for table in (Sender, Member, ConsentEntry, Filing, InboundText, OutboundText, Report, ReportEntry, Referral):
            for row in connection.execute(select(table.__table__)):
                said = str(tuple(row))
                assert "3001234502" not in said, table
                assert "Zarmina" not in said, table
                assert "pomegranate" not in said, table
        assert [
            row.consent for row in connection.execute(select(Sender.consent).where(Sender.key.like("erased:%")))
        ] == ["stopped"]
    # The number in the same or other hands starts out stopped; erasing again works again.
    text("HELP", SANA)
    with reading(engine) as connection:
        assert connection.execute(select(Sender.consent).where(Sender.key == SANA)).scalar_one() == "stopped"
    text("JOIN Sana Lahore", SANA)
    text("ERASE", SANA)
    assert "gone" in (text("YES", SANA) or "")


def test_anything_but_yes_keeps_everything(text: Texting, engine: Engine) -> None:
    text("JOIN Ali Lahore")
    text("ERASE")
    assert "Nothing was removed" in (text("what?") or "")
    assert filed(engine)["name"] == "Ali"


# INVITE ---------------------------------------------------------------------------------------------------------


def test_an_invite_is_credited_once_and_never_to_oneself(text: Texting, engine: Engine) -> None:
    text("JOIN Ali Lahore")
    answer = text("INVITE") or ""
    code = answer.split("REF ")[1][:4]
    assert text("INVITE") == answer
    assert "Karachi" in (text(f"JOIN Sana Karachi REF {code.lower()}", SANA) or "")
    text(f"JOIN Sana Karachi REF {code}", SANA)
    text(f"JOIN Ali Lahore REF {code}")
    text("JOIN Omar Lahore REF 2222", OMAR)
    assert count(engine, Referral) == 1
    assert filed(engine, SANA)["name"] == "Sana"
    assert count(engine, Member) == 3


def test_a_burst_of_invited_members_is_flagged(text: Texting, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.inbound.effects.BURST", 3)
    monkeypatch.setattr("gateway.inbound.effects.MOST_CREDITED", 5)
    text("JOIN Ali Lahore")
    code = (text("INVITE") or "").split("REF ")[1][:4]
    for number in range(8):
        text(f"JOIN Sana Lahore REF {code}", f"+9230055500{number:02}")
    with reading(engine) as connection:
        flags = connection.execute(select(Referral.flagged).order_by(Referral.sender_id)).scalars().all()
    assert flags == [False, False, False, True, True]
    assert count(engine, Member) == 9


# The rest -------------------------------------------------------------------------------------------------------


def test_report_and_status(text: Texting, engine: Engine) -> None:
    answer = text("REPORT no water at gate 3") or ""
    ref = answer.split("iReport is ")[1][:4]
    assert ref in (text(f"STATUS {ref}", SANA) or "")
    assert "know no iReport" in (text("STATUS 2222") or "")
    assert "What is wrong" in (text("REPORT") or "")
    assert "iReport" in (text("a child is lost near the stage") or "")
    assert count(engine, Report) == 2


def test_lang_changes_every_reply(text: Texting) -> None:
    text("JOIN Ali Lahore")
    assert "اردو" in (text("LANG URDU") or "")
    assert "لاہور" in (text("ME") or "")
    assert "English" in (text("LANG ENGLISH") or "")
    assert "Which language" in (text("LANG") or "")
    assert "Roman" in (text("roman") or "")


def test_help_is_never_the_same_twice_in_a_row_and_misses_fall_silent(text: Texting) -> None:
    answers = [text(f"what is this thing {number}") for number in range(4)]
    assert answers[0] != answers[1]
    assert None not in answers[:2]
    assert answers[2:] == [None, None]
    assert text("HELP") != text("HELP")


def test_two_machines_texting_each_other_fall_silent(text: Texting) -> None:
    answer: str | None = "hello?"
    turn = 0
    for turn in range(60):  # noqa: B007 - its last value is the measure
        answer = text(answer, "+923005550000")
        if answer is None:
            break
    assert turn < 10


def test_a_text_that_breaks_its_group_is_kept_flagged_and_fails_nobody(
    service: Any, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    from gateway.inbound import outcomes
    from tests.gateway.conftest import a_text

    carry_out = outcomes.carry_out

    def picky(connection: Any, done: list[Any], *others: Any) -> None:
        if any("poison" in one.text.body for one in done):
            raise ValueError("cannot write this")
        carry_out(connection, done, *others)

    monkeypatch.setattr(outcomes, "carry_out", picky)
    group = [a_text(f"JOIN Ali Lahore {'poison' if n == 3 else ''}", f"+9230055501{n:02}") for n in range(6)]
    answers = service.record(group)
    assert all(answer and answer.body for answer in answers)
    assert count(engine, Member) == 5
    with reading(engine) as connection:
        flagged = connection.execute(select(InboundText.body, InboundText.command).where(InboundText.flagged)).all()
    assert [tuple(row) for row in flagged] == [("JOIN Ali Lahore poison", None)]


@pytest.mark.parametrize(
    ("wish", "word", "language"),
    [
        ("unsubscrib me now please", "STOP", "en"),
        ("roz roz msg kyun karte ho bas karo msg", "BAND", "ur-Latn"),
        ("بار بار میسج کر کے تنگ نہ کریں نا", "بند", "ur"),
    ],
)
def test_a_miss_that_may_be_a_wish_to_stop_is_told_how_first(
    text: Texting, engine: Engine, wish: str, word: str, language: str
) -> None:
    text(f"LANG {'ROMAN' if language == 'ur-Latn' else language.upper()}")
    said = text(wish) or ""
    assert word in said
    others = [one for one in ("HELP", "MADAD", "مدد", "WHERE", "KAHAN", "JOIN") if one in said]
    assert others
    assert all(said.index(word) < said.index(one) for one in others)
    with reading(engine) as connection:
        assert connection.execute(select(Sender.consent)).scalar_one() != "stopped"  # it is a guess, and no more
    assert text(wish) is None  # the same help is not said twice in a row
    assert text("the weather is nice") != said


def test_ordinary_chatter_gets_the_usual_help(text: Texting) -> None:
    assert "did not understand" in (text("see you there then") or "")


@pytest.mark.parametrize(
    ("first", "said", "then", "said_then"),
    [
        ("kal milte hain phir", "samajh nahi aaya", "we will see you there", "still do not understand"),
        ("REPORT gate 3 par pani nahi hai", "Aap ki iReport", "HELP", "BAND"),
        ("REPORT there is no water at gate 3", "Your iReport", "HELP", "STOP"),
        ("JOIN mera naam Ali hai Lahore se", "Khush aamdeed", "HELP", "BAND"),
        ("JOIN Ali Lahore", "Welcome", "kal milte hain phir", "did not understand"),
        ("LANG EN", "English", "kal milte hain phir", "did not understand"),
    ],
)
def test_who_has_told_no_language_is_answered_in_that_of_their_sentence(
    text: Texting, first: str, said: str, then: str, said_then: str
) -> None:
    """The keyword of a poster does not tell it. What was understood settles it; after that it is theirs to change."""
    assert said in (text(first) or "")
    assert said_then in (text(then) or "")


def test_the_words_around_a_name_are_no_part_of_it_in_urdu_either(text: Texting) -> None:
    assert "علی، لاہور۔" in (text("شامل میں علی لاہور سے ہوں") or "")
