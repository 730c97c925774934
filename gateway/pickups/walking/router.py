"""Ask the routing server, with a timeout, and leave it alone for a while when it does not answer. Blocking: it is
called from threads of its own, never while a text is being recorded."""

import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import structlog

from gateway.pickups.pickups import Pickups
from gateway.pickups.walking.routes import ENGINES, BadRoute, Position, Step
from gateway.settings import Settings

log = structlog.get_logger()
TIMEOUT_S = 1.5
REST_S = 20.0
"""How long a server that failed is not asked again."""
_MOST_BYTES = 2_000_000
_CELLS = 20_000  # of positions whose times are remembered
_LASTS_S = 3_600.0
T = TypeVar("T")


class RouterDown(Exception):
    """The server did not answer in time, or what it answered cannot be used."""


class Router:
    """One routing server."""

    def __init__(self, kind: str, url: str, clock: Callable[[], float] = time.monotonic) -> None:
        """`kind` is a key of `ENGINES`; `url` is where the server's own paths begin."""
        self._engine, self._url, self._clock = ENGINES[kind], url.rstrip("/"), clock
        self._resting_until = 0.0

    def times(self, start: Position, ends: Sequence[Position]) -> list[float | None]:
        """Return seconds on foot to each end.

        :raises RouterDown: it does not answer, or did not lately
        """
        request = self._engine.ask_times(start, ends)
        return self._understood(request.path, request.body, lambda said: self._engine.read_times(said, len(ends)))

    def route(self, start: Position, end: Position) -> list[Step]:
        """Return the turns on foot; raises RouterDown."""
        request = self._engine.ask_route(start, end)
        return self._understood(request.path, request.body, self._engine.read_route)

    def _understood(self, path: str, body: str | None, read: Callable[[str], T]) -> T:
        if self._clock() < self._resting_until:
            raise RouterDown("it is left alone after a failure")
        headers = {"Content-Type": "application/json"} if body is not None else {}
        data = body.encode() if body is not None else None
        request = urllib.request.Request(self._url + path, data, headers)  # noqa: S310 - http(s), by the setting
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_S) as response:  # noqa: S310
                said = response.read(_MOST_BYTES).decode("utf-8", "replace")
        except urllib.error.HTTPError as error:
            if error.code >= 500:
                self._resting_until = self._clock() + REST_S
            raise RouterDown(f"HTTP {error.code}") from None
        except (OSError, ValueError) as error:
            self._resting_until = self._clock() + REST_S
            log.warning("router_down", error=type(error).__name__)
            raise RouterDown(type(error).__name__) from None
        try:
            return read(said)
        except BadRoute as error:
            raise RouterDown(str(error)) from None


class KnownWalks:
    """Walking times asked before, by squares of some 100 metres; forgotten when points change."""

    def __init__(self, router: Router, clock: Callable[[], float] = time.monotonic) -> None:
        self._router, self._clock = router, clock
        self._known: dict[Position, tuple[float, dict[int, float]]] = {}
        self._points: object = None

    def __call__(self, lat: float, lon: float) -> Mapping[int, float]:
        """Return seconds on foot to points near a position, as far as they are known; never asks."""
        found = self._known.get(_square(lat, lon))
        return found[1] if found and self._clock() - found[0] < _LASTS_S else {}

    def learn(self, lat: float, lon: float, ends: Mapping[int, Position], pickups: Pickups) -> None:
        """Ask for what is not known yet.

        :raises RouterDown: the server does not answer
        """
        if pickups.points is not self._points:
            self._known, self._points = {}, pickups.points
        known = dict(self(lat, lon))
        missing = [number for number in ends if number not in known]
        if not missing:
            return
        square = _square(lat, lon)
        times = self._router.times(square, [ends[number] for number in missing])
        known |= {number: taken for number, taken in zip(missing, times, strict=True) if taken is not None}
        if len(self._known) >= _CELLS:
            self._known = {}
        self._known[square] = (self._clock(), known)


def router_from(settings: Settings) -> Router | None:
    """Return the routing server of the settings, if one is set."""
    return Router(settings.walking_router, settings.walking_router_url) if settings.walking_router else None


def _square(lat: float, lon: float) -> Position:
    return round(lat, 3), round(lon, 3)
