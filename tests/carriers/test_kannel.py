"""End to end against a real Kannel: fakesmsc (a phone) - bearerbox - smsbox - our gateway, and back.

Needs Debian's packages `kannel` and `kannel-extras` (or `kannel-dev`, where fakesmsc is).
"""

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote_to_bytes

import pytest
from sqlalchemy import Engine, insert, select

from gateway.database import make_engine, reading, writing
from gateway.outbox.enqueue import NewText, enqueue
from gateway.rules.carrier_routes import Route
from gateway.tables import InboundText, OutboundText, Sender
from tests.carriers.profiles import EXAMPLES, SECRET
from tests.conftest import say_not_run

ROOT = Path(__file__).parents[2]
PHONE = "+923001234501"

CONF = """
group = core
admin-port = {admin}
admin-password = test
admin-interface = 127.0.0.1
smsbox-port = {box}
dlr-storage = internal
box-allow-ip = "127.0.0.1"
log-level = 0

group = smsc
smsc = fake
smsc-id = fake
port = {fake}
connect-allow-ip = 127.0.0.1

group = smsbox
bearerbox-host = 127.0.0.1
sendsms-port = {send}
sendsms-interface = 127.0.0.1
log-level = 0

group = sendsms-user
username = jalsa
password = change-me
max-messages = 10
concatenation = true

group = sms-service
keyword = default
catch-all = true
max-messages = 10
concatenation = true
omit-empty = true
accept-x-kannel-headers = true
get-url = "{ours}/webhooks/http/{secret}/sms?from=%p&to=%P&text=%b&id=%I&charset=%C&udh=%u"
"""


def free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def tool(name: str) -> str | None:
    return shutil.which(name, path=os.pathsep.join([os.environ["PATH"], "/usr/sbin", "/usr/lib/kannel/test"]))


def eventually(check: Callable[[], bool], what: str, seconds: float = 30) -> None:
    """Wait for what other processes do, which send us no event."""
    end = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < end, f"not within {seconds} s: {what}"
        time.sleep(0.05)


def listens(port: int) -> bool:
    with socket.socket() as one:
        one.settimeout(1)
        return one.connect_ex(("127.0.0.1", port)) == 0


@dataclass
class Kannel:
    """The processes, and what a test asks of them."""

    folder: Path
    engine: Engine
    fakesmsc: str
    fake_port: int
    phones: int = 0

    @contextlib.contextmanager
    def phone(self, message: str, count: int = 1) -> Iterator[Callable[[], str]]:
        """A phone network that sends `message` `count` times and stays; gives what it has received so far."""
        self.phones += 1
        log = self.folder / f"phone{self.phones}.log"
        command = [self.fakesmsc, "-H", "127.0.0.1", "-r", str(self.fake_port), "-i", "0.01", "-m", str(count), message]
        with log.open("wb") as out, running([*command], out) as _:
            yield lambda: log.read_text(errors="replace")

    def texts(self, table: type) -> list[object]:
        with reading(self.engine) as connection:
            return list(connection.execute(select(table.__table__).order_by(table.id)))  # type: ignore[attr-defined]


@contextlib.contextmanager
def running(command: list[str], out: object, **others: object) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, **others)  # type: ignore[call-overload]
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(5)


@pytest.fixture
def kannel(tmp_path: Path, sqlite_template: Path) -> Iterator[Kannel]:
    tools = {name: tool(name) for name in ("bearerbox", "smsbox", "fakesmsc")}
    if missing := [name for name, path in tools.items() if path is None]:
        say_not_run("Kannel", f"{', '.join(missing)} not installed (Debian: kannel, kannel-extras)")
    admin, box, fake, send, web = free_ports(5)
    ours = f"http://127.0.0.1:{web}"
    conf = tmp_path / "kannel.conf"
    conf.write_text(CONF.format(admin=admin, box=box, fake=fake, send=send, ours=ours, secret=SECRET))
    profile = tmp_path / "carrier.toml"
    text = (EXAMPLES / "kannel.toml").read_text().replace("change-me-change-me", SECRET)
    profile.write_text(text.replace("127.0.0.1:13013", f"127.0.0.1:{send}"))
    shutil.copy(sqlite_template, tmp_path / "jalsa.db")
    environment = {
        **os.environ, "DATABASE_URL": f"sqlite:///{tmp_path}/jalsa.db", "CARRIER": "http", "PORT": str(web),
        "HTTP_CARRIER_FILE": str(profile), "PUBLIC_BASE_URL": ours, "PYTHONPATH": str(ROOT),
        "SENDING_HOURS": "00:00-24:00",
    }  # fmt: skip
    engine = make_engine(environment["DATABASE_URL"])
    with contextlib.ExitStack() as stack:
        out = stack.enter_context((tmp_path / "all.log").open("ab"))
        serve = [sys.executable, "-m", "gateway.cli", "serve"]
        stack.enter_context(running(serve, out, env=environment, cwd=tmp_path))
        stack.enter_context(running([str(tools["bearerbox"]), str(conf)], out, cwd=tmp_path))
        eventually(lambda: listens(box) and listens(fake), "bearerbox listens")
        stack.enter_context(running([str(tools["smsbox"]), str(conf)], out, cwd=tmp_path))
        eventually(lambda: listens(send), "smsbox listens")
        eventually(lambda: listens(web), "the gateway listens")
        yield Kannel(tmp_path, engine, str(tools["fakesmsc"]), fake)
    engine.dispose()


def test_a_phone_texts_and_is_answered_in_its_own_script_with_receipts(kannel: Kannel) -> None:
    with kannel.phone(f"{PHONE} 80022 text JOIN Sana Lahore") as received:
        eventually(lambda: "Sana" in received(), "the answer reaches the phone")
        [text] = kannel.texts(InboundText)
        assert (text.to_number, text.body) == ("80022", "JOIN Sana Lahore")
        eventually(lambda: kannel.texts(OutboundText)[0].state == "delivered", "the receipt of the answer")
    urdu = "".join(f"%{octet:02X}" for octet in "مدد".encode("utf-16-be"))
    with kannel.phone(f"+923001234502 80022 ucs2 {urdu}") as received:
        eventually(lambda: len(kannel.texts(OutboundText)) == 2, "the Urdu text is recorded")
        asked, reply = kannel.texts(InboundText)[1], kannel.texts(OutboundText)[1]
        assert asked.body == "مدد"
        assert reply.encoding == "UCS-2"
        eventually(lambda: reply.body in in_ucs2(received()), "the Urdu answer reaches the phone as UCS-2")


def in_ucs2(log: str) -> list[str]:
    """Return the words of every UCS-2 text that a phone received, as fakesmsc writes them."""
    found = re.findall(r"Got message \d+: <\S+ \S+ ucs-2 (.*)>$", log, re.MULTILINE)
    return [unquote_to_bytes(one.replace("+", " ")).decode("utf-16-be", "replace") for one in found]


def words(at: int) -> str:
    return f"Your report {at} & more"


def test_texts_of_the_outbox_reach_the_phone_and_are_reported_delivered(kannel: Kannel) -> None:
    count = 20
    with kannel.phone("123 456 text nop", 0) as received:
        moment = datetime.now(UTC)
        with writing(kannel.engine) as connection:
            numbers = [f"+92300555{at:04d}" for at in range(count)]
            people = [
                {"key": number, "consent": "joined", "number_state": "alive", "first_seen_at": moment,
                 "last_seen_at": moment}
                for number in numbers
            ]  # fmt: skip
            connection.execute(insert(Sender), people)
            ids = dict(connection.execute(select(Sender.key, Sender.id)).all())
            new = [NewText("report", ids[number], number, words(at)) for at, number in enumerate(numbers)]
            assert enqueue(connection, new, (Route("*", ("http",)),), moment) == count
        eventually(lambda: all(words(at) in received() for at in range(count)), "all texts arrive", 60)
        eventually(lambda: {one.state for one in kannel.texts(OutboundText)} == {"delivered"}, "all are delivered", 60)
    for at in range(count):
        assert received().count(words(at)) == 1
