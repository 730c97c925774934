"""The first page after sign-in."""

from fastapi import APIRouter, Depends, Request, Response

from gateway.accounts.viewer import Permission, Viewer
from gateway.console.access import allowed
from gateway.console.shell import page

router = APIRouter(prefix="/console", include_in_schema=False)


@router.get("/")
def now(request: Request, viewer: Viewer = Depends(allowed(Permission.SEE_NOW))) -> Response:
    """Say who is signed in, and where to go."""
    return page(request, "now/now.html")
