"""An aggregator for tests, on this machine: takes texts by GET or JSON, keeps a ledger, misbehaves when told to."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web


@dataclass
class Aggregator:
    """The stand-in. `manner` is what becomes of the next texts; `taken` what reaches phones; `requests` what came."""

    manner: str = "well"
    refused: set[str] = field(default_factory=set)
    taken: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    port: int = 0
    _runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        app = web.Application()
        app.router.add_get("/sendsms", self._kannel)
        app.router.add_put("/sendsms", self._kannel)
        app.router.add_post("/messages", self._json)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port)
        await site.start()
        self.port = site._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]

    async def stop(self) -> None:
        if self._runner:
            await self._runner.cleanup()
            self._runner = None

    async def _kannel(self, request: web.Request) -> web.Response:
        given = dict(request.query)
        refusal = await self._judge(request, given["to"], given["text"], given)
        if refusal:
            words = {"throttled": "busy", "refused": "not routable", "forbidden": "Authorization failed for sendsms"}
            status = {"throttled": 503, "refused": 400, "forbidden": 403}[refusal]
            return web.Response(text=words[refusal], status=status)
        return web.Response(text="0: Accepted for delivery", status=202)

    async def _json(self, request: web.Request) -> web.Response:
        given = await request.json()
        message = given["messages"][0]
        number = message["destinations"][0]["to"]
        refusal = await self._judge(request, number, message["text"], given)
        if refusal == "throttled":
            return web.json_response({"requestError": {}}, status=429, headers={"Retry-After": "3"})
        status = {"groupId": 5, "name": "REJECTED_DESTINATION"} if refusal else {"groupId": 1, "name": "PENDING"}
        if self.manner == "nonsense":
            return web.Response(text="<html>login</html>", content_type="text/html")
        return web.json_response({"messages": [{"messageId": f"m-{len(self.taken)}", "status": status}]})

    async def _judge(self, request: web.Request, number: str, words: str, given: dict[str, Any]) -> str | None:
        self.requests.append((request.path_qs, dict(request.headers)))
        if self.manner in ("throttled", "forbidden"):
            return self.manner
        if number in self.refused:
            return "refused"
        self.taken.append((number, words, given))
        if self.manner == "lost":
            assert request.transport is not None
            request.transport.abort()
            await asyncio.sleep(0)
        return None


@asynccontextmanager
async def running() -> AsyncIterator[Aggregator]:
    made = Aggregator()
    await made.start()
    try:
        yield made
    finally:
        await made.stop()
