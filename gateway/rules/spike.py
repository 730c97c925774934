"""When blocked texts stop a broadcast: one that networks filter is normal, many at once mean that all will be.

Source: Twilio's page on error 30007 (stop sending and look at the content); the numbers are ours.
"""

from datetime import datetime, timedelta
from typing import NamedTuple

WINDOW = timedelta(minutes=5)
FEWEST = 20
SHARE = 0.1


class Spike(NamedTuple):
    """What a broadcast saw since `since`: texts that ended, and those of them that were blocked."""

    since: datetime | None = None
    ended: int = 0
    blocked: int = 0


def counted(spike: Spike, ended: int, blocked: int, now: datetime) -> Spike:
    """Return the count with more texts in it; begun anew once the window has passed. `now` is aware."""
    if spike.since is None or now - spike.since >= WINDOW:
        return Spike(now, ended, blocked)
    return Spike(spike.since, spike.ended + ended, spike.blocked + blocked)


def pauses(spike: Spike) -> bool:
    """Whether the broadcast must pause: at least `FEWEST` blocked, and more than `SHARE` of all."""
    return spike.blocked >= FEWEST and spike.blocked > SHARE * spike.ended
