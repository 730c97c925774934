"""The whole gateway that the gateway's own tests use."""

from tests.gateway.conftest import service, settings, text

__all__ = ["service", "settings", "text"]
