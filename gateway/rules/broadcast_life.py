"""The life of a broadcast: every state, what is true in it, and every move that is allowed.

The outbox reads the state in every claim: texts of a broadcast leave while it is planning or sending, and never else.
"""

from enum import StrEnum
from types import MappingProxyType


class BroadcastState(StrEnum):
    """Where a broadcast stands; the words under each name say what is true then."""

    DRAFT = "draft"
    """It can be changed. Nobody has let it go, and no text of it exists."""

    APPROVED = "approved"
    """Somebody who may has let exactly these words go to exactly this audience; no text of it exists yet."""

    SCHEDULED = "scheduled"
    """Approved, and a time is set at which it starts by itself; no text of it exists yet."""

    PLANNING = "planning"
    """It has begun: texts are put in the outbox in chunks, and those that are there leave already."""

    SENDING = "sending"
    """Every recipient has a row in the outbox; some of them still wait or are on their way."""

    PAUSED = "paused"
    """It has begun and is held: nothing is planned or started until a person resumes it."""

    DONE = "done"
    """Every recipient has a row, and none waits: the account is whole but for receipts that come later."""

    CANCELLED = "cancelled"
    """A person ended it: nothing is started any more, and what waited in the outbox is cancelled."""


S = BroadcastState

# DRAFT after approval: a change takes the approval back. DONE to SENDING: a receipt came back with a failure that is
# tried once more (rules.retry), so a text waits again. PAUSED goes back to where it was held: PLANNING while rows are
# missing, else SENDING.
MOVES: MappingProxyType[BroadcastState, frozenset[BroadcastState]] = MappingProxyType(
    {
        S.DRAFT: frozenset({S.APPROVED, S.CANCELLED}),
        S.APPROVED: frozenset({S.DRAFT, S.SCHEDULED, S.PLANNING, S.CANCELLED}),
        S.SCHEDULED: frozenset({S.DRAFT, S.APPROVED, S.PLANNING, S.CANCELLED}),
        S.PLANNING: frozenset({S.SENDING, S.PAUSED, S.CANCELLED}),
        S.SENDING: frozenset({S.PAUSED, S.DONE, S.CANCELLED}),
        S.PAUSED: frozenset({S.PLANNING, S.SENDING, S.CANCELLED}),
        S.DONE: frozenset({S.SENDING}),
        S.CANCELLED: frozenset(),
    }
)

LEAVING = frozenset({S.PLANNING, S.SENDING})
"""The states in which texts leave."""

CHANGEABLE = frozenset({S.DRAFT, S.APPROVED, S.SCHEDULED})
"""The states in which words and audience can be changed; approval is lost by it."""


class MoveRefused(ValueError):
    """A move that the table does not allow; the text is a sentence for whoever asked for it."""


def move(current: BroadcastState, to: BroadcastState) -> BroadcastState:
    """Return `to` where the table lets a broadcast go there from `current`; MoveRefused otherwise."""
    if to not in MOVES[current]:
        raise MoveRefused(f"A broadcast that is {current} cannot become {to}.")
    return to


def sources(to: BroadcastState) -> frozenset[BroadcastState]:
    """Return the states from which a broadcast can become `to`."""
    return frozenset(state for state, targets in MOVES.items() if to in targets)
