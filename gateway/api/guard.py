"""What stands before every API request: who asks, how often, and a body that nothing further in can choke on."""

import contextlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, unquote_to_bytes

from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.api.context import ApiContext
from gateway.api.keys import Caller, find_caller
from gateway.api.problems import FieldError, Problem, unavailable
from gateway.api.routes import failed

MOST_BYTES = 64 * 1024
MOST_CSV_BYTES = 2 * 1024 * 1024
MOST_DEPTH = 20
MOST_QUERY = 56 * 1024
"""A rule of 4,000 letters in any script fits in."""
MOST_PATH = 400
_INT64 = 2**63
_PUBLIC = ("/openapi.json", "/docs")
_WITH_BODY = ("POST", "PUT", "PATCH")
_BEARER = 'Bearer realm="jalsa"'


class Guard:
    """Answers what is not to be let in; the rest goes on to `app` with `caller`, `body` and `json` in its state."""

    def __init__(self, app: ASGIApp, context: ApiContext) -> None:
        self._app, self._context = app, context

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        extra: list[tuple[bytes, bytes]] = [(b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff")]
        begun = False

        async def sending(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                message["headers"] = [*message.get("headers", ()), *extra]
            await send(message)

        try:
            receive = await self._let_in(scope, receive, extra)
            await self._app(scope, receive, sending)
        except Problem as problem:
            await problem.response()(scope, receive, sending)
        except _Gone:
            return
        except Exception as error:
            fault = failed(error, scope["method"], "")
            if not begun:
                await fault.response()(scope, receive, sending)

    async def _let_in(self, scope: Scope, receive: Receive, extra: list[tuple[bytes, bytes]]) -> Receive:
        """Return the request's body to be read again.

        :raises Problem: it is not let in
        """
        query: bytes = scope["query_string"]
        if len(query) > MOST_QUERY:
            raise Problem(414, f"The address has more than {MOST_QUERY} signs after the question mark.")
        if len(scope["path"]) > MOST_PATH:
            raise Problem(414, f"The address has more than {MOST_PATH} signs before the question mark.")
        _check_query(query)
        state = scope.setdefault("state", {})
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        if scope["method"] == "GET" and path in _PUBLIC:
            return receive
        caller = await self._caller(scope)
        state["caller"] = caller
        allowance = await self._context.rates.take(caller.id)
        extra += [(name.lower().encode(), value.encode()) for name, value in allowance.headers.items()]
        if allowance.refused:
            raise Problem(
                429,
                f"This key has made its {allowance.limit} requests of a minute: the next one in {allowance.wait} s.",
                headers={"Retry-After": str(allowance.wait)},
            )
        if "\0" in path:
            raise Problem(404, "There is nothing at this address.")
        if scope["method"] not in _WITH_BODY:
            return receive
        is_csv = path.endswith("/import")
        body = await _read(scope, receive, MOST_CSV_BYTES if is_csv else MOST_BYTES)
        state["body"] = body
        state["json"] = None
        kind = _header(scope, b"content-type").partition(";")[0].strip().lower()
        if is_csv:
            if kind != "text/csv":
                raise Problem(415, "Send the file as it is, with Content-Type: text/csv.")
        elif body:
            if kind != "application/json":
                raise Problem(415, "Send JSON, with Content-Type: application/json.")
            state["json"] = read_json(body)
        return _again(body)

    async def _caller(self, scope: Scope) -> Caller:
        given = [value for name, value in scope["headers"] if name == b"authorization"]
        scheme, _, token = given[0].decode("latin-1").partition(" ") if len(given) == 1 else ("", "", "")
        if scheme.lower() != "bearer" or not token:
            said = "Send Authorization: Bearer and your key; keys are made with jalsa keys add."
            raise Problem(401, said, headers={"WWW-Authenticate": _BEARER})
        try:
            caller = await run_in_threadpool(find_caller, self._context.engine, token.strip(), datetime.now(UTC))
        except SQLAlchemyError:
            raise unavailable() from None
        if caller is None:
            said = (
                "The key is mistyped, unknown, revoked, past its time, or its owner is disabled: see jalsa keys list."
            )
            header = f'{_BEARER}, error="invalid_token"'
            raise Problem(401, said, headers={"WWW-Authenticate": header})
        return caller


class _Gone(Exception):
    """The client closed the connection before its request was whole."""


async def _read(scope: Scope, receive: Receive, most: int) -> bytes:
    too_large = Problem(413, f"A body has {most:,} bytes at most here.")
    declared = _header(scope, b"content-length")
    if declared.isdecimal() and int(declared[:19]) > most:
        raise too_large
    pieces: list[bytes] = []
    length = 0
    while True:
        event = await receive()
        if event["type"] == "http.disconnect":
            raise _Gone
        pieces.append(event.get("body", b""))
        length += len(pieces[-1])
        if length > most:
            raise too_large
        if not event.get("more_body", False):
            return b"".join(pieces)


def _again(body: bytes) -> Receive:
    messages: Iterator[Message] = iter([{"type": "http.request", "body": body, "more_body": False}])

    async def receive() -> Message:
        return next(messages, {"type": "http.disconnect"})

    return receive


def _header(scope: Scope, wanted: bytes) -> str:
    return next((value.decode("latin-1") for name, value in scope["headers"] if name == wanted), "")


def _check_query(query: bytes) -> None:
    try:
        unquote_to_bytes(query).decode("utf-8")
    except UnicodeDecodeError:
        raise Problem(422, "The address is not in UTF-8.") from None
    for name, value in parse_qsl(query.decode("latin-1"), keep_blank_values=True):
        if "\0" in name or "\0" in value:
            shown = name.replace("\0", "")[:60]
            said = "It holds a NUL sign: leave it out."
            raise Problem(422, f"{shown}: {said}", errors=[FieldError(parameter=shown, detail=said)])


def read_json(body: bytes) -> Any:
    """Return a body's value.

    :raises Problem: it is no JSON, too deep, or holds what no database takes: NUL, halves of letters, huge numbers
    """
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        raise Problem(400, "The body is not in UTF-8.") from None
    if _depth(text) > MOST_DEPTH:
        raise Problem(422, f"The body is nested more than {MOST_DEPTH} deep.")
    try:
        value = json.loads(text, parse_constant=_no_number, parse_int=_whole, object_pairs_hook=_unique)
    except json.JSONDecodeError as error:
        said = f"The body is no JSON: {error.msg}, line {error.lineno}, column {error.colno}."
        raise Problem(400, said) from None
    _check_value(value, "")
    return value


def _depth(text: str) -> int:
    """Return how deep brackets outside of strings are nested."""
    deepest = depth = 0
    quoted = escaped = False
    for sign in text:
        if quoted:
            if escaped:
                escaped = False
            elif sign == "\\":
                escaped = True
            elif sign == '"':
                quoted = False
        elif sign == '"':
            quoted = True
        elif sign in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif sign in "]}":
            depth -= 1
    return deepest


def _no_number(written: str) -> None:
    raise Problem(400, f"{written} is no number in JSON.")


def _whole(written: str) -> int:
    if len(written) > 20 or not -_INT64 <= int(written) < _INT64:
        raise Problem(422, "A whole number in the body is beyond 64 bits.")
    return int(written)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise Problem(422, f"The field {_printable(twice)!r} is there twice: leave one out.")
    return found


def _check_value(value: Any, pointer: str) -> None:
    if isinstance(value, str):
        _check_text(value, pointer)
    elif isinstance(value, dict):
        for name, inner in value.items():
            _check_text(name, pointer)
            _check_value(inner, f"{pointer}/{name.replace('~', '~0').replace('/', '~1')}")
    elif isinstance(value, list):
        for at, inner in enumerate(value):
            _check_value(inner, f"{pointer}/{at}")


def _check_text(text: str, pointer: str) -> None:
    said = ""
    if "\0" in text:
        said = "It holds a NUL sign: leave it out."
    else:
        with contextlib.suppress(UnicodeEncodeError):
            text.encode("utf-8")
            return
        said = "It holds half of a letter (a lone surrogate): write the whole letter."
    raise Problem(422, f"{pointer}: {said}", errors=[FieldError(pointer=pointer, detail=said)])


def _printable(text: str) -> str:
    return "".join(sign for sign in text[:60] if sign.isprintable())
