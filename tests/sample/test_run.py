"""What `make run` is made of, as a newcomer types it: migrate, sample, serve."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).parents[2]


def _environment(folder: Path, port: int) -> dict[str, str]:
    return os.environ | {"DATABASE_URL": f"sqlite:///{folder / 'jalsa.db'}", "PORT": str(port)}


def _jalsa(folder: Path, port: int, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "gateway.cli", *arguments]
    return subprocess.run(
        command, env=_environment(folder, port), cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_the_three_steps_lead_to_a_gateway_that_says_where_to_look(tmp_path: Path) -> None:
    port = _free_port()
    early = _jalsa(tmp_path, port, "sample")
    assert early.returncode == 1 and "jalsa migrate" in early.stderr
    assert _jalsa(tmp_path, port, "migrate").returncode == 0
    first, again = _jalsa(tmp_path, port, "sample"), _jalsa(tmp_path, port, "sample", "--json")
    assert "Loaded the sample" in first.stdout, first.stderr
    assert json.loads(again.stdout)["event_added"] is False
    command = [sys.executable, "-m", "gateway.cli", "serve"]
    serving = subprocess.Popen(
        command, env=_environment(tmp_path, port), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert _ready(port)
        taken = _jalsa(tmp_path, port, "serve")
        assert taken.returncode == 1
        assert taken.stderr.count("\n") == 1 and f"127.0.0.1:{port}" in taken.stderr
    finally:
        serving.send_signal(signal.SIGINT)
        said, _ = serving.communicate(timeout=20)
    assert f"http://127.0.0.1:{port}/handset" in said and "Stop with Ctrl-C" in said


def test_simulated_phones_are_not_shared_out_to_several_processes(tmp_path: Path) -> None:
    refused = _jalsa(tmp_path, _free_port(), "serve", "--processes", "2")
    assert refused.returncode == 2
    assert refused.stderr.count("\n") == 1 and refused.stderr.startswith("--processes: simulated phones")


def _ready(port: int) -> bool:
    until = time.monotonic() + 30
    while time.monotonic() < until:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2) as answer:
                return bool(answer.status == 200)
        except OSError:
            time.sleep(0.1)
    return False


def test_the_gateways_own_address_follows_the_port(tmp_path: Path) -> None:
    from gateway.settings import load_settings

    assert load_settings(_env_file=None).public_base_url == "http://127.0.0.1:8000"
    assert load_settings(_env_file=None, port=8123).public_base_url == "http://127.0.0.1:8123"
    given = load_settings(_env_file=None, port=8123, public_base_url="http://localhost:9/")
    assert given.public_base_url == "http://localhost:9"
