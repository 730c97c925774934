"""WHERE, MORE and STEPS: from a place in somebody's words to a pick-up point they can still use. Pure."""

import re
from collections.abc import Sequence
from datetime import datetime

from gateway.pickups.answer import answer, in_languages, landmark_of, link_to, listed, said_name, way
from gateway.pickups.effects import AskWalk, NoteAsk, NoteUnmatched
from gateway.pickups.pickups import REACH_M, Pickups, Rally, find_place
from gateway.pickups.points import Near, Point
from gateway.pickups.position import has_link, has_short_link, read_position
from gateway.places.directory import Directory
from gateway.rules.conversation import (
    Asked,
    CloseQuestion,
    Decision,
    Effect,
    Listed,
    Plain,
    Question,
    Reply,
    Value,
    ask,
)
from gateway.rules.geography import bearing, distance
from keywords import Command
from orthography import words
from segments import Place, PlaceMatch

OFFERED = "pickup"
"""The kind of question that an answer leaves open: SEAT, MORE, STEPS and numbers refer to it."""
_AMONG = 6  # of so many points nearest by distance, the one nearest on foot is chosen
_MORE = 2
_MOST_CHOICES = 4
_MOST_WORDS = 6  # of a text that may be a place and nothing else
_MOST_SHOWN = 30


def where(asked: Asked, pickups: Pickups, directory: Directory) -> Decision:
    """Answer with the nearest available point to the place named, or to the member's own city, or ask."""
    if decision := answer_position(asked, pickups):
        return decision
    text = asked.argument.strip()
    return answer_place(text, asked, pickups, directory) if text else answer_home(asked, pickups, directory)


def answer_home(asked: Asked, pickups: Pickups, directory: Directory) -> Decision:
    """Answer who names no place: from the member's own city, else they are asked where they are."""
    home = _home(asked, directory)
    if home and home.lat is not None and home.lon is not None:
        return answer_from(home.lat, home.lon, directory.place_name(home.key), asked, pickups)
    return Decision(Reply("where_ask"), (ask("where", asked.now),))


def answer_position(asked: Asked, pickups: Pickups) -> Decision | None:
    """Answer a pasted position or map link; a link that only its maker can open is asked about; else None."""
    if position := read_position(asked.body):
        lat, lon = position
        if not pickups.in_reach(lat, lon, asked.now) and abs(lon) <= 90 and pickups.in_reach(lon, lat, asked.now):
            lat, lon = lon, lat  # pasted the other way round: only one way leads to a point
        return answer_from(lat, lon, "", asked, pickups)
    if has_short_link(asked.body) or (asked.command.name == "WHERE" and has_link(asked.body)):
        return Decision(Reply("where_short_link"), (ask("where", asked.now),))
    return None


def answer_place(text: str, asked: Asked, pickups: Pickups, directory: Directory) -> Decision:
    """Answer a place in somebody's words; a tie is asked back with numbers, an unknown place with near spellings."""
    home = _home(asked, directory)
    match = find_place(text, pickups, home.name if home else None)
    if match.place:
        return _answer_from_place(match.place, asked, pickups, directory)
    shown = text[:_MOST_SHOWN]
    if match.is_tie:
        labels = match.alternatives[:_MOST_CHOICES]
        return Decision(Reply("ask_which", {"choices": _numbered(labels)}), (_ask_which(match, len(labels), asked),))
    noted: tuple[Effect, ...] = ()
    if len(words(text)) <= _MOST_WORDS and sum(map(str.isalpha, text)) > 2:
        noted = (NoteUnmatched(text[:80], home.name if home else ""),)
    if match.alternatives:
        labels = match.alternatives[:2]
        reply = Reply("where_unknown", {"place": shown, "choices": _numbered(labels)})
        return Decision(reply, (*noted, _ask_which(match, len(labels), asked)))
    return Decision(Reply("where_unknown_plain", {"place": shown}), (*noted, ask("where", asked.now)))


def answer_named(text: str, asked: Asked, pickups: Pickups, directory: Directory) -> Decision | None:
    """Answer words that may be a place: only where they name one, or several, exactly; else None."""
    home = _home(asked, directory)
    match = find_place(text, pickups, home.name if home else None)
    return answer_place(text, asked, pickups, directory) if match.certain and (match.place or match.is_tie) else None


def answer_where(asked: Asked, pickups: Pickups, directory: Directory) -> Decision | None:
    """Take a text as the answer to "where are you?" or to numbered places; YES is one where a single place was named.

    Returns None for a text that names no place.
    """
    question = asked.answering("where")
    assert question is not None
    keys = [str(key) for key in _list(question.data.get("keys"))]
    number = _number(asked.body)
    if asked.command.name == "YES" and len(keys) == 1:
        number = 1
    elif asked.command.name is not None:
        return None
    if keys and number is not None and 1 <= number <= len(keys):
        chosen = pickups.places.get(keys[number - 1])
        if chosen:
            return _answer_from_place(chosen, asked, pickups, directory)
    return answer_position(asked, pickups) or answer_place(asked.body, asked, pickups, directory)


def answer_offer(asked: Asked, pickups: Pickups, directory: Directory) -> Decision | None:
    """After an answer: a number chooses among the points that MORE gave, a place known for sure is asked about."""
    question = asked.answering(OFFERED)
    assert question is not None
    options = [pickups.points.get(int(str(one))) for one in _list(question.data.get("options"))]
    number = _number(asked.body)
    if number is not None:
        if 1 <= number <= len(options) and (point := options[number - 1]):
            lat, lon = position_of(question)
            near = Near(point, distance(lat, lon, point.lat, point.lon), bearing(lat, lon, point.lat, point.lon))
            return Decision(answer(near, "", asked.now, pickups), (offer(asked.now, question.data, point=point.id),))
        return None
    if decision := answer_position(asked, pickups):
        return decision
    if len(words(asked.body)) > _MOST_WORDS:
        return None
    home = _home(asked, directory)
    match = find_place(asked.body, pickups, home.name if home else None)
    return _answer_from_place(match.place, asked, pickups, directory) if match.place and match.certain else None


def more(asked: Asked, pickups: Pickups) -> Decision:
    """Give the next two points, to be chosen by number."""
    question = asked.answering(OFFERED)
    if question is None:
        return Decision(Reply("where_ask"), (ask("where", asked.now),))
    lat, lon = position_of(question)
    seen = [int(str(one)) for one in _list(question.data.get("options"))]
    reach = pickups.in_reach(lat, lon, asked.now)
    found = nearest(lat, lon, reach.rally, pickups, asked.now, _MORE, frozenset(seen)) if reach else []
    if not found:
        return Decision(Reply("where_no_more"))
    options = [*seen, *(near.point.id for near in found)]
    reply = Reply("where_more", {"choices": listed(found, len(seen) + 1, asked.now, pickups)})
    return Decision(reply, (offer(asked.now, question.data, options=options),))


def steps(asked: Asked, pickups: Pickups, held: int | None) -> Decision:
    """Give the way on foot: in a text of its own where a router is set, else how to recognise the point.

    :param held: the point where the sender holds a seat, for when nothing was offered lately
    """
    question = asked.answering(OFFERED)
    point = pickups.points.get(offered_point(question) or held or 0)
    if point is None:
        return Decision(Reply("where_ask"), (ask("where", asked.now),))
    if question is None:
        return Decision(described(point, None, pickups))
    lat, lon = position_of(question)
    if pickups.router:
        return Decision(Reply("steps_follow"), (AskWalk(point.id, lat, lon, asked.language),))
    near = Near(point, distance(lat, lon, point.lat, point.lon), bearing(lat, lon, point.lat, point.lon))
    return Decision(described(point, near, pickups))


def described(point: Point, near: Near | None, pickups: Pickups) -> Reply:
    """Return how to find a point without a router: its landmark, how far and which way, and the map."""
    values: dict[str, Value] = {
        "point": said_name(point),
        "landmark": landmark_of(point),
        "way": way(near, "") if near else in_languages(point.city, {}),
        "link": Plain(link_to(point, pickups)),
    }
    return Reply("steps_described", values, ({"landmark": ""},))


def answer_from(lat: float, lon: float, place: Value, asked: Asked, pickups: Pickups) -> Decision:
    """Answer from a position: the nearest available point of the member's event.

    :param place: what the person named, "" for a position that was pasted
    """
    reach = pickups.in_reach(lat, lon, asked.now)
    said = place or f"{lat:.4f},{lon:.4f}"
    named = place if isinstance(place, str) else str(_english(place))
    near = reach.usable if reach else None
    if reach and near and pickups.router:
        near = nearest(lat, lon, reach.rally, pickups, asked.now)[0]
    noted = NoteAsk(
        reach.rally.id if reach else None,
        named,
        lat,
        lon,
        reach.first.point.id if reach else None,
        near.point.id if near else None,
        near.metres if near else None,
    )
    data = {"lat": round(lat, 5), "lon": round(lon, 5)}
    if near:
        reply = answer(near, place, asked.now, pickups)
        return Decision(reply, (noted, offer(asked.now, data, point=near.point.id, options=[near.point.id])))
    waiting = _waiting_for(lat, lon, reach.rally, pickups, asked.now) if reach else None
    if waiting:
        reply = Reply("where_full", {"place": said, "point": said_name(waiting)})
        return Decision(reply, (noted, offer(asked.now, data, point=waiting.id, options=[waiting.id])))
    return Decision(Reply("where_none", {"place": said}), (noted, CloseQuestion()))


def nearest(
    lat: float,
    lon: float,
    rally: Rally,
    pickups: Pickups,
    now: datetime,
    count: int = 1,
    without: frozenset[int] = frozenset(),
) -> list[Near]:
    """Return the nearest available points: by walking time where a router has told it, else by distance."""
    walks = pickups.walks(lat, lon)
    wanted = max(count, _AMONG) if walks else count
    found = rally.index.nearest(
        lat,
        lon,
        lambda point: point.id not in without and pickups.live.available(point, now),
        wanted,
        REACH_M,
    )
    if found and found[0].point.id in walks:
        known = [near for near in found if near.point.id in walks]
        timed = [Near(near.point, near.metres, near.bearing, walks[near.point.id]) for near in known]
        found = sorted(timed, key=lambda near: (near.walk_s or 0.0, near.metres))
    return found[:count]


def where_from(body: str, command: Command, pickups: Pickups, now: datetime) -> tuple[float, float, list[Point]] | None:
    """Return the position that a text surely asks from and the points among which its answer will be; None when the
    sender's own state decides it. For asking a router beforehand."""
    position = read_position(body)
    if position is None and command.name in ("WHERE", None):
        said = command.argument if command.name else body
        match = find_place(said, pickups, None) if 0 < len(words(said)) <= _MOST_WORDS else None
        if match and match.place and match.place.lat is not None and match.place.lon is not None:
            position = match.place.lat, match.place.lon
    reach = pickups.in_reach(*position, now) if position else None
    if position is None or reach is None:
        return None
    found = reach.rally.index.nearest(
        *position, lambda point: pickups.live.available(point, now), _AMONG + _MORE, REACH_M
    )
    return *position, [near.point for near in found]


def offer(now: datetime, data: object, **changed: object) -> Effect:
    """Leave an answer open for SEAT, MORE, STEPS and numbers."""
    known = dict(data) if isinstance(data, dict) else {}
    return ask(OFFERED, now, **(known | changed))


def offered_point(question: Question | None) -> int | None:
    """Return the id of the point that SEAT would be for."""
    point = question.data.get("point") if question else None
    return int(str(point)) if point is not None else None


def position_of(question: Question) -> tuple[float, float]:
    """Return where the person asked from."""
    return float(str(question.data["lat"])), float(str(question.data["lon"]))


def _waiting_for(lat: float, lon: float, rally: Rally, pickups: Pickups, now: datetime) -> Point | None:
    """Return the nearest point that only lacks seats."""

    def lacks_seats(point: Point) -> bool:
        state = pickups.live.state(point)
        return state == "full" or (state in ("open", "moved") and bool(pickups.live.coming(point, now)))

    found = rally.index.nearest(lat, lon, lacks_seats, within_m=REACH_M)
    return found[0].point if found else None


def _answer_from_place(place: Place, asked: Asked, pickups: Pickups, directory: Directory) -> Decision:
    said = in_languages(place.name, place.names)
    if place.lat is not None and place.lon is not None:
        return answer_from(place.lat, place.lon, said, asked, pickups)
    city = directory.city_of(place)
    if city.lat is None or city.lon is None:
        return Decision(Reply("where_unknown_plain", {"place": place.name}), (ask("where", asked.now),))
    return answer_from(city.lat, city.lon, said, asked, pickups)


def _home(asked: Asked, directory: Directory) -> Place | None:
    member = asked.sender.member
    return directory.places.get(member.city) if member and member.city else None


def _ask_which(match: PlaceMatch, count: int, asked: Asked) -> Effect:
    return ask("where", asked.now, keys=[place.key for place in match.choices[:count]])


def _numbered(labels: Sequence[str]) -> Value:
    return Listed(tuple(f"{number} {label}" for number, label in enumerate(labels, 1)))


def _number(text: str) -> int | None:
    typed = "".join(words(text)) if len(text) < 12 else ""
    return int(typed) if re.fullmatch(r"[0-9]{1,2}", typed) else None


def _list(value: object) -> list[object]:
    return list(value) if isinstance(value, list | tuple) else []


def _english(value: object) -> object:
    return value.get("en") or value.get("") if isinstance(value, dict) else value
