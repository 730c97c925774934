"""From settings to how reports tell people."""

from gateway.outbox.setup import routes_from
from gateway.replies.catalogue import load_catalogue
from gateway.reports.notices import Notifier
from gateway.rules.sending_hours import SendingHours
from gateway.settings import Settings


def notifier_from(settings: Settings) -> Notifier:
    """Return how texts about reports are worded and when they may leave.

    :raises ValueError: CARRIER_ROUTES names a carrier that is not set up
    """
    return Notifier(
        catalogue=load_catalogue(),
        routes=routes_from(settings),
        hours=SendingHours.read(settings.sending_hours),
        zone=settings.zone,
        default_language=settings.default_language,
    )
