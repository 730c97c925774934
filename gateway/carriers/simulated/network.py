"""The simulated network between phones and gateway.

A phone's text becomes the form that Twilio posts, signed, and goes to our own public webhook over HTTP; the TwiML of
the answer becomes a text on the phone, and its receipts go to the statusCallback, signed too. Like a network it can be
slow and lose texts, when asked to.
"""

import asyncio
import random
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode, urlsplit

import aiohttp
import structlog

from gateway.carriers.simulated.forms import BadAnswer, inbound_form, new_sid, read_twiml, receipt_form
from gateway.carriers.simulated.phones import FROM_PHONE, TO_PHONE, Phones, ScreenText
from gateway.carriers.twilio.signature import SIGNATURE_HEADER

log = structlog.get_logger()

SMS_PATH = "/webhooks/twilio/sms"
LOST_CODE = "30008"  # Twilio: "Unknown error", what a text gets whose fate the network does not tell
MAX_TEXT_LENGTH = 1_600  # Twilio's limit for one message
_TIMEOUT = aiohttp.ClientTimeout(total=15)  # Twilio waits so long for a webhook
_TRIES = 3  # as with the retry overrides that the README tells to add to the webhook's address

Sign = Callable[[str, Mapping[str, str]], str]


@dataclass(frozen=True, slots=True)
class Conditions:
    """How the network behaves: seconds that a text takes to a phone, and the share of texts (0 to 1) that get lost."""

    delay_s: float = 0.0
    loss: float = 0.0


class SimulatedNetwork:
    """Phones, and the wire between them and one gateway. Lives in one event loop."""

    def __init__(
        self,
        *,
        sign: Sign,
        base_url: str,
        account_sid: str,
        short_code: str,
        region: str,
        chance: random.Random | None = None,
        retry_after_s: float = 0.5,
    ) -> None:
        """`sign(path with query, fields)` makes Twilio's signature for `base_url`; `chance` decides what is lost."""
        self.phones = Phones()
        self.conditions = Conditions()
        self.short_code, self.base_url, self.account_sid = short_code, base_url, account_sid
        self._sign, self._region = sign, region
        self._chance = chance or random.Random()  # noqa: S311 - weather, not a secret
        self._retry_after_s = retry_after_s
        self._session: aiohttp.ClientSession | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def text(self, number: str, body: str) -> ScreenText:
        """Text the gateway from a phone, and put its answer on the phone's screen; returns the text as it then stands.

        Without a delay the answer is there when this returns. Nothing is raised: what went wrong is on the text.
        """
        text = self.phones.put(number, FROM_PHONE, body, _now(), "sending")
        if self._is_lost():
            self.phones.touch(text, "lost")
            return text
        form = inbound_form(
            sid=new_sid(),
            account_sid=self.account_sid,
            sender=number,
            recipient=self.short_code,
            body=body,
            region=self._region,
        )
        status, answer = await self._post_until_taken(SMS_PATH, form)
        if status != 200:
            self.phones.touch(text, "refused", answer)
            return text
        try:
            messages = read_twiml(answer)
        except BadAnswer as error:
            self.phones.touch(text, "refused", f"{self.base_url}{SMS_PATH}: {error}")
            return text
        self.phones.touch(text, "taken")
        for message in messages:
            await self.deliver(number, message.body, status_callback=message.status_callback)
        return text

    async def deliver(
        self, to: str, body: str, *, sender: str = "", status_callback: str = "", sid: str | None = None
    ) -> str:
        """Take one text for a phone, as a carrier does; returns its message id.

        Without a delay the text is on the phone's screen when this returns; receipts follow in the background.

        :param to: E.164; a number that is not on the page gets its text too, and shows it when it is added
        :param sender: the number it comes from; the short code if empty
        :param status_callback: an absolute URL under `base_url`, for receipts; none are sent if empty
        """
        sid = sid or new_sid()
        conditions = self.conditions
        if not conditions.delay_s:
            self._in_background(self._tell(status_callback, sid, sender, to, self._arrive(to, body)))
            return sid

        async def later() -> None:
            await asyncio.sleep(conditions.delay_s)
            await self._tell(status_callback, sid, sender, to, self._arrive(to, body))

        self._in_background(later())
        return sid

    async def settle(self) -> None:
        """Return when every text on its way has arrived and every receipt is told."""
        while self._tasks:
            await asyncio.gather(*self._tasks)

    async def close(self) -> None:
        """End: texts that are still on their way are dropped."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._session:
            await self._session.close()

    def _arrive(self, to: str, body: str) -> bool:
        """Put a text on a phone's screen, or lose it; returns whether it arrived."""
        lost = self._is_lost()
        self.phones.put(to, TO_PHONE, body, _now(), "lost" if lost else "arrived")
        return not lost

    def _is_lost(self) -> bool:
        return self._chance.random() < self.conditions.loss

    async def _tell(self, callback: str, sid: str, sender: str, to: str, arrived: bool) -> None:
        if not callback:
            return
        if not callback.startswith(self.base_url + "/"):
            log.warning("receipt_not_sent", reason="the statusCallback is not under PUBLIC_BASE_URL")
            return
        parts = urlsplit(callback.removeprefix(self.base_url))
        path = f"{parts.path}?{parts.query}" if parts.query else parts.path
        for status, code in (("sent", ""), ("delivered", "") if arrived else ("undelivered", LOST_CODE)):
            form = receipt_form(
                sid=sid,
                account_sid=self.account_sid,
                sender=sender or self.short_code,
                recipient=to,
                status=status,
                error_code=code,
            )
            answered, _ = await self._post_until_taken(path, form)
            if answered >= 300:
                log.warning("receipt_not_taken", status=answered)

    async def _post_until_taken(self, path: str, form: Mapping[str, str]) -> tuple[int, str]:
        """Post a signed form; return (HTTP status, its body or a sentence on what went wrong). 0: no connection."""
        status, said = 0, ""
        for attempt in range(_TRIES):
            if attempt:
                await asyncio.sleep(self._retry_after_s * attempt)
            try:
                async with self._http().post(
                    self.base_url + path,
                    data=urlencode(form, errors="surrogatepass").encode(),
                    headers={
                        "Content-Type": "application/x-www-form-urlencoded; charset=UTF-8",
                        SIGNATURE_HEADER: self._sign(path, form),
                        "I-Twilio-Idempotency-Token": form["MessageSid"],
                    },
                    allow_redirects=False,
                ) as response:
                    status, said = response.status, await response.text(errors="replace")
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                status, said = 0, f"{self.base_url} does not answer ({type(error).__name__}): is PUBLIC_BASE_URL right?"
                continue
            if status < 500:
                break
        if status >= 300:
            said = f"The gateway answered {status}: {said.strip()[:200]}"
        return status, said

    def _http(self) -> aiohttp.ClientSession:
        if self._session is None or self._session.closed:
            headers = {"User-Agent": "TwilioProxy/1.1", "Accept": "*/*"}
            self._session = aiohttp.ClientSession(timeout=_TIMEOUT, headers=headers)
        return self._session

    def _in_background(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _now() -> datetime:
    return datetime.now(UTC)
