"""When a text is tried again, if ever.

Sources: RFC 9110 10.2.3 (Retry-After) and 5.6.7 (HTTP dates); Twilio's page on error 20429 (back off exponentially).
The spread over time is worked out from the text's own id, so a plan can be tested and two workers agree on it.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from hashlib import blake2b

from gateway.rules.carrier_codes import Outcome

FIRST_WAIT = timedelta(seconds=1)
LONGEST_WAIT = timedelta(seconds=60)  # short, so that sending picks up soon after an outage
LONGEST_RETRY_AFTER = timedelta(hours=1)
LATER = timedelta(minutes=20)  # for a phone that was off or a network that was crowded
LOOKS = (timedelta(minutes=2), timedelta(minutes=10))  # a carrier's list lags behind what it took
MOST_ATTEMPTS = 200  # of a text without an expiry: some three hours, past which an answer is of no use

_SECONDS = re.compile(r"[0-9]{1,18}(?:\.[0-9]{0,9})?")


@dataclass(frozen=True, slots=True)
class Requeue:
    """Try again at `at` (aware UTC)."""

    at: datetime


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Never try again; `reason` is in words, for the account."""

    reason: str


@dataclass(frozen=True, slots=True)
class Uncertain:
    """Perhaps sent: look for it at the carrier at each of `looks`; only absence on both allows another attempt."""

    looks: tuple[datetime, datetime]


def next_attempt(
    outcome: Outcome,
    attempts: int,
    now: datetime,
    retry_after: timedelta | None = None,
    *,
    text_id: int | str,
    retried: bool = False,
    expires_at: datetime | None = None,
) -> Requeue | GiveUp | Uncertain:
    """Return what follows an attempt that ended in `outcome` at `now`.

    `attempts` counts all attempts of this text, the one that just ended among them; `retried` is whether its one later
    retry is used up; `expires_at` is when the text is of no use any more. ValueError for an outcome that needs no next
    step (accepted) or an attempt count below 1.
    """
    if attempts < 1:
        raise ValueError(f"At least one attempt was made, not {attempts}.")
    if outcome is Outcome.UNCERTAIN:
        return Uncertain((now + LOOKS[0], now + LOOKS[1]))
    if outcome is Outcome.RETRY_ONCE:
        if retried:
            return GiveUp("failed twice")
        at = now + max(LATER, retry_after or LATER) + LATER * (chance(text_id, attempts) / 2)
    elif outcome is Outcome.REQUEUE:
        if expires_at is None and attempts >= MOST_ATTEMPTS:
            return GiveUp(f"tried {attempts} times")
        at = now + _wait(attempts, retry_after, chance(text_id, attempts))
    elif outcome is Outcome.ACCEPTED:
        raise ValueError("A text that was accepted is not tried again.")
    else:
        return GiveUp(_GIVEN_UP[outcome])
    if expires_at is not None and at >= expires_at:
        return GiveUp("its time would have passed before the next attempt")
    return Requeue(at)


_GIVEN_UP = {
    Outcome.FAILED: "refused for good",
    Outcome.EXPIRED: "its time passed at the carrier",
    Outcome.SUPPRESSED: "the recipient does not want it",
}


def _wait(attempts: int, retry_after: timedelta | None, chance: float) -> timedelta:
    backoff: timedelta = min(LONGEST_WAIT, FIRST_WAIT * 2 ** min(attempts - 1, 20))
    if retry_after is None:
        return backoff * (0.5 + chance / 2)
    # Never before the carrier's own word, and not all at the same moment after it.
    asked = min(retry_after, LONGEST_RETRY_AFTER)
    return asked + max(backoff, asked / 10) * (chance / 2)


def chance(text_id: int | str, attempts: int) -> float:
    """Return a number in [0, 1) that is the same on every machine and unlike that of the next text."""
    digest = blake2b(f"{text_id}:{attempts}".encode(), digest_size=7).digest()
    return int.from_bytes(digest, "big") / 2**56


def read_retry_after(header: str | None, now: datetime) -> timedelta | None:
    """Return how long a Retry-After header asks to wait, at most an hour; None where it asks nothing readable.

    Seconds (fractions are taken, though RFC 9110 has none) or any of the three HTTP dates; a date gone by is no wait,
    a negative number is unreadable. `now` is aware.
    """
    if header is None or len(header) > 100:
        return None
    text = header.strip()
    if _SECONDS.fullmatch(text):
        return timedelta(seconds=min(float(text), LONGEST_RETRY_AFTER.total_seconds()))
    if not re.match(r"[A-Za-z]{3}", text):
        return None
    try:
        at = parsedate_to_datetime(text)
        wait = (at if at.tzinfo else at.replace(tzinfo=UTC)) - now
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return min(max(wait, timedelta(0)), LONGEST_RETRY_AFTER)
