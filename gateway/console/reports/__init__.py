"""Reports on screen: the queue, one report, who is on duty, and everything that staff do to them.

Field staff see the reports of their areas and those that are theirs; anything else is a page that does not exist.
"""

from fastapi import APIRouter

from gateway.console.reports import acts, duty, leaflet, one, queue

router = APIRouter(include_in_schema=False)
for part in (leaflet.router, queue.router, duty.router, one.router, acts.router):
    router.include_router(part)
