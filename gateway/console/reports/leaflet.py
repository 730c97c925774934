"""The map library from our own address: Leaflet as the package xstatic-leaflet carries it, loaded by report maps."""

import gzip
from functools import cache
from pathlib import Path

from fastapi import APIRouter, Depends, Request, Response
from xstatic.pkg import leaflet as packaged

from gateway.console.access import NotFound, public

router = APIRouter()
_KINDS = {"leaflet.js": "text/javascript", "leaflet.css": "text/css"}
VERSION: str = packaged.VERSION


@router.get("/console/static/leaflet/{name}")
def leaflet(name: str, request: Request, _: None = Depends(public)) -> Response:
    """Answer the script or the style; browsers keep them for good, because the address names the version."""
    if name not in _KINDS:
        raise NotFound
    plain, zipped = _file(name)
    headers = {"Cache-Control": "public, max-age=31536000, immutable"}
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(zipped, headers=headers | {"Content-Encoding": "gzip"}, media_type=_KINDS[name])
    return Response(plain, headers=headers, media_type=_KINDS[name])


@cache
def _file(name: str) -> tuple[bytes, bytes]:
    plain = (Path(packaged.BASE_DIR) / name).read_bytes()
    return plain, gzip.compress(plain, 9, mtime=0)


def leaflet_address(name: str) -> str:
    return f"/console/static/leaflet/{name}?v={VERSION}"
