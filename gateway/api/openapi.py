"""The description of the API (OpenAPI 3.1), with what FastAPI cannot know: problems, keys, scopes, headers."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from pydantic import TypeAdapter

from gateway.api.idempotency import HEADER, MOST_SIGNS
from gateway.api.problems import MEDIA_TYPE, TITLES, ProblemDetails
from gateway.api.scopes import MEANING, Scope

_ALWAYS = (401, 403, 414, 422, 429, 500, 503)
_WITH_BODY = (400, 413, 415)
_INTRODUCTION = """\
What organisers do on pages and from a terminal, for programs.

Every request has a key: `Authorization: Bearer jalsa_live_…`, made with `jalsa keys add`. Every POST has an
`Idempotency-Key`: sent again it acts once and is answered alike, for 24 hours. Lists are paged: follow `next`.
What goes wrong is told as `application/problem+json` (RFC 9457), with the field and the remedy.
"""


def describe(app: FastAPI) -> dict[str, Any]:
    """Return the description, made once."""
    if app.openapi_schema:
        return app.openapi_schema
    found = get_openapi(
        title="Jalsa", version="1", openapi_version="3.1.0", description=_INTRODUCTION, routes=app.routes,
        servers=[{"url": "/api/v1"}],
    )  # fmt: skip
    schemas = found["components"]["schemas"]
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    problem = TypeAdapter(ProblemDetails).json_schema(ref_template="#/components/schemas/{model}")
    schemas |= problem.pop("$defs", {})
    schemas["ProblemDetails"] = problem
    found["components"]["securitySchemes"] = {
        "key": {"type": "http", "scheme": "bearer", "bearerFormat": "jalsa_live_…",
                "description": "\n".join(f"* `{scope}`: {said}" for scope, said in MEANING.items())}
    }  # fmt: skip
    found["components"]["responses"] = {
        f"Problem{status}": _problem_response(status, slug, title) for status, (slug, title) in TITLES.items()
    }
    scopes = {
        (route.path_format, method.lower()): scopes_of(route)
        for route in app.routes
        if isinstance(route, APIRoute)
        for method in route.methods or ()
    }
    for path, operations in found["paths"].items():
        for method, operation in operations.items():
            _complete(operation, path, method, scopes[path, method])
    app.openapi_schema = found
    return found


def scopes_of(route: APIRoute) -> tuple[Scope, ...]:
    """Return the scopes that a route asks for."""
    for one in route.dependant.dependencies:
        if scopes := getattr(one.call, "scopes", None):
            return tuple(scopes)
    return ()


def _complete(operation: dict[str, Any], path: str, method: str, scopes: tuple[Scope, ...]) -> None:
    operation["security"] = [{"key": [scope.value for scope in scopes]}]
    named = " and ".join(f"`{scope}`" for scope in scopes)
    operation["description"] = f"{operation.get('description', '')}\n\nScope: {named}.".strip()
    statuses = [*_ALWAYS]
    if "{" in path or method == "get":
        statuses.append(404)
    if method != "get":
        statuses += [*_WITH_BODY, 404, 409]
    if path.endswith("/progress"):
        statuses.append(404)
    responses = operation["responses"]
    for status in sorted(set(statuses)):
        responses[str(status)] = {"$ref": f"#/components/responses/Problem{status}"}
    if method == "post":
        operation.setdefault("parameters", []).append(
            {
                "name": HEADER, "in": "header", "required": True,
                "description": "A fresh UUID for each thing to be done; the same again only to repeat it.",
                "schema": {"type": "string", "minLength": 1, "maxLength": MOST_SIGNS, "pattern": "^[!-~]+$"},
                "example": "6f1f0d5e-0f0c-4a3e-9a53-6c8b7e6d2a11",
            }
        )  # fmt: skip


def _problem_response(status: int, slug: str, title: str) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    if status in (401, 403):
        headers["WWW-Authenticate"] = {"schema": {"type": "string"}}
    if status in (429, 503):
        headers["Retry-After"] = {"schema": {"type": "string"}, "description": "Seconds."}
    return {
        "description": title,
        **({"headers": headers} if headers else {}),
        "content": {
            MEDIA_TYPE: {
                "schema": {"$ref": "#/components/schemas/ProblemDetails"},
                "example": {"type": f"/api/v1/docs#problem-{slug}", "title": title, "status": status,
                            "detail": "What is wrong here, and what to do."},
            }
        },
    }  # fmt: skip
