"""What texts about pick-up points change, as plain values; `pickups.applied` writes them."""

from dataclasses import dataclass
from datetime import datetime

from gateway.rules.conversation import Effect


@dataclass(frozen=True, slots=True)
class Hold:
    """Seats promised to one phone on one bus, until a stated time (aware UTC)."""

    bus_id: int
    point_id: int
    seats: int
    until: datetime


@dataclass(frozen=True, slots=True)
class ChangeHold(Effect):
    """The sender's seats were `before` and are now `after`; None means none."""

    before: Hold | None
    after: Hold | None


@dataclass(frozen=True, slots=True)
class JoinWaiting(Effect):
    """The sender wants to be told once when this point has seats again."""

    point_id: int


@dataclass(frozen=True, slots=True)
class NoteAsk(Effect):
    """A WHERE, for the load of each point: what was named, the nearest point of all and the one offered."""

    event_id: int | None
    place: str
    lat: float
    lon: float
    nearest_id: int | None
    offered_id: int | None
    metres: float | None


@dataclass(frozen=True, slots=True)
class NoteUnmatched(Effect):
    """A place in somebody's words that nothing matches; staff turn it into an alias."""

    words: str
    near: str


@dataclass(frozen=True, slots=True)
class AskWalk(Effect):
    """STEPS: walking directions are to follow in a text of their own."""

    point_id: int
    lat: float
    lon: float
    language: str


@dataclass(frozen=True, slots=True)
class SetPointState(Effect):
    """A marshal's FULL or OPEN."""

    point_id: int
    state: str


@dataclass(frozen=True, slots=True)
class SetLate(Effect):
    """A marshal's LATE: a bus leaves so many minutes after its planned time; those with seats are told."""

    bus_id: int
    minutes: int


@dataclass(frozen=True, slots=True)
class SetLeft(Effect):
    """A marshal's LEFT: the bus is gone."""

    bus_id: int


@dataclass(frozen=True, slots=True)
class CountBoarded(Effect):
    """A marshal's COUNT: so many people are on the bus."""

    bus_id: int
    people: int
