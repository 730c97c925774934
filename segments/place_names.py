"""Which place does a text name? Exact names first, then the same sound, then near ones with a margin."""

from segments.gazetteer import Gazetteer
from segments.own_data import default_gazetteer
from segments.places import Place, PlaceMatch
from segments.spelling import key_of, spell, tokens_of

_MARGIN = 0.6  # how much nearer the nearest spelling must be than the next place's
_DOMINANT = 5  # a town of so many times the people is the one meant
_NEAREST_SHOWN = 2
# Words around a name that say nothing of which place it is.
_BEFORE = frozenset(
    "near nearby nazd qareeb qarib in at from mera meri hamara sheher shehar shahr city zila zilla district distt dist "
    "tehsil tahsil mein main se im i am the شہر ضلع تحصیل نزد قریب".split()
)
_AFTER = frozenset(
    "city shehr sheher shehar shahar shahr district distt dist zila zilla division tehsil tahsil pakistan pk mein me "
    "main mai men se sy ka ki ke k hai he hay hoon hun paas pas pass qareeb qarib near wala walay wale stop bus "
    "please pls plz شہر ضلع تحصیل پاکستان مین سے کا کی ہے کے پاس قریب ڈویژن".split()
)


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
    readings = _readings(tokens, gazetteer, near)
    for reading, context in readings:
        found = _within(gazetteer.exact(reading), context)
        if found:
            return settle(found, near)
    nearest: dict[str, tuple[float, Place]] = {}
    for reading, context in readings:
        match, similar = spelt_like(reading, gazetteer, near, context)
        if match:
            return match
        for far, _, place in similar:
            if place.key not in nearest or far < nearest[place.key][0]:
                nearest[place.key] = (far, place)
    ranked = sorted(nearest.values(), key=lambda row: (row[0], -row[1].population))
    shown = [place for _, place in ranked[:_NEAREST_SHOWN]]
    return PlaceMatch(choices=tuple(shown))


def spelt_like(
    tokens: list[str], gazetteer: Gazetteer, near: str | None = None, context: str | None = None
) -> tuple[PlaceMatch | None, list[tuple[float, bool, Place]]]:
    """Take `tokens` for a misspelt name: return the match, if any is near enough, and all the near places looked at.

    `context`: a city, district or province in which the place must lie.
    """
    spelling = spell(tokens)
    found = _within(gazetteer.same_sound(spelling), context)
    if found:
        return settle(found, near, certain=False), []
    similar = [row for row in gazetteer.similar(spelling) if not context or _lies_in(row[2], context)]
    return _nearest(similar, near), similar


def settle(places: tuple[Place, ...], near: str | None = None, *, certain: bool = True) -> PlaceMatch:
    """Choose among places of one name: the one near the sender, else a town far greater than the rest, else ask."""
    if len(places) > 1 and near:
        places = _within(places, near) or places
    if len(places) == 1:
        return PlaceMatch(places[0], certain)
    ranked = sorted(places, key=lambda place: -place.population)
    if ranked[0].population >= _DOMINANT * max(1, ranked[1].population):
        return PlaceMatch(ranked[0], certain)
    return PlaceMatch(choices=tuple(ranked), is_tie=True)


def _nearest(similar: list[tuple[float, bool, Place]], near: str | None) -> PlaceMatch | None:
    """Take the nearest place that fits if no other is about as near; several that fit are a tie."""
    fitting = [(far, place) for far, fits, place in similar if fits]
    if not fitting:
        return None
    best = fitting[0][0]
    rivals = tuple(place for far, place in fitting if far < best + _MARGIN)
    return settle(rivals, near, certain=False)


def _readings(tokens: list[str], gazetteer: Gazetteer, near: str | None) -> list[tuple[list[str], str | None]]:
    """Return the ways to read a text: as it stands, without the words around a name, with its end as a context."""
    readings: list[tuple[list[str], str | None]] = [(tokens, None)]
    start, end = 0, len(tokens)
    while end - start > 1 and tokens[end - 1] in _AFTER:
        end -= 1
    while end - start > 1 and tokens[start] in _BEFORE:
        start += 1
    bare = tokens[start:end]
    if len(bare) < len(tokens):
        readings.append((bare, None))
    for size in range(1, min(4, len(bare))):
        for name, around in ((bare[:-size], bare[-size:]), (bare[size:], bare[:size])):
            context = gazetteer.is_context(around)
            if context:
                readings.append((name, context))
    return readings


def _within(places: tuple[Place, ...], context: str | None) -> tuple[Place, ...]:
    return tuple(place for place in places if _lies_in(place, context)) if context else places


def _lies_in(place: Place, context: str) -> bool:
    wanted = key_of(tokens_of(context))
    wider = (place.city, place.district, place.province, place.country)
    return any(name and key_of(tokens_of(name)) == wanted for name in wider)
