"""A small SMSC for tests, on this machine: its own PDUs, a ledger, and every bad manner that a test asks for."""

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from gateway.carriers.coding import decode_gsm7

BIND, SUBMIT, DELIVER, ENQUIRE, UNBIND = 0x09, 0x04, 0x05, 0x15, 0x06


@dataclass(frozen=True)
class Part:
    """One submit_sm that was accepted."""

    number: str
    source: tuple[int, int, str]
    esm_class: int
    data_coding: int
    registered: int
    validity: str
    words: bytes
    message_id: str


@dataclass
class Smsc:
    """`manner`: well, silent (takes and never answers), drops (takes one, then cuts), throttled, or a status number."""

    manner: str | int = "well"
    refused: set[str] = field(default_factory=set)
    manners: list[str | int] = field(default_factory=list)
    """Manners of the next submits, before `manner` holds."""
    hold_answers: bool = False
    bind_status: int = 0
    port: int = 0
    parts: list[Part] = field(default_factory=list)
    binds: list[tuple[str, str]] = field(default_factory=list)
    answers: dict[int, int] = field(default_factory=dict)
    """Status of each deliver_sm_resp by sequence."""
    answered: asyncio.Event = field(default_factory=asyncio.Event)
    enquiries: int = 0
    deaf: bool = False
    waiting: int = 0
    most_waiting: int = 0
    _held: list[tuple[asyncio.StreamWriter, bytes]] = field(default_factory=list)
    _writers: list[asyncio.StreamWriter] = field(default_factory=list)
    _server: asyncio.Server | None = None
    _sequence: int = 100
    bound: asyncio.Event = field(default_factory=asyncio.Event)
    submitted: asyncio.Event = field(default_factory=asyncio.Event)

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    def cut(self) -> None:
        """Cut every connection."""
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()
        self.bound.clear()

    def stop_listening(self) -> None:
        if self._server:
            self._server.close()
            self._server = None

    async def stop(self) -> None:
        self.stop_listening()
        self.cut()
        await asyncio.sleep(0)

    def accepted(self) -> list[tuple[str, str]]:
        """Return (number, words) of every whole text, its parts joined by their headers."""
        whole: list[tuple[str, str]] = []
        sets: dict[tuple[str, bytes], dict[int, bytes]] = {}
        for part in self.parts:
            if not part.esm_class & 0x40:
                whole.append((part.number, _decoded(part.words, part.data_coding)))
                continue
            header, words = part.words[: part.words[0] + 1], part.words[part.words[0] + 1 :]
            joined = sets.setdefault((part.number, header[:-1]), {})
            assert header[-1] not in joined, "a part came twice"
            joined[header[-1]] = words
            if len(joined) == header[-2]:
                data = b"".join(joined[at] for at in sorted(joined))
                whole.append((part.number, _decoded(data, part.data_coding)))
        return whole

    def release(self) -> None:
        for writer, data in self._held:
            writer.write(data)
        self._held.clear()
        self.waiting = 0

    def deliver(
        self, source: str, words: bytes, *, esm_class: int = 0, data_coding: int = 0, tlvs: bytes = b"", ton: int = 1
    ) -> int:
        """Send a deliver_sm over the newest connection; returns its sequence number."""
        self._sequence += 1
        body = b"\0" + bytes([ton, 1]) + source.encode() + b"\0" + b"\x03\0" + b"80022\0"
        body += bytes([esm_class, 0, 0]) + b"\0\0" + bytes([0, 0, data_coding, 0, len(words)]) + words + tlvs
        self._writers[-1].write(struct.pack(">LLLL", 16 + len(body), DELIVER, 0, self._sequence) + body)
        return self._sequence

    def receipt(self, message_id: str, stat: str = "DELIVRD", error: str = "000", tlvs: bytes = b"") -> int:
        words = (
            f"id:{message_id} sub:001 dlvrd:001 submit date:2603021200 done date:2603021201 "
            f"stat:{stat} err:{error} text:Hello"
        )
        return self.deliver("923005550001", words.encode(), esm_class=4, tlvs=tlvs)

    async def answer_to(self, sequence: int) -> int:
        while sequence not in self.answers:
            self.answered.clear()
            await asyncio.wait_for(self.answered.wait(), 10)
        return self.answers[sequence]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        try:
            while True:
                length, command, status, sequence = struct.unpack(">LLLL", await reader.readexactly(16))
                body = await reader.readexactly(length - 16)
                if command == BIND:
                    fields = body.split(b"\0")
                    self.binds.append((fields[0].decode(), fields[1].decode()))
                    self._answer(writer, command, sequence, self.bind_status, b"smsc\0")
                    if self.bind_status == 0:
                        self.bound.set()
                elif command == SUBMIT:
                    self._submit(writer, sequence, body)
                elif command == 0x80000000 | DELIVER:
                    self.answers[sequence] = status
                    self.answered.set()
                elif command == ENQUIRE:
                    self.enquiries += 1
                    if not self.deaf:
                        self._answer(writer, command, sequence)
                elif command == UNBIND:
                    self._answer(writer, command, sequence)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    def _answer(
        self, writer: asyncio.StreamWriter, command: int, sequence: int, status: int = 0, body: bytes = b""
    ) -> None:
        data = struct.pack(">LLLL", 16 + len(body), 0x80000000 | command, status, sequence) + body
        if command == SUBMIT and self.hold_answers:
            self._held.append((writer, data))
        else:
            writer.write(data)

    def _submit(self, writer: asyncio.StreamWriter, sequence: int, body: bytes) -> None:
        manner = self.manners.pop(0) if self.manners else self.manner
        part = _read_submit(body, f"{0xA0000 + len(self.parts):x}")
        if part.number in self.refused:
            manner = 0x0B
        if manner == "throttled":
            manner = 0x58
        if isinstance(manner, int):
            self._answer(writer, SUBMIT, sequence, manner)
            return
        self.parts.append(part)
        self.waiting += 1
        self.most_waiting = max(self.most_waiting, self.waiting)
        self.submitted.set()
        if manner == "drops":
            writer.transport.abort()
        elif manner != "silent":
            self._answer(writer, SUBMIT, sequence, 0, part.message_id.encode() + b"\0")


def _read_submit(body: bytes, message_id: str) -> Part:
    at = body.index(b"\0") + 1
    ton, npi = body[at], body[at + 1]
    end = body.index(b"\0", at + 2)
    source = (ton, npi, body[at + 2 : end].decode())
    assert body[end + 1 : end + 3] == b"\x01\x01"
    at = end + 3
    end = body.index(b"\0", at)
    number = "+" + body[at:end].decode()
    esm_class = body[end + 1]
    at = body.index(b"\0", end + 4) + 1
    end = body.index(b"\0", at)
    validity = body[at:end].decode()
    registered, _replace, coding, _canned, length = body[end + 1 : end + 6]
    words = body[end + 6 : end + 6 + length]
    assert len(words) == length == len(body) - end - 6
    assert length <= 140 or coding == 0
    return Part(number, source, esm_class, coding, registered, validity, words, message_id)


def _decoded(data: bytes, coding: int) -> str:
    return data.decode("utf-16-be") if coding == 8 else decode_gsm7(data)


@asynccontextmanager
async def running(**others: object) -> AsyncIterator[Smsc]:
    made = Smsc(**others)  # type: ignore[arg-type]
    await made.start()
    try:
        yield made
    finally:
        await made.stop()
