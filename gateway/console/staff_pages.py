"""Staff: list, add, roles, areas, disable, reset; and the audit log."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy import Connection

from gateway.accounts import audit, staff
from gateway.accounts.areas import Areas
from gateway.accounts.passwords import PasswordRefused
from gateway.accounts.staff import StaffRefused, StaffRow
from gateway.accounts.viewer import ROLES, Permission, Viewer
from gateway.console.access import NotFound, allowed, fresh_sign_in
from gateway.console.forms import Form, form_of
from gateway.console.shell import console_of, leave, page
from gateway.database import reading

router = APIRouter(prefix="/console", include_in_schema=False)
_PATH = "/console/staff"
_MANAGES = allowed(Permission.MANAGE_STAFF)
_LINES = 50


@router.get("/staff")
def all_staff(request: Request, viewer: Viewer = Depends(_MANAGES)) -> Response:
    """List every login."""
    with reading(console_of(request).engine) as connection:
        rows = [(row, row.areas) for row in staff.all_staff(connection)]
    return page(request, "staff/list.html", rows=rows)


@router.get("/staff/new", dependencies=[Depends(fresh_sign_in)])
def new_staff(request: Request, viewer: Viewer = Depends(_MANAGES)) -> Response:
    return _form(request, {"login": "", "name": "", "phone": "", "role": "field", "cities": "", "seats": ""})


def _form(request: Request, typed: dict[str, str], problem: str = "", field: str = "", status: int = 200) -> Response:
    return page(request, "staff/new.html", status, typed=typed, problem=problem, wrong=field, roles=ROLES)


@router.post("/staff/new", dependencies=[Depends(fresh_sign_in)])
def add_staff(request: Request, viewer: Viewer = Depends(_MANAGES), form: Form = Depends(form_of)) -> Response:
    """Add a login, and show its made password this once."""
    console = console_of(request)
    typed = {name: form.text(name, 400) for name in ("login", "name", "phone", "role", "cities", "seats")}
    try:
        areas = _areas(request, form)
        with form.acting() as connection:
            form.leads_to(_PATH)
            _, made = staff.add_staff(
                connection,
                login=typed["login"],
                role=typed["role"],
                by=viewer.login,
                now=datetime.now(UTC),
                region=console.settings.default_region,
                name=typed["name"],
                phone=typed["phone"],
                areas=areas,
            )
    except StaffRefused as refused:
        return _form(request, typed, refused.reason, refused.field, 422)
    except PasswordRefused as refused:
        return _form(request, typed, refused.reason, "", 422)
    return page(request, "staff/made.html", login=typed["login"].lower(), password=made, fresh=True)


def _areas(request: Request, form: Form) -> Areas:
    cities, seats = (
        [part.strip() for part in form.text(name, 400).replace("،", ",").split(",") if part.strip()]
        for name in ("cities", "seats")
    )
    return staff.read_area_names(console_of(request).service.reference().directory, cities, seats)


@router.get("/staff/{login}")
def one_staff(login: str, request: Request, viewer: Viewer = Depends(_MANAGES)) -> Response:
    return _one(request, login)


def _one(request: Request, login: str, problem: str = "", status: int = 200, **typed: str) -> Response:
    with reading(console_of(request).engine) as connection:
        row = _find(connection, login)
        cities = staff.area_names(connection, Areas(cities=row.areas.cities))
        recent = audit.lines(connection, subject=f"staff:{row.login}", limit=10)
    given = {"cities": ", ".join(cities), "seats": ", ".join(sorted(row.areas.seats))} | typed
    recent = [line for line in recent if line.subject == f"staff:{row.login}"]
    return page(request, "staff/one.html", status, one=row, typed=given, recent=recent, problem=problem, roles=ROLES)


def _find(connection: Connection, login: str) -> StaffRow:
    try:
        return staff.find_staff(connection, login)
    except StaffRefused:
        raise NotFound from None


@router.post("/staff/{login}/role", dependencies=[Depends(fresh_sign_in)])
def change_role(
    login: str, request: Request, viewer: Viewer = Depends(_MANAGES), form: Form = Depends(form_of)
) -> Response:
    return _change(
        request,
        login,
        form,
        "staff.role_changed",
        lambda connection, now: staff.change_role(connection, login, form.text("role", 20), viewer.login, now),
    )


@router.post("/staff/{login}/areas", dependencies=[Depends(fresh_sign_in)])
def change_areas(
    login: str, request: Request, viewer: Viewer = Depends(_MANAGES), form: Form = Depends(form_of)
) -> Response:
    try:
        areas = _areas(request, form)
    except StaffRefused as refused:
        typed = {name: form.text(name, 400) for name in ("cities", "seats")}
        return _one(request, login, refused.reason, 422, **typed)
    return _change(
        request,
        login,
        form,
        "staff.areas_changed",
        lambda connection, now: staff.change_areas(connection, login, areas, viewer.login, now),
    )


@router.post("/staff/{login}/disable", dependencies=[Depends(fresh_sign_in)])
def disable(
    login: str, request: Request, viewer: Viewer = Depends(_MANAGES), form: Form = Depends(form_of)
) -> Response:
    return _change(
        request,
        login,
        form,
        "staff.disabled",
        lambda connection, now: staff.disable(connection, login, viewer.login, now),
    )


@router.post("/staff/{login}/enable", dependencies=[Depends(fresh_sign_in)])
def enable(login: str, request: Request, viewer: Viewer = Depends(_MANAGES), form: Form = Depends(form_of)) -> Response:
    return _change(
        request,
        login,
        form,
        "staff.enabled",
        lambda connection, now: staff.enable(connection, login, viewer.login, now),
    )


@router.post("/staff/{login}/second-factor", dependencies=[Depends(fresh_sign_in)])
def reset_second_factor(
    login: str, request: Request, viewer: Viewer = Depends(_MANAGES), form: Form = Depends(form_of)
) -> Response:
    return _change(
        request,
        login,
        form,
        "staff.second_factor_reset",
        lambda connection, now: staff.reset_second_factor(connection, login, viewer.login, now),
    )


@router.post("/staff/{login}/password", dependencies=[Depends(fresh_sign_in)])
def reset_password(
    login: str, request: Request, viewer: Viewer = Depends(_MANAGES), form: Form = Depends(form_of)
) -> Response:
    """Make a new password and show it this once; their sessions end."""
    with reading(console_of(request).engine) as connection:
        row = _find(connection, login)
    with form.acting() as connection:
        form.leads_to(f"{_PATH}/{row.login}")
        made = staff.reset_password(connection, login, viewer.login, datetime.now(UTC))
    return page(request, "staff/made.html", login=row.login, password=made, fresh=False)


def _change(
    request: Request, login: str, form: Form, said: str, act: Callable[[Connection, datetime], None]
) -> Response:
    with reading(console_of(request).engine) as connection:
        row = _find(connection, login)
    path = f"{_PATH}/{row.login}"
    try:
        with form.acting() as connection:
            form.leads_to(path)
            act(connection, datetime.now(UTC))
    except StaffRefused as refused:
        return _one(request, login, refused.reason, 422)
    return leave(request, path, said, name=row.name or row.login)


@router.get("/audit")
def audit_log(request: Request, viewer: Viewer = Depends(allowed(Permission.READ_AUDIT))) -> Response:
    """The audit log, the newest first: filters and pages in the address."""
    asked = request.query_params
    wanted: dict[str, Any] = {name: asked.get(name, "").strip()[:60] for name in ("by", "action", "subject")}
    before = asked.get("before", "")
    older_than = int(before) if before.isascii() and before.isdecimal() and len(before) < 18 else None
    with reading(console_of(request).engine) as connection:
        lines = audit.lines(connection, **wanted, before=older_than, limit=_LINES + 1)
        head = audit.head(connection)
    older = lines[_LINES - 1].seq if len(lines) > _LINES else None
    return page(
        request, "staff/audit.html", lines=lines[:_LINES], wanted=wanted, older=older, paged=older_than, head=head
    )
