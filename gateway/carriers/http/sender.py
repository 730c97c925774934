"""Sending over plain HTTP as the settings file describes: one request for each text, over connections kept open."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime

import aiohttp
import structlog
from yarl import URL

from gateway.carriers.base import Capabilities, Found, LookFailed, SendResult, TextToFind, TextToSend
from gateway.carriers.http.answers import read_answer
from gateway.carriers.http.profile import Profile
from gateway.carriers.http.template import ESCAPES, fill, fill_tree, for_header, for_url
from gateway.rules.carrier_codes import http_rule
from gateway.rules.message_parts import count_parts

log = structlog.get_logger()

_MOST_ANSWER_BYTES = 64 * 1024


class HttpCarrier:
    """A carrier of `gateway.carriers.base` over whatever the profile describes."""

    name = "http"

    def __init__(
        self,
        profile: Profile,
        from_number: str,
        base_url: str,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`base_url` is ours, for the receipts' address."""
        self.profile, self._from, self._base_url, self._clock = profile, from_number, base_url, clock
        self.capabilities = Capabilities(looks=False, longest=profile.send.longest)
        self._values = {name: value.get_secret_value() for name, value in profile.values.items()}
        self._session: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        send = self.profile.send
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=send.connections, ttl_dns_cache=60),
            timeout=aiohttp.ClientTimeout(total=send.timeout_s, sock_connect=min(5.0, send.timeout_s)),
            cookie_jar=aiohttp.DummyCookieJar(),
        )
        # Else a GET or PUT whose connection broke after the carrier took it would be sent a second time by the library.
        self._session._retry_connection = False

    async def close(self) -> None:
        if self._session:
            await self._session.close()

    async def send(self, texts: Sequence[TextToSend]) -> AsyncIterator[SendResult]:
        tasks = [asyncio.create_task(self._send_one(text)) for text in texts]
        try:
            for finished in asyncio.as_completed(tasks):
                yield await finished
        finally:
            for task in tasks:
                task.cancel()

    async def look(self, text: TextToFind) -> Sequence[Found]:
        raise LookFailed("this carrier cannot be asked what it has")

    async def _send_one(self, text: TextToSend) -> SendResult:
        assert self._session is not None
        method, url, headers, body = self.request_for(text)
        try:
            async with self._session.request(
                method, URL(url, encoded=True), headers=headers, data=body, allow_redirects=False
            ) as answer:
                raw = await answer.content.read(_MOST_ANSWER_BYTES)
                words = raw.decode(answer.charset or "utf-8", "replace")
                return read_answer(
                    self.profile.answer, text.id, answer.status, words, answer.headers.get("Retry-After"), self._clock()
                )
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError):
            return SendResult(text.id, http_rule(None, connected=False), reached=False)
        except (aiohttp.ClientError, OSError, TimeoutError):
            return SendResult(text.id, http_rule(None), reached=False)
        except Exception as error:  # such as an unknown charset: it was perhaps sent
            log.warning("answer_not_understood", carrier=self.name, text=text.id, error=type(error).__name__)
            return SendResult(text.id, http_rule(None))

    def request_for(self, text: TextToSend) -> tuple[str, str, dict[str, str], bytes | None]:
        """Return (method, address, headers, body) of the request that sends this text."""
        send, values = self.profile.send, self._values | self._of_text(text)
        url = fill(send.url, values, for_url)
        if send.query:
            query = "&".join(f"{for_url(name)}={for_url(fill(value, values))}" for name, value in send.query.items())
            url += ("&" if "?" in url else "?") + query
        headers = {name: fill(value, values, for_header) for name, value in send.headers.items()}
        body: bytes | None = None
        content_type = send.content_type
        if send.form is not None:
            form = "&".join(f"{for_url(name)}={for_url(fill(value, values))}" for name, value in send.form.items())
            body, content_type = form.encode(), content_type or "application/x-www-form-urlencoded; charset=UTF-8"
        elif send.json_body is not None:
            body = json.dumps(fill_tree(send.json_body, values), ensure_ascii=False).encode("utf-8", "replace")
            content_type = content_type or "application/json"
        elif send.body is not None:
            body = fill(send.body, values, ESCAPES[send.body_escape]).encode("utf-8", "replace")
            content_type = content_type or "text/plain; charset=utf-8"
        if content_type:
            headers["Content-Type"] = content_type
        return send.method, url, headers, body

    def _of_text(self, text: TextToSend) -> dict[str, str]:
        counted = count_parts(text.body)
        validity = int(text.validity.total_seconds()) if text.validity is not None else None
        return {
            "to": text.number,
            "to_digits": text.number.removeprefix("+"),
            "from": self._from,
            "text": text.body,
            "text_hex": text.body.encode("utf-16-be", "surrogatepass").hex().upper(),
            "id": str(text.id),
            "dlr_url": self.profile.dlr_url(self._base_url, text.id),
            "encoding": self.profile.send.encodings.get(counted.encoding, counted.encoding),
            "parts": str(max(1, counted.parts)),
            "validity_s": "" if validity is None else str(max(1, validity)),
            "validity_min": "" if validity is None else str(max(1, -(-validity // 60))),
        }
