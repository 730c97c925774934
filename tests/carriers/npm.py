"""Packages of npm that tests talk to, installed into a folder of the run."""

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from tests.conftest import say_not_run


def npm(what: str, folder: Path, *command: str) -> None:
    """Run npm in a folder; where it is absent or fails, the test says that `what` did not run."""
    if not shutil.which("npm") or not shutil.which("node"):
        say_not_run(what, "npm or node is not installed")
    try:
        done = subprocess.run(["npm", *command], cwd=folder, capture_output=True, timeout=180, check=False)
    except subprocess.TimeoutExpired:
        say_not_run(what, f"npm {command[0]} did not end within three minutes")
    if done.returncode:
        say_not_run(what, f"npm {command[0]} failed")


def npm_install(what: str, folder: Path, packages: Sequence[str]) -> None:
    """Install packages, without running what they bring along; otherwise as `npm`."""
    (folder / "package.json").write_text('{"name": "peers-of-tests", "private": true}')
    npm(what, folder, "install", "--no-audit", "--no-fund", "--ignore-scripts", *packages)
