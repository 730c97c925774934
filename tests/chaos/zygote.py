"""A process that has everything imported and forks workers on demand, so that a kill costs milliseconds.

Reads one JSON object a line from standard input, answers one a line: spawn (a worker that waits), go, wait.
"""

import asyncio
import json
import os
import signal
import sys
import urllib.parse
import urllib.request
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import null, update

from gateway.carriers.base import SendResult, TextToSend
from gateway.carriers.twilio import sender as twilio_sender
from gateway.carriers.twilio.sender import TwilioAccount, TwilioCarrier
from gateway.database import make_engine, writing
from gateway.outbox import claim as claiming
from gateway.outbox import uncertain
from gateway.outbox.claim import Terms
from gateway.outbox.lanes_waiting import ZoneOf
from gateway.outbox.worker import Worker
from gateway.rules.carrier_routes import Route
from gateway.rules.pace import Pace
from gateway.rules.sending_hours import SendingHours
from gateway.tables import OutboundText
from tests.fakes.chaos_twilio import ACCOUNT_SID, AUTH_TOKEN

CALLBACK = "https://jalsa.example/webhooks/twilio/status?text={}"
IN_FLIGHT = 8


def work(order: dict[str, Any]) -> None:
    """Be one worker until there is nothing left to do, or until the boundary at which it must die."""
    engine = make_engine(order["database"])

    def clock(_connection: object = None) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=order["offset"])

    reached = 0

    def boundary(name: str) -> None:
        nonlocal reached
        reached += name == order["kill_at"]
        if name == order["kill_at"] and reached >= order["nth"]:
            os.kill(os.getpid(), signal.SIGKILL)

    terms = Terms(
        worker=f"worker-{os.getpid()}-{order['offset']}",
        routes=(Route("*", ("twilio",)),),
        paces={"twilio": Pace(100_000, 100_000)},
        hours=SendingHours.read("00:00-24:00"),
        zone_of=ZoneOf(ZoneInfo("UTC")),
    )
    account = TwilioAccount(ACCOUNT_SID, AUTH_TOKEN, "80022", "", order["twilio"])
    carrier: Any = TwilioCarrier(account, CALLBACK.format, timeout_s=3.0, clock=clock)
    if break_it := VARIANTS.get(order["variant"]):
        carrier = break_it(carrier, order)
    worker = Worker(engine, {"twilio": carrier}, terms, clock=clock, boundary=boundary, in_flight=IN_FLIGHT)

    async def main() -> None:
        stop = asyncio.Event()

        async def watch() -> None:
            idle = 0
            while idle < 8:
                await asyncio.sleep(0.01)
                busy = worker._flying or worker._results or worker._senders or worker.claimed_last
                idle = 0 if busy else idle + 1
            stop.set()

        await asyncio.gather(worker.run(stop), watch())

    asyncio.run(main())
    engine.dispose()


# Workers that are broken on purpose: the proof must turn red for each --------------------------------------------


def _resends(carrier: TwilioCarrier, _order: dict[str, Any]) -> TwilioCarrier:
    """What was perhaps sent is simply sent again."""

    def requeue(engine: Any, clock: Any) -> int:
        texts = OutboundText.__table__
        with writing(engine) as connection:
            now = clock(connection)
            gone = update(texts).where(texts.c.state == "attempted", texts.c.lease_until < now)
            return int(connection.execute(gone.values(state="queued", not_before=now)).rowcount)

    uncertain.expire_leases = requeue
    return carrier


class _SendsFirst:
    """Sends inside the claim, before the attempt is committed."""

    name = "twilio"
    capabilities = TwilioCarrier.capabilities

    def __init__(self, carrier: TwilioCarrier, order: dict[str, Any]) -> None:
        self._url = f"{order['twilio']}/2010-04-01/Accounts/{ACCOUNT_SID}/Messages.json"
        self._results: dict[int, SendResult] = {}
        claim_from = claiming._claim_from

        def sends_first(*arguments: Any) -> claiming.Claimed:
            claimed = claim_from(*arguments)
            for text in claimed.texts:
                self._results[text.id] = self._post(text)
            return claimed

        claiming._claim_from = sends_first
        self.look = carrier.look
        self.open, self.close = carrier.open, carrier.close

    def _post(self, text: claiming.ClaimedText) -> SendResult:
        form = {"To": text.number, "From": "80022", "Body": text.body, "StatusCallback": CALLBACK.format(text.id)}
        with urllib.request.urlopen(self._url, urllib.parse.urlencode(form).encode(), timeout=5) as answer:
            return SendResult(text.id, twilio_sender._ACCEPTED, carrier_id=json.load(answer)["sid"])

    async def send(self, texts: Sequence[TextToSend]) -> AsyncIterator[SendResult]:
        for text in texts:
            yield self._results.pop(text.id)


def _skips_consent(carrier: TwilioCarrier, _order: dict[str, Any]) -> TwilioCarrier:
    """The claim does not test consent."""
    claiming.KEPT_BACK = null()
    return carrier


VARIANTS: dict[str, Any] = {"resends": _resends, "sends first": _SendsFirst, "skips consent": _skips_consent}


def main() -> None:
    gates: dict[int, int] = {}
    for line in sys.stdin:
        order = json.loads(line)
        if order["do"] == "spawn":
            read, write = os.pipe()
            pid = os.fork()
            if pid == 0:
                os.close(write)
                os.dup2(os.open(os.devnull, os.O_RDWR), 0)
                os.dup2(0, 1)  # the log; standard output is for answers
                os.read(read, 1)
                code = 1
                try:
                    work(order)
                    code = 0
                finally:
                    sys.stderr.flush()
                    os._exit(code)
            os.close(read)
            gates[pid] = write
            answer: dict[str, Any] = {"pid": pid}
        elif order["do"] == "go":
            write = gates.pop(order["pid"])
            os.write(write, b"x")
            os.close(write)
            answer = {}
        else:
            _, status = os.waitpid(order["pid"], 0)
            killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
            answer = {"killed": killed, "code": os.WEXITSTATUS(status) if os.WIFEXITED(status) else None}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
