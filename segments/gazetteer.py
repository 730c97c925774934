"""The index of places: by exact key, by sound, and by near sound."""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from rapidfuzz import process
from rapidfuzz.distance import OSA

from segments.places import Place
from segments.spelling import Spelling, allowed, cost, key_of, may_be_same, spell, tokens_of

_LEFT_OVER_COST = 4.0  # beyond this two spellings are not worth naming as near
_SHORT = 3  # an alias of so few letters is an abbreviation: it is matched exactly or not at all


class Gazetteer:
    """An immutable index over places. Building takes some 20 µs a name; look-ups never change it."""

    __slots__ = ("_by_key", "_by_sound", "_contexts", "_longest", "_near", "_spellings", "places")

    def __init__(self, places: Iterable[Place]) -> None:
        """`places`: any order; a place may share its names with others, which then tie."""
        self.places: tuple[Place, ...] = tuple(places)
        by_key: dict[str, list[int]] = defaultdict(list)
        by_sound: dict[tuple[tuple[str, ...], str], list[int]] = defaultdict(list)
        near: dict[tuple[tuple[str, ...], str, int], list[int]] = defaultdict(list)
        self._spellings: list[tuple[Spelling, int]] = []
        self._contexts: dict[str, str] = {}
        self._longest = 1
        for number, place in enumerate(self.places):
            seen: set[str] = set()
            for name in (place.name, *place.names.values(), *place.aliases):
                tokens = tokens_of(name)
                if not tokens or (key := key_of(tokens)) in seen:
                    continue
                seen.add(key)
                by_key[key].append(number)
                self._longest = max(self._longest, len(tokens))
                spelling = spell(tokens)
                if len(key) <= _SHORT or len(spelling.bones) < 2:
                    continue
                where = len(self._spellings)
                self._spellings.append((spelling, number))
                by_sound[spelling.exact, spelling.sound].append(where)
                near[spelling.exact, spelling.bones[0], len(spelling.bones)].append(where)
                near[spelling.exact, spelling.bones[-2:], len(spelling.bones)].append(where)
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
        numbers = self._by_key.get(key_of(tokens)) if tokens else None
        return tuple(self.places[number] for number in numbers) if numbers else ()

    def is_context(self, tokens: list[str] | tuple[str, ...]) -> str | None:
        """Return the city, district or province of that name, if any place lies in one."""
        return self._contexts.get(key_of(tokens)) if tokens else None

    def same_sound(self, spelling: Spelling) -> tuple[Place, ...]:
        """Return the places one of whose names sounds the same and agrees in all that must."""
        found = self._by_sound.get((spelling.exact, spelling.sound), ())
        numbers = dict.fromkeys(
            number for where in found for known, number in (self._spellings[where],) if may_be_same(spelling, known)
        )
        return tuple(self.places[number] for number in numbers)

    def similar(self, spelling: Spelling, limit: int = 12) -> list[tuple[float, bool, Place]]:
        """Return near places, nearest first, as (cost, may it be a spelling of this place, place)."""
        bones = spelling.bones
        if len(bones) < 2:
            return []
        spread = 1 if len(bones) < 7 else 2
        wheres: dict[int, None] = {}
        most = 2 + len(spelling.sound) // 3
        for length in range(len(bones) - spread, len(bones) + spread + 1):
            for start in (bones[0], bones[-2:]):
                bucket = self._near.get((spelling.exact, start, length))
                if bucket:
                    numbers, sounds = bucket
                    for _, _, at in process.extract(
                        spelling.sound, sounds, scorer=OSA.distance, score_cutoff=most, limit=limit
                    ):
                        wheres[numbers[at]] = None
        best: dict[int, tuple[float, bool]] = {}
        for where in wheres:
            known, number = self._spellings[where]
            far = cost(spelling, known)
            if far > _LEFT_OVER_COST:
                continue
            fits = far <= allowed(min(len(bones), len(known.bones))) and may_be_same(spelling, known)
            if number not in best or (not fits, far) < (not best[number][1], best[number][0]):
                best[number] = (far, fits)
        ranked = sorted((far, not fits, number) for number, (far, fits) in best.items())
        return [(far, not unfit, self.places[number]) for far, unfit, number in ranked[:limit]]
