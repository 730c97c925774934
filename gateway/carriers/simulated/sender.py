"""Sending to the simulated phone network: accepts, refuses, loses and answers late as it is told to.

Nothing here draws by chance alone: what becomes of a text follows from its id and the seed, so a run can be repeated.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b

from gateway.carriers.base import Capabilities, Found, LookFailed, SendResult, TextToFind, TextToSend
from gateway.rules.carrier_codes import CodeRule, Effect, Outcome, http_rule, twilio_rule
from gateway.rules.delivery_status import TextState

_ACCEPTED = CodeRule("simulated", Outcome.ACCEPTED, Effect.NONE, "accepted")


@dataclass(frozen=True, slots=True)
class NetworkManners:
    """How the network behaves: the share of texts whose answer is lost, how long an answer takes, codes by number."""

    lost_answers: float = 0.0
    delay_s: float = 0.0
    throttles: bool = False
    codes: tuple[tuple[str, int], ...] = ()
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Taken:
    """A text that the network has: what a phone would show."""

    carrier_id: str
    text: TextToSend
    at: datetime


class SimulatedCarrier:
    """A carrier of `gateway.carriers.base` without a network behind it; `taken` is what it accepted, in order."""

    name = "simulated"
    capabilities = Capabilities(looks=True)

    def __init__(
        self,
        manners: NetworkManners | None = None,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        deliver: Callable[[Taken], Awaitable[None]] | None = None,
        keep: int | None = 10_000,
    ) -> None:
        """`deliver` brings every text taken to its phone; of those, the last `keep` are remembered for a look."""
        self.manners, self._clock, self._deliver, self._keep = manners or NetworkManners(), clock, deliver, keep
        self.taken: list[Taken] = []
        self.down = False

    async def open(self) -> None:
        pass

    async def close(self) -> None:
        pass

    async def send(self, texts: Sequence[TextToSend]) -> AsyncIterator[SendResult]:
        if self.manners.delay_s:
            await asyncio.sleep(self.manners.delay_s)
        codes = dict(self.manners.codes)
        for text in texts:
            if self.down:
                yield SendResult(text.id, http_rule(None, connected=False), reached=False)
            elif self.manners.throttles:
                yield SendResult(text.id, twilio_rule(20429))
            elif code := codes.get(text.number):
                yield SendResult(text.id, twilio_rule(code))
            else:
                yield await self._take(text)

    async def _take(self, text: TextToSend) -> SendResult:
        digest = blake2b(f"{self.manners.seed}:{text.id}:{len(self.taken)}".encode(), digest_size=16)
        taken = Taken("SM" + digest.hexdigest(), text, self._clock())
        self.taken.append(taken)
        if self._keep is not None and len(self.taken) > 2 * self._keep:
            del self.taken[: -self._keep]
        if self._deliver:
            await self._deliver(taken)
        if digest.digest()[0] < self.manners.lost_answers * 256:
            return SendResult(text.id, http_rule(None), reached=False)
        return SendResult(text.id, _ACCEPTED, carrier_id=taken.carrier_id)

    async def look(self, text: TextToFind) -> Sequence[Found]:
        if self.down:
            raise LookFailed("down")
        return [
            Found(one.carrier_id, TextState.SENT)
            for one in self.taken
            if one.text.number == text.number and one.text.body == text.body and one.at >= text.attempted_at
        ]
