"""From settings to how reports tell people."""

from gateway.outbox.setup import routes_from
from gateway.replies.catalogue import Catalogue, load_catalogue
from gateway.reports.notices import Notifier
from gateway.rules.sending_hours import SendingHours
from gateway.settings import Settings


def notifier_from(settings: Settings, catalogue: Catalogue | None = None) -> Notifier:
    """Return how texts about reports are worded and when they may leave.

    :param settings: with what organisers have changed, as `overrides.in_force` has them
    :param catalogue: the replies in force; the packaged ones where it is left out
    :raises ValueError: CARRIER_ROUTES names a carrier that is not set up
    """
    return Notifier(
        catalogue=catalogue or load_catalogue(),
        routes=routes_from(settings),
        hours=SendingHours.read(settings.sending_hours),
        zone=settings.zone,
        default_language=settings.default_language,
    )
