"""What every page is rendered with: templates, words, tokens, the frame around it, and what it says after an act."""

import gzip
import hashlib
import json
import mimetypes
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, partial
from importlib import resources
from typing import Any
from urllib.parse import urlsplit

from fastapi import Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from itsdangerous import BadSignature, URLSafeSerializer
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from sqlalchemy import Engine

from faults import Fault, FaultError
from gateway.accounts.sessions import Session
from gateway.accounts.sign_in import Door
from gateway.accounts.viewer import Viewer, may
from gateway.console.names import PlaceNames
from gateway.console.say import LANGUAGES, RIGHT_TO_LEFT, Wording, load_wording
from gateway.console.tokens import Tokens
from gateway.console.told import kept_in, told_in
from gateway.service import Service
from gateway.settings import Settings
from segments import RuleError

HOME = "/console/"
SIGN_IN = "/console/sign-in"
CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:{tiles}; "
    "font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""What a page may load; `tiles` is empty, or a blank and the one other host that a map's pictures come from."""
_FLASH = "jalsa_said"
_MOST_FLASH_S = 60


@dataclass
class Visit:
    """One request: who is behind it, in which language, and how its forms are sealed."""

    session: Session | None
    language: str
    theme: str
    secret: str
    """What form tokens are bound to: the cookie of the session, or of a browser that is not signed in yet."""
    fresh_secret: bool = False
    form: Any = None

    @property
    def viewer(self) -> Viewer | None:
        """The viewer, once every step of signing in is done."""
        return self.session.viewer if self.session and not self.session.step else None


class Console:
    """What the pages stand on; one for each process, at `request.app.state.console`."""

    def __init__(self, service: Service, live: Any) -> None:
        self.service = service
        self.engine: Engine = service.engine
        self.wording: Wording = load_wording()
        self.tokens = Tokens(self.settings.key_for("console forms"))
        self.door = Door.of(self.settings, self.engine)
        self.live = live
        self.https = urlsplit(self.settings.public_base_url).scheme == "https"
        self.menu: list[MenuItem] = []
        self._places: PlaceNames | None = None
        self.said = URLSafeSerializer(self.settings.key_for("console sayings"))
        self.pages = Environment(
            loader=PackageLoader("gateway.console"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self.pages.globals |= {"static": static_address, "LANGUAGES": LANGUAGES, "zone": self.settings.zone}
        self.pages.filters |= {"number": number}

    @property
    def settings(self) -> Settings:
        """The settings in force, with what organisers have changed."""
        return self.service.settings

    @property
    def places(self) -> PlaceNames:
        """The names of the places on file now."""
        directory = self.service.reference().directory
        if self._places is None or self._places.directory is not directory:
            self._places = PlaceNames(directory)
        return self._places

    @property
    def cookie(self) -> str:
        """The session's cookie. `__Host-` binds it to this host and to TLS; on http there is no such cookie."""
        return "__Host-jalsa" if self.https else "jalsa"

    @property
    def door_cookie(self) -> str:
        """The cookie of a browser that is not signed in, to which its forms are bound."""
        return "__Host-jalsa_door" if self.https else "jalsa_door"

    @property
    def known_cookie(self) -> str:
        """The cookie of a browser that a login has signed in from before."""
        return "__Host-jalsa_known" if self.https else "jalsa_known"

    def set_cookie(self, response: Response, name: str, value: str, max_age: int | None = None) -> None:
        response.set_cookie(name, value, max_age=max_age, path="/", secure=self.https, httponly=True, samesite="lax")

    def drop_cookie(self, response: Response, name: str) -> None:
        response.delete_cookie(name, path="/", secure=self.https, httponly=True, samesite="lax")


@dataclass(frozen=True, slots=True)
class MenuItem:
    """One entry of the navigation; shown to those who have the permission."""

    path: str
    key: str
    icon: str
    permission: Any


def console_of(request: Request) -> Console:
    console: Console = request.app.state.console
    return console


def visit_of(request: Request) -> Visit:
    visit: Visit = request.state.visit
    return visit


def told(request: Request, wrong: Fault | FaultError | RuleError) -> Markup:
    """Return what is wrong in the viewer's language."""
    return told_in(visit_of(request).language, wrong)


def number(value: float) -> Markup:
    """Return a number with thousands apart, isolated so that it does not turn in Urdu."""
    return Markup("<bdi>{}</bdi>").format(f"{value:,}")


def render(request: Request, template: str, **values: Any) -> str:
    """Return a template's HTML with everything that templates may use; also for fragments of a live page."""
    console, visit = console_of(request), visit_of(request)
    language = visit.language

    def t(key: str, **given: Any) -> Markup:
        return console.wording.markup(language, key, **given)

    def say(key: str, **given: Any) -> str:
        return console.wording.say(language, key, **given)

    def when(at: datetime | None) -> Markup:
        """A time on the movement's clock, with the day when it is not today."""
        if at is None:
            return Markup("")
        here, today = at.astimezone(console.settings.zone), datetime.now(console.settings.zone)
        shown = f"{here:%H:%M}" if here.date() == today.date() else f"{here:%d}.{here:%m}. {here:%H:%M}"
        if here.year != today.year:
            shown = f"{here:%d}.{here:%m}.{here:%Y} {here:%H:%M}"
        return Markup('<time datetime="{}"><bdi>{}</bdi></time>').format(here.isoformat(timespec="seconds"), shown)

    def can(permission: str) -> bool:
        return visit.viewer is not None and may(visit.viewer, permission)  # type: ignore[arg-type]

    context: dict[str, Any] = {
        "t": t,
        "told": partial(told_in, language),
        "kept": partial(kept_in, language),
        "place": lambda name: console.places.of_name(name, language),
        "areas_of": lambda areas: console.places.of_areas(areas, language),
        "say": say,
        "when": when,
        "can": can,
        "csrf": lambda: console.tokens.csrf_field(visit.secret),
        "once": lambda: console.tokens.once_field(visit.secret),
        "viewer": visit.viewer,
        "language": language,
        "direction": "rtl" if language in RIGHT_TO_LEFT else "ltr",
        "theme": visit.theme,
        "path": request.url.path,
        "here": here(request),
        "menu": [one for one in console.menu if can(one.permission)],
        "now": datetime.now(UTC),
    }
    return console.pages.get_template(template).render(context | values)


def page(request: Request, template: str, status: int = 200, /, **values: Any) -> Response:
    """Return a whole page; it shows once what `leave` had to say."""
    console, visit = console_of(request), visit_of(request)
    said = _read_flash(request)
    html = render(request, template, flash=said, **values)
    response = HTMLResponse(html, status)
    if "gzip" in request.headers.get("accept-encoding", "") and len(html) > 1_000:
        response.body = gzip.compress(html.encode(), 6, mtime=0)
        response.headers["Content-Encoding"] = "gzip"
        response.headers["Content-Length"] = str(len(response.body))
    if said is not None:
        console.drop_cookie(response, _FLASH)
    if visit.fresh_secret:
        console.set_cookie(response, console.door_cookie, visit.secret)
    return response


def leave(request: Request, to: str, key: str = "", tone: str = "good", **values: Any) -> Response:
    """Answer a form: go to a page of ours (303) and say there what was done, such as `leave(request, "/console/x",
    "x.saved", name=name)`. `tone` is "good", "bad" or "plain"."""
    response = RedirectResponse(local_path(to), 303)
    if key:
        console = console_of(request)
        shown = {name: str(value)[:200] for name, value in values.items() if name != "n"}
        if "n" in values:
            shown["n"] = values["n"]
        told = {"key": key, "tone": tone, "values": shown, "at": int(datetime.now(UTC).timestamp())}
        console.set_cookie(response, _FLASH, str(console.said.dumps(told)), _MOST_FLASH_S)
    return response


def _read_flash(request: Request) -> Mapping[str, Any] | None:
    kept = request.cookies.get(_FLASH)
    if not kept:
        return None
    try:
        told = console_of(request).said.loads(kept)
        known = told["key"] in console_of(request).wording.keys()  # noqa: SIM118 - not a mapping
        young = datetime.now(UTC).timestamp() - told["at"] < _MOST_FLASH_S
    except (BadSignature, KeyError, TypeError):
        return {}
    return told if known and young else {}


def here(request: Request) -> str:
    """Return this page's own address, for forms that come back to it."""
    query = request.url.query
    return f"{request.url.path}?{query}" if query else request.url.path


def local_path(given: str, otherwise: str = HOME) -> str:
    """Return an address of the console, or `otherwise`: nobody is sent to another site by a link to ours."""
    plain = given.isascii() and given.isprintable() and "\\" not in given and len(given) <= 400
    return given if plain and given.startswith("/console/") and "//" not in given.partition("?")[0] else otherwise


@dataclass(frozen=True, slots=True)
class StaticFile:
    body: bytes
    zipped: bytes
    kind: str
    mark: str


@cache
def static_file(name: str) -> StaticFile | None:
    """Return a file of static/, with a mark that changes when it does."""
    if "/" in name or name.startswith("."):
        return None
    file = resources.files("gateway.console") / "static" / name
    if not file.is_file():
        return None
    body = file.read_bytes()
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    if name.endswith(".js"):
        kind = "text/javascript"
    mark = hashlib.sha256(body).hexdigest()[:10]
    return StaticFile(body, gzip.compress(body, 9, mtime=0), kind, mark)


def static_address(name: str) -> str:
    """Return the address of a file of static/; it may be kept for ever, because it changes with the file."""
    found = static_file(name)
    assert found is not None, f"there is no static/{name}"
    return f"/console/static/{name}?v={found.mark}"


def data_json(value: Any) -> str:
    """Return JSON for a data- attribute (escaped by the template)."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
