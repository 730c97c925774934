"""What stops a broadcast that is unlike this account's past: a stolen login, a slip of the rule, a runaway schedule.

The thresholds are ours: a broadcast five times the largest of the last 90 days, six begun within an hour, or a tenth
more recipients than were approved. A person who looks at it and resumes lets that alarm pass for that broadcast.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from faults import Fault, fault

PAST = timedelta(days=90)
TIMES_THE_LARGEST = 5
ALWAYS_ORDINARY = 1_000
"""So many recipients alarm nobody."""
MOST_AN_HOUR = 6
HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Alarm:
    """`name` is `rate`, `hourly`, `cap` or `grown`; `reason` is one sentence for whoever has to look."""

    name: str
    reason: Fault


def before_start(recipients: int, past: Sequence[int], begun_last_hour: int) -> Alarm | None:
    """Return the alarm that a broadcast of so many `recipients` raises when it starts.

    :param past: how many recipients each broadcast of the last 90 days had; without any there is nothing to compare,
        and only the second person of the approval stands in the way
    """
    if begun_last_hour >= MOST_AN_HOUR:
        return Alarm(
            "hourly",
            fault(
                "alarm.hourly",
                "{begun} broadcasts began within the last hour; {most} are the most.",
                begun=begun_last_hour,
                most=MOST_AN_HOUR,
            ),
        )
    largest = max(past, default=0)
    if largest and recipients > max(ALWAYS_ORDINARY, TIMES_THE_LARGEST * largest):
        return Alarm(
            "rate",
            fault(
                "alarm.rate",
                "{recipients:,} recipients; the largest of the last 90 days had {largest:,}.",
                recipients=recipients,
                largest=largest,
            ),
        )
    return None


def most_of(approved: int) -> int:
    """Return how many recipients may be planned where `approved` were seen: a tenth and ten more may have joined."""
    return approved + approved // 10 + 10


def while_planning(planned: int, approved: int, today: int, cap: int) -> Alarm | None:
    """Return the alarm that planning raises once `planned` of this broadcast and `today` of all are in the outbox.

    :param today: recipients of all broadcasts begun today, this one's among them; `cap` 0: no cap
    """
    if planned > most_of(approved):
        return Alarm(
            "grown",
            fault(
                "alarm.grown",
                "The audience has grown: {approved:,} recipients were approved, {planned:,} are there.",
                approved=approved,
                planned=planned,
            ),
        )
    if cap and today > cap:
        return Alarm(
            "cap",
            fault(
                "alarm.cap", "{today:,} recipients today are more than the daily cap of {cap:,}.", today=today, cap=cap
            ),
        )
    return None
