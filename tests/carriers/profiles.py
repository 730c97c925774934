"""Settings files of HTTP carriers for tests: those of docs/carriers, pointed at a stand-in."""

import tomllib
from pathlib import Path
from typing import Any

from gateway.carriers.http.profile import Profile

EXAMPLES = Path(__file__).parents[2] / "docs" / "carriers"
SECRET = "secret-path-of-the-tests"


def example(name: str, url: str, **others: Any) -> Profile:
    """Return a documented example with its address, secret and networks replaced; `others` replace whole tables."""
    given = tomllib.loads((EXAMPLES / f"{name}.toml").read_text())
    given["send"]["url"] = url
    given["inbound"] |= {"secret": SECRET, "networks": ["127.0.0.0/8", "::1/128"]}
    for table, values in others.items():
        given[table] = (given.get(table) or {}) | values
    return Profile.model_validate(given)
