"""Keys for programs that use /api/v1: made, shown once, revoked."""

from datetime import UTC, datetime, timedelta
from typing import Any

from fastapi import APIRouter, Depends, Request, Response

from faults import fault
from gateway.accounts.audit import record
from gateway.accounts.staff import StaffRefused, read_area_names
from gateway.accounts.viewer import Viewer
from gateway.api.keys import KeyProblem, add_key, all_keys, revoke_key
from gateway.api.scopes import Scope, UnknownScope, read_scopes
from gateway.console.access import fresh_sign_in
from gateway.console.forms import Form, form_of
from gateway.console.settings_area.common import CHANGES, PATH
from gateway.console.shell import console_of, leave, page, told, visit_of
from gateway.database import reading

router = APIRouter(prefix=PATH, include_in_schema=False)
_MOST_DAYS = 3_650


@router.get("/keys")
def keys(request: Request, viewer: Viewer = Depends(CHANGES)) -> Response:
    return _keys(request)


def _keys(request: Request, problem: Any = "", status: int = 200) -> Response:
    now = datetime.now(UTC)
    with reading(console_of(request).engine) as connection:
        rows = [row | {"state": _state(row, now)} for row in all_keys(connection)]
    return page(request, "settings/keys.html", status, rows=rows, problem=problem)


def _state(row: dict[str, Any], now: datetime) -> str:
    if row["revoked"]:
        return "revoked"
    if row["expires"] and row["expires"] <= now:
        return "ended"
    return "holds" if row["owner_may"] else "owner_out"


@router.get("/keys/new", dependencies=[Depends(fresh_sign_in)])
def new_key(request: Request, viewer: Viewer = Depends(CHANGES)) -> Response:
    return _form(request, {"name": "", "days": "", "cities": "", "seats": ""}, ())


def _form(request: Request, typed: dict[str, str], scopes: Any, problem: Any = "", status: int = 200) -> Response:
    return page(
        request, "settings/key.html", status,
        typed=typed, scopes=[scope.value for scope in Scope], given=list(scopes), problem=problem,
    )  # fmt: skip


@router.post("/keys/new", dependencies=[Depends(fresh_sign_in)])
def add_new_key(request: Request, viewer: Viewer = Depends(CHANGES), form: Form = Depends(form_of)) -> Response:
    """Make a key and show its token this once: only a hash of it is kept."""
    typed = {name: form.text(name, 400) for name in ("name", "days", "cities", "seats")}
    given = form.all("scope")
    now = datetime.now(UTC)
    try:
        scopes = read_scopes(given)
        days = form.number("days") if typed["days"] else None
        if typed["days"] and (days is None or not 1 <= days <= _MOST_DAYS):
            raise KeyProblem(
                fault("key.days", "Days: write a whole number from 1 to {most}, or leave it empty.", most=_MOST_DAYS)
            )
        directory = console_of(request).service.reference().directory
        areas = read_area_names(directory, _parts(typed["cities"]), _parts(typed["seats"]))
        with form.acting() as connection:
            form.leads_to(f"{PATH}/keys")
            token = add_key(
                connection, typed["name"], scopes, viewer.login, now, cities=sorted(areas.cities),
                seats=sorted(areas.seats), expires_at=now + timedelta(days=days) if days else None,
            )  # fmt: skip
            detail = {
                "owner": viewer.login,
                "scopes": [one.value for one in scopes],
                "areas": [*sorted(areas.cities), *sorted(areas.seats)],
            }
            record(connection, viewer.login, "key.added", f"key:{typed['name']}", detail, now)
    except StaffRefused as refused:
        words = console_of(request).wording.markup(visit_of(request).language, f"staff.problem.{refused.reason}")
        return _form(request, typed, given, words, 422)
    except (KeyProblem, UnknownScope) as error:
        return _form(request, typed, given, told(request, error), 422)
    return page(request, "settings/key_made.html", name=typed["name"], token=token)


def _parts(written: str) -> list[str]:
    return [one.strip() for one in written.replace("،", ",").split(",") if one.strip()]


@router.post("/keys/{name}/revoke", dependencies=[Depends(fresh_sign_in)])
def revoke(name: str, request: Request, viewer: Viewer = Depends(CHANGES), form: Form = Depends(form_of)) -> Response:
    now = datetime.now(UTC)
    try:
        with form.acting() as connection:
            form.leads_to(f"{PATH}/keys")
            revoke_key(connection, name, now)
            record(connection, viewer.login, "key.revoked", f"key:{name}", {}, now)
    except KeyProblem as error:
        return _keys(request, told(request, error), 422)
    return leave(request, f"{PATH}/keys", "settings.key_revoked", name=name)
