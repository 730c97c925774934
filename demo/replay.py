"""Start a gateway and play the script to it: real HTTP and signatures, many connections, receipts for every answer."""

import asyncio
import os
import re
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

import aiohttp

from demo.script import Step
from gateway.carriers.simulated.forms import TwimlMessage, inbound_form, new_sid, read_twiml, receipt_form
from gateway.carriers.twilio.signature import SIGNATURE_HEADER, Signatures
from gateway.settings import Settings

HOST, SHORT_CODE, REGION = "127.0.0.1", "80022", "PK"
ROOT = Path(__file__).parents[1]
_REF = re.compile(r"STATUS ([0-9A-Z]{3,8})")
_START_WITHIN_S = 60


class DemoError(Exception):
    """The gateway could not be started, or went away; the message says what it said."""


@dataclass(frozen=True, slots=True)
class Gateway:
    """A running gateway: its address, its database, and the account whose webhooks it takes."""

    base_url: str
    database_url: str
    account_sid: str
    signatures: Signatures


@dataclass(frozen=True, slots=True)
class Sent:
    """One step as it went: the words that were sent, the message id, and each copy's HTTP status and answer."""

    step: Step
    text: str
    sid: str
    statuses: tuple[int, ...]
    answers: tuple[str, ...]
    seconds: float


@contextmanager
def running(folder: Path) -> Iterator[Gateway]:
    """A gateway in a process of its own, on a free port, with a fresh SQLite database and the sample rally.

    :raises DemoError: it does not come up
    """
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port = probe.getsockname()[1]
    base_url, database_url = f"http://{HOST}:{port}", f"sqlite:///{folder / 'demo.db'}"
    account_sid, token = "AC" + secrets.token_hex(16), secrets.token_hex(16)
    own = {name.upper() for name in Settings.model_fields}  # no setting of this machine may change the morning
    environment = {name: value for name, value in os.environ.items() if name.upper() not in own} | {
        "PYTHONPATH": str(ROOT),
        "DATABASE_URL": database_url,
        "PORT": str(port),
        "PUBLIC_BASE_URL": base_url,
        "SHORT_CODE": SHORT_CODE,
        "DEFAULT_REGION": REGION,
        "CARRIER": "simulated",
        "TWILIO_ACCOUNT_SID": account_sid,
        "TWILIO_AUTH_TOKEN": token,
    }
    log_path = folder / "gateway.log"
    jalsa = [sys.executable, "-m", "gateway.cli"]
    with log_path.open("wb") as log:
        for command in ("migrate", "sample"):
            done = subprocess.run([*jalsa, command], env=environment, cwd=folder, stdout=log, stderr=log, check=False)
            if done.returncode:
                raise DemoError(f"jalsa {command} failed: {_last_line(log_path)}")
        process = subprocess.Popen([*jalsa, "serve"], env=environment, cwd=folder, stdout=log, stderr=log)
    try:
        _wait(port, process, log_path)
        yield Gateway(base_url, database_url, account_sid, Signatures(base_url, token))
    finally:
        process.terminate()
        process.wait(30)


def _wait(port: int, process: "subprocess.Popen[bytes]", log_path: Path) -> None:
    until = time.monotonic() + _START_WITHIN_S
    while process.poll() is None and time.monotonic() < until:
        try:
            socket.create_connection((HOST, port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise DemoError(f"The gateway did not start: {_last_line(log_path)}")


def _last_line(path: Path) -> str:
    lines = path.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return lines[-1] if lines else "it said nothing."


async def replay(steps: Sequence[Step], gateway: Gateway, progress: Callable[[], None]) -> list[Sent]:
    """Play every phone's texts in their order, all phones at the same time; returns what was sent, in script order.

    :raises DemoError: the gateway went away
    """
    phones: dict[str, list[Step]] = {}
    for step in steps:
        phones.setdefault(step.number, []).append(step)
    timeout = aiohttp.ClientTimeout(total=30)
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(gateway.base_url, timeout=timeout, connector=connector) as session:
        line = _Line(session, gateway)
        try:
            played = await asyncio.gather(*(line.play(own, progress) for own in phones.values()))
        except (aiohttp.ClientError, TimeoutError) as error:
            raise DemoError(f"The gateway went away ({type(error).__name__}).") from None
    return sorted((sent for one in played for sent in one), key=lambda sent: sent.step.line)


class _Line:
    """The carrier's side of the wire."""

    def __init__(self, session: aiohttp.ClientSession, gateway: Gateway) -> None:
        self._session, self._gateway = session, gateway

    async def play(self, steps: Sequence[Step], progress: Callable[[], None]) -> list[Sent]:
        played, ref = [], ""
        for step in steps:
            sent, messages = await self._send(step, step.text.replace("{ref}", ref))
            for message in messages:
                if found := _REF.search(message.body):
                    ref = found[1]
                if message.status_callback:
                    await self._receipt(step, message.status_callback)
            played.append(sent)
            progress()
        return played

    async def _send(self, step: Step, text: str) -> tuple[Sent, list[TwimlMessage]]:
        sid, began = new_sid(), time.perf_counter()
        form = inbound_form(
            sid=sid,
            account_sid=self._gateway.account_sid,
            sender=step.number,
            recipient=SHORT_CODE,
            body=text,
            region=REGION,
        )
        copies = await asyncio.gather(*(self._post("/webhooks/twilio/sms", form) for _ in range(step.copies)))
        seconds = time.perf_counter() - began
        read = [read_twiml(body) if status == 200 else [] for status, body in copies]
        answers = tuple("\n".join(message.body for message in messages) for messages in read)
        return Sent(step, text, sid, tuple(status for status, _ in copies), answers, seconds), read[0]

    async def _receipt(self, step: Step, callback: str) -> None:
        sid, path = new_sid(), callback.removeprefix(self._gateway.base_url)
        for status in ("sent", "delivered"):
            form = receipt_form(
                sid=sid,
                account_sid=self._gateway.account_sid,
                sender=SHORT_CODE,
                recipient=step.number,
                status=status,
            )
            await self._post(path, form)

    async def _post(self, path: str, form: Mapping[str, str]) -> tuple[int, str]:
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            SIGNATURE_HEADER: self._gateway.signatures.sign(path, form),
        }
        async with self._session.post(path, data=urlencode(form).encode(), headers=headers) as response:
            return response.status, await response.text()
