"""Forms as they come in: bounded, from our own pages only, and acted on once."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import urlsplit

from fastapi import Request
from sqlalchemy import Connection, Engine
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException

from gateway.console.shell import Visit, console_of, visit_of
from gateway.console.tokens import CSRF_FIELD, ONCE_FIELD, led_to, spend, sweep_tokens
from gateway.database import writing

MAX_FORM_BYTES = 128 * 1024
MAX_UPLOAD_BYTES = 12 * 1024 * 1024
_MAX_FIELDS = 400
_HERE = frozenset({"127.0.0.1", "localhost", "::1"})


class BadRequest(Exception):
    """The form cannot be read, or is not from our own page; `key` is the wording of why."""

    def __init__(self, key: str, status: int = 400) -> None:
        super().__init__(key)
        self.key, self.status = key, status


@dataclass
class Form:
    """The fields of one form. Text comes with its line ends as phones write them, without the nulls that no database
    takes."""

    fields: FormData
    token: str
    engine: Engine
    _leads_to: str = field(default="", init=False)

    def text(self, name: str, most: int = 2_000) -> str:
        """Return a field, without blanks around it, cut to `most` letters; "" if it is missing."""
        return self.raw(name).strip()[:most]

    def raw(self, name: str) -> str:
        """Return a field as it was typed, such as a password."""
        value = self.fields.get(name, "")
        return value.replace("\r\n", "\n").replace("\x00", "") if isinstance(value, str) else ""

    def all(self, name: str) -> list[str]:
        """Return every value of a field, such as of ticked boxes, without the empty ones."""
        found = [one.strip() for one in self.fields.getlist(name) if isinstance(one, str)]
        return [one for one in found if one]

    def ticked(self, name: str) -> bool:
        return bool(self.raw(name))

    def number(self, name: str) -> int | None:
        """Return a whole number, or None if it is none (the page then says so)."""
        typed = self.text(name, 20)
        try:
            return int(typed)
        except ValueError:
            return None

    def file(self, name: str) -> UploadFile | None:
        """Return an uploaded file that has a name; None otherwise."""
        value = self.fields.get(name)
        return value if isinstance(value, UploadFile) and value.filename else None

    @contextmanager
    def acting(self) -> Iterator[Connection]:
        """One writing transaction for what this form does, once: a second copy of it (a double click, a reload) raises
        AlreadyDone, which every page answers with where the first one led.

        :raises BadRequest: the form has no once-token: the page lacks `{{ once() }}`
        """
        if not self.token:
            raise BadRequest("errors.form_old")
        now = datetime.now(UTC)
        with writing(self.engine) as connection:
            sweep_tokens(connection, now)
            spend(connection, self.token, now)
            yield connection
            if self._leads_to:
                led_to(connection, self.token, self._leads_to)

    def leads_to(self, path: str) -> None:
        """Inside `acting`: say where second copies of this form are sent, such as to what it made."""
        self._leads_to = path


def form_of(request: Request) -> Form:
    """The dependency of a POST route: its form, read and checked before the route runs."""
    form: Form | None = visit_of(request).form
    if form is None:
        raise BadRequest("errors.form_unread")
    return form


def check_origin(request: Request) -> None:
    """:raises BadRequest: the form was sent by a page of another site, as the browser tells it"""
    headers = request.headers
    if headers.get("sec-fetch-site", "same-origin") != "same-origin":
        raise BadRequest("errors.other_site", 403)
    origin = headers.get("origin")
    if origin is None:
        return
    own = console_of(request).settings.public_base_url
    theirs, here = _split(origin), _split(f"//{headers.get('host', '')}")
    on_this_machine = theirs[1] == here[1] and urlsplit(origin).hostname in _HERE and theirs[0] == "http"
    if theirs != _split(own) and not on_this_machine:
        raise BadRequest("errors.other_site", 403)


def _split(address: str) -> tuple[str, str]:
    try:
        parts = urlsplit(address)
        return parts.scheme, parts.netloc.lower()
    except ValueError:
        return "", ""


async def read_form(request: Request, visit: Visit) -> Form:
    """Read a form that is not too long and carries the token of this browser.

    :raises BadRequest: too long, of another kind, or without the token
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in ("application/x-www-form-urlencoded", "multipart/form-data"):
        raise BadRequest("errors.form_unread", 415)
    most = MAX_UPLOAD_BYTES if kind == "multipart/form-data" and visit.viewer else MAX_FORM_BYTES
    length = request.headers.get("content-length", "")
    if not (length.isascii() and length.isdecimal()):
        raise BadRequest("errors.form_unread", 411)
    if int(length) > most:
        raise BadRequest("errors.form_long", 413)
    try:
        fields = await request.form(max_files=4, max_fields=_MAX_FIELDS, max_part_size=MAX_FORM_BYTES)
    except (MultiPartException, ValueError, UnicodeError):
        raise BadRequest("errors.form_unread") from None
    except Exception as error:
        if getattr(error, "status_code", 0) == 400:  # starlette's word for a form that it cannot read
            raise BadRequest("errors.form_unread") from None
        raise
    console = console_of(request)
    given, once = fields.get(CSRF_FIELD, ""), fields.get(ONCE_FIELD, "")
    if not isinstance(given, str) or not console.tokens.csrf_fits(visit.secret, given):
        raise BadRequest("errors.form_old", 403)
    if not isinstance(once, str) or (once and not console.tokens.once_fits(visit.secret, once)):
        raise BadRequest("errors.form_old", 403)
    return Form(fields, once, console.engine)
