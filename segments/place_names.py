"""Which place does a text name? Exact names first, then the same sound, then near ones with a margin."""

from collections.abc import Callable
from typing import NamedTuple

from segments.gazetteer import Gazetteer, Near
from segments.own_data import default_gazetteer, person_names
from segments.places import Place, PlaceMatch
from segments.spelling import key_of, spell, tokens_of, word_set

_MARGIN = 0.6  # how much nearer the nearest spelling must be than the next place's
_DOMINANT = 5  # a town of so many times the people is the one meant
_NEAREST_SHOWN = 2
_LONGEST = 80  # letters; no name is so long, and a story is not compared by ear
_SHORTEST = 4  # letters; a shorter word is too like too many names
# Words around a name that say nothing of which place it is.
_BEFORE = word_set(
    "near nearby nazd nazdeek qareeb qarib in at from mera meri hamara mein main mai me se im i am we are iam the "
    "hum ham abhi yahan yaha now here نزد نزدیک قریب میں ہم ابھی یہاں"
)
_AFTER = word_set(
    "pakistan pk mein me mai men main se sy ka ki ke k hai he hay hain hoon hun hu hon paas pas pass qareeb qarib near "
    "nazdeek wala walay wale stop bus please pls plz now here abhi yahan yaha par pe pay bhai sir ji jee yaar yar "
    "rehta rehti rehte rahta rahti rahte "
    "پاکستان میں سے کا کی ہے کے پاس قریب نزدیک ہوں ہیں پر پہ ابھی یہاں بھائی جی رہتا رہتی رہتے"
)
# Words beside the name of a city or district. Beside another name they belong to it: City Garden is not Garden.
_OF_CITIES = word_set(
    "city shehr sheher shehar shahar shahr district distt dist zila zilla division tehsil tahsil شہر ضلع تحصیل ڈویژن"
)
_KINDS_OF_CITY = frozenset({"city", "town", "district", "area"})


def resolve_place(text: str, gazetteer: Gazetteer | None = None, *, near: str | None = None) -> PlaceMatch:
    """Say which place `text` names.

    `gazetteer`: the project's own cities and districts of Pakistan when left out. `near`: a city, district or
    province that is known of the sender; it settles a tie, it never overrules a name. Never raises.
    """
    known = default_gazetteer() if gazetteer is None else gazetteer
    return resolve_tokens(tokens_of(text), known, near)


def resolve_tokens(tokens: list[str], gazetteer: Gazetteer, near: str | None = None) -> PlaceMatch:
    """As `resolve_place`, for a text that is in tokens already."""
    if not tokens:
        return PlaceMatch()
    found = gazetteer.exact(tokens)
    if found:
        return settle(found, near)
    readings = _readings(tokens, gazetteer)
    for reading in readings[1:]:
        found = tuple(filter(reading.keeps, gazetteer.exact(reading.tokens)))
        if found:
            return settle(found, near)
    nearest: dict[str, tuple[float, Place]] = {}
    for reading in readings:
        match, similar = spelt_like(reading.tokens, gazetteer, near, reading.keeps)
        if match:
            return match
        for near_one in similar:
            place = near_one.place
            if place.key not in nearest or near_one.far < nearest[place.key][0]:
                nearest[place.key] = (near_one.far, place)
    named = [place for size in (1, 2, 3) for part in (tokens[-size:], tokens[:size]) for place in gazetteer.exact(part)]
    ranked = sorted(nearest.values(), key=lambda row: (row[0], -row[1].population))
    shown = dict.fromkeys((*(place for _, place in ranked[:_NEAREST_SHOWN]), *named))
    return PlaceMatch(choices=tuple(shown)[: _NEAREST_SHOWN + 1])


def spelt_like(
    tokens: list[str], gazetteer: Gazetteer, near: str | None = None, keeps: Callable[[Place], bool] | None = None
) -> tuple[PlaceMatch | None, list[Near]]:
    """Take `tokens` for a misspelt name: return the match, if any is near enough, and all the near places looked at.

    `keeps` says which places come into question; all when left out.
    """
    if sum(map(len, tokens)) > _LONGEST:
        return None, []
    spelling = spell(tokens)
    similar = gazetteer.similar(spelling)
    if keeps:
        similar = [row for row in similar if keeps(row.place)]
    if len(spelling.key) < _SHORTEST or all(token in person_names() for token in tokens):
        return None, similar
    if len(spelling.bones) < 2:  # so short a name is known by its very sound or not at all
        found = tuple(place for place in gazetteer.same_sound(spelling) if not keeps or keeps(place))
        return (settle(found, near, certain=False) if found else None), similar
    return _nearest(similar, near), similar


def settle(places: tuple[Place, ...], near: str | None = None, *, certain: bool = True) -> PlaceMatch:
    """Choose among places of one name: the one near the sender, else a town far greater than the rest, else ask."""
    if len(places) > 1 and near:
        places = tuple(place for place in places if lies_in(place, near)) or places
    if len(places) == 1:
        return PlaceMatch(places[0], certain)
    ranked = sorted(places, key=lambda place: -place.population)
    if all(0 < place.population * _DOMINANT <= ranked[0].population for place in ranked[1:]):
        return PlaceMatch(ranked[0], certain)
    return PlaceMatch(choices=tuple(ranked), is_tie=True)


def _nearest(similar: list[Near], near: str | None) -> PlaceMatch | None:
    """Take the nearest place that fits, if no other that fits is about as near by ear or as near by letters."""
    fitting = [row for row in similar if not row.unfit]
    if not fitting:
        return None
    best = fitting[0]
    rows = [row for row in fitting if row.far < best.far + _MARGIN or row.letters <= best.letters]
    rivals = tuple(row.place for row in rows)
    if len({row.key for row in rows}) > 1:  # a greater town outweighs its namesakes, not other names
        within = tuple(place for place in rivals if near and lies_in(place, near))
        return PlaceMatch(within[0]) if len(within) == 1 else PlaceMatch(choices=within or rivals, is_tie=True)
    return settle(rivals, near, certain=False)


class _Reading(NamedTuple):
    tokens: list[str]
    context: str | None = None  # the place lies in this city, district or province
    city_only: bool = False  # a word such as "city" was taken away: only a city or district will do

    def keeps(self, place: Place) -> bool:
        if self.city_only and place.kind not in _KINDS_OF_CITY:
            return False
        return not self.context or lies_in(place, self.context)


def _readings(tokens: list[str], gazetteer: Gazetteer) -> list[_Reading]:
    """Return the ways to read a text: as it stands, without the words around a name, with its end as a context."""
    readings = [_Reading(tokens)]
    bare, city_only = list(tokens), False
    while len(bare) > 1:
        if bare[-1] in _AFTER or bare[-1] in _OF_CITIES:
            city_only = city_only or bare.pop() in _OF_CITIES
        elif bare[0] in _BEFORE or bare[0] in _OF_CITIES:
            city_only = city_only or bare.pop(0) in _OF_CITIES
        else:
            break
    if len(bare) < len(tokens):
        readings.append(_Reading(bare, None, city_only))
    for size in range(1, min(4, len(bare))):
        for name, around in ((bare[:-size], bare[-size:]), (bare[size:], bare[:size])):
            context = gazetteer.is_context(around)
            if context:
                readings.append(_Reading(name, context))
    return readings


def lies_in(place: Place, context: str) -> bool:
    """Say whether a place lies in the city, district, province or country of that name."""
    wanted = key_of(tokens_of(context))
    wider = (place.city, place.district, place.province, place.country)
    return any(name and key_of(tokens_of(name)) == wanted for name in wider)
