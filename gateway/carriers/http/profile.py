"""The settings file of an HTTP carrier (HTTP_CARRIER_FILE), read and checked as a whole: docs/carriers.md has each key.

A mistake stops the start with one sentence that names the key.
"""

import re
import tomllib
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)

from gateway.carriers.checked import first_mistake
from gateway.carriers.http.template import check, strings_in, with_ones
from gateway.carriers.outcomes import MEANINGS
from gateway.rules.delivery_status import FINAL, TextState
from gateway.rules.hosts import is_host

SEND_PLACEHOLDERS = (
    "to", "to_digits", "from", "text", "text_hex", "id", "dlr_url", "encoding", "parts", "validity_s", "validity_min",
)  # fmt: skip
ANSWER_PLACEHOLDERS = ("reply", "id", "dlr_url", "encoding")
_NEEDED = (("to", "to_digits"), ("text", "text_hex"))
"""Of each of these one placeholder at least: a request without it sends nothing, or to nobody."""

Pattern = re.Pattern[str]
Word = Annotated[str, Field(min_length=1, max_length=120)]


def _a_pointer(value: str) -> str:
    if value and not value.startswith("/"):
        raise ValueError('a pointer begins with "/", such as /messages/0/id')
    return value


def _a_header_value(value: str) -> str:
    if not _HEADER_VALUE.fullmatch(value):
        raise ValueError("a header holds letters and signs of ASCII alone, and no line break")
    return value


def _header_lines(value: dict[str, str]) -> dict[str, str]:
    for name, words in value.items():
        if not _HEADER_NAME.fullmatch(name):
            raise ValueError(f'"{name[:40]}" is no name of a header')
        _a_header_value(words)
    return value


_ONE_WORD = re.compile(r"[^\x00-\x20\x7f]+")
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # a token of RFC 9110, section 5.6.2
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e]*")  # section 5.5, without octets that nobody reads alike
Pointer = Annotated[str, AfterValidator(_a_pointer)]
HeaderValue = Annotated[str, AfterValidator(_a_header_value)]
Headers = Annotated[dict[str, str], AfterValidator(_header_lines)]


class ProfileError(ValueError):
    """The settings file cannot be used; one sentence that says what is wrong with it."""


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


class Answer(_Table):
    """How the carrier's answer to a text is read, in this order: `errors` by its own code, then status and pattern."""

    accepted_status: tuple[int | str, ...] = ("200-299",)
    accepted_pattern: Pattern | None = None
    id_pattern: Pattern | None = None
    id_pointer: Pointer = ""
    error_pattern: Pattern | None = None
    error_pointer: Pointer = ""
    errors: dict[str, str] = {}
    statuses: dict[str, str] = {}

    @field_validator("errors", "statuses")
    @classmethod
    def _known_meanings(cls, value: dict[str, str]) -> dict[str, str]:
        return _meanings(value)

    @field_validator("accepted_status")
    @classmethod
    def _ranges(cls, value: tuple[int | str, ...]) -> tuple[int | str, ...]:
        for one in value:
            if not re.fullmatch(r"[1-5][0-9]{2}(?:-[1-5][0-9]{2})?", str(one)):
                raise ValueError(f"{one} is no status such as 200 or range such as 200-299")
        return value

    @field_validator("id_pattern", "error_pattern")
    @classmethod
    def _one_group(cls, value: re.Pattern[str] | None) -> re.Pattern[str] | None:
        if value is not None and value.groups != 1:
            raise ValueError("the pattern needs one pair of brackets around what is looked for")
        return value

    @property
    def gives_id(self) -> bool:
        return bool(self.id_pattern or self.id_pointer)

    def accepts(self, status: int) -> bool:
        for one in self.accepted_status:
            low, _, high = str(one).partition("-")
            if int(low) <= status <= int(high or low):
                return True
        return False


class Send(_Table):
    """The request that sends one text."""

    method: Literal["GET", "POST", "PUT"] = "GET"
    url: str
    query: dict[str, str] = {}
    form: dict[str, str] | None = None
    json_body: Any = Field(default=None, alias="json")
    body: str | None = None
    body_escape: Literal["none", "url", "xml", "json"] = "none"
    content_type: HeaderValue = ""
    headers: Headers = {}
    encodings: dict[Literal["GSM-7", "UCS-2"], str] = {"GSM-7": "GSM-7", "UCS-2": "UCS-2"}
    longest: int = Field(default=10, ge=1, le=255)
    connections: int = Field(default=50, ge=1, le=1000)
    timeout_s: float = Field(default=15.0, gt=0, le=30)

    @field_validator("url")
    @classmethod
    def _http_address(cls, value: str) -> str:
        try:
            parts = urlsplit(with_ones(value))
            good = parts.port != 0 and is_host(parts.hostname or "")
        except ValueError:  # a port that is none
            good = False
        if not good or parts.scheme not in ("http", "https") or not _ONE_WORD.fullmatch(value):
            raise ValueError("write it as https://host/path or https://host:port/path")
        return value

    @model_validator(mode="after")
    def _one_body(self) -> Self:
        given = [name for name, value in self._bodies() if value is not None]
        if len(given) > 1:
            raise ValueError(f"give only one of {', '.join(given)}")
        if given and self.method == "GET":
            raise ValueError('a GET has no body; set method = "POST" or use query')
        return self

    def _bodies(self) -> tuple[tuple[str, Any], ...]:
        return (("form", self.form), ("json", self.json_body), ("body", self.body))

    @property
    def templates(self) -> list[str]:
        trees = (self.url, self.query, self.form, self.json_body, self.body, self.headers)
        return [one for tree in trees for one in strings_in(tree)]


class Hmac(_Table):
    """A signature that the carrier puts in a header, over the raw body, or over the query string of a GET."""

    header: Annotated[str, Field(max_length=120, pattern=f"^{_HEADER_NAME.pattern}$")]
    secret: Annotated[SecretStr, Field(min_length=1)]
    algorithm: Literal["sha1", "sha256", "sha512"] = "sha256"
    over: Literal["body", "query"] = "body"
    encoding: Literal["hex", "base64"] = "hex"
    prefix: str = ""


class Inbound(_Table):
    """How what the carrier sends us is trusted, and how a person's text is found in it and answered.

    A field's name begins with "/" where it is a pointer inside an item of JSON or XML. `codings` says, by the value of
    the field `charset`, how the words are written: a charset, or "hex" and a charset.
    """

    secret: SecretStr
    networks: tuple[str, ...]
    hmac: Hmac | None = None
    items: Pointer = ""
    sender: Word = Field(alias="from")
    recipient: Word = Field(alias="to")
    text: Word
    id: str = ""
    time: str = ""
    charset: str = ""
    charset_name: str = "UTF-8"
    codings: dict[str, str] = {}
    udh: str = ""
    text_form: Literal["plain", "hex"] = "plain"
    reply: Literal["body", "queue"] = "queue"
    status: int = Field(default=200, ge=200, le=299)
    content_type: HeaderValue = "text/plain; charset=utf-8"
    headers: Headers = {}
    body: str = ""
    body_without_reply: str = ""
    encodings: dict[Literal["GSM-7", "UCS-2"], str] = {"GSM-7": "GSM-7", "UCS-2": "UCS-2"}

    @field_validator("codings")
    @classmethod
    def _known_charsets(cls, value: dict[str, str]) -> dict[str, str]:
        found = {}
        for coding, written in value.items():
            form, _, name = written.lower().rpartition(" ")
            if form not in ("", "plain", "hex"):
                raise ValueError(f'{coding} = {written}: write a charset, or "hex" and a charset')
            try:
                octets = "a".encode(name)
            except (LookupError, UnicodeError):
                raise ValueError(f"{coding} = {written}: there is no charset {name}") from None
            if form != "hex" and octets != b"a":
                raise ValueError(f'{coding} = {written}: such octets come in hex; write "hex {name}"')
            found[coding] = f"{form or 'plain'} {name}"
        return found

    @model_validator(mode="after")
    def _codings_of_a_field(self) -> Self:
        if self.codings and not self.charset:
            raise ValueError("codings need charset, the field whose values they are of")
        return self

    @field_validator("secret")
    @classmethod
    def _long(cls, value: SecretStr) -> SecretStr:
        if not re.fullmatch(r"[A-Za-z0-9_-]{16,128}", value.get_secret_value()):
            raise ValueError("write 16 to 128 letters, digits, - or _; it is part of the address")
        return value

    @field_validator("networks")
    @classmethod
    def _cidrs(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not value:
            raise ValueError('list the networks that the carrier calls from, or "0.0.0.0/0" and "::/0" for any')
        for one in value:
            try:
                ip_network(one)
            except ValueError:
                raise ValueError(f"{one} is no network such as 192.0.2.0/24") from None
        return value

    @model_validator(mode="after")
    def _an_id_from_somewhere(self) -> Self:
        if not self.id and not self.time:
            raise ValueError(
                "name the field of the carrier's id (id), or at least that of its time (time): without one of them "
                "a repeated request cannot be told from a person who texts the same words twice"
            )
        if self.reply == "body" and "{reply}" not in self.body:
            raise ValueError('reply = "body" needs {reply} in body')
        return self

    @property
    def cidrs(self) -> tuple[IPv4Network | IPv6Network, ...]:
        return tuple(ip_network(one) for one in self.networks)


class Receipts(_Table):
    """How a delivery receipt is found; our own id comes back in the address that `{dlr_url}` gave, or in `text`."""

    items: Pointer = ""
    text: str = "text"
    id: str = ""
    status: Word
    error: str = ""
    statuses: dict[str, str]
    errors: dict[str, str] = {}
    answer_status: int = Field(default=200, ge=200, le=299)
    body: str = ""
    content_type: HeaderValue = "text/plain; charset=utf-8"

    @field_validator("statuses")
    @classmethod
    def _known_states(cls, value: dict[str, str]) -> dict[str, str]:
        allowed = {str(one) for one in FINAL | {TextState.SENT}} - {str(TextState.SUPPRESSED)}
        for status, state in value.items():
            if state not in allowed:
                raise ValueError(f"{status} = {state}: write one of {', '.join(sorted(allowed))}")
        return value

    @field_validator("errors")
    @classmethod
    def _known_meanings(cls, value: dict[str, str]) -> dict[str, str]:
        return _meanings(value)


class Profile(_Table):
    """One HTTP carrier. `values` are further placeholders, such as the name and password of the account."""

    name: str = Field(default="http", max_length=20)
    values: dict[str, SecretStr] = {}
    send: Send
    answer: Answer = Answer()
    inbound: Inbound | None = None
    receipts: Receipts | None = None

    @model_validator(mode="after")
    def _known_placeholders(self) -> Self:
        for name in self.values:
            if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or name in SEND_PLACEHOLDERS:
                raise ValueError(f"values.{name}: write small letters, digits and _, and none of the built-in names")
        if self.inbound is None and self.receipts is not None:
            raise ValueError("receipts need the table inbound with secret and networks")
        used = set[str]()
        for template in self.send.templates:
            used |= check(template, (*SEND_PLACEHOLDERS, *self.values), "send")
        for names in _NEEDED:
            if used.isdisjoint(names):
                raise ValueError(f"send: {{{names[0]}}} stands nowhere in it, nor {{{names[1]}}}")
        if self.inbound:
            for template in (self.inbound.body, self.inbound.body_without_reply, *self.inbound.headers.values()):
                check(template, ANSWER_PLACEHOLDERS, "inbound")
        return self

    def dlr_url(self, base_url: str, text_id: int) -> str:
        """Return the address for receipts of one of our texts; empty where the file takes none."""
        if self.receipts is None or self.inbound is None:
            return ""
        secret = self.inbound.secret.get_secret_value()
        return f"{base_url}/webhooks/http/{secret}/receipt?{self.receipts.text}={text_id}"


def _meanings(value: dict[str, str]) -> dict[str, str]:
    for code, meaning in value.items():
        if meaning not in MEANINGS:
            raise ValueError(f"{code} = {meaning}: write one of {', '.join(MEANINGS)}")
    return value


def read_profile(path: Path) -> Profile:
    """Return what the file says.

    :raises ProfileError: it cannot be read, is no TOML, or a key is missing, unknown or wrong
    """
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ProfileError(f"{path} cannot be read ({error.strerror})") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ProfileError(f"{path} is no TOML file: {error}") from None
    try:
        return Profile.model_validate(given)
    except ValidationError as error:
        where, reason = first_mistake(error)
        raise ProfileError(f"{path}: {where + ': ' if where else ''}{reason}") from None
