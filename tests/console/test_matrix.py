"""Role × route × object, over every route that the application has under /console, found from the application itself.

A route that declares no permission fails here; so does one whose address names an object for which
`tests/console/objects.py` has no factory.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from sqlalchemy import Engine

from gateway.accounts.areas import Areas
from gateway.accounts.viewer import PERMISSIONS
from gateway.app import create_app
from gateway.console.access import Allowed, Anybody, SignedIn, fresh_sign_in, guard
from gateway.console.app import routes_of
from gateway.console.say import load_wording
from gateway.database import writing
from gateway.settings import Settings
from tests.console.client import Browser, hidden, inside, make_staff
from tests.console.conftest import LOGINS, ROLES
from tests.console.objects import NO_AREA, OBJECTS
from tests.gateway.conftest import settings_for

# Open to a role, though not for each of its fields: field staff put themselves on duty, and nobody else.
_REFUSES_SOME = {"/console/reports/duty"}
# Objects of one login, which no other sees, wherever they are bound.
_OWN = {"/console/members/import"}
# Logins, keys, carriers' secrets, one's own second factor, and what is gone or out of the house afterwards.
_CANNOT_BE_UNDONE = re.compile(
    r"export|erase|/console/staff/|/settings/keys/|/settings/carriers/{carrier}$|/account/(second-factor|recovery-codes)"
)
# An export of members asks above a set size only, and test_members proves it.
_ASKS_ITSELF = {"/console/members/export"}
_PARAMETER = re.compile(r"{(\w+)(?::\w+)?}")


@dataclass(frozen=True)
class Found:
    path: str
    method: str
    route: APIRoute

    def at(self, **values: str) -> str:
        return _PARAMETER.sub(lambda one: values.get(one[1], "1"), self.path)

    @property
    def who(self) -> list[object]:
        return [one for one in _calls(self.route.dependant) if isinstance(one, SignedIn | Anybody)]

    @property
    def live(self) -> bool:
        """A stream that does not end: who may open it would wait for ever here."""
        return self.path.endswith("/live")


def fields_for(console: FastAPI, browser: Browser) -> dict[str, str]:
    """What a form of a page of this browser carries: fresh tokens and nothing else."""
    tokens, secret = console.state.console.tokens, browser.http.cookies.get("__Host-jalsa", "")
    markup = f"{tokens.csrf_field(secret)}{tokens.once_field(secret)}"
    return {name: hidden(markup, name) for name in ("_form", "_once")}


def _calls(dependant: Dependant) -> Iterator[object]:
    for one in dependant.dependencies:
        yield one.call
        yield from _calls(one)


def routes(app: FastAPI) -> list[Found]:
    return [
        Found(path, method, route)
        for path, route in routes_of(app.router)
        if path.startswith("/console")
        for method in sorted(route.methods - {"HEAD"})
    ]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> list[Found]:
    app = create_app(settings_for(f"sqlite:///{tmp_path_factory.mktemp('routes')}/none.db"))
    app.state.service.close()
    return routes(app)


def test_every_route_says_who_may_open_it(found: list[Found]) -> None:
    assert len(found) > 25
    assert [one.path for one in found if len(one.who) != 1] == []


def test_only_the_door_is_open_to_anybody(found: list[Found]) -> None:
    open_to_all = {one.path for one in found if isinstance(one.who[0], Anybody)}
    assert {path for path in open_to_all if not path.startswith("/console/static/")} == {
        "/console", "/console/sign-in", "/console/sign-in/code", "/console/sign-in/password",
        "/console/sign-in/enrol", "/console/sign-in/qr.svg", "/console/sign-out", "/console/looks",
    }  # fmt: skip


def test_every_route_that_acts_stands_behind_the_guard_and_is_a_post(found: list[Found]) -> None:
    assert {one.method for one in found} == {"GET", "POST"}
    # The guard is the whole router's; a route that was put beside it would take forms unread.
    from gateway.console.app import AREAS, console_router

    behind = {path for path, _ in routes_of(console_router())}
    assert {one.path for one in found} - behind == {"/console", "/console/static/{name}"}
    assert console_router().dependencies[0].dependency is guard
    assert AREAS


def test_what_cannot_be_undone_asks_again_who_it_is(found: list[Found]) -> None:
    posts = [one for one in found if one.method == "POST" and one.path not in _ASKS_ITSELF]
    wanted = {one.path for one in posts if _CANNOT_BE_UNDONE.search(one.path)}
    asking = {one.path for one in posts if fresh_sign_in in set(_calls(one.route.dependant))}
    assert wanted == asking and len(wanted) > 10


def test_who_is_signed_out_is_led_to_the_door(console: FastAPI) -> None:
    browser = Browser(console)
    browser.get("/console/sign-in")
    token = browser.form("/console/sign-in")["_form"]
    for one in routes(console):
        if isinstance(one.who[0], Anybody):
            continue
        answer = browser.get(one.at()) if one.method == "GET" else browser.post(one.at(), {"_form": token})
        assert answer.status_code == 303, (one.path, answer.status_code)
        assert answer.headers["location"].startswith("/console/sign-in"), one.path


@pytest.mark.parametrize("role", ROLES)
def test_a_role_opens_what_it_may_and_nothing_else(console: FastAPI, engine: Engine, role: str) -> None:
    browser = inside(Browser(console), engine, LOGINS[role])
    refusal = load_wording().say("en", "errors.not_allowed")
    opened = refused = 0
    for one in routes(console):
        [who] = one.who
        if isinstance(who, Anybody):
            continue
        may = not isinstance(who, Allowed) or who.permission in PERMISSIONS[role]
        if may and one.live:
            continue
        answer = (
            browser.http.get(one.at()) if one.method == "GET" else browser.post(one.at(), fields_for(console, browser))
        )
        if may and one.path in _REFUSES_SOME:
            continue
        if may:
            opened += 1
            assert answer.status_code < 500 and refusal not in answer.text, (one.path, answer.status_code)
            assert not answer.headers.get("location", "").startswith("/console/sign-in"), one.path
        else:
            refused += 1
            assert answer.status_code == 403 and refusal in answer.text, (one.method, one.path, answer.status_code)
    assert opened
    assert bool(refused) == (role != "admin")


def test_an_object_outside_ones_areas_is_not_there(console: FastAPI, engine: Engine, settings: Settings) -> None:
    make_staff(engine, settings, "lubna", "admin", areas=Areas.of(["lahore"]))
    browser = inside(Browser(console), engine, "lubna")
    everywhere = inside(Browser(console), engine, "amna")
    made: dict[str, dict[str, str]] = {}
    for one in routes(console):
        if not _PARAMETER.search(one.path) or isinstance(one.who[0], Anybody):
            continue
        beginning = max((key for key in OBJECTS if one.path.startswith(key)), key=len, default=None)
        assert beginning is not None, f"register an object for {one.path} in tests/console/objects.py"
        if OBJECTS[beginning] is NO_AREA:
            continue
        if beginning not in made:
            with writing(engine) as connection:
                made[beginning] = dict(OBJECTS[beginning](connection))
        path = one.at(**made[beginning])
        answer = browser.http.get(path) if one.method == "GET" else browser.post(path, fields_for(console, browser))
        assert answer.status_code == 404, (one.method, path, answer.status_code)
        if (
            beginning not in _OWN
            and one.method == "GET"
            and not one.live
            and not _PARAMETER.search(one.path.partition("}")[2])
        ):
            there = everywhere.http.get(path).status_code  # else everything would be missing, and prove nothing
            assert there != 404, path
