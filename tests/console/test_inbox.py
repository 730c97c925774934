"""The inbox's pages over HTTP, on both databases."""

import re
from datetime import timedelta
from typing import Any

from fastapi import FastAPI
from sqlalchemy import Engine, select, update

from gateway.accounts.areas import Areas
from gateway.database import reading, writing
from gateway.service import utc_now
from gateway.settings import Settings
from gateway.tables import InboxThread, OutboundText, Report, Sender, Staff
from tests.console.client import Browser, enter, make_staff
from tests.console.test_members import text

PATH = "/console/inbox"


def thread_of(page: Any, words: str) -> str:
    """The address of the thread on the list that shows these words."""
    for card in page.text.split('<li class="card')[1:]:
        if words in card:
            found = re.search(r'href="(/console/inbox/[0-9a-z]{8})"', card)
            assert found
            return found[1]
    raise AssertionError(page.text)


def sent(engine: Engine, kind: str = "answer") -> list[Any]:
    with reading(engine) as connection:
        return list(connection.execute(select(OutboundText.__table__).where(OutboundText.kind == kind)))


def test_a_question_is_read_and_answered_once(console: FastAPI, engine: Engine, as_organiser: Browser) -> None:
    text(console, "JOIN Ali Lahore")
    text(console, "When does the speech begin?")
    page = as_organiser.get(PATH)
    assert "When does the speech begin?" in page.text and "unread" in page.text and "1234501" not in page.text
    at = thread_of(page, "When does")
    assert as_organiser.get(at).status_code == 200
    with reading(engine) as connection:
        assert connection.execute(select(InboxThread.state)).scalar_one() == "open"  # looked at is read
    counted = as_organiser.submit(f"{at}/reply", words="\u0634\u06a9\u0631\u06cc\u06c1", act="count")
    assert "UCS-2" in counted.text and sent(engine) == []
    form = as_organiser.form(f"{at}/reply", as_organiser.get(at)) | {"words": "At 5, insha'Allah."}
    first = as_organiser.follow(as_organiser.post(f"{at}/reply", form))
    again = as_organiser.follow(as_organiser.post(f"{at}/reply", form))
    assert "on its way" in first.text and "already" in again.text
    [row] = sent(engine)
    assert (row.body, row.state) == ("At 5, insha'Allah.", "queued")
    assert "omar" in first.text
    assert "When does" in as_organiser.get(f"{PATH}?view=answered").text
    assert "When does" not in as_organiser.get(PATH).text


def test_who_stopped_gets_no_reply(console: FastAPI, engine: Engine, as_organiser: Browser) -> None:
    text(console, "JOIN Ali Lahore")
    text(console, "When does the speech begin?")
    at = thread_of(as_organiser.get(PATH), "When does")
    form = as_organiser.form(f"{at}/reply", as_organiser.get(at)) | {"words": "At 5."}
    text(console, "STOP")
    refused = as_organiser.post(f"{at}/reply", form)
    assert refused.status_code == 422 and "texted STOP" in refused.text
    assert sent(engine) == []
    assert f"{at}/reply" not in as_organiser.get(at).text


def test_a_late_reply_waits_for_sending_hours(console: FastAPI, engine: Engine, as_organiser: Browser) -> None:
    text(console, "When does the speech begin?")
    at = thread_of(as_organiser.get(PATH), "When does")
    with writing(engine) as connection:
        connection.execute(update(Sender).values(last_seen_at=utc_now() - timedelta(hours=25)))
    as_organiser.get(at)
    assert as_organiser.submit(f"{at}/reply", words="At 5.").status_code == 303
    [row] = sent(engine)
    hour = row.not_before.astimezone(console.state.service.settings.zone).hour
    assert 9 <= hour < 21


def test_two_who_answer_and_take_at_once_are_told(
    console: FastAPI, engine: Engine, as_organiser: Browser, as_admin: Browser
) -> None:
    text(console, "When does the speech begin?")
    at = thread_of(as_organiser.get(PATH), "When does")
    mine, theirs = as_organiser.get(at), as_admin.get(at)
    with reading(engine) as connection:
        ids = {row.login: row.id for row in connection.execute(select(Staff.login, Staff.id))}
    taken = as_organiser.post(f"{at}/hand", as_organiser.form(f"{at}/hand", mine) | {"to": str(ids["omar"])})
    late = as_admin.post(f"{at}/hand", as_admin.form(f"{at}/hand", theirs) | {"to": str(ids["amna"])})
    assert taken.status_code == 303
    assert late.status_code == 422 and "Omar" in late.text and "has it already" in late.text
    assert "When does" in as_organiser.get(f"{PATH}?view=mine").text
    assert "When does" not in as_admin.get(f"{PATH}?view=mine").text
    mine, theirs = as_organiser.get(at), as_admin.get(at)
    as_organiser.post(f"{at}/reply", as_organiser.form(f"{at}/reply", mine) | {"words": "At 5."})
    late = as_admin.post(f"{at}/reply", as_admin.form(f"{at}/reply", theirs) | {"words": "At six."})
    assert late.status_code == 422 and "omar" in late.text and "At six." in late.text
    assert len(sent(engine)) == 1


def test_notes_closing_and_opening_again(console: FastAPI, as_organiser: Browser) -> None:
    text(console, "When does the speech begin?")
    at = thread_of(as_organiser.get(PATH), "When does")
    as_organiser.get(at)
    noted = as_organiser.follow(as_organiser.submit(f"{at}/note", words="<i>spoke by phone</i>"))
    assert "&lt;i&gt;spoke by phone" in noted.text
    stale = as_organiser.form(f"{at}/close", noted)
    text(console, "and where do we park?")
    assert "new text came" in as_organiser.post(f"{at}/close", stale).text
    as_organiser.get(at)
    closed = as_organiser.follow(as_organiser.submit(f"{at}/close"))
    assert "opens it again" in closed.text
    assert "park" in as_organiser.get(f"{PATH}?view=closed").text
    as_organiser.get(at)
    assert as_organiser.submit(f"{at}/reopen").status_code == 303
    assert "park" in as_organiser.get(PATH).text


def test_an_ireport_is_made_of_a_text_once(console: FastAPI, engine: Engine, as_organiser: Browser) -> None:
    text(console, "my child is lost somewhere near the big stage")
    at = thread_of(as_organiser.get(PATH), "my child")
    form = as_organiser.form(f"{at}/report", as_organiser.get(at))
    for _ in range(2):
        page = as_organiser.follow(as_organiser.post(f"{at}/report", form))
    with reading(engine) as connection:
        [report] = connection.execute(select(Report.__table__)).all()
    assert report.text == "my child is lost somewhere near the big stage"
    assert report.ref in page.text
    assert report.ref in sent(engine, "report")[0].body


def test_answers_are_kept_changed_and_put_in(console: FastAPI, as_organiser: Browser, as_admin: Browser) -> None:
    text(console, "JOIN Ali Lahore")
    text(console, "When does the speech begin?")
    as_organiser.get(f"{PATH}/answers")
    made = as_organiser.submit(f"{PATH}/answers", title="When", words_en="Dear {name}, at 5.", words_ur="")
    assert made.status_code == 303
    mine, theirs = as_organiser.get(f"{PATH}/answers"), as_admin.get(f"{PATH}/answers")
    number = re.search(r'name="number" value="(\d+)"', mine.text)
    assert number
    as_organiser.post(f"{PATH}/answers", as_organiser.form(f"{PATH}/answers", mine) | {"words_en": "{name}: at six."})
    late = as_admin.post(f"{PATH}/answers", as_admin.form(f"{PATH}/answers", theirs) | {"words_en": "at seven"})
    assert late.status_code == 422 and "changed this answer" in late.text
    at = thread_of(as_organiser.get(PATH), "When does")
    assert "Ali: at six." in as_organiser.get(f"{at}?answer={number[1]}").text
    as_organiser.get(f"{PATH}/answers")
    bad = as_organiser.submit(f"{PATH}/answers", words_en="at {place}")
    assert bad.status_code == 422 and "{place}" in bad.text


def test_bounds_hold_in_the_inbox(console: FastAPI, engine: Engine, settings: Settings) -> None:
    make_staff(engine, settings, "lala", "organiser", areas=Areas.of(["lahore"]))
    bound, every = enter(Browser(console), engine, "lala"), enter(Browser(console), engine, "amna")
    for number, joined in enumerate(("JOIN Ali Lahore", "JOIN Sana Multan", "")):
        if joined:
            text(console, joined, f"+92300123450{number}")
        text(console, f"question {number} for you friends ?", f"+92300123450{number}")
    page = bound.get(PATH)
    assert "question 0" in page.text
    assert "question 1" not in page.text and "question 2" not in page.text
    for words in ("question 1", "question 2"):
        at = thread_of(every.get(PATH), words)
        form = every.form(f"{at}/reply", every.get(at)) | {"words": "hello"}
        assert bound.get(at).status_code == 404
        assert bound.get(f"{at}/live").status_code == 404
        mine = bound.form("/console/sign-out", bound.get(PATH))
        assert bound.post(f"{at}/reply", form | {"_form": mine["_form"], "_once": ""}).status_code in (400, 404)
    assert sent(engine) == []


def test_pages_hold_for_many_threads_and_odd_addresses(console: FastAPI, as_organiser: Browser) -> None:
    for number in range(33):
        text(console, f"question {number} for you friends ?", f"+9230012345{number:02}")
    page = as_organiser.get(PATH)
    older = re.search(r'rel="next" href="([^"]+)"', page.text)
    assert older
    assert as_organiser.get(older[1].replace("&amp;", "&")).text.count('<li class="card') == 3
    for path in (f"{PATH}?view=odd", f"{PATH}?after=odd"):
        assert as_organiser.get(path).status_code == 200
    for path in (f"{PATH}/00000000", f"{PATH}/x", f"{PATH}/" + "z" * 300):
        assert as_organiser.get(path).status_code == 404
