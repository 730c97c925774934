"""Who may call the addresses of an HTTP carrier: who knows the secret path, from the right network, with the signature.

A plain aggregator signs nothing, so the path is the password and the network the second lock; both are always asked.
"""

import base64
import hmac
from ipaddress import ip_address

from gateway.carriers.http.profile import Inbound


def knows_secret(inbound: Inbound, secret: str) -> bool:
    return hmac.compare_digest(inbound.secret.get_secret_value().encode(), secret.encode())


def from_network(inbound: Inbound, host: str) -> bool:
    """Whether the peer of the connection is in one of the networks; forwarded headers are never believed."""
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None) or address
    return any(mapped in network for network in inbound.cidrs)


def signed(inbound: Inbound, header: str | None, query: bytes, body: bytes) -> bool:
    """Whether the signature fits, where the settings file asks for one."""
    asked = inbound.hmac
    if asked is None:
        return True
    if header is None or not header.startswith(asked.prefix):
        return False
    signed_bytes = query if asked.over == "query" else body
    digest = hmac.digest(asked.secret.get_secret_value().encode(), signed_bytes, asked.algorithm)
    wanted = digest.hex() if asked.encoding == "hex" else base64.b64encode(digest).decode()
    given = header[len(asked.prefix) :].strip()
    return hmac.compare_digest((given.lower() if asked.encoding == "hex" else given).encode(), wanted.encode())
