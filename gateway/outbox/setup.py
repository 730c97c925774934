"""From settings to what a worker stands on: carriers, routes, paces, hours."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from math import ceil
from typing import TYPE_CHECKING, Final

from pydantic import ValidationError

from gateway.carriers.base import Carrier
from gateway.outbox.claim import MOST_PARTS, Terms
from gateway.outbox.lanes_waiting import ZoneOf
from gateway.rules.carrier_routes import Route, read_routes
from gateway.rules.pace import Pace
from gateway.rules.sending_hours import SendingHours
from gateway.settings import Settings, SettingsError

if TYPE_CHECKING:
    from gateway.carriers.http.profile import Profile


def utc_now() -> datetime:
    return datetime.now(UTC)


def carrier_names(settings: Settings) -> tuple[str, ...]:
    """Return the carriers that these settings set up, the one used first, first."""
    first = settings.first_carrier
    set_up = {
        "twilio": bool(settings.twilio_account_sid),
        "http": settings.http_carrier_file is not None,
        "smpp": settings.smpp_set_up,
    }
    return (first, *(name for name, there in set_up.items() if there and name != first))


ACCOUNT_SETTINGS: Final[Mapping[str, tuple[str, ...]]] = {
    "twilio": ("twilio_account_sid", "twilio_auth_token", "twilio_messaging_service_sid"),
    "smpp": ("smpp_host", "smpp_port", "smpp_system_id", "smpp_password"),
}
"""The settings that are an account at a carrier."""


def account_of(settings: Settings, name: str) -> tuple[object, ...]:
    """Return the account that a carrier is made of, to be compared."""
    return tuple(getattr(settings, field) for field in ACCOUNT_SETTINGS.get(name, ()))


def make_carrier(settings: Settings, name: str) -> Carrier:
    """:raises SettingsError: a settings file of it is wrong; one sentence"""
    return _MAKERS[name](settings)


def carriers_from(settings: Settings) -> dict[str, Carrier]:
    """Return every carrier that these settings set up, by name.

    :raises SettingsError: a settings file of one of them is wrong; one sentence
    """
    return {name: make_carrier(settings, name) for name in carrier_names(settings)}


def _simulated(_settings: Settings) -> Carrier:
    from gateway.carriers.simulated.sender import SimulatedCarrier

    return SimulatedCarrier()


def _twilio(settings: Settings) -> Carrier:
    from gateway.carriers.twilio.sender import TwilioAccount, TwilioCarrier

    account = TwilioAccount(
        settings.account_sid,
        settings.auth_token,
        settings.short_code,
        settings.twilio_messaging_service_sid,
        settings.twilio_api_base_url,
    )
    return TwilioCarrier(account, settings.status_callback)


def http_profile(settings: Settings) -> "Profile | None":
    """Return what the settings file of the HTTP carrier says, None where there is none.

    :raises SettingsError: the file is wrong; one sentence that names the setting and the key
    """
    from gateway.carriers.http.profile import ProfileError, read_profile

    if settings.http_carrier_file is None:
        return None
    try:
        return read_profile(settings.http_carrier_file)
    except ProfileError as error:
        raise SettingsError(f"HTTP_CARRIER_FILE: {error}.") from None


def _http(settings: Settings) -> Carrier:
    from gateway.carriers.http.sender import HttpCarrier

    profile = http_profile(settings)
    assert profile is not None
    return HttpCarrier(profile, settings.short_code, settings.public_base_url)


def _smpp(settings: Settings) -> Carrier:
    from gateway.carriers.checked import first_mistake
    from gateway.carriers.smpp.binds import Bind, BindsError, read_binds
    from gateway.carriers.smpp.sender import SmppCarrier

    if settings.smpp_binds_file is not None:
        try:
            return SmppCarrier(read_binds(settings.smpp_binds_file), settings.short_code)
        except BindsError as error:
            raise SettingsError(f"SMPP_BINDS_FILE: {error}.") from None
    try:
        bind = Bind(
            host=settings.smpp_host,
            port=settings.smpp_port,
            system_id=settings.smpp_system_id,
            password=settings.smpp_password,
        )
    except ValidationError as error:
        where, reason = first_mistake(error)
        raise SettingsError(f"SMPP_{where.upper()}: {reason}.") from None
    return SmppCarrier((bind,), settings.short_code)


_MAKERS: dict[str, Callable[[Settings], Carrier]] = {
    "simulated": _simulated,
    "twilio": _twilio,
    "http": _http,
    "smpp": _smpp,
}


def routes_from(settings: Settings) -> tuple[Route, ...]:
    """Return which carrier which prefix goes to.

    :raises ValueError: CARRIER_ROUTES names a carrier that is not set up
    """
    return read_routes(settings.carrier_routes, carrier_names(settings))


def terms_from(settings: Settings, worker: str) -> Terms:
    """Return what a worker of this name claims by."""
    pace = Pace(settings.parts_per_second, max(MOST_PARTS, ceil(settings.parts_per_second / 2)))
    return Terms(
        worker=worker,
        routes=routes_from(settings),
        paces=dict.fromkeys(carrier_names(settings), pace),
        hours=SendingHours.read(settings.sending_hours),
        zone_of=ZoneOf(settings.zone),
    )
