"""WHERE: from a place in somebody's words to the nearest pick-up point they can still use. Pure."""

import re
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from gateway.pickups.points import Near, PickupIndex
from gateway.places.directory import Directory
from gateway.rules.conversation import Asked, CloseQuestion, Decision, Listed, Reply, Value, Word, ask
from segments import Gazetteer, Place, resolve_place

REACH_M = 60_000
_POSITION = re.compile(r"(?<![\d.])(-?\d{1,2}\.\d{2,})\s*(?:,|%2C|\s)\s*(-?\d{1,3}\.\d{2,})(?![\d.])", re.IGNORECASE)
MAP_LINK = "https://maps.google.com/?q={lat:.5f},{lon:.5f}"


@dataclass(frozen=True)
class Pickups:
    """What WHERE needs of one moment's data: the points, and a gazetteer in which their names are places too."""

    index: PickupIndex
    gazetteer: Gazetteer
    zone: ZoneInfo
    event_key: str = ""
    event_name: Value = ""
    points_by_place: dict[str, int] = field(default_factory=dict)


def where(asked: Asked, pickups: Pickups, directory: Directory) -> Decision:
    """Answer with the nearest available point to the place named, or to the member's own city, or ask."""
    text = asked.argument.strip()
    if position := read_position(asked.body):
        return _nearest(*position, "", asked, pickups)
    if not text:
        member = asked.sender.member
        home = directory.places.get(member.city) if member and member.city else None
        if home and home.lat is not None and home.lon is not None:
            return _nearest(home.lat, home.lon, directory.place_name(home.key), asked, pickups)
        return Decision(Reply("where_ask"), (ask("where", asked.now),))
    return answer_place(text, asked, pickups, directory)


def answer_place(text: str, asked: Asked, pickups: Pickups, directory: Directory) -> Decision:
    """Answer a place in somebody's words; a tie is asked back with numbers, an unknown place with near spellings."""
    member = asked.sender.member
    home = directory.places.get(member.city) if member and member.city else None
    match = resolve_place(text, pickups.gazetteer, near=home.name if home else None)
    if match.place:
        return _nearest_to(match.place, asked, pickups, directory)
    shown = text[:30]
    if match.is_tie:
        labels = match.alternatives[:4]
        said = Listed(tuple(f"{number} {label}" for number, label in enumerate(labels, 1)))
        keys = [place.key for place in match.choices[:4]]
        return Decision(
            Reply("ask_which", {"choices": said}), (ask("where", asked.now, keys=keys, labels=list(labels)),)
        )
    again = ask("where", asked.now)
    if match.alternatives:
        near = Listed(tuple(match.alternatives[:2]))
        return Decision(Reply("where_unknown", {"place": shown, "choices": near}), (again,))
    return Decision(Reply("where_unknown_plain", {"place": shown}), (again,))


def answer_where(asked: Asked, pickups: Pickups, directory: Directory) -> Decision:
    """Take a text as the answer to "where are you?" or to numbered places."""
    question = asked.answering("where")
    assert question is not None
    keys = [str(key) for key in _strings(question.data.get("keys"))]
    number = asked.body.strip().strip(".#)")
    if keys and number.isdecimal() and len(number) < 4 and 1 <= int(number) <= len(keys):
        chosen = next((place for place in pickups.gazetteer.places if place.key == keys[int(number) - 1]), None)
        if chosen:
            return _nearest_to(chosen, asked, pickups, directory)
    if position := read_position(asked.body):
        return _nearest(*position, "", asked, pickups)
    return answer_place(asked.body, asked, pickups, directory)


def _strings(value: object) -> list[object]:
    return list(value) if isinstance(value, list | tuple) else []


def read_position(text: str) -> tuple[float, float] | None:
    """Return (lat, lon) of a pasted position or map link, in WGS 84 degrees; None if there is none in the text."""
    for found in _POSITION.finditer(text):
        lat, lon = float(found[1]), float(found[2])
        if -90 <= lat <= 90 and -180 <= lon <= 180:
            return lat, lon
    return None


def _nearest_to(place: Place, asked: Asked, pickups: Pickups, directory: Directory) -> Decision:
    if place.lat is None or place.lon is None:
        city = directory.city_of(place)
        if city.lat is None or city.lon is None:
            return Decision(Reply("where_unknown_plain", {"place": place.name}), (ask("where", asked.now),))
        return _nearest(city.lat, city.lon, _name(place), asked, pickups)
    return _nearest(place.lat, place.lon, _name(place), asked, pickups)


def _name(place: Place) -> Value:
    return {"": place.name, "en": place.name, **place.names}


def _nearest(lat: float, lon: float, said: Value, asked: Asked, pickups: Pickups) -> Decision:
    found = pickups.index.nearest(lat, lon, lambda point: point.available(asked.now), within_m=REACH_M)
    if not found:
        place = said or f"{lat:.4f},{lon:.4f}"
        return Decision(Reply("where_none", {"place": place}), (CloseQuestion(),))
    return Decision(answer(found[0], asked.now, pickups.zone), (CloseQuestion(),))


def answer(near: Near, now: datetime, zone: ZoneInfo) -> Reply:
    """Return the reply: the point, how far, which way, when the next bus leaves (the day too if not today), a link."""
    point = near.point
    values: dict[str, Value] = {
        "point": {"": point.name, "en": point.name, **point.names},
        "distance": distance_said(near.metres),
        "direction": Word(near.direction),
        "link": MAP_LINK.format(lat=point.lat, lon=point.lon),
    }
    leaves = point.next_departure(now)
    if leaves is None:
        return Reply("where_answer", values)
    local = leaves.astimezone(zone)
    values["time"] = f"{local:%H:%M}" if local.date() == now.astimezone(zone).date() else f"{local:%d/%m %H:%M}"
    return Reply("where_answer_timed", values)


def distance_said(metres: float) -> str:
    """Return a distance as people say it: 50 m steps up to a kilometre, then one decimal, then whole kilometres."""
    if metres < 975:
        return f"{max(50, round(metres / 50) * 50)} m"
    return f"{metres / 1000:.1f} km" if metres < 9_950 else f"{metres / 1000:.0f} km"
