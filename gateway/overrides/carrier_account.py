"""The account at a carrier, where organisers keep it here instead of in the environment. Every process uses a new one
within seconds; only from simulated phones to a real carrier, or back, takes a restart.

Secrets go in and never come out: what is stored is sealed with a key that is made of SECRET_KEY, pages show who set it
and when, and the audit log holds that it was changed, not to what.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import structlog
from pydantic import SecretStr
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from faults import Fault, fault, plain
from gateway.accounts.seal import SealBroken, sealer_from
from gateway.database import make_engine, reading
from gateway.outbox.consequences import lift_halt_in
from gateway.outbox.setup import ACCOUNT_SETTINGS
from gateway.overrides.limits import pinned, routes_from_or_say, with_values
from gateway.overrides.store import Override, OverrideError, current, find, put, values_of
from gateway.settings import Settings, SettingsError

log = structlog.get_logger()

KIND, SECRET = "account", "secret"
ACCOUNTS: Final = ACCOUNT_SETTINGS
SECRETS: Final = frozenset({"twilio_auth_token", "smpp_password"})


@dataclass(frozen=True, slots=True)
class AccountField:
    """One field of an account. `value` is empty for a secret; `state`: environment, stored, waiting, broken or none.

    waiting: stored, and used from the next start on, because it would begin or end the simulated phones; broken: sealed
    with another SECRET_KEY.
    """

    name: str
    secret: bool
    state: str
    value: str = ""
    changed_by: str = ""
    changed_at: datetime | None = None


def settings_at_start(settings: Settings) -> Settings:
    """Return the settings with the carriers' accounts that are stored. What the environment says wins.

    An account that cannot be used, or a database that does not answer, is logged and leaves the settings as they are.
    """
    engine = make_engine(settings.database_url)
    try:
        with reading(engine) as connection:
            stored = current(connection)
    except (SQLAlchemyError, OSError):
        return settings
    finally:
        engine.dispose()
    return with_accounts(settings, stored)


def with_accounts(settings: Settings, stored: Mapping[tuple[str, str], Override]) -> Settings:
    """Return the settings with the stored accounts; one that cannot be used is left out and logged."""
    for carrier in ACCOUNTS:
        try:
            values = _values(settings, stored, carrier)
            settings = with_values(settings, values) if values else settings
        except (SealBroken, SettingsError) as error:
            log.error("carrier_account_left_out", carrier=carrier, reason=str(error))  # noqa: TRY400
    return settings


def accounts_in_force(
    settings: Settings, stored: Mapping[tuple[str, str], Override]
) -> tuple[Settings, dict[tuple[str, str], Fault]]:
    """Return the settings with the stored accounts as they are now, and why one cannot be used, by kind and carrier.

    :param settings: those that this process was started with, perhaps with accounts that were stored then
    """
    problems: dict[tuple[str, str], Fault] = {}
    found = settings
    for carrier, names in ACCOUNTS.items():
        if any(pinned(settings, name) for name in names):
            continue
        bare = _without_account(found, carrier)
        try:
            values = _values(settings, stored, carrier)
            changed = with_values(bare, values) if values else bare
            routes_from_or_say(changed)
        except (SealBroken, SettingsError) as error:
            problems[(KIND, carrier)] = error.fault if isinstance(error, SettingsError) else plain(str(error))
        else:
            found = changed
    return (settings if found.simulated != settings.simulated else found), problems


def accounts_since(stored: Mapping[tuple[str, str], Override]) -> dict[str, datetime]:
    """Return since when each stored account is the one that it is (aware UTC); a new secret is the same account."""
    kept = values_of(stored, KIND)
    changed = {
        carrier: [kept[name].changed_at for name in names if name in kept] for carrier, names in ACCOUNTS.items()
    }
    return {carrier: max(moments) for carrier, moments in changed.items() if moments}


def account_fields(
    settings: Settings, stored: Mapping[tuple[str, str], Override], carrier: str
) -> tuple[AccountField, ...]:
    """Return what is known of each field.

    :param settings: those that this process runs with
    """
    return tuple(_field(settings, stored, name) for name in ACCOUNTS[carrier])


def set_account(
    connection: Connection, settings: Settings, carrier: str, written: Mapping[str, str], by: str, now: datetime
) -> bool:
    """Keep an account, in a transaction of `changing`; an empty secret keeps the one that is there. Whether it changed.

    :param settings: as the environment has them
    :raises OverrideError: the environment says some of it, or it is no whole account
    """
    names = _names(settings, carrier)
    stored = current(connection)
    values: dict[str, Any] = {}
    for name in names:
        given = written.get(name, "").strip()
        if name in SECRETS:
            values[name] = SecretStr(given) if given else _opened(settings, stored, name)
        elif given or name not in ("smpp_port",):
            values[name] = given
    try:
        checked = with_values(_without_account(settings, carrier), {**values, "carrier": carrier})
    except SettingsError as error:
        raise OverrideError(error.fault) from None
    changed = False
    for name in names:
        given = written.get(name, "").strip()
        if name in SECRETS:
            if given:
                put(connection, SECRET, name, sealer_from(settings).seal(given), by, now)
                changed = True
            continue
        value = getattr(checked, name)
        before = find(connection, KIND, name)
        after = put(connection, KIND, name, value or None, by, now)
        changed = changed or after.version != (before.version if before else 0)
    if changed:
        lift_halt_in(connection, carrier, now)  # what the old account was refused is no reason to hold the new one
    return changed


def forget_account(connection: Connection, settings: Settings, carrier: str, by: str, now: datetime) -> None:
    """Take a stored account away, in a transaction of `changing`.

    :raises OverrideError: the environment says it
    """
    for name in _names(settings, carrier):
        put(connection, SECRET if name in SECRETS else KIND, name, None, by, now)


def _names(settings: Settings, carrier: str) -> tuple[str, ...]:
    if carrier not in ACCOUNTS:
        raise OverrideError(
            fault(
                "account.no_carrier",
                "There is no account to keep for {carrier!r}; there are {accounts}.",
                carrier=carrier,
                accounts=", ".join(ACCOUNTS),
            )
        )
    names = ACCOUNTS[carrier]
    if said := [name.upper() for name in names if pinned(settings, name)]:
        raise OverrideError(
            fault("account.pinned", "{said} is set by the environment; change the account there.", said=", ".join(said))
        )
    return names


def _values(settings: Settings, stored: Mapping[tuple[str, str], Override], carrier: str) -> dict[str, Any]:
    names = ACCOUNTS[carrier]
    if any(pinned(settings, name) for name in names):
        return {}
    kept, secrets = values_of(stored, KIND), values_of(stored, SECRET)
    values: dict[str, Any] = {name: kept[name].value for name in names if name in kept}
    values |= {name: SecretStr(sealer_from(settings).open(secrets[name].value)) for name in names if name in secrets}
    return values


def _opened(settings: Settings, stored: Mapping[tuple[str, str], Override], name: str) -> SecretStr:
    one = values_of(stored, SECRET).get(name)
    try:
        return SecretStr(sealer_from(settings).open(one.value)) if one else SecretStr("")
    except SealBroken:
        return SecretStr("")


def _without_account(settings: Settings, carrier: str) -> Settings:
    """Return the settings as if nothing of this account stood in them."""
    bare = settings.model_copy(update={name: Settings.model_fields[name].default for name in ACCOUNTS[carrier]})
    object.__setattr__(bare, "__pydantic_fields_set__", set(settings.model_fields_set))  # what the environment says
    bare.__dict__.pop("auth_token", None)
    return bare


def _field(settings: Settings, stored: Mapping[tuple[str, str], Override], name: str) -> AccountField:
    secret = name in SECRETS
    running = getattr(settings, name)
    if pinned(settings, name):
        return AccountField(name, secret, "environment", "" if secret else str(running))
    one = values_of(stored, SECRET if secret else KIND).get(name)
    if one is None:
        return AccountField(name, secret, "none")
    if not secret:
        state = "stored" if one.value == running else "waiting"
        return AccountField(name, False, state, str(one.value), one.changed_by, one.changed_at)
    try:
        same = sealer_from(settings).open(one.value) == running.get_secret_value()
    except SealBroken:
        return AccountField(name, True, "broken", "", one.changed_by, one.changed_at)
    return AccountField(name, True, "stored" if same else "waiting", "", one.changed_by, one.changed_at)
