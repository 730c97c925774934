"""Sending through Twilio's own SDK, asynchronously, over one session that is kept open.

Source: Twilio docs, "Messages resource". The SDK's HTTP client is taken over so far that no number or text reaches a
log, every request has a time limit, and Retry-After is not lost (the SDK's exception drops the headers).
"""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from logging import getLogger
from typing import Any

import aiohttp
import structlog
from twilio.base import values
from twilio.http import AsyncHttpClient
from twilio.http.response import Response
from twilio.rest import Client

from gateway.carriers.base import Capabilities, Found, LookFailed, SendResult, TextToFind, TextToSend
from gateway.rules.carrier_codes import CodeRule, Effect, Outcome, http_rule, twilio_rule
from gateway.rules.delivery_status import TextState, from_twilio
from gateway.rules.retry import read_retry_after

log = structlog.get_logger()

LONGEST_VALIDITY_S = 36_000
SHORTEST_VALIDITY_S = 1
SKEW = timedelta(minutes=1)
"""How far Twilio's clock may be behind ours."""

_MOST_LISTED = 200
_SID = re.compile(r"(?:SM|MM)[0-9a-fA-F]{32}\Z")
_ACCEPTED = CodeRule("Twilio", Outcome.ACCEPTED, Effect.NONE, "accepted")


@dataclass(frozen=True, slots=True)
class TwilioAccount:
    """Whom we send as: through a Messaging Service where one is given, else from `from_number`.

    `base_url` points the SDK elsewhere than at Twilio, such as at a stand-in on this machine; empty for Twilio.
    """

    account_sid: str
    auth_token: str
    from_number: str
    messaging_service_sid: str = ""
    base_url: str = ""


class _Refusal(Exception):
    """Twilio's answer with a status of 400 or more."""

    def __init__(self, status: int, body: str, retry_after: str | None) -> None:
        self.status, self.retry_after = status, retry_after
        try:
            code = json.loads(body).get("code")
        except (ValueError, AttributeError):
            code = None
        self.code: int | None = code if isinstance(code, int) else None


class _HttpClient(AsyncHttpClient):  # type: ignore[misc]
    """The SDK's own asynchronous client logs numbers, has no time limit and allows one session setting; not this."""

    def __init__(self, connections: int, timeout_s: float) -> None:
        super().__init__(getLogger("twilio.http_client"), True, timeout_s)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=connections, ttl_dns_cache=60),
            timeout=aiohttp.ClientTimeout(total=timeout_s, sock_connect=min(5.0, timeout_s)),
            cookie_jar=aiohttp.DummyCookieJar(),
        )

    async def request(
        self,
        method: str,
        url: str,
        params: Any = None,
        data: Any = None,
        headers: Any = None,
        auth: tuple[str, str] | None = None,
        **_others: Any,
    ) -> Response:
        if auth:
            headers = {**(headers or {}), "Authorization": _basic(*auth)}
        async with self._session.request(
            method, url, params=params, data=data, headers=headers, allow_redirects=False
        ) as answer:
            body = await answer.text()
            if answer.status >= 300:
                raise _Refusal(answer.status, body, answer.headers.get("Retry-After"))
            return Response(answer.status, body, answer.headers)

    async def close(self) -> None:
        await self._session.close()


@lru_cache(maxsize=4)
def _basic(name: str, password: str) -> str:
    return aiohttp.encode_basic_auth(name, password)


class TwilioCarrier:
    """A carrier of `gateway.carriers.base` over Twilio's Messages resource."""

    name = "twilio"
    capabilities = Capabilities(looks=True, longest=10)

    def __init__(
        self,
        account: TwilioAccount,
        callback: Callable[[int], str],
        *,
        connections: int = 256,
        timeout_s: float = 15.0,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`callback` makes the absolute URL for receipts of one of our texts from its id."""
        self._account, self._callback, self._clock = account, callback, clock
        self._connections, self._timeout_s = connections, timeout_s
        self._http: _HttpClient | None = None
        self._messages: Any = None

    async def open(self) -> None:
        account = self._account
        self._http = _HttpClient(self._connections, self._timeout_s)
        client = Client(account.account_sid, account.auth_token, http_client=self._http)
        if account.base_url:
            client.api.base_url = account.base_url
        self._messages = client.messages

    async def close(self) -> None:
        if self._http:
            await self._http.close()

    async def send(self, texts: Sequence[TextToSend]) -> AsyncIterator[SendResult]:
        tasks = [asyncio.create_task(self._send_one(text)) for text in texts]
        try:
            for finished in asyncio.as_completed(tasks):
                yield await finished
        finally:
            for task in tasks:
                task.cancel()

    async def _send_one(self, text: TextToSend) -> SendResult:
        account, validity = self._account, values.unset
        if text.validity is not None:
            seconds = int(text.validity.total_seconds())
            validity = max(SHORTEST_VALIDITY_S, min(LONGEST_VALIDITY_S, seconds))
        try:
            message = await self._messages.create_async(
                to=text.number,
                body=text.body,
                from_=values.unset if account.messaging_service_sid else account.from_number,
                messaging_service_sid=account.messaging_service_sid or values.unset,
                status_callback=self._callback(text.id),
                validity_period=validity,
            )
        except _Refusal as refusal:
            return self._refused(text.id, refusal)
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError):
            return SendResult(text.id, http_rule(None, connected=False), reached=False)
        except (aiohttp.ClientError, OSError, TimeoutError):
            return SendResult(text.id, http_rule(None), reached=False)
        except Exception as error:  # such as an answer that is no JSON: it was perhaps sent
            log.warning("answer_not_understood", carrier=self.name, text=text.id, error=type(error).__name__)
            return SendResult(text.id, http_rule(None))
        if not (isinstance(message.sid, str) and _SID.match(message.sid)):
            return SendResult(text.id, http_rule(None))
        return SendResult(text.id, _ACCEPTED, carrier_id=message.sid)

    def _refused(self, text_id: int, refusal: _Refusal) -> SendResult:
        status, code = refusal.status, refusal.code
        if status >= 500:  # whatever it says: it may have been taken before it failed
            return SendResult(text_id, http_rule(status), reached=False)
        if status == 429 and code is None:
            code = 20429
        rule = http_rule(status) if code is None or code == status else twilio_rule(code)
        wait = read_retry_after(refusal.retry_after, self._clock()) if rule.outcome is Outcome.REQUEUE else None
        return SendResult(text_id, rule, retry_after=wait)

    async def look(self, text: TextToFind) -> Sequence[Found]:
        """List by To and date sent; a message that has not left Twilio's queue has no such date, so by To alone too."""
        since = text.attempted_at - SKEW
        try:
            dated = await self._messages.list_async(to=text.number, date_sent_after=since, limit=_MOST_LISTED)
            newest = await self._messages.list_async(to=text.number, limit=50, page_size=50)
        except (_Refusal, aiohttp.ClientError, OSError, TimeoutError, ValueError, KeyError) as error:
            raise LookFailed(type(error).__name__) from error
        messages = {one.sid: one for one in [*dated, *newest]}
        mine = [
            one
            for one in messages.values()
            if one.to == text.number and one.body == text.body and (one.date_created or since) >= since
            and not str(one.direction).startswith("inbound")
        ]  # fmt: skip
        mine.reverse()  # Twilio lists the newest first, and its dates are whole seconds
        mine.sort(key=lambda one: one.date_created or since)
        return [
            Found(one.sid, from_twilio(str(one.status)) or TextState.SENT, str(one.error_code or "")) for one in mine
        ]
