"""Secrets at rest: whoever has a copy of the database alone cannot read them."""

import base64

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from gateway.settings import Settings


class SealBroken(ValueError):
    """A sealed secret cannot be opened: SECRET_KEY is not the one that it was sealed with."""


class Sealer:
    """Seals with the first key and opens with any, so that keys can be changed."""

    def __init__(self, *keys: bytes) -> None:
        """:param keys: 32 bytes each, such as `settings.key_for("sealed secrets")`"""
        self._fernet = MultiFernet([Fernet(base64.urlsafe_b64encode(key)) for key in keys])

    def seal(self, text: str) -> str:
        return self._fernet.encrypt(text.encode()).decode()

    def open(self, sealed: str) -> str:
        """:raises SealBroken: sealed with another key, or changed"""
        try:
            return self._fernet.decrypt(sealed.encode()).decode()
        except InvalidToken:
            raise SealBroken("A sealed secret cannot be opened: SECRET_KEY is not what it was.") from None


def sealer_from(settings: Settings) -> Sealer:
    return Sealer(settings.key_for("sealed secrets"))
