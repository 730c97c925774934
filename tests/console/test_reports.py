"""The report pages over HTTP, on both databases: who sees what, what each form does, and what is refused."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine, insert, select, update

from gateway.accounts.areas import Areas
from gateway.database import reading, writing
from gateway.reports.clusters import merge, propose_clusters
from gateway.reports.staff import set_duty
from gateway.service import Service, utc_now
from gateway.settings import Settings
from gateway.tables import AuditEntry, Place, Report, ReportEntry, ReportTrend, Staff
from tests.console.client import Browser, enter, make_staff
from tests.gateway.conftest import Texting, a_text
from tests.reports.test_conversation import entries, ref_in, report, started

REPORTER, OTHER = "+923005550001", "+923005550002"
HOSTILE = "<script>alert(1)</script> \u202egnp.exe\n\n=HYPERLINK('x') \"'; DROP TABLE reports;-- & نہیں"


@pytest.fixture
def service(console: FastAPI) -> Service:
    found: Service = console.state.service
    return found


@pytest.fixture
def text(service: Service) -> Texting:
    def send(body: str, sender: str = REPORTER, **others: object) -> str | None:
        [answer] = service.record([a_text(body, sender, **others)])
        return answer.body if answer else None

    return send


@pytest.fixture
def ref(text: Texting) -> str:
    return ref_in(text("REPORT speaker broken at block C"))


def at(ref: str, act: str = "") -> str:
    return f"/console/reports/{ref}{'/' + act if act else ''}"


def test_the_queue_shows_the_most_urgent_first_and_no_number(as_field: Browser, text: Texting) -> None:
    low = ref_in(text("REPORT speaker broken at block C", OTHER))
    high = ref_in(text("REPORT a man fainted at gate 2"))
    page = as_field.get("/console/reports").text
    assert 0 < page.index(f">{high}<") < page.index(f">{low}<")
    assert "speaker broken at block C" in page and "+92" not in page and "5550001" not in page


def test_filters_stand_in_the_address_and_say_what_they_hide(as_field: Browser, text: Texting) -> None:
    low = ref_in(text("REPORT speaker broken at block C", OTHER))
    high = ref_in(text("REPORT a man fainted at gate 2"))
    page = as_field.get("/console/reports?category=sound").text
    assert f">{low}<" in page and f">{high}<" not in page
    assert re.search(r"<bdi>1</bdi> open report is hidden", page)
    page = as_field.get("/console/reports?place=GATE&urgency=3&who=nobody").text
    assert f">{high}<" in page and f">{low}<" not in page
    as_field.get(at(high))
    as_field.submit(at(high, "take"))
    assert f">{high}<" in as_field.get("/console/reports?who=mine").text
    assert f">{high}<" not in as_field.get("/console/reports?who=nobody").text
    odd = as_field.get("/console/reports?state=lost+in+space&urgency=7&city=Atlantis&after=x")
    assert odd.status_code == 200
    assert all(word in odd.text for word in ("lost in space", "Atlantis", f">{low}<"))
    assert "nothing to filter by" in odd.text


def test_fifty_rows_and_the_next_ones(as_field: Browser, engine: Engine, ref: str) -> None:
    with writing(engine) as connection:
        row = connection.execute(select(Report.__table__).where(Report.ref == ref)).one()._asdict()
        copies = [
            {**row, "ref": f"ZZ{n:03}", "opened_at": row["opened_at"] + timedelta(seconds=n + 1)} for n in range(120)
        ]
        for one in copies:
            one.pop("id")
        connection.execute(insert(Report.__table__), copies)
    seen: list[str] = []
    path = "/console/reports"
    while path:
        page = as_field.get(path).text
        seen += re.findall(r"<b><bdi>(\w+)</bdi></b> Sound", page)
        following = re.search(r'rel="next" href="([^"]+)"', page)
        path = following[1].replace("&amp;", "&") if following else ""
    assert seen == [ref, *(f"ZZ{n:03}" for n in range(120))]


def test_a_report_tells_its_story(as_organiser: Browser, text: Texting) -> None:
    ref = ref_in(text("REPORT a man fainted at gate 2"))
    text("his son is alone with him")
    page = as_organiser.get(at(ref)).text
    for words in (
        "a man fainted at gate 2",
        "his son is alone",
        "Emergency",
        "Medical",
        "Words that decided",
        "faint*",
    ):
        assert words in page
    assert "+923005550001" not in page


def test_take_done_and_the_reporter_is_told_once(as_field: Browser, service: Service, ref: str) -> None:
    as_field.get(at(ref))
    page = as_field.follow(as_field.submit(at(ref, "take")))
    assert "is yours" in page.text
    page = as_field.follow(as_field.submit(at(ref, "done"), note="cable changed"))
    assert report(service, ref).state == "resolved"
    assert [line[:2] for line in entries(service, ref)][1:] == [("move", "farah"), ("move", "farah")]
    assert len(started(service, REPORTER)) == 2
    assert "cable changed" in started(service, REPORTER)[1]
    assert "Open again" in page.text


def test_a_second_copy_of_a_form_does_nothing(as_field: Browser, service: Service, ref: str) -> None:
    as_field.get(at(ref))
    fields = as_field.form(at(ref, "reply")) | {"text": "we are coming"}
    first, second = as_field.post(at(ref, "reply"), fields), as_field.post(at(ref, "reply"), fields)
    assert (first.status_code, second.status_code) == (303, 303)
    assert second.headers["location"] == first.headers["location"]
    assert len(started(service, REPORTER)) == 1
    assert "nothing happened twice" in as_field.follow(second).text


def test_of_two_who_take_it_the_second_sees_who_has_it(
    as_field: Browser, as_organiser: Browser, service: Service, ref: str
) -> None:
    as_field.get(at(ref))
    as_organiser.get(at(ref))
    assert as_field.submit(at(ref, "take")).status_code == 303
    late = as_organiser.submit(at(ref, "take"))
    assert late.status_code == 409
    assert "Farah" in late.text and "in hand by now" in late.text
    assert [line[0] for line in entries(service, ref)].count("move") == 1


def test_what_moved_meanwhile_is_not_moved_by_an_old_page(
    as_field: Browser, as_organiser: Browser, service: Service, ref: str
) -> None:
    as_organiser.get(at(ref))
    old = as_organiser.form(at(ref, "move"))
    as_field.get(at(ref))
    as_field.submit(at(ref, "take"))
    late = as_organiser.post(at(ref, "move"), old | {"to": "not_actionable"})
    assert late.status_code == 409 and "Farah" in late.text
    assert report(service, ref).state == "in_progress"


def test_assigning_by_proposal_tells_the_person(
    as_organiser: Browser, service: Service, engine: Engine, ref: str
) -> None:
    with writing(engine) as connection:
        person = connection.execute(select(Staff.id).where(Staff.login == "farah")).scalar_one()
        connection.execute(update(Staff).where(Staff.id == person).values(phone="+923001230009"))
        set_duty(connection, person, utc_now(), on_duty=True, skills=["sound"])
    page = as_organiser.get(at(ref)).text
    assert "knows such things" in page and "Give to" in page
    answer = as_organiser.submit(at(ref, "assign"), login="farah")
    assert "is given to" in as_organiser.follow(answer).text
    assert report(service, ref).state == "assigned"
    assert len(started(service, "+923001230009")) == 1
    as_organiser.get(at(ref))
    nobody = as_organiser.submit(at(ref, "assign"), login="nobody-here")
    assert nobody.status_code == 409 and "no such login" in nobody.text


def test_a_reply_that_is_too_long_is_kept_on_the_page(as_field: Browser, service: Service, ref: str) -> None:
    as_field.get(at(ref))
    words = "long " * 80
    answer = as_field.submit(at(ref, "reply"), text=words)
    assert answer.status_code == 409
    assert "1 to" in answer.text and words.strip() in answer.text
    assert started(service, REPORTER) == []


def test_the_parts_of_a_reply_are_counted(as_field: Browser, ref: str) -> None:
    as_field.get(at(ref))
    fields = as_field.form(at(ref, "reply"))
    page = as_field.post(at(ref, "parts"), fields | {"text": "we are coming"})
    assert "<bdi>1</bdi> part for each phone" in page.text and "we are coming" in page.text
    piece = as_field.post(at(ref, "parts"), fields | {"text": "ہم آ رہے ہیں " * 8, "fragment": "1"})
    assert "<bdi>2</bdi> parts" in piece.text and "<html" not in piece.text


def test_notes_and_corrections_stand_on_the_timeline(as_field: Browser, service: Service, ref: str) -> None:
    as_field.get(at(ref))
    as_field.submit(at(ref, "note"), note=HOSTILE)
    as_field.get(at(ref))
    as_field.submit(at(ref, "correct"), category="transport", urgency="3", kind="complaint", place="gate 9")
    page = as_field.get(at(ref)).text
    assert "category: sound -&gt; transport" in page
    row = report(service, ref)
    assert (row.category, row.urgency, row.kind, row.place) == ("transport", 3, "complaint", "gate 9")
    empty = as_field.submit(at(ref, "note"), note="   ")
    assert empty.status_code == 409
    wrong = as_field.submit(at(ref, "correct"), urgency="9")
    assert wrong.status_code == 409 and report(service, ref).urgency == 3


def test_hostile_words_travel_unharmed(as_organiser: Browser, service: Service, text: Texting) -> None:
    ref = ref_in(text(f"REPORT water {HOSTILE}"))
    assert report(service, ref).text == f"water {HOSTILE}"
    for path in ("/console/reports", at(ref)):
        page = as_organiser.get(path).text
        assert "<script>alert" not in page
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
        assert "\u202egnp.exe" in page  # kept, and isolated by its element
    as_organiser.get(at(ref))
    as_organiser.submit(at(ref, "reply"), text=HOSTILE)
    assert "<script>alert(1)</script>" in started(service, REPORTER)[-1]  # a phone shows it as it is


def test_a_mistyped_ref_is_said_to_be_one(as_field: Browser, ref: str) -> None:
    wrong = ref[:-1] + ("2" if ref[-1] != "2" else "3")
    page = as_field.follow(as_field.get(f"/console/reports/find?ref={wrong}"))
    assert "is no ref: a letter is wrong or missing" in page.text and wrong in page.text
    assert as_field.get(at(wrong)).status_code == 404
    found = as_field.get(f"/console/reports/find?ref={ref.lower()}")
    assert found.headers["location"] == at(ref)


def test_proposals_are_accepted_refused_and_split(
    as_organiser: Browser, as_field: Browser, service: Service, text: Texting
) -> None:
    first, second, third = (
        ref_in(text(f"REPORT no drinking water at gate 3 {'!' * n}", f"+92300555001{n}")) for n in range(3)
    )
    propose_clusters(service.engine, utc_now())
    assert "It is the same" not in as_field.get(at(first)).text  # field staff see it, organisers decide
    page = as_organiser.get(at(first)).text
    assert "Perhaps one problem" in page and second in page and third in page
    accepted = as_organiser.form(at(first, "merge")) | {"from": second, "into": ""}
    assert as_organiser.post(at(first, "merge"), accepted).status_code == 303
    as_organiser.get(at(third))
    as_organiser.submit(at(third, "refuse"), other=first)
    assert (report(service, second).state, report(service, third).state) == ("duplicate", "received")
    assert "Perhaps one problem" not in as_organiser.get(at(third)).text
    as_organiser.get(at(second))
    as_organiser.submit(at(second, "split"))
    assert report(service, second).state == "reopened"
    as_organiser.get(at(third))
    near_miss = as_organiser.submit(at(third, "merge"), into="2222")
    assert near_miss.status_code == 409 and "is no ref" in near_miss.text and 'value="2222"' in near_miss.text


def test_only_those_who_sort_close_merge_and_show_numbers(as_field: Browser, service: Service, ref: str) -> None:
    page = as_field.get(at(ref)).text
    assert "Show number" not in page and at(ref, "merge") not in page and "not_actionable" not in page
    fields = as_field.form(at(ref, "note"))
    for act, given in (("merge", {"into": ref}), ("split", {}), ("reveal", {"reason": "curious"}),
                       ("move", {"to": "not_actionable"}), ("refuse", {"other": ref})):  # fmt: skip
        assert as_field.post(at(ref, act), fields | given).status_code == 403, act
    assert report(service, ref).state == "received"


def test_a_number_is_shown_with_a_reason_and_on_record(as_organiser: Browser, engine: Engine, ref: str) -> None:
    as_organiser.get(at(ref))
    bare = as_organiser.submit(at(ref, "reveal"), reason="")
    assert bare.status_code == 422 and REPORTER not in bare.text
    shown = as_organiser.submit(at(ref, "reveal"), reason="ambulance cannot find them")
    assert REPORTER in shown.text
    assert REPORTER not in as_organiser.get(at(ref)).text
    with reading(engine) as connection:
        line = connection.execute(select(AuditEntry).where(AuditEntry.action == "member.phone_shown")).one()
    assert "ambulance" in str(line)


def test_a_call_for_help_texts_the_organisers(as_field: Browser, service: Service, engine: Engine, ref: str) -> None:
    with writing(engine) as connection:
        connection.execute(update(Staff).where(Staff.login == "omar").values(phone="+923001230009"))
    as_field.get(at(ref))
    assert "Help is called" in as_field.follow(as_field.submit(at(ref, "help"))).text
    assert as_field.submit(at(ref, "help")).status_code == 409
    assert len(started(service, "+923001230009")) == 1


# Areas ---------------------------------------------------------------------------------------------------------------


def place(engine: Engine, ref: str, lat: float, lon: float) -> None:
    with writing(engine) as connection:
        connection.execute(update(Report).where(Report.ref == ref).values(lat=lat, lon=lon))


def key_of(engine: Engine, name: str) -> tuple[str, float, float]:
    with reading(engine) as connection:
        row = connection.execute(
            select(Place.key, Place.lat, Place.lon).where(Place.name == name, Place.kind == "city")
        ).first()
        assert row is not None
        return row.key, row.lat, row.lon


def test_what_lies_outside_ones_areas_does_not_exist(
    console: FastAPI, engine: Engine, settings: Settings, service: Service, text: Texting
) -> None:
    multan, lahore = key_of(engine, "Multan"), key_of(engine, "Lahore")
    make_staff(engine, settings, "mehr", "field", areas=Areas(cities=frozenset({multan[0]})))
    mehr = enter(Browser(console), engine, "mehr")
    here, there = ref_in(text("REPORT speaker broken at block C")), ref_in(text("REPORT no water at gate 3", OTHER))
    place(engine, here, *multan[1:])
    place(engine, there, *lahore[1:])
    page = mehr.get("/console/reports").text
    assert f">{here}<" in page and f">{there}<" not in page
    mehr.get(at(here))
    fields = mehr.form(at(here, "note"))
    assert mehr.get(at(there)).status_code == 404
    assert mehr.get(at(there, "live")).status_code == 404
    assert mehr.get(at(there, "photos/1")).status_code == 404
    for act in ("take", "done", "help", "note", "reply", "parts", "assign", "correct", "move"):
        assert mehr.post(at(there, act), fields | {"note": "x", "text": "x"}).status_code == 404, act
    assert len(entries(service, there)) == 1
    city = mehr.get("/console/reports?city=Lahore").text
    assert f">{there}<" not in city  # a filter never opens an area
    with writing(engine) as connection:  # what is theirs to do is theirs to see
        person = connection.execute(select(Staff.id).where(Staff.login == "mehr")).scalar_one()
        connection.execute(update(Report).where(Report.ref == there).values(assignee_id=person, state="assigned"))
    assert mehr.get(at(there)).status_code == 200


def test_what_belongs_to_a_report_is_shown_and_merged_within_ones_areas_only(
    console: FastAPI, engine: Engine, settings: Settings, service: Service, text: Texting
) -> None:
    refs = [ref_in(text("REPORT no drinking water at gate 3", f"+92300555001{n}")) for n in range(4)]
    there, here, duplicate, mine = refs
    propose_clusters(service.engine, utc_now())
    for one, city in ((there, "Lahore"), (here, "Multan"), (duplicate, "Lahore"), (mine, "Multan")):
        place(engine, one, *key_of(engine, city)[1:])
    make_staff(engine, settings, "mina", "organiser", areas=Areas(cities=frozenset({key_of(engine, "Multan")[0]})))
    mina, before = enter(Browser(console), engine, "mina"), [report(service, one) for one in refs]
    page = mina.get(at(here)).text
    assert there not in page and "Perhaps one problem" not in page
    fields = mina.form(at(here, "note"))
    refused = mina.post(at(here, "merge"), fields | {"into": there})
    assert refused.status_code == 409 and "There is no" in refused.text
    for path, more in ((at(here, "refuse"), {"other": there}), (at(there, "reveal"), {"reason": "to call them"})):
        mina.get(at(here))
        assert mina.post(path, mina.form(at(here, "note")) | more).status_code == 404, path
    assert [report(service, one) for one in refs] == before
    with writing(engine) as connection:
        merge(connection, duplicate, here, "amna", utc_now(), service.notifier)
        merge(connection, mine, there, "amna", utc_now(), service.notifier)
    amna = enter(Browser(console), engine, "amna")
    for one, other in ((here, duplicate), (mine, there)):
        assert at(other) in amna.get(at(one)).text and at(other) not in mina.get(at(one)).text


def test_the_city_filter(as_organiser: Browser, engine: Engine, text: Texting) -> None:
    here, there = ref_in(text("REPORT speaker broken at block C")), ref_in(text("REPORT no water at gate 3", OTHER))
    place(engine, here, *key_of(engine, "Multan")[1:])
    place(engine, there, *key_of(engine, "Lahore")[1:])
    page = as_organiser.get("/console/reports?city=multan").text
    assert f">{here}<" in page and f">{there}<" not in page


def test_rises_are_shown_with_examples_one_may_see(
    console: FastAPI, engine: Engine, settings: Settings, as_organiser: Browser, text: Texting
) -> None:
    ref = ref_in(text("REPORT snake near block C"))
    place(engine, ref, *key_of(engine, "Lahore")[1:])
    now = datetime.now(UTC)
    with writing(engine) as connection:
        row = connection.execute(select(Report.event_key).where(Report.ref == ref)).scalar_one()
        values = {"event_key": row, "hour": now, "kind": "word", "term": "snake", "before": 1, "now": 9,
                  "examples": [ref], "seen_at": now}  # fmt: skip
        connection.execute(insert(ReportTrend), values)
    page = as_organiser.get("/console/reports").text
    assert "Rising now" in page and "snake" in page and "<bdi>9</bdi> phones this hour" in page
    make_staff(engine, settings, "mehr", "field", areas=Areas(cities=frozenset({key_of(engine, "Multan")[0]})))
    assert "Rising now" not in enter(Browser(console), engine, "mehr").get("/console/reports").text


def test_near_reports_are_listed_with_distances(as_field: Browser, engine: Engine, text: Texting) -> None:
    first, second = ref_in(text("REPORT speaker broken at block C")), ref_in(text("REPORT no water at gate 3", OTHER))
    place(engine, first, 31.5, 74.3)
    place(engine, second, 31.505, 74.3)
    page = as_field.get(at(first)).text
    assert "<bdi>556</bdi> m" in page and "data-points" in page
    assert "leaflet.js" not in re.sub(r'data-\w+="[^"]*"', "", page)  # nothing of the map before it is asked for


def test_the_map_library_is_ours_and_nothing_else_is(as_field: Browser) -> None:
    script = as_field.get("/console/static/leaflet/leaflet.js?v=1")
    assert script.status_code == 200 and "immutable" in script.headers["cache-control"]
    assert b"Leaflet" in script.content
    for name in ("leaflet-src.js", "..%2f__init__.py", "images"):
        assert as_field.get(f"/console/static/leaflet/{name}").status_code == 404


def test_the_host_of_tiles_stands_in_the_policy_of_this_page_only(engine: Engine, database_url: str) -> None:
    from gateway.app import create_app
    from tests.gateway.conftest import settings_for

    settings = settings_for(database_url, map_tiles_url="https://tiles.example/{z}/{x}/{y}.png")
    make_staff(engine, settings, "farah", "field")
    app = create_app(settings)
    browser = enter(Browser(app), engine, "farah")
    [answer] = app.state.service.record([a_text("REPORT speaker broken at block C")])
    policy = browser.get(at(ref_in(answer.body))).headers["content-security-policy"]
    assert "img-src 'self' data: https://tiles.example;" in policy
    assert "tiles.example" not in browser.get("/console/reports").headers["content-security-policy"]
    app.state.service.close()


# Duty and photos -----------------------------------------------------------------------------------------------------


def test_who_texted_stop_is_said_to_get_no_texts(
    as_field: Browser, as_organiser: Browser, service: Service, engine: Engine, text: Texting
) -> None:
    phone = "+923001230009"
    with writing(engine) as connection:
        connection.execute(update(Staff).where(Staff.login == "farah").values(phone=phone))
    as_field.get("/console/reports/duty")
    assert as_field.submit("/console/reports/duty").status_code == 303
    assert "texted STOP" not in as_field.get("/console/reports/duty").text
    text("STOP", phone)
    page = as_organiser.get("/console/reports/duty").text
    assert "this phone texted STOP" in page
    assert "No phone on file" in page
    ref = ref_in(text("REPORT a man fainted at gate 2"))
    with reading(engine) as connection:
        called = connection.execute(select(ReportEntry.text).where(ReportEntry.kind == "page")).scalar_one()
    assert called == "nobody"  # and not farah, whom no text reaches
    assert "texted STOP" in as_organiser.get(at(ref)).text


def test_field_staff_put_only_themselves_on_duty(as_field: Browser, engine: Engine) -> None:
    as_field.get("/console/reports/duty")
    assert as_field.submit("/console/reports/duty", login="omar").status_code == 403


def test_photos_are_fetched_from_the_carriers_host_only(as_field: Browser, service: Service, text: Texting) -> None:
    media = ({"url": "https://evil.example/x.jpg", "content_type": "image/jpeg"},)
    ref = ref_in(text("REPORT see this at gate 2", media=media))
    page = as_field.get(at(ref)).text
    assert "lies at another host" in page and "evil.example" not in page
    answer = as_field.get(at(ref, "photos/1"))
    assert answer.status_code == 303
    assert "could not be fetched" in as_field.follow(answer).text
    fine = ref_in(
        text("REPORT see that at stage", OTHER, media=({"url": "https://api.twilio.com/2010/x", "content_type": "i"},))
    )
    assert at(fine, "photos/1") in as_field.get(at(fine)).text
    assert as_field.get(at(fine, "photos/2")).status_code == 404


def test_urdu(as_organiser: Browser, engine: Engine, ref: str) -> None:
    with writing(engine) as connection:
        connection.execute(update(Staff).where(Staff.login == "omar").values(language="ur"))
    for path in ("/console/reports", at(ref), "/console/reports/duty"):
        page = as_organiser.get(path).text
        assert 'dir="rtl"' in page and "شکایات" in page
    as_organiser.get(at(ref))
    refused = as_organiser.submit(at(ref, "merge"), into=ref)
    assert "خود میں نہیں" in refused.text
