"""Members: search, one person's whole story, the number when it is needed, and erase."""

from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from gateway.accounts import audit
from gateway.accounts.phones import RevealRefused, reveal_phone
from gateway.accounts.viewer import Permission, Viewer
from gateway.console.access import NotFound, allowed, fresh_sign_in
from gateway.console.forms import Form, form_of
from gateway.console.members.shared import (
    PATH,
    address_of,
    directory_of,
    opaque_ids,
    person_of,
    place_name,
    sealed,
    unsealed,
)
from gateway.console.shell import console_of, leave, page, visit_of
from gateway.database import reading
from gateway.inbound.erase import erase_by_staff
from gateway.members.search import (
    FoundMember,
    SearchError,
    find_members,
    is_masked,
    is_visible,
    read_search,
    sender_of,
)
from gateway.members.story import read_story
from gateway.members.talk import read_talk
from gateway.rules.phone_numbers import MemberNumberError, read_member_number
from segments import resolve_place

router = APIRouter(prefix=PATH, include_in_schema=False)
_SEES = allowed(Permission.SEE_MEMBERS)
_ERASES = allowed(Permission.ERASE_MEMBERS)
_WORD = "ERASE"
_LONGEST = 80
_WHOLE_NUMBER = 7


@router.get("")
def members(request: Request, viewer: Viewer = Depends(_SEES)) -> Response:
    """Search members; without a search, those who joined last. The search stands in the address, sealed."""
    asked = unsealed(request, request.query_params.get("find", "")[:2_000])
    return _list(request, viewer, str(asked.get("q", "")), str(asked.get("c", "")), asked.get("a"))


@router.post("/search")
def search(request: Request, viewer: Viewer = Depends(_SEES), form: Form = Depends(form_of)) -> Response:
    """Look up a whole number, or go to the list of who is searched for. No number and no name is in an address."""
    typed, city = form.text("q", _LONGEST), form.text("city", _LONGEST)
    if sum(sign.isdigit() for sign in typed) >= _WHOLE_NUMBER and not is_masked(typed):
        return _look_up(request, viewer, typed, city)
    if problem := _problem(request, typed, city):
        return _list(request, viewer, typed, city, None, problem, 422)
    return RedirectResponse(f"{PATH}?find={sealed(request, {'q': typed, 'c': city})}" if typed or city else PATH, 303)


def _look_up(request: Request, viewer: Viewer, typed: str, city: str) -> Response:
    console = console_of(request)
    try:
        key = read_member_number(typed, console.settings.default_region)
    except MemberNumberError:
        return _list(request, viewer, "", city, None, "not_a_number", 422)
    with reading(console.engine) as connection:
        found, areas = sender_of(connection, key), viewer.areas
        if found is None or not is_visible(connection, found, areas.members(), everyone=areas.everywhere):
            return _list(request, viewer, "", city, None, "nobody", 404)
    return RedirectResponse(address_of(request, found), 303)


def _problem(request: Request, typed: str, city: str) -> str:
    try:
        read_search(typed)
    except SearchError as error:
        return str(error)
    return "unknown_city" if city and resolve_place(city, directory_of(request).gazetteer).place is None else ""


def _list(
    request: Request, viewer: Viewer, typed: str, city: str, after: Any, problem: str = "", status: int = 200
) -> Response:
    directory = directory_of(request)
    place = resolve_place(city, directory.gazetteer).place if city else None
    found: list[FoundMember] = []
    older = ""
    if not problem:
        place_id = directory.place_ids[directory.city_of(place).key] if place else None
        search = read_search(typed, place_id)
        start = (str(after[0]), int(after[1])) if isinstance(after, list) and len(after) == 2 else None
        with reading(console_of(request).engine) as connection:
            result = find_members(connection, search, viewer.areas.members(), start)
        found = list(result.members)
        if result.after:
            older = f"{PATH}?find={sealed(request, {'q': typed, 'c': city, 'a': list(result.after)})}"
    people = [
        {
            "path": address_of(request, one.sender_id),
            "one": one,
            "city": place_name(request, directory.place_keys.get(one.city_id or 0)),
            "seat": (directory.seat_keys.get(one.constituency_id or 0) or ("",))[0],
            "groups": [_group_name(group, request) for group in directory.groups.of(one.affinities)],
        }
        for one in found
    ]
    return page(
        request, "members/list.html", status, people=people, older=older, paged=bool(after), typed=typed, city=city,
        problem=problem, searched=bool(typed or city),
    )  # fmt: skip


def _group_name(group: Any, request: Request) -> str:
    return str(group.names.get(visit_of(request).language) or group.names.get("en") or group.key)


@router.get("/{person}")
def member(person: str, request: Request, viewer: Viewer = Depends(_SEES)) -> Response:
    """One person's whole story."""
    return _story(request, person, viewer)


def _story(
    request: Request, person: str, viewer: Viewer, *, shown: str = "", problem: str = "", status: int = 200
) -> Response:
    directory = directory_of(request)
    before = unsealed(request, request.query_params.get("talk", "")[:500]).get("b")
    start = (datetime.fromisoformat(before[0]), int(before[1]), int(before[2])) if before else None
    with reading(console_of(request).engine) as connection:
        sender_id = person_of(request, person, viewer, connection)
        story = read_story(connection, sender_id, directory, viewer.areas.members())
        talk = read_talk(connection, sender_id, start)
    if story is None:
        raise NotFound
    filed = story.member
    return page(
        request,
        "members/story.html",
        status,
        story=story,
        member=filed,
        at=f"{PATH}/{person}",
        thread=f"/console/inbox/{person}",
        city=place_name(request, filed.city if filed else None),
        groups=[_group_name(group, request) for group in directory.groups.of(filed.affinities)] if filed else [],
        topics=[(_topic(request, row.topic), row.stopped_at) for row in story.topics],
        talk=talk,
        earlier=earlier_of(request, talk, f"{PATH}/{person}"),
        address=lambda number: f"{PATH}/{opaque_ids(request).hide(number)}",
        shown=shown,
        problem=problem,
    )


def earlier_of(request: Request, talk: Any, at: str) -> str:
    """Return the address of the page of a talk before this one; "" if this is all."""
    if talk.before is None:
        return ""
    moment, side, number = talk.before
    return f"{at}?talk={sealed(request, {'b': [moment.isoformat(), side, number]})}"


def _topic(request: Request, topic: str) -> str:
    kind, _, key = topic.partition(":")
    if kind == "city":
        return place_name(request, key) or key
    return key


@router.post("/{person}/reveal")
def reveal(person: str, request: Request, viewer: Viewer = Depends(_SEES), form: Form = Depends(form_of)) -> Response:
    """Show the number once, for a reason, and write that down."""
    try:
        with form.acting() as connection:
            form.leads_to(f"{PATH}/{person}")
            sender_id = person_of(request, person, viewer, connection)
            shown = reveal_phone(connection, viewer, sender_id, form.text("reason", 200), datetime.now(UTC))
    except RevealRefused as refused:
        status = 403 if refused.reason == "not_allowed" else 429 if refused.reason == "too_often" else 422
        return _story(request, person, viewer, problem=f"reveal.{refused.reason}", status=status)
    return _story(request, person, viewer, shown=shown)


@router.get("/{person}/erase", dependencies=[Depends(fresh_sign_in)])
def ask_erase(person: str, request: Request, viewer: Viewer = Depends(_ERASES)) -> Response:
    return _erase_page(request, person, viewer)


def _erase_page(request: Request, person: str, viewer: Viewer, problem: str = "", status: int = 200) -> Response:
    with reading(console_of(request).engine) as connection:
        sender_id = person_of(request, person, viewer, connection)
        story = read_story(connection, sender_id, directory_of(request))
    if story is None:
        raise NotFound
    return page(request, "members/erase.html", status, story=story, at=f"{PATH}/{person}", word=_WORD, problem=problem)


@router.post("/{person}/erase", dependencies=[Depends(fresh_sign_in)])
def erase(person: str, request: Request, viewer: Viewer = Depends(_ERASES), form: Form = Depends(form_of)) -> Response:
    """Remove everything about a person, as their own ERASE does."""
    console, now = console_of(request), datetime.now(UTC)
    if form.text("word", 20).upper() != _WORD:
        return _erase_page(request, person, viewer, "word", 422)
    reason = form.text("reason", 160)
    if len(reason) < 3:
        return _erase_page(request, person, viewer, "reason", 422)
    with form.acting() as connection:
        form.leads_to(PATH)
        sender_id = person_of(request, person, viewer, connection)
        if erase_by_staff(connection, sender_id, console.settings.key_for("erased numbers"), now):
            audit.record(connection, viewer.login, "member.erased", f"sender:{sender_id}", {"reason": reason}, now)
    return leave(request, PATH, "members.erased")
