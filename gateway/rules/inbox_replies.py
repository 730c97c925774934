"""When a reply that staff write may leave, and who gets none. Pure.

A person who asked gets the answer at any hour: within `ASKED_WITHIN` of their own last text a reply leaves at once, as
the answer to a text does. Later it is news that we start, and waits for sending hours. Who texted STOP gets no reply at
all, whatever they text after it: only START or JOIN bring our texts back.
"""

from datetime import datetime, timedelta, tzinfo

from gateway.rules.sending_hours import SendingHours, next_allowed

ASKED_WITHIN = timedelta(hours=24)


def refusal(key: str, consent: str, number_state: str) -> str | None:
    """Return why a sender gets no reply ("no_number", "stopped", "dead"); None where they may be texted."""
    if not key.startswith("+"):
        return "no_number"
    if consent == "stopped":
        return "stopped"
    return "dead" if number_state == "dead" else None


def leaves_at(now: datetime, last_text_at: datetime | None, hours: SendingHours, zone: tzinfo) -> datetime:
    """Return the first moment at which a reply may leave, as aware UTC.

    :param now: aware
    :param last_text_at: when the person last texted us (aware); None if that is not known
    """
    asked = last_text_at is not None and now - last_text_at < ASKED_WITHIN
    return next_allowed(now, hours, zone, urgent=asked)
