"""What settings files of carriers have in common: how a mistake is told, and what a host is."""

from typing import Annotated

from pydantic import AfterValidator, Field, ValidationError

from gateway.rules.hosts import is_host

_MOST_SAID = 300


def _a_host(value: str) -> str:
    if not is_host(value):
        raise ValueError("write a host such as smsc.example.net or 192.0.2.10, without a scheme or a port")
    return value


Host = Annotated[str, Field(min_length=1, max_length=253), AfterValidator(_a_host)]


def first_mistake(error: ValidationError) -> tuple[str, str]:
    """Return the key of the first mistake, with dots, and what is wrong with it in one line; the key may be empty."""
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    reason = str(first["msg"]).removeprefix("Value error, ")
    shown = "".join(sign if sign.isprintable() else "\ufffd" for sign in reason)
    return where, shown if len(shown) <= _MOST_SAID else shown[:_MOST_SAID] + "..."
