"""Whether a webhook was signed with our secret, for the address that we publish.

Twilio docs, "Webhooks security". The address is PUBLIC_BASE_URL and the path with its query, never what the request
claims of itself, so that a forwarded header cannot choose what is checked.
"""

import hmac
from base64 import b64encode
from collections.abc import Mapping
from functools import lru_cache
from urllib.parse import urlsplit

from twilio.request_validator import (
    HMAC_SHA1,
    HMAC_SHA256,
    SIGNATURE_HEADER,
    SIGNATURE_SETTINGS_HEADER,
    RequestValidator,
    get_signature_algorithm,
)

__all__ = ["SIGNATURE_HEADER", "SIGNATURE_SETTINGS_HEADER", "Signatures"]


class Signatures:
    """Checks and, for the simulated carrier, makes signatures. Holds the secrets; never logs one."""

    def __init__(self, public_base_url: str, auth_token: str, shared_keys: Mapping[str, str] | None = None) -> None:
        """`shared_keys` maps the ids of Twilio's webhook SharedKeys to their secrets."""
        self._bases = _with_and_without_port(public_base_url)
        self._validator = RequestValidator(auth_token)
        self._token = auth_token.encode()
        self._by_key = {key: secret.encode() for key, secret in (shared_keys or {}).items()}

    def valid(self, path: str, fields: Mapping[str, str], signature: str | None, settings: str | None) -> bool:
        """Return whether the signature is ours for this path (with its query) and these fields.

        An unknown algorithm, two algorithms, or a key that is not on file is not valid. Without a settings header the
        signature is HMAC-SHA1 with the account's auth token.
        """
        if not signature or not signature.isascii():
            return False
        algorithm, secret = HMAC_SHA1, self._token
        if settings:
            if settings.lower().count("algorithm=") > 1 or not settings.isascii():
                return False
            algorithm = get_signature_algorithm(settings).upper()
            if algorithm not in (HMAC_SHA1, HMAC_SHA256):
                return False
            if self._by_key and (key := _key_id(settings)):
                if key not in self._by_key:
                    return False
                secret = self._by_key[key]
        # Whether Twilio signs the port differs by kind of webhook, so both spellings of our address count.
        signed = f"{path}{''.join([name + value for name, value in sorted(fields.items())])}"
        return any(hmac.compare_digest(_mac(secret, base + signed, algorithm), signature) for base in self._bases)

    def sign(self, path: str, fields: Mapping[str, str]) -> str:
        """Return the HMAC-SHA1 signature that Twilio would send."""
        return str(self._validator.compute_signature(self._bases[0] + path, fields))


def _mac(secret: bytes, signed: str, algorithm: str) -> str:
    """Return what `RequestValidator.compute_signature` returns for a form without repeated fields, in a fifth of its
    time: it stands on the path of every text."""
    mac = _empty_mac(secret, algorithm).copy()
    mac.update(signed.encode())
    return b64encode(mac.digest()).decode()


@lru_cache(maxsize=16)
def _empty_mac(secret: bytes, algorithm: str) -> hmac.HMAC:
    """Return an authenticator of nothing yet. `hmac.digest` would let go of the interpreter for every text, and get it
    back once the thread that records lets go of it in turn: up to its switch interval of five milliseconds later.
    """
    return hmac.new(secret, digestmod="sha1" if algorithm == HMAC_SHA1 else "sha256")


def _key_id(settings: str) -> str | None:
    for part in settings.split(","):
        name, _, value = part.partition("=")
        if name.strip() == "key" and value.strip():
            return value.strip()
    return None


def _with_and_without_port(address: str) -> tuple[str, ...]:
    """Return our address as given, then with its scheme's own port added or taken off."""
    parts = urlsplit(address)
    usual = 443 if parts.scheme == "https" else 80
    if parts.port is None:
        other = parts._replace(netloc=f"{parts.netloc}:{usual}").geturl()
    else:
        other = parts._replace(netloc=parts.netloc.rsplit(":", 1)[0]).geturl()
    return tuple(dict.fromkeys((address, other)))
