"""Every way in which something happens is noted once, in the transaction in which it happens."""

import threading
from typing import Any

import pytest
from sqlalchemy import Engine, event, select

from gateway import pipeline
from gateway.database import make_engine, reading, writing
from gateway.hooks.events import NewEvent, emit
from gateway.inbound.erase import erase_by_staff
from gateway.inbound.receipts import record_receipt, twilio_receipt
from gateway.reports import queue
from gateway.reports.setup import notifier_from
from gateway.service import Service, utc_now
from gateway.tables import HookEvent, Report, Sender
from tests.broadcasts.conftest import Desk
from tests.gateway.conftest import Texting, a_text, settings_for
from tests.hooks.conftest import Adding, kinds_noted, noted
from tests.outbox.conftest import Outbox


def test_consent_given_taken_back_and_given_again(engine: Engine, add: Adding, text: Texting) -> None:
    add()
    for words in ("JOIN Ali Lahore", "JOIN Ali Multan", "STOP", "stop", "START", "HELP"):
        text(words)
    assert noted(engine) == [
        ("member.joined", {"again": False}),
        ("member.stopped", {"by": "text"}),
        ("member.joined", {"again": True}),
    ]


def test_join_and_two_stops_in_one_group(engine: Engine, add: Adding, service: Service) -> None:
    add()
    service.record([a_text(words) for words in ("JOIN Ali Lahore", "STOP", "STOP")])
    assert kinds_noted(engine) == ["member.joined", "member.stopped"]


def test_a_webhook_that_comes_twice_is_noted_once(engine: Engine, add: Adding, service: Service) -> None:
    add()
    joined = a_text("JOIN Ali Lahore")
    service.record([joined])
    service.record([joined])
    assert kinds_noted(engine) == ["member.joined"]


def test_one_stop_of_many_at_once_in_two_processes(engine: Engine, add: Adding, database_url: str) -> None:
    add()
    services = [Service(settings_for(database_url)) for _ in range(2)]
    services[0].record([a_text("JOIN Ali Lahore")])
    gate = threading.Barrier(2)

    def stop(one: Service) -> None:
        gate.wait()
        for _ in range(5):
            one.record([a_text("STOP")])

    threads = [threading.Thread(target=stop, args=(one,)) for one in services]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for one in services:
        one.close()
    assert kinds_noted(engine) == ["member.joined", "member.stopped"]


def test_erase_tells_the_fact_and_nothing_else(engine: Engine, add: Adding, text: Texting) -> None:
    add()
    text("JOIN Ali Lahore")
    text("ERASE")
    text("YES")
    assert noted(engine)[-1] == ("member.erased", {})
    text("JOIN Ali Lahore")  # nothing ties the new sender's event to the one that was erased
    assert kinds_noted(engine) == ["member.joined", "member.erased", "member.joined"]
    with reading(engine) as connection:
        subjects = connection.execute(select(HookEvent.subject_id).order_by(HookEvent.id)).scalars().all()
    assert subjects[0] == subjects[1] != subjects[2]


def test_an_admin_erases_somebody_once(engine: Engine, add: Adding, text: Texting) -> None:
    add()
    text("JOIN Ali Lahore")
    for _ in range(2):
        with writing(engine) as connection:
            erase_by_staff(connection, 1, b"k" * 32, utc_now())
    assert noted(engine)[1:] == [("member.erased", {})]


def test_a_report_from_opened_to_reopened(engine: Engine, add: Adding, service: Service, text: Texting) -> None:
    add()
    text("REPORT no water at gate 3")
    with reading(engine) as connection:
        ref = connection.execute(select(Report.ref)).scalar_one()
    with writing(engine) as connection:
        queue.move(connection, ref, "resolved", "console", "a tanker came", utc_now(), notifier_from(service.settings))
    text("NO")
    assert kinds_noted(engine) == ["report.opened", "report.resolved", "report.reopened"]


@pytest.mark.parametrize("way", ["answer", "receipt"])
def test_a_stop_that_only_the_carrier_knew(outbox: Outbox, add: Adding, way: str) -> None:
    add()
    [person] = outbox.people(1)
    outbox.put([person])
    if way == "answer":
        outbox.network(codes=(("+923000000000", 21610),))
    outbox.step()
    if way == "receipt":
        [sent] = outbox.texts()
        for _ in range(2):
            receipt = twilio_receipt("SM" + "1" * 32, None, "failed", "21610", outbox.clock.now)
            with writing(outbox.engine) as connection:
                connection.exec_driver_sql(
                    f"UPDATE outbound_texts SET carrier = 'twilio', carrier_id = 'SM{'1' * 32}' WHERE id = {sent.id}"
                )
            record_receipt(outbox.engine, receipt)
    assert outbox.sender(person).consent == "stopped"
    assert noted(outbox.engine) == [("member.stopped", {"by": "carrier"})]


def test_a_broadcast_is_done_once_with_its_numbers(desk: Desk, add: Adding) -> None:
    add()
    desk.members(7)
    desk.begin()
    desk.plan()
    desk.outbox.steps()
    threads = [threading.Thread(target=desk.close) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    numbers = {"recipients": 7, "delivered": 0, "sent": 7, "failed": 0, "suppressed": 0, "uncertain": 0}
    assert noted(desk.engine) == [("broadcast.done", numbers)]


def test_what_nobody_asked_for_is_not_noted(engine: Engine, add: Adding, text: Texting) -> None:
    add(kinds=("report.opened",))
    text("JOIN Ali Lahore")
    text("REPORT no water at gate 3")
    assert kinds_noted(engine) == ["report.opened"]


def test_an_effect_that_is_rolled_back_is_not_told(engine: Engine, add: Adding) -> None:
    add()
    with pytest.raises(ZeroDivisionError), writing(engine) as connection:
        emit(connection, [NewEvent("member.joined", 1)], utc_now())
        raise ZeroDivisionError
    assert noted(engine) == []


def test_without_an_endpoint_a_group_costs_no_statement_and_with_one_a_single_one(
    engine: Engine, service: Service, add: Adding, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    convert = pipeline._Ready.values

    def statements(one: Service, first: int) -> int:
        seen: list[str] = []

        def note(*arguments: Any) -> None:
            if " revisions" not in arguments[2]:  # looked at once a second
                seen.append(arguments[2])

        group = [
            a_text("JOIN Ali Lahore" if n % 2 else "REPORT no water", f"+9230055{first + n:05}") for n in range(20)
        ]

        def sent(self: Any, given: Any) -> Any:
            note(None, None, self.sql)
            return convert(self, given)

        monkeypatch.setattr(pipeline._Ready, "values", sent)
        event.listen(one.recorder.engine, "before_cursor_execute", note)
        one.record(group)
        event.remove(one.recorder.engine, "before_cursor_execute", note)
        assert not any("hook_endpoints" in statement for statement in seen)
        assert seen
        return len(seen)

    service.record([a_text("HELP", "+923009999999")])  # the reference data is loaded
    without = statements(service, 100)
    assert noted(engine) == []
    add()
    other = Service(settings_for(database_url))
    other.record([a_text("HELP", "+923009999998")])
    assert statements(other, 200) == without + 1
    other.close()
    assert sorted(set(kinds_noted(engine))) == ["member.joined", "report.opened"]
    assert len(noted(engine)) == 20


def test_an_endpoint_added_while_the_gateway_runs_is_known_within_two_seconds(
    engine: Engine, service: Service, add: Adding, text: Texting
) -> None:
    text("HELP")
    add()
    service.reference.look_again()  # what happens by itself every second
    text("JOIN Ali Lahore")
    assert kinds_noted(engine) == ["member.joined"]


def test_no_number_is_kept_in_an_event(engine: Engine, add: Adding, text: Texting) -> None:
    add()
    text("JOIN Ali Lahore")
    text("REPORT no water at gate 3")
    fresh = make_engine(engine.url.render_as_string(hide_password=False))
    with reading(fresh) as connection:
        rows = [str(tuple(row)) for row in connection.execute(select(HookEvent.__table__))]
        [key] = connection.execute(select(Sender.key)).scalars()
    fresh.dispose()
    assert rows
    assert not [row for row in rows if key in row or "water" in row or "Ali" in row]
