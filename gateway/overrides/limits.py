"""Settings that organisers may change while the gateway runs: hours, pace, routes, limits. The environment wins.

Each is checked by the validators of `gateway.settings`, as if it stood in the environment.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection

from faults import Fault, FaultError, fault
from gateway.outbox.setup import routes_from
from gateway.overrides.store import Override, OverrideError, put, values_of
from gateway.settings import Settings, SettingsError, load_settings

KIND = "setting"
LIVE: Final = (
    "sending_hours", "parts_per_second", "carrier_routes", "second_person_above", "broadcast_daily_cap",
    "schedule_grace_minutes", "allowed_prefixes",
)  # fmt: skip
"""Settings that hold within two seconds of the change, in every process."""


def pinned(settings: Settings, name: str) -> bool:
    """Whether the environment (or `.env`) says it, so that no stored value counts."""
    return name in settings.model_fields_set


def with_values(settings: Settings, values: Mapping[str, Any]) -> Settings:
    """Return settings with other values, checked as a whole.

    :raises SettingsError: one sentence that names the setting
    """
    if not values:
        return settings
    checked = load_settings(**(settings.model_dump() | dict(values)), _env_file=None)
    routes_from_or_say(checked)
    changed = settings.model_copy(update={name: getattr(checked, name) for name in values})
    object.__setattr__(changed, "__pydantic_fields_set__", set(settings.model_fields_set))  # what the environment says
    changed.__dict__.pop("auth_token", None)  # a property that was worked out from the old values
    return changed


def routes_from_or_say(settings: Settings) -> None:
    try:
        routes_from(settings)
    except FaultError as error:
        raise SettingsError(f"CARRIER_ROUTES: {error}", error.fault) from None


def limits_in_force(
    settings: Settings, stored: Mapping[tuple[str, str], Override]
) -> tuple[Settings, dict[tuple[str, str], Fault]]:
    """Return the settings with what is stored for them, and why what is stored cannot be used, by kind and key."""
    problems: dict[tuple[str, str], Fault] = {}
    for name, one in values_of(stored, KIND).items():
        if name not in LIVE or pinned(settings, name):
            continue
        try:
            settings = with_values(settings, {name: one.value})
        except SettingsError as error:
            problems[(KIND, name)] = error.fault
    return settings, problems


def set_limit(
    connection: Connection,
    settings: Settings,
    name: str,
    written: str | None,
    by: str,
    now: datetime,
    seen: int | None = None,
) -> Override:
    """Change one setting, or go back to the built-in (None), in a transaction of `changing`.

    :param settings: as the environment has them
    :raises OverrideError: it is none of these, the environment says it, or the value is not one
    """
    if name not in LIVE:
        raise OverrideError(
            fault(
                "setting.not_live",
                "{name} cannot be changed while the gateway runs; there are {live}.",
                name=name,
                live=", ".join(LIVE),
            )
        )
    if pinned(settings, name):
        raise OverrideError(
            fault("setting.pinned", "{name} is set by the environment; change it there.", name=name.upper())
        )
    value: Any = None
    if written is not None:
        try:
            value = getattr(with_values(settings, {name: written.strip()}), name)
        except SettingsError as error:
            raise OverrideError(error.fault) from None
    return put(connection, KIND, name, value, by, now, seen)
