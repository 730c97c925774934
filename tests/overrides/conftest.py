"""A whole gateway for a test, as in tests/gateway."""

from tests.gateway.conftest import service, settings, text

__all__ = ["service", "settings", "text"]
