"""The handset page: several phones in a browser that text the gateway through its signed webhook.

It works with plain forms; a small script of ours shows answers as they arrive.
"""

import re
import secrets
import tomllib
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from gateway.carriers.simulated.guard import only_from_here
from gateway.carriers.simulated.network import MAX_TEXT_LENGTH, Conditions, SimulatedNetwork
from gateway.carriers.simulated.phones import SHOWN_PHONES, Phone, ScreenText, runs_right_to_left
from gateway.rules.message_parts import count_parts
from gateway.rules.phone_numbers import read_sender

router = APIRouter(prefix="/handset", include_in_schema=False, dependencies=[Depends(only_from_here)])

LANGUAGES = {"en": "English", "ur": "اردو", "ur-Latn": "Roman Urdu"}
# Made up: numbers 000xxxx are not given out in Pakistan, and +44 7700 900xxx is Ofcom's range for films.
FIRST_PHONES = (
    ("+923000000101", "Sana", "en"),
    ("+923000000102", "عائشہ", "ur"),
    ("+923000000103", "Bilal", "ur-Latn"),
    ("+447700900104", "Grace", "en"),
)
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    # Not no-referrer: under it browsers hide the Origin of our own forms from our own check.
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_STATIC = {"handset.css": "text/css", "handset.js": "text/javascript", "icon.svg": "image/svg+xml"}
_ADDRESS = re.compile(r"https?://[^\s<>\"\u2066-\u2069]*[^\s<>\"\u2066-\u2069.,;:!?)]")
_PACKAGE = "gateway.carriers.simulated"


class Handset:
    """What the page shows: a network's phones, the hours of one zone, and a mark of this run of the gateway."""

    def __init__(self, network: SimulatedNetwork, zone: ZoneInfo, region: str) -> None:
        """`region` is where a number typed without a country code belongs (ISO 3166)."""
        self.network, self.zone, self.region = network, zone, region
        self.run = secrets.token_hex(4)
        self.samples: Mapping[str, list[str]] = tomllib.loads(_read("samples.toml"))
        self._pages = Environment(
            loader=PackageLoader(_PACKAGE),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._pages.globals |= {"handset": self, "languages": LANGUAGES, "longest": MAX_TEXT_LENGTH}
        self._pages.filters |= {"linked": _linked, "told": _told, "ids": ids}
        self._pages.tests["right_to_left"] = runs_right_to_left
        for number, name, language in FIRST_PHONES:
            network.phones.add(number, name, language)

    def render(self, template: str, **values: Any) -> str:
        return self._pages.get_template(template).render(**values)

    def page(self, problem: str = "", status: int = 200) -> Response:
        phones = self.network.phones
        html = self.render(
            "handset.html", phones=phones.shown(), problem=problem, full=len(phones.shown()) >= SHOWN_PHONES
        )
        return HTMLResponse(html, status, _HEADERS)

    def free_number(self) -> str:
        """Return a made-up number that no phone on the page has."""
        taken = {phone.number for phone in self.network.phones.shown()}
        return next(made for last in range(101, 9999) if (made := f"+92300000{last:04}") not in taken)


def _read(name: str) -> str:
    return (resources.files(_PACKAGE) / name).read_text(encoding="utf-8")


def _linked(body: str) -> Markup:
    """Return a text as HTML with its web addresses as links, each kept from turning the words around it about."""
    html, at = Markup(), 0
    for found in _ADDRESS.finditer(body):
        html += escape(body[at : found.start()])
        html += Markup('<a href="{0}" dir="ltr" target="_blank" rel="noopener noreferrer">{0}</a>').format(found[0])
        at = found.end()
    return html + escape(body[at:])


def _told(text: ScreenText) -> str:
    parts = text.parts
    return f"{parts.parts} {'part' if parts.parts == 1 else 'parts'} · {parts.encoding}"


def ids(phones: Sequence[Phone]) -> str:
    """Say which phones a page shows, in an address: by their ids, because numbers may not stand in one."""
    return ".".join(str(phone.id) for phone in phones)


def _handset(request: Request) -> Handset:
    handset: Handset = request.app.state.handset
    return handset


async def _fields(request: Request) -> dict[str, str]:
    form = await request.form(max_files=0, max_fields=20)
    return {name: value for name, value in form.items() if isinstance(value, str)}


def _done(request: Request, phone: Phone | None = None, problem: str = "") -> Response:
    """Answer a form: to the script in JSON, to a browser without it with the page."""
    if request.headers.get("accept", "").startswith("application/json"):
        return JSONResponse({"problem": problem}, 422 if problem else 200, _HEADERS)
    if problem:
        return _handset(request).page(problem, 422)
    return RedirectResponse(f"/handset#phone-{phone.id}" if phone else "/handset", 303, _HEADERS)


@router.get("")
async def page(request: Request) -> Response:
    """The page with every phone as it stands."""
    return _handset(request).page()


@router.post("/texts")
async def text(request: Request) -> Response:
    """Text the gateway from one phone: `number` and `body`."""
    handset = _handset(request)
    fields = await _fields(request)
    number, body = fields.get("number", ""), fields.get("body", "")
    body = body.replace("\r\n", "\n")  # forms send a line's end as two signs, phones as one
    phone = handset.network.phones.get(number)
    if phone is None or not phone.shown:
        return _done(request, problem="That phone is not on this page any more.")
    if not body.strip():
        return _done(request, problem="Type a text first.")
    if len(body) > MAX_TEXT_LENGTH:
        return _done(request, problem=f"A text holds {MAX_TEXT_LENGTH} letters at most; this has {len(body)}.")
    await handset.network.text(number, body)
    return _done(request, phone)


@router.post("/phones")
async def add_phone(request: Request) -> Response:
    """Put one more phone on the page: `number` (made up if empty), `name` and `language`."""
    handset = _handset(request)
    fields = await _fields(request)
    typed, name = fields.get("number", "").strip(), " ".join(fields.get("name", "").split())[:40]
    language = fields.get("language", "en") if fields.get("language") in LANGUAGES else "en"
    phones = handset.network.phones
    if len(phones.shown()) >= SHOWN_PHONES:
        return _done(request, problem=f"The page holds {SHOWN_PHONES} phones; remove one first.")
    number = read_sender(typed, handset.region).e164 if typed else handset.free_number()
    if number is None:
        return _done(request, problem="That is not a phone number; write it like +92 300 0000123, or leave it empty.")
    if (known := phones.get(number)) and known.shown:
        return _done(request, problem=f"{number} is on the page already, as {known.name}.")
    return _done(request, phones.add(number, name or f"Phone {len(phones.shown()) + 1}", language))


@router.post("/phones/removed")
async def remove_phone(request: Request) -> Response:
    """Take the phone `number` off the page."""
    _handset(request).network.phones.remove((await _fields(request)).get("number", ""))
    return _done(request)


@router.post("/conditions")
async def set_conditions(request: Request) -> Response:
    """Make the network slow or lossy: `delay` in seconds (0 to 60), `loss` in per cent."""
    fields = await _fields(request)
    try:
        delay, loss = float(fields.get("delay") or 0), float(fields.get("loss") or 0)
    except ValueError:
        return _done(request, problem="Delay and loss are numbers.")
    if not (0 <= delay <= 60 and 0 <= loss <= 100):
        return _done(request, problem="A delay is 0 to 60 seconds, a loss 0 to 100 per cent.")
    _handset(request).network.conditions = Conditions(delay, loss / 100)
    return _done(request)


@router.post("/parts")
async def parts(request: Request) -> Response:
    """Count the parts of `body` while it is being typed."""
    counted = count_parts((await _fields(request)).get("body", "").replace("\r\n", "\n"))
    told = {"parts": counted.parts, "encoding": counted.encoding, "left": counted.units_left}
    return JSONResponse(told, headers=_HEADERS)


@router.get("/news")
async def news(request: Request, run: str = "", since: int = 0, phones: str = "") -> Response:
    """Return what changed on the page since the network's count stood at `since`, as HTML of each text.

    `again` says that the page is of another run, or shows other phones, and must be loaded anew.
    """
    handset = _handset(request)
    book = handset.network.phones
    if run != handset.run or phones != ids(book.shown()):
        return JSONResponse({"again": True}, headers=_HEADERS)
    texts = [
        {"id": text.id, "phone": phone.id, "html": handset.render("text.html", text=text)}
        for phone, text in book.changed_since(since)
    ]
    return JSONResponse({"again": False, "count": book.count, "texts": texts}, headers=_HEADERS)


@router.get("/{name}")
async def static(name: str) -> Response:
    """Style, script and icon of the page."""
    kind = _STATIC.get(name)
    if kind is None:
        return Response("There is no such file.\n", 404, media_type="text/plain")
    return Response(_read(f"static/{name}"), media_type=kind, headers=_HEADERS | {"Cache-Control": "no-cache"})
