"""An account that is changed while processes run is used by them within seconds, and a broken one kills none."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, insert, select, update

from gateway.carriers.twilio.sender import TwilioCarrier
from gateway.database import reading, writing
from gateway.outbox.enqueue import NewText, enqueue_one
from gateway.outbox.setup import routes_from
from gateway.outbox.uncertain import CHANGING, doubtful_texts
from gateway.outbox.worker import Worker, worker_from
from gateway.overrides.carrier_account import account_fields, accounts_since, set_account, settings_at_start
from gateway.overrides.in_force import Watch
from gateway.overrides.store import changing, current, put
from gateway.service import Service
from gateway.settings import Settings, load_settings
from gateway.tables import Alert, CarrierState, OutboundText, Sender
from tests.fakes.chaos_twilio import ACCOUNT_SID, ChaosTwilio, Manners

GOOD = {"twilio_account_sid": ACCOUNT_SID, "twilio_auth_token": "the-good-one"}


@pytest.fixture
def fake() -> Iterator[ChaosTwilio]:
    with ChaosTwilio(Manners(token="the-good-one")) as made:
        yield made


@pytest.fixture
def settings(database_url: str, engine: Engine, fake: ChaosTwilio) -> Settings:
    """As they are at the start of a process; the account that is stored then is refused by Twilio."""
    given = load_settings(
        database_url=database_url, secret_key="secret-for-tests-only", twilio_api_base_url=fake.url,
        sending_hours="00:00-00:00", _env_file=None,
    )  # fmt: skip
    keep(engine, given, GOOD | {"twilio_auth_token": "an-old-one"})
    return settings_at_start(given)


def keep(engine: Engine, settings: Settings, account: dict[str, str]) -> None:
    with changing(engine) as connection:
        set_account(connection, settings, "twilio", account, "amna", datetime.now(UTC))


def text_somebody(engine: Engine, settings: Settings, number: str) -> int:
    now = datetime.now(UTC)
    with writing(engine) as connection:
        row = {"key": number, "consent": "joined", "first_seen_at": now, "last_seen_at": now}
        sender = connection.execute(insert(Sender).values(row).returning(Sender.id)).scalar_one()
        return enqueue_one(connection, NewText("report", sender, number, "News"), routes_from(settings), now)


def states(engine: Engine) -> dict[str, int]:
    found: dict[str, int] = {}
    with reading(engine) as connection:
        for state in connection.execute(select(OutboundText.state)).scalars():
            found[state] = found.get(state, 0) + 1
    return found


def alerts(engine: Engine) -> list[str]:
    with reading(engine) as connection:
        return list(connection.execute(select(Alert.kind).where(Alert.cleared_at.is_(None))).scalars())


async def until(holds: Callable[[], Any], seconds: float = 20.0) -> None:
    ends = time.monotonic() + seconds
    while not await asyncio.to_thread(holds):
        assert time.monotonic() < ends, "it did not come about in time"
        await asyncio.sleep(0.05)


@asynccontextmanager
async def working(settings: Settings, engine: Engine) -> AsyncIterator[Worker]:
    worker = worker_from(settings, engine, accounts_now=Watch(engine, settings).accounts_now)
    stop = asyncio.Event()
    running = asyncio.create_task(worker.run(stop))
    try:
        yield worker
        assert not running.done(), "the worker goes on, whatever came"
    finally:
        stop.set()
        await running


def test_a_running_worker_takes_the_new_account_and_its_halt_is_lifted(
    engine: Engine, settings: Settings, fake: ChaosTwilio
) -> None:
    async def main() -> None:
        async with working(settings, engine) as worker:
            text_somebody(engine, settings, "+923001234501")
            await until(lambda: alerts(engine) == ["halted"])
            before = worker.carriers["twilio"]
            keep(engine, settings, GOOD)
            text_somebody(engine, settings, "+923001234502")
            await until(lambda: any(one.to == "+923001234502" for one in fake.ledger))
            assert worker.carriers["twilio"] is not before and isinstance(before, TwilioCarrier)
            assert before._http is not None and before._http._session.closed
            assert alerts(engine) == []

    asyncio.run(main())


def test_a_broken_account_pauses_its_carrier_and_says_so_until_it_is_mended(
    engine: Engine, settings: Settings, fake: ChaosTwilio
) -> None:
    async def main() -> None:
        keep(engine, settings, GOOD)
        async with working(settings_at_start(settings), engine) as worker:
            text_somebody(engine, settings, "+923001234501")
            await until(lambda: len(fake.ledger) == 1)
            with changing(engine) as connection:  # sealed with another key, as after a move to another machine
                put(connection, "secret", "twilio_auth_token", "not-sealed-by-us", "amna", datetime.now(UTC))
            await until(lambda: alerts(engine) == ["account"])
            text_somebody(engine, settings, "+923001234502")
            await asyncio.sleep(1.0)  # nothing is to happen, which no event tells
            assert states(engine)["queued"] == 1 and len(fake.ledger) == 1
            assert "twilio" not in worker.carriers
            keep(engine, settings, GOOD)
            await until(lambda: len(fake.ledger) == 2)
            assert alerts(engine) == []

    asyncio.run(main())


def test_a_web_process_checks_webhooks_with_the_new_secret(engine: Engine, settings: Settings) -> None:
    service = Service(settings)
    try:
        old = service.signatures.sign("/webhooks/twilio/sms", {"Body": "JOIN"})
        assert service.signatures.valid("/webhooks/twilio/sms", {"Body": "JOIN"}, old, None)
        keep(engine, settings, GOOD)
        with reading(engine) as connection:
            service.watch.look(connection)
            stored = current(connection)
        assert not service.signatures.valid("/webhooks/twilio/sms", {"Body": "JOIN"}, old, None)
        new = service.signatures.sign("/webhooks/twilio/sms", {"Body": "JOIN"})
        assert service.signatures.valid("/webhooks/twilio/sms", {"Body": "JOIN"}, new, None)
        assert {one.state for one in account_fields(service.settings, stored, "twilio")} == {"stored", "none"}
    finally:
        service.close()


def test_what_another_account_was_given_is_not_taken_for_absent(engine: Engine, settings: Settings) -> None:
    now = datetime.now(UTC)
    with reading(engine) as connection:
        since = accounts_since(current(connection))
    ids = [text_somebody(engine, settings, f"+92300123450{at}") for at in range(2)]
    with writing(engine) as connection:
        for text_id, attempted in zip(ids, (now - timedelta(hours=1), now + CHANGING), strict=True):
            doubtful = {"state": "uncertain", "carrier": "twilio", "attempted_at": attempted, "attempts": 1, "looks": 1,
                        "lease_until": now - timedelta(seconds=1)}  # fmt: skip
            connection.execute(update(OutboundText).where(OutboundText.id == text_id).values(doubtful))
    found = doubtful_texts(engine, ["twilio"], lambda _: now, since)
    assert [one.find.id for one in found] == ids[1:]
    keep(engine, settings, GOOD)  # another secret of the same account changes nothing about that
    with reading(engine) as connection:
        assert accounts_since(current(connection)) == since


def test_simulated_phones_begin_and_end_with_a_start_alone(engine: Engine, database_url: str) -> None:
    given = load_settings(database_url=database_url, secret_key="secret-for-tests-only", _env_file=None)
    watch = Watch(engine, given)
    keep(engine, given, GOOD)
    with reading(engine) as connection:
        held = watch.look(connection)
        assert connection.execute(select(CarrierState.name)).first() is None
    assert held.settings.simulated
    assert {one.state for one in account_fields(held.settings, held.stored, "twilio")} == {"waiting", "none"}
