"""One report on screen: its story, what belongs to it, where it is, and the forms of what may be done."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from aiohttp import ClientError
from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy import Connection
from starlette.concurrency import run_in_threadpool

from gateway.accounts.viewer import Permission, Viewer, may
from gateway.carriers.twilio.media import MediaRefused, check_link, fetch
from gateway.console.access import NotFound, allowed
from gateway.console.live import Topic, stream
from gateway.console.reports.leaflet import leaflet_address
from gateway.console.reports.queue import TOPIC
from gateway.console.reports.view import QUEUE, address, names, within
from gateway.console.shell import CONTENT_POLICY, console_of, leave, page, render
from gateway.database import reading
from gateway.inbox.answers import filled, list_answers
from gateway.reports import queue as desk
from gateway.reports.listing import near
from gateway.reports.moves import UnknownReport
from gateway.reports.staff import read_staff
from gateway.reports.triage import CATEGORIES, KINDS
from gateway.rules.refs import read_ref
from gateway.rules.report_life import ALLOWED, IN_HAND, IN_PROGRESS, OPEN, WAITING

router = APIRouter(prefix="/console")
_SEES = allowed(Permission.SEE_REPORTS)
_PICTURES = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp"})
BY_ORGANISERS = frozenset({"closed", "not_actionable"})
"""States that only those who sort reports may move one to."""


def known_ref(typed: str) -> str:
    """Return the ref of an address.

    :raises NotFound: it is none
    """
    ref = read_ref(typed)
    if ref is None:
        raise NotFound
    return ref


def _values(connection: Connection, viewer: Viewer, ref: str, event: str | None) -> dict[str, Any]:
    conditions = within(viewer)
    try:
        told = desk.story(connection, ref, event, conditions)
    except UnknownReport:
        raise NotFound from None
    sorts = may(viewer, Permission.SORT_REPORTS)
    moves = [to for to in told["may_become"] if to not in IN_HAND and to not in ("duplicate", "resolved")]
    placed = told["lat"] is not None and told["lon"] is not None
    around = near(connection, told["id"], told["lat"], told["lon"], conditions) if placed else []
    proposed = {one["login"] for one in told["proposals"]}
    people = [one for one in read_staff(connection, loads=True).values() if one.login not in proposed]
    mine = told["assignee"] == viewer.login and told["state"] in IN_HAND
    return {
        "told": told,
        "pictures": [_picture(url) for line in told["timeline"] for url in line["photos"]],
        "around": around,
        "people": sorted(people, key=lambda one: (not one.on_duty, one.load, one.shown)),
        "moves": [to for to in moves if sorts or to not in BY_ORGANISERS],
        "sorts": sorts,
        "is_open": told["state"] in OPEN,
        "is_mine": mine,
        "may_take": told["state"] in WAITING or (mine and told["state"] != IN_PROGRESS),
        "may_resolve": "resolved" in ALLOWED[told["state"]],
        "at": lambda act: address(ref, None, act),
        "address": address,
        "back": address(told["ref"], told["event"]),
    }


def _picture(url: str) -> str:
    """Return the host of a picture that may be fetched, empty for one that lies elsewhere."""
    try:
        check_link(url)
    except MediaRefused:
        return ""
    return urlsplit(url).hostname or ""


def show(
    request: Request,
    viewer: Viewer,
    ref: str,
    event: str | None,
    status: int = 200,
    *,
    problem: str = "",
    typed: Mapping[str, str] | None = None,
    ready: int | None = None,
    counted: Mapping[str, Any] | None = None,
    phone: str = "",
) -> Response:
    """Return the page of a report, with what was typed and why it was refused. `ready` is the canned answer to begin a
    reply with."""
    console = console_of(request)
    with reading(console.engine) as connection:
        values = _values(connection, viewer, ref, event)
        told, otherwise = values["told"], console.settings.default_language
        values["answers"] = [
            {"id": one.id, "title": one.title, "text": filled(one, told["language"], otherwise, "", "")}
            for one in list_answers(connection)
        ]
    tiles = console.settings.map_tiles_url
    points = [_point(values["told"], here=True), *(_point(one) for one in values["around"])]
    if ready is not None:
        typed = {"text": next((one["text"] for one in values["answers"] if one["id"] == ready), "")} | dict(typed or {})
    given = {"text": "", "note": "", "into": "", "place": values["told"]["place"]} | dict(typed or {})
    answer = page(
        request,
        "reports/one.html",
        status,
        **values,
        problem=problem,
        typed=given,
        counted=counted,
        phone=phone,
        categories=CATEGORIES,
        kinds=KINDS,
        names=names(request),
        most_reply=desk.MOST_REPLY,
        live=f"{QUEUE}/{ref}/live?event={values['told']['event']}",
        points=json.dumps(points, ensure_ascii=False),
        tiles=tiles,
        credit=console.settings.map_tiles_credit,
        leaflet={"js": leaflet_address("leaflet.js"), "css": leaflet_address("leaflet.css")},
    )
    if tiles:
        parts = urlsplit(tiles)
        answer.headers["Content-Security-Policy"] = CONTENT_POLICY.format(tiles=f" {parts.scheme}://{parts.netloc}")
    return answer


def _point(row: Mapping[str, Any], *, here: bool = False) -> dict[str, Any]:
    shown = {"ref": row["ref"], "lat": row["lat"], "lon": row["lon"], "urgency": row["urgency"]}
    return shown | {"href": address(row["ref"], row["event"]), "here": here}


@router.get("/reports/{ref}")
def show_one(
    ref: str,
    request: Request,
    event: str | None = None,
    answer: int | None = None,
    viewer: Viewer = Depends(_SEES),
) -> Response:
    """Show a report; a ref that is typed in another way leads to its one address."""
    found = known_ref(ref)
    if found != ref:
        return leave(request, address(found, event))
    return show(request, viewer, found, event, ready=answer)


@router.get("/reports/{ref}/live")
def live_one(ref: str, request: Request, event: str | None = None, viewer: Viewer = Depends(_SEES)) -> Response:
    """The stream of a report's head and timeline; forms are left alone, somebody may be typing."""
    found = known_ref(ref)
    with reading(console_of(request).engine) as connection:
        _values(connection, viewer, found, event)

    def fragments() -> Mapping[str, str]:
        with reading(console_of(request).engine) as connection:
            try:
                values = _values(connection, viewer, found, event)
            except NotFound:
                return {}
        return {f"rep-{part}": render(request, f"reports/{part}.html", **values) for part in ("head", "timeline")}

    return stream(request, viewer, Topic(TOPIC.name, TOPIC.version, TOPIC.every_s), fragments)


@router.get("/reports/{ref}/photos/{number}")
async def photo(
    ref: str, number: int, request: Request, event: str | None = None, viewer: Viewer = Depends(_SEES)
) -> Response:
    """Fetch a picture that came with a report, from the carrier's own host only."""
    console, found = console_of(request), known_ref(ref)

    def links() -> list[str]:
        with reading(console.engine) as connection:
            told = _values(connection, viewer, found, event)["told"]
        return [url for line in told["timeline"] for url in line["photos"]]

    urls = await run_in_threadpool(links)
    if not 1 <= number <= len(urls):
        raise NotFound
    try:
        media = await fetch(urls[number - 1], console.settings.account_sid, console.settings.auth_token)
    except (MediaRefused, ClientError, TimeoutError):
        return leave(request, address(found, event), "reports.photo_gone", "bad")
    headers = {"Content-Security-Policy": "default-src 'none'; sandbox", "Cache-Control": "private, max-age=3600"}
    if media.content_type not in _PICTURES:
        headers["Content-Disposition"] = f'attachment; filename="{found}-{number}"'
    return Response(media.data, headers=headers, media_type=media.content_type)
