"""End to end against a real SMSC: the npm package `smpp`, and `jalsa worker` as a process of its own."""

import json
import os
import queue
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from gateway.carriers.coding import Concat, concat_header
from gateway.database import make_engine, reading
from gateway.tables import InboundText, OutboundText
from tests.carriers.npm import npm_install
from tests.carriers.test_kannel import ROOT, eventually, running

PERSON = "923001234501"


@pytest.fixture(scope="session")
def smpp_package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which node finds the package `smpp`."""
    folder = tmp_path_factory.mktemp("smsc")
    npm_install("a real SMSC (npm smpp)", folder, ["smpp@0.5.1"])
    shutil.copy(ROOT / "tests" / "fakes" / "smsc.js", folder / "smsc.js")
    return folder


@dataclass
class RealSmsc:
    """The node process: what it said, and a way to make it send what a person texts."""

    process: subprocess.Popen[bytes]
    said: list[dict[str, Any]] = field(default_factory=list)
    _lines: "queue.Queue[dict[str, Any]]" = field(default_factory=queue.Queue)

    def listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(json.loads(line))

    def wait(self, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Return the next thing it says that is wanted."""
        while True:
            said = self._lines.get(timeout=30)
            self.said.append(said)
            if wanted(said):
                return said

    def texts(self, words: str, udh: bytes | None = None) -> int:
        """Let a person text us; returns the status of our answer."""
        assert self.process.stdin is not None
        asked = {"from": PERSON, "words": words, "udh": udh.hex() if udh else None}
        self.process.stdin.write(json.dumps(asked).encode() + b"\n")
        self.process.stdin.flush()
        return int(self.wait(lambda said: said.get("asked") == words)["answer"])


@pytest.fixture
def smsc(smpp_package: Path) -> Iterator[RealSmsc]:
    with running(["node", "smsc.js"], subprocess.PIPE, cwd=smpp_package, stdin=subprocess.PIPE) as process:
        made = RealSmsc(process)
        threading.Thread(target=made.listen, daemon=True).start()
        yield made


def test_texts_receipts_and_long_texts_through_a_real_smsc(smsc: RealSmsc, database_url: str, tmp_path: Path) -> None:
    port = smsc.wait(lambda said: "port" in said)["port"]
    environment = {
        **os.environ, "DATABASE_URL": database_url, "CARRIER": "smpp", "SMPP_HOST": "127.0.0.1",
        "SMPP_PORT": str(port), "SMPP_SYSTEM_ID": "jalsa", "SMPP_PASSWORD": "secret", "PYTHONPATH": str(ROOT),
    }  # fmt: skip
    engine = make_engine(database_url)

    def rows(table: Any) -> list[Any]:
        with reading(engine) as connection:
            return list(connection.execute(select(table.__table__).order_by(table.id)))

    command = [sys.executable, "-m", "gateway.cli", "worker"]
    with (
        (tmp_path / "worker.log").open("wb") as log,
        running(command, log, env=environment, cwd=tmp_path) as worker,
    ):
        smsc.wait(lambda said: "bound" in said)
        assert smsc.texts("JOIN Sana Lahore") == 0
        assert [row.body for row in rows(InboundText)] == ["JOIN Sana Lahore"]
        eventually(lambda: rows(OutboundText)[0].state == "delivered", "the receipt of the reply")
        # Urdu, in two parts, the second first.
        assert smsc.texts("اردو", concat_header(Concat(3, 2, 2))) == 0
        assert smsc.texts("زبان ", concat_header(Concat(3, 2, 1))) == 0
        assert rows(InboundText)[1].body == "زبان اردو"
        eventually(lambda: len(rows(OutboundText)) == 2 and rows(OutboundText)[1].state == "delivered", "Urdu")
        assert smsc.texts("€ [HELP]") == 0
        assert rows(InboundText)[2].body == "€ [HELP]"
        worker.terminate()
        assert worker.wait(20) == 0
    smsc.process.terminate()
    smsc.process.wait(10)
    while not smsc._lines.empty():
        smsc.said.append(smsc._lines.get())
    submitted = [said for said in smsc.said if "to" in said]
    assert {(said["to"], said["from"]) for said in submitted} == {(PERSON, "80022")}
    whole = "".join(said["words"] for said in submitted)
    for row in rows(OutboundText)[:2]:
        assert row.body in whole  # node-smpp read the alphabet and the headers by itself
        assert row.carrier_id in {said.get("id") for said in smsc.said}
    engine.dispose()
