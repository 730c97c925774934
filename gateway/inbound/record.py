"""Record, decide, commit: a group of received texts in one transaction, each with its effects and its one reply.

Nothing is answered before the commit. A text that was handled before gets its stored reply and has no second effect.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from gateway.carriers.received import Answer, ReceivedText
from gateway.database import reading, writing
from gateway.inbound.conclusion import log_failure
from gateway.inbound.group import Group
from gateway.inbound.reference import Reference

log = structlog.get_logger()

_TWICE_AT_ONCE = {"40001", "40P01"}  # PostgreSQL: serialization failure, deadlock; the group is run again


class DatabaseUnavailable(Exception):
    """The database could not commit: nothing is on record, and the carrier must send the texts again."""


@dataclass(frozen=True)
class Recorder:
    """All that recording a group needs. One per process; used by one thread at a time."""

    engine: Engine
    reference: Callable[[], Reference]
    refs: Callable[[int], Sequence[str]]
    """Reserves report refs; those not used are given back by `return_refs`."""
    return_refs: Callable[[Iterable[str]], None]
    erasing_key: bytes
    default_region: str

    def record(self, texts: Sequence[ReceivedText], now: datetime) -> list[Answer | None]:
        """Return the answer to each text, in order; None for one that could not be kept.

        A text that breaks the group is found by trying one by one; it is kept, flagged and answered with help.

        :param now: aware UTC
        :raises DatabaseUnavailable: the database is locked, full or gone; nothing was recorded
        """
        try:
            return list(self._record_group(texts, now))
        except DatabaseUnavailable:
            raise
        except Exception as error:
            log.warning("group_failed", texts=len(texts), error=type(error).__name__)
        return [self._record_alone(text, now) for text in texts]

    def _record_alone(self, text: ReceivedText, now: datetime) -> Answer | None:
        try:
            return self._record_group([text], now)[0]
        except DatabaseUnavailable:
            return None
        except Exception as error:
            log_failure("text_flagged", text, error)
        try:
            return self._record_group([text], now, broken=True)[0]
        except Exception as error:
            log_failure("text_not_kept", text, error)
            return None

    def _record_group(self, texts: Sequence[ReceivedText], now: datetime, *, broken: bool = False) -> list[Answer]:
        reference = self.reference()
        refs = list(self.refs(len(texts)))
        for attempt in range(3):
            group = Group(texts, refs, reference, self.erasing_key, self.default_region, now, broken)
            try:
                if self.engine.dialect.name == "sqlite":
                    with reading(self.engine) as connection:
                        group.foresee(connection)
                with writing(self.engine) as connection:
                    answers = group.run(connection)
            except (OperationalError, InterfaceError) as error:
                if getattr(error.orig, "sqlstate", None) in _TWICE_AT_ONCE and attempt < 2:
                    continue
                log.warning("database_unavailable", error=type(error.orig).__name__)
                raise DatabaseUnavailable from error
            except DBAPIError as error:
                if error.connection_invalidated:
                    raise DatabaseUnavailable from error
                raise
            self.return_refs(ref for ref in refs if ref not in group.used_refs)
            return answers
        raise DatabaseUnavailable
