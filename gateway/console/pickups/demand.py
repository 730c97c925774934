"""Where people asked from: how full each point is, and the places from which they would have far to go."""

from fastapi import APIRouter, Depends, Request, Response

from gateway.accounts.viewer import Permission, Viewer
from gateway.console.access import allowed
from gateway.console.pickups.shared import PATH, chosen_event, events_of, utc_now, within
from gateway.console.shell import console_of, page
from gateway.database import reading
from gateway.pickups.load import FAR_WALK_M, far_demand, load_of

router = APIRouter(prefix=PATH)


@router.get("/demand")
def demand(request: Request, viewer: Viewer = Depends(allowed(Permission.SEE_PICKUPS))) -> Response:
    """Asked, offered, held, boarded and waiting at each point; and demand that no point is near to."""
    with reading(console_of(request).engine) as connection:
        events = events_of(connection, viewer, utc_now())
        event = chosen_event(request, events)
        rows = load_of(connection, event.id, within(viewer)) if event else []
        far = far_demand(connection, event.id, which=within(viewer)) if event else []
    return page(request, "pickups/demand.html", event=event, events=events, rows=rows, far=far, far_walk=FAR_WALK_M)
