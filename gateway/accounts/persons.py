"""Which person stands behind a login: behind that of an API key its owner, however many keys they have."""

from typing import Any

from sqlalchemy import Connection, select

from faults import FaultError, Term, fault
from gateway.accounts.viewer import ADMIN, ORGANISER
from gateway.tables import ApiKey, Staff

KEY_LOGIN = "key:"
"""How the logins of API keys begin; no login of the staff has a colon."""
DECIDING_ROLES = (ADMIN, ORGANISER)
"""Who may decide about broadcasts and own keys."""

_staff, _keys = Staff.__table__, ApiKey.__table__


class NotDeciding(FaultError):
    """Nobody who may decide stands behind a login; the fault says why."""


def deciding(connection: Connection, login: str) -> Any:
    """Return the row of the staff who stands behind a login, theirs or that of a key of theirs.

    :raises NotDeciding: nobody does, or somebody who is disabled or of the field
    """
    if not login.startswith(KEY_LOGIN):
        return _active(connection.execute(select(_staff).where(_staff.c.login == login)).first(), login)
    key = connection.execute(select(_keys).where(_keys.c.name == login.removeprefix(KEY_LOGIN))).first()
    if key is None or key.revoked_at is not None:
        raise NotDeciding(fault("broadcast.no_key", "There is no API key {login!r} that holds.", login=login))
    if key.owner_id is None:
        nobody = fault(
            "broadcast.key_of_nobody",
            "The key {login!r} belongs to nobody: jalsa keys own NAME --as LOGIN says whose it is.",
            login=login,
        )
        raise NotDeciding(nobody)
    owner = connection.execute(select(_staff).where(_staff.c.id == key.owner_id)).one()
    return _active(owner, owner.login)


def _active(row: Any, login: str) -> Any:
    if row is None or not row.active:
        raise NotDeciding(fault("broadcast.no_login", "There is no login {login!r}.", login=login))
    if row.role not in DECIDING_ROLES:
        no_role = fault(
            "broadcast.role",
            "{login} is {role} staff, who do not decide about broadcasts.",
            login=login,
            role=Term("role", row.role),
        )
        raise NotDeciding(no_role)
    return row


def person_of(connection: Connection, login: str) -> str | None:
    """Return the staff login of who stands behind a login; None behind a key that belongs to nobody."""
    if not login.startswith(KEY_LOGIN):
        return login
    owned = select(_staff.c.login).join(_keys, _keys.c.owner_id == _staff.c.id)
    return connection.execute(owned.where(_keys.c.name == login.removeprefix(KEY_LOGIN))).scalar()


def are_two_persons(connection: Connection, one: str, other: str) -> bool:
    """Whether two logins surely belong to two persons; of a key that belongs to nobody that is never sure."""
    first, second = person_of(connection, one), person_of(connection, other)
    return first is not None and second is not None and first != second
