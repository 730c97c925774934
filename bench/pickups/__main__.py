"""Nearest available point among 10,000 and place matching among 50,000 names, beside looking at every one.

Points and names are made up from a fixed seed. Times are of the processor, so that a busy machine does not count. The
last line is one JSON object.
"""

import json
import random
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from rapidfuzz import fuzz, process

from gateway.pickups.live import BusState, Live
from gateway.pickups.pickups import REACH_M
from gateway.pickups.points import Bus, PickupIndex, Point
from gateway.rules.geography import distance
from segments import Gazetteer, Place, resolve_place
from segments.spelling import word_set

POINTS, NAMES = 10_000, 50_000
ASKS, NAIVE_ASKS = 5_000, 200
NOW = datetime(2026, 12, 6, 4, 0, tzinfo=UTC)
CITIES = [(31.55, 74.34), (24.87, 67.03), (33.68, 73.05), (30.2, 71.47), (34.01, 71.58)]
FIRST = sorted(word_set("gul kar nas mir sha bah raf sal tar nur zam hab fai wal kal mal dar bag jan pur"))
SECOND = sorted(
    word_set("shan imar abad istan idpur oori ganj wala garhi kotla nagar tolai hera mand berg ishan uwal iqabad")
)
KIND = sorted(word_set("Chowk Town Colony Mor Bazar Gate Park Road Market Stop Nagar Block"))


def main() -> int:
    """Measure, print and check; returns 1 when a target is missed."""
    chance = random.Random(2011)
    near = nearest_report(chance)
    match = matching_report(chance)
    result = {"points": POINTS, "names": NAMES, "nearest": near, "matching": match}
    result["passed"] = near["available_p99_ms"] < 1 and match["p99_ms"] < 2
    print(json.dumps(result))
    return 0 if result["passed"] else 1


def nearest_report(chance: random.Random) -> dict[str, float]:
    def somewhere() -> tuple[float, float]:
        lat, lon = chance.choice(CITIES)
        return lat + chance.gauss(0, 0.08), lon + chance.gauss(0, 0.08)

    points = []
    for number in range(1, POINTS + 1):
        lat, lon = somewhere()
        buses = tuple(Bus(number * 2 + at, NOW + timedelta(minutes=30 + 60 * at), 50) for at in (0, 1))
        points.append(Point(number, 1, f"P{number}", "X", lat, lon, buses=buses))
    index = PickupIndex(points)
    asks = [somewhere() for _ in range(ASKS)]
    figures: dict[str, float] = {}
    for name, share in (("available", 0.0), ("half_full", 0.5), ("most_full", 0.95)):
        full = {bus.id: BusState(full=True) for point in points if chance.random() < share for bus in point.buses}
        live = Live(buses=full)

        def wanted(point: Point, live: Live = live) -> bool:
            return live.available(point, NOW)

        def ask(place: tuple[float, float], wanted: Callable[[Point], bool] = wanted) -> int:
            found = index.nearest(*place, wanted, within_m=REACH_M)
            return found[0].point.id if found else 0

        def naive(place: tuple[float, float], wanted: Callable[[Point], bool] = wanted) -> int:
            lat, lon = place
            open_ones = ((distance(lat, lon, one.lat, one.lon), one.id) for one in points if wanted(one))
            return min(open_ones)[1]

        ours, answers = timed(ask, asks)
        theirs, checked = timed(naive, asks[:NAIVE_ASKS])
        assert answers[:NAIVE_ASKS] == checked, "the sweep and the naive scan disagree"
        figures |= {
            f"{name}_p50_ms": middle(ours),
            f"{name}_p99_ms": high(ours),
            f"{name}_naive_p50_ms": middle(theirs),
        }
        print(f"nearest, {name}: p99 {high(ours):.3f} ms; every point looked at: p50 {middle(theirs):.1f} ms")
    return figures


def matching_report(chance: random.Random) -> dict[str, float]:
    names: dict[str, None] = {}
    while len(names) < NAMES:
        name = f"{chance.choice(FIRST)}{chance.choice(SECOND)}"
        if chance.random() < 0.6:
            name += " " + chance.choice(FIRST) + chance.choice(SECOND)
        name += " " + chance.choice(KIND) if chance.random() < 0.8 else f" {chance.randint(1, 40)}"
        names[name.title()] = None
    known = list(names)
    began = time.thread_time()
    gazetteer = Gazetteer(
        Place(f"p{number}", name, "landmark", city="X", lat=31.5, lon=74.3) for number, name in enumerate(known)
    )
    built = time.thread_time() - began
    asks = []
    for _ in range(ASKS):
        name = chance.choice(known)
        kind = chance.random()
        if kind > 0.5:  # one letter more, less or other
            at = chance.randrange(1, len(name))
            name = name[:at] + chance.choice(["", chance.choice("aeioulnr"), name[at] * 2]) + name[at + 1 :]
        if kind > 0.9:
            name = "near " + name + " ke paas"
        asks.append(name)
    asks += [f"{chance.choice(SECOND)} {chance.choice(FIRST)}x{chance.choice(SECOND)}" for _ in range(ASKS // 10)]
    resolve_place("warm up", gazetteer)
    ours, _ = timed(lambda text: resolve_place(text, gazetteer), asks)
    lowered = [name.casefold() for name in known]

    def naive(text: str) -> object:
        return process.extractOne(text.casefold(), lowered, scorer=fuzz.ratio)

    theirs, _ = timed(naive, asks[:NAIVE_ASKS])
    print(
        f"matching: p99 {high(ours):.3f} ms; every name compared: p50 {middle(theirs):.1f} ms; built in {built:.1f} s"
    )
    took = {"p50_ms": middle(ours), "p99_ms": high(ours), "naive_p50_ms": middle(theirs)}
    return took | {"build_s": round(built, 2)}


def timed(call: Callable[[Any], Any], asks: Sequence[Any]) -> tuple[list[float], list[Any]]:
    """Return the milliseconds of each call, sorted, and the answers in order."""
    taken, answers = [], []
    for ask in asks:
        began = time.thread_time()
        answers.append(call(ask))
        taken.append((time.thread_time() - began) * 1000)
    return sorted(taken), answers


def middle(taken: Sequence[float]) -> float:
    return round(taken[len(taken) // 2], 4)


def high(taken: Sequence[float]) -> float:
    return round(taken[len(taken) * 99 // 100], 4)


if __name__ == "__main__":
    sys.exit(main())
