"""Outgoing webhooks, what is decided from values: form and signature, where they may go, when they are tried again."""

import base64
import json
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import pytest

from gateway.rules.hook_address import LOOPBACK, AddressRefused, check_url, may_connect, read_networks
from gateway.rules.hook_events import KINDS, UnknownKind, check_kinds, headers, read_secret, write_payload, write_secret
from gateway.rules.hook_retry import GIVE_UP_AFTER, WAITS, Again, GaveUp, after_failure, disabled_because, hold_until

NOW = datetime(2026, 3, 2, 7, 0, tzinfo=UTC)


def test_the_signature_of_the_specification_s_own_example() -> None:
    # The vector that the specification's reference libraries test themselves with.
    secret, uid = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek"
    sent_at = datetime.fromtimestamp(1614265330, UTC)
    signed = headers(uid, sent_at, b'{"test": 2432232314}', [secret])
    assert signed["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert signed["webhook-timestamp"] == "1614265330"


def test_two_secrets_give_two_signatures() -> None:
    secrets = [write_secret(bytes([at]) * 32) for at in range(2)]
    assert headers("evt_1", NOW, b"{}", secrets)["webhook-signature"].count("v1,") == 2
    assert read_secret(secrets[1]) == b"\x01" * 32
    with pytest.raises(ValueError, match="24 to 64"):
        write_secret(b"short")
    with pytest.raises(ValueError, match="whsec_"):
        read_secret("whsec_no base64!")


def test_the_payload() -> None:
    assert json.loads(write_payload("member.joined", NOW, {"name": "علی"})) == {
        "type": "member.joined", "timestamp": "2026-03-02T07:00:00.000Z", "version": 1, "data": {"name": "علی"},
    }  # fmt: skip


def test_kinds() -> None:
    assert check_kinds(["report.*", "report.opened"]) == ("report.opened", "report.resolved", "report.reopened")
    assert check_kinds(["*"]) == tuple(KINDS)
    for wrong in ([], ["member.left"], ["members.*"], [""]):
        with pytest.raises(UnknownKind):
            check_kinds(wrong)


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/", "ftp://example.org/", "https://", "https:///x", "example.org", "https://a b/",
        "https://name:secret@example.org/", "https://example.org/#part", "https://example.org:0/",
        "https://example.org:99999/", "http://10.0.0.1/", "http://127.0.0.1.example.org/", "https://[::1", "",
        "https://example.org/" + "a" * 500, "https://exämple.org/", "https://224.0.0.1/", "https://a\nb/",
    ],
)  # fmt: skip
def test_what_is_no_address_for_a_webhook(url: str) -> None:
    with pytest.raises(AddressRefused, match="URL"):
        check_url(url)


@pytest.mark.parametrize(
    "url", ["https://example.org/hook?key=1", "http://127.0.0.1:9/", "http://[::1]/", "http://localhost/"]
)
def test_what_is_one(url: str) -> None:
    assert check_url(url).hostname


@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        ("93.184.216.34", True), ("2606:2800:220:1::1", True),
        ("127.0.0.1", False), ("::1", False), ("0.0.0.0", False), ("::", False),
        ("10.0.0.1", False), ("172.16.0.1", False), ("192.168.1.1", False), ("100.64.0.1", False),
        ("169.254.169.254", False), ("fe80::1", False), ("fd00::1", False), ("224.0.0.1", False), ("ff02::1", False),
        ("255.255.255.255", False), ("240.0.0.1", False),
        ("::ffff:10.0.0.1", False), ("::ffff:127.0.0.1", False), ("64:ff9b::a00:1", False), ("2002:a00:1::", False),
        ("2001:0:53aa:64c::f5ff:fffe", False),
    ],
)  # fmt: skip
def test_only_the_public_internet_is_called(address: str, allowed: bool) -> None:
    assert may_connect(ip_address(address), "https", ()) is allowed


def test_networks_that_a_setting_allows() -> None:
    inner = read_networks("10.1.0.0/16, fd00::/8")
    assert may_connect(ip_address("10.1.2.3"), "https", inner)
    assert not may_connect(ip_address("10.2.2.3"), "https", inner)
    assert not may_connect(ip_address("10.1.2.3"), "http", inner), "plain http stays on this machine"
    assert may_connect(ip_address("127.0.0.1"), "http", LOOPBACK)
    assert not may_connect(ip_address("93.184.216.34"), "http", ())
    with pytest.raises(ValueError, match="networks"):
        read_networks("10.1.0.0/33")


def test_waits_grow_and_end_after_three_days() -> None:
    now, waits = NOW, []
    for attempts in range(1, 50):
        following = after_failure(attempts, now, NOW, None, 7)
        if isinstance(following, GaveUp):
            break
        waits.append(following.at - now)
        now = following.at
    assert timedelta(days=3) < now - NOW <= GIVE_UP_AFTER
    for wait, plain in zip(waits[:-1], WAITS, strict=False):
        assert 0.9 * plain <= wait <= 1.1 * plain
    assert len({after_failure(2, NOW, NOW, None, number).at for number in range(50)}) == 50, "not all at one moment"


def test_retry_after_is_no_less_than_asked() -> None:
    following = after_failure(1, NOW, NOW, timedelta(minutes=20), 7)
    assert isinstance(following, Again)
    assert following.at >= NOW + timedelta(minutes=20)
    assert hold_until(1, NOW, timedelta(minutes=20), 1) >= NOW + timedelta(minutes=20)
    assert hold_until(10**6, NOW, None, 1) <= NOW + timedelta(minutes=5)


def test_when_an_endpoint_is_switched_off() -> None:
    assert disabled_because(410, NOW, NOW)
    assert not disabled_because(500, NOW - timedelta(days=3), NOW)
    assert "2026-02-26 07:00" in disabled_because(None, NOW - timedelta(days=4), NOW)


def test_secrets_are_base64_of_32_bytes() -> None:
    assert len(base64.b64decode(write_secret(b"k" * 32).removeprefix("whsec_"))) == 32
