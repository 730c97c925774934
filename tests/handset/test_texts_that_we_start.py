"""A text out of the outbox reaches the phone on the page, and its receipt reaches the database."""

import time
from pathlib import Path

import httpx
from sqlalchemy import select

from gateway.database import make_engine, reading, writing
from gateway.outbox.enqueue import NewText, enqueue
from gateway.outbox.setup import routes_from
from gateway.service import utc_now
from gateway.tables import OutboundText, Sender
from tests.gateway.conftest import settings_for

BILAL = "+923000000103"


def test_a_text_that_we_start_arrives_and_is_told_delivered(page: httpx.Client, data_folder: Path) -> None:
    page.post("/handset/texts", data={"number": BILAL, "body": "REPORT no water"})
    url = f"sqlite:///{data_folder / 'jalsa.db'}"
    engine = make_engine(url)
    with writing(engine) as connection:
        sender = connection.execute(select(Sender.id).where(Sender.key == BILAL)).scalar_one()
        news = NewText("report", sender, BILAL, "The water is there, gate 3")
        assert (
            enqueue(
                connection,
                [news],
                routes_from(settings_for(url, carrier="simulated", public_base_url="http://127.0.0.1")),
                utc_now(),
            )
            == 1
        )
    until, state = time.monotonic() + 20, ""
    while state != "delivered" and time.monotonic() < until:
        time.sleep(0.05)
        with reading(engine) as connection:
            state = connection.execute(select(OutboundText.state).where(OutboundText.body == news.body)).scalar_one()
    engine.dispose()
    assert state == "delivered"
    assert page.get("/handset").text.count("The water is there, gate 3</p>") == 1
