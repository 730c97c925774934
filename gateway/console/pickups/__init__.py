"""Pick-up points on screen: table and map, one point with its buses, import with a preview, demand, unknown places.

Field staff see; organisers and admins change. Everyone sees the points of their own cities only: anything else is a
page that does not exist.
"""

from fastapi import APIRouter

from gateway.console.pickups import acts, demand, edit, importing, table, unmatched

router = APIRouter(include_in_schema=False)
# The pages with a name of their own first: /console/pickups/{point_id} takes what is left.
for part in (importing.router, demand.router, unmatched.router, edit.router, table.router, acts.router):
    router.include_router(part)
