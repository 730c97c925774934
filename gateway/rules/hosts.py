"""Whether a setting names a host that can be looked up: what can be none is no outage, and no retry mends it."""

import re
from ipaddress import ip_address

_NAME = re.compile(r"(?=.{1,253}\Z)[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63})*\.?")
"""RFC 1123 section 2.1 and RFC 1035 section 2.3.4; underscores are none of theirs, and in use."""


def is_host(name: str) -> bool:
    """Return whether this is an IP address, or a host's name, in any script (RFC 3490)."""
    try:
        ip_address(name)
    except ValueError:
        pass
    else:
        return True
    try:
        return _NAME.fullmatch(name.encode("idna").decode("ascii")) is not None
    except UnicodeError:  # an empty or too long part, or letters that no name has
        return False
