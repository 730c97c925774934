"""Which address a sign-in counts for: no header is believed that is not set, and a proxy is nobody's address."""

import pytest

from gateway.rules.client_address import client_address

ONE = "203.0.113.7"


@pytest.mark.parametrize(
    ("peer", "named", "said", "behind", "counts_for"),
    [
        (ONE, "", "", False, ONE),
        (ONE, "", "198.51.100.1", False, ONE),  # a header that is not set is not believed
        (ONE, "", "198.51.100.1", True, None),  # the peer is a proxy
        ("127.0.0.1", "", "", False, None),
        ("::1", "", "", False, None),
        ("::ffff:127.0.0.1", "", "", False, None),
        ("testclient", "", "", False, None),
        ("", "", "", False, None),
        ("10.0.0.1", "X-Real-IP", ONE, True, ONE),
        ("10.0.0.1", "X-Real-IP", "", True, None),  # not the proxy's own
        ("10.0.0.1", "X-Real-IP", "unknown", True, None),
        ("10.0.0.1", "X-Forwarded-For", f"198.51.100.1, 198.51.100.2, {ONE}", True, ONE),
        ("10.0.0.1", "X-Forwarded-For", "2001:db8:1:2:3:4:5:6", True, "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "", "", False, "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "", "", False, "fe80::/64"),
        ("::ffff:203.0.113.7", "", "", False, ONE),
    ],
)
def test_the_address_that_a_try_counts_for(
    peer: str, named: str, said: str, behind: bool, counts_for: str | None
) -> None:
    assert client_address(peer, named, said, behind_proxy=behind) == counts_for
