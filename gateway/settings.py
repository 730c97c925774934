"""The only reader of the environment. A bad or missing setting stops start-up with one sentence naming it."""

import hashlib
import secrets
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import phonenumbers
from pydantic import SecretStr, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from faults import Fault, FaultError, fault, plain
from gateway.rules.countries import read_prefixes
from gateway.rules.hook_address import LOOPBACK, Network, read_networks
from gateway.rules.hosts import is_host
from gateway.rules.prices import read_prices
from gateway.rules.sending_hours import SendingHours

_LOOPBACK = {"127.0.0.1", "localhost", "::1"}
SIMULATED_ACCOUNT_SID = "AC" + "0" * 32


class SettingsError(Exception):
    """A setting is bad or missing; the message is one sentence that names it and the remedy, `fault` the remedy."""

    def __init__(self, sentence: str, fault: Fault | None = None) -> None:
        super().__init__(sentence)
        self.fault = fault or plain(sentence)


class Settings(BaseSettings):
    """Every setting, from the environment or from `.env`; `.env.example` explains each."""

    model_config = SettingsConfigDict(
        env_file=".env", env_file_encoding="utf-8", extra="ignore", frozen=True, env_ignore_empty=True
    )

    database_url: str = "sqlite:///var/jalsa.db"
    public_base_url: str = ""
    short_code: str = "80022"
    default_region: str = "PK"
    default_language: Literal["en", "ur", "ur-Latn"] = "en"
    time_zone: str = "Asia/Karachi"
    secret_key: SecretStr = SecretStr("")
    host: str = "127.0.0.1"
    port: int = 8000
    client_address_header: str = ""
    log_format: Literal["console", "json"] = "console"
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    vocabulary_files: Annotated[tuple[Path, ...], NoDecode] = ()
    triage_files: Annotated[tuple[Path, ...], NoDecode] = ()

    carrier: Literal["", "simulated", "twilio", "http", "smpp"] = ""
    twilio_account_sid: str = ""
    twilio_auth_token: SecretStr = SecretStr("")
    twilio_shared_keys: Annotated[dict[str, SecretStr], NoDecode] = {}
    twilio_api_base_url: str = ""
    twilio_messaging_service_sid: str = ""
    http_carrier_file: Path | None = None
    smpp_host: str = ""
    smpp_port: int = 2775
    smpp_system_id: str = ""
    smpp_password: SecretStr = SecretStr("")
    smpp_binds_file: Path | None = None

    parts_per_second: float = 100.0
    sending_hours: str = "09:00-21:00"
    carrier_routes: str = ""
    walking_router: Literal["", "osrm", "valhalla"] = ""
    walking_router_url: str = ""
    worker_in_serve: bool | None = None

    price_file: Path | None = None
    second_person_above: int = 500
    broadcast_daily_cap: int = 0
    schedule_grace_minutes: int = 30
    export_step_up_above: int = 200

    map_tiles_url: str = ""
    map_tiles_credit: str = "© OpenStreetMap contributors"
    hook_networks: str = ""

    allowed_prefixes: str = ""

    api_requests_per_minute: int = 600
    api_open_streams: int = 50

    @model_validator(mode="before")
    @classmethod
    def _own_address(cls, given: dict[str, object]) -> dict[str, object]:
        if not given.get("public_base_url"):
            given = given | {"public_base_url": f"http://127.0.0.1:{given.get('port', 8000)}"}
        return given

    @field_validator("vocabulary_files", "triage_files", mode="before")
    @classmethod
    def _split_paths(cls, value: object) -> object:
        return [part for part in value.split(":") if part] if isinstance(value, str) else value

    @field_validator("vocabulary_files", "triage_files")
    @classmethod
    def _readable(cls, value: tuple[Path, ...]) -> tuple[Path, ...]:
        for path in value:
            _must_be_there(path)
        return value

    @field_validator("http_carrier_file", "smpp_binds_file")
    @classmethod
    def _there(cls, value: Path | None) -> Path | None:
        if value is not None:
            _must_be_there(value)
        return value

    @field_validator("twilio_shared_keys", mode="before")
    @classmethod
    def _split_keys(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        pairs = [part.partition("=") for part in value.split(",") if part.strip()]
        if any(not (key.strip() and secret.strip()) for key, _, secret in pairs):
            raise ValueError("write it as keyid=secret, with commas between several")
        return {key.strip(): secret.strip() for key, _, secret in pairs}

    @field_validator("database_url")
    @classmethod
    def _known_database(cls, value: str) -> str:
        try:
            url = make_url(value)
        except ArgumentError:
            raise ValueError("write it as sqlite:///var/jalsa.db or postgresql://name:password@host/database") from None
        if url.get_backend_name() not in ("sqlite", "postgresql"):
            raise ValueError("it must begin with sqlite:/// or postgresql://")
        if url.get_backend_name() == "postgresql":
            url = url.set(drivername="postgresql+psycopg")
        return url.render_as_string(hide_password=False)

    @field_validator("public_base_url", "twilio_api_base_url", "walking_router_url")
    @classmethod
    def _http_address(cls, value: str) -> str:
        parts = urlsplit(value)
        whole = parts.scheme in ("http", "https") and is_host(parts.hostname or "")
        if value and (not whole or parts.query or parts.fragment):
            raise ValueError("write it as https://host or http://host:port, without a query")
        return value.rstrip("/")

    @field_validator("map_tiles_url")
    @classmethod
    def _a_tile_address(cls, value: str) -> str:
        parts = urlsplit(value)
        whole = all(one in value for one in ("{z}", "{x}", "{y}"))
        host_is_plain = not set(parts.netloc) & set("{}@,; '\"")
        if value and (parts.scheme not in ("http", "https") or not parts.hostname or not whole or not host_is_plain):
            raise ValueError("write it as https://tiles.example/{z}/{x}/{y}.png, without a subdomain to choose")
        return value

    @field_validator("port", "smpp_port")
    @classmethod
    def _a_port(cls, value: int) -> int:
        if not 1 <= value <= 65_535:
            raise ValueError("write a port from 1 to 65535, such as 8000")
        return value

    @field_validator("default_region")
    @classmethod
    def _known_region(cls, value: str) -> str:
        if value.upper() not in phonenumbers.SUPPORTED_REGIONS:
            raise ValueError("write a two-letter country code such as PK")
        return value.upper()

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError):
            raise ValueError("write a zone such as Asia/Karachi") from None
        return value

    @field_validator("short_code")
    @classmethod
    def _a_number(cls, value: str) -> str:
        digits = value.removeprefix("+")
        if not (digits.isdecimal() and value.isascii() and 3 <= len(digits) <= 15):
            raise ValueError("write the number that people text, such as 80022 or +12025550123")
        return value

    @field_validator("twilio_messaging_service_sid")
    @classmethod
    def _a_service_sid(cls, value: str) -> str:
        if value and not (len(value) == 34 and value.startswith("MG")):
            raise FaultError(fault("account.service_sid", "A Messaging Service SID is MG and 32 hex digits."))
        return value

    @field_validator("parts_per_second")
    @classmethod
    def _a_pace(cls, value: float) -> float:
        if not 0.01 <= value <= 100_000:
            raise FaultError(
                fault("setting.pace", "Write how many parts the carrier takes a second, such as 100 or 0.5.")
            )
        return value

    @field_validator("price_file")
    @classmethod
    def _a_price_list(cls, value: Path | None) -> Path | None:
        if value is not None:
            _must_be_there(value)
            try:
                read_prices(value.read_text("utf-8"))
            except (OSError, UnicodeDecodeError):
                raise ValueError(f"{value} cannot be read as text") from None
        return value

    @field_validator("second_person_above", "broadcast_daily_cap", "schedule_grace_minutes", "export_step_up_above")
    @classmethod
    def _not_negative(cls, value: int) -> int:
        if value < 0:
            raise FaultError(fault("setting.from_zero", "Write a whole number from 0 on."))
        return value

    @field_validator("allowed_prefixes")
    @classmethod
    def _prefixes(cls, value: str) -> str:
        read_prefixes(value, "PK")
        return value

    @field_validator("hook_networks")
    @classmethod
    def _networks(cls, value: str) -> str:
        read_networks(value)
        return value

    @field_validator("api_requests_per_minute", "api_open_streams")
    @classmethod
    def _from_one(cls, value: int) -> int:
        if not 1 <= value <= 1_000_000:
            raise ValueError("write a whole number from 1 on")
        return value

    @field_validator("sending_hours")
    @classmethod
    def _hours(cls, value: str) -> str:
        SendingHours.read(value)
        return value

    @field_validator("twilio_account_sid")
    @classmethod
    def _a_sid(cls, value: str) -> str:
        hex_part = value.removeprefix("AC")
        if value and not (
            len(value) == 34 and value.startswith("AC") and all(c in "0123456789abcdef" for c in hex_part)
        ):
            raise FaultError(fault("account.sid", "An Account SID is AC and 32 hex digits."))
        return value

    @model_validator(mode="after")
    def _whole(self) -> "Settings":
        if self.walking_router and not self.walking_router_url:
            raise ValueError("WALKING_ROUTER_URL is missing, though WALKING_ROUTER is set")
        if self.twilio_account_sid and not self.twilio_auth_token.get_secret_value():
            raise _lacks("TWILIO_AUTH_TOKEN", "TWILIO_ACCOUNT_SID")
        if self.twilio_auth_token.get_secret_value() and not self.twilio_account_sid:
            raise _lacks("TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN")
        if self.carrier == "twilio" and not self.twilio_account_sid:
            raise FaultError(
                fault(
                    "account.twilio", "TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN are missing, though CARRIER is twilio."
                )
            )
        if self.carrier == "http" and not self.http_carrier_file:
            raise ValueError("HTTP_CARRIER_FILE is missing, though CARRIER is http")
        if self.smpp_host and not self.smpp_system_id:
            raise _lacks("SMPP_SYSTEM_ID", "SMPP_HOST")
        if self.carrier == "smpp" and not self.smpp_set_up:
            raise FaultError(
                fault(
                    "account.smpp",
                    "SMPP_HOST and SMPP_SYSTEM_ID, or SMPP_BINDS_FILE, are missing, though CARRIER is smpp.",
                )
            )
        if self.simulated and urlsplit(self.public_base_url).hostname not in _LOOPBACK:
            raise ValueError(
                "CARRIER is simulated, whose /handset lets anyone text as anyone: "
                "set PUBLIC_BASE_URL to this machine (127.0.0.1) or set CARRIER=twilio with its credentials"
            )
        return self

    @property
    def text_prefixes(self) -> tuple[str, ...]:
        """How numbers begin that broadcasts go to; none: every country's."""
        return read_prefixes(self.allowed_prefixes, self.default_region)

    @property
    def simulated(self) -> bool:
        """Whether texts come from the handset page instead of a real carrier."""
        return self.first_carrier == "simulated"

    @property
    def first_carrier(self) -> str:
        """The carrier that CARRIER names, else the first one that is set up."""
        if self.carrier:
            return self.carrier
        if self.twilio_account_sid:
            return "twilio"
        if self.http_carrier_file:
            return "http"
        return "smpp" if self.smpp_set_up else "simulated"

    @property
    def smpp_set_up(self) -> bool:
        return self.smpp_binds_file is not None or bool(self.smpp_host)

    @property
    def account_sid(self) -> str:
        return self.twilio_account_sid or SIMULATED_ACCOUNT_SID

    @cached_property
    def auth_token(self) -> str:
        """The secret that webhooks are signed with; the simulated carrier's is derived from the secret key."""
        return self.twilio_auth_token.get_secret_value() or self.key_for("simulated carrier").hex()

    @property
    def runs_worker(self) -> bool:
        """Whether `jalsa serve` sends texts too: as set, else on SQLite and with simulated phones: one machine."""
        if self.worker_in_serve is not None:
            return self.worker_in_serve
        return self.simulated or make_url(self.database_url).get_backend_name() == "sqlite"

    @property
    def hook_allowed(self) -> tuple[Network, ...]:
        """The networks beside the public internet to which webhooks may go: those set, and a gateway that is itself
        reached on this machine alone may call this machine."""
        alone = urlsplit(self.public_base_url).hostname in _LOOPBACK
        return (*read_networks(self.hook_networks), *(LOOPBACK if alone else ()))

    def status_callback(self, outbound_id: int) -> str:
        """Return the address for receipts of one of our texts; it carries our id, so no receipt can come too early."""
        return f"{self.public_base_url}/webhooks/twilio/status?text={outbound_id}"

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    def key_for(self, purpose: str) -> bytes:
        """Return 32 bytes for one purpose (refs, erased numbers, cookies), so that none can be used for another."""
        return hashlib.blake2b(purpose.encode(), key=self._secret.encode()[:64], digest_size=32).digest()

    @property
    def audit_key(self) -> bytes:
        """What lines of the audit log are sealed with, for `make_engine`."""
        return self.key_for("audit log")

    @cached_property
    def _secret(self) -> str:
        given = self.secret_key.get_secret_value()
        if given:
            return given
        return _kept_secret(self.var_folder / "secret_key")

    @property
    def var_folder(self) -> Path:
        """Where this machine keeps what it made itself: beside the SQLite file, else `var/`."""
        url = make_url(self.database_url)
        if url.get_backend_name() == "sqlite" and url.database and url.database != ":memory:":
            return Path(url.database).parent
        return Path("var")


def _must_be_there(path: Path) -> None:
    try:
        found = path.is_file()
    except OSError:  # a name that is too long, a folder that nobody may read
        found = False
    if not found:
        raise ValueError(f"there is no file {path}")


def _kept_secret(path: Path) -> str:
    """Return the secret kept in a file that only we can read; make it on first use (two processes agree on one)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    if not path.exists():
        fresh.touch(mode=0o600)
        fresh.write_text(secrets.token_hex(32))
        try:
            path.hardlink_to(fresh)  # fails when another process was first: theirs counts
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
    return path.read_text().strip()


def load_settings(**overrides: object) -> Settings:
    """Read the settings; overrides are by field name.

    :raises SettingsError: one sentence that names the setting in the way that `.env` spells it
    """
    try:
        return Settings(**overrides)  # type: ignore[arg-type]
    except ValidationError as error:
        first = error.errors()[0]
        reason = first["msg"].removeprefix("Value error, ").removesuffix(".")
        name = "_".join(str(part) for part in first["loc"][:1]).upper()
        raise SettingsError(f"{name}: {reason}." if name else f"{reason}.", _fault_of(first)) from None


def _lacks(missing: str, there: str) -> FaultError:
    return FaultError(
        fault("account.lacks", "{missing} is missing, though {there} is set.", missing=missing, there=there)
    )


def _fault_of(found: ErrorDetails) -> Fault | None:
    raised = found.get("ctx", {}).get("error")
    if isinstance(raised, FaultError):
        return raised.fault
    match found["type"]:
        case "int_parsing" | "int_from_float" | "int_type":
            return fault("setting.whole_number", "Write a whole number.")
        case "float_parsing" | "float_type":
            return fault("setting.number", "Write a number.")
    return None
