"""How texts leave: hours, limits and routes; the carriers, how they do, their accounts, and a test text."""

from datetime import datetime
from typing import Any

from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy import Connection, select

from faults import fault
from gateway.accounts.audit import record
from gateway.accounts.viewer import Viewer
from gateway.broadcasts.drafts import BroadcastError
from gateway.broadcasts.trial import send_to_own_phone
from gateway.console.access import NotFound, fresh_sign_in
from gateway.console.forms import Form, form_of
from gateway.console.settings_area.common import CHANGES, PATH, base_settings, changing, held_now
from gateway.console.shell import console_of, leave, page, told
from gateway.database import reading
from gateway.outbox.setup import carrier_names, routes_from
from gateway.overrides import limits
from gateway.overrides.carrier_account import ACCOUNTS, account_fields, forget_account, set_account
from gateway.overrides.limits import LIVE, pinned
from gateway.overrides.store import OverrideError, find
from gateway.tables import CarrierState, Staff

router = APIRouter(prefix=PATH, include_in_schema=False)
_states = CarrierState.__table__
_RESTART = (
    "database_url", "public_base_url", "short_code", "default_region", "default_language", "time_zone", "carrier",
    "walking_router", "price_file",
)  # fmt: skip


@router.get("/sending")
def sending(request: Request, viewer: Viewer = Depends(CHANGES)) -> Response:
    return _sending(request)


def _sending(request: Request, problem: Any = "", wrong: str = "", typed: str = "", status: int = 200) -> Response:
    held, base = held_now(request), base_settings(request)
    with reading(console_of(request).engine) as connection:
        newest = {name: find(connection, limits.KIND, name) for name in LIVE}
    rows = [
        {
            "name": name,
            "value": typed if name == wrong else _plain(getattr(held.settings, name)),
            "built_in": _plain(getattr(base, name)),
            "pinned": pinned(base, name),
            "last": newest[name],
            "problem": problem if name == wrong else "",
        }
        for name in LIVE
    ]
    fixed = [
        (name.upper(), _plain(getattr(base, name)), pinned(base, name)) for name in _RESTART if name != "database_url"
    ]
    return page(request, "settings/sending.html", status, rows=rows, fixed=fixed)


def _plain(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value if value is not None else "")


@router.post("/sending")
def change_sending(request: Request, viewer: Viewer = Depends(CHANGES), form: Form = Depends(form_of)) -> Response:
    """Change one setting, or go back to what the environment or the built-in says."""
    name, typed = form.text("name", 40), form.text("value", 400)
    if name not in LIVE:
        raise NotFound
    try:
        with changing(request, form, f"{PATH}/sending") as (connection, _, now):
            limits.set_limit(
                connection, base_settings(request), name, None if form.text("act", 10) == "reset" else typed,
                viewer.login, now, form.number("version"),
            )  # fmt: skip
    except OverrideError as error:
        return _sending(request, told(request, error), name, typed, 422)
    return leave(request, f"{PATH}/sending", "settings.limit_saved")


# Carriers ------------------------------------------------------------------------------------------------------------


@router.get("/carriers")
def carriers(request: Request, viewer: Viewer = Depends(CHANGES)) -> Response:
    return _carriers(request, viewer)


def _carriers(
    request: Request, viewer: Viewer, problem: Any = "", where: str = "", status: int = 200, **typed: str
) -> Response:
    held, base = held_now(request), base_settings(request)
    with reading(console_of(request).engine) as connection:
        states = {row.name: row for row in connection.execute(select(_states))}
        phone = _own_phone(connection, viewer)
    names = carrier_names(held.settings)
    accounts = [
        (
            carrier,
            account_fields(held.settings, held.stored, carrier),
            any(pinned(base, name) for name in ACCOUNTS[carrier]),
        )
        for carrier in ACCOUNTS
    ]
    return page(
        request, "settings/carriers.html", status,
        carriers=[(name, _health(states.get(name))) for name in names], accounts=accounts, typed=typed,
        pace=_plain(held.settings.parts_per_second), problem=problem, where=where, has_phone=bool(phone),
        routes=[(route.prefix, ", ".join(route.carriers)) for route in routes_from(held.settings)],
        waiting=any(field.state == "waiting" for _, fields, _ in accounts for field in fields),
    )  # fmt: skip


def _health(row: Any) -> tuple[str, str, datetime | None]:
    """Return how a carrier does (well, failing, halted), why, and since when."""
    if row is None or not (row.failures or row.halted_at):
        return "well", "", None
    if row.halted_at:
        return "halted", row.halt_reason, row.halted_at
    return "failing", str(row.failures), None


@router.post("/carriers/{carrier}/test")
def test_carrier(
    carrier: str, request: Request, viewer: Viewer = Depends(CHANGES), form: Form = Depends(form_of)
) -> Response:
    """Send a text to the viewer's own phone through this carrier."""
    if carrier not in carrier_names(held_now(request).settings):
        raise NotFound
    try:
        with changing(request, form, f"{PATH}/carriers") as (connection, held, now):
            phone = _own_phone(connection, viewer)
            if not phone:
                raise OverrideError(
                    fault("account.no_phone", "Your login has no phone. Add it on the staff page, then try again.")
                )
            body = f"A test of {carrier} at {now.astimezone(held.settings.zone):%H:%M}."
            send_to_own_phone(connection, phone, body, routes_from(held.settings), now, carrier)
            record(connection, viewer.login, "carrier.tested", f"carrier:{carrier}", {}, now)
    except (OverrideError, BroadcastError) as error:
        return _carriers(request, viewer, told(request, error), "test", 422)
    return leave(request, f"{PATH}/carriers", "settings.test_sent", carrier=carrier)


def _own_phone(connection: Connection, viewer: Viewer) -> str:
    return connection.execute(select(Staff.phone).where(Staff.id == viewer.id)).scalar() or ""


@router.post("/carriers/{carrier}", dependencies=[Depends(fresh_sign_in)])
def change_account(
    carrier: str, request: Request, viewer: Viewer = Depends(CHANGES), form: Form = Depends(form_of)
) -> Response:
    """Keep a carrier's account, or take it away. A secret goes in and is never shown again."""
    if carrier not in ACCOUNTS:
        raise NotFound
    written = {name: form.text(name, 200) for name in ACCOUNTS[carrier]}
    forget = form.text("act", 10) == "forget"
    try:
        with changing(request, form, f"{PATH}/carriers") as (connection, _, now):
            if forget:
                forget_account(connection, base_settings(request), carrier, viewer.login, now)
            else:
                set_account(connection, base_settings(request), carrier, written, viewer.login, now)
    except OverrideError as error:
        shown = {field.name: written[field.name] for field in account_fields(base_settings(request), {}, carrier)
                 if not field.secret}  # fmt: skip
        return _carriers(request, viewer, told(request, error), carrier, 422, **shown)
    return leave(request, f"{PATH}/carriers", "settings.account_forgotten" if forget else "settings.account_saved")
