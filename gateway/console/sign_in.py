"""The way in and out: sign-in, second factor, first password, signing in again, and how the pages look."""

import io
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import segno
from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy import update

from gateway.accounts import audit
from gateway.accounts.passwords import PasswordRefused
from gateway.accounts.second_factor import enrol_uri, new_secret
from gateway.accounts.sessions import CODE, ENROL, PASSWORD, Session, end_session, keep_pending
from gateway.accounts.sign_in import SignInRefused
from gateway.accounts.viewer import Viewer
from gateway.console.access import (
    LANGUAGE_COOKIE,
    THEME_COOKIE,
    THEMES,
    GoTo,
    NotFound,
    anybody,
    session_of,
    signed_in,
)
from gateway.console.forms import Form, form_of
from gateway.console.say import LANGUAGES
from gateway.console.shell import HOME, SIGN_IN, Visit, console_of, leave, local_path, page
from gateway.database import writing
from gateway.rules.client_address import client_address
from gateway.tables import Staff

router = APIRouter(prefix="/console", include_in_schema=False)
_YEAR_S = 365 * 86_400


def _address(request: Request) -> str | None:
    """Return where a request came from. We speak no TLS: with an https address whoever connects is a proxy."""
    console = console_of(request)
    named = console.settings.client_address_header
    peer = request.client.host if request.client else ""
    said = request.headers.get(named, "") if named else ""
    return client_address(peer, named, said, behind_proxy=console.https)


def _arrive(request: Request, token: str, to: str) -> Response:
    console = console_of(request)
    response = leave(request, to)
    console.set_cookie(response, console.cookie, token)
    console.drop_cookie(response, console.door_cookie)
    return response


def _next(request: Request, form: Form | None = None) -> str:
    return local_path(form.raw("next") if form else request.query_params.get("next", ""))


def _step_to(step: str, to: str) -> str:
    return to if not step else f"{SIGN_IN}/{step}" + (f"?{urlencode({'next': to})}" if to != HOME else "")


def _at_step(request: Request, step: str) -> Session:
    """:raises GoTo: this is not the step that the session is at"""
    session = session_of(request)
    if session.step != step:
        raise GoTo(_step_to(session.step, HOME))
    return session


@router.get("/sign-in")
def sign_in_page(request: Request, visit: Visit = Depends(anybody)) -> Response:
    """The door; who is signed in already goes on."""
    if visit.session:
        raise GoTo(_step_to(visit.session.step, _next(request)))
    return page(request, "sign_in/sign_in.html", next=_next(request), problem="", login="")


@router.post("/sign-in")
def sign_in(request: Request, visit: Visit = Depends(anybody), form: Form = Depends(form_of)) -> Response:
    """Take login and password."""
    to, login = _next(request, form), form.text("login", 60)
    console = console_of(request)
    known = request.cookies.get(console.known_cookie, "")[:200]
    try:
        token = console.door.sign_in(login, form.raw("password"), _address(request), datetime.now(UTC), known)
    except SignInRefused as refused:
        status = 429 if refused.reason == "too_often" else 403
        return page(request, "sign_in/sign_in.html", status, next=to, problem=refused.reason, login=login)
    response = _arrive(request, token, to)
    console.set_cookie(response, console.known_cookie, console.door.mark_of(login), _YEAR_S)
    return response


@router.get("/sign-in/code")
def code_page(request: Request, visit: Visit = Depends(anybody)) -> Response:
    _at_step(request, CODE)
    return page(request, "sign_in/code.html", next=_next(request), problem="")


@router.post("/sign-in/code")
def show_code(request: Request, visit: Visit = Depends(anybody), form: Form = Depends(form_of)) -> Response:
    """Take a one-time code, or a recovery code."""
    session = _at_step(request, CODE)
    try:
        token = console_of(request).door.show_code(session, form.text("code", 40), datetime.now(UTC))
    except SignInRefused as refused:
        status = 429 if refused.reason == "too_often" else 403
        return page(request, "sign_in/code.html", status, next=_next(request, form), problem=refused.reason)
    return _arrive(request, token, _next(request, form))


@router.get("/sign-in/password")
def first_password_page(request: Request, visit: Visit = Depends(anybody)) -> Response:
    _at_step(request, PASSWORD)
    return page(request, "sign_in/password.html", next=_next(request), problem="")


@router.post("/sign-in/password")
def first_password(request: Request, visit: Visit = Depends(anybody), form: Form = Depends(form_of)) -> Response:
    """Change a made password for one's own."""
    session = _at_step(request, PASSWORD)
    to = _next(request, form)
    try:
        token = changed_password(request, session, form)
    except (SignInRefused, PasswordRefused) as refused:
        return page(request, "sign_in/password.html", 422, next=to, problem=refused.reason)
    return _arrive(request, token, to)


def changed_password(request: Request, session: Session, form: Form) -> str:
    """Change a password as a form asks for it; returns the session's new token.

    :raises SignInRefused, PasswordRefused: with a reason that has a wording
    """
    new = form.raw("new")
    if new != form.raw("repeat"):
        raise SignInRefused("password_differs")
    return console_of(request).door.change_password(session, form.raw("current"), new, datetime.now(UTC))


@router.get("/sign-in/enrol")
def enrol_page(request: Request, visit: Visit = Depends(anybody)) -> Response:
    """Show the secret of a new second factor, as a QR code and to type."""
    session = _at_step(request, ENROL)
    return enrol_form(request, session, "sign_in/enrol.html")


def enrol_form(request: Request, session: Session, template: str, problem: str = "", status: int = 200) -> Response:
    secret = pending_secret(request, session)
    groups = " ".join(secret[at : at + 4] for at in range(0, len(secret), 4))
    return page(request, template, status, next=_next(request), problem=problem, secret=groups)


def pending_secret(request: Request, session: Session) -> str:
    """Return the secret that is being set up in this session; one is made at the first look."""
    console = console_of(request)
    if session.pending_secret:
        return console.door.sealer.open(session.pending_secret)
    secret = new_secret()
    with writing(console.engine) as connection:
        keep_pending(connection, session.id, console.door.sealer.seal(secret))
    return secret


@router.post("/sign-in/enrol")
def enrol(request: Request, visit: Visit = Depends(anybody), form: Form = Depends(form_of)) -> Response:
    """Take the first code of a new second factor, and show the recovery codes this once."""
    session = _at_step(request, ENROL)
    return enrolled(request, session, form, "sign_in/enrol.html", _next(request, form))


def enrolled(request: Request, session: Session, form: Form, template: str, to: str) -> Response:
    console = console_of(request)
    try:
        token, codes = console.door.enrol(session, form.text("code", 40), datetime.now(UTC))
    except SignInRefused as refused:
        return enrol_form(request, session, template, refused.reason, 429 if refused.reason == "too_often" else 422)
    response = page(request, "sign_in/codes.html", codes=codes, next=to)
    console.set_cookie(response, console.cookie, token)
    return response


@router.get("/sign-in/qr.svg")
def qr(request: Request, visit: Visit = Depends(anybody)) -> Response:
    """The secret that is being set up in this session, as a QR code; its address tells nothing."""
    session = session_of(request)
    if not session.pending_secret:
        raise NotFound
    uri = enrol_uri(console_of(request).door.sealer.open(session.pending_secret), session.viewer.login, "Jalsa")
    picture = io.BytesIO()
    segno.make(uri, error="m").save(picture, kind="svg", scale=4, border=3, light="#fff", svgclass=None, lineclass=None)
    return Response(picture.getvalue(), media_type="image/svg+xml")


@router.post("/sign-out")
def sign_out(request: Request, visit: Visit = Depends(anybody), form: Form = Depends(form_of)) -> Response:
    """End this session, here and in every process; also one that is only half-way in."""
    console, now = console_of(request), datetime.now(UTC)
    if session := visit.session:
        with writing(console.engine) as connection:
            end_session(connection, session.id, now)
            login = session.viewer.login
            audit.record(connection, login, "sign_out", f"staff:{login}", {}, now)
        console.live.end_session(session.id)
    response = leave(request, SIGN_IN, "sign_in.out")
    console.drop_cookie(response, console.cookie)
    return response


@router.get("/again")
def again_page(request: Request, viewer: Viewer = Depends(signed_in)) -> Response:
    """Ask once more who it is, before something that cannot be undone."""
    return page(request, "sign_in/again.html", **_again(request, _next(request), ""))


@router.post("/again")
def again(request: Request, viewer: Viewer = Depends(signed_in), form: Form = Depends(form_of)) -> Response:
    session = session_of(request)
    to = _next(request, form)
    try:
        token = console_of(request).door.again(session, form.raw("password"), form.text("code", 40), datetime.now(UTC))
    except SignInRefused as refused:
        status = 429 if refused.reason == "too_often" else 403
        return page(request, "sign_in/again.html", status, **_again(request, to, refused.reason))
    return _arrive(request, token, to)


def _again(request: Request, to: str, problem: str) -> dict[str, Any]:
    return {"next": to, "problem": problem, "second": session_of(request).has_second_factor}


@router.post("/looks")
def looks(request: Request, visit: Visit = Depends(anybody), form: Form = Depends(form_of)) -> Response:
    """Choose the language of the pages, or light and dark; signed in it is kept with the login."""
    console = console_of(request)
    chosen: dict[str, str] = {}
    if form.raw("language") in LANGUAGES:
        chosen["language"] = form.raw("language")
    if form.raw("theme") in THEMES:
        chosen["theme"] = form.raw("theme")
    response = leave(request, local_path(form.raw("back")))
    if chosen and visit.session:
        with writing(console.engine) as connection:
            connection.execute(update(Staff.__table__).where(Staff.id == visit.session.viewer.id).values(chosen))
    for name, cookie in (("language", LANGUAGE_COOKIE), ("theme", THEME_COOKIE)):
        if name in chosen:
            console.set_cookie(response, cookie, chosen[name], _YEAR_S)
    return response


__all__ = ["changed_password", "enrol_form", "enrolled", "pending_secret", "router"]
