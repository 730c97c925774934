"""One gateway for all tests of its pages, started as a user would start it."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.browser.gateway_process import serving


@pytest.fixture(scope="module")
def data_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("gateway")


@pytest.fixture(scope="module")
def address(data_folder: Path) -> Iterator[str]:
    with serving(data_folder) as where:
        yield where


@pytest.fixture
def page(address: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=address, timeout=20) as client:
        yield client
