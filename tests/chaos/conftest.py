"""A fresh SQLite database where one database is enough."""

import shutil
from pathlib import Path

import pytest


@pytest.fixture
def sqlite_copy(sqlite_template: Path, tmp_path: Path) -> str:
    shutil.copy(sqlite_template, tmp_path / "jalsa.db")
    return f"sqlite:///{tmp_path / 'jalsa.db'}"
