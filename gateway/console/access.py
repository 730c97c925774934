"""Who may open which page. Every route says it with one of three dependencies, which the matrix test reads:

`Depends(allowed(Permission.X))` for staff with a permission, `Depends(signed_in)` for all staff (their own account),
`Depends(anybody)` for the sign-in page. A route without one fails the tests and answers 403.
"""

import secrets
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from fastapi import Request
from starlette.concurrency import run_in_threadpool

from gateway.accounts.sessions import Session, find_session, touch
from gateway.accounts.viewer import Permission, Viewer, may
from gateway.console.forms import check_origin, read_form
from gateway.console.say import LANGUAGES
from gateway.console.shell import SIGN_IN, Visit, console_of, here, local_path, visit_of
from gateway.database import reading, writing

FRESH_FOR = timedelta(minutes=10)
LANGUAGE_COOKIE, THEME_COOKIE = "jalsa_language", "jalsa_theme"
THEMES = ("auto", "light", "dark")
_SAFE = frozenset({"GET", "HEAD"})
_OPEN_FORMS = frozenset({SIGN_IN, "/console/looks"})


class GoTo(Exception):
    """The request is answered by another page first, such as the sign-in."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path


class NotAllowed(Exception):
    """The viewer's role lacks the permission."""


class NotFound(Exception):
    """There is no such thing, or not for this viewer: nobody learns which."""


async def guard(request: Request) -> None:
    """Before every route of the console: find out who it is, and read and check the form of a POST.

    Runs for the whole router, so that no route can forget it.
    """
    visit = await run_in_threadpool(who_visits, request)
    request.state.visit = visit
    if request.method not in _SAFE:
        check_origin(request)
        if visit.session is None and request.url.path not in _OPEN_FORMS:
            raise GoTo(_with_next(SIGN_IN, request))
        visit.form = await read_form(request, visit)


def who_visits(request: Request) -> Visit:
    """Find out who a request is from: a session, or a browser at the door."""
    console = console_of(request)
    token, now = request.cookies.get(console.cookie, ""), datetime.now(UTC)
    session: Session | None = None
    if token:
        with reading(console.engine) as connection:
            session = find_session(connection, token, now)
        if session and session.stale and not request.url.path.endswith("/live"):
            with writing(console.engine) as connection:
                touch(connection, session.id, now)
    language, theme = _language(request, session), request.cookies.get(THEME_COOKIE, "auto")
    if session:
        return Visit(session, language, session.viewer.theme, token)
    door = request.cookies.get(console.door_cookie, "")
    fresh = len(door) < 32
    theme = theme if theme in THEMES else "auto"
    return Visit(None, language, theme, secrets.token_urlsafe(32) if fresh else door[:64], fresh_secret=fresh)


def _language(request: Request, session: Session | None) -> str:
    chosen = (session.viewer.language if session else "") or request.cookies.get(LANGUAGE_COOKIE, "")
    if chosen in LANGUAGES:
        return chosen
    spoken = request.headers.get("accept-language", "")[:200].split(",")
    return next((one for part in spoken if (one := part.strip().lower()[:2]) in LANGUAGES), "en")


def session_of(request: Request) -> Session:
    """Return the session of a browser that is signed in, or half-way there.

    :raises GoTo: the sign-in page, which leads back here
    """
    session = visit_of(request).session
    if session is None:
        raise GoTo(_with_next(SIGN_IN, request))
    return session


class SignedIn:
    """Any of the staff, signed in."""

    permission: Permission | None = None

    def __call__(self, request: Request) -> Viewer:
        session = session_of(request)
        if session.step:
            raise GoTo(_with_next(f"{SIGN_IN}/{session.step}", request))
        return session.viewer


class Allowed(SignedIn):
    """Staff whose role has a permission."""

    def __init__(self, permission: Permission) -> None:
        self.permission: Permission = permission

    def __call__(self, request: Request) -> Viewer:
        viewer = super().__call__(request)
        assert self.permission is not None
        if not may(viewer, self.permission):
            raise NotAllowed(self.permission)
        return viewer


class Anybody:
    """Pages for those who are not signed in."""

    def __call__(self, request: Request) -> Visit:
        return visit_of(request)


class Public(Anybody):
    """Files that hold nothing: styles, scripts, icons. They stand outside the guard, which asks the database."""

    def __call__(self, request: Request) -> None:  # type: ignore[override]
        return None


signed_in = SignedIn()
anybody = Anybody()
public = Public()


def allowed(permission: Permission) -> Allowed:
    """The dependency of a route: `viewer: Viewer = Depends(allowed(Permission.SEE_REPORTS))`."""
    return Allowed(permission)


def fresh_sign_in(request: Request) -> None:
    """The dependency of a page that wants the person to have proved lately who they are (exports, erasing, staff).

    Put it on the page with the form too, so that nobody fills in a form for nothing.

    :raises GoTo: the page that asks again, which leads back
    """
    session = session_of(request)
    fresh_at = session.viewer.fresh_at
    if fresh_at is None or datetime.now(UTC) - fresh_at > FRESH_FOR:
        raise GoTo(_with_next("/console/again", request))


def _with_next(path: str, request: Request) -> str:
    """A form that was refused leads back to the page it stood on: its own address may know no GET."""
    if request.method in _SAFE:
        back = here(request)
    else:
        origin, _, rest = request.headers.get("referer", "").partition("/console/")
        back = f"/console/{rest}" if origin and rest else ""
    back = local_path(back, "")
    return f"{path}?{urlencode({'next': back})}" if back and back != "/console/" else path


__all__ = [
    "FRESH_FOR", "Allowed", "Anybody", "GoTo", "NotAllowed", "NotFound", "SignedIn", "allowed", "anybody",
    "fresh_sign_in", "guard", "public", "session_of", "signed_in", "who_visits",
]  # fmt: skip
