"""A stateful stand-in for Twilio's Messages resource, on loopback, that misbehaves as it is told and keeps a ledger.

Every request that is accepted is one line of the ledger, whatever the client hears of it. Behaviours by number or by
chance from a seed: accept and reset the connection, accept and answer 504, 429 with every kind of Retry-After, slow
answers, error codes, lists that lag, receipts shuffled and doubled. It also kills a process on accepting its text.
"""

import asyncio
import os
import random
import re
import signal
import socket
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from urllib.parse import parse_qs, urlsplit

from aiohttp import encode_basic_auth, web

ACCOUNT_SID = "AC" + "1" * 32
AUTH_TOKEN = "token-for-tests-only"

RETRY_AFTERS: tuple[Callable[[datetime], str | None], ...] = (
    lambda now: None,
    lambda now: "0",
    lambda now: "1",
    lambda now: "0.5",
    lambda now: format_datetime(now + timedelta(seconds=2), usegmt=True),
    lambda now: format_datetime(now - timedelta(hours=1), usegmt=True),
    lambda now: "soon",
    lambda now: "-3",
    lambda now: "99999999999999999999",
)


@dataclass(frozen=True, slots=True)
class Manners:
    """Chances in [0, 1] of each misbehaviour; the rest is well-behaved."""

    refuse_connection: float = 0.0  # reset before anything was accepted
    accept_then_reset: float = 0.0
    accept_then_504: float = 0.0
    accept_then_hang_s: float = 0.0  # of those accepted and never answered, see `hang`
    hang: float = 0.0
    throttle: float = 0.0
    server_error: float = 0.0  # 503, nothing accepted
    slow_s: float = 0.0
    list_lag_s: float = 0.0
    seed: int = 0
    token: str = ""  # the only auth token that opens the account; empty: any
    codes: dict[str, int] = field(default_factory=dict)  # by recipient
    retry_afters: tuple[Callable[[datetime], str | None], ...] = RETRY_AFTERS


@dataclass(frozen=True, slots=True)
class Accepted:
    """One line of the ledger: a message that will reach the phone."""

    sid: str
    to: str
    body: str
    text_id: int | None
    at: datetime
    form: dict[str, str]


class ChaosTwilio:
    """The stand-in. `url` is what TWILIO_API_BASE_URL is set to. Runs in a thread of its own."""

    def __init__(self, manners: Manners | None = None, clock: Callable[[], datetime] = lambda: datetime.now(UTC)):
        self.manners, self.clock = manners or Manners(), clock
        self.ledger: list[Accepted] = []
        self.requests = 0
        self.connections: set[int] = set()
        self.throttled = 0
        self.victims: dict[int, int] = {}
        """How many more texts a process (by id) may get accepted before it is killed in the middle of one."""
        self._random = random.Random(self.manners.seed)
        self._lock = threading.Lock()
        self._sid = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._ready = threading.Event()
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> "ChaosTwilio":
        self._thread = threading.Thread(target=self._serve, name="chaos-twilio", daemon=True)
        self._thread.start()
        assert self._ready.wait(10), "the stand-in for Twilio did not start"
        return self

    def __exit__(self, *_: object) -> None:
        assert self._loop and self._thread
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    def of_text(self, text_id: int) -> list[Accepted]:
        return [one for one in self.ledger if one.text_id == text_id]

    def receipts(self, shuffled: bool = True, doubled: bool = True) -> list[dict[str, str]]:
        """Return the status callbacks of every accepted message, in an order that no network promises to avoid."""
        made = [
            {"text": str(one.text_id), "MessageSid": one.sid, "MessageStatus": status, "AccountSid": ACCOUNT_SID}
            for one in self.ledger
            for status in ("queued", "sent", "delivered")
        ]
        made = made * 2 if doubled else made
        if shuffled:
            self._random.shuffle(made)
        return made

    # The server -----------------------------------------------------------------------------------------------------

    def _serve(self) -> None:
        asyncio.run(self._main())

    async def _main(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        app = web.Application()
        path = "/2010-04-01/Accounts/{account}/Messages.json"
        app.router.add_post(path, self._create)
        app.router.add_get(path, self._list)
        runner = web.AppRunner(app, access_log=None, handler_cancellation=False, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", self.port, reuse_address=True)
        await site.start()
        self.port = site._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
        self._ready.set()
        await self._stop.wait()
        await runner.cleanup()

    def _chance(self, share: float) -> bool:
        return share > 0 and self._random.random() < share

    async def _create(self, request: web.Request) -> web.StreamResponse:
        form = {key: str(value) for key, value in (await request.post()).items()}
        self.requests += 1
        manners, now = self.manners, self.clock()
        if self._chance(manners.refuse_connection):
            return _reset(request)
        if self._chance(manners.throttle):
            self.throttled += 1
            header = self._random.choice(manners.retry_afters)(now)
            return _refusal(429, 20429, {"Retry-After": header} if header is not None else None)
        if self._chance(manners.server_error):
            return _refusal(503, 20503)
        if manners.token and request.headers.get("Authorization") != encode_basic_auth(ACCOUNT_SID, manners.token):
            return _refusal(401, 20003)
        if code := _problem(form) or manners.codes.get(form["To"]):
            return _refusal({20003: 401, 20005: 403, 30002: 403}.get(code, 400), code)
        accepted = self._accept(form, now)
        self._strike()
        if manners.slow_s:
            await asyncio.sleep(self._random.random() * manners.slow_s)
        if self._chance(manners.accept_then_reset):
            return _reset(request)
        if self._chance(manners.hang):
            await asyncio.sleep(manners.accept_then_hang_s)
            return _reset(request)
        if self._chance(manners.accept_then_504):
            return web.Response(status=504, text="<html>504 Gateway Time-out</html>", content_type="text/html")
        return web.json_response(_resource(accepted), status=201)

    def _accept(self, form: dict[str, str], now: datetime) -> Accepted:
        self._sid += 1
        found = parse_qs(urlsplit(form.get("StatusCallback", "")).query).get("text")
        sid = f"SM{self._sid:032x}"
        accepted = Accepted(sid, form["To"], form["Body"], int(found[0]) if found else None, now, form)
        self.ledger.append(accepted)
        return accepted

    def _strike(self) -> None:
        for pid, left in list(self.victims.items()):
            if left <= 0:
                del self.victims[pid]
                os.kill(pid, signal.SIGKILL)
            else:
                self.victims[pid] = left - 1

    async def _list(self, request: web.Request) -> web.StreamResponse:
        now, query = self.clock(), request.query
        after = query.get("DateSent>")
        size = int(query.get("PageSize", 50))
        mine = [
            one
            for one in reversed(self.ledger)
            if one.to == query.get("To", one.to)
            and one.at <= now - timedelta(seconds=self.manners.list_lag_s)
            and (after is None or one.at >= datetime.fromisoformat(after.replace("Z", "+00:00")))
        ]  # fmt: skip
        number = int(query.get("Page", 0))
        here = mine[number * size : (number + 1) * size]
        more = str(request.rel_url.update_query(Page=number + 1)) if (number + 1) * size < len(mine) else None
        messages = [_resource(one, "delivered") for one in here]
        return web.json_response({"messages": messages, "next_page_uri": more, "page": number, "page_size": size})


def _refusal(status: int, code: int, headers: dict[str, str] | None = None) -> web.Response:
    return web.json_response({"code": code, "message": "refused", "status": status}, status=status, headers=headers)


def _reset(request: web.Request) -> web.Response:
    """Close the connection with RST, so that the client hears nothing at all."""
    transport = request.transport
    if transport is not None:
        sock: socket.socket = transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
    return web.Response(status=500)


def _problem(form: dict[str, str]) -> int | None:
    """Return Twilio's code for what is missing or malformed, as Twilio would."""
    if not form.get("To"):
        return 21604
    if not re.fullmatch(r"\+[1-9][0-9]{5,14}", form["To"]):
        return 21211
    if not form.get("Body"):
        return 21602
    if len(form["Body"]) > 1600:
        return 21617
    if not (form.get("From") or form.get("MessagingServiceSid")):
        return 21603
    if "ValidityPeriod" in form and not 1 <= int(form["ValidityPeriod"]) <= 36000:
        return 21624
    return None


def _resource(one: Accepted, status: str = "queued") -> dict[str, object]:
    stamp = one.at.strftime("%a, %d %b %Y %H:%M:%S +0000")
    return {
        "sid": one.sid, "account_sid": ACCOUNT_SID, "to": one.to, "from": one.form.get("From"), "body": one.body,
        "status": status, "direction": "outbound-api", "date_created": stamp, "date_sent": stamp, "date_updated": stamp,
        "error_code": None, "error_message": None, "num_segments": "1", "num_media": "0", "price": None,
        "price_unit": "USD", "api_version": "2010-04-01", "messaging_service_sid": None, "uri": "",
    }  # fmt: skip
