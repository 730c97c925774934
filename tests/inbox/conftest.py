"""Members filed by texts, as they come."""

from tests.gateway.conftest import Texting, service, settings, text

__all__ = ["Texting", "service", "settings", "text"]
