"""A gateway as a user would start it, in a process of its own with the sample rally, and a browser to look at it."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, expect, sync_playwright

ROOT = Path(__file__).parents[2]
CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
PATIENCE_MS = 30_000
"""How long a test waits for what a page is to show: a busy machine takes its time; what never comes is red anyhow."""
_FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serving(folder: Path, port: int | None = None, **settings: str) -> Iterator[str]:
    """Yield the address of a gateway with the simulated carrier, its data in `folder`."""
    port = port or free_port()
    environment = os.environ | {"DATABASE_URL": f"sqlite:///{folder / 'jalsa.db'}", "PORT": str(port)} | settings
    jalsa = [sys.executable, "-m", "gateway.cli"]
    for step in ("migrate", "sample"):
        subprocess.run([*jalsa, step], env=environment, cwd=ROOT, check=True, capture_output=True, timeout=180)
    with (folder / "gateway.log").open("wb") as log:
        process = subprocess.Popen([*jalsa, "serve"], env=environment, cwd=ROOT, stdout=log, stderr=log)
    address = f"http://127.0.0.1:{port}"
    try:
        _wait_until_ready(address, process, folder / "gateway.log")
        yield address
    finally:
        process.terminate()
        process.wait(20)


def _wait_until_ready(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + 120
    while time.monotonic() < until and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{address}/readyz", timeout=2):
                return
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"the gateway did not come up:\n{log.read_text()}")


@contextmanager
def browsing() -> Iterator[Browser]:
    """Yield Debian's chromium."""
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=_FLAGS)
        yield browser
        browser.close()
