"""How every resource's routes are made: parameters that are not known refused, whatever fails told as a problem."""

from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from fastapi import APIRouter, Depends, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException

from gateway.api.access import known_parameters
from gateway.api.problems import Problem, unavailable

log = structlog.get_logger()


class Route(APIRoute):
    """A route of which nothing escapes but problems."""

    def get_route_handler(self) -> Callable[[Request], Awaitable[Response]]:  # type: ignore[override]
        handle = super().get_route_handler()

        async def handled(request: Request) -> Response:
            try:
                return await handle(request)
            except (Problem, HTTPException, RequestValidationError):
                raise
            except Exception as error:
                raise failed(error, request.method, self.path) from None

        return handled


def resource(name: str) -> APIRouter:
    """Return the router of a resource, at `/name`."""
    return APIRouter(
        prefix=f"/{name}",
        tags=[name],
        route_class=Route,
        dependencies=[Depends(known_parameters)],
        generate_unique_id_function=_operation_id,
    )


def _operation_id(route: APIRoute) -> str:
    return f"{route.tags[0]}_{route.name}"


def failed(error: Exception, method: str, route: str) -> Problem:
    """Say to the log where a request failed, and to the client that it did: never how, for that quotes rows."""
    if isinstance(error, OperationalError | InterfaceError | PoolTimeout):
        log.warning("api_unavailable", error=type(error).__name__)
        return unavailable()
    said: dict[str, Any] = {"error": type(error).__name__, "method": method, "route": route}
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace:
        said["where"] = f"{trace.tb_frame.f_code.co_name}:{trace.tb_lineno}"
    log.error("api_failed", **said)
    return Problem(500, "Something failed here; our log says where. Nothing was changed.")
