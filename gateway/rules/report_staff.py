"""Who should see to a report: the on-duty person of its area and skill with the least in hand."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gateway.rules.report_talk import Sorting
from orthography import words


@dataclass(frozen=True, slots=True)
class StaffMember:
    """One of the staff. `areas` are places as staff wrote them, `skills` report categories, `load` reports in hand.

    `stopped`: this phone texted STOP, so nothing that we start reaches it, calls for help neither.
    """

    id: int
    login: str
    name: str
    role: str
    phone: str | None
    on_duty: bool = False
    areas: tuple[str, ...] = ()
    skills: tuple[str, ...] = ()
    load: int = 0
    stopped: bool = False

    @property
    def shown(self) -> str:
        return self.name or self.login

    @property
    def reached(self) -> bool:
        """Whether a text that we start reaches them."""
        return bool(self.phone) and not self.stopped


@dataclass(frozen=True, slots=True)
class Proposal:
    """A person for a report, and why."""

    person: StaffMember
    why: tuple[str, ...]
    score: int


def in_area(person: StaffMember, place: str) -> bool:
    """Whether a report's place lies in one of the person's areas: the words of one are among those of the other."""
    there = set(words(place))
    return bool(there) and any((mine := set(words(area))) and (mine <= there or there <= mine) for area in person.areas)


def propose(sorting: Sorting, staff: Iterable[StaffMember]) -> Sequence[Proposal]:
    """Return the field staff on duty, best first. A skill counts most where somebody is hurt, an area elsewhere."""
    found = []
    for person in staff:
        if not person.on_duty or person.role != "field":
            continue
        why, score = [], 0
        if sorting.category in person.skills:
            score += 6 if sorting.pages else 4
            why.append(f"skill {sorting.category}")
        if in_area(person, sorting.place):
            score += 5
            why.append(f"area {sorting.place}")
        elif person.areas and sorting.place:
            score -= 1
        score -= 2 * person.load
        why.append(f"{person.load} in hand")
        found.append(Proposal(person, tuple(why), score))
    return sorted(found, key=lambda one: (-one.score, one.person.load, one.person.id))


def named(typed: str, staff: Iterable[StaffMember]) -> Sequence[StaffMember]:
    """Return the staff whose login or name the words name: exact first, else all that have these words."""
    wanted = words(typed)
    if not wanted:
        return ()
    staff = list(staff)
    exact = [one for one in staff if wanted in (words(one.login), words(one.name))]
    return exact or [one for one in staff if set(wanted) <= set(words(one.name)) | set(words(one.login))]
