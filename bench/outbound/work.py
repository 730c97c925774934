"""One process of the bench: `bare` (the SDK alone), `naive` (one ORM commit per text) or `worker` (ours).

Prints "ready", starts on a line from standard input, and ends with one JSON line: texts, and when it began and ended.
"""

import asyncio
import json
import logging
import sys
import time
from zoneinfo import ZoneInfo

import structlog
import uvloop
from sqlalchemy import literal, select
from sqlalchemy.orm import Session
from twilio.http.async_http_client import AsyncTwilioHttpClient
from twilio.rest import Client

from gateway import garbage
from gateway.carriers.twilio.sender import TwilioAccount, TwilioCarrier
from gateway.database import make_engine, reading
from gateway.outbox.claim import Terms
from gateway.outbox.lanes_waiting import ZoneOf
from gateway.outbox.worker import Worker, worker_name
from gateway.rules.carrier_routes import Route
from gateway.rules.pace import Pace
from gateway.rules.sending_hours import SendingHours
from gateway.tables import OutboundText, Sender

ACCOUNT = "AC" + "1" * 32
CALLBACK = "https://jalsa.example/webhooks/twilio/status?text={}"
BODY = "Jalsa at Minar-e-Pakistan on Sunday, 5 pm. Buses leave Liberty Chowk at 2 pm. Reply STOP to end."


def ready() -> None:
    print("ready", flush=True)
    sys.stdin.readline()


def told(texts: int, began: float) -> None:
    print(json.dumps({"texts": texts, "began": began, "ended": time.time()}), flush=True)


def sdk(url: str) -> Client:
    client = Client(ACCOUNT, "token", http_client=AsyncTwilioHttpClient())
    client.api.base_url = url
    return client


async def bare(url: str, texts: int, at_once: int) -> None:
    client = sdk(url)
    left = iter(range(texts))

    async def one_after_the_other() -> None:
        for number in left:
            await client.messages.create_async(
                to=f"+92300{number:07d}", from_="80022", body=BODY, status_callback=CALLBACK.format(number)
            )

    await client.messages.create_async(to="+923000000000", from_="80022", body=BODY)
    ready()
    began = time.time()
    await asyncio.gather(*(one_after_the_other() for _ in range(at_once)))
    told(texts, began)
    await client.http_client.close()


async def naive(url: str, database: str, texts: int) -> None:
    client = sdk(url)
    engine = make_engine(database)
    ready()
    began = time.time()
    with Session(engine.execution_options(writing=True)) as session:
        for _ in range(texts):
            text = session.scalars(select(OutboundText).where(OutboundText.state == "queued").limit(1)).one()
            sender = session.get_one(Sender, text.sender_id)
            message = await client.messages.create_async(
                to=sender.key, from_="80022", body=text.body, status_callback=CALLBACK.format(text.id)
            )
            text.state, text.carrier, text.carrier_id = "sent", "twilio", message.sid
            session.commit()
    told(texts, began)
    await client.http_client.close()


async def worker(url: str, database: str) -> None:
    engine = make_engine(database)
    carrier = TwilioCarrier(TwilioAccount(ACCOUNT, "token", "80022", "", url), CALLBACK.format)
    fast = Pace(1_000_000, 1_000_000)
    terms = Terms(
        worker_name(), (Route("*", ("twilio",)),), {"twilio": fast}, SendingHours.read("00:00-24:00"),
        ZoneOf(ZoneInfo("UTC")),
    )  # fmt: skip
    made = Worker(engine, {"twilio": carrier}, terms)
    texts = OutboundText.__table__
    open_ = select(literal(1)).where(texts.c.state.in_(("queued", "attempted"))).limit(1)
    stop = asyncio.Event()
    with reading(engine) as connection:
        connection.execute(open_)
    garbage.settle()  # as `jalsa worker` does
    ready()
    began = time.time()

    async def watch() -> None:
        while True:
            await asyncio.sleep(0.05)
            if made.claimed_last == 0 and not made._flying and not made._results:
                with reading(engine) as connection:
                    if connection.execute(open_).first() is None:
                        told(made.recorded, began)
                        stop.set()
                        return

    await asyncio.gather(made.run(stop), watch())


def main() -> None:
    logging.disable(logging.WARNING)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    mode, url, database, texts = sys.argv[1:]
    match mode:
        case "bare":
            uvloop.run(bare(url, int(texts), 256))
        case "naive":
            uvloop.run(naive(url, database, int(texts)))
        case _:
            uvloop.run(worker(url, database))


if __name__ == "__main__":
    main()
