"""How many parts may leave now, so that no carrier gets more than its pace: arithmetic on values of one shared row.

Source: the generic cell rate algorithm (ITU-T I.371 annex A), a token bucket kept as one moment in time. Carriers
limit by part, not by text (Twilio: "message segments per second"), so parts are what is counted here.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from math import ceil, floor
from typing import NamedTuple

_SECOND = timedelta(seconds=1)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Pace:
    """A carrier's limit: in any stretch of w seconds at most `burst` + `parts_per_second` x w parts leave.

    `burst` must be at least the parts of the longest text, or that text can never leave.
    """

    parts_per_second: float
    burst: int

    def __post_init__(self) -> None:
        if not 0 < self.parts_per_second < float("inf"):
            raise ValueError(f"A pace is more than 0 parts a second, not {self.parts_per_second}.")
        if self.burst < 1:
            raise ValueError(f"A burst is at least 1 part, not {self.burst}.")

    def cost(self, parts: int) -> timedelta:
        """Return the time that `parts` take up, rounded up to a microsecond so that rounding never adds speed."""
        return ceil(parts * 1_000_000 / Fraction(self.parts_per_second)) * _MICROSECOND


class Taken(NamedTuple):
    """`granted` parts may leave now; store `busy_until`; ask for the rest again after `wait`."""

    granted: int
    busy_until: datetime
    wait: timedelta


def take(busy_until: datetime | None, parts: int, now: datetime, pace: Pace) -> Taken:
    """Grant as many of `parts` as the pace allows at `now`.

    `busy_until` is the stored state, None at first, and changes inside the transaction that claims the texts. `now`
    is aware and should be the database's clock: where several machines' clocks differ, the one ahead slows the others,
    and none goes above the pace. `wait` is until as many of the rest as one burst holds could leave.
    """
    if parts < 0:
        raise ValueError(f"{parts} parts cannot be sent.")
    start = now if busy_until is None else max(busy_until, now)
    limit = now + pace.cost(pace.burst)
    room = max(0, (limit - start) // _MICROSECOND)
    granted = min(parts, floor(room * Fraction(pace.parts_per_second) / 1_000_000))
    state = start + pace.cost(granted)
    rest = min(parts - granted, pace.burst)
    wait = max(timedelta(0), state + pace.cost(rest) - limit) if rest else timedelta(0)
    return Taken(granted, state, wait)


def give_back(busy_until: datetime, parts: int, pace: Pace) -> datetime:
    """Return the state after `parts` that were granted did not leave (a long text did not fit, a STOP came)."""
    return busy_until - pace.cost(parts) + (_MICROSECOND if parts else timedelta(0))
