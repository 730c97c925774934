"""The life of an outbound text: every state, what is true in it, and every move that is allowed.

Sources: Twilio's pages "Messages resource" and "Outbound Message Status in Status Callbacks"; SMPP 3.4 appendix B and
5.2.28 (message states); Kannel user guide, "Delivery Reports". Receipts are evidence that comes in any order, doubled
or late, so what they say is ranked: the text takes the highest state it has evidence for, and the order cannot matter.
"""

from enum import StrEnum
from types import MappingProxyType


class TextState(StrEnum):
    """Where an outbound text stands, weakest evidence first; the words under each name say what is true then."""

    QUEUED = "queued"
    """Ours to send: no attempt is open, it may be claimed by any worker, paused, cancelled or suppressed."""

    ATTEMPTED = "attempted"
    """A worker committed that it is about to hand this text to a carrier; whether it did is not yet known."""

    UNCERTAIN = "uncertain"
    """An attempt ended without an answer (timeout, 5xx, crash): perhaps sent. Never sent again on that ground alone."""

    ANSWERED = "answered"
    """A reply handed over in the webhook's own response: on its way once the carrier read it; no call was made."""

    SENT = "sent"
    """The carrier accepted it and is answerable for it; no final word on the handset yet."""

    FAILED = "failed"
    """It was refused for good and never left the carrier, or never got there: nothing reached the phone."""

    UNDELIVERED = "undelivered"
    """The carrier sent it on and the phone's network reports that it did not arrive."""

    EXPIRED = "expired"
    """Its validity ran out first, with us or at the carrier: too late to be of use, so not sent."""

    CANCELLED = "cancelled"
    """A person stopped the broadcast, or the text was called back at the carrier, before it left."""

    SUPPRESSED = "suppressed"
    """A rule of ours kept it back (stopped, quiet, dead number, texted too lately); nothing was handed over."""

    DELIVERED = "delivered"
    """The phone has it. Nothing that comes later can make that untrue."""


S = TextState

# What we ourselves may do, beside the receipts of `forward`. QUEUED after a failure is the one later retry of
# gateway.rules.retry; after UNCERTAIN it needs proof of absence at the carrier, twice. ATTEMPTED becomes SUPPRESSED
# where the carrier itself refuses for a STOP that it knows of.
MOVES: MappingProxyType[TextState, frozenset[TextState]] = MappingProxyType(
    {
        S.QUEUED: frozenset({S.ATTEMPTED, S.SUPPRESSED, S.EXPIRED, S.CANCELLED}),
        S.ATTEMPTED: frozenset({S.SENT, S.FAILED, S.UNCERTAIN, S.QUEUED, S.SUPPRESSED}),
        S.UNCERTAIN: frozenset({S.SENT, S.FAILED, S.QUEUED}),
        S.ANSWERED: frozenset(),
        S.SENT: frozenset(),
        S.FAILED: frozenset({S.QUEUED}),
        S.UNDELIVERED: frozenset({S.QUEUED}),
        S.EXPIRED: frozenset(),
        S.CANCELLED: frozenset(),
        S.SUPPRESSED: frozenset(),
        S.DELIVERED: frozenset(),
    }
)

# A receipt moves a text up this ladder only. DELIVERED over UNDELIVERED and FAILED: carriers correct themselves after a
# retry of their own, and to believe the bad news would text a person twice. What we kept back ourselves stays kept back
# whatever comes late from an earlier attempt, unless the phone turns out to have the text.
_RANK = MappingProxyType({state: rank for rank, state in enumerate(TextState)})

# No carrier reports these: they are ours.
_OURS = frozenset({S.QUEUED, S.ATTEMPTED, S.UNCERTAIN, S.ANSWERED, S.SUPPRESSED})

# Over for good unless the phone turns out to have it; an account of a broadcast sums these with SENT and UNCERTAIN.
FINAL = frozenset({S.FAILED, S.UNDELIVERED, S.EXPIRED, S.CANCELLED, S.SUPPRESSED, S.DELIVERED})


class MoveRefused(ValueError):
    """A move of ours that the table does not allow."""


def move(current: TextState, to: TextState) -> TextState:
    """Return `to` where the table lets us move a text there from `current`; MoveRefused otherwise."""
    if to not in MOVES[current]:
        raise MoveRefused(f"A text that is {current} cannot become {to}.")
    return to


def forward(current: TextState, reported: TextState) -> TextState | None:
    """Return the state after a receipt says `reported`, or None where it changes nothing.

    Final for any order: of several receipts the highest stays. ValueError for a state that no carrier can report.
    """
    if reported in _OURS:
        raise ValueError(f"No carrier reports {reported}.")
    return reported if _RANK[reported] > _RANK[current] else None


# What carriers call it --------------------------------------------------------------------------------------------

_TWILIO = MappingProxyType(
    {
        "accepted": S.SENT,
        "scheduled": S.SENT,
        "queued": S.SENT,
        "sending": S.SENT,
        "sent": S.SENT,
        "partially_delivered": S.SENT,  # some parts arrived; the final word is still to come
        "delivered": S.DELIVERED,
        "read": S.DELIVERED,
        "undelivered": S.UNDELIVERED,
        "failed": S.FAILED,
        "canceled": S.CANCELLED,
    }
)

_SMPP = MappingProxyType(
    {
        "SCHEDULED": S.SENT,
        "ENROUTE": S.SENT,
        "ACCEPTD": S.SENT,
        "UNKNOWN": S.SENT,
        "DELIVRD": S.DELIVERED,
        "EXPIRED": S.EXPIRED,
        "DELETED": S.CANCELLED,
        "UNDELIV": S.UNDELIVERED,
        "REJECTD": S.FAILED,
        "SKIPPED": S.FAILED,
    }
)
# The octet of the TLV message_state (0x0427) and of query_sm_resp, SMPP 3.4 5.2.28; 0 and 9 are of SMPP 5.0 4.7.15.
_SMPP_STATES = (
    "SCHEDULED",
    "ENROUTE",
    "DELIVRD",
    "EXPIRED",
    "DELETED",
    "UNDELIV",
    "ACCEPTD",
    "UNKNOWN",
    "REJECTD",
    "SKIPPED",
)

_KANNEL = MappingProxyType({1: S.DELIVERED, 2: S.UNDELIVERED, 4: S.SENT, 8: S.SENT, 16: S.FAILED, 32: S.SENT})


def from_twilio(status: str) -> TextState | None:
    """Return what a Twilio MessageStatus means; None for one that is not of an outbound text (receiving, received)."""
    return _TWILIO.get(status.strip().lower())


def from_smpp(stat: str | int) -> TextState | None:
    """Return what an SMPP receipt means: the word after `stat:` or the octet of message_state; None if unknown."""
    if isinstance(stat, int):
        return _SMPP[_SMPP_STATES[stat]] if 0 <= stat < len(_SMPP_STATES) else None
    return _SMPP.get(stat.strip().upper()[:9])


def from_kannel(dlr: int) -> TextState | None:
    """Return what the number in Kannel's %d means (1 delivered, 2 not, 4 buffered, 8 accepted, 16 refused)."""
    return _KANNEL.get(dlr)
