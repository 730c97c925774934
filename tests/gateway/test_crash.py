"""What was answered is on record, whatever happens to the process: killed under load, or two of them at once."""

import asyncio
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode

import aiohttp
from sqlalchemy import Engine, func, select
from twilio.request_validator import RequestValidator

from gateway.tables import ConsentEntry, InboundText, Member, OutboundText, ReportEntry
from tests.gateway.conftest import ACCOUNT_SID, AUTH_TOKEN
from tests.gateway.twilio_client import SMS, inbound

ROOT = Path(__file__).parents[2]
BASE = "https://jalsa.example"
HEADERS = {"Content-Type": "application/x-www-form-urlencoded"}
BODIES = ("JOIN Ali Lahore", "REPORT no water at gate 3", "HELP", "WHERE Lahore", "جوائن علی کراچی", "what is this")

Form = Mapping[str, str]


class Gateway:
    """A gateway in a process of its own."""

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self.process, self.url = process, f"http://127.0.0.1:{port}{SMS}"

    def kill(self) -> None:
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait(10)


@contextmanager
def a_gateway(database_url: str, processes: int = 0) -> Iterator[Gateway]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "DATABASE_URL": database_url,
        "PUBLIC_BASE_URL": BASE,
        "TWILIO_ACCOUNT_SID": ACCOUNT_SID,
        "TWILIO_AUTH_TOKEN": AUTH_TOKEN,
        "SECRET_KEY": "secret-for-tests-only",
        "LOG_LEVEL": "error",
    }
    with tempfile.TemporaryDirectory() as folder:  # where no .env lies
        command = [sys.executable, "-m", "gateway.cli", "serve", "--port", str(port), "--processes", str(processes)]
        process = subprocess.Popen(command, cwd=folder, env=settings, stdout=subprocess.DEVNULL)
        try:
            for _ in range(600):
                assert process.poll() is None, "the gateway ended by itself"
                try:
                    urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=1).close()
                    break
                except OSError:
                    time.sleep(0.1)  # a port gives no event when it opens
            yield Gateway(process, port)
        finally:
            process.kill()
            process.wait(10)


async def post(client: aiohttp.ClientSession, url: str, form: Form) -> str | None:
    """Send a signed text; its answer, or None if there was no 200."""
    signature = RequestValidator(AUTH_TOKEN).compute_signature(BASE + SMS, dict(form))
    headers = {**HEADERS, "X-Twilio-Signature": signature}
    try:
        async with client.post(url, data=urlencode(form).encode(), headers=headers) as answer:
            body = await answer.text()
            return body if answer.status == 200 else None
    except (aiohttp.ClientError, OSError):
        return None


def forms(count: int, pick: random.Random) -> list[Form]:
    return [inbound(pick.choice(BODIES), f"+92300{pick.randrange(400):07d}") for _ in range(count)]


def flood(gateway: Gateway, texts: list[Form], kill_after: int | None) -> dict[str, str]:
    """Send texts over 32 connections, killing the gateway once that many are answered; answers by message id."""
    answers: dict[str, str] = {}

    async def run() -> None:
        left = iter(texts)
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(60)) as client:

            async def one_connection() -> None:
                for text in left:
                    if gateway.process.returncode is not None:
                        return
                    body = await post(client, gateway.url, text)
                    if body is not None:
                        answers[text["MessageSid"]] = body
                    if kill_after is not None and len(answers) >= kill_after and gateway.process.returncode is None:
                        gateway.kill()

            await asyncio.gather(*(one_connection() for _ in range(32)))

    asyncio.run(run())
    return answers


def counts(engine: Engine) -> dict[str, int]:
    with engine.connect() as connection:
        tables = (InboundText, OutboundText, ConsentEntry, ReportEntry, Member)
        return {
            table.__tablename__: connection.execute(select(func.count()).select_from(table.__table__)).scalar() or 0
            for table in tables
        }


def assert_on_record(engine: Engine, answers: Mapping[str, str], sent: list[Form]) -> None:
    """Each answered text is on record once, with the reply it got and its effects once; nothing else is."""
    with engine.connect() as connection:
        rows = connection.execute(
            select(InboundText.carrier_id, InboundText.command, OutboundText.id).outerjoin(
                OutboundText, OutboundText.inbound_id == InboundText.id
            )
        ).all()
        consents = Counter(connection.execute(select(ConsentEntry.carrier_id)).scalars())
        opened = select(InboundText.carrier_id).join(ReportEntry, ReportEntry.inbound_id == InboundText.id)
        reports = Counter(connection.execute(opened).scalars())
    stored = {row.carrier_id: row for row in rows}
    assert len(stored) == len(rows)
    assert stored.keys() <= {form["MessageSid"] for form in sent}
    for sid, body in answers.items():
        assert sid in stored, "answered with 200 but not on record"
        reply = stored[sid].id
        assert (f'?text={reply}"' in body) if reply else "<Message" not in body
    for sid, row in stored.items():
        assert consents[sid] == (row.command == "JOIN")
        # A text without a command may add a line to its sender's report.
        assert (row.command == "REPORT") <= reports[sid] <= (row.command in ("REPORT", None))


def test_killed_at_random_under_load_it_has_kept_every_text_that_it_answered(database_url: str, engine: Engine) -> None:
    seed = random.randrange(10**6)
    print(f"seed {seed}")  # shown when the test fails
    pick = random.Random(seed)
    sent: list[Form] = []
    answers: dict[str, str] = {}
    for _ in range(2):
        texts = forms(600, pick)
        with a_gateway(database_url) as gateway:
            answers |= flood(gateway, texts, kill_after=pick.randrange(20, 250))
        sent += texts
        assert len(answers) < len(sent)
        assert_on_record(engine, answers, sent)
    with a_gateway(database_url) as gateway:
        again = flood(gateway, sent, kill_after=None)  # the carrier sends everything anew
        assert again.keys() == {form["MessageSid"] for form in sent}
        assert {sid: again[sid] for sid in answers} == answers
        assert_on_record(engine, again, sent)
        before = counts(engine)
        assert flood(gateway, sent, kill_after=None) == again
    assert counts(engine) == before
    assert before["inbound_texts"] == len(sent)


def test_two_processes_given_the_same_text_at_once_have_one_effect_and_one_reply(
    database_url: str, engine: Engine
) -> None:
    texts = forms(60, random.Random(7))

    async def run(urls: list[str]) -> list[list[str | None]]:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(60)) as client:
            found = []
            for start in range(0, len(texts), 6):
                copies = [[post(client, url, form) for url in urls] for form in texts[start : start + 6]]
                flat = await asyncio.gather(*(one for pair in copies for one in pair))
                found += [list(flat[at : at + len(urls)]) for at in range(0, len(flat), len(urls))]
            return found

    with a_gateway(database_url) as one, a_gateway(database_url) as other:
        answered = asyncio.run(run([one.url, other.url, one.url]))
    answers = {}
    for form, bodies in zip(texts, answered, strict=True):
        assert bodies[0] is not None
        assert bodies == [bodies[0]] * 3
        answers[form["MessageSid"]] = bodies[0]
    assert counts(engine)["inbound_texts"] == len(texts)
    assert_on_record(engine, answers, texts)
