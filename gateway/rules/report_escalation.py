"""When a report that nobody deals with goes a step higher: from field staff to organisers to admins.

The times are for a rally: minutes since the report came (or was opened again), by urgency. A report in hand climbs too,
later, because whoever took it may be stuck in the crowd.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.rules.report_life import IN_HAND, WAITING

CLOSE_AFTER = timedelta(hours=24)
"""How long a solved report waits for the reporter's YES or NO before silence closes it."""


@dataclass(frozen=True, slots=True)
class Step:
    """A step of escalation: `after` this time, tell the staff of `role`."""

    name: str
    role: str
    after: timedelta


def _steps(field: float | None, organiser: float, admin: float) -> tuple[Step, ...]:
    made = [] if field is None else [Step("field", "field", timedelta(minutes=field))]
    return (
        *made,
        Step("organiser", "organiser", timedelta(minutes=organiser)),
        Step("admin", "admin", timedelta(minutes=admin)),
    )


WAITING_STEPS: dict[int, tuple[Step, ...]] = {3: _steps(1, 2, 5), 2: _steps(5, 15, 30), 1: _steps(20, 60, 180), 0: ()}
"""By urgency, while nobody has taken it on."""
IN_HAND_STEPS: dict[int, tuple[Step, ...]] = {
    urgency: tuple(Step(f"stuck {name}", name, timedelta(minutes=after)) for name, after in steps)
    for urgency, steps in {
        3: (("organiser", 10), ("admin", 20)),
        2: (("organiser", 45), ("admin", 90)),
        1: (("organiser", 180),),
        0: (),
    }.items()
}
"""By urgency, counted from the last move."""
SOONEST = min(step.after for steps in (*WAITING_STEPS.values(), *IN_HAND_STEPS.values()) for step in steps)


def due_steps(state: str, urgency: int, since: datetime, moved_at: datetime, now: datetime) -> Sequence[Step]:
    """Return every step that is due by `now`.

    :param since: when the report came or was opened again
    :param moved_at: when it last moved
    """
    if state in WAITING:
        return [step for step in WAITING_STEPS[urgency] if now - since >= step.after]
    if state in IN_HAND:
        return [step for step in IN_HAND_STEPS[urgency] if now - moved_at >= step.after]
    return []
