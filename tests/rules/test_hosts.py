"""What a host is."""

import pytest

from gateway.rules.hosts import is_host


@pytest.mark.parametrize(
    "name",
    [
        "localhost",
        "smsc.example.net",
        "smsc.example.net.",
        "10.0.0.7",
        "2001:db8::1",
        "my_smsc",
        "a.",
        "x" * 63,
        "مثال.example",
    ],
)
def test_hosts(name: str) -> None:
    assert is_host(name)


@pytest.mark.parametrize(
    "name",
    [
        "", " ", ".", "a..b", "x" * 64, ".".join(["x" * 60] * 5), "a b", "a\x00b", "host:2775", "https://host", "[::1]",
        "host/path", "user@host", "host\n", "\ud800",
    ],
)  # fmt: skip
def test_what_is_none(name: str) -> None:
    assert not is_host(name)
