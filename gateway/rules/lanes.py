"""Which texts go first, who may still be texted, and the lane in which a text waits.

A lane holds the queued texts that may leave or must wait together: of one priority, one broadcast, one route and one
time zone. So a paused broadcast, a country that sleeps or a carrier that is down costs one look, however many wait.
"""

from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple


class Needs(StrEnum):
    """The consent that a text stands on when it leaves."""

    NOTHING = "nothing"
    """What the law wants said: the one confirmation of STOP."""

    NO_STOP_SINCE = "no_stop_since"
    """An answer to a text: kept back only by a STOP that came after it was written (HELP is answered after STOP)."""

    NOT_STOPPED = "not_stopped"
    """News that a person asked for by texting us, such as of their report."""

    JOINED = "joined"
    """What we start: only to members."""


class Kind(NamedTuple):
    """One kind of text: a lower `priority` goes first; `waits` for the recipient's sending hours or not."""

    priority: int
    needs: Needs
    waits: bool


KINDS: MappingProxyType[str, Kind] = MappingProxyType(
    {
        "confirmation": Kind(1, Needs.NOTHING, False),
        "reply": Kind(2, Needs.NO_STOP_SINCE, False),
        "answer": Kind(2, Needs.NOT_STOPPED, False),
        "report": Kind(3, Needs.NOT_STOPPED, False),
        "pickup": Kind(3, Needs.NOT_STOPPED, False),
        "test": Kind(3, Needs.NOT_STOPPED, False),
        "reminder": Kind(4, Needs.JOINED, True),
        "broadcast": Kind(4, Needs.JOINED, True),
    }
)


class Lane(NamedTuple):
    """`route` is a prefix of `rules.carrier_routes`, or "=name" where only that carrier may send; `zone` is an IANA
    time zone, or "" where the text does not wait for sending hours."""

    priority: int
    broadcast_id: int | None
    route: str
    zone: str

    def __str__(self) -> str:
        return f"{self.priority}|{self.broadcast_id or 0}|{self.route}|{self.zone}"

    @classmethod
    def read(cls, written: str) -> "Lane":
        """Return the lane that `str` wrote; ValueError for anything else."""
        priority, broadcast, route, zone = written.split("|")
        return cls(int(priority), int(broadcast) or None, route, zone)


def lane_for(kind: str, broadcast_id: int | None, route: str, zone: str) -> Lane:
    """Return where a text of `kind` waits; KeyError for a kind that is none."""
    known = KINDS[kind]
    return Lane(known.priority, broadcast_id, route, zone if known.waits else "")
