"""The life of a report: its states, what is true in each, and the one table of allowed moves.

`received`: the text is on record and its sender has the ref; nobody of ours has looked at it.
`acknowledged`: one of our people has looked at it; nobody has taken it on.
`assigned`: one person is to see to it and has been told.
`in_progress`: that person says they are on it.
`resolved`: we say it is solved, and have asked the reporter whether it is.
`closed`: the reporter said yes, or did not answer in time. Nothing more is sent.
`reopened`: the reporter said no, or a new witness came after it was resolved; nobody is on it again.
`duplicate`: it is about the same as another report, its parent, whose state is also its own to the reporter.
`not_actionable`: nothing can be done about it: praise, noise, abuse.
"""

RECEIVED = "received"
ACKNOWLEDGED = "acknowledged"
ASSIGNED = "assigned"
IN_PROGRESS = "in_progress"
RESOLVED = "resolved"
CLOSED = "closed"
REOPENED = "reopened"
DUPLICATE = "duplicate"
NOT_ACTIONABLE = "not_actionable"

STATES = (
    RECEIVED, ACKNOWLEDGED, ASSIGNED, IN_PROGRESS, RESOLVED, CLOSED, REOPENED, DUPLICATE, NOT_ACTIONABLE,
)  # fmt: skip

ALLOWED: dict[str, frozenset[str]] = {
    RECEIVED: frozenset({ACKNOWLEDGED, ASSIGNED, IN_PROGRESS, RESOLVED, DUPLICATE, NOT_ACTIONABLE}),
    ACKNOWLEDGED: frozenset({ASSIGNED, IN_PROGRESS, RESOLVED, DUPLICATE, NOT_ACTIONABLE}),
    # to assigned again: passed to another person; back to acknowledged: nobody's
    ASSIGNED: frozenset({ACKNOWLEDGED, ASSIGNED, IN_PROGRESS, RESOLVED, DUPLICATE, NOT_ACTIONABLE}),
    IN_PROGRESS: frozenset({ACKNOWLEDGED, ASSIGNED, RESOLVED, DUPLICATE, NOT_ACTIONABLE}),
    RESOLVED: frozenset({CLOSED, REOPENED}),
    CLOSED: frozenset({REOPENED}),
    REOPENED: frozenset({ACKNOWLEDGED, ASSIGNED, IN_PROGRESS, RESOLVED, DUPLICATE, NOT_ACTIONABLE}),
    DUPLICATE: frozenset({REOPENED}),
    NOT_ACTIONABLE: frozenset({REOPENED}),
}

WAITING = frozenset({RECEIVED, ACKNOWLEDGED, REOPENED})
"""Somebody has to take it on."""
IN_HAND = frozenset({ASSIGNED, IN_PROGRESS})
OPEN = WAITING | IN_HAND
"""Work that is not done."""


class MoveRefused(ValueError):
    """The move is not in the table; the message says what the report is and what it may become.

    `key` and `values` say the same for pages that speak other languages.
    """

    def __init__(self, message: str, key: str = "", **values: object) -> None:
        super().__init__(message)
        self.key, self.values = key, values


def check_move(state: str, to: str) -> None:
    """Return if a report may go from `state` to `to`.

    :raises MoveRefused: it may not, or one of them is no state
    """
    if to not in ALLOWED:
        raise MoveRefused(f"{to!r} is no state of a report; there are {', '.join(STATES)}.")
    if to not in ALLOWED.get(state, frozenset()):
        allowed = ", ".join(one for one in STATES if one in ALLOWED.get(state, frozenset()))
        raise MoveRefused(f"A report that is {state} cannot become {to}, only {allowed}.", "cannot", state=state, to=to)
