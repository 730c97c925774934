"""Broadcasts in the console, over HTTP: drafted, approved by another, started once, within the viewer's areas."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from markupsafe import escape
from sqlalchemy import Engine, insert, select, update

from gateway.accounts import audit, audit_check
from gateway.accounts.areas import Areas
from gateway.app import create_app
from gateway.broadcasts.plan import plan_begun
from gateway.broadcasts.terms import broadcast_terms
from gateway.database import reading, writing
from gateway.places.store import read_directory
from gateway.rules.pace import Pace
from gateway.settings import Settings
from gateway.tables import Alert, Broadcast, Member, OutboundText, SavedSegment, Sender
from tests.console.client import Browser, enter, hidden, make_staff
from tests.gateway.conftest import settings_for
from tests.outbox.conftest import Outbox, outbox

__all__ = ["outbox"]

PATH = "/console/broadcasts"
DRAFT = {"name": "Friday rally", "rule": "city:lahore", "text.en": "Dear {name}, Minar at 5", "do": "save_preview"}
NASTY = '<script>alert(1)</script> \'; DROP TABLE members; -- \u202egnip\u202c\n"quoted" & {{ 7*7 }}'


def people(engine: Engine, count: int, city: str = "lahore", first: int = 0, **values: Any) -> None:
    """File members who can be texted."""
    early = datetime.now(UTC) - timedelta(days=3)
    keys = [f"+92300{at:07d}" for at in range(first, first + count)]
    with writing(engine) as connection:
        place = read_directory(connection).place_ids[city]
        sender = {"consent": "joined", "number_state": "alive", "first_seen_at": early, "last_seen_at": early}
        connection.execute(insert(Sender), [{"key": key} | sender for key in keys])
        ids = connection.execute(select(Sender.id).where(Sender.key.in_(keys))).scalars()
        member = {"affinities": 0, "joined_at": early, "updated_at": early, "city_id": place, "name": "Ali",
                  "reachable": True, **values}  # fmt: skip
        connection.execute(insert(Member.__table__), [{"sender_id": one} | member for one in ids])


def row_of(engine: Engine, key: str = "friday-rally") -> Any:
    with reading(engine) as connection:
        return connection.execute(select(Broadcast.__table__).where(Broadcast.key == key)).one()


def texts(engine: Engine) -> int:
    with reading(engine) as connection:
        return len(connection.execute(select(OutboundText.id)).all())


def draft(browser: Browser, **others: str) -> str:
    """Fill in a new draft as a person would; returns the address of its page."""
    browser.get(f"{PATH}/new")
    answer = browser.submit(f"{PATH}/new", **(DRAFT | others))
    assert answer.status_code == 303, answer.text
    page = browser.follow(answer)
    assert page.status_code == 200
    return page.url.path


def press(browser: Browser, at: str, act: str, **fields: str) -> Any:
    browser.get(at)
    return browser.follow(browser.submit(f"{at}/{act}", **fields))


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    prices = tmp_path / "prices.toml"
    prices.write_text('currency = "PKR"\n[[price]]\nprefix = "+92"\nper_part = 1.85\n')
    return settings_for(database_url, price_file=prices)


def test_from_draft_to_done_by_two_people(
    console: FastAPI, engine: Engine, as_admin: Browser, as_organiser: Browser
) -> None:
    people(engine, 501)
    at = draft(as_organiser)
    assert row_of(engine).digest and row_of(engine).created_by == "omar"
    page = as_organiser.get(at).text
    assert f"{at}/approve" not in page  # who drafted it may not
    assert "waits for approval" in press(as_organiser, at, "ask").text
    assert "Approval asked" in as_admin.get(PATH).text
    assert "is approved" in press(as_admin, at, "approve").text
    assert row_of(engine).approved_by == "amna"
    assert "has started" in press(as_organiser, at, "start").text
    assert texts(engine) == 500  # the first chunk
    with reading(engine) as connection:
        acts = [line.action for line in audit.lines(connection, subject="broadcast:friday-rally")]
        assert audit_check.verify(connection).findings == ()
    assert acts == ["broadcast.start", "broadcast.approve", "broadcast.ask", "broadcast.draft"]


@pytest.mark.parametrize("act", ["start", "approve", "ask"])
def test_a_second_click_does_nothing(console: FastAPI, engine: Engine, as_admin: Browser, act: str) -> None:
    people(engine, 3)
    at = draft(as_admin)
    if act == "start":
        press(as_admin, at, "approve")
    as_admin.get(at)
    fields = as_admin.form(f"{at}/{act}")
    first, second = as_admin.post(f"{at}/{act}", fields), as_admin.post(f"{at}/{act}", fields)
    assert (first.status_code, second.status_code) == (303, 303)
    assert second.headers["location"] == at
    assert "nothing happened twice" in as_admin.follow(second).text
    with reading(engine) as connection:
        lines = audit.lines(connection, action=f"broadcast.{act}")
    assert len(lines) == 1
    assert texts(engine) == (3 if act == "start" else 0)


def test_many_clicks_at_once_send_one_text_to_each(outbox: Outbox, settings: Settings) -> None:
    """A real worker and a simulated carrier that counts what it got."""
    engine = outbox.engine
    make_staff(engine, settings, "amna", "admin")
    app = create_app(settings)
    people(engine, 40)
    browser = enter(Browser(app), engine, "amna")
    at = draft(browser)
    press(browser, at, "approve")
    same, others = browser.form(f"{at}/start", browser.get(at)), []
    for _ in range(3):
        others.append(browser.form(f"{at}/start", browser.get(at)))
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda fields: browser.post(f"{at}/start", fields), [same] * 5 + others))
    assert {answer.status_code for answer in answers} == {303}
    plan_begun(engine, broadcast_terms(settings), lambda: datetime.now(UTC))
    routes = broadcast_terms(settings).routes
    outbox.clock.now = datetime.now(UTC) + timedelta(seconds=5)
    paces = {"twilio": Pace(10_000, 10_000)}
    outbox.steps(worker=outbox.another(carriers={"twilio": outbox.carrier}, routes=routes, paces=paces))
    app.state.service.close()
    numbers = outbox.sent_numbers()
    assert len(numbers) == len(set(numbers)) == 40
    with reading(engine) as connection:
        assert len(audit.lines(connection, action="broadcast.start")) == 1


def test_two_tabs_start_it_once(engine: Engine, as_admin: Browser) -> None:
    people(engine, 3)
    at = draft(as_admin)
    press(as_admin, at, "approve")
    tabs = []
    for _ in range(2):
        as_admin.get(at)
        tabs.append(as_admin.form(f"{at}/start"))
    answers = [as_admin.follow(as_admin.post(f"{at}/start", tab)) for tab in tabs]
    assert "has started" in answers[0].text
    assert "That was not done" in answers[1].text and "cannot become \u2068planning" in answers[1].text
    assert texts(engine) == 3


def test_a_new_draft_sent_twice_is_one_draft(engine: Engine, as_organiser: Browser) -> None:
    as_organiser.get(f"{PATH}/new")
    fields = as_organiser.form(f"{PATH}/new") | DRAFT | {"do": "save"}
    answers = [as_organiser.post(f"{PATH}/new", fields) for _ in range(2)]
    assert [one.headers["location"] for one in answers] == [f"{PATH}/friday-rally"] * 2
    with reading(engine) as connection:
        assert len(connection.execute(select(Broadcast.id)).all()) == 1


def test_approval_is_of_the_numbers_on_the_page(engine: Engine, as_admin: Browser, as_organiser: Browser) -> None:
    people(engine, 3)
    at = draft(as_organiser)
    as_admin.get(at)
    seen = as_admin.form(f"{at}/approve")
    people(engine, 2, first=10)
    press(as_organiser, at, "preview")
    assert "no longer what you looked at" in as_admin.follow(as_admin.post(f"{at}/approve", seen)).text
    assert row_of(engine).state == "draft"


def test_a_form_opened_on_an_older_draft_is_refused_and_loses_nothing(
    engine: Engine, as_admin: Browser, as_organiser: Browser
) -> None:
    at = draft(as_organiser)
    as_admin.get(at)
    opened = as_admin.form(at)
    answer = as_organiser.submit(at, **(DRAFT | {"text.en": "Stay at home", "do": "save"}))
    assert answer.status_code == 303
    mine = opened | DRAFT | {"text.en": "My own long words", "do": "save"}
    refused = as_admin.post(at, mine)
    assert refused.status_code == 409
    assert "omar" in refused.text and "Stay at home" in refused.text and "My own long words" in refused.text
    assert row_of(engine).texts == {"en": "Stay at home"}
    again = as_admin.form(at, refused) | DRAFT | {"text.en": "My own long words", "do": "save"}
    assert as_admin.post(at, again).status_code == 303
    assert row_of(engine).texts == {"en": "My own long words"}


def test_a_change_takes_the_approval_back(engine: Engine, as_admin: Browser) -> None:
    people(engine, 3)
    at = draft(as_admin)
    press(as_admin, at, "approve")
    as_admin.get(at)
    assert as_admin.submit(at, **(DRAFT | {"text.en": "Other words", "do": "save"})).status_code == 303
    assert (row_of(engine).state, row_of(engine).approved_by) == ("draft", "")


@pytest.mark.parametrize(
    ("fields", "status", "told"),
    [
        ({"rule": "city:lahore & citty:karachi"}, 422, "<mark>c</mark>itty:karachi"),
        ({"rule": ""}, 422, "line is empty"),
        ({"name": ""}, 422, 'id="p-name"'),
        ({"text.en": "", "text.ur": ""}, 422, "at least one language"),
        ({"text.en": "Dear {nam}"}, 422, "{nam}"),
        ({"hours": "late"}, 422, 'id="p-hours"'),
        ({"quiet_days": "many"}, 422, 'id="p-quiet_days"'),
        ({"validity_minutes": "0"}, 422, 'id="p-validity_minutes"'),
        ({"do": "count"}, 200, "get it"),
    ],
)
def test_what_is_wrong_is_said_at_its_field_and_all_that_was_typed_stays(
    as_organiser: Browser, fields: dict[str, str], status: int, told: str
) -> None:
    as_organiser.get(f"{PATH}/new")
    typed = DRAFT | {"text.ur": "جمعہ شام پانچ بجے", "do": "save"} | fields
    answer = as_organiser.submit(f"{PATH}/new", **typed)
    assert answer.status_code == status
    assert told in answer.text
    for name in ("text.en", "text.ur", "rule", "name"):
        assert str(escape(typed[name])) in answer.text


def test_the_form_follows_the_rule_and_the_rule_the_form(as_organiser: Browser) -> None:
    as_organiser.get(f"{PATH}/new")
    answer = as_organiser.submit(f"{PATH}/new", rule="city:lahore & (affinity:women | affinity:students)", do="look")
    assert 'name="l1.field" value="affinity"' in answer.text
    fields = as_organiser.form(f"{PATH}/new", answer)
    changed = fields | {
        "rule": "city:lahore & (affinity:women | affinity:students)", "l0.value": "lahore, multan", "l1.value": "women",
        "l1.not": "1", "do": "look", "join": "all",
    }  # fmt: skip
    answer = as_organiser.post(f"{PATH}/new", changed)
    assert "(city:lahore | city:multan) &amp; !affinity:women</textarea>" in answer.text
    richer = as_organiser.submit(f"{PATH}/new", rule="city:lahore & (affinity:women | city:multan)", do="look")
    assert "more than the form can show" in richer.text


def test_lines_are_added_and_taken_away_without_script(as_organiser: Browser) -> None:
    as_organiser.get(f"{PATH}/new")
    fields = as_organiser.form(f"{PATH}/new") | {"l0.value": "lahore", "rule": "", "add_field": "seen", "do": "add"}
    answer = as_organiser.post(f"{PATH}/new", fields)
    assert 'name="l1.field" value="seen"' in answer.text and ">\ncity:lahore</textarea>" in answer.text
    fields = as_organiser.form(f"{PATH}/new", answer) | {
        "rule": "city:lahore", "l1.sign": "age<", "l1.value": "30", "do": "look", "join": "all",
    }  # fmt: skip
    answer = as_organiser.post(f"{PATH}/new", fields)
    assert ">\ncity:lahore &amp; seen&lt;30d</textarea>" in answer.text
    fields = as_organiser.form(f"{PATH}/new", answer) | {
        "rule": "city:lahore & seen<30d", "l1.sign": "age<", "do": "remove:0", "join": "all",
    }  # fmt: skip
    assert ">\nseen&lt;30d</textarea>" in as_organiser.post(f"{PATH}/new", fields).text


def test_the_letter_that_costs_a_part_is_marked_and_replaced(as_organiser: Browser) -> None:
    text = "Come to Minar at five, bring water, a hat and a friend; text WHERE for your bus. See you ā"
    as_organiser.get(f"{PATH}/new")
    answer = as_organiser.submit(f"{PATH}/new", **(DRAFT | {"text.en": text, "do": "look"}))
    assert '<mark title="latin small letter a with macron">ā</mark>' in answer.text
    assert "<bdi>2</bdi> parts" in answer.text
    position = str(text.index("ā"))
    assert f'value="replace:en:{position}"' in answer.text
    answer = as_organiser.submit(f"{PATH}/new", **(DRAFT | {"text.en": text, "do": f"replace:en:{position}"}))
    assert text.replace("ā", "a") + "</textarea>" in answer.text and "<mark" not in answer.text


def test_the_page_says_what_it_costs(as_organiser: Browser, engine: Engine) -> None:
    people(engine, 4)
    as_organiser.get(f"{PATH}/new")
    fields = as_organiser.form(f"{PATH}/new") | DRAFT | {"changed": "rule"}
    answer = as_organiser.post(f"{PATH}/look", fields).json()
    assert "1.85 PKR" in answer["fragments"]["cost-en"] and "7.40 PKR" in answer["fragments"]["cost-en"]
    assert answer["rule"] == "city:lahore"
    page = as_organiser.get(draft(as_organiser)).text
    assert "7.4 PKR" in page


def test_names_with_anything_in_them_travel_unharmed(engine: Engine, as_organiser: Browser) -> None:
    people(engine, 2, name="<b>x</b> \u202eevil")
    at = draft(as_organiser, name="<b>Rally</b> \u202e", **{"text.en": NASTY.replace("{{ 7*7 }}", "") + " {name}"})
    page = as_organiser.get(at).text
    assert "<script>alert(1)" not in page and "&lt;script&gt;alert(1)" in page
    assert "<b>Rally</b>" not in page and "&lt;b&gt;x&lt;/b&gt;" in page
    key = at.rpartition("/")[2]
    assert row_of(engine, key).texts["en"] == NASTY.replace("{{ 7*7 }}", "") + " {name}"
    assert "<b>Rally" not in as_organiser.get(PATH).text


def test_pause_resume_and_cancel(engine: Engine, as_admin: Browser) -> None:
    people(engine, 3)
    at = draft(as_admin)
    press(as_admin, at, "approve")
    press(as_admin, at, "start")
    press(as_admin, at, "pause", reason="too <b>early</b>")
    assert (row_of(engine).state, row_of(engine).state_reason) == ("paused", "too <b>early</b>")
    assert "too &lt;b&gt;early" in as_admin.get(at).text
    press(as_admin, at, "resume")
    assert row_of(engine).state == "planning"
    page = press(as_admin, at, "cancel", reason="rain")
    assert row_of(engine).state == "cancelled" and "rain" in page.text and f"{at}/start" not in page.text
    assert "Every recipient is accounted for" in page.text


def test_an_alarm_is_let_pass_by_who_has_seen_it(engine: Engine, as_admin: Browser) -> None:
    people(engine, 3)
    at = draft(as_admin)
    press(as_admin, at, "approve")
    press(as_admin, at, "start")
    with writing(engine) as connection:
        connection.execute(update(Broadcast).values(state="paused", alarm="grown", state_reason="It has grown."))
        connection.execute(insert(Alert), {"kind": "paused", "reason": "x", "raised_at": datetime.now(UTC)})
    page = as_admin.get(at)
    assert "It has grown." in page.text
    other = as_admin.form(f"{at}/resume") | {"alarm": "cap"}
    assert "Another alarm holds it" in as_admin.follow(as_admin.post(f"{at}/resume", other)).text
    press(as_admin, at, "resume")
    assert (row_of(engine).state, row_of(engine).alarms_waived) == ("planning", ["grown"])


def test_schedules_once_and_every_week(engine: Engine, as_admin: Browser) -> None:
    people(engine, 3)
    at = draft(as_admin)
    press(as_admin, at, "approve")
    as_admin.get(at)
    bad = as_admin.submit(f"{at}/schedule", repeat="once", day="2020-01-01", time="18:00", zone="Asia/Karachi")
    assert bad.status_code == 422 and "That time is past" in bad.text and 'value="2020-01-01"' in bad.text
    bad = as_admin.submit(f"{at}/schedule", repeat="once", day="", time="", zone="Mars/Olympus")
    assert bad.status_code == 422 and "no time zone" in bad.text
    page = press(as_admin, at, "schedule", repeat="weekly", weekday="fri", time="18:00", zone="Asia/Karachi")
    assert row_of(engine).state == "scheduled" and "0 18 * * fri" in page.text
    press(as_admin, at, "unschedule")
    assert row_of(engine).state == "approved"
    press(as_admin, at, "schedule", repeat="once", day="2099-03-06", time="18:00", zone="Asia/Karachi")
    assert row_of(engine).state == "scheduled"


def test_a_test_goes_to_ones_own_phone(engine: Engine, as_admin: Browser) -> None:
    from gateway.tables import Staff

    at = draft(as_admin)
    assert "has no phone on file" in as_admin.get(at).text
    with writing(engine) as connection:
        connection.execute(update(Staff).where(Staff.login == "amna").values(phone="+923330000001"))
    assert "on its way to you" in press(as_admin, at, "test").text
    with reading(engine) as connection:
        row = connection.execute(select(OutboundText.__table__)).one()
    assert (row.kind, row.body) == ("test", "Dear Amna, Minar at 5")


@pytest.fixture
def as_lahori(console: FastAPI, engine: Engine, settings: Settings) -> Browser:
    make_staff(engine, settings, "lina", "organiser", areas=Areas.of(["lahore"]))
    return enter(Browser(console), engine, "lina")


def test_who_is_bound_to_a_city_counts_sees_and_texts_nobody_elsewhere(
    engine: Engine, as_admin: Browser, as_lahori: Browser
) -> None:
    people(engine, 3)
    people(engine, 5, city="multan", first=100)
    everywhere = draft(as_admin, rule="all", name="Everywhere")
    assert "Everywhere" not in as_lahori.get(PATH).text
    for path in (everywhere, f"{everywhere}/live"):
        assert as_lahori.get(path).status_code == 404
    as_lahori.get(f"{PATH}/new")
    answer = as_lahori.submit(f"{PATH}/new", **(DRAFT | {"rule": "all", "do": "count"}))
    assert "<b><bdi>3</bdi></b><span>get it" in answer.text
    at = draft(as_lahori, rule="city:multan | language:ur")
    assert row_of(engine).rule == "(city:multan | language:ur) & city:lahore"
    assert row_of(engine).preview["numbers"]["recipients"] == 0
    once = as_lahori.form(f"{at}/cancel", as_lahori.get(at))
    for act in ("approve", "start", "pause", "cancel", "preview", "ask", "schedule", "test", "unschedule"):
        fields = once | {"digest": row_of(engine, "everywhere").digest}
        assert as_lahori.post(f"{everywhere}/{act}", fields).status_code == 404
    assert row_of(engine, "everywhere").state == "draft"
    assert as_lahori.post(everywhere, as_lahori.form(at, as_lahori.get(at)) | DRAFT).status_code == 404


def test_saved_segments(engine: Engine, as_admin: Browser, as_lahori: Browser) -> None:
    people(engine, 3)
    as_admin.get(f"{PATH}/segments")
    action = f"{PATH}/segments"

    def save(browser: Browser, **fields: str) -> Any:
        browser.get(action)
        return browser.submit(action, **({"replace": "", "do": "save"} | fields))

    counted = as_admin.submit(action, name="Everyone", rule="all", do="count")
    assert "get it" in counted.text and 'value="Everyone"' in counted.text
    assert save(as_admin, name="Everyone", rule="all").status_code == 303
    taken = save(as_admin, name="everyone", rule="city:lahore")
    assert taken.status_code == 422 and "is saved already" in taken.text
    assert save(as_admin, name="everyone", rule="city:multan", replace="1").status_code == 303
    wrong = save(as_admin, name="More", rule="city:")
    assert wrong.status_code == 422 and "<mark>" in wrong.text
    as_lahori.get(action)
    refused = save(as_lahori, name="everyone", rule="city:lahore", replace="1")
    assert refused.status_code == 422 and "outside your areas" in refused.text
    assert save(as_lahori, name="Ours", rule="language:ur").status_code == 303
    with reading(engine) as connection:
        rules = dict(connection.execute(select(SavedSegment.name, SavedSegment.rule)).all())  # type: ignore[arg-type]
    assert rules == {"everyone": "city:multan", "Ours": "language:ur & city:lahore"}
    assert "city:multan</textarea>" in as_admin.get(f"{PATH}/new?segment=EVERYONE").text


def test_field_staff_see_none_of_it(as_field: Browser, as_admin: Browser) -> None:
    at = draft(as_admin)
    for path in (PATH, f"{PATH}/new", f"{PATH}/segments", at, f"{at}/live"):
        assert as_field.get(path).status_code == 403


def test_urdu(console: FastAPI, engine: Engine, settings: Settings) -> None:
    make_staff(engine, settings, "zara", "organiser", language="ur")
    browser = enter(Browser(console), engine, "zara")
    people(engine, 2)
    at = draft(browser)
    page = browser.get(at).text
    assert 'dir="rtl"' in page and "اعداد" in page and "مسودہ" in page


def test_nothing_is_kept_by_looking(engine: Engine, as_organiser: Browser) -> None:
    as_organiser.get(f"{PATH}/new")
    fields = as_organiser.form(f"{PATH}/new") | DRAFT | {"changed": "form"}
    assert as_organiser.post(f"{PATH}/look", fields).status_code == 200
    assert hidden(as_organiser.get(f"{PATH}/new").text, "_once")
    with reading(engine) as connection:
        assert connection.execute(select(Broadcast.id)).all() == []
