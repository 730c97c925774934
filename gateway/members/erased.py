"""What stays of a number after ERASE: a keyed hash, so that an opt-out outlives the person's data."""

import hashlib
from collections.abc import Iterable, Mapping

from sqlalchemy import Connection, select

from gateway.bulk import among, values
from gateway.tables import Sender

_senders = Sender.__table__
_STOPPED = select(_senders.c.key).where(among(_senders.c.key, "keys"), _senders.c.consent == "stopped")


def erased_key(number: str, secret: bytes) -> str:
    """Return the key under which a number's opt-out stays after ERASE: a keyed hash that cannot be looked up."""
    return "erased:" + hashlib.blake2b(number.encode(), key=secret, digest_size=32).hexdigest()


def erased_and_stopped(connection: Connection, numbers: Iterable[str], secret: bytes) -> frozenset[str]:
    """Return those of the numbers that were erased while they were stopped."""
    ghosts: Mapping[str, str] = {erased_key(number, secret): number for number in numbers}
    return frozenset(ghosts[row.key] for row in connection.execute(_STOPPED, {"keys": values(ghosts)}))
