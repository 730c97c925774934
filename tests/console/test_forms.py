"""Forms act once, staff pages do what they say, and numbers are shown for a reason only."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine, func, select

from gateway.accounts import audit
from gateway.accounts.areas import Areas
from gateway.accounts.phones import MOST_PER_HOUR, RevealRefused, reveal_phone
from gateway.accounts.viewer import Viewer
from gateway.database import reading, writing
from gateway.tables import Staff
from tests.console.client import Browser, hidden, staff_row
from tests.console.objects import a_member

NEW = {"login": "bilal", "name": "Bilal <b>Khan</b>", "phone": "0300 1234567", "role": "field", "cities": "Lahore"}


def _count(engine: Engine) -> int:
    with reading(engine) as connection:
        return int(connection.execute(select(func.count()).select_from(Staff)).scalar_one())


def test_an_admin_adds_a_login_and_its_password_shows_once(as_admin: Browser, engine: Engine) -> None:
    as_admin.get("/console/staff/new")
    fields = as_admin.form("/console/staff/new") | NEW
    made = as_admin.post("/console/staff/new", fields)
    assert made.status_code == 200 and 'class="secret"' in made.text
    again = as_admin.post("/console/staff/new", fields)
    assert again.status_code == 303 and again.headers["location"] == "/console/staff"
    shown = as_admin.get("/console/staff")
    assert "done already" in shown.text and "Bilal &lt;b&gt;Khan" in shown.text and "1234567" not in shown.text
    assert staff_row(engine, "bilal").must_change_password and _count(engine) == 4


def test_a_double_click_acts_once(as_admin: Browser, console: FastAPI, engine: Engine) -> None:
    as_admin.get("/console/staff/new")
    fields = as_admin.form("/console/staff/new") | NEW
    with ThreadPoolExecutor(4) as pool:
        codes = list(pool.map(lambda _: as_admin.post("/console/staff/new", fields).status_code, range(4)))
    assert sorted(codes) == [200, 303, 303, 303] and _count(engine) == 4


def test_the_token_that_acts_once_is_this_browsers_own(
    as_admin: Browser, as_organiser: Browser, engine: Engine
) -> None:
    stolen = hidden(as_organiser.get("/console/broadcasts/new").text, "_once")
    as_admin.get("/console/staff/new")
    fields = as_admin.form("/console/staff/new") | NEW
    for once, status in ((stolen, 403), (fields["_form"], 403), ("x", 403), ("", 400)):
        assert as_admin.post("/console/staff/new", fields | {"_once": once}).status_code == status, once
    assert _count(engine) == 3


def test_a_form_that_failed_may_be_sent_again(as_admin: Browser, engine: Engine) -> None:
    as_admin.get("/console/staff/new")
    fields = as_admin.form("/console/staff/new") | NEW
    assert as_admin.post("/console/staff/new", fields | {"login": "amna"}).status_code == 422
    assert as_admin.post("/console/staff/new", fields).status_code == 200


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("login", "a b", "login may have"), ("login", "new", "taken"), ("role", "king", "Choose one of the roles"),
        ("phone", "12", "no phone number"), ("cities", "Atlantis", "cities is not on file"),
        ("seats", "NA-999", "seats is not on file"), ("name", "x" * 81, "80 plain letters"),
    ],
)  # fmt: skip
def test_bad_fields_are_named_and_nothing_typed_is_lost(
    as_admin: Browser, engine: Engine, field: str, value: str, said: str
) -> None:
    as_admin.get("/console/staff/new")
    answer = as_admin.submit("/console/staff/new", **(NEW | {field: value}))
    assert answer.status_code == 422 and said in answer.text
    assert 'value="0300 1234567"' in answer.text or field == "phone"
    assert _count(engine) == 3


def test_role_areas_disable_and_resets(as_admin: Browser, engine: Engine) -> None:
    page = "/console/staff/farah"
    steps = [
        ("role", {"role": "organiser"}), ("areas", {"cities": "Lahore، Multan", "seats": "NA-130"}),
        ("second-factor", {}), ("disable", {}), ("enable", {}),
    ]  # fmt: skip
    for what, fields in steps:
        as_admin.get(page)
        if what == "second-factor":
            continue
        answer = as_admin.submit(f"{page}/{what}", **fields)
        assert answer.headers["location"] == page, (what, answer.text)
        assert "Farah" in as_admin.get(page).text.split('class="notice good"')[1][:200]
    as_admin.get(page)
    assert 'class="secret"' in as_admin.submit(f"{page}/password").text
    row = staff_row(engine, "farah")
    assert (row.role, row.active, row.must_change_password) == ("organiser", True, True)
    with reading(engine) as connection:
        said = [(line.action, line.by) for line in audit.lines(connection, subject="staff:farah")]
    assert said == [
        (f"staff.{what}", "amna") for what in ("password_reset", "enabled", "disabled", "areas", "role")
    ]  # fmt: skip


def test_the_last_admin_is_told_so(as_admin: Browser) -> None:
    as_admin.get("/console/staff/amna")
    answer = as_admin.submit("/console/staff/amna/disable")
    assert answer.status_code == 422 and "last admin" in answer.text


def test_a_number_is_shown_for_a_reason_a_few_times_an_hour(engine: Engine) -> None:
    now = datetime.now(UTC)
    with writing(engine) as connection:
        here, there = a_member(connection, "lahore", "+923001110001"), a_member(connection, "multan", "+923001110002")
    zainab = Viewer(1, "zainab", "", "organiser", Areas.of(["lahore"]))

    def show(viewer: Viewer, sender_id: int, reason: str = "asked to be called") -> str:
        with writing(engine) as connection:
            return reveal_phone(connection, viewer, sender_id, reason, now)

    def refused(viewer: Viewer, sender_id: int, reason: str = "asked to be called") -> str:
        with pytest.raises(RevealRefused) as error:
            show(viewer, sender_id, reason)
        return error.value.reason

    assert refused(Viewer(2, "farah", "", "field"), here) == "not_allowed"
    assert refused(zainab, here, "  ") == "no_reason"
    assert refused(zainab, there) == refused(zainab, 999_999) == "unknown"
    assert [show(zainab, here) for _ in range(MOST_PER_HOUR)] == ["+923001110001"] * MOST_PER_HOUR
    assert refused(zainab, here) == "too_often"
    assert show(Viewer(3, "omar", "", "organiser"), there) == "+923001110002"
    with reading(engine) as connection:
        lines = audit.lines(connection, action="member.phone_shown")
    assert len(lines) == MOST_PER_HOUR + 1 and lines[-1].detail == {"reason": "asked to be called"}
    assert lines[-1].subject == f"sender:{here}"
