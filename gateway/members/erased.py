"""What stays of a number after ERASE: a keyed hash, so that an opt-out outlives the person's data."""

import hashlib
from collections.abc import Callable, Iterable, Mapping

from sqlalchemy import select

from gateway.bulk import among, values
from gateway.pipeline import Pipeline
from gateway.tables import Sender

_senders = Sender.__table__
_STOPPED = select(_senders.c.key).where(among(_senders.c.key, "keys"), _senders.c.consent == "stopped")


def erased_key(number: str, secret: bytes) -> str:
    """Return the key under which a number's opt-out stays after ERASE: a keyed hash that cannot be looked up."""
    return "erased:" + hashlib.blake2b(number.encode(), key=secret, digest_size=32).hexdigest()


def erased_and_stopped(pipeline: Pipeline, numbers: Iterable[str], secret: bytes) -> Callable[[], frozenset[str]]:
    """Ask for those of the numbers that were erased while they were stopped; the answer comes when it is called for."""
    ghosts: Mapping[str, str] = {erased_key(number, secret): number for number in numbers}
    found = pipeline.run(_STOPPED, {"keys": values(ghosts)})
    return lambda: frozenset(ghosts[row.key] for row in found.all())
