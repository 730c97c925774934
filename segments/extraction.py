"""Find the place and the constituency inside a longer argument: names, affinities and other words in any order."""

import re
from dataclasses import dataclass

from orthography import fold
from segments.constituencies import ConstituencyMatch, SeatStatus
from segments.gazetteer import Gazetteer
from segments.own_data import default_gazetteer, default_register, person_names
from segments.place_names import settle, spelt_like
from segments.places import Place, PlaceMatch
from segments.register import ConstituencyRegister
from segments.seat_names import by_code, by_name
from segments.spelling import key_of, plain_token, spell, tokens_of_words, word_set

_PIECE = re.compile(r"[^\s\-–—_.,;:/\\|()\[\]{}!?؟،؛۔#*\"“”+&=~<>]+")
_WORD = re.compile(r"[^\W_]+")
_YEAR = re.compile(r"(?:19|20)\d\d")
_LONGEST = 5
_READ = 40  # words in which a place is looked for; an argument is shorter
_FUZZY_LONGEST = 3
_LETTERS_ENOUGH = 5
_MOST_WORDS = 6  # a longer argument is a story, in which some word always resembles some village
_BONES_ENOUGH = 4  # a misspelling of fewer consonants counts only for a well-known city
_WELL_KNOWN = 100_000
_NAMED_AFTER_CITIES = word_set(
    "road street chowk chowrangi colony town society park market bazar bazaar bridge pul mor lane hotel gate adda"
)
_LEADING = word_set("from se in city shehr shehar district zila سے ضلع شہر")


@dataclass(frozen=True, slots=True)
class Extraction:
    """What was found. `rest`: the words left over, as they were typed. `others`: further seats named (a provincial
    one beside the national one)."""

    place: PlaceMatch
    constituency: ConstituencyMatch
    rest: tuple[str, ...]
    others: tuple[ConstituencyMatch, ...] = ()


@dataclass(slots=True)
class _Piece:
    typed: str
    words: list[str]
    start: int  # in the folded line
    end: int
    plain: str | None  # its token, when it does not depend on its neighbours
    free: bool = True


def extract(
    text: str,
    gazetteer: Gazetteer | None = None,
    register: ConstituencyRegister | None = None,
    *,
    near: str | None = None,
    ignore: frozenset[str] = frozenset(),
    misspelt: bool = True,
) -> Extraction:
    """Find the place and the constituency in `text`, the argument of a command such as JOIN.

    `near`: as for `resolve_place`. `ignore`: folded words that are never a misspelt place (the organisers' affinity
    words); people's names are known already. A place must be spelt exactly to be found beside other readings; a near
    spelling is taken only when nothing is exact, and never if not `misspelt`. Never raises.
    """
    places = default_gazetteer() if gazetteer is None else gazetteer
    seats = default_register() if register is None else register
    pieces, line = _pieces(text)
    found, others = _take_codes(pieces, line, seats)
    place, taken, doubtful = _take_place(pieces, places, near)
    if taken and found.status is SeatStatus.UNKNOWN:
        found = _take_ordinal(pieces, taken, seats)
    if misspelt and place.place is None and not taken:
        place = _take_misspelt(pieces, places, near, ignore, doubtful)
    return Extraction(place, found, tuple(piece.typed for piece in pieces if piece.free), others)


def _pieces(text: str) -> tuple[list[_Piece], str]:
    pieces: list[_Piece] = []
    line: list[str] = []
    at = 0
    typed_pieces = _PIECE.findall(text)
    folded_pieces = _PIECE.findall(text.lower() if text.isascii() else fold(text))
    if len(typed_pieces) != len(folded_pieces):  # folding made or removed a separator: fold one by one
        folded_pieces = [fold(typed) for typed in typed_pieces]
    for typed, folded in zip(typed_pieces, folded_pieces, strict=True):
        words = _WORD.findall(folded.replace("'", "").replace("’", ""))
        if not words:
            continue
        length = sum(map(len, words)) + len(words) - 1
        plain = plain_token(words[0]) if len(words) == 1 else None
        pieces.append(_Piece(typed, words, at, at + length, plain))
        line.extend(words)
        at += length + 1
    return pieces, " ".join(line)


def _take_codes(
    pieces: list[_Piece], line: str, register: ConstituencyRegister
) -> tuple[ConstituencyMatch, tuple[ConstituencyMatch, ...]]:
    codes = register.read_codes(line)
    if not codes:
        return ConstituencyMatch(), ()
    year = None
    for piece in pieces:
        if len(piece.words) == 1 and _YEAR.fullmatch(piece.words[0]) and int(piece.words[0]) in register.delimitations:
            year = int(piece.words[0])
            piece.free = False
    for piece in pieces:
        if any(piece.start < code.end and code.start < piece.end for code in codes):
            piece.free = False
    matches = list(dict.fromkeys(by_code(code, register, year) for code in codes))
    matches.sort(key=lambda match: not (match.asked or "").startswith(f"{register.main_house}-"))
    first, *others = matches
    if others and (others[0].asked or "").partition("-")[0] == (first.asked or "").partition("-")[0]:
        choices = tuple(dict.fromkeys(match.constituency for match in matches if match.constituency))
        return ConstituencyMatch(SeatStatus.AMBIGUOUS, choices=tuple(seat for seat in choices if seat)), ()
    return first, tuple(others)


def _windows(pieces: list[_Piece], longest: int) -> list[tuple[int, int]]:
    """Return the runs of free pieces as (start, end), longest first and later ones before earlier ones."""
    count = min(len(pieces), _READ)
    last_taken = [-1] * (count + 1)  # where the nearest taken piece before each end stands
    for at, piece in enumerate(pieces[:count]):
        last_taken[at + 1] = last_taken[at] if piece.free else at
    return [
        (start, start + size)
        for size in range(min(longest, count), 0, -1)
        for start in range(count - size, -1, -1)
        if last_taken[start + size] < start
    ]


def _tokens(pieces: list[_Piece], start: int, end: int) -> list[str]:
    return tokens_of_words([word for piece in pieces[start:end] for word in piece.words])


class _Keys:
    """The keys of all runs of pieces: cut out of one line, but where a token depends on its neighbours."""

    def __init__(self, pieces: list[_Piece]) -> None:
        self._pieces = pieces
        self._ends, self._dependent = [0], [-1]  # of each end: its place in the line, and the last such piece before
        for at, piece in enumerate(pieces):
            self._ends.append(self._ends[-1] + len(piece.plain or ""))
            self._dependent.append(at if piece.plain is None else self._dependent[-1])
        self._line = "".join([piece.plain or "" for piece in pieces])

    def of(self, start: int, end: int) -> str:
        if self._dependent[end] >= start:
            return key_of(_tokens(self._pieces, start, end) or [""])
        return self._line[self._ends[start] : self._ends[end]]


def _take_place(
    pieces: list[_Piece], gazetteer: Gazetteer, near: str | None
) -> tuple[PlaceMatch, tuple[int, int] | None, set[int]]:
    """Take the exactly named place; the city or province named beside it is taken with it as its context.

    Returns the match, the run of pieces that named it, and the pieces that name a place only if they are no person
    and no road.
    """
    hits: list[tuple[int, int, tuple[Place, ...]]] = []
    contexts: list[tuple[int, int, str]] = []
    used: set[int] = set()
    keys = _Keys(pieces[:_READ])
    for start, end in _windows(pieces, min(_LONGEST, gazetteer.longest_name + 1)):
        if used and not used.isdisjoint(range(start, end)):
            continue
        key = keys.of(start, end)
        if found := gazetteer.exact_key(key):
            hits.append((start, end, found))
            used.update(range(start, end))
        elif context := gazetteer.context_of_key(key):
            contexts.append((start, end, context))
            used.update(range(start, end))
    if not hits:
        return PlaceMatch(), None, set()
    alone = sum(piece.free for piece in pieces) == hits[0][1] - hits[0][0]
    firm = [hit for hit in hits if alone or not (_may_be_a_person(pieces, hit) or _names_a_road(pieces, hit))]
    if not firm:
        return PlaceMatch(), None, {at for start, end, _ in hits for at in range(start, end)}
    best = max(firm, key=lambda hit: (_weight(hit), hit[0]))
    others = [(start, end, found[0].name) for start, end, found in hits if (start, end) != best[:2]]
    match = settle(best[2], near)
    for start, end, context in (*contexts, *others):
        within = settle(best[2], context)
        if _lies_within(best[2], context) and (within.place or not match.place):
            match = within
            _take(pieces, start, end)
    start, end = best[:2]
    if match.place is None and (longer := _longer_name(pieces, start, end, match, gazetteer)):
        match, start, end = longer
    _take(pieces, start, end)
    return match, (start, end), set()


def _longer_name(
    pieces: list[_Piece], start: int, end: int, tie: PlaceMatch, gazetteer: Gazetteer
) -> tuple[PlaceMatch, int, int] | None:
    """Read on behind a name that ties (`dera` of `dera ghazi khn`): one of the tied places may be misspelt there."""
    for further in range(min(len(pieces), end + 2), end, -1):
        if all(piece.free for piece in pieces[end:further]):
            match, _ = spelt_like(_tokens(pieces, start, further), gazetteer)
            if match and match.place in tie.choices:
                return match, start, further
    return None


def _lies_within(places: tuple[Place, ...], context: str) -> bool:
    return any(context in (place.city, place.district, place.province, place.country) for place in places)


def _take(pieces: list[_Piece], start: int, end: int) -> None:
    for piece in pieces[start:end]:
        piece.free = False
    if start and pieces[start - 1].free and len(pieces) > 1 and pieces[start - 1].words[0] in _LEADING:
        pieces[start - 1].free = False


def _may_be_a_person(pieces: list[_Piece], hit: tuple[int, int, tuple[Place, ...]]) -> bool:
    start, end, _ = hit
    return end - start == 1 and all(word in person_names() for word in pieces[start].words)


def _names_a_road(pieces: list[_Piece], hit: tuple[int, int, tuple[Place, ...]]) -> bool:
    """Multan Road is in Lahore: a city's name before such a word is part of another name."""
    _, end, found = hit
    if end >= len(pieces) or any(place.kind not in ("city", "district", "town") for place in found):
        return False
    return pieces[end].free and _tokens(pieces, end, end + 1)[-1] in _NAMED_AFTER_CITIES


def _weight(hit: tuple[int, int, tuple[Place, ...]]) -> tuple[int, int]:
    """A neighbourhood inside a city says more than the city; else the place of more people is the likelier."""
    _, _, found = hit
    return (any(place.kind not in ("city", "district", "town") for place in found), max(p.population for p in found))


def _take_ordinal(pieces: list[_Piece], taken: tuple[int, int], register: ConstituencyRegister) -> ConstituencyMatch:
    """Read `lahore 14` and `tt singh ii`: the number behind an area that has numbered seats."""
    start, end = taken
    if end >= len(pieces) or not pieces[end].free:
        return ConstituencyMatch()
    tokens = _tokens(pieces, start, end + 1)
    if not tokens[-1].isdigit() or len(tokens) < 2 or register.main_house is None:
        return ConstituencyMatch()
    match = by_name([*tokens, register.main_house.lower()], register, exact=True)
    if match.constituency:
        pieces[end].free = False
        return match
    return ConstituencyMatch()


def _take_misspelt(
    pieces: list[_Piece], gazetteer: Gazetteer, near: str | None, ignore: frozenset[str], doubtful: set[int]
) -> PlaceMatch:
    best: tuple[float, int, int, int, PlaceMatch] | None = None
    names = person_names()
    if sum(piece.free for piece in pieces) > _MOST_WORDS:
        return PlaceMatch()
    nearest: PlaceMatch | None = None
    for start, end in _windows(pieces, _FUZZY_LONGEST):
        words = [word for piece in pieces[start:end] for word in piece.words]
        if doubtful.intersection(range(start, end)):
            continue
        if all(word in names or word in ignore or len(word) < 3 for word in words) or words[-1] in ignore:
            continue
        tokens = tokens_of_words(words)
        spelling = spell(tokens)
        if len(spelling.bones) < 2 or len(spelling.key) < _LETTERS_ENOUGH:
            continue
        match, similar = spelt_like(tokens, gazetteer, near)
        if match is None:
            if similar and nearest is None and end - start == 1:
                nearest = PlaceMatch(choices=tuple(row.place for row in similar[:2]))
            continue
        known = (match.place, *match.choices)
        if len(spelling.bones) < _BONES_ENOUGH and not any(p and p.population >= _WELL_KNOWN for p in known):
            continue
        rank = (similar[0].far if similar else 0.0, 0 if match.place else 1, end - start, -start)
        if best is None or rank < best[:4]:
            best = (*rank, match)
    if best is None:
        return nearest or PlaceMatch()
    size, start = best[2], -best[3]
    _take(pieces, start, start + size)
    return best[4]
