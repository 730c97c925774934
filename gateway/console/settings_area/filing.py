"""Groups that members belong to, and events."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy import Connection

from gateway.accounts.audit import record
from gateway.accounts.viewer import Viewer
from gateway.console.access import NotFound
from gateway.console.forms import Form, form_of
from gateway.console.settings_area.common import CHANGES, PATH, language_choices
from gateway.console.shell import console_of, leave, page, told
from gateway.database import reading
from gateway.pickups.events import EventDetails, EventRefused, add_event, all_events, change_event, read_event
from gateway.places.affinities import MAX_AFFINITIES, Group
from gateway.places.groups import GroupRefused, groups_on_file, save_group

router = APIRouter(prefix=PATH, include_in_schema=False)


@router.get("/groups")
def groups(request: Request, viewer: Viewer = Depends(CHANGES)) -> Response:
    with reading(console_of(request).engine) as connection:
        rows = groups_on_file(connection)
    return page(request, "settings/groups.html", rows=rows, most=MAX_AFFINITIES)


@router.get("/groups/new")
def new_group(request: Request, viewer: Viewer = Depends(CHANGES)) -> Response:
    return _group_form(request, "", {})


@router.get("/groups/{key}")
def one_group(key: str, request: Request, viewer: Viewer = Depends(CHANGES)) -> Response:
    with reading(console_of(request).engine) as connection:
        found = next((one for one in groups_on_file(connection) if one.key == key), None)
    if found is None:
        raise NotFound
    typed = {f"name_{language}": said for language, said in found.names.items()}
    return _group_form(request, key, typed | {"aliases": "\n".join(found.aliases)})


def _group_form(
    request: Request, key: str, typed: Mapping[str, str], problem: Any = "", field: str = "", status: int = 200
) -> Response:
    blank = {"key": key, "aliases": ""} | {f"name_{language}": "" for language, _ in language_choices()}
    return page(
        request, "settings/group.html", status,
        key=key, typed=blank | dict(typed), languages=language_choices(), problem=problem, wrong=field,
    )  # fmt: skip


@router.post("/groups/new")
def add_group(request: Request, viewer: Viewer = Depends(CHANGES), form: Form = Depends(form_of)) -> Response:
    return _save_group(request, viewer, form, "", form.text("key", 60))


@router.post("/groups/{key}")
def change_group(
    key: str, request: Request, viewer: Viewer = Depends(CHANGES), form: Form = Depends(form_of)
) -> Response:
    return _save_group(request, viewer, form, key, key)


def _save_group(request: Request, viewer: Viewer, form: Form, known: str, key: str) -> Response:
    names = {language: text for language, _ in language_choices() if (text := form.text(f"name_{language}", 100))}
    aliases = [one.strip() for one in re.split(r"[\n,،]", form.text("aliases", 4_000)) if one.strip()]
    try:
        with form.acting() as connection:
            form.leads_to(f"{PATH}/groups")
            saved = save_group(connection, key, names, aliases, anew=not known)
            detail = {"old": _group_said(saved.before), "new": _group_said(saved.group)}
            record(connection, viewer.login, "group.saved", f"group:{key}", detail, datetime.now(UTC))
    except GroupRefused as refused:
        typed = {f"name_{language}": text for language, text in names.items()}
        typed |= {"key": key, "aliases": "\n".join(aliases)}
        return _group_form(request, known, typed, told(request, refused), refused.field, 422)
    return leave(request, f"{PATH}/groups", "settings.group_saved", name=key)


def _group_said(group: Group | None) -> str:
    return ", ".join([*group.names.values(), *group.aliases]) if group else ""


# Events --------------------------------------------------------------------------------------------------------------

_FIELDS = ("key", "name", "name_ur", "name_ur_latn", "venue", "at", "doors", "ends", "zone")


@router.get("/events")
def events(request: Request, viewer: Viewer = Depends(CHANGES)) -> Response:
    with reading(console_of(request).engine) as connection:
        rows = [(one, _local(one.doors_at, one), _local(one.ends_at, one)) for one in all_events(connection)]
    return page(request, "settings/events.html", rows=rows)


@router.get("/events/new")
def new_event(request: Request, viewer: Viewer = Depends(CHANGES)) -> Response:
    return _event_form(request, "", {"zone": console_of(request).settings.time_zone})


@router.get("/events/{key}")
def one_event(key: str, request: Request, viewer: Viewer = Depends(CHANGES)) -> Response:
    with reading(console_of(request).engine) as connection:
        found = next((one for one in all_events(connection) if one.key == key), None)
    if found is None:
        raise NotFound
    return _event_form(request, key, _written(found))


def _event_form(
    request: Request, key: str, typed: Mapping[str, str], problem: Any = "", field: str = "", status: int = 200
) -> Response:
    return page(
        request, "settings/event.html", status,
        key=key, typed=dict.fromkeys(_FIELDS, "") | dict(typed), problem=problem, wrong=field,
    )  # fmt: skip


@router.post("/events/new")
def add_new_event(request: Request, viewer: Viewer = Depends(CHANGES), form: Form = Depends(form_of)) -> Response:
    def add(connection: Connection, event: EventDetails) -> EventDetails | None:
        add_event(connection, event)
        return None

    return _save_event(request, viewer, form, "", add)


@router.post("/events/{key}")
def save_event(
    key: str, request: Request, viewer: Viewer = Depends(CHANGES), form: Form = Depends(form_of)
) -> Response:
    return _save_event(request, viewer, form, key, change_event)


def _save_event(request: Request, viewer: Viewer, form: Form, key: str, save: Any) -> Response:
    typed = {name: form.text(name, 400) for name in _FIELDS} | ({"key": key} if key else {})
    try:
        event = read_event(typed, console_of(request).settings.time_zone)
        with form.acting() as connection:
            form.leads_to(f"{PATH}/events")
            before = save(connection, event)
            detail = {"old": _written(before) if before else None, "new": _written(event)}
            record(connection, viewer.login, "event.saved", f"event:{event.key}", detail, datetime.now(UTC))
    except EventRefused as refused:
        return _event_form(request, key, typed, told(request, refused), refused.field, 422)
    except LookupError:
        raise NotFound from None
    return leave(request, f"{PATH}/events", "settings.event_saved", name=event.name)


def _local(at: datetime, event: EventDetails) -> str:
    return f"{at.astimezone(ZoneInfo(event.zone)):%Y-%m-%d %H:%M}"


def _written(event: EventDetails) -> dict[str, str]:
    """Return an event as the form has it."""
    return {
        "key": event.key, "name": event.name, "name_ur": event.names.get("ur", ""),
        "name_ur_latn": event.names.get("ur-Latn", ""), "venue": event.venue, "at": f"{event.lat:.6f},{event.lon:.6f}",
        "doors": _local(event.doors_at, event), "ends": _local(event.ends_at, event), "zone": event.zone,
    }  # fmt: skip
