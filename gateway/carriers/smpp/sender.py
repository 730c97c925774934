"""Sending and receiving over SMPP: any number of binds, each kept connected, texts shared among those that are.

A text's parts leave one after the other, so a refusal of the first means that nothing was taken. Once one part is
taken the text is never started again from the beginning: the phone would get it twice.
"""

import asyncio
import contextlib
from collections import OrderedDict
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import Protocol

import structlog
from prometheus_client import Gauge

from gateway.carriers.base import Capabilities, Found, LookFailed, SendResult, TextToFind, TextToSend
from gateway.carriers.coding import Concat, charset_of, concat_header, decode, encode_gsm7, read_header, sound
from gateway.carriers.outcomes import rule_meaning
from gateway.carriers.received import ReceivedPart, ReceivedReceipt, ReceivedText
from gateway.carriers.smpp import pdus
from gateway.carriers.smpp.binds import Bind
from gateway.carriers.smpp.receipts import is_receipt, read_receipt
from gateway.carriers.smpp.session import BindRefused, ConnectionLost, Handler, NoAnswer, Session
from gateway.rules.carrier_codes import CodeRule, Effect, Outcome, smpp_rule
from gateway.rules.message_parts import count_parts, split_parts

log = structlog.get_logger()
_bound = Gauge("jalsa_smpp_bound", "1 while a bind is up", ["bind"], multiprocess_mode="livemax")

FIRST_BACKOFF_S, LONGEST_BACKOFF_S = 0.5, 30.0
WINDOW_WAIT_S = 5.0
"""How long a text waits for room in the window; then it goes back to the queue, where a STOP still holds it."""
PARTS_WITHIN_S = 20.0
"""How long the rest of a text is tried once its first part is taken; well within a claim's lease."""
IDS_KEPT = 100_000

_BUSY = CodeRule("SMPP busy", Outcome.REQUEUE, Effect.NONE, "the SMSC answers too slowly")
_NOT_BOUND = CodeRule("SMPP not bound", Outcome.REQUEUE, Effect.NONE, "the SMSC could not be reached")
_LOST = CodeRule("SMPP no answer", Outcome.UNCERTAIN, Effect.NONE, "the SMSC gave no answer")


class Receiver(Protocol):
    """Who takes what people text and what the SMSC reports. Each call returns once it is durable, or raises."""

    async def text(self, text: ReceivedText, session_began: datetime | None = None) -> object: ...

    async def part(self, part: ReceivedPart) -> object: ...

    async def receipt(self, receipt: ReceivedReceipt) -> bool: ...

    async def knows(self, carrier: str, carrier_id: str) -> bool: ...


class SmppCarrier:
    """A carrier of `gateway.carriers.base`. Without a `receiver` whatever comes in stays with the SMSC."""

    name = "smpp"
    capabilities = Capabilities(looks=False, longest=255)

    def __init__(self, binds: Sequence[Bind], from_number: str) -> None:
        self.receiver: Receiver | None = None
        self._from = from_number
        self._wide = any(bind.wide_references for bind in binds)
        self._ids: OrderedDict[str, int] = OrderedDict()
        self._links = [_Link(bind, self._delivered) for bind in binds]

    async def open(self) -> None:
        for link in self._links:
            link.start()

    async def close(self) -> None:
        await asyncio.gather(*(link.stop() for link in self._links))

    async def send(self, texts: Sequence[TextToSend]) -> AsyncIterator[SendResult]:
        tasks = [asyncio.create_task(self._send_one(text)) for text in texts]
        try:
            for finished in asyncio.as_completed(tasks):
                yield await finished
        finally:
            for task in tasks:
                task.cancel()

    async def look(self, text: TextToFind) -> Sequence[Found]:
        raise LookFailed("an SMSC can be asked only by its own id, which an uncertain text has not")

    # Sending --------------------------------------------------------------------------------------------------------

    async def _send_one(self, text: TextToSend) -> SendResult:
        try:
            return await self._send_parts(text)
        except Exception as error:
            log.exception("part_not_made", text=text.id, error=type(error).__name__)
            return SendResult(text.id, _LOST, reached=False)

    async def _send_parts(self, text: TextToSend) -> SendResult:
        pieces = split_parts(text.body, wide=self._wide)
        if len(pieces) > self.capabilities.longest:
            return SendResult(text.id, smpp_rule(0x01))
        ucs2 = count_parts(text.body).encoding == "UCS-2"
        deadline = asyncio.get_running_loop().time() + PARTS_WITHIN_S
        message_id = ""
        for number, piece in enumerate(pieces, 1):
            words = piece.encode("utf-16-be", "surrogatepass") if ucs2 else encode_gsm7(piece)
            concat = Concat(text.id, len(pieces), number) if len(pieces) > 1 else None
            result, message_id = await self._send_part(text, words, ucs2, concat, number == len(pieces))
            wait = FIRST_BACKOFF_S
            while result is not None and number > 1 and result.rule.outcome is Outcome.REQUEUE:
                if asyncio.get_running_loop().time() + wait > deadline:
                    break
                await asyncio.sleep(wait)
                wait *= 2
                result, message_id = await self._send_part(text, words, ucs2, concat, number == len(pieces))
            if result is None:
                continue
            if number == 1 or result.rule.outcome is Outcome.UNCERTAIN:
                return result
            reason = f"only {number - 1} of {len(pieces)} parts were taken: {result.rule.reason}"
            return SendResult(text.id, CodeRule(result.rule.code, Outcome.FAILED, result.rule.effect, reason))
        return SendResult(text.id, smpp_rule(0), carrier_id=message_id[:64] or None)

    async def _send_part(
        self, text: TextToSend, words: bytes, ucs2: bool, concat: Concat | None, last: bool
    ) -> tuple[SendResult | None, str]:
        """Return (what went wrong or None, the SMSC's id)."""
        session = await self._session()
        if isinstance(session, CodeRule):
            return SendResult(text.id, session, reached=session is not _NOT_BOUND), ""
        bind = session.bind
        if concat is not None:
            words = concat_header(concat, wide=self._wide) + words
        session.in_flight += 1
        try:
            await asyncio.wait_for(session.window.acquire(), WINDOW_WAIT_S)
        except TimeoutError:
            session.in_flight -= 1
            return SendResult(text.id, _BUSY), ""
        try:
            status, body = await session.request(
                lambda sequence: pdus.submit_sm(
                    sequence,
                    source=(bind.source_ton, bind.source_npi, bind.source or self._from),
                    number=text.number,
                    words=words,
                    data_coding=8 if ucs2 else 0,
                    header=concat is not None,
                    receipt=last,
                    validity=text.validity,
                )
            )
        except ConnectionLost as lost:
            return SendResult(text.id, _LOST if lost.written else _NOT_BOUND, reached=False), ""
        except NoAnswer:
            return SendResult(text.id, _LOST, reached=False), ""
        finally:
            session.in_flight -= 1
            session.window.release()
        rule = smpp_rule(status)
        if rule.outcome is not Outcome.ACCEPTED:
            return SendResult(text.id, rule), ""
        message_id = bind.answer_id(pdus.read_message_id(body))
        if message_id and last:
            self._remember(message_id, text.id)
        return None, message_id

    async def _session(self) -> Session | CodeRule:
        """Return the least busy bound session, or why there is none."""
        for link in self._links:
            if link.trying_first:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(link.tried.wait(), WINDOW_WAIT_S)
        bound = [link.session for link in self._links if link.session is not None and not link.session.closed]
        if bound:
            return min(bound, key=lambda session: session.in_flight / session.bind.window)
        refusals = [link.refused for link in self._links if link.refused is not None]
        return smpp_rule(refusals[0]) if refusals and len(refusals) == len(self._links) else _NOT_BOUND

    def _remember(self, message_id: str, text_id: int) -> None:
        """A receipt may come before the id is on record: until then this says whose it is."""
        self._ids[message_id] = text_id
        if len(self._ids) > IDS_KEPT:
            self._ids.popitem(last=False)

    # Receiving ------------------------------------------------------------------------------------------------------

    async def _delivered(self, session: Session, header: pdus.Header, data: bytes) -> int:
        if self.receiver is None:
            return pdus.STATUS_TRY_AGAIN
        try:
            deliver = pdus.read_deliver(data)
        except pdus.BadPdu as error:
            log.error("delivery_not_understood", bind=session.bind.name, error=str(error))  # noqa: TRY400 - no text in it
            return pdus.STATUS_REJECTED
        if is_receipt(deliver):
            return await self._receipt(self.receiver, session.bind, deliver)
        received = read_text(session, header.sequence, deliver, datetime.now(UTC))
        if isinstance(received, ReceivedPart):
            await self.receiver.part(received)
        else:
            await self.receiver.text(received, session.began)
        return pdus.STATUS_OK

    async def _receipt(self, receiver: Receiver, bind: Bind, deliver: pdus.Deliver) -> int:
        read = read_receipt(deliver)
        if read is None:
            log.warning("receipt_without_id", bind=bind.name)
            return pdus.STATUS_OK
        carrier_id = bind.receipt_id(read.message_id)
        for wait in (0.5, 2.0):  # over another bind, or from another worker, it may overtake the record of its id
            if carrier_id in self._ids or await receiver.knows(self.name, carrier_id):
                break
            await asyncio.sleep(wait)
        meaning = bind.receipt_errors.get(read.error)
        await receiver.receipt(
            ReceivedReceipt(
                self.name,
                carrier_id,
                self._ids.get(carrier_id),
                read.status[:20],
                read.error[:20],
                datetime.now(UTC),
                read.state,
                rule_meaning(meaning, "SMPP", read.error) if meaning else None,
            )
        )
        return pdus.STATUS_OK


def read_text(session: Session, sequence: int, deliver: pdus.Deliver, now: datetime) -> ReceivedText | ReceivedPart:
    """Return what a person texted, or the part of it that this is."""
    sender = f"+{deliver.source.removeprefix('+')}" if deliver.source_ton == 1 else deliver.source
    concat, words = None, deliver.words
    if deliver.esm_class & pdus.ESM_UDHI:
        concat, words = read_header(words)
    if concat is None:
        sar = [deliver.tlvs.get(tag) for tag in (pdus.TLV_SAR_REF, pdus.TLV_SAR_TOTAL, pdus.TLV_SAR_NUMBER)]
        if all(sar):
            ref, total, number = (int.from_bytes(value or b"", "big") for value in sar)
            concat = Concat(ref | 0x20000, total, number) if sound(Concat(ref, total, number)) else None
    charset = charset_of(deliver.data_coding, words, session.bind.inbound_alphabet)
    if concat is not None:
        return ReceivedPart(SmppCarrier.name, sender[:40], deliver.destination[:40], concat, charset, words, now)
    return ReceivedText(
        carrier=SmppCarrier.name,
        carrier_id=f"{session.bind.name}-{session.id}-{sequence}",
        from_number=sender,
        to_number=deliver.destination,
        body=decode(words, charset),
        received_at=now,
        queue_reply=True,
    )


class _Link:
    """Keeps one bind connected for as long as the carrier is open."""

    def __init__(self, bind: Bind, deliver: Handler) -> None:
        self.bind, self._deliver = bind, deliver
        self.session: Session | None = None
        self.refused: int | None = None
        self.tried = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def trying_first(self) -> bool:
        return self._task is not None and not self.tried.is_set()

    def start(self) -> None:
        self._task = asyncio.create_task(self._keep(), name=f"smpp-link-{self.bind.name}")

    async def stop(self) -> None:
        if self.session is not None:
            await self.session.unbind()
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _keep(self) -> None:
        wait = FIRST_BACKOFF_S
        while True:
            session = Session(self.bind, self._deliver)
            try:
                await session.connect()
            except BindRefused as refused:
                self.refused = refused.status
                log.warning("bind_refused", bind=self.bind.name, status=f"0x{refused.status:02X}")
            except (OSError, TimeoutError) as error:
                self.refused = None
                log.warning("smsc_not_reached", bind=self.bind.name, error=type(error).__name__)
            else:
                self.session, self.refused, wait = session, None, FIRST_BACKOFF_S
                _bound.labels(self.bind.name).set(1)
                log.info("smsc_bound", bind=self.bind.name)
                self.tried.set()
                await session.run()
                self.session = None
                _bound.labels(self.bind.name).set(0)
                log.warning("smsc_lost", bind=self.bind.name)
            self.tried.set()
            await asyncio.sleep(wait)
            wait = min(2 * wait, LONGEST_BACKOFF_S)
