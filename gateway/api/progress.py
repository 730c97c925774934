"""`/broadcasts/{key}/progress`: how far a broadcast is, as server-sent events, one for each change.

The id of an event is a mark of its counts, so whoever comes back with Last-Event-ID, to whatever process, is told at
once only if something has changed meanwhile.
"""

import asyncio
import contextlib
import hashlib
import json
import time
from collections.abc import AsyncIterator
from typing import Annotated, Any

import anyio
from fastapi import Depends, Path, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool
from starlette.types import Receive, Scope, Send

from gateway.api import streams
from gateway.api.access import Call, allowed
from gateway.api.keys import still_holds
from gateway.api.problems import Problem, not_found
from gateway.api.routes import resource
from gateway.api.scopes import Scope as KeyScope
from gateway.broadcasts.account import Account, account_of
from gateway.broadcasts.drafts import BroadcastError, find_within
from gateway.database import reading
from gateway.rules.broadcast_life import BroadcastState

router = resource("broadcasts")
Reader = Annotated[Call, Depends(allowed(KeyScope.BROADCASTS_READ))]

LOOK_EVERY_S = 0.5
HEARTBEAT_S = 15.0
LONGEST_S = 3600.0
_OVER = (BroadcastState.DONE, BroadcastState.CANCELLED)


class Progress(BaseModel):
    """How far a broadcast is. `planned` recipients so far; what became of each; `whole` once all are planned."""

    key: str
    state: str
    reason: str
    approved: int = Field(description="Recipients as approved.")
    planned: int
    whole: bool
    waiting: int
    on_the_way: int
    sent: int = Field(description="Without a receipt yet.")
    delivered: int
    failed: dict[str, int]
    suppressed: dict[str, int]
    uncertain: int


_EXAMPLE = {
    "key": "rally", "state": "sending", "reason": "", "approved": 3, "planned": 3, "whole": True, "waiting": 0,
    "on_the_way": 0, "sent": 1, "delivered": 1, "failed": {"unreachable (30003)": 1}, "suppressed": {}, "uncertain": 0,
}  # fmt: skip


class _Stream(StreamingResponse):
    """Gives its place back however it ends, also when the client has gone before the first event."""

    media_type = "text/event-stream"

    def __init__(self, call: Call, stream_id: int, events: AsyncIterator[str]) -> None:
        super().__init__(events, headers={"X-Accel-Buffering": "no"})
        self._call, self._stream_id = call, stream_id

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            with anyio.CancelScope(shield=True), contextlib.suppress(SQLAlchemyError):
                await run_in_threadpool(streams.leave, self._call.engine, self._stream_id)


@router.get(
    "/{key}/progress",
    response_class=_Stream,
    response_model=None,
    status_code=200,
    summary="Follow a broadcast",
    responses={
        200: {
            "description": "Events named `progress`, each with the counts as JSON (Progress), and one named `end`.",
            "content": {"text/event-stream": {
                "schema": {
                    "type": "object", "title": "Event", "required": ["id", "event", "data"],
                    "properties": {
                        "id": {"type": "string", "description": "For Last-Event-ID."},
                        "event": {"enum": ["progress", "end"]},
                        "data": {"type": "string", "description": "JSON: of progress the counts, of end the state."},
                    },
                },
                "example": {"id": "5b1d9f0c2a7e", "event": "progress", "data": json.dumps(_EXAMPLE)},
            }},
        }
    },
)  # fmt: skip
async def follow(
    call: Reader, key: Annotated[str, Path(min_length=1, max_length=60)], request: Request
) -> StreamingResponse:
    """Server-sent events: one for each change, a comment every 15 s while nothing changes, and an event named end once
    the broadcast is done or cancelled and no text of it is on its way. Come back with Last-Event-ID."""
    first = await run_in_threadpool(_look, call, key)
    if first is None:
        raise not_found("There is no broadcast of that key.")
    stream_id = await run_in_threadpool(_enter, call)
    last_seen = request.headers.get("last-event-id", "")
    return _Stream(call, stream_id, _events(call, key, stream_id, first, last_seen))


async def _events(call: Call, key: str, stream_id: int, found: Account | None, last_seen: str) -> AsyncIterator[str]:
    began = beat = said = time.monotonic()
    while found is not None:
        shown = progress_of(found)
        mark = mark_of(shown)
        if mark != last_seen:
            yield f"id: {mark}\nevent: progress\ndata: {json.dumps(shown, ensure_ascii=False)}\n\n"
            last_seen, beat = mark, time.monotonic()
        if is_over(found):
            yield f"id: {mark}\nevent: end\ndata: {json.dumps({'state': found.state})}\n\n"
            return
        now = time.monotonic()
        if now - beat >= HEARTBEAT_S:
            yield ": still here\n\n"
            beat = now
        if now - began >= LONGEST_S:
            return  # the client comes back with Last-Event-ID, and its key is looked at again
        if now - said >= streams.SAID_EVERY.total_seconds():
            if not await _say_open(call, stream_id):
                return
            said = now
        looked = time.monotonic()
        found = await _look_again(call, key, found)
        # A large broadcast takes long to count: never more than a tenth of the time goes into that.
        await asyncio.sleep(max(LOOK_EVERY_S, 9 * (time.monotonic() - looked)))


async def _say_open(call: Call, stream_id: int) -> bool:
    try:
        return await run_in_threadpool(streams.still_open, call.engine, stream_id, call.context.clock())
    except SQLAlchemyError:
        return True  # the database is away for a moment; nobody else can open one either


async def _look_again(call: Call, key: str, found: Account) -> Account | None:
    try:
        return await run_in_threadpool(_look, call, key)
    except SQLAlchemyError:
        return found  # the database is away for a moment: what was true is told until it is back


def _look(call: Call, key: str) -> Account | None:
    """Return the account; None where there is no such broadcast, or the key opens nothing any more."""
    with reading(call.engine) as connection:
        try:
            find_within(connection, key, call.caller)
        except BroadcastError:
            return None
        return account_of(connection, key) if still_holds(connection, call.caller, call.context.clock()) else None


def progress_of(found: Account) -> dict[str, Any]:
    return {
        "key": found.key,
        "state": found.state,
        "reason": found.reason,
        "approved": found.approved,
        "planned": found.recipients,
        "whole": found.planned_whole,
        "waiting": found.waiting,
        "on_the_way": found.on_the_way,
        "sent": found.sent,
        "delivered": found.delivered,
        "failed": dict(found.failed),
        "suppressed": dict(found.suppressed),
        "uncertain": found.uncertain,
    }


def mark_of(shown: dict[str, Any]) -> str:
    written = json.dumps(shown, sort_keys=True, ensure_ascii=False)
    return hashlib.blake2b(written.encode("utf-8", "surrogatepass"), digest_size=6).hexdigest()


def is_over(found: Account) -> bool:
    return found.state in _OVER and not found.waiting and not found.on_the_way


def _enter(call: Call) -> int:
    most = call.settings.api_open_streams
    found = streams.enter(call.engine, call.caller.id, call.context.clock(), most)
    if found is None:
        said = f"Too many streams are open: {streams.OF_ONE_KEY} of one key, {most} of all. Close one, or wait."
        raise Problem(429, said, headers={"Retry-After": "10"})
    return found
