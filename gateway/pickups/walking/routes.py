"""What a routing server is asked and what its answers say, as values. Pure.

Sources: OSRM HTTP API documentation v5 (services Route and Table); Valhalla API reference (Turn-by-turn route, Matrix).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

Position = tuple[float, float]  # lat, lon in WGS 84 degrees


class BadRoute(Exception):
    """The server's answer cannot be used; the message says why."""


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request: a path with its query, and a JSON body to POST, or None to GET."""

    path: str
    body: str | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One turn: `turn` is go, left, right or back; then `metres` along `street` ("" where it has no name)."""

    turn: str
    street: str
    metres: float


class Engine(Protocol):
    """How one kind of server is spoken with."""

    def ask_times(self, start: Position, ends: Sequence[Position]) -> Request: ...

    def read_times(self, answer: str, count: int) -> list[float | None]:
        """Return seconds on foot to each end, None where there is no way; raises BadRoute."""
        ...

    def ask_route(self, start: Position, end: Position) -> Request: ...

    def read_route(self, answer: str) -> list[Step]:
        """Return the turns in order, without the arrival; raises BadRoute."""
        ...


class Osrm:
    """OSRM with a profile for walking."""

    def ask_times(self, start: Position, ends: Sequence[Position]) -> Request:
        places = ";".join(f"{lon:.6f},{lat:.6f}" for lat, lon in (start, *ends))
        return Request(f"/table/v1/foot/{places}?sources=0&annotations=duration")

    def read_times(self, answer: str, count: int) -> list[float | None]:
        data = _object(answer)
        if data.get("code") != "Ok":
            raise BadRoute(f"OSRM says {str(data.get('code'))[:40]}")
        rows = data.get("durations")
        if not isinstance(rows, list) or len(rows) != 1 or not isinstance(rows[0], list) or len(rows[0]) != count + 1:
            raise BadRoute("OSRM's table has another size")
        return [_seconds(value) for value in rows[0][1:]]

    def ask_route(self, start: Position, end: Position) -> Request:
        places = ";".join(f"{lon:.6f},{lat:.6f}" for lat, lon in (start, end))
        return Request(f"/route/v1/foot/{places}?steps=true&overview=false")

    def read_route(self, answer: str) -> list[Step]:
        data = _object(answer)
        if data.get("code") != "Ok":
            raise BadRoute(f"OSRM says {str(data.get('code'))[:40]}")
        steps = []
        try:
            for leg in data["routes"][0]["legs"]:
                for step in leg["steps"]:
                    maneuver = step["maneuver"]
                    if maneuver["type"] == "arrive":
                        continue
                    turn = "go" if maneuver["type"] == "depart" else _osrm_turn(str(maneuver.get("modifier", "")))
                    steps.append(Step(turn, str(step.get("name") or ""), float(step["distance"])))
        except (KeyError, IndexError, TypeError, ValueError):
            raise BadRoute("OSRM's route has another form") from None
        return merged(steps)


class Valhalla:
    """Valhalla with its pedestrian costing."""

    def ask_times(self, start: Position, ends: Sequence[Position]) -> Request:
        body = {"sources": [_place(start)], "targets": [_place(end) for end in ends], "costing": "pedestrian"}
        return Request("/sources_to_targets", json.dumps(body))

    def read_times(self, answer: str, count: int) -> list[float | None]:
        data = _object(answer)
        rows = data.get("sources_to_targets")
        if not isinstance(rows, list) or len(rows) != 1 or not isinstance(rows[0], list):
            raise BadRoute(f"Valhalla says {str(data.get('error', 'nothing of times'))[:60]}")
        times: list[float | None] = [None] * count
        try:
            for row in rows[0]:
                times[int(row["to_index"])] = _seconds(row["time"])
        except (KeyError, IndexError, TypeError, ValueError):
            raise BadRoute("Valhalla's matrix has another form") from None
        return times

    def ask_route(self, start: Position, end: Position) -> Request:
        body = {"locations": [_place(start), _place(end)], "costing": "pedestrian", "units": "kilometers"}
        return Request("/route", json.dumps(body))

    def read_route(self, answer: str) -> list[Step]:
        data = _object(answer)
        if "trip" not in data:
            raise BadRoute(f"Valhalla says {str(data.get('error', 'nothing of a trip'))[:60]}")
        steps = []
        try:
            for leg in data["trip"]["legs"]:
                for maneuver in leg["maneuvers"]:
                    kind = int(maneuver["type"])
                    if kind in _VALHALLA_ARRIVES:
                        continue
                    street = (maneuver.get("street_names") or [""])[0]
                    steps.append(Step(_VALHALLA_TURNS.get(kind, "go"), str(street), float(maneuver["length"]) * 1000))
        except (KeyError, IndexError, TypeError, ValueError):
            raise BadRoute("Valhalla's route has another form") from None
        return merged(steps)


ENGINES: Mapping[str, Engine] = {"osrm": Osrm(), "valhalla": Valhalla()}

# Valhalla's DirectionsLeg.Maneuver.Type: 4 to 6 destination; 9 to 11 right, 12 and 13 U-turns, 14 to 16 left; 18 to 21
# and 23, 24 ramps, exits and stays by side.
_VALHALLA_ARRIVES = frozenset({4, 5, 6})
_VALHALLA_TURNS = {
    **dict.fromkeys((9, 10, 11, 18, 20, 23), "right"),
    **dict.fromkeys((14, 15, 16, 19, 21, 24), "left"),
    12: "back",
    13: "back",
}


def merged(steps: Sequence[Step]) -> list[Step]:
    """Put together what is no turn: going on along the same street, or straight on."""
    kept: list[Step] = []
    for step in steps:
        if kept and step.turn == "go" and step.street in ("", kept[-1].street):
            last = kept[-1]
            kept[-1] = Step(last.turn, last.street, last.metres + step.metres)
        else:
            kept.append(step)
    return kept


def _osrm_turn(modifier: str) -> str:
    if modifier == "uturn":
        return "back"
    if modifier == "straight" or not modifier:
        return "go"
    return "left" if "left" in modifier else "right"


def _place(position: Position) -> dict[str, float]:
    return {"lat": round(position[0], 6), "lon": round(position[1], 6)}


def _object(answer: str) -> dict[str, Any]:
    try:
        data = json.loads(answer)
    except ValueError:
        raise BadRoute("the answer is no JSON") from None
    if not isinstance(data, dict):
        raise BadRoute("the answer is no JSON object")
    return data


def _seconds(value: object) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 10**7:
        raise BadRoute("a time is no number of seconds")
    return float(value)
