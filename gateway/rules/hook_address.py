"""Where a webhook may go: https to the public internet, and nowhere near our own house unless a setting says so.

The name of an endpoint is resolved at every attempt, and each address is asked here before it is connected to: a name
that pointed at the internet yesterday may point at our database today.
"""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import SplitResult, urlsplit

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

LOOPBACK: tuple[Network, ...] = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
LONGEST_URL = 500
_NAT64 = ip_network("64:ff9b::/96")


class AddressRefused(ValueError):
    """No webhook may go there; the text is one sentence with the remedy."""


def read_networks(text: str) -> tuple[Network, ...]:
    """Return networks such as "10.1.0.0/16, ::1/128".

    :raises ValueError: one is none; one sentence
    """
    try:
        return tuple(ip_network(part.strip()) for part in text.split(",") if part.strip())
    except ValueError:
        raise ValueError("write networks with commas between them, such as 10.1.0.0/16, 127.0.0.1/32") from None


def check_url(url: str) -> SplitResult:
    """Return the parts of an endpoint's URL.

    :raises AddressRefused: it is no https address, or has a login in it
    """
    try:
        parts = urlsplit(url)
        port_is_good = parts.port is None or parts.port > 0
    except ValueError:
        raise AddressRefused("URL: write it as https://host/path.") from None
    if len(url) > LONGEST_URL or not url.isascii() or not url.isprintable() or " " in url:
        raise AddressRefused(f"URL: it has at most {LONGEST_URL} plain letters, digits and signs, and no space.")
    if parts.scheme not in ("http", "https") or not parts.hostname or not port_is_good or parts.fragment:
        raise AddressRefused("URL: write it as https://host/path.")
    if parts.username or parts.password:
        raise AddressRefused("URL: a login in it would be stored and shown; leave it out, the signature proves us.")
    if parts.scheme == "http" and not _names_loopback(parts.hostname):
        raise AddressRefused("URL: it must begin with https://; plain http is only for this machine (127.0.0.1).")
    literal = _literal(parts.hostname)
    if literal and literal.is_multicast:
        raise AddressRefused("URL: a webhook goes to one machine.")
    return parts


def may_connect(address: Address, scheme: str, allowed: Sequence[Network]) -> bool:
    """Whether a webhook may be sent to this very address; `allowed` are networks that would be refused otherwise."""
    within = [inner for inner in (address, *_embedded(address)) if not _is_public(inner)]
    if scheme != "https" and not any(address in network for network in LOOPBACK):
        return False
    return all(any(one in network for network in allowed) for one in within)


def _is_public(address: Address) -> bool:
    return address.is_global and not address.is_multicast and not address.is_reserved


def _embedded(address: Address) -> list[Address]:
    """Return the IPv4 addresses that an IPv6 address is a way to."""
    if isinstance(address, IPv4Address):
        return []
    inner: list[Address | None] = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
    if address in _NAT64:
        inner.append(IPv4Address(int(address) & 0xFFFFFFFF))
    return [one for one in inner if one is not None]


def _literal(host: str) -> Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


def _names_loopback(host: str) -> bool:
    literal = _literal(host)
    return host == "localhost" or (literal is not None and any(literal in network for network in LOOPBACK))
