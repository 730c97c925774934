"""Which carrier a text goes to: by the number's prefix, and by whether the carrier works.

A carrier that cannot be reached gets one text every few seconds, so that an outage burns no attempts and its end is
noticed at once; meanwhile the next carrier of the route is used. A text that may have been sent never changes carrier.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from faults import FaultError, fault

TRIP = 5  # failures in a row, none reached between them
PROBE_EVERY = timedelta(seconds=5)
LONGEST_HOLD = timedelta(seconds=60)
EVERYWHERE = "*"


@dataclass(frozen=True, slots=True)
class Route:
    """Numbers that begin with `prefix` ("+92", "*" for all) go to the first of `carriers` that works."""

    prefix: str
    carriers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Health:
    """How a carrier does, as all workers share it. Times are aware UTC."""

    failures: int = 0
    probe_at: datetime | None = None
    held_until: datetime | None = None
    halted: bool = False

    @property
    def tripped(self) -> bool:
        return self.failures >= TRIP


def read_routes(written: str, known: Sequence[str]) -> tuple[Route, ...]:
    """Return the routes of a setting such as "+92=smpp,twilio; *=twilio"; empty: everything to the first carrier.

    :raises FaultError: it says what is wrong
    """
    if not written.strip():
        return (Route(EVERYWHERE, (known[0],)),)
    routes: dict[str, Route] = {}
    for piece in filter(None, (piece.strip() for piece in written.split(";"))):
        prefix, equals, names = (part.strip() for part in piece.partition("="))
        carriers = tuple(filter(None, (name.strip() for name in names.split(","))))
        if not equals or not carriers or not (prefix == EVERYWHERE or prefix.removeprefix("+").isdecimal()):
            raise FaultError(
                fault("setting.route", "Write a route as +92=twilio or *=twilio, not {piece!r}.", piece=piece)
            )
        for name in carriers:
            if name not in known:
                raise FaultError(
                    fault(
                        "setting.no_carrier",
                        "There is no carrier {name!r}; there are {known}.",
                        name=name,
                        known=", ".join(known),
                    )
                )
        if len(prefix) > 16 or prefix in routes:
            raise FaultError(
                fault("setting.route_prefix", "The prefix {prefix} is too long or stands twice.", prefix=prefix)
            )
        routes[prefix] = Route(prefix, carriers)
    if EVERYWHERE not in routes:
        raise FaultError(fault("setting.last_route", "The last route must be for all other numbers, as in *=twilio."))
    return tuple(sorted(routes.values(), key=lambda route: (route.prefix == EVERYWHERE, -len(route.prefix))))


def route_of(number: str, routes: Sequence[Route]) -> Route:
    """Return the route of an E.164 number: the longest prefix that fits."""
    for route in routes:
        if route.prefix == EVERYWHERE or number.startswith(route.prefix):
            return route
    raise LookupError("the last route must be for all other numbers")


def carriers_of(written: str, routes: Sequence[Route]) -> tuple[str, ...]:
    """Return the carriers, best first, of a lane's route; those of all other numbers where the route is gone."""
    if written.startswith("="):
        return (written[1:],)
    found = next((route for route in routes if route.prefix == written), None)
    return (found or routes[-1]).carriers


def choose(carriers: Sequence[str], health: Mapping[str, Health], now: datetime) -> str | None:
    """Return the first carrier that may be given a text now (a tripped one only when its probe is due), or None."""
    return next((name for name in carriers if room(health.get(name, Health()), now, 1)), None)


def room(health: Health, now: datetime, wanted: int) -> int:
    """Return how many of `wanted` texts a carrier may be given at `now`: all, none, or one as a probe."""
    if health.halted or (health.held_until and now < health.held_until):
        return 0
    if health.tripped:
        return 1 if wanted and (health.probe_at is None or now >= health.probe_at) else 0
    return wanted


def probing(health: Health, now: datetime) -> Health:
    """Return the health once a text was claimed for a tripped carrier: the next worker waits for its own probe."""
    return replace(health, probe_at=now + PROBE_EVERY) if health.tripped else health


def after(health: Health, reached: int, unreached: int, now: datetime, hold: timedelta | None = None) -> Health:
    """Return the health after some texts reached the carrier and others did not; `hold` is what it asked us to wait."""
    if hold is not None:
        until = now + min(hold, LONGEST_HOLD)
        health = replace(health, held_until=max(until, health.held_until or until))
    if reached:
        return replace(health, failures=0, probe_at=None)
    failures = min(health.failures + unreached, 1_000_000)
    probe_at = now + PROBE_EVERY if failures >= TRIP else None
    return replace(health, failures=failures, probe_at=probe_at)
