"""From settings to what a worker stands on: carriers, routes, paces, hours."""

from datetime import UTC, datetime
from math import ceil

from gateway.carriers.base import Carrier
from gateway.outbox.claim import MOST_PARTS, Terms
from gateway.outbox.lanes_waiting import ZoneOf
from gateway.rules.carrier_routes import Route, read_routes
from gateway.rules.pace import Pace
from gateway.rules.sending_hours import SendingHours
from gateway.settings import Settings


def utc_now() -> datetime:
    return datetime.now(UTC)


def carrier_names(settings: Settings) -> tuple[str, ...]:
    """Return the carriers that these settings set up, the one used first, first."""
    return ("simulated",) if settings.simulated else ("twilio",)


def carriers_from(settings: Settings) -> dict[str, Carrier]:
    """Return every carrier that these settings set up, by name."""
    made: dict[str, Carrier] = {}
    for name in carrier_names(settings):
        if name == "simulated":
            from gateway.carriers.simulated.sender import SimulatedCarrier

            made[name] = SimulatedCarrier()
        else:
            from gateway.carriers.twilio.sender import TwilioAccount, TwilioCarrier

            account = TwilioAccount(
                settings.account_sid,
                settings.auth_token,
                settings.short_code,
                settings.twilio_messaging_service_sid,
                settings.twilio_api_base_url,
            )
            made[name] = TwilioCarrier(account, settings.status_callback)
    return made


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
