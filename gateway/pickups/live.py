"""What changes about pick-up points from minute to minute: states, late buses, buses that left, full ones. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from gateway.pickups.points import Bus, Point

IN_USE = ("open", "moved")


@dataclass(frozen=True, slots=True)
class BusState:
    """One departure now: minutes late, whether it has left, and whether its last seat is promised."""

    late_minutes: int = 0
    left: bool = False
    full: bool = False


_ON_TIME = BusState()


@dataclass(frozen=True, slots=True)
class Live:
    """The state of every point and bus that is not simply open and on time. `rev` is the revision it was read at."""

    states: Mapping[int, str] = field(default_factory=dict)
    buses: Mapping[int, BusState] = field(default_factory=dict)
    rev: int = 0

    def state(self, point: Point) -> str:
        """Return "open", "full", "closed" or "moved"."""
        return self.states.get(point.id, "open")

    def bus(self, bus: Bus) -> BusState:
        return self.buses.get(bus.id, _ON_TIME)

    def leaves(self, bus: Bus) -> datetime:
        """Return when a bus leaves, its lateness counted in; aware UTC."""
        late = self.bus(bus).late_minutes
        return bus.leaves_at + timedelta(minutes=late) if late else bus.leaves_at

    def coming(self, point: Point, now: datetime) -> list[Bus]:
        """Return the buses that have still to leave, the next one first."""
        if not self.buses:
            return [bus for bus in point.buses if bus.leaves_at >= now]
        coming = [bus for bus in point.buses if not self.bus(bus).left and self.leaves(bus) >= now]
        coming.sort(key=self.leaves)
        return coming

    def next_bus(self, point: Point, now: datetime) -> Bus | None:
        """Return the next bus with a seat left, if there is one."""
        return next((bus for bus in self.coming(point, now) if not self.bus(bus).full), None)

    def in_use(self, point: Point, now: datetime) -> bool:
        """Whether buses leave here at all: open or moved, and not yet over."""
        return self.states.get(point.id, "open") in IN_USE and (point.closes_at is None or now < point.closes_at)

    def available(self, point: Point, now: datetime) -> bool:
        """Whether someone who asks now can still be picked up here: in use, and a bus to come with a seat left."""
        if not self.in_use(point, now):
            return False
        return not point.buses or self.next_bus(point, now) is not None

    def with_full(self, bus_id: int, full: bool) -> "Live":
        """Return the same with one bus full or not."""
        state = replace(self.buses.get(bus_id, _ON_TIME), full=full)
        return replace(self, buses={**self.buses, bus_id: state})
