"""Who may do what: dependencies that every route names, so that a test can read a route's scope off it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fastapi import Request
from sqlalchemy import Connection, Engine

from gateway.accounts import audit
from gateway.api.context import ApiContext
from gateway.api.keys import Caller
from gateway.api.problems import FieldError, Problem
from gateway.api.scopes import MEANING, Scope
from gateway.rules.phone_numbers import mask, mask_all
from gateway.settings import Settings


@dataclass(frozen=True)
class Call:
    """One request: who asks, and what it stands on."""

    context: ApiContext
    caller: Caller
    request: Request

    @property
    def engine(self) -> Engine:
        return self.context.engine

    @property
    def settings(self) -> Settings:
        return self.context.settings

    def phone(self, key: str | None) -> str | None:
        """Return a number as this caller may see it."""
        if key is None or self.caller.may(Scope.PHONES_READ):
            return key
        return mask(key)

    def words(self, text: str) -> str:
        """Return somebody's words with the numbers in them as this caller may see them."""
        return text if self.caller.may(Scope.PHONES_READ) else mask_all(text)

    def note(self, connection: Connection, now: datetime) -> None:
        """Put what this request changes into the audit log; call it last in the transaction of the change."""
        route = self.request.scope["route"]
        resource = route.tags[0]
        subject = "/".join([resource, *map(str, self.request.path_params.values())])
        audit.record(connection, self.caller.login, f"{resource}.{route.name}", subject[:120], {"by": "api"}, now)


def context_of(request: Request) -> ApiContext:
    context: ApiContext = request.app.state.context
    return context


def allowed(*scopes: Scope) -> Callable[[Request], Call]:
    """Return a dependency that gives the call of a key with all these scopes, and refuses any other by 403."""

    def check(request: Request) -> Call:
        caller: Caller = request.state.caller
        for scope in scopes:
            if not caller.may(scope):
                challenge = f'Bearer realm="jalsa", error="insufficient_scope", scope="{scope}"'
                raise Problem(
                    403,
                    f"The key “{caller.name}” lacks the scope {scope} ({MEANING[scope]}). "
                    "Scopes of a key never change: make another one with jalsa keys add.",
                    headers={"WWW-Authenticate": challenge},
                )
        return Call(context_of(request), caller, request)

    check.scopes = scopes  # type: ignore[attr-defined]
    return check


def known_parameters(request: Request) -> None:
    """Refuse a parameter of the address that the route does not know, and one that is there twice."""
    route = request.scope["route"]
    operation: dict[str, Any] = request.app.openapi()["paths"][route.path_format].get(request.method.lower(), {})
    taken = {one["name"]: one for one in operation.get("parameters", ()) if one["in"] == "query"}
    errors = []
    for name in dict.fromkeys(request.query_params.keys()):
        if name not in taken:
            known = ", ".join(taken) or "none"
            errors.append(FieldError(parameter=name[:60], detail=f"It is not known here; known are: {known}."))
        elif taken[name]["schema"].get("type") != "array" and len(request.query_params.getlist(name)) > 1:
            errors.append(FieldError(parameter=name, detail="It is there twice: leave one out."))
    if errors:
        raise Problem(422, f"{errors[0].parameter}: {errors[0].detail}", errors=errors)
