"""Send one webhook: to a checked address and no other, no redirect followed, little read, and not for long."""

import asyncio
import contextlib
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

from gateway.rules.hook_address import AddressRefused, Network, check_url, may_connect
from gateway.rules.retry import read_retry_after

TIMEOUT_S = 10.0
_MOST_READ = 16_384
_READ_FOR_S = 1.0
NOT_ALLOWED = "address not allowed (HOOK_NETWORKS)"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. `status` is None where nothing did; `error` says why it counts as failed, "" where it is well."""

    status: int | None
    error: str
    retry_after: timedelta | None = None

    @property
    def well(self) -> bool:
        return not self.error


class CheckedResolver(AbstractResolver):
    """Gives aiohttp only addresses that may be connected to: what is checked here is what is connected to."""

    def __init__(self, scheme: str, allowed: Sequence[Network]) -> None:
        self._inner, self._scheme, self._allowed = ThreadedResolver(), scheme, allowed

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._inner.resolve(host, port, family)
        good = [one for one in found if may_connect(ip_address(one["host"]), self._scheme, self._allowed)]
        if not good:
            raise AddressRefused(NOT_ALLOWED)
        return good

    async def close(self) -> None:
        await self._inner.close()


@contextlib.asynccontextmanager
async def session(url: str, allowed: Sequence[Network], most: int) -> Any:
    """A session for one endpoint: no proxy of the environment, no cookies, `most` connections at once."""
    connector = aiohttp.TCPConnector(
        resolver=CheckedResolver(urlsplit(url).scheme, allowed), use_dns_cache=False, limit=most
    )
    async with aiohttp.ClientSession(
        connector=connector,
        timeout=aiohttp.ClientTimeout(total=TIMEOUT_S, connect=TIMEOUT_S / 2),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        headers={"user-agent": "Jalsa-Webhooks/1"},
    ) as made:
        yield made


async def post(
    made: aiohttp.ClientSession,
    url: str,
    headers: Mapping[str, str],
    body: bytes,
    allowed: Sequence[Network],
    now: datetime,
) -> Answer:
    """Send one webhook and say what came of it; raises nothing that the network can cause.

    :param now: aware, for a Retry-After that names a date
    """
    try:
        check_literal(url, allowed)
        async with made.post(url, data=body, headers=headers, allow_redirects=False) as answer:
            with contextlib.suppress(TimeoutError, aiohttp.ClientError, OSError):
                async with asyncio.timeout(_READ_FOR_S):
                    await answer.content.read(_MOST_READ)
            status = answer.status
            retry_after = read_retry_after(answer.headers.get("retry-after"), now)
    except AddressRefused as refused:
        return Answer(None, str(refused))
    except TimeoutError:
        return Answer(None, f"no answer within {TIMEOUT_S:g} s")
    except aiohttp.ClientConnectorCertificateError:
        return Answer(None, "its certificate is not valid")
    except aiohttp.ClientSSLError:
        return Answer(None, "TLS failed")
    except aiohttp.ClientConnectorDNSError:
        return Answer(None, "its name does not resolve")
    except aiohttp.ClientConnectorError:
        return Answer(None, "no connection")
    except (aiohttp.ClientError, OSError, ValueError) as error:
        return Answer(None, f"no answer ({type(error).__name__})")
    if 200 <= status < 300:
        return Answer(status, "")
    if 300 <= status < 400:
        return Answer(status, f"HTTP {status}: redirects are not followed")
    return Answer(status, f"HTTP {status}", retry_after)


def check_literal(url: str, allowed: Sequence[Network]) -> None:
    """Check an address that stands in the URL itself, which no resolver sees.

    :raises AddressRefused: nothing may be sent there
    """
    parts = check_url(url)
    try:
        address = ip_address(parts.hostname or "")
    except ValueError:
        return
    if not may_connect(address, parts.scheme, allowed):
        raise AddressRefused(NOT_ALLOWED)


def check_reachable(url: str, allowed: Sequence[Network]) -> None:
    """Check where the name of a URL leads now, so that whoever adds it hears of it at once.

    :raises AddressRefused: nothing may be sent there; one sentence. A name that does not resolve passes: it may later.
    """
    parts = check_url(url)
    try:
        found = socket.getaddrinfo(parts.hostname, parts.port or 443, type=socket.SOCK_STREAM)
    except OSError:
        return
    if not any(may_connect(ip_address(one[4][0]), parts.scheme, allowed) for one in found):
        raise AddressRefused(
            "URL: it leads to an address of a private network or of this machine; "
            "if that is meant, name the network in HOOK_NETWORKS."
        )
