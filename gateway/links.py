"""The short links of our texts: /p/<id> leads to the way on foot to a pick-up point. It tells nothing of who asks."""

import re
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy import select
from starlette.concurrency import run_in_threadpool

from gateway.database import reading
from gateway.service import Service
from gateway.tables import PickupPoint

router = APIRouter(include_in_schema=False)
_MAP = "https://www.google.com/maps/dir/?"
_CODE = re.compile(r"[0-9a-z]{1,10}")


@router.get("/p/{code}")
async def point(request: Request, code: str) -> Response:
    """Lead to the map of a point as it is now: a point that has moved keeps its link."""
    service: Service = request.app.state.service
    number = int(code, 36) if _CODE.fullmatch(code) else 0

    def position() -> tuple[float, float] | None:
        query = select(PickupPoint.lat, PickupPoint.lon).where(PickupPoint.id == number)
        with reading(service.engine) as connection:
            row = connection.execute(query).first()
        return (row.lat, row.lon) if row else None

    found = await run_in_threadpool(position) if 0 < number < 2**53 else None
    if found is None:
        return Response("There is no such pick-up point.\n", 404, media_type="text/plain")
    way = {"api": "1", "destination": f"{found[0]:.6f},{found[1]:.6f}", "travelmode": "walking"}
    return RedirectResponse(
        _MAP + urlencode(way), 302, {"Referrer-Policy": "no-referrer", "Cache-Control": "max-age=60"}
    )
