"""Where a member is filed: what a text says of city, seat and groups, and what must be asked back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import cast

from gateway.places.directory import Directory, seat_key
from gateway.rules.conversation import (
    CloseQuestion,
    Decision,
    Effect,
    FileUnder,
    Listed,
    MemberState,
    Question,
    Reply,
    SeatKey,
    Value,
    ask,
)
from orthography import words
from segments import Constituency, ConstituencyMatch, Place, PlaceMatch, SeatStatus, contradiction, extract

MAX_NAME_LENGTH = 60
MAX_CHOICES = 4
_FILLERS = frozenset(
    words(
        "my name is i am im from the in of and se mein main mera naam hai hun hoon city constituency seat halqa"
        " میرا نام ہے ہوں میں سے حلقہ شہر"
    )
)


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several things that a text may have meant: what the filing would become."""

    label: str
    city: str | None = None
    seat: SeatKey | None = None

    def as_data(self) -> Mapping[str, object]:
        return {"label": self.label, "city": self.city, "seat": list(self.seat) if self.seat else None}


@dataclass(frozen=True, slots=True)
class Found:
    """What a text says: the member as it would be filed, and what is open."""

    member: MemberState
    problem: Decision | None = None
    """The question or remark that has to come before the filing is whole."""


def read_filing(argument: str, member: MemberState, directory: Directory, now: datetime, *, named: bool) -> Found:
    """Return the member filed under what the argument says, in any order; the rest is the name if `named`.

    What is certain is filed at once, also when something else must be asked back: a text is never lost to a question.

    :param now: aware UTC, for the question's expiry
    """
    found = extract(argument, directory.gazetteer, directory.register, ignore=directory.groups.typed)
    mask, rest = directory.groups.take(found.rest)
    updated = replace(member, affinities=member.affinities | mask)
    if named and (name := clean_name(rest)):
        updated = replace(updated, name=name)
    place = found.place.place
    for match in (found.constituency, *found.others):
        if not (seat := match.constituency):
            continue
        if place and contradiction(place, seat):
            return Found(updated, _ask_seat_or_city(place, seat, directory, now))
        updated = with_seat(updated, seat, directory)
        if not place and not updated.city:
            place = _only_city(seat, directory)
    if place:
        updated = with_city(updated, place, directory)
    if problem := _seat_problem(found.constituency, now) or _place_problem(found.place, updated, rest, now):
        return Found(updated, problem)
    return Found(updated)


def clean_name(rest: Sequence[str]) -> str:
    """Return a person's name out of the words that are left, without the words around it; "" if none is left."""
    kept = [piece for piece in rest if (folded := words(piece)) and folded[0] not in _FILLERS]
    return plain_name(" ".join(kept))


def plain_name(text: str) -> str:
    """Return the letters of a name, with the marks and signs that names have; everything else goes."""
    name = "".join(sign for sign in text if sign.isalpha() or sign in " .'’-" or _is_mark(sign))
    return " ".join(name.split())[:MAX_NAME_LENGTH].strip(" .-'’")


def _is_mark(sign: str) -> bool:
    return "\u064b" <= sign <= "\u065f" or sign in "\u0670\u200c\u200d"


def with_city(member: MemberState, place: Place, directory: Directory) -> MemberState:
    """File under the city of a place: a neighbourhood's own city where it has one that we know."""
    city = directory.city_of(place)
    return replace(member, city=city.key)


def with_seat(member: MemberState, seat: Constituency, directory: Directory) -> MemberState:
    """File under a national or a provincial seat; a member may have one of each."""
    key = seat_key(seat)
    return replace(member, provincial=key) if directory.is_provincial(seat) else replace(member, constituency=key)


def _only_city(seat: Constituency, directory: Directory) -> Place | None:
    """Return the city that a seat is named for, else the one that all its districts are named for, if there is one."""
    if seat.area and (own := directory.place_named(seat.area)):
        return own
    found = {place.key: place for name in seat.districts if (place := directory.place_named(name))}
    return next(iter(found.values())) if len(found) == 1 else None


def _ask_seat_or_city(place: Place, seat: Constituency, directory: Directory, now: datetime) -> Decision:
    key = seat_key(seat)
    own = _only_city(seat, directory)
    district = " / ".join(seat.districts) or seat.name
    choices = [Choice(f"{seat.code} {district}", own.key if own else None, key), Choice(place.name, place.key)]
    values: dict[str, Value] = {"seat": seat.code, "district": district, "city": directory.place_name(place.key)}
    return _asking("ask_seat_city", choices, now, values)


def _seat_problem(match: ConstituencyMatch, now: datetime) -> Decision | None:
    if match.constituency or match.status is SeatStatus.UNKNOWN:
        return None
    choices = [Choice(f"{seat.code} {seat.name}", seat=seat_key(seat)) for seat in match.choices]
    if choices:
        return _asking("ask_which", choices[:MAX_CHOICES], now)
    if match.valid_range and match.asked:
        first, last = match.valid_range
        house = match.asked.rstrip("0123456789")
        return Decision(
            Reply("seat_unknown", {"seat": match.asked, "first": f"{house}{first}", "last": f"{house}{last}"})
        )
    return None


def _place_problem(match: PlaceMatch, member: MemberState, rest: Sequence[str], now: datetime) -> Decision | None:
    if match.place:
        return None
    if match.is_tie and match.choices:
        choices = [Choice(label, place.key) for label, place in zip(match.alternatives, match.choices, strict=True)]
        return _asking("ask_which", choices[:MAX_CHOICES], now)
    if not member.city:
        return Decision(Reply("ask_city"), (ask("filing", now, options=[], tries=0),))
    return None


def _asking(wording: str, choices: list[Choice], now: datetime, values: Mapping[str, Value] | None = None) -> Decision:
    said = Listed(tuple(f"{number} {choice.label}" for number, choice in enumerate(choices, 1)))
    data = [choice.as_data() for choice in choices]
    reply = Reply(wording, {**(values or {}), "choices": said})
    return Decision(reply, (ask("filing", now, options=data, wording=wording, tries=0),))


def choices_of(question: Question) -> list[Choice]:
    """Return the choices that a filing question offered."""
    options = cast(list[dict[str, object]], question.data.get("options") or [])
    return [
        Choice(
            str(option["label"]),
            cast(str | None, option.get("city")),
            _seat_key(option.get("seat")),
        )
        for option in options
    ]


def _seat_key(value: object) -> SeatKey | None:
    return (str(value[0]), int(value[1])) if isinstance(value, list | tuple) and len(value) == 2 else None


def chosen(answer: str, question: Question) -> Choice | None:
    """Return the choice that a text picks: by its number, or by words that only one label has."""
    typed = words(answer)
    choices = choices_of(question)
    if len(typed) == 1 and typed[0].isdecimal():
        number = int(typed[0][:4])
        if 1 <= number <= len(choices):
            return choices[number - 1]
    if not typed:
        return None
    labels = [set(words(choice.label)) for choice in choices]
    fitting = [choice for choice, label in zip(choices, labels, strict=True) if set(typed) <= label]
    return fitting[0] if len(fitting) == 1 else None


def answer_filing(body: str, question: Question, member: MemberState, directory: Directory, now: datetime) -> Decision:
    """Take a text as the answer to "which city?" or "which one?"; asks once more, then lets the question go."""
    if choice := chosen(body, question):
        return file_choice(choice, member, directory)
    found = read_filing(body, member, directory, now, named=False)
    if found.member != member:
        if found.problem and found.problem.reply and found.problem.reply.wording != "ask_city":
            return replace(found.problem, effects=(FileUnder(found.member), *found.problem.effects))
        return saved(found.member, directory)
    if found.problem and found.problem.reply and found.problem.reply.wording in ("ask_which", "ask_seat_city"):
        return found.problem
    tries = cast(int, question.data.get("tries", 0)) + 1
    again: tuple[Effect, ...] = (
        (ask("filing", now, options=question.data.get("options") or [], tries=tries),)
        if tries < 3
        else (CloseQuestion(),)
    )
    return Decision(Reply("ask_city_again", {"place": body[:30].strip()}), again)


def file_choice(choice: Choice, member: MemberState, directory: Directory) -> Decision:
    """File under what was chosen."""
    if choice.seat and (seat := directory.seats.get(choice.seat)):
        member = with_seat(member, seat, directory)
        city = directory.places.get(choice.city) if choice.city else None
        if not city and not member.city:
            city = _only_city(seat, directory)
        if city:
            member = with_city(member, city, directory)
    elif choice.city and (place := directory.places.get(choice.city)):
        member = with_city(member, place, directory)
    return saved(member, directory)


def saved(member: MemberState, directory: Directory) -> Decision:
    """File and say so; the question that led here is answered."""
    reply = Reply("city_saved", {"filed": directory.filed(member)})
    return Decision(reply, (FileUnder(member), CloseQuestion()))
