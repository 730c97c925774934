"""The index of places: by exact key, by sound, and by near sound."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from rapidfuzz import process
from rapidfuzz.distance import OSA

from segments.places import Place
from segments.spelling import Spelling, allowed, cost, key_of, may_be_same, spell, tokens_of

_STILL_NEAR = 1.3  # how far over the limit a spelling may be to be shown as the nearest known one
_SHORT = 3  # an alias of so few letters is an abbreviation: it is matched exactly or not at all


class Near(NamedTuple):
    """A place that sounds like what was typed.

    How far it is by ear, whether that is too far or wrong in a word, how many letters differ, the place with its number
    in the gazetteer, and the key of the name that was compared.
    """

    far: float
    unfit: bool
    letters: int
    number: int
    place: Place
    key: str


class Gazetteer:
    """An immutable index over places. Building takes some 30 µs a name; look-ups never change it."""

    __slots__ = ("_by_key", "_by_sound", "_contexts", "_longest", "_near", "_spellings", "places")

    def __init__(self, places: Iterable[Place], contexts: Mapping[str, str] | None = None) -> None:
        """`places`: any order; a place may share its names with others, which then tie. `contexts`: other names of
        the districts and provinces that places lie in ({"KPK": "Khyber Pakhtunkhwa"})."""
        self.places: tuple[Place, ...] = tuple(places)
        by_key: dict[str, list[int]] = defaultdict(list)
        by_sound: dict[tuple[bool, tuple[str, ...], str], list[int]] = defaultdict(list)
        near: dict[tuple[bool, tuple[str, ...], str, int], list[int]] = defaultdict(list)
        self._spellings: list[tuple[Spelling, int]] = []
        self._contexts: dict[str, str] = {key_of(tokens_of(name)): wider for name, wider in (contexts or {}).items()}
        self._longest = 1
        for number, place in enumerate(self.places):
            spellings: dict[str, Spelling] = {}
            for name in (place.name, *place.names.values(), *place.aliases):
                if tokens := tokens_of(name):
                    spellings.setdefault(key_of(tokens), spell(tokens))
            scripts = {spelling.latin for spelling in spellings.values()}
            for key, spelling in spellings.items():
                by_key[key].append(number)
                self._longest = max(self._longest, len(spelling.tokens))
                if len(key) <= _SHORT or not spelling.bones:
                    continue
                where = len(self._spellings)
                self._spellings.append((spelling, number))
                # By ear, Latin is compared with Latin and Urdu with Urdu, unless a place has names in one only.
                for latin in {spelling.latin} if len(scripts) > 1 else (True, False):
                    by_sound[latin, spelling.exact, spelling.sound].append(where)
                    if len(spelling.bones) > 1:
                        near[latin, spelling.exact, spelling.bones[0], len(spelling.bones)].append(where)
                        near[latin, spelling.exact, spelling.bones[-2:], len(spelling.bones)].append(where)
            for wider in (place.city, place.district, place.province, place.country):
                if wider and (key := key_of(tokens_of(wider))) not in self._contexts:
                    self._contexts[key] = wider
        self._by_key = {key: tuple(numbers) for key, numbers in by_key.items()}
        self._by_sound = {key: tuple(wheres) for key, wheres in by_sound.items()}
        self._near = {
            key: (tuple(wheres), [self._spellings[where][0].sound for where in wheres]) for key, wheres in near.items()
        }

    def __len__(self) -> int:
        return len(self.places)

    def __iter__(self) -> Iterator[Place]:
        return iter(self.places)

    @property
    def longest_name(self) -> int:
        """The number of words in the longest name."""
        return self._longest

    def exact(self, tokens: list[str] | tuple[str, ...]) -> tuple[Place, ...]:
        """Return the places one of whose names is written so, whatever the joints between its words."""
        return self.exact_key(key_of(tokens)) if tokens else ()

    def exact_key(self, key: str) -> tuple[Place, ...]:
        """As `exact`, by the key of the name (`spelling.key_of`)."""
        numbers = self._by_key.get(key)
        return tuple(self.places[number] for number in numbers) if numbers else ()

    def is_context(self, tokens: list[str] | tuple[str, ...]) -> str | None:
        """Return the city, district or province of that name, if any place lies in one."""
        return self.context_of_key(key_of(tokens)) if tokens else None

    def context_of_key(self, key: str) -> str | None:
        """As `is_context`, by the key of the name."""
        return self._contexts.get(key)

    def same_sound(self, spelling: Spelling) -> tuple[Place, ...]:
        """Return the places one of whose names sounds the same and agrees in all that must."""
        found = self._by_sound.get((spelling.latin, spelling.exact, spelling.sound), ())
        numbers = dict.fromkeys(
            number for where in found for known, number in (self._spellings[where],) if may_be_same(spelling, known)
        )
        return tuple(self.places[number] for number in numbers)

    def similar(self, spelling: Spelling, limit: int = 12) -> list[Near]:
        """Return the places that sound alike, nearest first."""
        bones = spelling.bones
        if len(bones) < 2:
            return []
        spread = 1 if len(bones) < 7 else 2
        wheres: dict[int, None] = {}
        most = 2 + len(spelling.sound) // 3
        for length in range(len(bones) - spread, len(bones) + spread + 1):
            for start in (bones[0], bones[-2:]):
                bucket = self._near.get((spelling.latin, spelling.exact, start, length))
                if bucket:
                    numbers, sounds = bucket
                    for _, _, at in process.extract(
                        spelling.sound, sounds, scorer=OSA.distance, score_cutoff=most, limit=limit
                    ):
                        wheres[numbers[at]] = None
        best: dict[int, Near] = {}
        for where in wheres:
            known, number = self._spellings[where]
            far = cost(spelling, known)
            limit_here = min(allowed(bones), allowed(known.bones))
            if far > limit_here + _STILL_NEAR:
                continue
            unfit = far > limit_here or not may_be_same(spelling, known)
            near = Near(far, unfit, OSA.distance(spelling.key, known.key), number, self.places[number], known.key)
            if number not in best or (unfit, far) < (best[number].unfit, best[number].far):
                best[number] = near
        return sorted(best.values())[:limit]
