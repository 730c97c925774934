"""Settings: what organisers change while the gateway runs. A module for each kind of thing."""

from gateway.console.settings_area import carriers, filing, keys, overview, replies, words

ROUTERS = (overview.router, words.router, replies.router, filing.router, carriers.router, keys.router)
"""In this order: an address of its own comes before one with a part that varies."""
