"""The console in the web application: its routes, headers, and what an error looks like.

A new area is one line in `AREAS`, and one in `MENU` if it has a page of its own there.
"""

from collections.abc import AsyncIterator, Iterator, MutableMapping
from contextlib import asynccontextmanager
from typing import Any

import structlog
from fastapi import APIRouter, Depends, FastAPI, Request, Response
from fastapi.exception_handlers import http_exception_handler, request_validation_exception_handler
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse
from fastapi.routing import APIRoute
from sqlalchemy.exc import InterfaceError, OperationalError
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.accounts.viewer import Permission
from gateway.console import (
    access,
    account,
    broadcasts,
    inbox,
    members,
    now,
    pickups,
    reports,
    settings_area,
    sign_in,
    staff_pages,
)
from gateway.console.access import GoTo, NotAllowed, NotFound, public
from gateway.console.forms import BadRequest
from gateway.console.live import Live
from gateway.console.shell import CONTENT_POLICY, HOME, Console, MenuItem, leave, local_path, page, static_file
from gateway.console.tokens import AlreadyDone
from gateway.service import Service

log = structlog.get_logger()

AREAS: tuple[APIRouter, ...] = (
    sign_in.router,
    account.router,
    now.router,
    reports.router,
    pickups.router,
    broadcasts.router,
    staff_pages.router,
    members.router,
    inbox.router,
    *settings_area.ROUTERS,
)
MENU = (
    MenuItem(HOME, "menu.now", "now", Permission.SEE_NOW),
    MenuItem("/console/reports", "menu.reports", "reports", Permission.SEE_REPORTS),
    MenuItem("/console/broadcasts", "menu.broadcasts", "broadcasts", Permission.SEE_BROADCASTS),
    MenuItem("/console/pickups", "menu.pickups", "pickups", Permission.SEE_PICKUPS),
    MenuItem("/console/members", "menu.members", "members", Permission.SEE_MEMBERS),
    MenuItem("/console/inbox", "menu.inbox", "inbox", Permission.SEE_INBOX),
    MenuItem("/console/settings", "menu.settings", "settings", Permission.CHANGE_SETTINGS),
    MenuItem("/console/staff", "menu.staff", "staff", Permission.MANAGE_STAFF),
    MenuItem("/console/audit", "menu.audit", "audit", Permission.READ_AUDIT),
)
_static = APIRouter(prefix="/console", include_in_schema=False)


@_static.get("")
def short_address(_: None = Depends(public)) -> Response:
    """What people type leads to the first page."""
    return RedirectResponse(HOME, 303)


@_static.get("/static/{name}")
def static(name: str, request: Request, _: None = Depends(public)) -> Response:
    """Style, script and icons; kept for good by browsers, because the address changes with the file."""
    file = static_file(name)
    if file is None:
        raise NotFound
    known = request.query_params.get("v") == file.mark
    headers = {"Cache-Control": "public, max-age=31536000, immutable" if known else "no-cache"}
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(file.zipped, headers=headers | {"Content-Encoding": "gzip"}, media_type=file.kind)
    return Response(file.body, headers=headers, media_type=file.kind)


def console_router() -> APIRouter:
    """Return every route of the console, each behind the guard."""
    whole = APIRouter(dependencies=[Depends(access.guard)])
    for area in AREAS:
        whole.include_router(area)
    return whole


def routes_of(router: APIRouter) -> Iterator[tuple[str, APIRoute]]:
    """Yield each route with its whole address, also those of routers inside routers."""
    for route in router.routes:
        if isinstance(route, APIRoute):
            yield route.path, route
        elif inner := getattr(route, "original_router", None):
            prefix = getattr(getattr(route, "include_context", None), "prefix", "")
            yield from ((prefix + path, one) for path, one in routes_of(inner))


def attach_console(app: FastAPI, service: Service) -> Live:
    """Put the console into the application; returns its streams, which want `closing_on_signals` while it runs."""
    live = Live(service.engine)
    console = Console(service, live)
    paths = {path for area in AREAS for path, _ in routes_of(area)}
    console.menu = [item for item in MENU if item.path in paths or item.path + "/" in paths]
    app.state.console = console
    app.include_router(_static)
    app.include_router(console_router())
    app.add_exception_handler(GoTo, _go)
    app.add_exception_handler(NotAllowed, _not_allowed)
    app.add_exception_handler(NotFound, _not_found)
    app.add_exception_handler(BadRequest, _bad_request)
    app.add_exception_handler(AlreadyDone, _already_done)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, _no_such_value)
    for error in (OperationalError, InterfaceError):
        app.add_exception_handler(error, _no_database)
    app.add_middleware(Headers, console=console)
    return live


@asynccontextmanager
async def console_running(live: Live) -> AsyncIterator[None]:
    """While the application runs: its streams end when the process is told to stop."""
    with live.closing_on_signals():
        yield
    live.close()


class Headers:
    """Puts the console's headers on every answer under /console, whatever made it."""

    def __init__(self, app: ASGIApp, console: Console) -> None:
        self._app = app
        self._headers = {
            "content-security-policy": CONTENT_POLICY.format(tiles=""),
            "x-content-type-options": "nosniff",
            "x-frame-options": "DENY",
            # Not no-referrer: under it browsers hide the Origin of our own forms from our own check.
            "referrer-policy": "same-origin",
            "permissions-policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
            "cross-origin-opener-policy": "same-origin",
            "cross-origin-resource-policy": "same-origin",
            "cache-control": "no-store",
            "vary": "Cookie, Accept-Encoding, Accept-Language",
        }
        if console.https:
            self._headers["strict-transport-security"] = "max-age=31536000; includeSubDomains"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith("/console"):
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                there = {name.lower() for name, _ in message.get("headers", [])}
                added = [
                    (name.encode(), value.encode())
                    for name, value in self._headers.items()
                    if name.encode() not in there
                ]
                message = {**message, "headers": [*message.get("headers", []), *added]}
            await send(message)

        await self._app(scope, receive, with_headers)


def _console_page(request: Request) -> bool:
    return request.url.path.startswith("/console") and hasattr(request.state, "visit")


def _problem(request: Request, status: int, key: str) -> Response:
    if hasattr(request.state, "visit"):
        return page(request, "problem.html", status, key=key)
    return Response(f"{status}\n", status, media_type="text/plain")


async def _go(request: Request, error: Exception) -> Response:
    assert isinstance(error, GoTo)
    return RedirectResponse(error.path, 303)


async def _not_allowed(request: Request, error: Exception) -> Response:
    return _problem(request, 403, "errors.not_allowed")


async def _not_found(request: Request, error: Exception) -> Response:
    return _problem(request, 404, "errors.not_found")


async def _bad_request(request: Request, error: Exception) -> Response:
    assert isinstance(error, BadRequest)
    return _problem(request, error.status, error.key)


async def _already_done(request: Request, error: Exception) -> Response:
    assert isinstance(error, AlreadyDone)
    referer = request.headers.get("referer", "")
    _, _, rest = referer.partition("/console/")
    return leave(request, error.leads_to or local_path(f"/console/{rest}"), "errors.already_done", "plain")


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if request.url.path.startswith("/console") and error.status_code in (404, 405):
        if not hasattr(request.state, "visit"):
            await _look(request)
        if hasattr(request.state, "visit"):
            return _problem(request, error.status_code, "errors.not_found")
    return await http_exception_handler(request, error)


async def _look(request: Request) -> None:
    """Find out who asks for an address that there is not, so that its page is in their language."""
    from starlette.concurrency import run_in_threadpool

    try:
        request.state.visit = await run_in_threadpool(access.who_visits, request)
    except (OperationalError, InterfaceError):
        return


async def _no_such_value(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    if _console_page(request):
        return _problem(request, 404, "errors.not_found")
    return await request_validation_exception_handler(request, error)


async def _no_database(request: Request, error: Exception) -> Response:
    if not request.url.path.startswith("/console"):
        raise error
    log.warning("console_without_database", error=type(error).__name__)
    answer: MutableMapping[str, Any] = {"Retry-After": "5"}
    return Response(
        "The database does not answer. Try again in a moment.\n", 503, dict(answer), media_type="text/plain"
    )
