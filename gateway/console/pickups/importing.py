"""Import points from a CSV: first what each row would do, then, on a second form, doing it whole or not at all."""

import base64
import gzip
import io
from typing import Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Request, Response
from starlette.concurrency import run_in_threadpool

from faults import fault
from gateway.accounts import audit
from gateway.accounts.viewer import Permission, Viewer
from gateway.console.access import NotFound, allowed
from gateway.console.forms import MAX_FORM_BYTES, Form, form_of
from gateway.console.pickups.shared import PATH, Refused, chosen_event, city_names, events_of, lies_within, utc_now
from gateway.console.shell import console_of, leave, page
from gateway.database import reading
from gateway.pickups.csv_file import PointRow, left_out
from gateway.pickups.from_file import read_for_event, unknown_cities
from gateway.pickups.loading import import_points, plan_import
from segments.csv_files import FileProblem, RowProblem, decode

router = APIRouter(prefix=PATH)
_EDITS = allowed(Permission.EDIT_PICKUPS)
_MOST_BYTES = 2 * 1024 * 1024
_MOST_SHOWN = 200


@router.get("/import")
def choose_file(request: Request, viewer: Viewer = Depends(_EDITS)) -> Response:
    with reading(console_of(request).engine) as connection:
        events = events_of(connection, viewer, utc_now())
    return page(request, "pickups/import.html", events=events, event=chosen_event(request, events), problem="")


@router.post("/import")
async def preview(request: Request, viewer: Viewer = Depends(_EDITS), form: Form = Depends(form_of)) -> Response:
    """Say what each row would do, or name every bad one; nothing is written."""
    file = form.file("file")
    raw = await file.read(_MOST_BYTES + 1) if file else b""
    return await run_in_threadpool(_preview, request, viewer, form.text("event", 60), raw)


@router.post("/import/do")
def do_import(request: Request, viewer: Viewer = Depends(_EDITS), form: Form = Depends(form_of)) -> Response:
    """Import the file that was previewed; what has changed since is looked at again."""
    raw, key = _opened(form.text("packed", MAX_FORM_BYTES)), form.text("event", 60)
    event, _, rows, problems = _read(request, viewer, key, raw)
    if problems:
        return _shown(request, event, problems=problems)
    now = utc_now()
    try:
        with form.acting() as connection:
            form.leads_to(f"{PATH}?event={event.key}")
            done = import_points(connection, event.id, rows)
            if isinstance(done, list):
                raise Refused(done)
            detail = {"added": done.added, "changed": done.changed}
            audit.record(connection, viewer.login, "pickup.import", f"event:{event.key}", detail, now)
    except Refused as refused:
        return _shown(request, event, problems=refused.problems)
    return leave(request, f"{PATH}?event={event.key}", "pickups.imported", added=done.added, changed=done.changed)


def _preview(request: Request, viewer: Viewer, key: str, raw: bytes) -> Response:
    event, lines, rows, problems = _read(request, viewer, key, raw)
    if problems:
        return _shown(request, event, problems=problems)
    with reading(console_of(request).engine) as connection:
        plans = plan_import(connection, event.id, rows, ZoneInfo(event.zone))
    if plans and isinstance(plans[0], RowProblem):
        return _shown(request, event, problems=list(plans))
    packed = base64.urlsafe_b64encode(gzip.compress(raw, 9, mtime=0)).decode()
    if len(packed) > MAX_FORM_BYTES - 2_000:
        return _shown(request, event, problems=[RowProblem(1, "", _TOO_LONG)])
    directory = console_of(request).service.reference().directory
    counts = {act: sum(getattr(one, "act", "") == act for one in plans) for act in ("add", "change", "same")}
    return _shown(
        request, event, plans=plans, packed=packed, counts=counts, left_out=left_out(lines),
        unknown=unknown_cities(directory, rows),
    )  # fmt: skip


_TOO_LONG = fault("file.too_long", "The file is too long. Send it in two parts.")


def _read(
    request: Request, viewer: Viewer, key: str, raw: bytes
) -> tuple[Any, list[str], list[PointRow], list[RowProblem]]:
    """Return the event, the file's lines, and its rows or its problems.

    :raises NotFound: there is no such event in the viewer's areas
    """
    console = console_of(request)
    with reading(console.engine) as connection:
        events = events_of(connection, viewer, utc_now())
        cities = city_names(connection, viewer.areas)
    event = next((one for one in events if one.key == key), None)
    if event is None:
        raise NotFound
    if not raw:
        return event, [], [], [RowProblem(1, "", fault("file.none", "There is no file, or it is empty. Choose a CSV."))]
    if len(raw) > _MOST_BYTES:
        return event, [], [], [RowProblem(1, "", _TOO_LONG)]
    try:
        lines = decode(raw).splitlines()
    except FileProblem as problem:
        return event, [], [], [RowProblem(1, "", problem.fault)]
    read = read_for_event(lines, event, console.service.reference().directory, console.settings.default_region)
    rows = [one for one in read if isinstance(one, PointRow)]
    problems = [one for one in read if isinstance(one, RowProblem)]
    problems += [
        RowProblem(
            one.line,
            "city",
            fault(
                "point.outside", "“{city}” lies outside your areas. Take the row out, or ask an admin.", city=one.city
            ),
        )
        for one in rows
        if not lies_within(one.city, cities)
    ]
    return event, lines, rows, sorted(problems, key=lambda one: one.line)


def _opened(packed: str) -> bytes:
    """Return the file that a preview packed into its form; empty where somebody changed it."""
    try:
        squeezed = base64.urlsafe_b64decode(packed.encode("ascii"))
        with gzip.open(io.BytesIO(squeezed)) as file:
            return file.read(_MOST_BYTES + 1)
    except (ValueError, OSError, EOFError):
        return b""


def _shown(request: Request, event: Any, problems: list[RowProblem] | None = None, **values: Any) -> Response:
    found = {"plans": [], "packed": "", "counts": {}, "left_out": (), "unknown": []} | values
    shown = {
        "problems": (problems or [])[:_MOST_SHOWN],
        "how_many": len(problems or []),
        "most": _MOST_SHOWN,
        "event": event,
    }
    return page(request, "pickups/preview.html", 422 if problems else 200, **shown, **found)
