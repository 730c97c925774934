"""Pictures of an inbound MMS: kept by link, fetched only when staff ask, and only from Twilio's own hosts.

A link comes in a signed webhook, but it is still an address that a server of ours would call: anything but Twilio's own
hosts by https is refused, redirects included, so that it can be no way into our network (OWASP, "Server Side Request
Forgery"). Source of the hosts: Twilio docs, "Media resource"; the API redirects to its media store.
"""

from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

import aiohttp

HOSTS = frozenset({"api.twilio.com", "media.twiliocdn.com", "mms.twiliocdn.com", "s3-external-1.amazonaws.com"})
MAX_BYTES = 8 * 1024 * 1024
_MAX_REDIRECTS = 3
_STORE_PATH = "/media.twiliocdn.com/"  # the one bucket of the shared S3 host


class MediaRefused(ValueError):
    """The link is not Twilio's, or what lies there is no picture, or too large; the message says which."""


@dataclass(frozen=True, slots=True)
class Media:
    """One picture: its content type and bytes."""

    content_type: str
    data: bytes


def check_link(url: str) -> None:
    """Return if a link points to Twilio's own hosts.

    :raises MediaRefused: it does not
    """
    parts = urlsplit(url)
    fine = (
        parts.scheme == "https"
        and parts.hostname in HOSTS
        and parts.port in (None, 443)
        and not parts.username
        and (parts.hostname != "s3-external-1.amazonaws.com" or parts.path.startswith(_STORE_PATH))
    )
    if not fine:
        raise MediaRefused(f"The link does not point to Twilio ({parts.hostname or 'no host'}).")


async def fetch(url: str, account_sid: str, auth_token: str) -> Media:
    """Return the picture behind a link of an inbound text. The credentials go to api.twilio.com only.

    :raises MediaRefused: the link or a redirect leaves Twilio, or it is no picture, or larger than 8 MB
    :raises aiohttp.ClientError: Twilio did not answer
    """
    async with aiohttp.ClientSession(
        timeout=aiohttp.ClientTimeout(total=20), cookie_jar=aiohttp.DummyCookieJar()
    ) as web:
        for _ in range(_MAX_REDIRECTS + 1):
            check_link(url)
            mine = urlsplit(url).hostname == "api.twilio.com"
            login = aiohttp.BasicAuth(account_sid, auth_token) if mine else None
            async with web.get(url, auth=login, allow_redirects=False) as answer:
                if answer.status in (301, 302, 303, 307, 308):
                    url = urljoin(url, answer.headers.get("Location", ""))
                    continue
                if answer.status != 200:
                    raise MediaRefused(f"Twilio answered {answer.status}: the picture may have been deleted.")
                content_type = answer.content_type
                if not content_type.startswith(("image/", "video/", "audio/")):
                    raise MediaRefused(f"It is no picture ({content_type}).")
                data = await answer.content.read(MAX_BYTES + 1)
                while len(data) <= MAX_BYTES and (more := await answer.content.read(MAX_BYTES + 1 - len(data))):
                    data += more
                if len(data) > MAX_BYTES:
                    raise MediaRefused("It is larger than 8 MB.")
                return Media(content_type, data)
    raise MediaRefused("Twilio redirects without end.")
