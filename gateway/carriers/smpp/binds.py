"""How each SMSC is reached and what it is like: SMPP_HOST and its companions for one, SMPP_BINDS_FILE for several."""

import re
import tomllib
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator

from gateway.carriers.checked import Host, first_mistake
from gateway.carriers.outcomes import MEANINGS

_LETTERS = r"^[\x20-\x7e]*$"
"""C-Octet Strings of SMPP 3.4 are ASCII, and end at a NUL (section 3.1)."""


class BindsError(ValueError):
    """The file cannot be used; one sentence that says what is wrong with it."""


class Bind(BaseModel):
    """One connection to an SMSC. docs/carriers.md says what each key is for."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(default="smsc", pattern=r"^[A-Za-z0-9_]{1,12}$")
    host: Host
    port: int = Field(default=2775, ge=1, le=65535)
    tls: bool = False
    system_id: str = Field(min_length=1, max_length=15, pattern=_LETTERS)
    password: SecretStr = SecretStr("")
    system_type: str = Field(default="", max_length=12, pattern=_LETTERS)
    source: str = Field(default="", max_length=20, pattern=_LETTERS)
    source_ton: int = Field(default=3, ge=0, le=255)
    source_npi: int = Field(default=0, ge=0, le=255)
    window: int = Field(default=10, ge=1, le=1000)
    wide_references: bool = False
    inbound_alphabet: Literal["gsm7", "latin-1", "ascii", "utf-8"] = "gsm7"
    receipt_ids: Literal["same", "decimal", "hex"] = "same"
    receipt_errors: dict[str, str] = {}
    enquire_link_s: float = Field(default=30.0, gt=0, le=600)
    response_timeout_s: float = Field(default=15.0, gt=0, le=30)

    @field_validator("receipt_errors")
    @classmethod
    def _known_meanings(cls, value: dict[str, str]) -> dict[str, str]:
        for code, meaning in value.items():
            if meaning not in MEANINGS:
                raise ValueError(f"{code} = {meaning}: write one of {', '.join(MEANINGS)}")
        return value

    @field_validator("password")
    @classmethod
    def _as_long_as_the_protocol_allows(cls, value: SecretStr) -> SecretStr:
        if len(value.get_secret_value()) > 8 or not re.fullmatch(_LETTERS, value.get_secret_value()):
            raise ValueError("an SMPP password has at most 8 signs, none of them outside ASCII")
        return value

    def answer_id(self, message_id: str) -> str:
        """Return the id of submit_sm_resp in the form that both sides are compared in."""
        return _number(message_id, {"decimal": 16, "hex": 10}.get(self.receipt_ids))

    def receipt_id(self, message_id: str) -> str:
        """Return the id of a receipt in that same form."""
        return _number(message_id, {"decimal": 10, "hex": 16}.get(self.receipt_ids))


def _number(message_id: str, base: int | None) -> str:
    if base is None:
        return message_id
    try:
        return str(int(message_id, base))
    except ValueError:
        return message_id


def read_binds(path: Path) -> tuple[Bind, ...]:
    """Return the binds of a TOML file with one table [[bind]] for each.

    :raises BindsError: it cannot be read, is no TOML, or a key is missing, unknown or wrong
    """
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BindsError(f"{path} cannot be read ({error.strerror})") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BindsError(f"{path} is no TOML file: {error}") from None
    tables = given.pop("bind", None)
    if given or not isinstance(tables, list) or not tables:
        raise BindsError(f"{path}: write one table [[bind]] for each connection, and nothing else")
    binds = []
    for number, table in enumerate(tables, 1):
        try:
            binds.append(Bind.model_validate(table))
        except ValidationError as error:
            where, reason = first_mistake(error)
            raise BindsError(f"{path}: bind {number}: {where + ': ' if where else ''}{reason}") from None
    if len({bind.name for bind in binds}) < len(binds):
        raise BindsError(f"{path}: give each bind a name of its own")
    return tuple(binds)
