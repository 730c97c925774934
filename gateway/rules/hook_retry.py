"""When a webhook is tried again, how long a failing endpoint is left alone, and when we give up on either.

The waits are those that the Standard Webhooks specification proposes: ten attempts over some three days. A delivery
is given up by its age and not by its count, because attempts made in an outage of the endpoint teach nothing of it.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.rules.retry import chance

WAITS = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
GIVE_UP_AFTER = timedelta(days=3, hours=6)
DISABLE_AFTER = timedelta(days=4)
"""An endpoint that answered nothing well for so long is switched off."""
LONGEST_HOLD = timedelta(minutes=5)
OUTAGE = timedelta(minutes=5)
"""An endpoint that failed for so long was down: once it answers again, all that waits for it is due at once."""
GONE = 410


@dataclass(frozen=True, slots=True)
class Again:
    """Try again at `at` (aware UTC)."""

    at: datetime


@dataclass(frozen=True, slots=True)
class GaveUp:
    """Never tried again by itself; a person may still have it sent again."""


def after_failure(
    attempts: int, now: datetime, since: datetime, retry_after: timedelta | None, delivery_id: int
) -> Again | GaveUp:
    """Return what follows an attempt that failed at `now`.

    :param attempts: all attempts, the one that just failed among them
    :param since: when the delivery was first due, or was asked for again
    """
    wait = WAITS[min(max(attempts, 1), len(WAITS)) - 1]
    at = now + wait * (0.9 + chance(f"hook:{delivery_id}", attempts) / 5)
    if retry_after is not None:
        at = max(at, now + retry_after)
    if now - since >= GIVE_UP_AFTER:
        return GaveUp()
    return Again(min(at, max(now, since + GIVE_UP_AFTER)))


def hold_until(failures: int, now: datetime, retry_after: timedelta | None, endpoint_id: int) -> datetime:
    """Return until when nothing is sent to an endpoint whose last `failures` attempts all failed.

    While it fails it gets one attempt at a time, so that it is neither pressed nor forgotten.
    """
    back_off: timedelta = min(LONGEST_HOLD, timedelta(seconds=1) * 2 ** min(max(failures, 1) - 1, 20))
    spread = back_off * (0.5 + chance(f"endpoint:{endpoint_id}", failures) / 2)
    return now + max(spread, retry_after or timedelta(0))


def disabled_because(status: int | None, failing_since: datetime, now: datetime) -> str:
    """Return why an endpoint is switched off after a failure, "" where it is not."""
    if status == GONE:
        return "it answered 410 Gone"
    if now - failing_since >= DISABLE_AFTER:
        return f"nothing reached it since {failing_since:%Y-%m-%d %H:%M} UTC"
    return ""


def was_down(failing_since: datetime | None, now: datetime) -> bool:
    """Whether an endpoint that answers again had been down, and not only refused this or that event."""
    return failing_since is not None and now - failing_since >= OUTAGE
