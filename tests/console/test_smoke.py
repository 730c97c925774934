"""The console end to end, in as few requests as can be."""

from sqlalchemy import Engine

from tests.console.client import Browser, enter


def test_an_admin_signs_in_looks_around_and_leaves(visitor: Browser, engine: Engine) -> None:
    as_admin = enter(visitor, engine, "amna")
    home = as_admin.get("/console/")
    assert home.status_code == 200 and "Amna" in home.text
    assert "script-src 'self'" in home.headers["content-security-policy"]
    assert as_admin.get("/console/staff").status_code == 200
    assert "sign_in.done" in as_admin.get("/console/audit").text
    as_admin.get("/console/account")
    assert as_admin.submit("/console/sign-out").status_code == 303
    assert as_admin.get("/console/").headers["location"].startswith("/console/sign-in")


def test_field_staff_may_not_see_the_staff(as_field: Browser) -> None:
    assert as_field.get("/console/").status_code == 200
    assert as_field.get("/console/staff").status_code == 403
