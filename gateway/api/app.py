"""The API as an application of its own, to be mounted at /api/v1 beside the webhooks, which it does not slow."""

import re

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse
from starlette.exceptions import HTTPException
from starlette.routing import Mount
from starlette.types import ASGIApp

from gateway.api import broadcasts, members, pickups, progress, reports, segments, texts
from gateway.api.context import ApiContext
from gateway.api.docs_page import page
from gateway.api.guard import Guard
from gateway.api.openapi import describe
from gateway.api.problems import Problem, on_http, on_invalid, on_problem

ROUTERS = (
    members.router, segments.router, broadcasts.router, progress.router, texts.router, reports.router, pickups.events,
    pickups.router,
)  # fmt: skip


class ApiMount(Mount):
    """Where the API stands: everything below /api/v1, also an address with a line break in it."""

    def __init__(self, context: ApiContext) -> None:
        super().__init__("/api/v1", app=api_app(context))
        self.path_regex = re.compile(r"^/api/v1/(?P<path>.*)$", re.DOTALL)


def api_app(context: ApiContext) -> ASGIApp:
    """Return the guarded application."""
    return Guard(bare_app(context), context)


def bare_app(context: ApiContext) -> FastAPI:
    """Return the application inside of the guard, which alone knows who asks."""
    app = FastAPI(
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        separate_input_output_schemas=False,
    )
    app.state.context = context
    for router in ROUTERS:
        app.router.routes.extend(router.routes)
    app.openapi = lambda: describe(app)  # type: ignore[method-assign]
    app.add_exception_handler(Problem, on_problem)
    app.add_exception_handler(RequestValidationError, on_invalid)
    app.add_exception_handler(HTTPException, on_http)

    async def description(_request: Request) -> JSONResponse:
        return JSONResponse(app.openapi())

    async def documentation(_request: Request) -> HTMLResponse:
        return page(app.openapi())

    app.add_route("/openapi.json", description, include_in_schema=False)
    app.add_route("/docs", documentation, include_in_schema=False)
    return app
