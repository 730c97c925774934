"""What the pages of the settings share."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from fastapi import Request
from sqlalchemy import Connection

from gateway.accounts.viewer import Permission
from gateway.console.access import allowed
from gateway.console.forms import Form
from gateway.console.shell import console_of
from gateway.database import reading
from gateway.overrides.in_force import InForce, read_in_force
from gateway.overrides.store import hold
from gateway.replies.catalogue import LANGUAGES
from gateway.settings import Settings

PATH = "/console/settings"
CHANGES = allowed(Permission.CHANGE_SETTINGS)
LANGUAGE_NAMES = {"en": "English", "ur": "اردو", "ur-Latn": "Roman Urdu"}


def held_now(request: Request) -> InForce:
    """Return what is in force, also what was changed a moment ago."""
    service = console_of(request).service
    with reading(service.engine) as connection:
        return service.watch.look(connection)


def base_settings(request: Request) -> Settings:
    """Return the settings that this process runs with, without what is changed while it runs."""
    return console_of(request).service.watch.settings


@contextmanager
def changing(request: Request, form: Form, leads_to: str) -> Iterator[tuple[Connection, InForce, datetime]]:
    """One act of a form in which nobody else changes an override: its transaction, what is in force in it, and now."""
    with form.acting() as connection:
        form.leads_to(leads_to)
        hold(connection)
        yield connection, read_in_force(connection, base_settings(request)), datetime.now(UTC)


def language_choices() -> list[tuple[str, str]]:
    return [(language, LANGUAGE_NAMES[language]) for language in LANGUAGES]
