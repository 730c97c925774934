"""What the outbox asks of a carrier: values in, values out. Every carrier passes tests/carriers/contract.py."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from gateway.rules.carrier_codes import CodeRule
from gateway.rules.delivery_status import TextState


@dataclass(frozen=True, slots=True)
class TextToSend:
    """One text for one phone. `id` is ours and comes back in receipts; `number` is E.164; `parts` is what it costs.

    `validity` is how long the text is of use, None for as long as the carrier likes.
    """

    id: int
    number: str
    body: str
    parts: int = 1
    validity: timedelta | None = None


@dataclass(frozen=True, slots=True)
class SendResult:
    """What came of handing over one text: `rule.outcome` says whether it was accepted, refused or perhaps sent.

    `carrier_id` is set where it was accepted and the carrier gave one. `reached` is False where no answer of the
    carrier's own came back (no connection, timeout, 5xx): many of those in a row mean that it is down.
    """

    text_id: int
    rule: CodeRule
    carrier_id: str | None = None
    retry_after: timedelta | None = None
    reached: bool = True


@dataclass(frozen=True, slots=True)
class TextToFind:
    """A text that was perhaps sent; `attempted_at` is aware UTC."""

    id: int
    number: str
    body: str
    attempted_at: datetime


@dataclass(frozen=True, slots=True)
class Found:
    """A message that the carrier has, with the same recipient and words, not older than the attempt."""

    carrier_id: str
    state: TextState
    error_code: str = ""


class LookFailed(Exception):
    """The carrier could not be asked now, so nothing is known."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """`looks`: an uncertain text can be looked for. `longest`: the most parts of one text."""

    looks: bool = False
    longest: int = 10


class Carrier(Protocol):
    """One way to the phones. Made anywhere; opened, used and closed in one event loop."""

    name: str
    capabilities: Capabilities

    async def open(self) -> None:
        """Make ready to send (connections are made when first needed, so a carrier that is down opens too)."""

    async def close(self) -> None:
        """Give back what `open` took; texts in flight have ended before."""

    def send(self, texts: Sequence[TextToSend]) -> AsyncIterator[SendResult]:
        """Start every text at once and yield each one's result as it comes, exactly one for each, in any order.

        Never raises for a text: what goes wrong is a result, and where it may have been sent that result is uncertain.
        """

    async def look(self, text: TextToFind) -> Sequence[Found]:
        """Return every message of the carrier's that may be this text, oldest first; empty where there is none.

        :raises LookFailed: it could not be asked, or has no way to look
        """
