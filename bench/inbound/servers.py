"""The three servers that are measured, each a process started as a user would start it."""

import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.inbound.load import ROOT
from bench.inbound.texts import ACCOUNT_SID, AUTH_TOKEN, SHORT_CODE

HOST = "127.0.0.1"
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Server:
    port: int
    pid: int

    @property
    def base_url(self) -> str:
        return f"http://{HOST}:{self.port}"

    def cpu_seconds(self) -> float:
        """Return the processor time that the server and its children have used."""
        return sum(_cpu_seconds(pid) for pid in _family(self.pid))

    def memory_mb(self) -> float:
        """Return the resident memory of the server and its children."""
        return sum(_resident_mb(pid) for pid in _family(self.pid))


def gateway_command(port: int, processes: int = 0) -> list[str]:
    command = [sys.executable, "-m", "gateway.cli", "serve", "--host", HOST, "--port", str(port)]
    return command if not processes else [*command, "--processes", str(processes)]


def other_command(module: str, port: int) -> list[str]:
    """Return the command of a server of the bench's own, run by uvicorn with the gateway's options."""
    return [
        sys.executable, "-m", "uvicorn", f"{module}:create_app", "--factory", "--host", HOST, "--port", str(port),
        "--no-access-log", "--log-level", "warning", "--no-server-header", "--no-proxy-headers",
    ]  # fmt: skip


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def environment(database_url: str, base_url: str) -> Mapping[str, str]:
    """Return the settings of a gateway under test, and none of this shell's own."""
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "LD_LIBRARY_PATH")}
    return {
        **kept,
        "PYTHONPATH": str(ROOT),
        "DATABASE_URL": database_url,
        "PUBLIC_BASE_URL": base_url,
        "SHORT_CODE": SHORT_CODE,
        "TWILIO_ACCOUNT_SID": ACCOUNT_SID,
        "TWILIO_AUTH_TOKEN": AUTH_TOKEN,
        "SECRET_KEY": "secret-of-the-bench",
        "LOG_LEVEL": "warning",
    }


@contextmanager
def running(command: Sequence[str], port: int, database_url: str) -> Iterator[Server]:
    """Run a server until the block ends; it is up once /healthz answers.

    :raises RuntimeError: it ended or did not answer within a minute
    """
    with tempfile.TemporaryDirectory(prefix="jalsa-bench-") as folder:  # where no .env lies
        process = subprocess.Popen(
            list(command),
            cwd=folder,
            env=dict(environment(database_url, f"http://{HOST}:{port}")),
            stdout=subprocess.DEVNULL,
        )
        try:
            _wait_until_up(process, port)
            yield Server(port, process.pid)
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait_until_up(process: subprocess.Popen[bytes], port: int) -> None:
    ends = time.monotonic() + 60
    while time.monotonic() < ends:
        if process.poll() is not None:
            raise RuntimeError(f"The server ended with {process.returncode} before it answered.")
        try:
            with urllib.request.urlopen(f"http://{HOST}:{port}/healthz", timeout=2):
                return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError("The server did not answer within a minute.")


def _family(pid: int) -> list[int]:
    found = [pid]
    for one in found:
        for task in Path(f"/proc/{one}/task").glob("*/children"):
            found.extend(int(child) for child in task.read_text().split())
    return found


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _resident_mb(pid: int) -> float:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
