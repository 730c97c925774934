"""The words of an answer: the point, how to know it, how far and which way, when the bus leaves, and a link. Pure."""

import unicodedata
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import lru_cache

from gateway.pickups.pickups import Pickups
from gateway.pickups.points import Near, Point
from gateway.rules.conversation import Listed, Plain, Reply, Value, Word
from gateway.rules.message_parts import count_parts

MAP_LINK = "https://maps.google.com/?q={lat:.5f},{lon:.5f}"
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_LETTERS = str.maketrans({"ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "ı": "i", "İ": "I", "ə": "e", "ħ": "h", "ŧ": "t"})
_LONGEST_NAME = 34
_LONGEST_LANDMARK = 40


def answer(near: Near, place: Value, now: datetime, pickups: Pickups) -> Reply:
    """Return the reply for one point; `shorter` holds the same with less, for a language in which it is too long.

    :param place: what the person named; "" for a position
    """
    point = near.point
    bus = pickups.live.next_bus(point, now)
    values: dict[str, Value] = {
        "point": said_name(point),
        "landmark": landmark_of(point),
        "way": way(near, place),
        "leaves": Word("leaves", {"time": clock(pickups.live.leaves(bus), now, pickups, point)}) if bus else "",
        "link": Plain(link_to(point, pickups)),
        "hint": Word("hint_seat") if bus else Word("hint_more"),
    }
    if not bus and point.opens_at and point.opens_at > now:
        values["leaves"] = Word("opens", {"time": clock(point.opens_at, now, pickups, point)})
    name, landmark = values["point"], values["landmark"]
    brief: dict[str, Value] = {"way": way(near, "")}
    little: dict[str, Value] = {"landmark": cut(landmark, _LONGEST_LANDMARK)}
    both: dict[str, Value] = {**brief, **little, "point": cut(name, _LONGEST_NAME)}
    steps: tuple[dict[str, Value], ...] = (
        brief,
        little,
        both,
        {**both, "hint": ""},
        {**both, "landmark": cut(landmark, 20), "hint": ""},
        {**both, "landmark": ""},
        {**both, "landmark": "", "hint": ""},
        {**both, "landmark": "", "hint": "", "point": cut(name, 16)},
    )
    return Reply("where_answer", values, steps)


def way(near: Near, place: Value) -> Value:
    """Return how far and which way, from what the person named or from where they stand."""
    if near.direction == "here":
        return Word("way_here")
    parts: dict[str, Value] = {"distance": said_distance(near), "direction": Word(near.direction)}
    if not place:
        return Word("way_you", parts)
    return Word("way_from", {**parts, "place": cut(place, _LONGEST_NAME)})


def listed(nears: list[Near], first: int, now: datetime, pickups: Pickups) -> Value:
    """Return points in a line, each with the number to reply with."""
    said: list[Value] = []
    for number, near in enumerate(nears, first):
        bus = pickups.live.next_bus(near.point, now)
        values: dict[str, Value] = {
            "number": str(number),
            "point": cut(said_name(near.point), _LONGEST_NAME),
            "way": way(near, ""),
            "time": clock(pickups.live.leaves(bus), now, pickups, near.point) if bus else "",
        }
        said.append(Word("listed_timed" if bus else "listed", values))
    return Listed(tuple(said))


def link_to(point: Point, pickups: Pickups) -> str:
    """Return the shorter of our own link and the map's."""
    long = MAP_LINK.format(lat=point.lat, lon=point.lon)
    own = f"{pickups.link_base}{base36(point.id)}"
    return own if pickups.link_base and len(own) <= len(long) else long


def base36(number: int) -> str:
    """Return a number in digits and small letters, as links carry it; `int(text, 36)` reads it back."""
    said = ""
    while True:
        number, rest = divmod(number, 36)
        said = _DIGITS[rest] + said
        if not number:
            return said


def clock(at: datetime, now: datetime, pickups: Pickups, point: Point) -> str:
    """Return an hour in the event's own time zone, with the day where it is not today."""
    rally = pickups.rally_of(point)
    zone = rally.zone if rally else pickups.zone
    local = at.astimezone(zone)
    return f"{local:%H:%M}" if local.date() == now.astimezone(zone).date() else f"{local:%d/%m %H:%M}"


def said_distance(near: Near) -> Value:
    """Return a distance as people say it: 50 m steps up to a kilometre, then one decimal, then whole kilometres; and
    the minutes on foot where a router told them."""
    metres = near.metres
    if metres < 975:
        said: Value = Word("metres", {"number": Plain(str(max(50, round(metres / 50) * 50)))})
    else:
        number = f"{metres / 1000:.1f}" if metres < 9_950 else f"{metres / 1000:.0f}"
        said = Word("kilometres", {"number": Plain(number)})
    if near.walk_s is None:
        return said
    minutes = max(1, round(timedelta(seconds=near.walk_s) / timedelta(minutes=1)))
    return Word("with_walk", {"distance": said, "minutes": Plain(str(minutes))})


def said_name(point: Point) -> Mapping[str, str]:
    return in_languages(point.name, point.names)


def in_languages(name: str, names: Mapping[str, str]) -> Mapping[str, str]:
    """Return a name per language; in Latin letters without marks that would double the price of the text."""
    latin = without_costly_marks(names.get("en") or name)
    return {"": name, "en": latin, **{key: without_costly_marks(said) for key, said in names.items() if said}}


def landmark_of(point: Point) -> Mapping[str, str]:
    """Return the landmark in brackets, per language; a language in another script has none rather than two parts."""
    said = {key: f" ({without_costly_marks(text)})" for key, text in point.landmarks.items() if text}
    plain = said.pop("", None)
    if plain and "en" not in said and _is_cheap(plain):
        said["en"] = plain
    elif plain and "ur" not in said and not _is_cheap(plain):
        said["ur"] = plain
    return said


@lru_cache(maxsize=4_096)
def _is_cheap(text: str) -> bool:
    return count_parts(text).encoding == "GSM-7"


def cut(value: Value, longest: int) -> Value:
    """Return names cut at a word, none longer than `longest`."""
    if isinstance(value, str):
        return _cut(value, longest)
    if isinstance(value, Mapping):
        return {key: _cut(said, longest) for key, said in value.items()}
    return value


def _cut(said: str, longest: int) -> str:
    if len(said) <= longest:
        return said
    closing = ")" if said.endswith(")") else ""
    room = longest - len(closing) - 1
    kept = said[:room].rsplit(" ", 1)[0] if " " in said[room // 2 : room] else said[:room]
    return kept.rstrip(" ,.-(") + "." + closing


@lru_cache(maxsize=4_096)  # of points and places, which many people ask for
def without_costly_marks(name: str) -> str:
    """Return a name in Latin letters without the marks outside the SMS alphabet; any other name as it is."""
    if _is_cheap(name):
        return name
    plain = "".join(
        sign for sign in unicodedata.normalize("NFKD", name.translate(_LETTERS)) if not unicodedata.combining(sign)
    )
    return plain if plain and _is_cheap(plain) else name
