"""Who is on duty, with what in hand, and whether our texts reach them."""

from datetime import UTC, datetime

from fastapi import APIRouter, Depends, Request, Response

from gateway.accounts.viewer import Permission, Viewer, may
from gateway.console.access import NotAllowed, NotFound, allowed
from gateway.console.forms import Form, form_of
from gateway.console.reports.view import QUEUE
from gateway.console.shell import console_of, leave, page
from gateway.database import reading
from gateway.reports.staff import read_staff, set_duty

router = APIRouter(prefix="/console")


@router.get("/reports/duty")
def show_duty(request: Request, viewer: Viewer = Depends(allowed(Permission.SEE_REPORTS))) -> Response:
    """List the staff, those on duty first."""
    with reading(console_of(request).engine) as connection:
        people = read_staff(connection, loads=True).values()
    rows = sorted(people, key=lambda one: (not one.on_duty, one.role != "field", one.shown.casefold()))
    return page(request, "reports/duty.html", rows=rows)


@router.post("/reports/duty")
def change_duty(
    request: Request, viewer: Viewer = Depends(allowed(Permission.WORK_REPORTS)), form: Form = Depends(form_of)
) -> Response:
    """Put somebody on or off duty: oneself, or as organiser anybody."""
    login, on = form.text("login", 60), form.text("on", 4) == "1"
    if login != viewer.login and not may(viewer, Permission.SORT_REPORTS):
        raise NotAllowed(Permission.SORT_REPORTS)
    with form.acting() as connection:
        form.leads_to(f"{QUEUE}/duty")
        person = next((one for one in read_staff(connection).values() if one.login == login), None)
        if person is None:
            raise NotFound
        set_duty(connection, person.id, datetime.now(UTC), on_duty=on)
    return leave(request, f"{QUEUE}/duty", "reports.did.on_duty" if on else "reports.did.off_duty", name=person.shown)
