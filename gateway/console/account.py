"""One's own account: password, second factor, recovery codes, language and looks."""

from datetime import UTC, datetime

from fastapi import APIRouter, Depends, Request, Response

from gateway.accounts import audit
from gateway.accounts.passwords import PasswordRefused
from gateway.accounts.second_factor import make_recovery_codes, recovery_codes_left
from gateway.accounts.sign_in import SignInRefused
from gateway.accounts.viewer import Viewer
from gateway.console.access import fresh_sign_in, session_of, signed_in
from gateway.console.forms import Form, form_of
from gateway.console.shell import console_of, leave, page
from gateway.console.sign_in import changed_password, enrol_form, enrolled
from gateway.database import reading

router = APIRouter(prefix="/console/account", include_in_schema=False)
_PATH = "/console/account"


@router.get("")
def account(request: Request, viewer: Viewer = Depends(signed_in)) -> Response:
    return _page(request, viewer)


def _page(request: Request, viewer: Viewer, problem: str = "", status: int = 200) -> Response:
    with reading(console_of(request).engine) as connection:
        left, areas = recovery_codes_left(connection, viewer.id), viewer.areas
    second = session_of(request).has_second_factor
    return page(request, "account/account.html", status, problem=problem, left=left, areas=areas, second=second)


@router.post("/password")
def password(request: Request, viewer: Viewer = Depends(signed_in), form: Form = Depends(form_of)) -> Response:
    """Change one's own password; all other sessions end."""
    console = console_of(request)
    try:
        token = changed_password(request, session_of(request), form)
    except (SignInRefused, PasswordRefused) as refused:
        return _page(request, viewer, refused.reason, 429 if refused.reason == "too_often" else 422)
    response = leave(request, _PATH, "account.password_changed")
    console.set_cookie(response, console.cookie, token)
    return response


@router.get("/second-factor", dependencies=[Depends(fresh_sign_in)])
def second_factor(request: Request, viewer: Viewer = Depends(signed_in)) -> Response:
    """Set up a second factor, or a new one in its place."""
    return enrol_form(request, session_of(request), "account/second_factor.html")


@router.post("/second-factor", dependencies=[Depends(fresh_sign_in)])
def set_second_factor(request: Request, viewer: Viewer = Depends(signed_in), form: Form = Depends(form_of)) -> Response:
    return enrolled(request, session_of(request), form, "account/second_factor.html", _PATH)


@router.post("/recovery-codes", dependencies=[Depends(fresh_sign_in)])
def recovery_codes(request: Request, viewer: Viewer = Depends(signed_in), form: Form = Depends(form_of)) -> Response:
    """Make ten new recovery codes and show them this once; the old ones are void."""
    console, now = console_of(request), datetime.now(UTC)
    if not session_of(request).has_second_factor:
        return leave(request, _PATH)
    with form.acting() as connection:
        codes = make_recovery_codes(connection, viewer.id, console.door.codes_key)
        audit.record(connection, viewer.login, "recovery_codes.made", f"staff:{viewer.login}", {}, now)
    return page(request, "sign_in/codes.html", codes=codes, next=_PATH)
