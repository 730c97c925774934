"""Whether two reports seem to be about the same thing near the same place. Pure; only ever a proposal.

Never across categories, never where two places are known and differ. Where both name the same spot or place that is
nearly enough; where one names none, their words must be alike too; where neither does, very much alike.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from math import log

from gateway.rules.geography import distance
from orthography import words

WINDOW = timedelta(minutes=60)
NEAR_M = 400
SAME_PLACE, ONE_PLACE, NO_PLACE = 0.06, 0.3, 0.42
"""How alike words must be, by what is known of the places."""
_ONE_EACH = {"lost": 0.24, "medical": 0.16}
"""Where every report is of a person of their own, the same place is not enough."""
_CROWD = frozenset({"crush", "water", "toilets", "transport", "sound"})

_PLAIN = frozenset(
    words(
        "a an the is are was were be been to of in on at for and or we i my our us you he she it they them his her this"
        " that there here with from has have had no not very please pls plz help need sir report people person some any"
        " hai hain ka ki ke ko se mein main par pe ye yeh wo woh aur nahi nhi ho gaya gai gayi raha rahi rahe hum ham"
        " bohat bht koi ek log karo karen jaldi"
        " ہے ہیں کا کی کے کو سے میں پر یہ وہ اور نہیں ہو گیا گئی رہا رہی رہے ہم بہت کوئی ایک لوگ"
    )
)


@dataclass(frozen=True, slots=True)
class Compared:
    """What two reports are compared by. `opened_at` is aware."""

    id: int
    category: str
    place_key: str
    lat: float | None
    lon: float | None
    text: str
    opened_at: datetime


@lru_cache(maxsize=20_000)
def content_words(text: str) -> frozenset[str]:
    """Return the words that say something, a plain English plural as its singular."""
    return frozenset(
        word[:-1] if len(word) > 4 and word.isascii() and word.endswith("s") else word
        for word in words(text)
        if word not in _PLAIN
    )


def alikeness(one: str, other: str, seen: Mapping[str, int] | None = None, texts: int = 0) -> float:
    """Return how alike two texts are, 0 to 1: the weight of common words in the weight of all; a rare word weighs more.

    :param seen: in how many of `texts` texts each word stands; without it every word weighs the same
    """
    first, second = content_words(one), content_words(other)
    if not first or not second:
        return 0.0

    def weight(found: frozenset[str]) -> float:
        return sum(log(1 + (texts + 1) / (1 + (seen or {}).get(word, 0))) if texts else 1.0 for word in found)

    return weight(first & second) / weight(first | second)


def same_thing(
    one: Compared, other: Compared, seen: Mapping[str, int] | None = None, texts: int = 0
) -> tuple[float, str] | None:
    """Return (score 0 to 1, why in words) if two reports seem to be about one thing, else None."""
    if one.category != other.category or one.category in ("praise", "information", "other"):
        return None
    if abs(one.opened_at - other.opened_at) > WINDOW:
        return None
    near = _near(one, other)
    if near is False:
        return None
    alike = alikeness(one.text, other.text, seen, texts)
    needed = ONE_PLACE if one.place_key or other.place_key else NO_PLACE
    if near:
        needed = _ONE_EACH.get(one.category, 0.0 if one.category in _CROWD else SAME_PLACE)
    if alike < needed:
        return None
    minutes = round(abs((one.opened_at - other.opened_at).total_seconds()) / 60)
    where = "same place" if near else "a place is missing"
    score = min(1.0, (0.5 if near else 0.0) + alike / 2 + 0.2 * (1 - minutes / 60))
    return round(score, 3), f"{one.category}, {where}, {minutes} min apart, words {alike:.2f} alike"


def _near(one: Compared, other: Compared) -> bool | None:
    """Whether two places are the same: None if one of them is not known."""
    if not one.place_key or not other.place_key:
        return None
    if one.place_key == other.place_key:
        return True
    if None not in (one.lat, one.lon, other.lat, other.lon):
        assert one.lat is not None and one.lon is not None and other.lat is not None and other.lon is not None
        return distance(one.lat, one.lon, other.lat, other.lon) <= NEAR_M
    return False


def best_head(
    new: Compared, heads: Sequence[Compared], seen: Mapping[str, int] | None = None, texts: int = 0
) -> tuple[Compared, float, str] | None:
    """Return the earlier report that a new one fits best, its score and why; None if it fits none."""
    found = [(head, *same) for head in heads if (same := same_thing(head, new, seen, texts))]
    return max(found, key=lambda one: (one[1], -one[0].id), default=None)
