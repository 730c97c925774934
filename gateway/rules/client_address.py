"""Where a request came from, as far as it can be known: what sign-in tries are counted by."""

from ipaddress import IPv6Address, ip_address, ip_network

_OF_ONE_HOUSEHOLD = 64  # the least that one customer is given of IPv6 (RFC 6177)


def client_address(peer: str, named: str, said: str, *, behind_proxy: bool) -> str | None:
    """Return the address of a client, or None where it is not known: then it must not count as one client's.

    :param peer: who has connected to us
    :param named: the header in which a proxy of ours writes the address (CLIENT_ADDRESS_HEADER); "" if none is set, and
        then no header is believed
    :param said: what stands in that header. Of several addresses the last counts, which the nearest proxy has written;
        those before it are the client's own words.
    :param behind_proxy: whether clients come through a proxy, so that the peer is the proxy
    """
    if named:
        return _counted(said.rpartition(",")[2])
    address = _counted(peer)
    return None if behind_proxy or (address and ip_address(address.partition("/")[0]).is_loopback) else address


def _counted(text: str) -> str | None:
    """IPv6 counts by network: one client has billions of addresses in it."""
    try:
        found = ip_address(text.strip().strip("[]").partition("%")[0])
    except ValueError:
        return None
    if isinstance(found, IPv6Address):
        if found.ipv4_mapped:
            return str(found.ipv4_mapped)
        if not found.is_loopback:
            return str(ip_network((found, _OF_ONE_HOUSEHOLD), strict=False))
    return str(found)
