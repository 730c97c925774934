"""Webhooks on their way to a real HTTP server: signed, tried again, once by two, and nothing lost in a crash."""

import json
import multiprocessing
import os
import signal
import threading
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, select, update

from gateway.accounts.seal import Sealer
from gateway.database import make_engine, writing
from gateway.hooks.courier import Courier
from gateway.hooks.deliveries import KEEP, LEASE, forget_old, send_again
from gateway.hooks.endpoints import enable_endpoint, remove_endpoint, rotate_secret
from gateway.hooks.events import wanted_kinds
from gateway.rules.hook_address import LOOPBACK
from gateway.tables import Alert, HookEndpoint, HookEvent
from tests.broadcasts.conftest import Desk
from tests.gateway.conftest import Texting
from tests.hooks.conftest import SEALER, Adding, Post
from tests.hooks.receiver import Receiver
from tests.outbox.conftest import NOON


def test_what_arrives_is_signed_and_thin(
    engine: Engine, add: Adding, office: Post, receiver: Receiver, text: Texting
) -> None:
    _, secret = add(receiver.url)
    text("JOIN Sana Lahore NA-130 students", "+923001234567")
    text("REPORT no water at gate 3", "+923001234567")
    office.round()
    assert sorted(receiver.kinds) == ["member.joined", "report.opened"]
    assert receiver.valid(secret) == [True, True]
    assert receiver.valid("whsec_" + "A" * 44) == [False, False]
    assert len(set(receiver.ids)) == 2
    member = receiver.of("member.joined")["member"]
    assert (member["city"], member["constituency"]["code"], member["affinities"]) == ("lahore", "NA-130", ["students"])
    assert member["phone"].startswith("+92300")
    assert set(receiver.of("report.opened")["report"]) == {
        "id", "ref", "event", "state", "category", "urgency", "opened_at", "reporter",
    }  # fmt: skip
    said = b"".join(body for _, body in receiver.raw)
    assert b"+923001234567" not in said
    assert b"Sana" not in said
    assert b"gate 3" not in said
    assert receiver.came[0]["version"] == 1
    assert receiver.raw[0][0]["webhook-timestamp"] == str(int(NOON.timestamp()))


def test_phones_and_texts_for_who_asked(add: Adding, office: Post, receiver: Receiver, text: Texting) -> None:
    add(receiver.url, with_phones=True, with_texts=True)
    text("JOIN Sana Lahore", "+923001234567")
    text("REPORT no water at gate 3", "+923001234567")
    office.round()
    assert receiver.of("member.joined")["member"]["phone"] == "+923001234567"
    assert "no water at gate 3" in receiver.of("report.opened")["report"]["text"]


def test_of_the_erased_nothing_is_told_not_even_late(
    add: Adding, office: Post, receiver: Receiver, text: Texting
) -> None:
    add(receiver.url, with_phones=True, with_texts=True)
    for words in ("JOIN Sana Lahore", "REPORT no water at gate 3", "ERASE", "YES"):
        text(words, "+923001234567")
    office.round()
    assert sorted(receiver.kinds) == ["member.erased", "member.joined", "report.opened"]
    member = receiver.of("member.joined")["member"]
    assert member == {"id": member["id"], "phone": None}
    assert receiver.of("report.opened")["report"]["text"] == ""
    assert receiver.of("member.erased") == {"member": {"id": member["id"]}}


def test_a_broadcast_is_told_with_its_account(desk: Desk, add: Adding, office: Post, receiver: Receiver) -> None:
    add(receiver.url)
    desk.members(3)
    key = desk.begin()
    desk.plan()
    desk.outbox.steps()
    desk.close()
    office.round()
    [said] = receiver.came
    assert said["data"]["broadcast"]["key"] == key
    assert said["data"]["broadcast"]["recipients"] == said["data"]["broadcast"]["sent"] == 3


def test_a_failure_is_tried_again_with_the_same_id(add: Adding, office: Post, receiver: Receiver) -> None:
    _, secret = add(receiver.url)
    receiver.answering = lambda number, _: (500 if number < 3 else 200, {}, b"no")
    office.event()
    assert office.round() == 1
    assert office.round() == 0
    office.later(seconds=6)
    assert office.round() == 1
    [waiting] = office.deliveries()
    assert (waiting.state, waiting.attempts, waiting.status) == ("waiting", 2, 500)
    assert timedelta(minutes=4) < waiting.due_at - office.now < timedelta(minutes=6)
    office.later(minutes=6)
    assert office.round() == 1
    assert office.states() == ["delivered"]
    assert len(set(receiver.ids)) == 1
    assert receiver.valid(secret) == [True] * 3
    assert len({headers["webhook-timestamp"] for headers, _ in receiver.raw}) == 3


def test_retry_after_is_heeded(add: Adding, office: Post, receiver: Receiver) -> None:
    add(receiver.url)
    receiver.answering = lambda number, _: (429 if number < 2 else 200, {"retry-after": "900"}, b"")
    office.event()
    office.round()
    office.later(minutes=14)
    office.event()
    assert office.round() == 0
    office.later(minutes=2)
    assert office.round() == 2
    assert office.states() == ["delivered"] * 2


def test_gone_switches_the_endpoint_off_and_says_so(add: Adding, office: Post, receiver: Receiver) -> None:
    add(receiver.url)
    receiver.answering = lambda *_: (410, {}, b"")
    office.event(3)
    office.round()
    assert "410" in office.endpoint().disabled_reason
    assert len(office.told) == 1
    with writing(office.engine) as connection:
        assert connection.execute(select(Alert.kind)).scalars().all() == ["webhook"]
        assert wanted_kinds(connection) == frozenset()
    office.event()
    office.later(days=1)
    assert office.round() == 0
    receiver.answering = lambda *_: (200, {}, b"")
    with writing(office.engine) as connection:
        assert enable_endpoint(connection, 1, office.now) == 3
    office.round()
    assert office.states() == ["delivered"] * 3


def test_an_endpoint_that_fails_for_days_is_given_up_and_switched_off(
    add: Adding, office: Post, receiver: Receiver
) -> None:
    add(receiver.url)
    receiver.answering = lambda *_: (503, {}, b"")
    office.event()
    first = office.now
    for _ in range(500):
        office.round()
        if office.states() == ["given_up"]:
            break
        office.later(minutes=30)
    assert timedelta(days=3) < office.now - first < timedelta(days=4)
    assert 9 <= len(receiver.came) <= 12
    assert office.endpoint().disabled_at is None
    office.event()
    for _ in range(60):
        office.later(hours=1)
        office.round()
    assert "nothing reached it since" in office.endpoint().disabled_reason


def test_after_an_outage_everything_comes_at_once_and_nothing_is_lost(
    add: Adding, office: Post, receiver: Receiver
) -> None:
    add(receiver.url)
    receiver.answering = lambda *_: (500, {}, b"")
    office.event(60)
    for _ in range(40):
        office.round()
        office.later(minutes=5)
    tried = len(receiver.came)
    assert tried <= 32 + 40, "an endpoint that is down is not pressed"
    receiver.answering = lambda *_: (200, {}, b"")
    office.later(minutes=5)
    office.round()
    office.round()
    assert office.states() == ["delivered"] * 60
    assert len(set(receiver.ids[tried:])) == 60


def test_one_bad_event_does_not_hold_up_the_others(add: Adding, office: Post, receiver: Receiver) -> None:
    add(receiver.url)
    receiver.answering = lambda _, said: (400 if said["data"]["member"]["id"] == 1 else 200, {}, b"")
    for number in range(1, 6):
        office.event(first=number)
        office.round()
        office.later(seconds=2)
    assert office.states() == ["waiting", *["delivered"] * 4]


def test_a_hanging_endpoint_holds_up_no_other(add: Adding, office: Post, receiver: Receiver) -> None:
    release = threading.Event()
    hanging = Receiver(answering=lambda *_: (release.wait(30), (200, {}, b""))[1]).start()
    add(hanging.url)
    add(receiver.url)
    office.event()
    courier = office.courier()
    courier.tick()
    hanging.wait(1)
    receiver.wait(1)
    courier.tick()  # the one on its way is not started again
    assert len(hanging.came) == 1
    release.set()
    courier.close()
    hanging.stop()
    assert office.states() == ["delivered"] * 2


def test_two_couriers_send_each_event_once(database_url: str, add: Adding, office: Post, receiver: Receiver) -> None:
    add(receiver.url)
    office.event(200)
    gate = threading.Barrier(3)

    def work() -> None:
        engine = make_engine(database_url)
        courier = Courier(engine, SEALER, LOOPBACK, lambda *_: None, clock=lambda: NOON)
        gate.wait()
        while courier.round():
            pass
        courier.close()
        engine.dispose()

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    office.round()
    assert sorted(said["data"]["member"]["id"] for said in receiver.came) == list(range(1, 201))
    assert office.states() == ["delivered"] * 200


def _deliver_and_die(url: str, where: str) -> None:
    def die(boundary: str) -> None:
        if boundary == where:
            os.kill(os.getpid(), signal.SIGKILL)

    engine = make_engine(url)
    Courier(engine, SEALER, LOOPBACK, lambda *_: None, clock=lambda: NOON, boundary=die).round()


@pytest.mark.parametrize(("where", "came"), [("after claim", 5), ("after answer", 10)])
def test_a_killed_courier_loses_nothing(
    database_url: str, add: Adding, office: Post, receiver: Receiver, where: str, came: int
) -> None:
    add(receiver.url)
    office.event(5)
    process = multiprocessing.get_context("spawn").Process(target=_deliver_and_die, args=(database_url, where))
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    assert office.states() == ["waiting"] * 5
    assert office.round() == 0, "the lease still holds"
    office.now += LEASE
    assert office.round() == 5
    assert office.states() == ["delivered"] * 5
    assert (len(receiver.came), len(set(receiver.ids))) == (came, 5)


def test_both_secrets_sign_while_one_takes_the_others_place(add: Adding, office: Post, receiver: Receiver) -> None:
    _, old = add(receiver.url)
    with writing(office.engine) as connection:
        new = rotate_secret(connection, 1, SEALER, office.now)
    office.event()
    office.round()
    assert (receiver.valid(old), receiver.valid(new)) == ([True], [True])
    office.later(hours=25)
    office.event()
    office.round()
    assert (receiver.valid(old), receiver.valid(new)) == ([True, False], [True, True])


def test_the_secret_is_sealed_and_another_key_sends_nothing(
    add: Adding, office: Post, receiver: Receiver, engine: Engine
) -> None:
    _, secret = add(receiver.url)
    assert secret not in office.endpoint().secret
    office.event()
    courier = Courier(engine, Sealer(b"x" * 32), LOOPBACK, lambda *_: None, clock=lambda: office.now)
    courier.round()
    courier.close()
    assert receiver.came == []
    assert "SECRET_KEY" in office.deliveries()[0].error


def test_a_redirect_is_not_followed(add: Adding, office: Post, receiver: Receiver) -> None:
    inner = Receiver().start()
    receiver.answering = lambda *_: (307, {"location": inner.url}, b"")
    add(receiver.url)
    office.event()
    office.round()
    inner.stop()
    assert (len(receiver.came), inner.came) == (1, [])
    assert "redirect" in office.deliveries()[0].error


def test_a_private_address_is_not_called_at_whatever_time_the_name_leads_there(
    add: Adding, office: Post, receiver: Receiver, engine: Engine
) -> None:
    add(receiver.url)
    for url in (receiver.url, receiver.url.replace("127.0.0.1", "localhost")):
        with writing(engine) as connection:
            connection.execute(update(HookEndpoint).values(url=url))
        office.event()
        courier = Courier(engine, SEALER, (), lambda *_: None, clock=lambda: office.now)
        courier.round()
        courier.close()
        office.later(hours=1)
    assert receiver.came == []
    assert {row.error for row in office.deliveries() if row.attempts} == {"address not allowed (HOOK_NETWORKS)"}


def test_an_endless_answer_is_not_read(add: Adding, office: Post, receiver: Receiver) -> None:
    receiver.answering = lambda *_: (200, {"content-length": "1000000000"}, b"x" * 1_000_000)
    add(receiver.url)
    office.event()
    office.round()
    assert office.states() == ["delivered"]


def test_sending_again_and_forgetting(add: Adding, office: Post, receiver: Receiver, engine: Engine) -> None:
    add(receiver.url)
    office.event(2)
    office.round()
    with writing(engine) as connection:
        assert send_again(connection, office.now, delivery_id=2) == 1
    office.round()
    with writing(engine) as connection:
        noted = list(connection.execute(select(HookEvent.uid).order_by(HookEvent.id)).scalars())
    assert sorted(receiver.ids[:2]) == sorted(noted)  # sent side by side, so in no order
    assert receiver.ids[2:] == noted[1:]
    office.now += KEEP - timedelta(seconds=1)
    office.event()
    office.round()
    assert forget_old(engine, office.now) == 0
    office.later(seconds=2)
    assert forget_old(engine, office.now) == 2
    assert office.states() == ["delivered"]
    with writing(engine) as connection:
        assert len(connection.execute(select(HookEvent.id)).all()) == 1
        remove_endpoint(connection, 1)
    assert office.deliveries() == []


def test_only_what_was_asked_for_and_only_from_then_on(add: Adding, office: Post, receiver: Receiver) -> None:
    add(receiver.url, kinds=["report.*"])
    add("https://unreached.invalid/", kinds=["*"], at=office.now)
    office.event()
    office.event(kind="report.opened")
    add(receiver.url, at=office.now + timedelta(seconds=1))
    office.round()
    assert receiver.kinds == ["report.opened"]
    assert json.loads(receiver.raw[0][1])["data"] == {"report": {"id": 1}}
    assert [(row.endpoint_id, row.state) for row in office.deliveries()] == [
        (2, "waiting"), (1, "delivered"), (2, "waiting"),
    ]  # fmt: skip


def test_the_clock_delivers_by_itself(
    database_url: str, add: Adding, receiver: Receiver, service: Any, text: Texting
) -> None:
    from gateway.accounts.seal import sealer_from
    from gateway.clock import ticking
    from gateway.hooks.endpoints import add_endpoint
    from gateway.outbox.setup import utc_now
    from gateway.overrides.in_force import Watch
    from tests.gateway.conftest import settings_for

    settings = settings_for(database_url, hook_networks="127.0.0.0/8")
    with writing(service.engine) as connection:
        _, secret = add_endpoint(connection, receiver.url, ["member.joined"], sealer_from(settings), utc_now())
    with ticking(service.engine, Watch(service.engine, settings)):
        text("JOIN Ali Lahore")
        receiver.wait(1)
    assert receiver.valid(secret) == [True]
