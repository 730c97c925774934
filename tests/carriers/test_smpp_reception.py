"""What people text over SMPP, and what the SMSC reports: acknowledged only once it is on record."""

import asyncio
import struct
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, select

from gateway.carriers.coding import UCS2, Concat, concat_header, encode_gsm7
from gateway.carriers.smpp import session as session_module
from gateway.carriers.smpp.binds import Bind, BindsError, read_binds
from gateway.carriers.smpp.pdus import TLV_MESSAGE_STATE, TLV_RECEIPTED_MESSAGE_ID, Deliver
from gateway.carriers.smpp.receipts import is_receipt, read_receipt
from gateway.carriers.smpp.sender import SmppCarrier
from gateway.database import reading
from gateway.inbound.record import DatabaseUnavailable
from gateway.outbox.worker import Worker, worker_from
from gateway.reception import Reception, receiving
from gateway.rules.delivery_status import TextState
from gateway.settings import Settings, SettingsError, load_settings
from gateway.tables import DeliveryReceipt, InboundPart, InboundText, OutboundText
from tests.carriers.profiles import EXAMPLES
from tests.fakes.smsc import Smsc, running
from tests.gateway.conftest import settings_for

PERSON = "923001234501"
Scenario = Callable[[Smsc, Worker], Awaitable[None]]


def smpp_settings(database_url: str, port: int) -> Settings:
    return settings_for(
        database_url, carrier="smpp", smpp_host="127.0.0.1", smpp_port=port, smpp_system_id="jalsa",
        smpp_password="secret", twilio_account_sid="", twilio_auth_token="",
    )  # fmt: skip


def play(engine: Engine, scenario: Scenario, smsc: Smsc | None = None, **bind: Any) -> None:
    """Run a worker on a small SMSC, and a scenario beside it."""

    async def main() -> None:
        async with running() as fresh:
            used = smsc or fresh
            if smsc is not None:
                await used.start()
            settings = smpp_settings(engine.url.render_as_string(hide_password=False), used.port)
            carrier = SmppCarrier(
                [Bind(host="127.0.0.1", port=used.port, system_id="jalsa", response_timeout_s=2.0, **bind)], "80022"
            )
            worker = worker_from(settings, engine, {"smpp": carrier})
            stop = asyncio.Event()
            async with receiving(settings, worker):
                working = asyncio.create_task(worker.run(stop))
                await asyncio.wait_for(used.bound.wait(), 10)
                try:
                    await asyncio.wait_for(scenario(used, worker), 40)
                finally:
                    stop.set()
                    await working
            if smsc is not None:
                await used.stop()

    asyncio.run(main())


def rows(engine: Engine, table: Any) -> list[Any]:
    with reading(engine) as connection:
        return list(connection.execute(select(table.__table__).order_by(table.id)))


async def until(check: Callable[[], bool]) -> None:
    """Wait for what the worker does in its threads."""
    async with asyncio.timeout(20):
        while not check():  # noqa: ASYNC110 - other threads set no event of this loop
            await asyncio.sleep(0.02)


def test_a_text_is_answered_through_the_outbox_and_reported(engine: Engine) -> None:
    async def scenario(smsc: Smsc, _worker: Worker) -> None:
        assert await smsc.answer_to(smsc.deliver(PERSON, encode_gsm7("JOIN Sana Lahore"))) == 0
        [text] = rows(engine, InboundText)  # it was on record before it was acknowledged
        assert (text.carrier, text.body, text.command) == ("smpp", "JOIN Sana Lahore", "JOIN")
        await until(lambda: len(smsc.accepted()) == 1)
        [(number, words)] = smsc.accepted()
        assert number == "+" + PERSON
        assert "Sana" in words
        last = smsc.parts[-1].message_id
        for stat in ("ACCEPTD", "DELIVRD", "DELIVRD", "UNDELIV"):  # doubled, and a late one that contradicts
            assert await smsc.answer_to(smsc.receipt(last, stat)) == 0
        await until(lambda: rows(engine, OutboundText)[0].carrier_id is not None)
        [reply] = rows(engine, OutboundText)
        assert (reply.kind, reply.state, reply.carrier_id) == ("reply", "delivered", last)

    play(engine, scenario)


def test_stop_is_confirmed_once_and_after_it_nothing_else_leaves(engine: Engine) -> None:
    async def scenario(smsc: Smsc, _worker: Worker) -> None:
        for words in ("JOIN Sana Lahore", "STOP", "STOP"):
            assert await smsc.answer_to(smsc.deliver(PERSON, encode_gsm7(words))) == 0
        await until(
            lambda: any(row.kind == "confirmation" and row.state == "sent" for row in rows(engine, OutboundText))
        )
        states = [(row.kind, row.state) for row in rows(engine, OutboundText)]
        assert states.count(("confirmation", "sent")) == 1
        assert all(
            kind == "reply" and state in ("sent", "suppressed") for kind, state in states if kind != "confirmation"
        )

    play(engine, scenario)


def _part(ref: int, total: int, number: int, words: bytes) -> bytes:
    return concat_header(Concat(ref, total, number)) + words


def test_parts_in_any_order_and_doubled_are_one_text(engine: Engine) -> None:
    urdu = "شامل ثنا لاہور اور کچھ اور الفاظ جو ایک حصے میں نہیں آتے 👍 آخر"
    data = urdu.encode("utf-16-be")
    cut = data.index("👍".encode("utf-16-be")) + 2  # in the middle of a surrogate pair
    pieces = {1: data[:40], 2: data[40:cut], 3: data[cut:]}

    async def scenario(smsc: Smsc, _worker: Worker) -> None:
        for number in (3, 1, 1, 2, 2, 3):
            words = _part(9, 3, number, pieces[number])
            assert await smsc.answer_to(smsc.deliver(PERSON, words, esm_class=0x40, data_coding=8)) == 0
        [text] = rows(engine, InboundText)
        assert text.body == urdu
        # The same reference again with other words is another text.
        for number, part in ((2, b"two"), (1, b"one ")):
            words = _part(9, 3, number, part)
            assert await smsc.answer_to(smsc.deliver(PERSON, words, esm_class=0x40)) == 0
        assert await smsc.answer_to(smsc.deliver(PERSON, _part(9, 3, 3, b" three"), esm_class=0x40)) == 0
        assert [row.body for row in rows(engine, InboundText)][1:] == ["one two three"]

    play(engine, scenario)


def test_parts_by_sar_fields_and_a_payload_field(engine: Engine) -> None:
    def sar(number: int) -> bytes:
        return struct.pack(">HHHHHBHHB", 0x020C, 2, 77, 0x020E, 1, 2, 0x020F, 1, number)

    async def scenario(smsc: Smsc, _worker: Worker) -> None:
        unknown = struct.pack(">HH", 0x1501, 3) + b"abc"  # a vendor's own
        await smsc.answer_to(smsc.deliver(PERSON, b"Lahore", tlvs=unknown + sar(2)))
        await smsc.answer_to(smsc.deliver(PERSON, b"JOIN Sana ", tlvs=sar(1) + unknown))
        payload = b"HELP"
        await smsc.answer_to(smsc.deliver(PERSON, b"", tlvs=struct.pack(">HH", 0x0424, len(payload)) + payload))
        assert [row.body for row in rows(engine, InboundText)] == ["JOIN Sana Lahore", "HELP"]

    play(engine, scenario)


def test_a_part_survives_the_end_of_the_process(engine: Engine) -> None:
    async def first(smsc: Smsc, _worker: Worker) -> None:
        assert await smsc.answer_to(smsc.deliver(PERSON, _part(5, 2, 2, b"Lahore"), esm_class=0x40)) == 0

    async def second(smsc: Smsc, _worker: Worker) -> None:
        assert await smsc.answer_to(smsc.deliver(PERSON, _part(5, 2, 1, b"JOIN Sana "), esm_class=0x40)) == 0
        assert [row.body for row in rows(engine, InboundText)] == ["JOIN Sana Lahore"]
        assert all(row.data == b"" and row.handed_on_at for row in rows(engine, InboundPart))

    play(engine, first)
    play(engine, second)


def test_a_text_that_stays_incomplete_is_handed_on_as_it_is(engine: Engine) -> None:
    async def scenario(smsc: Smsc, worker: Worker) -> None:
        for number, words in ((2, b"JOIN Sana"), (4, b"Lahore")):
            await smsc.answer_to(smsc.deliver(PERSON, _part(5, 4, number, words), esm_class=0x40))
        assert rows(engine, InboundText) == []
        carrier = worker.carriers["smpp"]
        assert isinstance(carrier, SmppCarrier)
        reception = carrier.receiver
        assert isinstance(reception, Reception)
        assert await reception.sweep() == 0  # not yet
        reception._after = timedelta(seconds=-1)
        assert await reception.sweep() == 1
        assert await reception.sweep() == 0
        [text] = rows(engine, InboundText)
        assert text.body == "…JOIN Sana…Lahore"

    play(engine, scenario)


def test_nothing_is_acknowledged_that_is_not_on_record(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    def down(*_: object) -> None:
        raise DatabaseUnavailable

    async def scenario(smsc: Smsc, worker: Worker) -> None:
        carrier = worker.carriers["smpp"]
        assert isinstance(carrier, SmppCarrier)
        reception = carrier.receiver
        assert isinstance(reception, Reception)
        with monkeypatch.context() as patch:
            patch.setattr(reception._service.collector, "_record", down)
            assert await smsc.answer_to(smsc.deliver(PERSON, b"JOIN Sana Lahore")) == 0x64
            words = _part(5, 2, 1, b"JOIN Sana "), _part(5, 2, 2, b"Lahore")
            assert await smsc.answer_to(smsc.deliver(PERSON, words[0], esm_class=0x40)) == 0
            assert await smsc.answer_to(smsc.deliver(PERSON, words[1], esm_class=0x40)) == 0x64
        assert rows(engine, InboundText) == []
        assert await smsc.answer_to(smsc.deliver(PERSON, words[1], esm_class=0x40)) == 0
        assert [row.body for row in rows(engine, InboundText)] == ["JOIN Sana Lahore"]

    play(engine, scenario)


def test_more_than_can_be_held_stays_with_the_smsc(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_module, "MOST_DELIVERIES", 5)

    async def scenario(smsc: Smsc, _worker: Worker) -> None:
        sequences = [smsc.deliver(PERSON, b"HELP %d" % at) for at in range(40)]
        answers = [await smsc.answer_to(sequence) for sequence in sequences]
        assert set(answers) == {0, 0x64}
        assert len(rows(engine, InboundText)) == answers.count(0)

    play(engine, scenario)


def test_a_text_sent_again_after_a_lost_connection_is_the_same_text(engine: Engine) -> None:
    async def scenario(smsc: Smsc, _worker: Worker) -> None:
        await smsc.answer_to(smsc.deliver(PERSON, b"REPORT the bridge is closed"))
        await smsc.answer_to(smsc.deliver(PERSON, b"REPORT the bridge is closed"))  # a person may say it twice
        assert len(rows(engine, InboundText)) == 2
        smsc.cut()
        await asyncio.wait_for(smsc.bound.wait(), 10)
        await until(lambda: len(smsc.binds) == 2)
        await asyncio.sleep(0.1)
        for _ in range(2):
            await smsc.answer_to(smsc.deliver(PERSON, b"REPORT the bridge is closed"))
        assert len(rows(engine, InboundText)) == 2  # both were known
        await smsc.answer_to(smsc.deliver(PERSON, b"REPORT the bridge is closed"))
        assert len(rows(engine, InboundText)) == 3  # this is news

    play(engine, scenario)


@pytest.mark.parametrize(("form", "receipt_id"), [("same", "a0000"), ("decimal", str(0xA0000)), ("same", None)])
def test_receipts_find_their_text_in_any_form(engine: Engine, form: str, receipt_id: str | None) -> None:
    async def scenario(smsc: Smsc, _worker: Worker) -> None:
        await smsc.answer_to(smsc.deliver(PERSON, b"HELP"))
        await until(lambda: len(smsc.accepted()) == 1)
        last = smsc.parts[-1].message_id
        if receipt_id is None:  # fields alone, no words
            tlvs = struct.pack(">HH", 0x001E, len(last) + 1) + last.encode() + b"\0" + struct.pack(">HHB", 0x0427, 1, 2)
            sequence = smsc.deliver(PERSON, b"", esm_class=4, tlvs=tlvs)
        else:
            shown = str(int(last, 16)) if form == "decimal" else last
            sequence = smsc.receipt(shown)
        assert await smsc.answer_to(sequence) == 0
        await until(lambda: rows(engine, OutboundText)[0].state == "delivered")

    play(engine, scenario, receipt_ids=form)


def test_a_receipt_of_nobody_is_kept(engine: Engine) -> None:
    async def scenario(smsc: Smsc, _worker: Worker) -> None:
        assert await smsc.answer_to(smsc.receipt("ffff", "UNDELIV", "011")) == 0
        [kept] = rows(engine, DeliveryReceipt)
        assert (kept.carrier_id, kept.status, kept.error_code, kept.outbound_id) == ("ffff", "UNDELIV", "011", None)

    play(engine, scenario)


@pytest.mark.parametrize(
    ("words", "message_id", "status", "error", "state"),
    [
        (b"id:12 sub:001 dlvrd:000 submit date:1 done date:2 stat:UNDELIV err:045 text:hi", "12", "UNDELIV", "045",
         TextState.UNDELIVERED),
        (b"ID:ab-9 STAT:delivrd ERR:000", "ab-9", "DELIVRD", "", TextState.DELIVERED),
        (b"id: 7 stat:EXPIRED", "7", "EXPIRED", "", TextState.EXPIRED),
        (b"id:7 stat:NEVERHEARD", "7", "NEVERHEARD", "", None),
        (b"id:7", "7", "UNKNOWN", "", TextState.SENT),
        (b"msgid=0A1B, status=DELIVERED, error=000", "0A1B", "DELIVRD", "", TextState.DELIVERED),
        (b"Message ID: 99 Stat : Undeliverable Error Code: 5 text: stat:DELIVRD", "99", "UNDELIV", "5",
         TextState.UNDELIVERED),
        (b"paid: 4 id:8 stat:ACCEPTED", "8", "ACCEPTD", "", TextState.SENT),
    ],
)  # fmt: skip
def test_receipts_as_vendors_write_them(
    words: bytes, message_id: str, status: str, error: str, state: TextState | None
) -> None:
    read = read_receipt(Deliver(PERSON, 1, "80022", 4, 0, words))
    assert read is not None
    assert (read.message_id, read.status, read.error, read.state) == (message_id, status, error, state)


def test_a_receipt_is_known_by_its_elements_where_the_type_is_not_set() -> None:
    elements = {TLV_RECEIPTED_MESSAGE_ID: b"77\x00", TLV_MESSAGE_STATE: b"\x02"}
    assert is_receipt(Deliver(PERSON, 1, "80022", 0, 0, b"", elements))
    assert not is_receipt(Deliver(PERSON, 1, "80022", 0, 0, b"id:77 stat:DELIVRD", {}))
    read = read_receipt(Deliver(PERSON, 1, "80022", 0, 0, b"", elements))
    assert read is not None and (read.message_id, read.status) == ("77", "DELIVRD")


def test_a_receipt_without_an_id_is_none() -> None:
    assert read_receipt(Deliver(PERSON, 1, "80022", 4, 0, b"stat:DELIVRD")) is None
    assert UCS2 == "utf-16-be"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "write one table [[bind]]"),
        ("[bind]\nhost = 'x'", "write one table [[bind]]"),
        ("[[bind]]\nhost = 'x'", "system_id"),
        ("[[bind]]\nhost = 'x'\nsystem_id = 'y'\nport = 99999", "port"),
        ("[[bind]]\nhost = 'x'\nsystem_id = 'y'\npassword = '123456789'", "at most 8"),
        ("[[bind]]\nhost = 'x'\nsystem_id = 'y'\nwindows = 3", "windows"),
        ("[[bind]]\nhost = 'x'\nsystem_id = 'y'\n[[bind]]\nhost = 'x'\nsystem_id = 'y'", "a name of its own"),
        ("[[bind]]\nhost = 'smsc..example'\nsystem_id = 'y'", "bind 1: host: write a host"),
        ("[[bind]]\nhost = 'x'\nsystem_id = 'y'\n[[bind]]\nhost = 'x:2775'\nsystem_id = 'y'", "bind 2: host"),
        ("[[bind]]\nhost = 'x'\nsystem_id = 'یوزر'", "system_id"),
        ("[[bind]]\nhost = 'x'\nsystem_id = 'y'\npassword = 'پاس'", "none of them outside ASCII"),
        ("[[bind]]\nhost = 'x'\nsystem_id = 'y'\npassword = \"abc\\n\"", "none of them outside ASCII"),
        ("[[bind]]\nhost = 'x'\nsystem_id = \"y\\n\"", "system_id"),
        ("[[bind]]\nhost = 'x'\nsystem_id = 'y'\nsource = \"80\\u0000\"", "source"),
        ("[[bind", "is no TOML"),
        ("[[bind]]\nhost = 'x'\nsystem_id = 'y'\n[bind.receipt_errors]\n001 = 'odd'", "001 = odd"),
    ],
)
def test_a_mistake_in_the_binds_file_is_named(tmp_path: Any, text: str, words: str) -> None:
    path = tmp_path / "binds.toml"
    path.write_text(text)
    with pytest.raises(BindsError) as caught:
        read_binds(path)
    assert words in str(caught.value)


def test_the_documented_binds_file_can_be_read() -> None:
    assert len(read_binds(EXAMPLES / "smpp.toml")) == 2


def test_settings_that_are_missing_are_named() -> None:
    with pytest.raises(SettingsError, match="SMPP_SYSTEM_ID is missing"):
        load_settings(smpp_host="127.0.0.1", _env_file=None)
    with pytest.raises(SettingsError, match="SMPP_HOST and SMPP_SYSTEM_ID"):
        load_settings(carrier="smpp", _env_file=None)
