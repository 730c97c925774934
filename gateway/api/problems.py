"""What went wrong, as application/problem+json (RFC 9457): a sentence, and for each field where and how to mend it."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

MEDIA_TYPE = "application/problem+json"
DOCS = "/api/v1/docs"

TITLES = {
    400: ("bad-request", "The request cannot be read"),
    401: ("no-key", "No valid API key was given"),
    403: ("scope-missing", "The key may not do this"),
    404: ("not-found", "There is no such thing"),
    405: ("method", "This address does not take that method"),
    409: ("conflict", "It cannot be done as things stand"),
    413: ("too-large", "The request is too large"),
    414: ("address-too-long", "The address is too long"),
    415: ("media-type", "That kind of body is not taken here"),
    422: ("not-valid", "A value is not valid"),
    429: ("too-many", "Too many requests"),
    500: ("fault", "Something failed here"),
    503: ("unavailable", "The database is not available at this moment"),
}


class FieldError(BaseModel):
    """One fault: exactly one of pointer (into the body, RFC 6901), parameter, header and line says where."""

    pointer: str | None = Field(default=None, description="JSON pointer into the body.", examples=["/texts/en"])
    parameter: str | None = Field(default=None, description="A parameter of the address.", examples=["limit"])
    header: str | None = Field(default=None, description="A header.", examples=["Idempotency-Key"])
    line: int | None = Field(default=None, description="A line of a CSV body.")
    column: str | int | None = Field(default=None, description="The column on that line, or the sign in a rule's text.")
    detail: str = Field(description="What is wrong, and what to write instead.")


class ProblemDetails(BaseModel):
    """RFC 9457."""

    type: str = Field(description="What kind of problem: its place on the documentation page.")
    title: str
    status: int
    detail: str = Field(description="What is wrong here, and what to do.")
    errors: list[FieldError] | None = None


class Problem(Exception):
    """The request ends with this answer."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
        kind: str = "",
    ) -> None:
        super().__init__(detail)
        self.status, self.detail, self.errors = status, detail, tuple(errors)
        self.headers, self.kind = dict(headers or {}), kind

    def response(self) -> JSONResponse:
        slug, title = TITLES.get(self.status, ("refused", "The request was refused"))
        said: dict[str, Any] = {
            "type": f"{DOCS}#problem-{self.kind or slug}",
            "title": title,
            "status": self.status,
            "detail": self.detail,
        }
        if self.errors:
            said["errors"] = [one.model_dump(exclude_none=True) for one in self.errors]
        return JSONResponse(said, self.status, self.headers, media_type=MEDIA_TYPE)


def not_found(what: str) -> Problem:
    return Problem(404, what)


def invalid(detail: str, pointer: str | None = None, *, parameter: str | None = None, **more: Any) -> Problem:
    """Return a 422 for one field."""
    return Problem(422, detail, errors=[FieldError(pointer=pointer, parameter=parameter, detail=detail, **more)])


def unavailable(detail: str = "The database did not answer in time. Nothing was changed; send it again.") -> Problem:
    return Problem(503, detail, headers={"Retry-After": "1"})


async def on_problem(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Problem)
    return error.response()


async def on_invalid(_request: Request, error: Exception) -> JSONResponse:
    """Say every fault that pydantic found, in our own form."""
    assert isinstance(error, RequestValidationError)
    errors = [_field_error(one) for one in error.errors()[:50]]
    first = errors[0]
    at = first.pointer if first.pointer is not None else first.parameter or first.header
    detail = f"{at}: {first.detail}" if at else first.detail
    return Problem(422, detail, errors=errors).response()


async def on_http(request: Request, error: Exception) -> JSONResponse:
    """404 and 405 of the router."""
    assert isinstance(error, HTTPException)
    if error.status_code == 405:
        allow = ", ".join(_methods(request))
        detail = f"Use {allow} here." if allow else "Nothing takes that method here."
        return Problem(405, detail, headers={"Allow": allow}).response()
    detail = f"There is nothing at this address; what there is stands in {DOCS}."
    return Problem(404 if error.status_code == 404 else error.status_code, detail).response()


def _methods(request: Request) -> list[str]:
    from starlette.routing import Match

    found: set[str] = set()
    for route in request.app.routes:
        match, _ = route.matches(request.scope)
        if match is not Match.NONE:
            found |= set(getattr(route, "methods", None) or ())
    return sorted(found - {"HEAD"})


def _field_error(error: Mapping[str, Any]) -> FieldError:
    where, *path = error["loc"]
    said = _said(error)
    if where == "body":
        steps = [str(step).replace("~", "~0").replace("/", "~1") for step in path]
        return FieldError(pointer="".join(f"/{step}" for step in steps), detail=said)
    name = str(path[0]) if path else str(where)
    return FieldError(header=name, detail=said) if where == "header" else FieldError(parameter=name, detail=said)


_WORDS: dict[str, str] = {
    "missing": "It is missing: give it.",
    "extra_forbidden": "There is no such field here: leave it out.",
    "json_invalid": "The body is no JSON.",
}


def _said(error: Mapping[str, Any]) -> str:
    if known := _WORDS.get(error["type"]):
        return known
    said = re.sub(r"^(Value error|Assertion failed), ", "", str(error["msg"]))
    said = said.replace("Input should", "It should")
    return said if said.endswith(".") else said + "."
