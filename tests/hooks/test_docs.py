"""The receiver that docs/hooks.md shows is run as it stands, with its secret and port put in."""

import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gateway.rules import hook_events as rules
from tests.hooks.conftest import Adding, Post


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_the_receiver_of_the_docs_takes_ours_and_refuses_others(add: Adding, office: Post, port: int) -> None:
    text = (Path(__file__).parents[2] / "docs/hooks.md").read_text("utf-8")
    [code] = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    _, secret = add(f"http://127.0.0.1:{port}/")
    code = code.replace("whsec_...", secret).replace("9000", str(port))
    process = subprocess.Popen([sys.executable, "-u", "-c", code], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        _wait_for(port)
        office.now = datetime.now(UTC)
        office.event()
        office.round()
        assert office.states() == ["delivered"]
        assert process.stdout is not None
        assert b"member.stopped" in process.stdout.readline()
        forged: Any = rules.headers("evt_1", office.now, b"{}", [rules.write_secret(b"f" * 32)])
        with pytest.raises(urllib.error.HTTPError, match="401"):
            urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{port}/", b"{}", forged))
    finally:
        process.kill()
        process.wait()


def _wait_for(port: int) -> None:
    for _ in range(200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError("the receiver did not start")
