"""What a broadcast stands on beside its draft: routes, pace, hours, prices and the limits that the settings name."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from zoneinfo import ZoneInfo

from gateway.outbox.setup import routes_from
from gateway.rules.carrier_routes import Route
from gateway.rules.prices import Prices, read_prices
from gateway.rules.sending_hours import SendingHours
from gateway.settings import Settings


@dataclass(frozen=True)
class BroadcastTerms:
    """`prefixes`: how numbers begin that broadcasts go to, none for every country; `grace`: how late a schedule may
    still strike."""

    zone: ZoneInfo
    default_language: str
    routes: Sequence[Route]
    parts_per_second: float
    hours: SendingHours
    prices: Prices = field(default_factory=Prices)
    prefixes: tuple[str, ...] = ()
    second_person_above: int = 500
    daily_cap: int = 0
    grace: timedelta = timedelta(minutes=30)


def broadcast_terms(settings: Settings) -> BroadcastTerms:
    """Return what these settings say.

    :raises ValueError: PRICE_FILE is no price list, or CARRIER_ROUTES names a carrier that is not set up
    """
    return BroadcastTerms(
        zone=settings.zone,
        default_language=settings.default_language,
        routes=routes_from(settings),
        parts_per_second=settings.parts_per_second,
        hours=SendingHours.read(settings.sending_hours),
        prices=read_prices(settings.price_file.read_text("utf-8")) if settings.price_file else Prices(),
        prefixes=settings.text_prefixes,
        second_person_above=settings.second_person_above,
        daily_cap=settings.broadcast_daily_cap,
        grace=timedelta(minutes=settings.schedule_grace_minutes),
    )
