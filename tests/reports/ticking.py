"""A process that does nothing but escalate reports, again and again, until it is killed: `python -m
tests.reports.ticking DATABASE_URL [halting]`. Says "ready" once it has begun; a halting one says "middle" and stands
still inside its second transaction, with steps written and not committed."""

import signal
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from sqlalchemy import Connection, Transaction

from gateway.database import make_engine
from gateway.reports.notices import Notifier
from gateway.reports.setup import notifier_from
from gateway.reports.ticks import escalate
from gateway.rules.conversation import Reply
from gateway.rules.report_staff import StaffMember
from tests.gateway.conftest import settings_for


def say(word: str) -> None:
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


@dataclass(frozen=True)
class HaltingNotifier(Notifier):
    """Tells people what belongs to the first transaction that it is asked in; in the next it waits to be killed."""

    first: list[Transaction | None] = field(default_factory=list)

    def tell_staff(
        self, connection: Connection, staff: Iterable[StaffMember], reply: Reply, now: datetime, *, urgent: bool
    ) -> int:
        self.first.append(connection.get_transaction())
        if self.first[-1] is not self.first[0]:
            say("middle")
            signal.pause()
        return super().tell_staff(connection, staff, reply, now, urgent=urgent)


def main(url: str, *words: str) -> None:
    settings = settings_for(url)
    engine, notifier = make_engine(settings.database_url), notifier_from(settings)
    if "halting" in words:
        notifier = HaltingNotifier(**vars(notifier))
    say("ready")
    while True:
        escalate(engine, notifier, datetime.now(UTC))
        time.sleep(0.01)


if __name__ == "__main__":
    main(*sys.argv[1:])
