"""The settings over HTTP: each page opens, each change is made once, is on record and can be taken back."""

import re

from fastapi import FastAPI
from sqlalchemy import Engine, select, update

from gateway.database import reading, writing
from gateway.overrides.store import current
from gateway.places.groups import groups_on_file
from gateway.tables import AuditEntry, OutboundText, Staff
from tests.console.client import Browser

PAGES = [
    "", "/vocabulary", "/vocabulary?command=STOP", "/triage", "/triage?label=urgency.up", "/replies",
    "/replies?language=ur",
    "/replies/en/joined", "/replies/ur/stopped", "/groups", "/groups/new", "/groups/students", "/events", "/events/new",
    "/sending", "/carriers", "/keys", "/keys/new",
]  # fmt: skip
AT = "/console/settings"


def test_every_page_opens_for_an_admin_and_for_nobody_else(as_admin: Browser, as_organiser: Browser) -> None:
    for page in PAGES:
        assert as_admin.get(AT + page).status_code == 200, page
        assert as_organiser.get(AT + page).status_code == 403, page


ODD = [
    "/vocabulary?command=DANCE", "/triage?label=x", "/replies?language=fr", "/replies/en/nothing", "/replies/fr/joined",
    "/groups/nobody", "/events/none", "/history?kind=x&key=y",
]  # fmt: skip


def test_what_there_is_not_is_not_found(as_admin: Browser) -> None:
    for page in ODD:
        assert as_admin.get(AT + page).status_code == 404, page


def test_a_word_is_added_tried_and_removed_and_a_double_click_adds_nothing(as_admin: Browser, engine: Engine) -> None:
    as_admin.get(f"{AT}/vocabulary?command=JOIN")
    fields = as_admin.form(f"{AT}/vocabulary") | {"word": "ral jao", "language": "ur-Latn"}
    assert as_admin.post(f"{AT}/vocabulary", fields).status_code == 303
    again = as_admin.post(f"{AT}/vocabulary", fields)
    assert again.status_code == 303
    assert "nothing happened twice" in as_admin.follow(again).text
    with reading(engine) as connection:
        assert current(connection)["vocabulary", "ur-Latn/JOIN"].version == 1
    as_admin.get(f"{AT}/vocabulary?command=JOIN")
    tried = as_admin.submit(f"{AT}/vocabulary/try", text="ral jao Sana Lahore")
    assert re.search(r"read as <bdi>JOIN", tried.text)
    as_admin.get(f"{AT}/vocabulary?command=JOIN")
    fields = as_admin.form(f"{AT}/vocabulary/remove") | {"word": "ral jao", "language": "ur-Latn"}
    assert as_admin.post(f"{AT}/vocabulary/remove", fields).status_code == 303
    with reading(engine) as connection:
        assert current(connection)["vocabulary", "ur-Latn/JOIN"].value is None


def test_a_word_that_would_hide_a_stop_is_refused_and_what_was_typed_stays(as_admin: Browser) -> None:
    as_admin.get(f"{AT}/vocabulary?command=JOIN")
    refused = as_admin.submit(f"{AT}/vocabulary", word="leave", language="en")
    assert refused.status_code == 422
    assert "asks for no more texts" in refused.text
    assert 'value="leave"' in refused.text


def test_a_reply_is_looked_at_saved_seen_by_texts_and_taken_back(
    as_admin: Browser, engine: Engine, console: FastAPI
) -> None:
    path = f"{AT}/replies/en/help"
    as_admin.get(path)
    looked = as_admin.submit(path, act="look", text="Text JOIN, WHERE or STOP.")
    assert looked.status_code == 200
    assert "Parts with usual values: <bdi>1</bdi>" in looked.text
    saved = as_admin.submit(path, act="save", text="Text JOIN, WHERE or STOP.")
    assert "1 part" in as_admin.follow(saved).text
    assert console.state.service.watch().catalogue.template("help", "en") == "Text JOIN, WHERE or STOP."
    refused = as_admin.submit(path, act="save", text="No more words.")
    assert refused.status_code == 422
    assert "how to <bdi>STOP</bdi>" in refused.text
    history = as_admin.get(f"{AT}/history?kind=reply&key=en/replies/help")
    assert "Text JOIN, WHERE or STOP." in history.text
    assert as_admin.submit(f"{AT}/history", version="0").status_code == 303
    with reading(engine) as connection:
        assert current(connection)["reply", "en/replies/help"].value is None
        lines = connection.execute(select(AuditEntry.action, AuditEntry.by).order_by(AuditEntry.seq)).all()
    made = [(line.action, line.by) for line in lines if line.action.startswith("reply")]
    assert made == [("reply.changed", "amna"), ("reply.reset", "amna")]


def test_two_people_who_look_at_once_do_not_overwrite_each_other(as_admin: Browser) -> None:
    path = f"{AT}/replies/en/help"
    as_admin.get(path)
    mine = as_admin.form(path) | {"act": "save", "text": "Text JOIN or STOP now."}
    as_admin.get(path)
    assert as_admin.submit(path, act="save", text="Text JOIN or STOP.").status_code == 303
    late = as_admin.post(path, mine)
    assert late.status_code == 422
    assert "changed by <bdi>amna</bdi> while you looked" in late.text


def test_a_limit_is_changed_within_the_running_gateway(as_admin: Browser, console: FastAPI) -> None:
    as_admin.get(f"{AT}/sending")
    assert as_admin.submit(f"{AT}/sending", name="sending_hours", value="9 to 5", version="0").status_code == 422
    as_admin.get(f"{AT}/sending")
    assert as_admin.submit(f"{AT}/sending", name="sending_hours", value="10:00-18:00", version="0").status_code == 303
    as_admin.get(f"{AT}/sending")
    assert console.state.service.settings.sending_hours == "10:00-18:00"
    assert as_admin.submit(f"{AT}/sending", name="secret_key", value="x").status_code == 404


def test_groups_and_events_are_saved_with_what_was_in_the_audit_log(as_admin: Browser, engine: Engine) -> None:
    as_admin.get(f"{AT}/groups/new")
    refused = as_admin.submit(f"{AT}/groups/new", key="Poets!", name_en="poets", aliases="")
    assert refused.status_code == 422
    saved = as_admin.submit(f"{AT}/groups/new", key="poets", name_en="poets", name_ur="شعرا", aliases="shayar\nshuara")
    assert saved.status_code == 303
    with reading(engine) as connection:
        bits = [one.bit for one in groups_on_file(connection)]
        assert len(bits) == len(set(bits))
        assert groups_on_file(connection)[-1].aliases == ("shayar", "shuara")
    as_admin.get(f"{AT}/events/new")
    event = {"key": "test-2030", "name": "<b>Rally</b>", "at": "31.55,74.34", "doors": "2030-12-06 14:00"}
    assert as_admin.submit(f"{AT}/events/new", **event | {"doors": "soon"}).status_code == 422
    assert as_admin.submit(f"{AT}/events/new", **event).status_code == 303
    shown = as_admin.get(f"{AT}/events")
    assert "&lt;b&gt;Rally" in shown.text
    as_admin.get(f"{AT}/events/test-2030")
    assert as_admin.submit(f"{AT}/events/test-2030", venue="Minar-e-Pakistan").status_code == 303
    with reading(engine) as connection:
        details = connection.execute(
            select(AuditEntry.detail).where(AuditEntry.action == "event.saved").order_by(AuditEntry.seq)
        ).scalars().all()  # fmt: skip
    assert "Minar-e-Pakistan" in str(details[-1])


def test_a_test_text_goes_to_ones_own_phone_through_the_carrier(as_admin: Browser, engine: Engine) -> None:
    with writing(engine) as connection:
        connection.execute(update(Staff).where(Staff.login == "amna").values(phone="+923009998877"))
    as_admin.get(f"{AT}/carriers")
    assert as_admin.submit(f"{AT}/carriers/twilio/test").status_code == 303
    with reading(engine) as connection:
        row = connection.execute(select(OutboundText.kind, OutboundText.lane, OutboundText.body)).one()
    assert (row.kind, "=twilio" in row.lane) == ("test", True)
    as_admin.get(f"{AT}/carriers")
    token = as_admin.form(f"{AT}/carriers/twilio/test")
    assert as_admin.post(f"{AT}/carriers/pigeon/test", token).status_code == 404


def test_a_secret_goes_in_and_never_comes_out(as_admin: Browser, engine: Engine) -> None:
    as_admin.get(f"{AT}/carriers")
    account = {"smpp_host": "smsc.example", "smpp_port": "2776", "smpp_system_id": "jalsa", "smpp_password": "hush-42"}
    assert as_admin.submit(f"{AT}/carriers/smpp", act="save", **account | {"smpp_port": "x"}).status_code == 422
    as_admin.get(f"{AT}/carriers")
    assert as_admin.submit(f"{AT}/carriers/smpp", act="save", **account).status_code == 303
    shown = as_admin.get(f"{AT}/carriers").text + as_admin.get(AT).text + as_admin.get("/console/audit").text
    assert "hush-42" not in shown
    assert "Set, changed by <bdi>amna</bdi>" in shown
    assert "waits, because" not in shown  # processes take it by themselves
    with reading(engine) as connection:
        assert "hush-42" not in str(current(connection))


def test_a_key_is_made_shown_once_and_revoked(as_admin: Browser) -> None:
    as_admin.get(f"{AT}/keys/new")
    refused = as_admin.submit(f"{AT}/keys/new", name="rally-app", days="", cities="Nowhere", seats="")
    assert refused.status_code == 422
    made = as_admin.submit(f"{AT}/keys/new", name="rally-app", scope="members:read", cities="", seats="", days="30")
    token = re.search(r'class="secret" dir="ltr">([^<]+)<', made.text)
    assert token
    listed = as_admin.get(f"{AT}/keys").text
    assert "rally-app" in listed
    assert token[1] not in listed
    assert as_admin.submit(f"{AT}/keys/rally-app/revoke").status_code == 303
    assert "revoked" in as_admin.get(f"{AT}/keys").text
